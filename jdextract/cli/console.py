"""How the commands talk: messages on standard error, exit codes, scraped text made safe for a terminal."""

from __future__ import annotations

import sys
from contextlib import suppress
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from jdextract.records import ReadFailure

WIDTH_OF_FILES = 160  # columns of a table that is piped or redirected, where there is no terminal to ask


class Status(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    NOTHING_DONE = 1  # or a setting that does not fit
    USAGE = 2  # Typer's own
    PARTLY_DONE = 3  # some inputs failed, or a language model did not answer
    INTERRUPTED = 130
    PIPE_CLOSED = 141  # what a shell reports for SIGPIPE


EXIT_CODES = "Exit codes: 0 all done · 1 nothing could be done, or a setting does not fit · 2 usage · 3 done, but some inputs failed or a language model did not answer."


def console(*, stderr: bool = False) -> Console:
    """A plain console: no markup and no highlighting, because what is printed was scraped."""
    from rich.console import Console

    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=stderr)
    if not made.is_terminal and not stderr:
        made = Console(markup=False, highlight=False, emoji=False, width=WIDTH_OF_FILES)
    return made


def visible(text: str) -> str:
    """Text with control characters replaced by pictures of them, so that no escape sequence reaches a terminal.

    One character in, one character out.
    """
    return "".join(_picture(char) if ord(char) < 0xA0 or ord(char) > 0x2000 else char for char in text)


def _picture(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if 0x7F <= code < 0xA0:
        return "\u2421"
    # Marks that turn the direction of the text behind them, and halves of surrogate pairs.
    return "\ufffd" if 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069 or 0xD800 <= code <= 0xDFFF else char


def complain(what: str, *, where: str = "", hint: str = "") -> None:
    """One message on standard error: what failed, where, what to try."""
    message = f"{where}: {what}" if where else what
    print(visible(f"error: {message}"), file=sys.stderr)
    if hint:
        print(visible(f"  try: {hint}"), file=sys.stderr)


def failure_line(failure: ReadFailure) -> str:
    """A failed input in one line."""
    hint = f" ({failure.hint})" if failure.hint else ""
    return visible(f"failed: {failure.path}: {failure.what}{hint}")


def close_quietly() -> None:
    """Point standard output at nothing, so that the interpreter does not complain when it flushes a closed pipe."""
    import os

    with suppress(OSError, ValueError):  # a captured stream has no descriptor, and then nothing to hush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
