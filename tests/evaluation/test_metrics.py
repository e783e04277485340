"""Figures of labelled sentences."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn import metrics as reference

from jdextract.errors import JdextractError
from jdextract.evaluation.figures import make_measures, top_k
from jdextract.evaluation.measures import value_of
from jdextract.evaluation.metrics import (
    compute_metrics,
    find_confusion,
    find_reliability,
    find_risk_coverage,
    score_labels,
    select,
)
from jdextract.evaluation.predictions import Predictions, make_predictions

from .samples import FAMILIES, ROLES, draw_predictions, from_sure_rows, pairs, sure_rows

SHARED = Path(__file__).parents[2].parent / "shared"


def figures(predictions: Predictions) -> dict[str, float]:
    return {name: value_of(measure) for name, measure in make_measures(predictions, threshold=0.5).items()}


@settings(deadline=None)
@given(pairs())
def test_figures_of_labels_are_those_of_scikit_learn(rows: list[tuple[str, str]]) -> None:
    """Accuracy, macro- and weighted F1 and kappa agree with scikit-learn, for roles and families alike."""
    predictions = make_predictions([t for t, _ in rows], [p for _, p in rows], FAMILIES)
    found = figures(predictions)
    families = [FAMILIES[t] for t, _ in rows], [FAMILIES.get(p, "?") for _, p in rows]
    for prefix, truth, predicted in (("", *zip(*rows, strict=True)), ("family_", *families)):
        labels = sorted(set(truth))
        assert found[prefix + "accuracy"] == pytest.approx(reference.accuracy_score(truth, predicted))
        for average in ("macro", "weighted"):
            wanted = reference.f1_score(truth, predicted, labels=labels, average=average, zero_division=0)
            assert found[f"{prefix}{average}_f1"] == pytest.approx(wanted)
        if len({*truth, *predicted}) > 1:
            assert found[prefix + "kappa"] == pytest.approx(reference.cohen_kappa_score(truth, predicted))
        else:
            assert np.isnan(found[prefix + "kappa"])


@settings(deadline=None)
@given(pairs())
def test_scores_of_labels_are_those_of_scikit_learn(rows: list[tuple[str, str]]) -> None:
    """Precision, recall, F1 and support of every label, and the confusion matrix, agree with scikit-learn."""
    truth, predicted = zip(*rows, strict=True)
    predictions = make_predictions(truth, predicted, FAMILIES)
    labels = sorted({*truth, *predicted})
    wanted = reference.precision_recall_fscore_support(truth, predicted, labels=labels, zero_division=0)
    scores = score_labels(predictions)
    assert [score.label for score in scores] == labels
    found = [(score.precision, score.recall, score.f1, score.support) for score in scores]
    np.testing.assert_allclose(found, np.transpose(wanted))
    confusion = find_confusion(predictions)
    if len(labels) > 1:  # scikit-learn warns of a single one
        wanted = reference.confusion_matrix(truth, predicted, labels=labels)
        assert [list(row) for row in confusion.counts] == wanted.tolist()
    assert sum(n for _, _, n in confusion.pairs()) == sum(t != p for t, p in rows)


def test_a_small_case_by_hand() -> None:
    """Four sentences, worked out on paper."""
    truth, predicted = ["buyer", "buyer", "keeper", "seller"], ["buyer", "keeper", "keeper", "buyer"]
    result = compute_metrics(make_predictions(truth, predicted, FAMILIES))
    # F1: buyer 2*1/(2+2), keeper 2*1/(1+2), seller 0. Expected agreement (2*2 + 1*2 + 1*0) / 16.
    assert result.figures["accuracy"] == 0.5
    assert result.figures["macro_f1"] == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)
    assert result.figures["weighted_f1"] == pytest.approx((2 * 1 / 2 + 2 / 3 + 0) / 4)
    assert result.figures["kappa"] == pytest.approx((0.5 - 6 / 16) / (1 - 6 / 16))
    assert result.figures["family_accuracy"] == 0.75
    assert result.confusion.labels == ("buyer", "keeper", "seller")
    assert result.confusion.counts == ((1, 1, 0), (0, 1, 0), (1, 0, 0))
    assert result.confusion.pairs() == [("buyer", "keeper", 1), ("seller", "buyer", 1)]
    assert result.reliability == ()
    assert result.risk_coverage is None


def test_top_k_is_that_of_scikit_learn() -> None:
    """Top-k accuracy agrees with scikit-learn for every k, and the most probable role is the prediction."""
    predictions = draw_predictions(300, 1)
    assert predictions.probabilities is not None
    for k in range(1, len(ROLES)):
        wanted = reference.top_k_accuracy_score(predictions.truth, predictions.probabilities, k=k, labels=list(ROLES))
        assert top_k(predictions, k).mean() == pytest.approx(wanted)
    assert top_k(predictions, 1).tolist() == (predictions.truth == predictions.predicted).tolist()
    assert top_k(predictions, len(ROLES)).all()


def test_top_k_of_equal_probabilities() -> None:
    """Of equal probabilities the first column goes first, and a truth without a column is never found."""
    shares = [[0.25] * 4] * 3
    rows = make_predictions(
        ["a", "c", "z"], None, dict.fromkeys("abcdz", "f"), roles=list("abcd"), probabilities=shares
    )
    assert rows.predicted.tolist() == ["a", "a", "a"]
    assert [top_k(rows, k).tolist() for k in (1, 2, 3, 4)] == [
        [True, False, False],
        [True, False, False],
        [True, True, False],
        [True, True, False],
    ]


@settings(deadline=None)
@given(sure_rows())
def test_calibration_error_is_that_of_the_scorer(rows: list[tuple[bool, float]]) -> None:
    """The error is that of the reference scorer's loop, and the reliability bins add up to it."""
    bins: dict[int, list[tuple[bool, float]]] = {}
    for right, sure in rows:
        bins.setdefault(min(9, int(sure * 10)), []).append((right, sure))
    wanted = sum(abs(sum(s for _, s in b) - sum(r for r, _ in b)) for b in bins.values()) / len(rows)
    predictions = from_sure_rows(rows)
    assert figures(predictions)["expected_calibration_error"] == pytest.approx(wanted)
    parts = find_reliability(predictions)
    assert [part.rows for part in parts] == [len(bins.get(i, [])) for i in range(10)]
    gaps = [
        p.rows * abs(p.confidence - p.accuracy) for p in parts if p.confidence is not None and p.accuracy is not None
    ]
    assert sum(gaps) / len(rows) == pytest.approx(wanted)


