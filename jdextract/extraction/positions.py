"""Zoned atoms -> positions: one draft record per position, its values with their places, and the zone of all the rest."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from jdextract.data import load_rules
from jdextract.extraction.features import next_numbers
from jdextract.extraction.naming import LONGEST_POSTING
from jdextract.extraction.segments import Atom
from jdextract.extraction.zoning import Zoned, trim
from jdextract.records import DraftDuty, DraftRecord, Piece, Segment, Span, Zone

_VALUE_SECTIONS = frozenset({"duty", "requirement", "pay"})

Normalize = Callable[[str], str]

_KINDS: dict[str, Zone] = {"D": "duty", "R": "requirement", "C": "pay"}
_CLOSING = " \n\t;；。，,、:："
_HEADCOUNT = re.compile(
    r"(?:人数|招聘?|需求|编制|定员|名额|限|需|共)[^\d。;]{0,6}(\d{1,3})(?!\d|\s?(?:[年月日岁kK元万天周次种项%:.~至到-]|个月|分钟|小时))"
    r"|(?<!已有)(?<![\d.\-~至到])(\d{1,3})\s?(?:名|人|位)(?![以之/每]|\D{0,2}[上下]|\s?(?:已|正在|应征|应聘|申请|投递|浏览|关注|看过))"
)
_STRAY = 2
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
    headings: set[str] = field(default_factory=set)  # of duties, as they stand
    numbers: dict[str, int] = field(default_factory=dict)  # kind of enumerator -> its last number
    announced: bool = True  # by a title or by a heading of duties, requirements or pay
    stated: bool = False  # a duty begins with a verb of work
    numbered: bool = False  # 职责一 … 职责五, with headings of their own below each


def _gather(folded: str, zoned: Sequence[Zoned]) -> tuple[list[_Position], list[int | None]]:
    """Group values under their titles; also the number of the position of each atom."""
    positions: list[_Position] = []
    owner: list[int | None] = []
    heading: str | None = None
    section = ""  # the last section heading
    coming = next_numbers([z.atom for z in zoned])
    sign = ""  # what stood since the last value that may begin an untitled position
    posting = _is_posting(folded, zoned)
    for z, following in zip(zoned, coming, strict=True):
        start, end = z.span
        kind = z.label[-1] if z.label[0] in "BI" else ""
        section = z.atom.heading or section
        if positions and z.atom.mark == "label" and "职责" in folded[z.atom.lead : z.atom.start]:
            positions[-1].numbered = True
        if z.label == "T":
            title = z.title or (start, end)
            if not (positions and _same_title(folded, positions[-1], title)):
                positions.append(_Position(title, z.atom.lead))
                heading, sign = None, ""
        elif kind:
            if sign == "page" and positions and _goes_on(positions[-1], z.atom):
                sign = ""
            if positions and z.label == "B-D" and _goes_back(positions[-1], z.atom, following):
                sign = "cut"
            if posting and sign not in ("page", "number"):
                sign = ""
            if not positions or (z.label[0] == "B" and _starts_untitled(positions[-1], sign, kind)):
                positions.append(_Position(None, z.atom.lead, announced=section in _VALUE_SECTIONS))
                heading, sign = None, ""
            elif kind == "D":
                sign = ""
            items = positions[-1].items
            positions[-1].stated |= kind == "D" and "act" in z.stretch.signs
            if z.atom.number:
                positions[-1].numbers[z.atom.mark] = z.atom.number
            if z.label[0] == "I" and items and items[-1].kind == kind:
                items[-1].span = (items[-1].span[0], end)
            else:
                label = folded[start:end].strip(_CLOSING) if z.atom.label and kind == "D" else None
                items.append(_Item(kind, (start, end), heading, label))
        else:
            sign = _sign(folded, z, sign, positions[-1] if positions else None)
            if _is_topic(z, start, end):
                heading = folded[start:end].strip(_CLOSING)
            elif z.atom.heading:
                heading = None
        owner.append(len(positions) - 1 if positions else None)
    return positions, owner


def _is_posting(folded: str, zoned: Sequence[Zoned]) -> bool:
    """Whether a page is the posting of one position: short, its only title in its first line.

    A second list of duties in it is a further part of the position, not the list of another one whose title was lost.
    """
    titles = [z for z in zoned if z.label == "T"]
    return len(folded) <= LONGEST_POSTING and len(titles) == 1 and "\n" not in folded[: titles[0].atom.start].lstrip()


def _goes_on(position: _Position, atom: Atom) -> bool:
    """Whether an item continues the numbering of a position: then a page break between them lost nothing."""
    return atom.number > 1 and atom.number == position.numbers.get(atom.mark, 0) + 1


def _goes_back(position: _Position, atom: Atom, following: tuple[str, int] | None) -> bool:
    """Whether an item goes back in the numbering, not to 1, and the count goes on from it.

    So it does where a page was cut or shuffled: the beginning of the list is lost, and its title with it.
    """
    back = 1 < atom.number < position.numbers.get(atom.mark, 0)
    return back and following == (atom.mark, atom.number + 1)


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


def _sign(folded: str, z: Zoned, before: str, position: _Position | None) -> str:
    """What has been said about a new position since the last value, with what an atom outside all values adds.

    `duty`: a heading of duties, `again`: one that this position has already had, `page`: a page break, `number`: 岗位3.
    (`cut`, a list that begins in its middle, is seen at the value itself.)
    """
    if z.atom.heading == "duty":
        text = _squeeze(folded, (z.atom.start, z.atom.end))
        if position is None or position.numbered:
            return before
        if text in position.headings:
            return "again"
        position.headings.add(text)
        return before or "duty"
    if _page_break().search(folded, z.atom.lead, z.atom.end):
        return "page"
    numbered = z.atom.number and z.atom.mark in ("label", "chapter")
    if numbered and re.search("岗位?|职[位务]|[篇份]", folded[z.atom.lead : z.atom.start]):
        return "number"
    return before


def _starts_untitled(position: _Position, sign: str, kind: str) -> bool:
    """Whether a value begins a position whose title was lost, and not a further part of the position above."""
    if not position.items or not sign:
        return False
    if sign == "number":
        return True
    has_duties = any(item.kind == "D" for item in position.items)
    if sign == "duty":  # a second list of duties behind finished requirements or pay
        behind = list(itertools.dropwhile(lambda item: item.kind != "D", position.items))
        # One or two sentences that no heading announced may be an introduction that was taken for duties.
        listed = len(position.headings) > 1 or sum(item.kind == "D" for item in behind) > _STRAY
        return kind == "D" and listed and any(item.kind != "D" for item in behind)
    return has_duties and (kind == "D" or sign != "again")


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

    Positions without any value (lists of position names in a site's navigation) give no record, nor do requirements
    and one or two would-be duties that neither a title nor a heading announces (`可拆洗内胆` on the page of a product).
    """
    positions, owner = _gather(folded, zoned)
    numbers: dict[int, int] = {}
    records: list[DraftRecord] = []
    duties = any(item.kind == "D" for position in positions for item in position.items)
    for i, position in enumerate(positions):
        kinds = {item.kind for item in position.items}
        # Beside positions with duties, a name with nothing but its pay is a link to another page (主播 15-30K).
        if not kinds or not (position.announced or _states_duties(position)) or (duties and kinds == {"C"}):
            continue
        numbers[i] = len(records)
        records.append(_record(source, folded, position, normalize))
    zones = _zones(folded, zoned, [number in numbers for number in owner])
    segments = tuple(
        Segment(
            z.span if z.atom.lead == z.atom.start else trim(folded, z.atom.lead, z.atom.end),
            zones[i],
            decided_by,
            z.score,
            numbers.get(owner[i]) if owner[i] is not None and z.label not in "HO" else None,  # type: ignore[arg-type]
        )
        for i, z in enumerate(zoned)
    )
    return tuple(records), _with_rest(folded, segments)


