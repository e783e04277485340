"""What was worked out lately: pages of one site repeat their sentences, and pages of one trade their titles."""

from __future__ import annotations

from typing import Generic, TypeVar

Value = TypeVar("Value")
_LONGEST = 200  # code points of a text worth keeping: longer ones seldom come again and would fill the memory


class Memory(Generic[Value]):
    """The last values by their texts (those of 200 code points or less): at least `size` of them, at most twice as many.

    Two generations instead of an order of use: when the younger one is full it becomes the older one, and what that held
    is forgotten unless it was asked for meanwhile. No step leaves another thread with a wrong value.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[str, Value] = {}
        self._old: dict[str, Value] = {}

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

    def get(self, text: str) -> Value | None:
        """The value of a text, or None."""
        value = self._young.get(text)
        if value is None:
            value = self._old.get(text)
            if value is not None:
                self.keep(text, value)
        return value

    def keep(self, text: str, value: Value) -> None:
        """Remember a value, unless its text is long."""
        if len(text) > _LONGEST:
            return
        if len(self._young) >= self._size:
            self._old, self._young = self._young, {}
        self._young[text] = value
