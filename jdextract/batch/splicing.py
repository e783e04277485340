"""Records as bytes that are made before it is known which duties repeat another one.

A worker makes the bytes and cuts them where `duplicate_of` of each duty goes; who knows the whole run fills the gaps. What
comes out equals the bytes of the marked record.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Literal

from jdextract.output import CSV_COLUMNS, csv_rows
from jdextract.records import RoleRecord

Form = Literal["json", "csv"]

_EMPTY = b'"duplicate_of":null'  # can't stand inside a string, where each quote has a backslash before it
_CUT = b'"duplicate_of":\0'  # a zero byte stands nowhere in JSON
CSV_HEAD = b"\xef\xbb\xbf" + ",".join(CSV_COLUMNS).encode() + b"\r\n"


def cut_records(records: Sequence[RoleRecord], form: Form) -> tuple[bytes, ...]:
    """The bytes of unmarked records, cut at each duty: one piece more than duties."""
    pieces = _CUTTERS[form](records)
    duties = sum(len(record.duties) for record in records)
    if len(pieces) != duties + 1:
        raise ValueError(f"{len(pieces)} pieces for {duties} duties: a duty was marked before")
    return tuple(pieces)


def _cut_json(records: Sequence[RoleRecord]) -> list[bytes]:
    lines = "".join(f"{record.model_dump_json()}\n" for record in records).encode()
    return lines.replace(_EMPTY, _CUT).split(b"\0")


def _cut_csv(records: Sequence[RoleRecord]) -> list[bytes]:
    pieces = [""]
    for record in records:
        for row in csv_rows(record):
            text = io.StringIO()
            csv.writer(text).writerow(row)
            line = text.getvalue()
            if record.duties:  # `duplicate_of` is the last cell, and empty
                pieces[-1] += line[:-2]
                pieces.append(line[-2:])
            else:
                pieces[-1] += line
    return [piece.encode() for piece in pieces]


_CUTTERS: dict[Form, Callable[[Sequence[RoleRecord]], list[bytes]]] = {"json": _cut_json, "csv": _cut_csv}


def fill(pieces: Sequence[bytes], marks: Sequence[bytes | None], form: Form) -> bytes:
    """The bytes of the records with these places as `duplicate_of`, None for a duty that repeats nothing."""
    empty = b"null" if form == "json" else b""
    if not any(marks):
        return empty.join(pieces)
    quoted = b'"%b"' if form == "json" else b"%b"
    values = (empty if mark is None else quoted % mark for mark in marks)
    return b"".join(chain.from_iterable(zip(pieces, chain(values, (b"",)), strict=True)))
