"""Task *zone*: positions and values of a document whose structure the offline models were unsure of.

A window of the document is one request. What comes back is placed in the source (`positions.py`) and takes the place of
the offline reading (`redraft.py`), unless it is worse by stated measures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from jdextract.deduplication.boilerplate import blank
from jdextract.extraction.script import normalize
from jdextract.llm.assistance import Assistance, ZoneNumbers, load_assistance
from jdextract.llm.exchange import Answer, Request
from jdextract.llm.forms import make_form
from jdextract.llm.grounding import Grounder, Taken
from jdextract.llm.positions import FoundPosition, Read, join_windows, place_positions
from jdextract.llm.prompts import load_prompt, seal, show
from jdextract.llm.redraft import redraft
from jdextract.llm.tasks import Reply, name_decider
from jdextract.llm.windows import cut_windows
from jdextract.records import Draft, Segment, Span

MAX_TOKENS = 6_000  # a window of 3,000 characters, all of it copied, with room for JSON

TitleText = Annotated[str, Field(max_length=60)]
ValueText = Annotated[str, Field(max_length=600)]


class ZonedPosition(Reply):
    """One position as a model read it; every text is still to be found in the source."""

    title: TitleText | None
    duties: Annotated[list[ValueText], Field(max_length=80)]
    requirements: Annotated[list[ValueText], Field(max_length=60)]
    pay: Annotated[list[ValueText], Field(max_length=20)]


class Zoning(Reply):
    """All positions of one window, in order."""

    positions: Annotated[list[ZonedPosition], Field(max_length=40)]


@dataclass(frozen=True, slots=True)
class Rezoned:
    """What became of the answers about one document.

    `draft`: the new reading, or the offline one where `kept` says why it stays (`failed:<kind>` an answer is lacking,
    `ungrounded`, `coverage`, `titles`). `grounded`: how many texts were found, by how; `rejected`: how many not, by reason.
    """

    draft: Draft
    kept: str
    grounded: Counter[str]
    rejected: Counter[str]


def readable(draft: Draft) -> str:
    """The source with known boilerplate as spaces: what extraction read, in the length of the source."""
    spans = _boilerplate(draft)
    return blank(draft.source.text, spans) if spans else draft.source.text


def _boilerplate(draft: Draft) -> list[Span]:
    return [d.span for d in draft.dropped if d.stage == "deduplication" and d.span]


def ask_zone(draft: Draft, numbers: Assistance | None = None) -> list[Request[Zoning]]:
    """A request for each window of the document; none where it is blank or needs more windows than the bound."""
    prompt = load_prompt("zone")
    text = readable(draft)
    windows = cut_windows(text, (numbers or load_assistance()).windows)
    return [
        Request(
            task="zone",
            prompt=prompt.version,
            instructions=prompt.instructions,
            material=f"资料第 {i} 段，共 {len(windows)} 段{_CONTINUED if i > 1 else ''}。\n{seal(show(text[start:end]))}",
            schema=Zoning,
            document=draft.source.id,
            max_tokens=MAX_TOKENS,
        )
        for i, (start, end) in enumerate(windows, 1)
    ]


_CONTINUED = "，开头与上一段重叠"


def read_zone(draft: Draft, answers: Sequence[Answer[Zoning]], numbers: Assistance | None = None) -> Rezoned:
    """The document as the model reads it, grounded, if all windows were answered and the reading is not worse.

    `answers`: one for each request of `ask_zone(draft)`, in order. Raises ValueError for another number of them.
    """
    numbers = numbers or load_assistance()
    text = readable(draft)
    windows = cut_windows(text, numbers.windows)
    if len(answers) != len(windows):
        raise ValueError(f"{len(answers)} answers for {len(windows)} windows")
    prompt = load_prompt("zone")
    grounder = Grounder(text, prompt.examples, numbers.grounding)
    reads: list[Read] = []
    for window, answer in zip(windows, answers, strict=True):
        if answer.output is None:
            return Rezoned(draft, f"failed:{answer.failure}", Counter(), Counter())
        reads.append(place_positions(grounder, window, answer.output.positions, Taken(_boilerplate(draft))))
    grounded: Counter[str] = Counter(how for read in reads for how in read.grounded)
    rejected: Counter[str] = Counter(reason for read in reads for reason in read.rejected)
    found = join_windows(reads, windows)
    kept = find_loss(draft, found, grounded.total(), rejected.total(), numbers.zone)
    if kept or not windows:
        return Rezoned(draft, kept or "blank", grounded, rejected)
    decided_by = name_decider(answers[0].model, prompt.version)
    new = redraft(draft, found, _normalizer(draft), decided_by, numbers.zone.score)
    return Rezoned(new, "", grounded, rejected)


def _normalizer(draft: Draft) -> Callable[[str], str]:
    return lambda text: normalize(text, draft.region)


def find_loss(draft: Draft, found: Sequence[FoundPosition], grounded: int, rejected: int, numbers: ZoneNumbers) -> str:
    """Why the offline reading stays, "" if the new one is no worse.

    `ungrounded`: too few of the returned texts are in the source. `coverage`: too little of what the offline models are
    sure is duties lies in a value. `titles`: too few of the titles that they are sure of are titles still.
    """
    if grounded < numbers.least_grounded * (grounded + rejected):
        return "ungrounded"
    values = [span for position in found for span in position.spans()]
    if _share_covered(_sure(draft, "duty", numbers), values) < numbers.least_covered:
        return "coverage"
    sure = _sure(draft, "title", numbers)
    kept = _count_kept(draft.source.text, sure, [position.title for position in found if position.title])
    return "titles" if kept < numbers.least_titles * len(sure) else ""


def _count_kept(text: str, sure: Sequence[Segment], titles: Sequence[Span]) -> int:
    """How many of the sure titles are titles still, there or at another place where the page names the position."""
    names = [make_form(text[slice(*title)]).text for title in titles]
    kept = 0
    for segment in sure:
        words = make_form(text[slice(*segment.span)]).text
        kept += any(_meet(segment.span, title) or name in words for title, name in zip(titles, names, strict=True))
    return kept


def _sure(draft: Draft, zone: str, numbers: ZoneNumbers) -> list[Segment]:
    return [s for s in draft.segments if s.zone == zone and s.score >= numbers.sure and s.record is not None]


def _meet(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _share_covered(segments: Sequence[Segment], values: Sequence[Span]) -> float:
    total = sum(s.span[1] - s.span[0] for s in segments)
    inside = sum(
        max(0, min(s.span[1], end) - max(s.span[0], start))
        for s in segments
        for start, end in values
        if start < s.span[1]
    )
    return inside / total if total else 1.0
