"""Which mode an endpoint can do: found out by asking, and remembered for the run."""

from __future__ import annotations

import threading
from typing import Literal

Mode = Literal["native", "tool", "prompted"]
_ALL: tuple[Mode, ...] = ("native", "tool", "prompted")


class Modes:
    """`auto` begins with the native JSON schema, goes on to a tool and ends with a schema in the instructions."""

    def __init__(self, mode: Literal["auto", "native", "tool", "prompted"]) -> None:
        self._order = _ALL if mode == "auto" else (mode,)
        self._lock = threading.Lock()
        self._at = 0
        self._proved = False

    @property
    def current(self) -> Mode:
        """The mode to begin a question with."""
        return self._order[self._at]

    def after(self, mode: Mode) -> Mode | None:
        """The mode to try when this one was refused, or None. One that has worked is not doubted any more: then the
        question is at fault."""
        place = self._order.index(mode)
        with self._lock:
            if place + 1 == len(self._order) or (self._proved and place == self._at):
                return None
            return self._order[max(place + 1, self._at)]

    def prove(self, mode: Mode) -> None:
        """This mode has brought an object."""
        with self._lock:
            if not self._proved and mode in self._order:
                self._at, self._proved = self._order.index(mode), True
