from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jdextract.classification import lookup
from jdextract.classification.lookup import Lookup

KEYS = st.integers(0, 2**62)


@given(st.lists(KEYS, unique=True), st.lists(KEYS))
def test_the_same_as_a_dictionary(keys: list[int], others: list[int]) -> None:
    """Each key gives its number, and no other integer gives one."""
    numbers = {key: number for number, key in enumerate(keys)}
    asked = [*others, *keys, *others]
    known, found = Lookup.make(np.array(keys, dtype=np.int64)).find(np.array(asked, dtype=np.int64))
    assert known.tolist() == [key in numbers for key in asked]
    assert found.tolist() == [numbers[key] for key in asked if key in numbers]


@pytest.mark.parametrize("step", [1, 2**20, 10_007])
def test_many_keys(step: int) -> None:
    """100,000 keys at one distance, the worst for a poor hash, are all found; the integers between them are not."""
    keys = np.arange(100_000, dtype=np.int64) * step
    table = Lookup.make(keys)
    known, found = table.find(keys[::-1].copy())
    assert known.all()
    np.testing.assert_array_equal(found, np.arange(100_000)[::-1])
    assert step == 1 or not table.find(keys + 1)[0].any()


def test_tables_grow_when_keys_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where keys drive each other out for too long the tables become larger, and all are found."""
    monkeypatch.setattr(lookup, "_ROUNDS", 3)
    keys = np.unique(np.random.default_rng(0).integers(0, 2**62, 5_000))
    table = Lookup.make(keys)
    assert table.bits > len(keys).bit_length()
    np.testing.assert_array_equal(table.find(keys)[1], np.arange(len(keys)))


def test_keys_that_find_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that drive each other out in every table, as a hostile model could hold, end in a ValueError, not in all memory."""
    monkeypatch.setattr(lookup, "_hash", lambda keys, factor, bits: np.zeros(len(keys), dtype=np.int64))
    with pytest.raises(ValueError, match="3 keys find no place"):
        Lookup.make(np.array([1, 2, 3]))