_ALPHANUMERIC = re.compile(r"[^\W_]")


def _states_duties(position: _Position) -> bool:
    """Whether values that nothing announces state duties: several, or one that begins with a verb of work."""
    return position.stated or sum(item.kind == "D" for item in position.items) > _STRAY


def _with_rest(folded: str, segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """The segments and, between them, what was only a mark (lost tags, strewn letters): noise, but not forgotten."""
    result: list[Segment] = []
    end = 0
    for segment in (*segments, Segment((len(folded), len(folded)), "noise", "", 1.0)):
        if _ALPHANUMERIC.search(folded, end, segment.span[0]):
            result.append(Segment(trim(folded, end, segment.span[0]), "noise", "mark", 1.0))
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
    for z, in_record in zip(zoned, kept, strict=True):
        if z.atom.heading:
            section = z.atom.heading
        if z.label == "T":
            section = ""
            result.append("title" if in_record else "boilerplate")
        elif z.label[0] in "BI":
            result.append(_KINDS[z.label[-1]])
        elif z.atom.heading or _is_topic(z, *z.span):
            result.append("heading")
        elif not _ALPHANUMERIC.search(folded, z.atom.start, z.atom.end):
            result.append("noise")
        else:
            shown = next((zone for sign, zone in _SIGN_ZONE.items() if sign in z.stretch.signs), None)
            result.append(shown or _SECTION_ZONE.get(section) or "introduction")
    return result


_SIGN_ZONE: dict[str, Zone] = {
    "headcount": "headcount",
    "site": "boilerplate",
    "contact": "contact",
    "benefit": "benefit",
    "place": "condition",
}
