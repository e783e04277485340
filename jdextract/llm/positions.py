"""Positions that a model returned for the windows of a document -> positions as spans of the document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from jdextract.llm.grounding import Grounder, How, Place, Reason, Rejection, Taken
from jdextract.records import Span

ValueZone = Literal["duty", "requirement", "pay"]


class ReturnedPosition(Protocol):
    """A position in the words of a model."""

    @property
    def title(self) -> str | None: ...
    @property
    def duties(self) -> list[str]: ...
    @property
    def requirements(self) -> list[str]: ...
    @property
    def pay(self) -> list[str]: ...


@dataclass(slots=True)
class FoundPosition:
    """A position in spans of the source. No two spans of a document overlap."""

    title: Span | None = None
    values: list[tuple[Span, ValueZone]] = field(default_factory=list)

    def spans(self) -> Iterator[Span]:
        """Where its values stand."""
        return (span for span, _ in self.values)

    @property
    def start(self) -> int:
        """Where its title or its first value begins."""
        return min([*self.spans(), *([self.title] if self.title else [])])[0]


@dataclass(slots=True)
class Read:
    """What was placed of one window, how each text was found, and why others were not."""

    positions: list[FoundPosition]
    grounded: list[How] = field(default_factory=list)
    rejected: list[Reason] = field(default_factory=list)

    def count(self, result: Place | Rejection | None) -> Span | None:
        """The span of a place, or None; either is counted."""
        if isinstance(result, Place):
            self.grounded.append(result.how)
            return result.span
        if result is not None:
            self.rejected.append(result.reason)
        return None


def place_positions(grounder: Grounder, window: Span, returned: Sequence[ReturnedPosition], taken: Taken) -> Read:
    """Place the texts of all positions of one window, in document order, beside what is taken already.

    Duties come first, as they are the longest texts; they say between which places the other values and the title of a
    position may stand. A position that keeps no value is left out.
    """
    read = Read([FoundPosition() for _ in returned])
    kinds: tuple[tuple[ValueZone, list[list[str]]], ...] = (
        ("duty", [position.duties for position in returned]),
        ("requirement", [position.requirements for position in returned]),
        ("pay", [position.pay for position in returned]),
    )
    for zone, texts in kinds:
        limits = _limits(read.positions, window)
        flat = [(i, text) for i, some in enumerate(texts) for text in some]
        results = grounder.place([text for _, text in flat], [limits[i] for i, _ in flat], taken)
        for (i, _), result in zip(flat, results, strict=True):
            span = read.count(result)
            if span:
                read.positions[i].values.append((span, zone))
    _place_titles(grounder, window, [position.title for position in returned], read, taken)
    read.positions = [position for position in read.positions if position.values]
    return read


def _limits(positions: Sequence[FoundPosition], window: Span) -> list[Span]:
    """For each position the stretch from the last value of those before it to the first value of those behind it."""
    lows, highs = [], []
    low, high = window
    for position in positions:
        lows.append(low)
        low = max([low, *(span[1] for span in position.spans())])
    for position in reversed(positions):
        highs.append(high)
        high = min([high, *(span[0] for span in position.spans())])
    return [(low, max(low, high)) for low, high in zip(lows, reversed(highs), strict=True)]


def _place_titles(grounder: Grounder, window: Span, titles: Sequence[str | None], read: Read, taken: Taken) -> None:
    """Place each title before the first value of its position: the last place there that is set off by marks.

    Position names stand in lists of contents and in sentences too, before the place where they are a title.
    """
    low = window[0]
    for position, (start, end), title in zip(read.positions, _limits(read.positions, window), titles, strict=True):
        if title is None or not title.strip():
            continue
        low = max(low, start)
        first = min((span[0] for span in position.spans()), default=end)
        found = grounder.find(title, (low, max(low, first)))
        if isinstance(found, Rejection):
            elsewhere = found.reason == "invented" and not isinstance(grounder.find(title, window), Rejection)
            read.count(Rejection(title, "order") if elsewhere else found)
            continue
        free = [place for place in found if not taken.overlaps(place.span)]
        if not free:
            read.count(Rejection(title, "order"))
            continue
        best = _choose_title(grounder, free)
        position.title = read.count(best)
        taken.add(best.span)
        low = best.span[1]


# 客服专员岗位职责: glued to its name, a heading sets it off as well as a mark does.
_HEADING_BEHIND = re.compile(r"\s*(?:岗位|职位|工作|主要|的){0,3}(?:职责|职能|职务|说明|内容|描述|要求)")


def _choose_title(grounder: Grounder, places: Sequence[Place]) -> Place:
    """The last place of a title that is set off by marks or by a heading behind it."""

    def merit(place: Place) -> tuple[int, bool]:
        behind = grounder.folded[place.span[1] : place.span[1] + 16]
        off = grounder.set_off(place.span)
        return -place.edits, off == 2 or (off > 0 and _HEADING_BEHIND.match(behind) is not None)

    return max(places, key=lambda place: (*merit(place), place.span))


def join_windows(reads: Sequence[Read], windows: Sequence[Span]) -> list[FoundPosition]:
    """The positions of a document from those of its windows.

    Two windows meet in the middle of their overlap: what begins before is taken from the first, the rest from the second.
    A position without a title at the beginning of a window goes on with the one before it.
    """
    joined: list[FoundPosition] = []
    taken = Taken()
    for number, (read, window) in enumerate(zip(reads, windows, strict=True)):
        low = (window[0] + windows[number - 1][1]) // 2 if number else window[0]
        high = (windows[number + 1][0] + window[1]) // 2 if number + 1 < len(windows) else window[1]
        for i, position in enumerate(read.positions):
            mine = [(span, zone) for span, zone in position.values if low <= span[0] < high]
            values = [(span, zone) for span, zone in mine if not taken.overlaps(span)]
            if not values:
                continue
            target = _continued(joined, position, first=number > 0 and i == 0)
            if target is None:
                title = position.title if position.title and not taken.overlaps(position.title) else None
                target = FoundPosition(title)
                joined.append(target)
            target.values.extend(values)
            _take(taken, (span for span, _ in values), target.title)
    for position in joined:
        position.values.sort()
    return sorted(joined, key=lambda position: position.start)


def _take(taken: Taken, spans: Iterable[Span], title: Span | None) -> None:
    for span in (*spans, *([title] if title else [])):
        if not taken.overlaps(span):
            taken.add(span)


def _continued(joined: Sequence[FoundPosition], position: FoundPosition, *, first: bool) -> FoundPosition | None:
    """The position of an earlier window that this one goes on with."""
    if position.title is None:
        return joined[-1] if first and joined else None
    start, end = position.title
    return next((p for p in reversed(joined) if p.title and p.title[0] < end and start < p.title[1]), None)
