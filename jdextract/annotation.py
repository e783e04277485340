"""Inline marks <-> text and gold: the source format of annotated documents (`corpus/documents/*.mark`).

    ⟦T role|运营总监⟧  a position title: starts a record      ⟦N role⟧        starts a record whose title is lost
    ⟦D role|负责…⟧     a duty                                 ⟦R|本科以上学历⟧  a requirement
    ⟦C|底薪5000元⟧     pay                                    ⟦H|2⟧           headcount, digits only

Everything else is plain text of the document. Offsets are code points of the text without marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jdextract.errors import JdextractError
from jdextract.records import Span

_MARK = re.compile(r"⟦([TNDRCH])(?: ([a-z-]+))?(?:\|([^⟦⟧]*))?⟧")
_CLOSING = ";；。"


class AnnotationError(JdextractError):
    """A mark that breaks the format."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An annotated value; `role` is None for requirements and pay."""

    text: str
    span: Span
    role: str | None = None


@dataclass(slots=True)
class GoldRecord:
    title: Labelled | None
    role: str
    start: int  # where the record's mark stands
    headcount: Labelled | None = None
    duties: list[Labelled] = field(default_factory=list)
    requirements: list[Labelled] = field(default_factory=list)
    compensation: list[Labelled] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class GoldDocument:
    name: str
    text: str
    records: tuple[GoldRecord, ...]


def parse_marks(marked: str, name: str) -> GoldDocument:
    """Read one marked document. Raises AnnotationError with the place of a wrong mark."""
    parts: list[str] = []
    records: list[GoldRecord] = []
    end = length = 0
    for mark in _MARK.finditer(marked):
        between = marked[end : mark.start()]
        parts.append(between)
        length += len(between)
        end = mark.end()
        kind, role, body = mark.group(1), mark.group(2), mark.group(3) or ""
        _check(kind, role, body, bool(records), f"{name}: {mark.group()[:40]}")
        value = Labelled(body, (length, length + len(body)), role)
        if kind in "TN":
            records.append(GoldRecord(value if kind == "T" else None, role or "", length))
        elif kind == "D":
            records[-1].duties.append(value)
        elif kind == "R":
            records[-1].requirements.append(value)
        elif kind == "C":
            records[-1].compensation.append(value)
        else:
            records[-1].headcount = value
        parts.append(body)
        length += len(body)
    parts.append(marked[end:])
    text = "".join(parts)
    if "⟦" in text or "⟧" in text:
        at = max(text.find("⟦"), text.find("⟧"))
        raise AnnotationError(f"a broken mark near {text[max(0, at - 20) : at + 40]!r}", where=name)
    return GoldDocument(name, text, tuple(records))


def _check(kind: str, role: str | None, body: str, has_record: bool, where: str) -> None:
    if kind in "TND" and not role:
        raise AnnotationError("a role is missing", where=where)
    if kind not in "TN" and not has_record:
        raise AnnotationError("stands before the first record", where=where)
    if body != body.strip() or (kind in "TDR" and (not body or body[-1] in _CLOSING)):
        raise AnnotationError("is empty, padded, or ends in a closing mark", where=where)
    if kind == "H" and not body.isdecimal():
        raise AnnotationError("a headcount is digits only", where=where)


def write_marks(document: GoldDocument) -> str:
    """The marked form of a document: the inverse of `parse_marks`."""
    inserts: list[tuple[int, int, str, int]] = []  # position, order, mark, length of the text that it replaces
    for record in document.records:
        if record.title is None:
            inserts.append((record.start, 0, f"⟦N {record.role}⟧", 0))
        else:
            inserts.append((record.title.span[0], 0, f"⟦T {record.role}|{record.title.text}⟧", len(record.title.text)))
        for kind, values in (("D", record.duties), ("R", record.requirements), ("C", record.compensation)):
            for value in values:
                head = f"{kind} {value.role}" if value.role else kind
                inserts.append((value.span[0], 1, f"⟦{head}|{value.text}⟧", len(value.text)))
        if record.headcount:
            inserts.append((record.headcount.span[0], 1, f"⟦H|{record.headcount.text}⟧", len(record.headcount.text)))
    out, position = [], 0
    for at, _, mark, size in sorted(inserts, key=lambda item: item[:2]):
        out.append(document.text[position:at])
        out.append(mark)
        position = at + size
    out.append(document.text[position:])
    return "".join(out)


def gold_json(document: GoldDocument) -> dict[str, Any]:
    """The gold form that scorers read: one dictionary per document, texts verbatim in document order."""
    return {
        "doc": document.name + ".txt",
        "records": [
            {
                "title": record.title.text if record.title else None,
                "role": record.role,
                "headcount": int(record.headcount.text) if record.headcount else None,
                "duties": [{"text": duty.text, "role": duty.role} for duty in record.duties],
                "requirements": [value.text for value in record.requirements],
                "compensation": [value.text for value in record.compensation],
            }
            for record in document.records
        ],
    }


def read_marked(folder: Path) -> Iterator[GoldDocument]:
    """Every `*.mark` file of a folder, in name order."""
    for path in sorted(folder.glob("*.mark")):
        yield parse_marks(path.read_text(encoding="utf-8"), path.stem)
