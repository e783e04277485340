"""Tables with a document a row: CSV, TSV, JSONL, Parquet, XLSX. Rows are streamed; no table is held whole."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from jdextract.config import ReadingConfig
from jdextract.data import load_rules
from jdextract.errors import DamagedInput, EmptyInput, MissingColumn, OversizedInput, ReadError
from jdextract.reading.encodings import decode
from jdextract.reading.office import check_archive
from jdextract.records import ReadFailure, SourceText

SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".parquet", ".xlsx"})
_MEDIA = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".jsonl": "application/jsonl",
    ".parquet": "application/vnd.apache.parquet",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_SAMPLE = 1 << 20
_PEEK = 100  # rows that tell the columns: in JSON Lines a row may leave some out
_MOST_ROWS = 1_048_576  # of a sheet, by its format
_FOREIGN = re.compile(rb"[\x00\x80-\xff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@cache
def _usual_columns() -> dict[str, list[str]]:
    return {str(kind): [str(name).lower() for name in names] for kind, names in load_rules("columns").items()}


def read_table(path: Path, source: str, config: ReadingConfig) -> Iterator[SourceText | ReadFailure]:
    """One SourceText a row, with the posted title as first line where there is a title column.

    Rows without text are ReadFailures. Raises ReadError for a table that can't be read at all.
    """
    suffix = path.suffix.lower()
    encoding, rows = _open(path, suffix, config)
    columns: _Columns | None = None
    stream = iter(rows)
    # Other tables have the same columns in every row, and an error further on must not take the rows before it along.
    first = list(islice(stream, _PEEK if suffix == ".jsonl" else 0))
    for number, row in enumerate(chain(first, stream), 1):
        if isinstance(row, ReadError):
            yield _fail(f"{source}#{number}", row)
            continue
        columns = columns or _Columns(_all_columns(first) or row, source, config)
        key = str(number)
        try:
            key = columns.key(row, number)
            text = columns.text(row)
            _check_text(text, config)
        except ReadError as error:
            yield _fail(f"{source}#{key}", error)
            continue
        digest = hashlib.sha256(f"{text}\x00{key}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
        yield SourceText(digest, f"{source}#{key}", text, encoding, _MEDIA[suffix])


def _fail(where: str, error: ReadError) -> ReadFailure:
    return ReadFailure(where, "reading", type(error).__name__, error.what, error.hint)


def _all_columns(rows: list[dict[str, Any] | ReadError]) -> dict[str, Any]:
    return {name: None for row in rows if isinstance(row, dict) for name in row}


def _check_text(text: str, config: ReadingConfig) -> None:
    if not text.strip():
        raise EmptyInput("has no text", hint="leave it out, or check --text-column")
    if len(text) > config.max_characters:
        raise OversizedInput(
            f"has over {config.max_characters} characters", hint="reading.max_characters sets the bound"
        )


class _Columns:
    """Which columns of a table hold what."""

    def __init__(self, row: dict[str, Any], source: str, config: ReadingConfig) -> None:
        self._text = self._find(row, config.text_column, "text", source, required=True)
        self._title = self._find(row, config.title_column, "title", source, required=False)
        self._id = self._find(row, config.id_column, "id", source, required=False)

    @staticmethod
    def _find(row: dict[str, Any], wanted: str | None, kind: str, source: str, *, required: bool) -> str | None:
        names = [str(name) for name in row]
        if wanted is not None:
            if wanted in names:
                return wanted
            raise MissingColumn(
                f"has no column {wanted!r}; its columns are {', '.join(names)}",
                where=source,
                hint=f"set --{kind}-column",
            )
        usual = {name.lower(): name for name in reversed(names)}
        found = next((usual[name] for name in _usual_columns()[kind] if name in usual), None)
        if found is None and required:
            raise MissingColumn(
                f"has no column that is known to hold text; its columns are {', '.join(names)}",
                where=source,
                hint="name it with --text-column",
            )
        return found

    def text(self, row: dict[str, Any]) -> str:
        body = _clean(row.get(self._text or ""))
        title = _clean(row.get(self._title)) if self._title else ""
        return f"{title}\n{body}" if title.strip() and body.strip() else body

    def key(self, row: dict[str, Any], number: int) -> str:
        return (_clean(row.get(self._id)) if self._id else "") or str(number)


def _clean(value: Any) -> str:
    if isinstance(value, list | dict):
        raise DamagedInput(f"holds a {type(value).__name__} where text should be", hint="choose another column")
    text = "" if value is None else str(value).replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATE.sub("\ufffd", text)  # JSON may hold half a surrogate pair, which no output file takes


def _open(path: Path, suffix: str, config: ReadingConfig) -> tuple[str, Iterable[dict[str, Any] | ReadError]]:
    if suffix == ".parquet":
        return "", _parquet_rows(path)
    if suffix == ".xlsx":
        return "", _xlsx_rows(path, config)
    with path.open("rb") as file:
        encoding = config.encoding or decode(_whole_lines(file))[1]
    return encoding, _jsonl_rows(path, encoding) if suffix == ".jsonl" else _csv_rows(path, suffix, encoding)


def _whole_lines(file: BinaryIO) -> bytes:
    """The first part of the file that can tell its encoding: one that is not plain ASCII, if there is any."""
    sample = file.read(_SAMPLE)
    if not sample.strip():
        raise EmptyInput("is empty", hint="nothing to do")
    while not _FOREIGN.search(sample) and (following := file.read(_SAMPLE)):
        sample = sample[sample.rfind(b"\n") + 1 :][-_SAMPLE:] + following
    return sample[: sample.rfind(b"\n") + 1] or sample


def _csv_rows(path: Path, suffix: str, encoding: str) -> Iterator[dict[str, Any] | ReadError]:
    csv.field_size_limit(1 << 30)
    with path.open(encoding=_reader_encoding(encoding), errors="replace", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t" if suffix == ".tsv" else ",", restkey="", restval="")
        while True:
            try:
                row: dict[str, Any] = next(reader)
            except StopIteration:
                return
            except csv.Error as error:  # of one row: the next may be sound
                yield DamagedInput(f"line {reader.line_num}: {error}", hint="save the table as CSV again")
                continue
            surplus = row.pop("", None)
            if isinstance(surplus, list) and any(surplus):
                yield DamagedInput("has more cells than the header", hint="put cells that hold commas in quotes")
            else:
                yield row


def _reader_encoding(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _jsonl_rows(path: Path, encoding: str) -> Iterator[dict[str, Any] | ReadError]:
    with path.open(encoding=_reader_encoding(encoding), errors="replace") as file:
        for line in file:
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                yield DamagedInput(f"is no JSON ({error})", hint="one JSON object a line")
                continue
            yield row if isinstance(row, dict) else DamagedInput("is no JSON object", hint="one JSON object a line")


def _parquet_rows(path: Path) -> Iterator[dict[str, Any] | ReadError]:
    import polars as pl

    try:
        frame = pl.scan_parquet(path)
        size = frame.select(pl.len()).collect().item()
        for start in range(0, size, 2048):
            yield from frame.slice(start, 2048).collect().iter_rows(named=True)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DamagedInput(f"can't be read as Parquet ({error})", hint="write the table again") from error


def _xlsx_rows(path: Path, config: ReadingConfig) -> Iterator[dict[str, Any] | ReadError]:
    import openpyxl

    data = path.read_bytes()
    check_archive(data, config)
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # the stated ones may be wrong, and rows beyond them would be lost
            rows = sheet.iter_rows(values_only=True)
            names = [str(name) if name is not None else "" for name in next(rows, ())]
            for number, row in enumerate(rows, 2):
                if number > _MOST_ROWS:
                    raise OversizedInput("has more rows than a sheet can have", hint="save the table again")
                if any(value is not None for value in row):
                    yield {name: value for name, value in zip(names, row, strict=False) if name}
        book.close()
    except ReadError:
        raise
    except Exception as error:  # openpyxl raises errors of many kinds on damaged parts
        raise DamagedInput(f"can't be read as XLSX ({error})", hint="save the table again, or as CSV") from error
