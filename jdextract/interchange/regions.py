"""What every annotation tool can hold: one text and labelled regions of it, made from gold and made into gold again.

A region belongs to the record that was started last before it, as in the marks of `annotation`. So the places alone keep
the records, their order and what is in them. A record whose title is lost starts with a region `untitled`: its start is
where the record starts, its end means nothing (it reaches to the first visible character, so that a tool can show it).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, get_args

from jdextract.annotation import AnnotationError, GoldDocument, GoldRecord, Labelled, parse_marks, write_marks
from jdextract.errors import JdextractError
from jdextract.records import Span
from jdextract.taxonomy import Taxonomy

Kind = Literal["title", "untitled", "duty", "requirement", "compensation", "headcount"]
OffsetUnit = Literal["code-point", "utf-16"]

KINDS: tuple[Kind, ...] = get_args(Kind)
WITH_ROLE: tuple[Kind, ...] = ("title", "untitled", "duty")
_RANKS: dict[Kind, int] = {"untitled": 0, "title": 1}  # of what starts a record, before values at the same place
_TO_FIRST_VISIBLE = re.compile(r"\s*\S?")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_FILE_NAME = re.compile(r"[^/\\\x00-\x1f\x7f\ud800-\udfff]+")


class InterchangeError(JdextractError):
    """An annotation that does not fit: into another format, or from it into marks."""


@dataclass(frozen=True, slots=True)
class Region:
    """A labelled part of a text; `span` in code points. `record` names its record, in formats that keep such a name."""

    kind: Kind
    span: Span
    role: str | None = None
    record: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A text with its regions. `where` is its place in the file that it came from."""

    name: str
    text: str
    regions: tuple[Region, ...]
    where: str


def make_page(document: GoldDocument, taxonomy: Taxonomy) -> Page:
    """The regions of a document, record by record. Raises InterchangeError for one that would not come back the same."""
    regions: list[Region] = []
    for number, record in enumerate(document.records, 1):
        kinds: tuple[tuple[Kind, Iterable[Labelled]], ...] = (
            ("headcount", [record.headcount] if record.headcount else []),
            ("duty", record.duties),
            ("requirement", record.requirements),
            ("compensation", record.compensation),
        )
        values = [Region(kind, value.span, value.role, str(number)) for kind, group in kinds for value in group]
        regions.append(_make_start(record, document, str(number)))
        regions += sorted(values, key=lambda region: region.span)
    page = Page(document.name, document.text, tuple(regions), document.name)
    if build_document(page, taxonomy) != document:
        raise InterchangeError(
            "regions can't hold it: records or their values do not stand one behind the other",
            where=document.name,
            hint="`jdextract corpus lint` checks marks",
        )
    return page


def _make_start(record: GoldRecord, document: GoldDocument, number: str) -> Region:
    if record.title:
        return Region("title", record.title.span, record.role, number)
    visible = _TO_FIRST_VISIBLE.match(document.text, record.start)
    if visible is None or not visible.group():
        raise InterchangeError(
            "a record without title starts at the end of the text, where a region can't stand",
            where=document.name,
            hint="move or remove its mark",
        )
    return Region("untitled", visible.span(), record.role, number)


def build_document(page: Page, taxonomy: Taxonomy) -> GoldDocument:
    """The gold that the regions of a page say, in whatever order they are listed.

    Raises InterchangeError with the place: a region outside the text, overlapping another or before the first record; a
    role that the taxonomy does not have; whatever the format of marks does not allow.
    """
    if not _FILE_NAME.fullmatch(page.name) or not page.name.strip("."):
        raise InterchangeError(f"name {page.name!r} can't be a file name", where=page.where, hint="letters and digits")
    if _HALF_CHARACTER.search(page.text):
        raise InterchangeError("has half characters, which UTF-8 can't hold", where=page.where)
    for region in page.regions:
        _check_region(region, page, taxonomy)
    groups = _group_regions(page)
    document = GoldDocument(page.name, page.text, tuple(_make_record(group, page) for group in groups))
    try:
        again = parse_marks(write_marks(document), page.name)
    except AnnotationError as error:
        raise InterchangeError(error.what, where=_join(page.where, error.where), hint=error.hint) from error
    if again != document:
        raise InterchangeError("the text itself has marks ⟦…⟧", where=page.where, hint="remove them from the text")
    return document


