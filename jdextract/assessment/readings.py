"""Two readings of the same sentences as files: labels in, the sheet for settling and the merged labels out.

A reading is CSV or JSON Lines with `id` and `role`, and `text` where it has it, or a folder of such .jsonl files.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jdextract.errors import DamagedInput, EmptyInput, MissingColumn, MissingInput
from jdextract.evaluation.agreement import Merged
from jdextract.output import defuse, replacing

MERGED_COLUMNS = ("id", "role", "by", "text")
_LINES = (".jsonl", ".ndjson")
_HINT = "give CSV or JSON Lines with id and role"


@dataclass(slots=True)
class Reading:
    """Labels by id, in the order of the file, and the texts that it has."""

    labels: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


def read_labels(path: Path) -> Reading:
    """One reading. Raises MissingInput, MissingColumn, DamagedInput for a broken row or an id that stands twice, and
    EmptyInput."""
    if not path.exists():
        raise MissingInput("no such file", where=str(path), hint=_HINT)
    reading = Reading()
    for where, row in _read_rows(path):
        missing = next((name for name in ("id", "role") if not isinstance(row.get(name), str) or not row[name]), None)
        if missing:
            raise MissingColumn(f"no {missing!r}", where=where, hint=_HINT)
        if row["id"] in reading.labels:
            raise DamagedInput(f"id {row['id']!r} stands twice", where=where, hint="one row a sentence")
        reading.labels[row["id"]] = row["role"].strip()
        if isinstance(row.get("text"), str):
            reading.texts[row["id"]] = row["text"]
    if not reading.labels:
        raise EmptyInput("holds no labels", where=str(path), hint=_HINT)
    return reading


def _read_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if path.is_dir():
        for part in sorted(path.glob("*.jsonl")):
            yield from _read_rows(part)
    elif path.suffix.lower() in _LINES:
        for number, line in enumerate(_decode(path).split("\n"), 1):
            if line.strip():
                yield f"{path}:{number}", _parse(line, f"{path}:{number}")
    else:
        for number, row in enumerate(read_csv(path), 2):
            yield f"{path}:{number}", row


def _parse(line: str, where: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DamagedInput(f"is not JSON ({error})", where=where, hint=_HINT) from error
    if not isinstance(row, dict):
        raise DamagedInput("is no object", where=where, hint=_HINT)
    return row


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file by the names of its first line, as a spreadsheet saves it. Raises DamagedInput."""
    if not path.is_file():
        raise MissingInput("no such file", where=str(path), hint=_HINT)
    try:
        return list(csv.DictReader(io.StringIO(_decode(path), newline="")))
    except csv.Error as error:
        raise DamagedInput(f"is not CSV ({error})", where=str(path), hint=_HINT) from error


def _decode(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DamagedInput("is not UTF-8", where=str(path), hint="save it as CSV UTF-8") from error


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Rows for a spreadsheet: UTF-8 with a byte order mark. Cells must be defused already."""
    with replacing(path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="", write_through=True)
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows(rows)
        text.detach()


def list_merged(merged: Merged, settled: Mapping[str, str], first: Reading, second: Reading) -> list[dict[str, str]]:
    """Rows with MERGED_COLUMNS. `by`: both readings, `settled`, or the one reading that has the row."""
    rows = []
    for id_, role in (*merged.labels.items(), *merged.read_once.items()):
        by = "settled" if id_ in settled else "both" if id_ in merged.labels else _only(id_, first)
        rows.append({"id": id_, "role": role, "by": by, "text": first.texts.get(id_, second.texts.get(id_, ""))})
    return rows


def _only(id_: str, first: Reading) -> str:
    return "first" if id_ in first.labels else "second"


def write_merged(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """JSON Lines for a name that ends so, with ids and texts as they are; else CSV that no spreadsheet takes for formulas."""
    if path.suffix.lower() not in _LINES:
        write_csv(path, MERGED_COLUMNS, ({name: defuse(cell) for name, cell in row.items()} for row in rows))
        return
    with replacing(path) as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
