"""Two models on the same rows."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from jdextract.errors import JdextractError
from jdextract.evaluation.comparison import EXACT, compare, compare_measures, compute_mcnemar
from jdextract.evaluation.figures import make_measures
from jdextract.evaluation.intervals import Interval, Resamples, bootstrap, draw_weights, resample
from jdextract.evaluation.measures import Difference, make_ratio
from jdextract.evaluation.predictions import Predictions, make_predictions

from .samples import FAMILIES, draw_predictions


def change(predictions: Predictions, rows: list[int], role: str | None) -> Predictions:
    """The same, but with `role` (None: the truth) predicted for some rows, with equal confidence."""
    predicted = predictions.predicted.tolist()
    for row in rows:
        predicted[row] = role or str(predictions.truth[row])
    return make_predictions(predictions.truth.tolist(), predicted, FAMILIES, confidence=predictions.confidence)


def sides(base_only: int, new_only: int, both: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Whether base and new are right, row by row."""
    base = np.array([True] * base_only + [False] * new_only + [True] * both, dtype=bool)
    return base, np.array([False] * base_only + [True] * new_only + [True] * both, dtype=bool)


def width(interval: Interval) -> float:
    assert interval.low is not None
    assert interval.high is not None
    return interval.high - interval.low


def test_mcnemar_by_hand() -> None:
    """1 against 5 discordant rows: twice the 7 of 64 outcomes with at most one. 10 against 30: (20 - 1)^2 / 40."""
    few = compute_mcnemar(*sides(1, 5))
    assert (few.base_only, few.new_only, few.statistic, few.is_exact) == (1, 5, None, True)
    assert few.p_value == pytest.approx(2 * 7 / 64)
    many = compute_mcnemar(*sides(10, 30))
    assert many.statistic == pytest.approx(19**2 / 40)
    assert many.p_value == pytest.approx(stats.chi2.sf(19**2 / 40, 1))
    assert compute_mcnemar(*sides(0, 0)).p_value == 1
    assert compute_mcnemar(*sides(3, 3)).p_value == 1
    assert compute_mcnemar(*sides(20, 20)).p_value == 1


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_that_of_statsmodels(base_only: int, new_only: int) -> None:
    """Both forms of the test agree with statsmodels, and which form is taken depends on the discordant rows alone."""
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    found = compute_mcnemar(*sides(base_only, new_only))
    assert found.is_exact == (base_only + new_only < EXACT)
    if base_only != new_only:  # there statsmodels lets the correction make a difference of 0 into one of 1
        wanted = tables.mcnemar([[5, base_only], [new_only, 0]], exact=found.is_exact, correction=True)
        assert found.p_value == pytest.approx(wanted.pvalue)
    assert 0 <= found.p_value <= 1


def test_kappa_is_that_of_statsmodels() -> None:
    """Cohen's kappa agrees with statsmodels."""
    rater = pytest.importorskip("statsmodels.stats.inter_rater")
    from jdextract.evaluation.metrics import compute_metrics

    result = compute_metrics(draw_predictions(200, 3))
    assert result.figures["kappa"] == pytest.approx(rater.cohens_kappa(np.array(result.confusion.counts)).kappa)


