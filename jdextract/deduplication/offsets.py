"""A hash table from digests to offsets, held in arrays: 16 bytes a slot, and whole batches are looked up at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Digests = NDArray[np.uint64]
    Numbers = NDArray[np.int64]

_SMALLEST = 1 << 12  # slots
_BLOCK = 1 << 16  # slots that are moved at once when the table grows
_FULLEST = 0.6  # share of slots that are taken before the table grows


class OffsetTable:
    """Open addressing with triangular probing. Of each key of 16 bytes, itself a digest, the first 8 are compared."""

    def __init__(self) -> None:
        import numpy as np

        self._digests: Digests = np.zeros(_SMALLEST, dtype=np.uint64)  # 0: an empty slot
        self._offsets: Numbers = np.zeros(_SMALLEST, dtype=np.int64)
        self._taken = 0

    def __len__(self) -> int:
        return self._taken

    def find(self, keys: bytes) -> list[int]:
        """The offset of each key, -1 for one that is not there. `keys`: one behind the other."""
        import numpy as np

        digests = _digests(keys)
        found: Numbers = np.full(len(digests), -1, dtype=np.int64)
        left: Numbers = np.arange(len(digests))
        slots, step = self._home(digests), 0
        while len(left):
            held = self._digests[slots]
            hit = held == digests[left]
            found[left[hit]] = self._offsets[slots[hit]]
            on = ~hit & (held != 0)
            step += 1
            left, slots = left[on], (slots[on] + step) & (len(self._digests) - 1)
        offsets: list[int] = found.tolist()
        return offsets

    def add(self, keys: bytes, offsets: list[int]) -> list[int]:
        """Take in keys with their offsets, no two the same. Returns the numbers of those that are left out because their
        first half is there, or came before them."""
        import numpy as np

        while self._taken + len(offsets) > _FULLEST * len(self._digests):
            self._grow()
        twins = self._put(_digests(keys), np.array(offsets, dtype=np.int64))
        self._taken += len(offsets) - len(twins)
        return twins

    def _put(self, digests: Digests, values: Numbers) -> list[int]:
        import numpy as np

        twins: list[int] = []
        left: Numbers = np.arange(len(digests))
        slots, steps = self._home(digests), np.zeros(len(digests), dtype=np.int64)
        while len(left):
            held = self._digests[slots]
            free = held == 0
            # Of those that want the same free slot the last one has it in both arrays; the others look at it again.
            self._digests[slots[free]] = digests[left[free]]
            self._offsets[slots[free]] = values[left[free]]
            same = held == digests[left]
            twins += left[same].tolist()
            on = ~same & ~(free & (self._offsets[slots] == values[left]))
            steps = (steps + ~free)[on]
            left, slots = left[on], (slots[on] + np.where(free[on], 0, steps)) & (len(self._digests) - 1)
        return sorted(twins)

    def _grow(self) -> None:
        import numpy as np

        digests, offsets = self._digests, self._offsets
        self._digests = np.zeros(2 * len(digests), dtype=np.uint64)
        self._offsets = np.zeros(2 * len(digests), dtype=np.int64)
        for start in range(0, len(digests), _BLOCK):
            some = digests[start : start + _BLOCK]
            taken = some != 0
            self._put(some[taken], offsets[start : start + _BLOCK][taken])

    def _home(self, digests: Digests) -> Numbers:
        import numpy as np

        return (digests & np.uint64(len(self._digests) - 1)).astype(np.int64)


def _digests(keys: bytes) -> Digests:
    import numpy as np

    digests: Digests = np.frombuffer(keys, dtype="<u8")[::2].astype(np.uint64)
    digests[digests == 0] = 1
    return digests
