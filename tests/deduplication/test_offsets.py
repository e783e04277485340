"""The hash table behind exact repeats."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.deduplication.exact import FirstSeen
from jdextract.deduplication.offsets import OffsetTable

# Few first halves, so that digests and slots collide as they never do by chance.
keys = st.tuples(st.sampled_from([0, 1, 2, 4096, 8192, 1 << 40, (1 << 64) - 1]), st.integers(0, 3)).map(
    lambda pair: pair[0].to_bytes(8, "little") + pair[1].to_bytes(8, "little")
)


@settings(deadline=None)
@given(st.lists(st.lists(keys, max_size=8), max_size=8))
def test_first_places_are_those_of_a_dictionary(batches: list[list[bytes]]) -> None:
    """Whatever collides, the first place of each key is found, and no key is taken for another one."""
    first: dict[bytes, bytes] = {}
    number = 0
    with FirstSeen() as seen:
        for batch in batches:
            places = [f"r{number + i}#0".encode() for i in range(len(batch))]
            number += len(batch)
            expected = []
            for key, place in zip(batch, places, strict=True):
                expected.append(first.get(key))
                first.setdefault(key, place)
            assert seen.find(batch, places) == expected


def test_the_table_grows() -> None:
    """Every one of 30,000 keys is found at its offset after the table has doubled a few times, and others are not."""
    chance = random.Random(3)
    some = [chance.randbytes(16) for _ in range(30_000)]
    table = OffsetTable()
    for start in range(0, len(some), 700):
        part = some[start : start + 700]
        assert table.add(b"".join(part), list(range(start, start + len(part)))) == []
    assert len(table) == 30_000
    assert table.find(b"".join(some)) == list(range(30_000))
    assert table.find(chance.randbytes(16 * 500)) == [-1] * 500


class Log:
    """A log in memory."""

    def __init__(self) -> None:
        self.data = b""

    def append(self, data: bytes) -> None:
        self.data += data

    def read(self, offset: int, size: int) -> bytes:
        return self.data[offset : offset + size]


@settings(deadline=None)
@given(st.lists(keys, max_size=20), st.lists(keys, max_size=20), st.integers(1, 300))
def test_a_log_is_gone_on_with(before: list[bytes], after: list[bytes], length: int) -> None:
    """A second table over the same log knows what the first one knew, long places too."""
    log, whole = Log(), FirstSeen()
    places = [b"%d" % i * length for i in range(len(before) + len(after))]
    expected = whole.find(before + after, places)[len(before) :]
    FirstSeen(log).find(before, places[: len(before)])
    assert FirstSeen(log).find(after, places[len(before) :]) == expected
    whole.__exit__(None, None, None)
