"""Returned text -> its place in the source, in code points, or a reason why it has none.

What a model returns is only ever used to find a place; the value that is written is `source[start:end]`. A text is
looked for as it stands, then with script, width, case and white space folded, then with the words of the region
converted (網際網路 for 互联网), then with few edits (`grounding` in `data/assistance.yaml`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from jdextract.extraction.offsets import Simplified
from jdextract.extraction.script import detect, fold, simplify
from jdextract.llm.assistance import GroundingNumbers, load_assistance
from jdextract.llm.forms import Form, make_form
from jdextract.llm.fuzzy import search
from jdextract.records import Region, Span

How = Literal["verbatim", "folded", "converted", "fuzzy"]
# blank: too short to be a value; invented: nowhere in the source; example: copied from the prompt; spread: only as
# characters far apart; order: in the source, but not behind what comes before it, or taken by another value.
Reason = Literal["blank", "invented", "example", "spread", "order"]

_EDGE = " \n\t\r\u3000;；。，,、:：."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a returned text stands: `source[start:end]` of the span is the value. `edits`: 0 unless fuzzy."""

    span: Span
    how: How
    edits: int = 0


@dataclass(frozen=True, slots=True)
class Rejection:
    """A returned text that no value is made of."""

    text: str
    reason: Reason


class Taken:
    """Spans that hold a value already; they do not overlap."""

    def __init__(self, spans: Sequence[Span] = ()) -> None:
        self._spans = sorted(spans)

    def add(self, span: Span) -> None:
        insort(self._spans, span)

    def overlaps(self, span: Span) -> bool:
        at = bisect_left(self._spans, (span[1],))
        return at > 0 and self._spans[at - 1][1] > span[0]


