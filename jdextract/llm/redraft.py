"""A new Draft from positions in spans: values and titles are laid over the segments of the offline reading."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from jdextract.extraction.positions import LONGEST_HEADING
from jdextract.extraction.script import fold
from jdextract.extraction.segments import Atom
from jdextract.extraction.zoning import find_atoms, trim
from jdextract.llm.positions import FoundPosition
from jdextract.records import Draft, DraftDuty, DraftRecord, Dropped, Piece, Segment, Span, Zone

Normalize = Callable[[str], str]

_CLOSING = " \n\t\r\u3000;；。，,、:："
_VALUES = frozenset({"title", "duty", "requirement", "pay"})
_HEADCOUNT = re.compile(r"(?<!\d)(\d{1,3})(?!\d)")


@dataclass(frozen=True, slots=True)
class _Value:
    """A value: its span, and from where on it is marked (its enumerator)."""

    span: Span
    lead: int
    zone: Zone
    record: int


def redraft(draft: Draft, found: Sequence[FoundPosition], normalize: Normalize, decided_by: str, score: float) -> Draft:
    """The draft with `found` for its records and all its visible characters in segments.

    Values lose their leading enumerator and closing marks. What was a value offline and is none now becomes
    `introduction` and is listed in `dropped`; other segments stay as they are.
    """
    text = draft.source.text
    folded = fold(text)
    atoms = find_atoms(folded)
    values: list[_Value] = []
    records: list[DraftRecord] = []
    topics = list(_topics(folded, atoms))
    for position in found:
        number = len(records)
        mine = [v for span, zone in position.values if (v := _settle(text, atoms, span, zone, number))]
        if not mine:
            continue
        title = _settle(text, atoms, position.title, "title", number) if position.title else None
        values += [*mine, *([title] if title else [])]
        records.append(_record(draft, mine, title, normalize, topics, _labels(folded, atoms)))
    values.sort(key=lambda value: value.span)
    segments = tuple(_cover(folded, draft.segments, values, decided_by, score))
    return replace(draft, segments=segments, records=tuple(records), dropped=_dropped(draft, segments, values))


def _settle(text: str, atoms: Sequence[Atom], span: Span, zone: Zone, record: int) -> _Value | None:
    """The span without a leading enumerator and closing marks; None if nothing is left."""
    start, end = span
    at = bisect_right(atoms, start, key=lambda atom: atom.lead) - 1
    lead = start
    if at >= 0 and atoms[at].lead <= start <= atoms[at].start < end:
        lead, start = atoms[at].lead, atoms[at].start
    while start < end and text[start] in _CLOSING:
        start += 1
    while end > start and text[end - 1] in _CLOSING:
        end -= 1
    return _Value((start, end), lead, zone, record) if any(map(str.isalnum, text[start:end])) else None


def _topics(folded: str, atoms: Sequence[Atom]) -> Iterator[tuple[int, str | None]]:
    """(place, topic) of the headings among the atoms; None for one that only says 岗位职责 and ends a topic."""
    for atom in atoms:
        start, end = trim(folded, atom.start, atom.end)
        if atom.heading:
            yield atom.start, None
        elif 2 <= end - start <= LONGEST_HEADING and (atom.mark or atom.label or atom.before == "bracket"):
            yield start, folded[start:end].strip(_CLOSING)


def _labels(folded: str, atoms: Sequence[Atom]) -> dict[int, str]:
    """{place: label} of the atoms that end in a colon."""
    return {atom.start: folded[atom.start : atom.end].strip(_CLOSING) for atom in atoms if atom.label}


def _record(
    draft: Draft,
    values: Sequence[_Value],
    title: _Value | None,
    normalize: Normalize,
    topics: Sequence[tuple[int, str | None]],
    labels: dict[int, str],
) -> DraftRecord:
    text = draft.source.text

    def piece(value: _Value) -> Piece:
        words = text[slice(*value.span)]
        return Piece(words, normalize(words), value.span)

    first = title.span[1] if title else values[0].span[0]
    marked = {value.span[0] for value in values}
    duties = []
    for value in values:
        if value.zone == "duty":
            p = piece(value)
            heading = labels.get(value.span[0]) or _topic_above(topics, first, value.span[0], marked)
            duties.append(DraftDuty(p.text, p.normalized, p.span, heading))
    return DraftRecord(
        piece(title) if title else None,
        _headcount(draft, values, title),
        tuple(duties),
        tuple(piece(value) for value in values if value.zone == "requirement"),
        tuple(piece(value) for value in values if value.zone == "pay"),
    )


def _topic_above(topics: Sequence[tuple[int, str | None]], first: int, place: int, values: set[int]) -> str | None:
    """The last topic heading between the title and a duty that is no value itself."""
    for at in range(bisect_right(topics, place, key=lambda topic: topic[0]) - 1, -1, -1):
        start, topic = topics[at]
        if start < first:
            return None
        if start not in values:
            return topic
    return None


def _headcount(draft: Draft, values: Sequence[_Value], title: _Value | None) -> int | None:
    """That of the offline record with this title, else a number that was zoned as one between title and first duty."""
    if title is None:
        return None
    start, end = title.span
    for record in draft.records:
        if record.title and record.title.span[0] < end and start < record.title.span[1]:
            return record.headcount
    first = min((value.span[0] for value in values if value.zone == "duty"), default=end)
    for segment in draft.segments:
        if segment.zone == "headcount" and end <= segment.span[0] < first:
            match = _HEADCOUNT.search(fold(draft.source.text[slice(*segment.span)]))
            return int(match.group(1)) if match else None
    return None


def _cover(
    folded: str, base: Sequence[Segment], values: Sequence[_Value], decided_by: str, score: float
) -> Iterator[Segment]:
    """Segments of the whole document, in order, without overlap: the values, and what they leave of the others."""
    new: list[Segment] = []
    end = 0
    for value in values:
        start = trim(folded, max(end, value.lead), value.span[1])[0]
        new.append(Segment((start, value.span[1]), value.zone, decided_by, score, value.record))
        end = value.span[1]
    for segment in base:
        old_value = segment.zone in _VALUES
        for span in _without(segment.span, new):
            start, stop = trim(folded, *span)
            if any(map(str.isalnum, folded[start:stop])):
                rest = replace(segment, span=(start, stop), record=None)
                new_rest = replace(rest, zone="introduction", decided_by=decided_by, score=score)
                new.append(new_rest if old_value else rest)
    return iter(sorted(new, key=lambda segment: segment.span))


def _without(span: Span, others: Sequence[Segment]) -> Iterator[Span]:
    """The parts of a span that no value covers."""
    start, end = span
    for other in others:
        if other.zone in _VALUES and other.span[0] < end and other.span[1] > start:
            if start < other.span[0]:
                yield start, other.span[0]
            start = max(start, other.span[1])
    if start < end:
        yield start, end


def _dropped(draft: Draft, segments: Sequence[Segment], values: Sequence[_Value]) -> tuple[Dropped, ...]:
    """What was left out: boilerplate of the site, noise, and the values of the offline reading that are none now."""
    where = draft.source.source
    kept = [d for d in draft.dropped if d.stage != "extraction"]
    for segment in segments:
        if segment.zone in ("boilerplate", "noise"):
            kept.append(Dropped(where, "extraction", segment.zone, segment.span))
    for record in draft.records:
        pieces: list[Piece | DraftDuty] = [
            *([record.title] if record.title else []),
            *record.duties,
            *record.requirements,
            *record.compensation,
        ]
        for piece in pieces:
            start, end = piece.span
            if not any(value.span[0] < end and start < value.span[1] for value in values):
                kept.append(Dropped(where, "llm", "no value to the model", piece.span))
    return tuple(kept)
