"""How far a loop of known length is, on standard error: a bar where a person looks at it, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from jdextract.cli.console import console

_Item = TypeVar("_Item")
_LINE_SECONDS = 30.0  # between the lines where nobody looks at a bar


def count_through(items: Iterable[_Item], what: str, total: int, *, quiet: bool = False) -> Iterator[_Item]:
    """The items as they come. `what`: what they are, such as `sentences`."""
    if quiet or not total:
        yield from items
    elif sys.stderr.isatty():
        from rich.progress import track

        yield from track(items, what, total=total, console=console(stderr=True), transient=True)
    else:
        yield from _tell(items, what, total)


def _tell(items: Iterable[_Item], what: str, total: int) -> Iterator[_Item]:
    started = told = time.monotonic()
    for number, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - told > _LINE_SECONDS and number < total:
            told = now
            left = (now - started) / number * (total - number)
            print(f"{number} of {total} {what}, about {left / 60:.0f} min left", file=sys.stderr, flush=True)