@settings(deadline=None)
@given(sure_rows())
def test_area_is_that_of_its_definition(rows: list[tuple[bool, float]]) -> None:
    """AURC is the mean over rows of the error among all rows at least as confident, in whatever order the rows stand."""
    risks = []
    for _, threshold in rows:
        kept = [right for right, sure in rows if sure >= threshold]
        risks.append(1 - sum(kept) / len(kept))
    curve = find_risk_coverage(from_sure_rows(rows))
    assert curve.area == pytest.approx(sum(risks) / len(rows))
    assert find_risk_coverage(from_sure_rows(rows[::-1])).area == pytest.approx(curve.area)
    assert curve.excess >= 0
    assert curve.points[-1].coverage == 1
    assert curve.points[-1].risk == pytest.approx(1 - sum(right for right, _ in rows) / len(rows))
    for point in curve.points:
        at = select(from_sure_rows(rows), point.threshold)
        assert at.coverage == pytest.approx(point.coverage)
        assert at.accuracy == pytest.approx(1 - point.risk)


def test_area_by_hand() -> None:
    """Right, wrong, right, wrong by falling confidence: risks 0, 1/2, 1/3, 2/4; the best order has 0, 0, 1/3, 2/4."""
    curve = find_risk_coverage(from_sure_rows([(True, 0.9), (False, 0.8), (True, 0.7), (False, 0.6)]))
    assert [point.risk for point in curve.points] == pytest.approx([0, 1 / 2, 1 / 3, 2 / 4])
    assert [point.coverage for point in curve.points] == [0.25, 0.5, 0.75, 1]
    assert curve.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)
    assert curve.excess == pytest.approx(1 / 2 / 4)
    assert find_risk_coverage(from_sure_rows([(True, 0.9), (True, 0.8), (False, 0.1)])).excess == 0


def test_selection_at_a_threshold() -> None:
    """A confidence equal to the threshold is kept; where none is kept the accuracy is unknown, not 0."""
    rows = from_sure_rows([(True, 0.9), (False, 0.5), (True, 0.4)])
    assert (select(rows, 0.5).kept, select(rows, 0.5).coverage, select(rows, 0.5).accuracy) == (2, 2 / 3, 0.5)
    assert select(rows, 0.95).accuracy is None
    measures = make_measures(rows, threshold=0.95)
    assert value_of(measures["coverage"]) == 0
    assert np.isnan(value_of(measures["accuracy_when_assigned"]))
    assert compute_metrics(rows, threshold=0.95).figures["accuracy_when_assigned"] is None


