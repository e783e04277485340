"""Figures of parts of the rows."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.errors import JdextractError
from jdextract.evaluation.figures import make_measures
from jdextract.evaluation.intervals import bootstrap
from jdextract.evaluation.predictions import make_predictions
from jdextract.evaluation.slices import LENGTH_EDGES, NO_VALUE, find_length_bands, slice_rows

from .samples import FAMILIES, draw_predictions


def test_slices_by_hand() -> None:
    """Of 30 Simplified rows 24 are right, of 10 Traditional 3; the slices come by size, with groups and intervals."""
    predicted = ["buyer"] * 24 + ["keeper"] * 6 + ["buyer"] * 3 + ["seller"] * 7
    rows = make_predictions(["buyer"] * 40, predicted, FAMILIES)
    scripts = ["hans"] * 30 + ["hant"] * 10
    hans, hant = slice_rows(rows, scripts, [i // 2 for i in range(40)])
    assert (hans.value, hans.rows, hans.groups, hans.too_small) == ("hans", 30, 15, False)
    assert (hant.value, hant.rows, hant.groups, hant.too_small) == ("hant", 10, 5, True)
    assert hans.figures["accuracy"].value == pytest.approx(0.8)
    assert hant.figures["accuracy"].value == pytest.approx(0.3)
    assert hans.figures["family_accuracy"].value == 1
    assert hans.figures["accuracy"].reliable
    assert not hant.figures["accuracy"].reliable
    json.dumps([hans.to_dict(), hant.to_dict()], allow_nan=False)


def test_a_slice_is_what_its_rows_alone_give() -> None:
    """Every figure and interval of a slice is that of its rows taken out, and the slices cover all rows once."""
    predictions = draw_predictions(200, 3)
    generator = np.random.default_rng(4)
    industries = [[None, "food", "toys"][i] for i in generator.integers(0, 3, 200)]
    groups = generator.integers(0, 60, 200)
    names = ("accuracy", "macro_f1", "coverage", "aurc", "top_3_accuracy")
    parts = slice_rows(predictions, industries, groups, names=names, threshold=0.5, draws=100)
    assert sum(part.rows for part in parts) == 200
    assert [part.rows for part in parts] == sorted((part.rows for part in parts), reverse=True)
    for part in parts:
        rows = np.array([(value or NO_VALUE) == part.value for value in industries])
        measures = make_measures(predictions.take(rows), threshold=0.5)
        assert set(part.figures) == set(names)
        for name in names:
            assert part.figures[name] == bootstrap(measures[name], groups[rows], draws=100)
        assert part.groups == len(set(groups[rows].tolist()))


@pytest.mark.parametrize(("rows", "small"), [(19, True), (20, False)])
def test_small_slices_are_marked(rows: int, small: bool) -> None:
    """A slice of 19 rows is too small, one of 20 is not."""
    (part,) = slice_rows(draw_predictions(rows, 1), ["web"] * rows, range(rows), draws=10)
    assert part.too_small == small


@settings(deadline=None)
@given(st.lists(st.text(max_size=90), min_size=1))
def test_length_bands(texts: list[str]) -> None:
    """The name of a band holds the length, and names sort as lengths do."""
    bands = find_length_bands(texts)
    for text, band in zip(texts, bands, strict=True):
        low, _, high = band.rstrip("+").partition("-")
        assert int(low) <= len(text)
        assert len(text) <= int(high) if high else band == f"{LENGTH_EDGES[-1]:03}+"
    by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    assert [bands[i] for i in by_length] == sorted(bands)


def test_edges_of_bands() -> None:
    """A band begins at its edge; code points are counted, not bytes."""
    assert find_length_bands(["盘" * 7, "盘" * 8, "盘" * 64, ""]) == ["000-007", "008-015", "064+", "000-007"]
    assert find_length_bands(["abcde"], [5]) == ["005+"]
    for edges in ([], [0, 5], [5, 5], [8, 4]):
        with pytest.raises(JdextractError):
            find_length_bands(["a"], edges)


def test_wrong_arguments() -> None:
    """Lengths that differ and unknown figures are told."""
    predictions = draw_predictions(4, 1)
    with pytest.raises(JdextractError, match="3 values and 4 groups for 4 rows"):
        slice_rows(predictions, ["a"] * 3, range(4))
    with pytest.raises(JdextractError, match="no measure 'beauty'"):
        slice_rows(predictions, ["a"] * 4, range(4), names=["beauty"])
    with pytest.raises(JdextractError, match="no rows"):
        predictions.take(np.zeros(4, dtype=bool))
