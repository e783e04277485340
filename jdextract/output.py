"""Writers of role records: JSON Lines, CSV and Parquet, chosen by the suffix of the target.

Nothing is held but a few thousand records. A target appears complete or not at all: it is written beside its place and
moved there at the end.
"""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from jdextract.errors import ConfigError
from jdextract.records import Duty, RoleRecord

if TYPE_CHECKING:
    import polars

RECORDS_PER_PART = 4_000  # of a Parquet file: what is held in memory, and the size of a row group

# First characters that make Excel, LibreOffice or Google Sheets read a cell as a formula; the full-width ones count in
# East Asian versions of Excel. https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

CSV_COLUMNS = (
    "record_id",
    "document_id",
    "source",
    "script",
    "title",
    "record_role",
    "headcount",
    "duty_index",
    "duty",
    "normalized",
    "start",
    "end",
    "heading",
    "role",
    "family",
    "score",
    "status",
    "duplicate_of",
)


class Writer(Protocol):
    """Takes records one by one."""

    def write(self, record: RoleRecord) -> None:
        """Add one record."""


class JsonLinesWriter:
    """One JSON object a line, the contract as it stands."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, record: RoleRecord) -> None:
        """Add one line."""
        self._stream.write(record.model_dump_json().encode() + b"\n")


class CsvWriter:
    """One row a duty, and one row for a record without duties; UTF-8 with a byte order mark, which Excel needs.

    A text that a spreadsheet would take for a formula gets an apostrophe in front: `=1+1` becomes `'=1+1`. Programs that
    need the text unchanged read JSON Lines or Parquet.
    """

    def __init__(self, stream: BinaryIO) -> None:
        # Written line by line through the text layer; the stream itself belongs to the caller.
        self._text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="", write_through=True)
        self._rows = csv.writer(self._text)
        self._rows.writerow(CSV_COLUMNS)

    def write(self, record: RoleRecord) -> None:
        """Add the rows of one record."""
        self._rows.writerows(csv_rows(record))

    def detach(self) -> None:
        """Hand the stream back."""
        self._text.detach()


def csv_rows(record: RoleRecord) -> Iterator[tuple[object, ...]]:
    """The cells of one record, a row a duty, in the order of `CSV_COLUMNS`."""
    common = (
        record.record_id,
        record.document.id,
        defuse(record.document.source),
        record.document.script,
        defuse(record.title.text) if record.title else None,
        record.role.id,
        record.headcount,
    )
    for index, duty in enumerate(record.duties):
        yield (*common, index, *_duty_cells(duty))
    if not record.duties:
        yield (*common, *[None] * (len(CSV_COLUMNS) - len(common)))


def defuse(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def _duty_cells(duty: Duty) -> tuple[object, ...]:
    return (
        defuse(duty.text),
        defuse(duty.normalized),
        *duty.span,
        defuse(duty.heading) if duty.heading else None,
        duty.role.id,
        duty.role.family,
        duty.role.score,
        duty.role.status,
        duty.duplicate_of,
    )


class ParquetWriter:
    """Nested records with the structure of the contract and always the same schema.

    Parts are written as they fill and joined at the end, so that memory does not grow with the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._schema = parquet_schema()
        self._waiting: list[dict[str, Any]] = []
        self._parts: list[Path] = []

    def write(self, record: RoleRecord) -> None:
        """Add one row."""
        self._waiting.append(record.model_dump())
        if len(self._waiting) == RECORDS_PER_PART:
            self._write_part()

    def finish(self, target: Path) -> None:
        """Write all parts as one file."""
        import polars

        if self._waiting or not self._parts:
            self._write_part()
        polars.scan_parquet(self._parts).sink_parquet(target, row_group_size=RECORDS_PER_PART)

    def _write_part(self) -> None:
        import polars

        part = self._folder / f"{len(self._parts):06}.parquet"
        polars.DataFrame(self._waiting, schema=self._schema).write_parquet(part)
        self._parts.append(part)
        self._waiting = []


def parquet_schema() -> polars.Schema:
    """Columns of the Parquet file; a test holds it against `RoleRecord`."""
    from polars import DataType, Float64, Int64, List, Schema, String, Struct

    columns = dict[str, type[DataType] | DataType]
    candidate = columns({"id": String, "family": String, "score": Float64})
    role = Struct(candidate | {"status": String, "alternatives": List(Struct(candidate)), "decided_by": String})
    value = columns({"text": String, "normalized": String, "span": List(Int64)})
    duplicate = Struct(columns({"of": String, "kind": String, "similarity": Float64}))
    repeats = columns({"cluster": String, "duplicate": duplicate})
    duty = value | {"heading": String, "role": role, "canonical_duty": String, "duplicate_of": String} | repeats
    document = ("id", "source", "script", "region", "encoding", "media_type")
    return Schema(
        columns(
            {
                "schema_version": String,
                "record_id": String,
                "document": Struct(columns(dict.fromkeys(document, String)) | repeats),
                "title": Struct(value | {"name": String, "details": List(Struct({"kind": String, "text": String}))}),
                "role": role,
                "role_mix": List(Struct({"id": String, "family": String, "share": Float64})),
                "headcount": Int64,
                "duties": List(Struct(duty)),
                "requirements": List(Struct(value)),
                "compensation": List(Struct(value)),
            }
        )
        | repeats
        | {"assistance": List(Struct(columns({"task": String, "duty": Int64, "outcome": String, "by": String})))}
    )


@contextmanager
def _json_lines(target: Path) -> Iterator[Writer]:
    with replacing(target) as stream:
        yield JsonLinesWriter(stream)


@contextmanager
def _csv(target: Path) -> Iterator[Writer]:
    with replacing(target) as stream:
        writer = CsvWriter(stream)
        try:
            yield writer
        finally:
            writer.detach()


@contextmanager
def _parquet(target: Path) -> Iterator[Writer]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".jdextract-", dir=target.parent) as folder:
        writer = ParquetWriter(Path(folder))
        yield writer
        with replacing_path(target) as place:
            writer.finish(place)


FORMATS: dict[str, Callable[[Path], AbstractContextManager[Writer]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".csv": _csv,
    ".parquet": _parquet,
}


def open_writer(target: Path) -> AbstractContextManager[Writer]:
    """A writer for the suffix of `target`. If the block raises, the target stays as it was. Raises ConfigError."""
    make = FORMATS.get(target.suffix.lower())
    if make is None:
        raise ConfigError(
            f"no writer for {target.suffix or 'a name without suffix'}",
            where=str(target),
            hint="end it in " + ", ".join(FORMATS),
        )
    return make(target)


@contextmanager
def replacing(target: Path, *, keep_on_error: bool = False) -> Iterator[BinaryIO]:
    """A binary file that takes the place of `target` when the block ends; with an exception, only if told so."""
    with replacing_path(target, keep_on_error=keep_on_error) as place, place.open("wb") as stream:
        yield stream


@contextmanager
def replacing_path(target: Path, *, keep_on_error: bool = False) -> Iterator[Path]:
    """Path of a file to write, moved to `target` when the block ends. Folders above it are made. Raises ConfigError."""
    target = target.resolve()  # a link stays a link
    if target.is_dir():
        raise ConfigError("is a folder", where=str(target), hint="give the path of a file")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and not target.is_file():
        yield target  # a device or a pipe can't be replaced
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    done = False
    try:
        yield part
        done = True
    finally:
        if (done or keep_on_error) and part.exists():
            os.replace(part, target)
        else:
            part.unlink(missing_ok=True)