def test_metrics_are_plain_data() -> None:
    """The dictionary of all metrics is JSON, without NaN, and holds every figure."""
    result = compute_metrics(draw_predictions(50, 2), ranks=(2, 3), threshold=0.5)
    found = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert found["figures"] == result.figures
    assert {"top_2_accuracy", "top_3_accuracy", "coverage", "aurc", "expected_calibration_error"} <= set(
        found["figures"]
    )
    assert sum(map(sum, found["confusion"]["counts"])) == 50
    assert [score["label"] for score in found["families"]] == ["market", "supply"]
    assert compute_metrics(make_predictions(["buyer"], ["buyer"], FAMILIES)).to_dict()["figures"]["kappa"] is None


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"truth": []}, "no rows"),
        ({"predicted": ["buyer"]}, "1 predicted roles for 2 rows"),
        ({"truth": ["buyer", "none"]}, "no family for 'none'"),
        ({"predicted": None}, "neither predicted"),
        ({"probabilities": [[0.5, 0.5]] * 2}, "names of their own"),
        ({"probabilities": [[0.5, 0.5]] * 2, "roles": ["buyer", "buyer"]}, "names of their own"),
        ({"probabilities": [[0.5]] * 2, "roles": ["buyer", "keeper"]}, "shape"),
        ({"probabilities": [[0.5, 0.5]] * 2, "roles": ["buyer", "seller"]}, "no column of probabilities for 'keeper'"),
        ({"confidence": [0.5, 1.5]}, "outside 0-1"),
        ({"confidence": [0.5, float("nan")]}, "outside 0-1"),
        ({"confidence": [0.5]}, "shape"),
    ],
)
def test_parts_that_do_not_fit(changes: dict[str, object], what: str) -> None:
    """Parts that don't fit each other are told, not computed with."""
    parts: dict[str, object] = {"truth": ["buyer", "keeper"], "predicted": ["buyer", "keeper"], "families": FAMILIES}
    with pytest.raises(JdextractError, match=what):
        make_predictions(**(parts | changes))  # type: ignore[arg-type]


def test_figures_of_confidence_need_it() -> None:
    """Without confidence or probabilities there are no such figures, and asking for one says what to give."""
    rows = make_predictions(["buyer"], ["buyer"], FAMILIES)
    assert not {"aurc", "coverage", "top_3_accuracy"} & set(make_measures(rows, threshold=0.5))
    for find in (find_reliability, find_risk_coverage, lambda r: select(r, 0.5), lambda r: top_k(r, 1)):
        with pytest.raises(JdextractError):
            find(rows)


@pytest.mark.shared
def test_figures_are_those_of_the_reference_scorer(tmp_path: Path) -> None:
    """On classified sentences of the real documents every figure that the reference scorer prints is the same."""
    records = [
        record
        for path in sorted((SHARED / "gold").glob("*.json"))
        for record in json.loads(path.read_text(encoding="utf-8"))["records"]
    ]
    truth = [duty["role"] for record in records for duty in record["duties"]]
    generator = np.random.default_rng(0)
    roles = sorted(set(truth))
    predicted = [r if generator.random() < 0.7 else roles[generator.integers(len(roles))] for r in truth]
    sure = generator.random(len(truth)).round(3).tolist()
    lines = [
        json.dumps({"role": {"id": role, "score": score, "status": "assigned" if score >= 0.4 else "abstained"}})
        for role, score in zip(predicted, sure, strict=True)
    ]
    classified = tmp_path / "classified.jsonl"
    classified.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [sys.executable, str(SHARED / "eval" / "score.py"), "classify", str(SHARED / "gold"), str(classified)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    wanted = {name.split(".")[1]: float(value) for name, value in (line.split() for line in printed.splitlines())}
    from jdextract.taxonomy import load_taxonomy

    taxonomy = load_taxonomy()
    families = {role: taxonomy.family_of(role) for role in taxonomy.role_ids}
    rows = make_predictions(truth, predicted, families, confidence=sure)
    found = compute_metrics(rows, threshold=0.4).figures
    names = {
        "role_accuracy": "accuracy",
        "role_macro_f1": "macro_f1",
        "family_accuracy": "family_accuracy",
        "family_macro_f1": "family_macro_f1",
        "assigned_share": "coverage",
        "accuracy_when_assigned": "accuracy_when_assigned",
        "expected_calibration_error": "expected_calibration_error",
    }
    for theirs, ours in names.items():
        assert found[ours] == pytest.approx(wanted[theirs], abs=6e-5), theirs
