"""Where a model would help: doubts about one document, each with what an answer is expected to put right.

The value is in duties, so that the doubts of a run can be ranked together and the most valuable ones asked about first.
Cheap enough to be called for each document: nothing is read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jdextract.llm.assistance import Assistance, GainNumbers, load_assistance
from jdextract.records import Draft, RoleRecord, Segment

if TYPE_CHECKING:
    from jdextract.pipeline import Explained

# unsure: segments with low scores; untitled: duties of records without a title; overruled: segments whose zone the
# sequence model itself holds unlikely.
Sign = Literal["unsure", "untitled", "overruled"]
Place = tuple[int, int | None]  # number of the record, and of the duty (None: the role of the record)

_ZONE_TOKENS, _ADJUDICATE_TOKENS = 1_700, 1_500  # of the instructions; texts count a token a character
_DECISION = 80  # tokens of an answer to `adjudicate`; one to `zone` repeats the text
_SPREAD = 0.02  # how far doubts of equal worth lie apart, so that a budget can end between them


@dataclass(frozen=True, slots=True)
class Doubt:
    """One question worth asking.

    `value`: expected number of duties that the answer puts right, above 0. `tokens`: about how many the questions and their
    answers take, those of the answers are `answer`. `questions`: how many requests it is, one for each window of a `zone`.
    `places`: the duties that one answer settles, the first of which is asked about; empty for `zone`.
    Repeats count inside one document only, so that no page decides about another.
    """

    task: Literal["zone", "adjudicate"]
    document: str
    value: float
    tokens: int
    places: tuple[Place, ...] = ()
    signs: tuple[Sign, ...] = ()
    questions: int = 1
    answer: int = 0

    @property
    def rate(self) -> float:
        """Value per token, by which doubts are ranked. Equal ones of two documents are set apart by a digest of these."""
        mark = hashlib.blake2b(self.document.encode(), digest_size=4).digest()
        return self.value / self.tokens * (1 - _SPREAD * int.from_bytes(mark, "big") / 2**32)


def find_doubts(explained: Explained, numbers: Assistance | None = None) -> list[Doubt]:
    """All doubts about a document, the most valuable first."""
    numbers = numbers or load_assistance()
    found = [*_doubt_zones(explained.draft, numbers), *_doubt_roles(explained.records, numbers.gains)]
    return sorted(found, key=lambda doubt: (-doubt.value, doubt.task, str(doubt.places)))


def measure_zones(draft: Draft, gains: GainNumbers) -> dict[Sign, float]:
    """Expected number of stretches that extraction read wrongly, by sign.

    A segment that a model decided with the probability `p` is wrong with `1 - p`; those above `gains.unsure` do not count,
    because nearly all of a document is.
    """
    signs: dict[Sign, float] = {"unsure": 0.0, "overruled": 0.0, "untitled": 0.0}
    for segment in draft.segments:
        if segment.score < gains.unsure and _matters(segment):
            signs["overruled" if segment.score < 0.5 else "unsure"] += 1 - segment.score
    signs["untitled"] = gains.untitled * sum(len(record.duties) for record in draft.records if record.title is None)
    return signs


def _matters(segment: Segment) -> bool:
    """Whether another zone would change a record: values, and what could be one."""
    return segment.zone in ("title", "duty", "requirement", "pay", "introduction")


def _doubt_zones(draft: Draft, numbers: Assistance) -> Iterator[Doubt]:
    windows = numbers.windows
    length = len(draft.source.text)
    if length > windows.most * (windows.characters - 2 * windows.overlap):
        return
    signs = measure_zones(draft, numbers.gains)
    wrong = sum(signs.values())
    if wrong >= numbers.gains.least:
        shown: tuple[Sign, ...] = tuple(sign for sign, share in signs.items() if share)
        asked = 1 + max(0, length - windows.overlap) // (windows.characters - windows.overlap)
        value = round(numbers.gains.rezoned * wrong, 4)
        yield Doubt("zone", draft.source.id, value, asked * _ZONE_TOKENS + 2 * length, (), shown, asked, length)


def _doubt_roles(records: Sequence[RoleRecord], gains: GainNumbers) -> Iterator[Doubt]:
    """Duties and titles on which the classifier abstained; equal duties under equal titles and headings are one doubt."""
    groups: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    for i, record in enumerate(records):
        title = record.title.normalized if record.title else ""
        if record.title and record.role.status == "abstained":
            gain = (gains.adjudicated - record.role.score) * gains.record
            if gain > 0:
                yield _doubt_role(record, None, gain, [(i, None)])
        for j, duty in enumerate(record.duties):
            if duty.role.status == "abstained":
                groups.setdefault((title, duty.heading or "", duty.normalized), []).append((i, j))
    for places in groups.values():
        i, j = places[0]
        gain = sum(gains.adjudicated - records[i].duties[j].role.score for i, j in places)
        if gain > 0:
            yield _doubt_role(records[i], j, gain, places)


def _doubt_role(record: RoleRecord, duty: int | None, gain: float, places: Sequence[Place]) -> Doubt:
    shown = record.duties[:8] if duty is None else record.duties[max(0, duty - 1) : duty + 2]
    tokens = _ADJUDICATE_TOKENS + sum(min(len(d.text), 400) for d in shown) + _DECISION
    return Doubt("adjudicate", record.document.id, round(gain, 4), tokens, tuple(places), answer=_DECISION)
