"""Labelled sentences, `duties/*.jsonl`: rows that are whole or named with their place, and the bytes that each stands in."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jdextract.errors import DamagedInput, EmptyInput, ReadError

LINT = "`jdextract corpus lint` names every problem"

_FIELDS = ("id", "role", "text")


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """A labelled sentence. `pair`: one of two nearly equal ones that have different roles on purpose."""

    id: str
    role: str
    text: str
    pair: bool = False


def read_rows(folder: Path) -> list[LabelledRow]:
    """The rows of all `*.jsonl` in `folder/duties`, else in `folder`.

    Raises EmptyInput without such files, DamagedInput for a line that is no row and for an id that stands twice.
    """
    rows: dict[str, LabelledRow] = {}
    for path in find_files(folder):
        for where, _, row in read_lines(path, read_bytes(path)):
            if row is None:
                continue
            if row.id in rows:
                raise DamagedInput(f"id {row.id} stands twice", where=where, hint=LINT)
            rows[row.id] = row
    return list(rows.values())


def find_files(folder: Path) -> list[Path]:
    """The `*.jsonl` of `folder/duties`, else of `folder`. Raises EmptyInput without any."""
    for place in (folder / "duties", folder):
        if paths := sorted(place.glob("*.jsonl")):
            return paths
    raise EmptyInput("no *.jsonl in it", where=str(folder), hint="check the folder")


def read_bytes(path: Path) -> bytes:
    """What a file holds. Raises ReadError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReadError(f"cannot be opened ({error.strerror})", where=str(path), hint="check the path") from error


def read_lines(path: Path, data: bytes) -> Iterator[tuple[str, bytes, LabelledRow | None]]:
    """(place, line with its end, row) of every line of a file; no row for a blank line. Raises DamagedInput."""
    for number, line in enumerate(io.BytesIO(data), 1):
        where = f"{path}:{number}"
        yield where, line, _read_row(line, where) if line.strip() else None


def _read_row(line: bytes, where: str) -> LabelledRow:
    try:
        row: Any = json.loads(line.decode("utf-8"))
        values = [row[name] for name in _FIELDS]
        if not all(isinstance(value, str) and value.strip() for value in values):
            raise TypeError("one of them is empty or no string")
        for value in values:
            value.encode("utf-8")  # half a surrogate pair can be escaped in JSON, but written nowhere else
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedInput(f"is no row with id, role and text ({error})", where=where, hint=LINT) from error
    return LabelledRow(row["id"], row["role"], row["text"], row.get("note") == "pair")
