"""The progress of long commands, on standard error: a bar where a person looks at it, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from glob import iglob
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_ROW_MARK = "#"  # between the path and the row key in the source of a table's row
_LINE_SECONDS = 30.0  # between the lines where nobody looks at a bar
_BAR_SECONDS = 0.1
_FIRST = 100  # documents that each move the bar
_SAMPLE = 1 << 20  # bytes of a table that tell how long its rows are


class Meter:
    """Shows how many documents were read, how many failed, how fast, and about how long it takes from here."""

    def __init__(self, inputs: Sequence[str], *, quiet: bool) -> None:
        self._inputs, self._quiet = inputs, quiet
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._files, self._path = 0, ""
        self.documents, self.failures = 0, 0
        self._before = 0  # documents of the run that this one goes on with
        self._expected: int | None = None  # documents of all inputs
        self._started = self._drawn = time.monotonic()
        if not quiet and sys.stderr.isatty():
            self._bar, self._task = _bar(_count_files(inputs))

    def __enter__(self) -> Meter:
        if self._bar:
            self._bar.start()
        if not self._quiet:  # beside the work: a million files take a while to find
            Thread(target=self._estimate, daemon=True).start()
        return self

    def _estimate(self) -> None:
        self._expected = estimate_documents(self._inputs)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar:
            self._draw()
            self._bar.stop()

    def begin(self, documents: int, failures: int) -> None:
        """The clock starts; so many documents were done before, of which so many failed."""
        self.documents = self._before = documents
        self.failures = failures
        self._started = self._drawn = time.monotonic()

    def advance(self, source: str, *, failed: bool = False) -> None:
        """One more document, or one that failed."""
        self.documents += 1
        self.failures += failed
        path = source.split(_ROW_MARK)[0]
        if path != self._path:  # the file before is done
            self._files += bool(self._path)
            self._path = path
        if self._quiet:
            return
        wait = _BAR_SECONDS if self._bar else _LINE_SECONDS
        if (self._bar and self.documents <= _FIRST) or time.monotonic() - self._drawn > wait:
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        if self._bar is None or self._task is None:
            print(self.line(), file=sys.stderr, flush=True)
            return
        self._bar.update(self._task, completed=self._files, documents=self.documents, line=self.line())

    def line(self) -> str:
        """`1234 documents, 56/s, 7 failed, about 8 min left`"""
        elapsed = time.monotonic() - self._started
        rate = (self.documents - self._before) / elapsed if elapsed > 0 else 0.0
        line = f"{self.documents} documents, {rate:.0f}/s, {self.failures} failed"
        if self._expected is not None and rate > 0 and self._expected > self.documents:
            line += f", about {_show_time((self._expected - self.documents) / rate)} left"
        return line

    def say(self, line: str) -> None:
        """A line on standard error, above the bar."""
        if self._bar:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr)


def _show_time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _bar(files: int | None) -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    bar = Progress(
        BarColumn(),
        TextColumn("{task.fields[line]}"),
        console=Console(stderr=True),
        transient=True,
    )
    return bar, bar.add_task("", total=files, documents=0, line="")


def _count_files(inputs: Sequence[str]) -> int | None:
    """How many files lie under the inputs; None where that can't be known (standard input)."""
    if "-" in inputs:
        return None
    count = 0
    for name in inputs:
        for path in [name] if os.path.exists(name) else iglob(name, recursive=True):
            count += sum(len(files) for _, _, files in os.walk(path)) if os.path.isdir(path) else 1
    return count


def estimate_documents(inputs: Sequence[str]) -> int | None:
    """About how many documents the inputs hold; None where nothing tells (standard input, sheets of XLSX)."""
    total = 0.0
    try:
        for name in inputs:
            if name == "-":
                return None
            for path in [name] if os.path.exists(name) else iglob(name, recursive=True):
                files = (
                    (os.path.join(r, f) for r, _, fs in os.walk(path) for f in fs) if os.path.isdir(path) else [path]
                )
                for file in files:
                    rows = _estimate_rows(file)
                    if rows is None:
                        return None
                    total += rows
    except OSError:
        return None
    return round(total)


def _estimate_rows(file: str) -> float | None:
    suffix = Path(file).suffix.lower()
    if suffix in (".xlsx", ".parquet"):
        return _count_parquet(file) if suffix == ".parquet" else None
    if suffix not in (".csv", ".tsv", ".jsonl"):
        return 1
    with open(file, "rb") as stream:
        sample = stream.read(_SAMPLE)
    rows = sample.count(b"\n") if suffix == ".jsonl" else _count_csv(sample)
    return max(rows, 1) * os.path.getsize(file) / max(len(sample), 1)


def _count_csv(sample: bytes) -> int:
    """Line ends outside of quotes: inside there is an odd number of quotes before."""
    return sum(part.count(b"\n") for part in sample.split(b'"')[::2])


def _count_parquet(file: str) -> int | None:
    import polars

    try:
        return int(polars.scan_parquet(file).select(polars.len()).collect().item())
    except polars.exceptions.PolarsError:
        return None
