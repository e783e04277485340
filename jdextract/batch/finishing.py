"""The end of a run: part files become outputs, and these move into their places."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from jdextract.batch.parts import ARTICLES, ERRORS, NAMES, RECORDS, ROWS, path_of
from jdextract.batch.tally import Tally
from jdextract.errors import ConfigError
from jdextract.output import RECORDS_PER_PART, parquet_schema
from jdextract.records import ReadFailure
from jdextract.report import SHOWN_FAILURES, ReportPage

_PARQUET, _PAGE, _SUMMARY = "records.parquet", "report.html", "run.json"


@dataclass(frozen=True, slots=True)
class Targets:
    """Where a run writes to; None for what was not asked for (records then go to standard output)."""

    records: Path | None
    html: Path | None = None
    texts: Path | None = None
    errors: Path | None = None
    summary: Path | None = None  # run.json

    @property
    def files(self) -> dict[str, Path]:
        """Those that are files, by name."""
        named = {"records": self.records, "html": self.html, "errors": self.errors, "summary": self.summary}
        return {name: path for name, path in named.items() if path}

    def named(self) -> dict[str, Path]:
        """All of them, by name."""
        return self.files | ({"texts": self.texts} if self.texts else {})


def list_moves(folder: Path, targets: Targets) -> list[tuple[Path, Path]]:
    """What lies in the run folder when all is written, and where it goes. The file of errors is the last but one."""
    moves = []
    if targets.records:
        parquet = targets.records.suffix.lower() == ".parquet"
        moves.append((folder / _PARQUET if parquet else path_of(folder, RECORDS), targets.records))
    if targets.html:
        moves.append((folder / _PAGE, targets.html))
    if targets.errors:
        moves.append((path_of(folder, ERRORS), targets.errors))
    if targets.summary:
        moves.append((folder / _SUMMARY, targets.summary))
    return moves


def build(folder: Path, targets: Targets, page: ReportPage | None, tally: Tally, summary: dict[str, Any]) -> None:
    """Make the outputs that are no part file, in the run folder."""
    if targets.records and targets.records.suffix.lower() == ".parquet":
        write_parquet(path_of(folder, RECORDS), folder / _PARQUET)
    if page:
        counts = {name: tally.counts[name] for name in ("documents", "records", "duties")}
        failures = list(islice(read_failures(folder), SHOWN_FAILURES))
        with (
            (folder / _PAGE).open("wb") as stream,
            path_of(folder, NAMES).open("rb") as names,
            path_of(folder, ARTICLES).open("rb") as articles,
        ):
            page.write(stream, names, articles, counts | {"failures": tally.failed}, failures)
    if targets.summary:
        text = json.dumps(summary, ensure_ascii=False, indent=1) + "\n"
        (folder / _SUMMARY).write_bytes(text.encode("utf-8", "backslashreplace"))
    for path, _ in list_moves(folder, targets):
        if path.exists():
            _sync(path)


def move(folder: Path, targets: Targets) -> None:
    """Move the outputs into their places; those that were moved before are there."""
    for path, target in list_moves(folder, targets):
        if path.exists():
            _replace(path, target.resolve())  # a link stays a link


def move_errors(folder: Path, targets: Targets) -> None:
    """Move the file of errors only."""
    if targets.errors:
        _replace(path_of(folder, ERRORS), targets.errors.resolve())


def _replace(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and not target.is_file():  # a device or a pipe can't be replaced
        with path.open("rb") as source, target.open("wb") as stream:
            shutil.copyfileobj(source, stream)
        return
    try:
        os.replace(path, target)
    except OSError:  # another file system
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            shutil.copyfile(path, part)
            _sync(part)
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
        path.unlink()
    _sync_folder(target.parent)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """So that the new name outlives a power failure too, where the system lets a folder be opened."""
    try:
        number = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(number)
    except OSError:
        return
    finally:
        os.close(number)


def read_failures(folder: Path) -> Iterator[ReadFailure]:
    """The failures of a run, as long as its folder is there."""
    with path_of(folder, ERRORS).open(encoding="utf-8") as lines:
        for line in lines:
            yield ReadFailure(**json.loads(line))


def read_rows(folder: Path) -> list[tuple[str, ...]]:
    """The rows of the table of the first documents."""
    with path_of(folder, ROWS).open(encoding="utf-8") as lines:
        return [tuple(json.loads(line)) for line in lines]


def write_parquet(records: Path, target: Path) -> None:
    """Records in JSON Lines as one Parquet file; only some thousand of them are held at a time."""
    import polars

    schema = parquet_schema()
    parts: list[Path] = []
    with records.open("rb") as lines:
        while True:
            some = b"".join(islice(lines, RECORDS_PER_PART))
            if not some and parts:
                break
            frame = polars.read_ndjson(io.BytesIO(some), schema=schema) if some else polars.DataFrame(schema=schema)
            parts.append(target.with_name(f"{len(parts):06}.parquet"))
            frame.write_parquet(parts[-1])
            if not some:
                break
    polars.scan_parquet(parts).sink_parquet(target, row_group_size=RECORDS_PER_PART)
    for part in parts:
        part.unlink()


def check_target(path: Path) -> None:
    """Raises ConfigError for a target that is a folder."""
    if path.is_dir():
        raise ConfigError("is a folder", where=str(path), hint="give the path of a file")
