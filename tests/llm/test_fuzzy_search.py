"""Approximate search against the definition of edit distance."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.llm.fuzzy import search


def distance(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for i, x in enumerate(one, 1):
        new = [i]
        for j, y in enumerate(other, 1):
            new.append(min(row[j] + 1, new[-1] + 1, row[j - 1] + (x != y)))
        row = new
    return row[-1]


@settings(deadline=None)
@given(st.text("甲乙丙", min_size=4, max_size=12), st.text("甲乙丙丁", max_size=24), st.integers(0, 3))
def test_search_finds_what_is_there(pattern: str, text: str, edits: int) -> None:
    """The best match is found whenever a stretch of the text is within the bound, with its true distance; else nothing."""
    found = search(pattern, text, 0, len(text), edits, 100)
    best = min(distance(pattern, text[i:j]) for i in range(len(text) + 1) for j in range(i, len(text) + 1))
    assert bool(found) == (best <= edits)
    if found:
        assert min(match.distance for match in found) == best
    assert all(distance(pattern, text[match.start : match.end]) == match.distance for match in found)


@settings(deadline=None)
@given(st.text("甲乙丙丁", min_size=30, max_size=60), st.integers(0, 20), st.integers(0, 20))
def test_search_stays_inside(text: str, low: int, high: int) -> None:
    """No match reaches outside the stretch that is searched."""
    end = len(text) - high
    for match in search(text[:12], text, low, end, 2, 100):
        assert low <= match.start < match.end <= end


def test_hostile_repeats_are_cheap() -> None:
    """A page of one character and a long pattern of it take a bounded time."""
    start = time.process_time()
    search("的" * 600 + "了" * 21, "的" * 20_000, 0, 20_000, 20, 100)
    assert time.process_time() - start < 2