class Grounder:
    """One source, against which any number of texts is held. `examples`: text of the prompt that may be copied."""

    def __init__(self, source: str, examples: str = "", numbers: GroundingNumbers | None = None) -> None:
        self.source, self._examples = source, examples
        self._numbers = numbers or load_assistance().grounding

    @cached_property
    def folded(self) -> str:
        """The source in Simplified and half width, in its own length."""
        return fold(self.source)

    @cached_property
    def _form(self) -> Form:
        return make_form(self.source)

    @cached_property
    def _simplified(self) -> Simplified:
        return simplify(self.source, self._region)

    @cached_property
    def _region(self) -> Region:
        return detect(self.source)[1]

    @cached_property
    def _converted(self) -> Form:
        return make_form(self._simplified.text)

    @cached_property
    def _example_form(self) -> Form:
        return make_form(self._examples)

    def find(self, text: str, within: Span | None = None) -> list[Place] | Rejection:
        """All places of a text inside a stretch of the source, in order, or why there is none.

        Places found without edits are all given, up to the bound; with edits the best of each stretch.
        """
        bare = text.strip(_EDGE)
        query = make_form(bare).text
        if sum(map(str.isalnum, query)) < self._numbers.shortest:
            return Rejection(text, "blank")
        low, high = within or (0, len(self.source))
        near = self._find_near(bare, query, low, high) or self._find_converted(bare, low, high)
        places = near or self._find_fuzzy(query, low, high)
        if not places:
            return Rejection(text, "example" if self._is_example(query) else "invented")
        longest = self._numbers.stretch * len(query) + self._numbers.slack
        close = [place for place in places if place.span[1] - place.span[0] <= longest]
        return close or Rejection(text, "spread")

    def _find_near(self, bare: str, query: str, low: int, high: int) -> list[Place]:
        spans = _find_all(self._form, query, low, high, self._numbers.most_places)
        return [Place(span, "verbatim" if self.source[slice(*span)] == bare else "folded") for span in spans]

    def _find_converted(self, text: str, low: int, high: int) -> list[Place]:
        """Places where source and text are equal in Simplified with the words of the mainland."""
        simple = self._simplified
        if not simple.blocks and simple.text == self.source:
            return []
        query = make_form(simplify(text, self._region).text).text
        if not query:
            return []
        spans = _find_all(self._converted, query, *simple.text_span(low, high), self._numbers.most_places)
        places = [Place(simple.source_span(*span), "converted") for span in spans]
        return [place for place in places if low <= place.span[0] and place.span[1] <= high]

    def _find_fuzzy(self, query: str, low: int, high: int) -> list[Place]:
        edits = self._numbers.edits(len(query))
        if not edits:
            return []
        form = self._form
        most = self._numbers.most_places
        found = search(query, form.text, form.index(low), form.index(high), edits, most, form.gap)
        return [Place(form.span(match.start, match.end), "fuzzy", match.distance) for match in found]

    def _is_example(self, query: str) -> bool:
        form, edits = self._example_form, self._numbers.edits(len(query))
        return query in form.text or bool(edits and search(query, form.text, 0, len(form.text), edits, 1))

    def place(
        self, texts: Sequence[str], within: Sequence[Span] | None = None, taken: Taken | None = None
    ) -> list[Place | Rejection]:
        """A place for each text of one kind, one behind the other, without overlap; else the reason.

        `within`: the stretch that each may stand in. `taken`: what holds a value already; the new places are added.
        As many texts as possible get a place; among equal choices those set off by marks, then the first.
        """
        taken = Taken() if taken is None else taken
        results: list[Place | Rejection] = []
        options: list[list[Place]] = []
        for i, text in enumerate(texts):
            found = self.find(text, within[i] if within else None)
            results.append(found if isinstance(found, Rejection) else Rejection(text, "order"))
            free = [] if isinstance(found, Rejection) else [p for p in found if not taken.overlaps(p.span)]
            options.append(free)
        for i, place in _chain([[(p, self._merit(p)) for p in free] for free in options]).items():
            results[i] = place
            taken.add(place.span)
        return results

    def _merit(self, place: Place) -> int:
        """A place counts 100; less for each edit, more for a mark on either side."""
        return 100 + self.set_off(place.span) + (place.how == "verbatim") - min(place.edits, 50)

    def set_off(self, span: Span) -> int:
        """On how many sides no letter or digit follows: 0 to 2."""
        start, end = span
        before = start == 0 or not self.source[start - 1].isalnum()
        return before + (end == len(self.source) or not self.source[end].isalnum())


def _find_all(form: Form, query: str, low: int, high: int, most: int) -> list[Span]:
    spans: list[Span] = []
    start, end = form.index(low), form.index(high)
    at = form.text.find(query, start, end)
    while at >= 0 and len(spans) < most:
        spans.append(form.span(at, at + len(query)))
        at = form.text.find(query, at + 1, end)
    return spans


@dataclass(frozen=True, slots=True)
class _Link:
    """The best chain that ends with a place."""

    merit: int
    place: Place
    item: int
    before: _Link | None


def _chain(options: Sequence[Sequence[tuple[Place, int]]]) -> dict[int, Place]:
    """At most one place an item, each behind that of the item before, with the most merit; {item: place}.

    `ends` and `links` hold, by rising end, the chains that no other beats in both end and merit.
    """
    ends: list[int] = []
    links: list[_Link] = []
    for item, places in enumerate(options):
        fresh = []
        for place, merit in places:
            at = bisect_right(ends, place.span[0])
            before = links[at - 1] if at else None
            fresh.append(_Link(merit + (before.merit if before else 0), place, item, before))
        for link in fresh:
            at = bisect_right(ends, link.place.span[1])
            if at and links[at - 1].merit >= link.merit:
                continue
            at = bisect_left(ends, link.place.span[1])
            stop = at
            while stop < len(links) and links[stop].merit <= link.merit:
                stop += 1
            ends[at:stop], links[at:stop] = [link.place.span[1]], [link]
    chosen: dict[int, Place] = {}
    last = links[-1] if links else None
    while last:
        chosen[last.item] = last.place
        last = last.before
    return chosen
