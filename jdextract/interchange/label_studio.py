"""Label Studio: tasks in JSON, and the labelling interface that fits them.

A task is `{"data": {"name", "text"}, "annotations": [{"result": [...]}]}`. A region is a result of type `labels`; its role
is a second result of type `choices` with the same id.

Offsets of a `<Text>` are code points, in the editor and in the export: the editor turns the UTF-16 units of the browser
into code points when a region is drawn. `\\r` and `\\n` count one each. Early versions counted UTF-16 units; their files
are read with `utf-16`. The `text` of a region is what the browser showed, with `\\n` written as a backslash and an n and
with spaces run together; it proves that the offsets are read in the right unit. The other export, JSON-MIN, does not say
which role belongs to which region. Comments, notes and predictions are no part of gold and are not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree import ElementTree

from pydantic import BaseModel, Field, StrictInt, ValidationError

from jdextract.interchange.regions import (
    WITH_ROLE,
    InterchangeError,
    Kind,
    OffsetUnit,
    Page,
    Region,
    count_offsets,
    read_span,
    split_label,
)
from jdextract.taxonomy import Taxonomy

# Names of the tags in the interface, which results refer to.
_LABELS, _ROLE, _TEXT = "label", "role", "text"
_COLOURS: dict[Kind, str] = {
    "title": "#d62728",
    "untitled": "#e377c2",
    "duty": "#1f77b4",
    "requirement": "#2ca02c",
    "compensation": "#ff7f0e",
    "headcount": "#9467bd",
}
_NOT_SHOWN = re.compile(r"\\n|\s+")


class _Value(BaseModel):
    start: StrictInt = -1
    end: StrictInt = -1
    text: str | list[str] | None = None  # a list in results of other tags
    labels: list[str] = []
    choices: list[str] = []


class _Result(BaseModel):
    type: str
    id: str = ""
    value: _Value = Field(default_factory=_Value)


class _Annotation(BaseModel):
    result: list[_Result]
    was_cancelled: bool = False


class _Data(BaseModel):
    name: str
    text: str


class _Task(BaseModel):
    data: _Data
    annotations: list[_Annotation]


def write_tasks(pages: Iterable[Page], unit: OffsetUnit = "code-point") -> bytes:
    """A file of tasks for the interface of `make_interface`; offsets in `unit`."""
    tasks = []
    for page in pages:
        offsets = count_offsets(page.text, unit)
        results: list[dict[str, Any]] = []
        for number, region in enumerate(page.regions, 1):
            start, end = region.span
            shown = re.sub(r"[\r\n]", r"\\n", page.text[start:end])
            value = {"start": offsets[start], "end": offsets[end], "text": shown}
            results.append(_make_result(number, _LABELS, "labels", {**value, "labels": [region.kind]}))
            if region.role:
                results.append(_make_result(number, _ROLE, "choices", {**value, "choices": [region.role]}))
        tasks.append({"data": {"name": page.name, "text": page.text}, "annotations": [{"result": results}]})
    return (json.dumps(tasks, ensure_ascii=False, indent=1) + "\n").encode()


def _make_result(number: int, tag: str, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"r{number}", "from_name": tag, "to_name": _TEXT, "type": kind, "value": value}


def split_tasks(data: bytes, where: str) -> Iterator[tuple[str, Any]]:
    """(place, task) for every task of a file. Raises InterchangeError for another file."""
    try:
        tasks = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InterchangeError(f"is not JSON ({error})", where=where) from error
    if not isinstance(tasks, list):
        raise InterchangeError("is not a list of tasks", where=where, hint="export the project as JSON")
    for number, task in enumerate(tasks, 1):
        yield f"{where} task {number}", task


def read_task(task: Any, where: str, unit: OffsetUnit = "code-point") -> Page:
    """The regions of one task. Raises InterchangeError with the place of what does not fit."""
    try:
        checked = _Task.model_validate(task)
    except ValidationError as error:
        first = error.errors()[0]
        raise InterchangeError(
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}", where=where, hint="export the project as JSON"
        ) from error
    where = f"{where} ({checked.data.name})"
    done = [annotation for annotation in checked.annotations if not annotation.was_cancelled]
    if len(done) != 1:
        raise InterchangeError(f"{len(done)} annotations", where=where, hint="keep exactly one annotation of each task")
    text = checked.data.text
    offsets = count_offsets(text, unit)
    regions: dict[str, Region] = {}
    roles: dict[str, str] = {}
    for result in done[0].result:
        place = f"{where}: {result.type} {result.id}"
        if result.type == "labels":
            kind, role = split_label(_only(result.value.labels, place), place)
            span = read_span(result.value.start, result.value.end, offsets, place)
            if role or result.id in regions:
                raise InterchangeError("a region with two results or a role in its label", where=place)
            _check_text(text[slice(*span)], result.value, text, unit, place)
            regions[result.id] = Region(kind, span)
        elif result.type == "choices":
            if result.id in roles:
                raise InterchangeError("a second role of one region", where=place)
            roles[result.id] = _only(result.value.choices, place)
        else:
            raise InterchangeError(
                f"a result of type {result.type!r}, which gold can't hold", where=place, hint="remove it in the project"
            )
    for name in roles.keys() - regions.keys():
        raise InterchangeError("a role without its region", where=f"{where}: choices {name}")
    found = tuple(Region(region.kind, region.span, roles.get(name)) for name, region in regions.items())
    return Page(checked.data.name, text, found, where)


def _only(values: list[str], where: str) -> str:
    if len(values) != 1:
        raise InterchangeError(f"{len(values)} values instead of one", where=where)
    return values[0]


def _check_text(found: str, value: _Value, text: str, unit: OffsetUnit, where: str) -> None:
    """What the tool showed and what the offsets give must be the same, apart from white space."""
    if not isinstance(value.text, str) or _NOT_SHOWN.sub("", value.text) == _NOT_SHOWN.sub("", found):
        return
    hint = "was the text changed?"
    other: OffsetUnit = "code-point" if unit == "utf-16" else "utf-16"
    table = count_offsets(text, other)
    if value.start in table and value.end in table:
        start, end = table.index(value.start), table.index(value.end)
        if _NOT_SHOWN.sub("", value.text) == _NOT_SHOWN.sub("", text[start:end]):
            hint = f"its offsets count in another unit: --offsets {other}"
    raise InterchangeError(f"its offsets give {found[:20]!r}, not {value.text[:20]!r}", where=where, hint=hint)


def make_interface(taxonomy: Taxonomy) -> str:
    """The labelling interface (XML) for the tasks: a label a kind, and the roles of the taxonomy for the selected region.

    Roles are shown as label and id, and exported as id.
    """
    view = ElementTree.Element("View")
    labels = ElementTree.SubElement(view, "Labels", name=_LABELS, toName=_TEXT)
    for kind, colour in _COLOURS.items():
        ElementTree.SubElement(labels, "Label", value=kind, background=colour)
    # The condition stands on the view around the choices: on the choices themselves, older versions do not know a list
    # of labels and would leave the roles out when the annotation is saved.
    selected = ElementTree.SubElement(view, "View", visibleWhen="region-selected", whenLabelValue=",".join(WITH_ROLE))
    choices = ElementTree.SubElement(selected, "Choices", name=_ROLE, toName=_TEXT, perRegion="true", layout="select")
    for role in taxonomy.roles:
        entry = ElementTree.SubElement(choices, "Choice", value=f"{role.zh} {role.id}", alias=role.id)
        if role.scope:
            entry.set("hint", role.scope)
    ElementTree.SubElement(view, "Text", name=_TEXT, value="$text", saveTextResult="yes", granularity="symbol")
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"
