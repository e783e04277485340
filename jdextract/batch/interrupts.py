"""Ctrl-C, held back while something is done that must not be cut in two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any


class Interrupts:
    """Inside its block SIGINT raises KeyboardInterrupt only where `allowed` lets it through, or when that is next entered.

    Outside the main thread, where Python takes no handlers, nothing is changed.
    """

    def __init__(self) -> None:
        self._before: Any = None
        self._open = self._pending = False
        self._active = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Interrupts:
        # A shell starts a background job with SIGINT ignored: then it stays so.
        self._active = self._active and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._active:
            self._before = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._active:
            signal.signal(signal.SIGINT, self._before)
            if self._pending and kind is None:
                raise KeyboardInterrupt

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._open:
            self._open = False
            raise KeyboardInterrupt
        self._pending = True

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let it through, what came before as well."""
        if self._pending:
            self._pending = False
            raise KeyboardInterrupt
        self._open = True
        try:
            yield
        finally:
            self._open = False