def test_a_difference_is_paired() -> None:
    """The interval of a small change on the same rows is far narrower than that of either model."""
    base = draw_predictions(400, 1)
    wrong = np.flatnonzero(base.truth != base.predicted)
    new = change(base, wrong[:: len(wrong) // 20][:20].tolist(), None)
    groups = np.arange(400) // 4
    (found,) = compare(base, new, groups, names=["accuracy"]).measures
    assert found.difference.value == pytest.approx(20 / 400)
    assert found.verdict == "better"
    assert width(found.difference) < 0.6 * width(bootstrap(make_measures(new)["accuracy"], groups))


def test_verdicts_are_about_the_new_model() -> None:
    """The better one of two is "better" as the new and "worse" as the base one, also where less is better."""
    good, bad = draw_predictions(600, 1, skill=0.95), draw_predictions(600, 1, skill=0.3)
    assert good.truth.tolist() == bad.truth.tolist()
    groups = np.arange(600) // 3
    forth = {m.name: m for m in compare(bad, good, groups, threshold=0.5).measures}
    back = {m.name: m for m in compare(good, bad, groups, threshold=0.5).measures}
    assert set(forth) == set(make_measures(good, threshold=0.5))
    for name in ("accuracy", "macro_f1", "family_weighted_f1", "kappa", "top_3_accuracy", "aurc"):
        assert (forth[name].verdict, back[name].verdict) == ("better", "worse"), name
        assert forth[name].difference.value == pytest.approx(-back[name].difference.value)
        assert forth[name].difference.low == pytest.approx(-back[name].difference.high)
    assert forth["aurc"].difference.value < 0


def test_the_verdict_follows_the_interval() -> None:
    """ "better" and "worse" are said exactly where the interval is reliable and excludes 0; the line has the numbers."""
    seen = set()
    for seed in range(12):
        base = draw_predictions(150, seed)
        rows = np.random.default_rng(seed).choice(150, 2 * seed, replace=False).tolist()
        new = change(base, rows, None if seed % 2 else "stranger")
        (found,) = compare(base, new, np.arange(150) // 3, names=["accuracy"]).measures
        interval = found.difference
        assert interval.low is not None
        assert interval.high is not None
        wanted = "better" if interval.low > 0 else "worse" if interval.high < 0 else "cannot tell"
        assert found.verdict == wanted
        assert found.describe().startswith(wanted + ": accuracy ")
        assert (
            f"difference {interval.value:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}] at 95%" in found.describe()
        )
        seen.add(wanted)
    assert seen == {"better", "worse", "cannot tell"}


def test_few_changed_rows_decide_nothing() -> None:
    """Five rows won and none lost are no verdict (McNemar: 0.0625), nine are."""
    base = make_predictions(["buyer"] * 60, ["keeper"] * 20 + ["buyer"] * 40, FAMILIES)
    for count, verdict in ((0, "cannot tell"), (5, "cannot tell"), (9, "better")):
        found = compare(base, change(base, list(range(count)), None), np.arange(60), names=["accuracy"])
        assert found.measures[0].verdict == verdict, count
        assert found.mcnemar.new_only == count


def test_few_groups_decide_nothing() -> None:
    """With fewer than 10 groups there is no verdict, however large the difference."""
    base, new = draw_predictions(300, 1, skill=0.1), draw_predictions(300, 1, skill=1.0)
    (found,) = compare(base, new, np.arange(300) % 8, names=["accuracy"]).measures
    assert found.difference.excludes(0)
    assert found.verdict == "cannot tell"
    assert "too few groups" in found.describe()


def test_equal_models_are_seldom_told_apart() -> None:
    """Of 1,000 pairs of equally good models at most 5 % get a verdict, though their errors go together in groups."""
    resamples = Resamples(np.arange(40), draw_weights(40, 1000, 0))
    generator = np.random.default_rng(7)
    told = 0
    for _ in range(1000):
        discordant = generator.binomial(6, generator.beta(0.5, 2, 40))
        won = generator.binomial(discordant, generator.beta(1.2, 1.2, 40))
        base, new = (make_ratio("accuracy", 10 + hits, np.full(40, 20)) for hits in (discordant - won, won))
        told += compare_measures(base, new, resamples).verdict != "cannot tell"
    assert 5 <= told <= 50


def test_differences_are_covered() -> None:
    """A known difference lies in at least 93 % of its intervals."""
    resamples = Resamples(np.arange(40), draw_weights(40, 1000, 0))
    generator = np.random.default_rng(9)
    covered = 0
    for _ in range(500):
        discordant = generator.binomial(6, generator.beta(1, 3, 40))
        won = generator.binomial(discordant, 0.7)
        base, new = (make_ratio("accuracy", 10 + hits, np.full(40, 20)) for hits in (discordant - won, won))
        covered += not compare_measures(base, new, resamples).difference.excludes(6 * 0.25 * 0.4 / 20)
    assert covered >= 465


def test_difference_of_ranges() -> None:
    """A difference of shares lies between -1 and 1, one of kappas between -2 and 2, and of itself it is 0."""
    measures = make_measures(draw_predictions(50, 1))
    assert (Difference(measures["aurc"], measures["aurc"]).lowest, Difference(*[measures["kappa"]] * 2).highest) == (
        -1,
        2,
    )
    same = compare_measures(measures["macro_f1"], measures["macro_f1"], resample(range(50)))
    assert (same.difference.value, same.verdict) == (0, "cannot tell")
    assert same.difference.low == pytest.approx(-(1 - 0.025 ** (1 / 50)))


def test_undefined_measures_get_no_verdict() -> None:
    """Where a model assigns nothing its accuracy is unknown, and so is the difference; the result is plain JSON."""
    truth = ["buyer"] * 20
    base = make_predictions(truth, truth, FAMILIES, confidence=[0.9] * 20)
    new = make_predictions(truth, truth, FAMILIES, confidence=[0.1] * 20)
    result = compare(base, new, range(20), threshold=0.5)
    found = {m.name: m for m in result.measures}["accuracy_when_assigned"]
    assert (found.base, found.new, found.difference.value, found.verdict) == (1, None, None, "cannot tell")
    assert found.describe() == "cannot tell: accuracy_when_assigned is undefined"
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert plain["mcnemar"]["exact"] is True
    assert plain["rows"] == 20


def test_models_on_other_rows() -> None:
    """Models on other rows, other measures, and unknown names are not compared."""
    base = draw_predictions(30, 1)
    with pytest.raises(JdextractError, match="truth or families"):
        compare(base, draw_predictions(30, 2), range(30))
    with pytest.raises(JdextractError, match="no measure 'beauty'"):
        compare(base, base, range(30), names=["accuracy", "beauty"])
    measures = make_measures(base)
    with pytest.raises(JdextractError, match="accuracy and kappa"):
        compare_measures(measures["accuracy"], measures["kappa"], resample(range(30)))
    with pytest.raises(JdextractError, match="1 and 2 rows"):
        compute_mcnemar(np.array([True]), np.array([True, False]))