def _check_region(region: Region, page: Page, taxonomy: Taxonomy) -> None:
    start, end = region.span
    if not 0 <= start < end <= len(page.text):
        raise _error("is empty or not inside the text", region, page)
    if region.kind not in WITH_ROLE:
        if region.role is not None:
            raise _error(f"has a role, {region.role!r}", region, page, hint="roles are for titles and duties")
    elif region.role not in taxonomy.role_ids:
        what = f"role {region.role!r} is not in the taxonomy" if region.role else "has no role"
        raise _error(what, region, page, hint="`jdextract taxonomy show` lists the roles")


def _group_regions(page: Page) -> list[list[Region]]:
    """Regions by record: the one that starts the record, then the others, in the order of the text."""
    groups: list[list[Region]] = []
    end = 0  # of the value before
    for region in sorted(page.regions, key=lambda region: (region.span[0], _RANKS.get(region.kind, 2))):
        start = region.span[0]
        if region.kind in _RANKS and groups and groups[-1][0].span[0] == start:
            raise _error("starts a record where another one starts", region, page)
        if start < end:
            raise _error("overlaps the region before it", region, page, hint="regions stand one behind the other")
        if region.kind in _RANKS:
            groups.append([region])
        elif groups:
            groups[-1].append(region)
        else:
            raise _error("stands before the first record", region, page, hint="a record starts with its title")
        if region.kind != "untitled":
            end = region.span[1]
    _check_names(groups, page)
    return groups


def _check_names(groups: list[list[Region]], page: Page) -> None:
    """Where regions name their record, place and name must say the same."""
    seen: dict[str, int] = {}
    for number, group in enumerate(groups):
        named = [region for region in group if region.record]
        for region in named:
            if region.record != named[0].record or seen.setdefault(region.record, number) != number:
                raise _error(
                    f"names record {region.record!r} but stands in another one",
                    region,
                    page,
                    hint="a region belongs to the record that starts last before it",
                )


def _make_record(group: Sequence[Region], page: Page) -> GoldRecord:
    first, *others = group
    role = first.role or ""
    title = Labelled(page.text[slice(*first.span)], first.span, role) if first.kind == "title" else None
    record = GoldRecord(title, role, first.span[0])
    for region in others:
        value = Labelled(page.text[slice(*region.span)], region.span, region.role)
        if region.kind == "duty":
            record.duties.append(value)
        elif region.kind == "requirement":
            record.requirements.append(value)
        elif region.kind == "compensation":
            record.compensation.append(value)
        elif record.headcount:
            raise _error("is the second headcount of its record", region, page)
        else:
            record.headcount = value
    return record


def count_offsets(text: str, unit: OffsetUnit) -> Sequence[int]:
    """The offset in `unit` of every code point of `text`, and of its end."""
    if unit == "code-point":
        return range(len(text) + 1)
    return list(accumulate((2 if char > "\uffff" else 1 for char in text), initial=0))


def read_span(start: int, end: int, offsets: Sequence[int], where: str) -> Span:
    """A span in code points from one in the unit of `offsets` (see `count_offsets`). Raises InterchangeError."""
    if not 0 <= start < end <= offsets[-1]:
        raise InterchangeError(
            f"span {start}-{end} is empty or past the end, {offsets[-1]}",
            where=where,
            hint="another unit? see --offsets",
        )
    first, last = bisect_left(offsets, start), bisect_left(offsets, end)
    if (offsets[first], offsets[last]) != (start, end):
        raise InterchangeError(
            f"span {start}-{end} cuts a character in two", where=where, hint="another unit? see --offsets"
        )
    return first, last


def join_label(region: Region) -> str:
    """`duty:customer-service`, or the kind alone where it has no role."""
    return f"{region.kind}:{region.role}" if region.role else region.kind


def split_label(label: str, where: str) -> tuple[Kind, str | None]:
    """Kind and role of a label. Raises InterchangeError for an unknown kind."""
    name, _, role = label.partition(":")
    for kind in KINDS:
        if kind == name:
            return kind, role or None
    raise InterchangeError(f"unknown label {label!r}", where=where, hint=f"labels are {', '.join(KINDS)}")


def _error(what: str, region: Region, page: Page, hint: str = "") -> InterchangeError:
    start, end = region.span
    place = f"{region.kind} {start}-{end} {page.text[max(start, 0) : max(end, 0)][:20]!r}"
    return InterchangeError(what, where=_join(page.where, place), hint=hint)


def _join(where: str, place: str) -> str:
    return f"{where}: {place}" if place else where
