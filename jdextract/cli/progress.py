"""The progress of long commands, on standard error: a bar where a person looks at it, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from glob import iglob
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_ROW_MARK = "#"  # between the path and the row key in the source of a table's row


class Meter:
    """Shows how many documents were read, how fast, and the time left as far as the number of files tells."""

    def __init__(self, inputs: Sequence[str], *, quiet: bool) -> None:
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._files, self._documents, self._path = 0, 0, ""
        if not quiet and sys.stderr.isatty():
            self._bar, self._task = _bar(_count_files(inputs))

    def __enter__(self) -> Meter:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def advance(self, source: str) -> None:
        """One more document, or one that failed."""
        if self._bar is None or self._task is None:
            return
        self._documents += 1
        path = source.split(_ROW_MARK)[0]
        if path != self._path:  # the file before is done
            self._files += bool(self._path)
            self._path = path
        elapsed = self._bar.tasks[0].elapsed or 0.0
        rate = f"{self._documents / elapsed:.0f}/s" if elapsed > 0 else ""
        self._bar.update(self._task, completed=self._files, documents=self._documents, rate=rate)

    def say(self, line: str) -> None:
        """A line on standard error, above the bar."""
        if self._bar:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr)


def _bar(files: int | None) -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        BarColumn(),
        TextColumn("{task.fields[documents]} documents {task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
    )
    return bar, bar.add_task("", total=files, documents=0, rate="")


def _count_files(inputs: Sequence[str]) -> int | None:
    """How many files lie under the inputs; None where that can't be known (standard input)."""
    if "-" in inputs:
        return None
    count = 0
    for name in inputs:
        for path in [name] if os.path.exists(name) else iglob(name, recursive=True):
            count += sum(len(files) for _, _, files in os.walk(path)) if os.path.isdir(path) else 1
    return count
