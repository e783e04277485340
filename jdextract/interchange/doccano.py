"""doccano: JSONL of a sequence labelling project, one document a line.

A line is `{"name", "text", "label": [[start, end, "duty:customer-service"], ...]}`; doccano keeps `name` as metadata and
exports it again. Projects with relations export `entities` instead of `label`; both are read. Lines with relations are
refused, because places alone say which record a region belongs to.

The project needs "Allow overlapping spans", or doccano drops what stands where an `untitled` record starts.

The editor of doccano counts UTF-16 units, and so do its files (in Python, a span behind an emoji is one off); that is the
default here. Other programs that read this format count code points. "Count grapheme clusters as one character" is a
third way of counting; such projects can't be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, StrictInt, ValidationError

from jdextract.interchange.regions import (
    InterchangeError,
    OffsetUnit,
    Page,
    Region,
    count_offsets,
    join_label,
    read_span,
    split_label,
)


class _Entity(BaseModel):
    label: str
    start_offset: StrictInt
    end_offset: StrictInt


class _Line(BaseModel):
    name: str
    text: str
    label: list[tuple[StrictInt, StrictInt, str]] | None = None
    entities: list[_Entity] | None = None
    relations: list[Any] = []


def write_lines(pages: Iterable[Page], unit: OffsetUnit = "utf-16") -> bytes:
    """A file with one document a line; offsets in `unit`."""
    lines = []
    for page in pages:
        offsets = count_offsets(page.text, unit)
        spans = [[offsets[r.span[0]], offsets[r.span[1]], join_label(r)] for r in page.regions]
        line = {"name": page.name, "text": page.text, "label": spans}
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    return "".join(lines).encode()


def split_lines(data: bytes, where: str) -> Iterator[tuple[str, Any]]:
    """(place, line) for every line that is not blank. Raises InterchangeError for a line that is not JSON."""
    # Lines end in \n only: inside a string, U+2028 and its like are not escaped.
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        place = f"{where}:{number}"
        try:
            yield place, json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InterchangeError(f"is not JSON ({error})", where=place, hint="export the project as JSONL") from error


def read_line(line: Any, where: str, unit: OffsetUnit = "utf-16") -> Page:
    """The regions of one line. Raises InterchangeError with the place of what does not fit."""
    try:
        checked = _Line.model_validate(line)
    except ValidationError as error:
        first = error.errors()[0]
        raise InterchangeError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", where=where) from error
    where = f"{where} ({checked.name})"
    if checked.relations:
        raise InterchangeError(
            f"{len(checked.relations)} relations, which gold can't hold", where=where, hint="remove them in the project"
        )
    if (checked.label is None) == (checked.entities is None):
        raise InterchangeError("needs either `label` or `entities`", where=where)
    spans = checked.label or [(e.start_offset, e.end_offset, e.label) for e in checked.entities or ()]
    offsets = count_offsets(checked.text, unit)
    regions = []
    for start, end, label in spans:
        place = f"{where}: {label} {start}-{end}"
        kind, role = split_label(label, place)
        regions.append(Region(kind, read_span(start, end, offsets, place), role))
    return Page(checked.name, checked.text, tuple(regions), where)
