"""Intervals from groups of rows."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.errors import JdextractError
from jdextract.evaluation.figures import make_measures
from jdextract.evaluation.intervals import (
    Resamples,
    bootstrap,
    bootstrap_all,
    draw_weights,
    find_interval,
    resample,
)
from jdextract.evaluation.measures import make_ratio, value_of

from .samples import draw_predictions


def draw_hits(
    generator: np.random.Generator, groups: int, accuracy: float, correlation: float
) -> tuple[np.ndarray, np.ndarray]:
    """Hits and rows of each group, 1 to 12 rows; errors within a group are correlated as told (beta-binomial)."""
    sizes = generator.integers(1, 13, groups)
    shares = np.full(groups, accuracy)
    if correlation:
        strength = (1 - correlation) / correlation
        shares = generator.beta(accuracy * strength, (1 - accuracy) * strength, groups)
    return generator.binomial(sizes, shares), sizes


@pytest.mark.parametrize("groups", [30, 200])
def test_coverage(groups: int) -> None:
    """Of 1,000 samples of known accuracy 92-98 % have it in their 95 % interval: 0.7 and 0.95, correlated or not."""
    resamples = Resamples(np.arange(groups), draw_weights(groups, 1000, 0))
    for accuracy in (0.7, 0.95):
        for correlation in (0.0, 0.3):
            generator = np.random.default_rng(11)
            covered = 0
            for _ in range(1000):
                hits, sizes = draw_hits(generator, groups, accuracy, correlation)
                interval = find_interval(make_ratio("accuracy", hits, sizes), resamples)
                covered += not interval.excludes(accuracy)
            assert 920 <= covered <= 980, (accuracy, correlation, covered)


def test_single_sentences_are_too_sure() -> None:
    """Intervals of the same correlated rows taken one by one miss the accuracy far too often: groups are needed."""
    generator = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        hits, sizes = draw_hits(generator, 30, 0.7, 0.5)
        rows = np.concatenate([np.arange(n) < h for h, n in zip(hits, sizes, strict=True)])
        covered += not bootstrap(rows, np.arange(len(rows)), draws=200).excludes(0.7)
    assert covered < 160


def test_macro_f1_coverage() -> None:
    """Macro-F1 over roles that all have a dozen rows is covered in 90-99 % of samples."""
    truth = value_of(make_measures(draw_predictions(200_000, 99))["macro_f1"])
    covered = 0
    for seed in range(200):
        predictions = draw_predictions(60, seed)
        covered += not bootstrap(make_measures(predictions)["macro_f1"], np.arange(60), draws=300).excludes(truth)
    assert 180 <= covered <= 198


@pytest.mark.parametrize(("seed", "larger"), [(3, "jackknife"), (6, "bootstrap")])
def test_value_and_draws_by_hand(seed: int, larger: str) -> None:
    """A draw weighs every row of its groups; the error is the larger one of the drawn accuracies and the jackknife."""
    right = np.array([1, 1, 0, 1, 0, 0])
    groups = ["x", "x", "y", "y", "z", "z"]
    resamples = resample(groups, draws=500, seed=seed)
    accuracies = []
    for weights in resamples.weights:
        rows = [index for group, times in enumerate(weights) for index in [2 * group, 2 * group + 1] * int(times)]
        accuracies.append(right[rows].mean())
    found = make_ratio("a", right, np.ones(6)).over(resamples.codes, 3)(resamples.weights.astype(float))
    np.testing.assert_allclose(found, accuracies)
    # Leaving out one group gives 1/4, 1/2 and 3/4, with variance 2/3 * 1/16.
    errors = {"bootstrap": np.std(accuracies, ddof=1) * np.sqrt(3 / 2), "jackknife": np.sqrt(2 * 2 / 3 / 16)}
    assert max(errors, key=errors.__getitem__) == larger
    half = 4.302652729911275 * errors[larger] / 0.25  # t of 97.5 % with 2 degrees of freedom, on the logit scale
    interval = bootstrap(right, groups, draws=500, seed=seed)
    assert interval.value == 0.5
    assert interval.low == pytest.approx(1 / (1 + np.exp(half)))
    assert interval.high == pytest.approx(1 / (1 + np.exp(-half)))
    assert not interval.reliable


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=1, max_size=40), st.sampled_from([0.8, 0.95]))
def test_an_interval_holds_its_value(rows: list[tuple[bool, int]], level: float) -> None:
    """The interval holds the figure, stays within 0-1, and is the same each time and for rows in another order."""
    right, groups = [r for r, _ in rows], [g for _, g in rows]
    interval = bootstrap(right, groups, draws=50, level=level)
    assert interval.low is not None
    assert interval.high is not None
    assert interval.value == pytest.approx(np.mean(right))
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    assert interval == bootstrap(right, groups, draws=50, level=level)
    turned = bootstrap(right[::-1], groups[::-1], draws=50, level=level)
    assert turned.low == pytest.approx(interval.low)
    if len(set(groups)) > 1:  # compared end by end: the width of (6e-20, 1) rounds to that of the whole range
        assert interval.low > 0 or interval.high < 1


def test_no_error_is_not_certainty() -> None:
    """Without an error in 30 groups the interval reaches down to where 30 groups without one are a 2.5 % chance."""
    interval = bootstrap([True] * 60, [i // 2 for i in range(60)])
    assert interval.high == 1
    assert interval.low is not None
    assert interval.low**30 == pytest.approx(0.025)
    assert bootstrap([False] * 60, [i // 2 for i in range(60)]).high == pytest.approx(1 - interval.low)


def test_one_group_says_nothing() -> None:
    """Of a single group the interval is the whole range, and below 10 groups it is marked as not reliable."""
    interval = bootstrap([True, False], ["a", "a"])
    assert (interval.low, interval.high, interval.reliable) == (0, 1, False)
    rows = [True, False] * 10
    assert not bootstrap(rows, [i % 9 for i in range(20)]).reliable
    assert bootstrap(rows, [i % 10 for i in range(20)]).reliable


def test_numbers_beyond_shares() -> None:
    """The mean of numbers outside 0-1 gets the t-interval of scipy, up to the error of the draws."""
    from scipy import stats

    values = np.random.default_rng(2).normal(10, 3, 50)
    interval = bootstrap(values, np.arange(50), draws=20_000)
    low, high = stats.t.interval(0.95, 49, values.mean(), stats.sem(values))
    assert interval.low == pytest.approx(low, abs=0.03)
    assert interval.high == pytest.approx(high, abs=0.03)
    constant = bootstrap([5.0] * 20, range(20))
    assert (constant.low, constant.high) == (5, 5)


def test_undefined_figures() -> None:
    """A figure without a value has no interval; one that most draws lack is not reliable."""
    nothing = bootstrap(make_ratio("kept", np.zeros(20), np.zeros(20)), range(20))
    assert (nothing.value, nothing.low, nothing.reliable) == (None, None, False)
    assert not nothing.excludes(0.5)
    kept = np.arange(20) == 0
    once = bootstrap(make_ratio("kept", kept, kept), range(20))
    assert once.value == 1
    assert not once.reliable
    json.dumps([nothing.to_dict(), once.to_dict()], allow_nan=False)


def test_speed() -> None:
    """1,000 draws over 1,000 groups and 37 roles: accuracy and both F1 together in under a second."""
    predictions = draw_predictions(8_000, 4, roles=tuple(f"r{i:02}" for i in range(37)))
    measures = {k: v for k, v in make_measures(predictions).items() if k in ("accuracy", "macro_f1", "weighted_f1")}
    resamples = resample(np.random.default_rng(1).integers(0, 1000, 8_000))
    started = time.process_time()
    found = bootstrap_all(measures, resamples)
    assert time.process_time() - started < 1
    assert found["macro_f1"].groups == resamples.weights.shape[1]


def test_area_is_resampled_like_copies_of_rows() -> None:
    """A resample of AURC is the AURC of the rows that it holds, each as often as its group was drawn."""
    predictions = draw_predictions(40, 8)
    groups = np.arange(40) % 7
    resamples = resample(groups, draws=20)
    found = make_measures(predictions)["aurc"].over(resamples.codes, 7)(resamples.weights.astype(float))
    for weights, value in zip(resamples.weights, found, strict=True):
        copies = np.repeat(np.arange(40), weights[groups])
        assert value == pytest.approx(value_of(make_measures(predictions.take(copies))["aurc"]))


def test_wrong_arguments() -> None:
    """Lengths that differ, no rows, and a level in percent are told."""
    for values, groups, level in (([True], ["a", "b"], 0.95), ([], [], 0.95), ([True, False], ["a", "b"], 95)):
        with pytest.raises(JdextractError):
            bootstrap(values, groups, level=level)
