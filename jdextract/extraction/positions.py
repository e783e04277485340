"""Zoned atoms -> positions: one draft record per position, its values with their places, and the zone of all the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from jdextract.extraction.rules import load_rules
from jdextract.extraction.zoning import Zoned, evidence, trim
from jdextract.records import DraftDuty, DraftRecord, Piece, Segment, Span, Zone

Normalize = Callable[[str], str]

_KINDS: dict[str, Zone] = {"D": "duty", "R": "requirement", "C": "pay"}
_CLOSING = " \n\t;；。，,、:："
_HEADCOUNT = re.compile(
    r"(?:人数|招聘?|需求|编制|定员|名额|限|需|共)[^\d。;]{0,6}(\d{1,3})(?!\d|\s?[年月日岁kK元万:.-])|(?:^|[^\d.\-~至到])(\d{1,3})\s?(?:名|人|位)(?![以之/每]|\D{0,2}[上下])"
)
LONGEST_HEADING = 20  # code points


@dataclass(slots=True)
class _Item:
    kind: str
    span: Span
    heading: str | None
    label: str | None


@dataclass(slots=True)
class _Position:
    title: Span | None
    start: int
    items: list[_Item] = field(default_factory=list)
    first_item: int | None = None


def _gather(folded: str, zoned: Sequence[Zoned]) -> tuple[list[_Position], list[int | None]]:
    """Group values under their titles; also the number of the position of each atom."""
    positions: list[_Position] = []
    owner: list[int | None] = []
    heading: str | None = None
    sign = ""  # what stood since the last value that may begin an untitled position
    for z in zoned:
        start, end = trim(folded, z.atom.start, z.atom.end)
        kind = z.label[-1] if z.label[0] in "BI" else ""
        if z.label == "T":
            title = z.title or (start, end)
            if not (positions and _same_title(folded, positions[-1], title)):
                positions.append(_Position(title, z.atom.lead))
                heading, sign = None, ""
        elif kind:
            if not positions or (z.label[0] == "B" and _starts_untitled(positions[-1], sign, kind)):
                positions.append(_Position(None, z.atom.lead))
                heading, sign = None, ""
            elif kind == "D":
                sign = ""
            items = positions[-1].items
            if z.label[0] == "I" and items and items[-1].kind == kind:
                items[-1].span = (items[-1].span[0], end)
            else:
                label = folded[start:end].strip(_CLOSING) if z.atom.label and kind == "D" else None
                items.append(_Item(kind, (start, end), heading, label))
        else:
            sign = _sign(folded, z) or sign
            if _is_topic(z, start, end):
                heading = folded[start:end].strip(_CLOSING)
            elif z.atom.heading:
                heading = None
        owner.append(len(positions) - 1 if positions else None)
    return positions, owner


def _same_title(folded: str, position: _Position, title: Span) -> bool:
    """Whether a title only repeats the one above it (page header, then heading)."""
    return (
        position.title is not None
        and not position.items
        and _squeeze(folded, position.title) == _squeeze(folded, title)
    )


@cache
def _page_break() -> re.Pattern[str]:
    return re.compile(load_rules("positions")["page_breaks"])


def _sign(folded: str, z: Zoned) -> str:
    """What an atom outside all values says about a new position: a duty heading, a page break, 岗位3."""
    if z.atom.heading == "duty":
        return "duty"
    if _page_break().search(folded, z.atom.lead, z.atom.end):
        return "page"
    if z.atom.mark in ("label", "chapter") and re.search("[职岗篇份]", folded[z.atom.lead : z.atom.start]):
        return "number"
    return ""


def _starts_untitled(position: _Position, sign: str, kind: str) -> bool:
    """Whether a value begins a position whose title was lost, and not a further part of the position above."""
    kinds = {item.kind for item in position.items}
    if sign == "duty":  # a second list of duties behind finished requirements or pay
        return kind == "D" and "D" in kinds and len(kinds) > 1
    if sign == "page":
        return "D" in kinds
    return sign == "number" and bool(kinds)


def _squeeze(folded: str, span: Span | None) -> str:
    return "".join(folded[slice(*span)].split()).lower() if span else ""


def _is_topic(z: Zoned, start: int, end: int) -> bool:
    """Whether an atom outside all values is a topic heading (二、产品推广), not one that only says 岗位职责."""
    short = 2 <= end - start <= LONGEST_HEADING
    return z.atom.heading is None and short and (bool(z.atom.mark) or z.atom.label or z.atom.before == "bracket")


def _headcount(folded: str, position: _Position) -> int | None:
    """The number of posts, looked for between the title and the first duty."""
    first = min((i.span[0] for i in position.items if i.kind == "D"), default=None)
    start = position.title[1] if position.title else position.start
    window = folded[start : min(start + 120, first if first is not None else start + 120)]
    match = _HEADCOUNT.search(window)
    return int(match.group(1) or match.group(2)) if match else None


def assemble(
    source: str, folded: str, zoned: Sequence[Zoned], normalize: Normalize, decided_by: str
) -> tuple[tuple[DraftRecord, ...], tuple[Segment, ...]]:
    """Draft records in document order and the segments of the whole document.

    Positions without any value (lists of position names in a site's navigation) give no record.
    """
    positions, owner = _gather(folded, zoned)
    numbers: dict[int, int] = {}
    records: list[DraftRecord] = []
    for i, position in enumerate(positions):
        if not position.items:
            continue
        numbers[i] = len(records)
        records.append(_record(source, folded, position, normalize))
    zones = _zones(folded, zoned, [number in numbers for number in owner])
    segments = tuple(
        Segment(
            trim(folded, z.atom.lead, z.atom.end),
            zones[i],
            decided_by,
            z.score,
            numbers.get(owner[i]) if owner[i] is not None and z.label not in "HO" else None,  # type: ignore[arg-type]
        )
        for i, z in enumerate(zoned)
    )
    return tuple(records), _with_rest(folded, segments)


def _with_rest(folded: str, segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """The segments and, between them, what was only a mark (lost tags, strewn letters): noise, but not forgotten."""
    result: list[Segment] = []
    end = 0
    for segment in (*segments, Segment((len(folded), len(folded)), "noise", "", 1.0)):
        rest = trim(folded, end, segment.span[0])
        if any(char.isalnum() for char in folded[slice(*rest)]):
            result.append(Segment(rest, "noise", "mark", 1.0))
        if segment.span[0] < segment.span[1]:
            result.append(segment)
        end = max(end, segment.span[1])
    return tuple(result)


def _record(source: str, folded: str, position: _Position, normalize: Normalize) -> DraftRecord:
    def piece(span: Span) -> Piece:
        start, end = span
        while end > start and source[end - 1] in _CLOSING:
            end -= 1
        return Piece(source[start:end], normalize(source[start:end]), (start, end))

    duties: list[DraftDuty] = []
    requirements: list[Piece] = []
    compensation: list[Piece] = []
    for item in position.items:
        value = piece(item.span)
        if item.kind == "D":
            duties.append(DraftDuty(value.text, value.normalized, value.span, item.label or item.heading))
        else:
            (requirements if item.kind == "R" else compensation).append(value)
    return DraftRecord(
        piece(position.title) if position.title else None,
        _headcount(folded, position),
        tuple(duties),
        tuple(requirements),
        tuple(compensation),
    )


# Section heading in force -> zone of what stands below it and is no value.
_SECTION_ZONE: dict[str, Zone] = {
    "benefit": "benefit",
    "introduction": "introduction",
    "contact": "contact",
    "condition": "condition",
    "deliverable": "deliverable",
    "assessment": "assessment",
    "case": "case",
    "glossary": "glossary",
    "rule": "rule",
    "boilerplate": "boilerplate",
}


def _zones(folded: str, zoned: Sequence[Zoned], kept: Sequence[bool]) -> list[Zone]:
    """Zone of every atom: its value's, or by the section and the signs that it shows."""
    result: list[Zone] = []
    section = ""
    signs = evidence()
    for z, in_record in zip(zoned, kept, strict=True):
        text = folded[z.atom.start : z.atom.end]
        if z.atom.heading:
            section = z.atom.heading
        if z.label == "T":
            section = ""
            result.append("title" if in_record else "boilerplate")
        elif z.label[0] in "BI":
            result.append(_KINDS[z.label[-1]])
        elif z.atom.heading or _is_topic(z, *trim(folded, z.atom.start, z.atom.end)):
            result.append("heading")
        elif not any(char.isalnum() for char in text):
            result.append("noise")
        else:
            shown = next((zone for sign, zone in _SIGN_ZONE.items() if signs[sign].search(text)), None)
            result.append(shown or _SECTION_ZONE.get(section) or "introduction")
    return result


_SIGN_ZONE: dict[str, Zone] = {
    "headcount": "headcount",
    "site": "boilerplate",
    "contact": "contact",
    "benefit": "benefit",
    "place": "condition",
}
