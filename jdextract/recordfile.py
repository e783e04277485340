"""Role records that were written before, read back: JSON Lines or Parquet, one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from jdextract.errors import DamagedInput, MissingInput, UnsupportedInput
from jdextract.records import ReadFailure, RoleRecord

_LINES = (".jsonl", ".ndjson")
_ROWS = 1_000  # of a Parquet file at a time
_HINT = "give records as `jdextract extract` writes them"


def read_records(paths: Sequence[Path]) -> Iterator[RoleRecord | ReadFailure]:
    """Records of files in the order given; a row that is no record comes as a ReadFailure with its place.

    Raises MissingInput, UnsupportedInput and DamagedInput for a file that can't be read at all.
    """
    for path in paths:
        if not path.is_file():
            raise MissingInput("no such file", where=str(path), hint=_HINT)
        if path.suffix.lower() in _LINES:
            yield from _read_lines(path)
        elif path.suffix.lower() == ".parquet":
            yield from _read_parquet(path)
        else:
            raise UnsupportedInput("is not .jsonl or .parquet", where=str(path), hint=_HINT)


def _read_lines(path: Path) -> Iterator[RoleRecord | ReadFailure]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _parse(line, f"{path}:{number}")


def _read_parquet(path: Path) -> Iterator[RoleRecord | ReadFailure]:
    import polars

    try:
        frame = polars.scan_parquet(path)
        rows = frame.select(polars.len()).collect().item()
        for start in range(0, rows, _ROWS):
            for number, row in enumerate(frame.slice(start, _ROWS).collect().iter_rows(named=True), start + 1):
                yield _parse(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass"), f"{path}#{number}")
    except polars.exceptions.PolarsError as error:
        raise DamagedInput(f"can't be read as Parquet ({error})", where=str(path), hint=_HINT) from error


def _parse(line: bytes, where: str) -> RoleRecord | ReadFailure:
    try:
        return RoleRecord.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        return ReadFailure(
            where, "reading", "DamagedInput", f"is no role record: {key or 'line'}: {first['msg']}", _HINT
        )
