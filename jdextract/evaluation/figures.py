"""What is measured on labelled sentences: each figure as a measure, by name.

Macro-F1 is the mean over the labels that the truth has, so a label that was only predicted lowers the recall of the
others but is no label of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jdextract.errors import JdextractError
from jdextract.evaluation.measures import Measure, RankMeasure, SumMeasure, divide, make_ratio
from jdextract.evaluation.predictions import UNKNOWN, Level, Predictions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BINS = 10  # equal-width bins of confidence

# ---- figures of labels: sums are hits, truth and predictions of each label


def f1_by_label(sums: Floats) -> tuple[Floats, Floats]:
    """(n, 3 labels) -> F1 and support, both (n, labels). A label that is neither given nor predicted has F1 0."""
    import numpy as np

    hits, truth, predicted = np.split(sums, 3, axis=1)
    return divide(2 * hits, truth + predicted, 0.0), truth


def _accuracy(sums: Floats) -> Floats:
    import numpy as np

    hits, truth, _ = np.split(sums, 3, axis=1)
    return divide(hits.sum(axis=1), truth.sum(axis=1), float("nan"))


def _macro_f1(sums: Floats) -> Floats:
    f1, support = f1_by_label(sums)
    return divide((f1 * (support > 0)).sum(axis=1), (support > 0).sum(axis=1), float("nan"))


def _weighted_f1(sums: Floats) -> Floats:
    f1, support = f1_by_label(sums)
    return divide((f1 * support).sum(axis=1), support.sum(axis=1), float("nan"))


def _kappa(sums: Floats) -> Floats:
    import numpy as np

    hits, truth, predicted = np.split(sums, 3, axis=1)
    rows = truth.sum(axis=1)
    chance = (truth * predicted).sum(axis=1)  # times rows**2, which is exact as long as the weights are whole numbers
    return divide(hits.sum(axis=1) * rows - chance, rows**2 - chance, float("nan"))


_LABEL_FIGURES: dict[str, Callable[[Floats], Floats]] = {
    "accuracy": _accuracy,
    "macro_f1": _macro_f1,
    "weighted_f1": _weighted_f1,
    "kappa": _kappa,
}


def count_labels(truth: NDArray[np.str_], predicted: NDArray[np.str_], labels: NDArray[np.str_]) -> Any:
    """Sparse (rows, 3 labels) of 0 and 1: hit, given and predicted. `labels` are sorted and hold every label."""
    import numpy as np
    from scipy.sparse import csr_array

    rows, size = np.arange(len(truth)), len(labels)
    given, found = np.searchsorted(labels, truth), np.searchsorted(labels, predicted)
    hit = given == found
    columns = np.concatenate([given[hit], size + given, 2 * size + found])
    return csr_array((np.ones(len(columns)), (np.concatenate([rows[hit], rows, rows]), columns)), (len(rows), 3 * size))


def find_labels(predictions: Predictions, level: Level) -> NDArray[np.str_]:
    """All labels of a level, sorted, the same for every model. Predictions outside of them count as UNKNOWN."""
    import numpy as np

    return np.array(sorted({UNKNOWN, *(predictions.families if level == "role" else predictions.families.values())}))


def _label_measure(name: str, predictions: Predictions, level: Level) -> SumMeasure:
    import numpy as np

    labels = find_labels(predictions, level)
    truth, predicted = predictions.labels(level)
    counts = count_labels(truth, np.where(np.isin(predicted, labels), predicted, UNKNOWN), labels)
    figure = _LABEL_FIGURES[name.removeprefix("family_")]
    return SumMeasure(name, counts, figure, -1.0 if figure is _kappa else 0.0)


# ---- figures of confidence


def bin_numbers(confidence: Floats) -> NDArray[np.intp]:
    """Bin of each probability, 0 to 9; 1.0 goes into the last one."""
    import numpy as np

    return np.minimum(BINS - 1, (confidence * BINS).astype(np.intp))


def top_k(predictions: Predictions, k: int) -> NDArray[np.bool_]:
    """Whether the truth is among the k most probable roles; of equals the first column goes first. Raises JdextractError."""
    import numpy as np

    if predictions.probabilities is None:
        raise JdextractError("no probabilities", where=f"top_{k}_accuracy", hint="give them to make_predictions")
    place = {role: column for column, role in enumerate(predictions.roles)}
    column = np.array([place.get(role, -1) for role in predictions.truth])
    own = predictions.probabilities[np.arange(len(column)), column][:, None]
    before = (predictions.probabilities == own) & (np.arange(len(place)) < column[:, None])
    rank = ((predictions.probabilities > own) | before).sum(axis=1)
    result: NDArray[np.bool_] = (rank < k) & (column >= 0)
    return result


def _calibration_error(sums: Floats) -> Floats:
    import numpy as np

    gaps, rows = sums[:, :BINS], sums[:, BINS:].sum(axis=1)
    return divide(np.abs(gaps).sum(axis=1), rows, float("nan"))


def _calibration_measure(confidence: Floats, right: NDArray[np.bool_]) -> SumMeasure:
    import numpy as np

    parts = np.zeros((len(right), BINS + 1))
    parts[np.arange(len(right)), bin_numbers(confidence)] = confidence - right
    parts[:, BINS] = 1
    return SumMeasure("expected_calibration_error", parts, _calibration_error, higher_is_better=False)


def make_measures(
    predictions: Predictions, *, ranks: tuple[int, ...] = (3,), threshold: float | None = None
) -> dict[str, Measure]:
    """Every measure that the predictions have the columns for, by name.

    Always: accuracy, macro_f1 (over the roles of the truth), weighted_f1, kappa, and the same with `family_` before.
    With probabilities: top_K_accuracy for each K of `ranks`. With confidence: expected_calibration_error and aurc; with
    `threshold` as well coverage (share of rows at least that confident) and accuracy_when_assigned (among them).
    """
    import numpy as np

    levels: tuple[tuple[str, Level], ...] = (("", "role"), ("family_", "family"))
    found: list[Measure] = [
        _label_measure(prefix + name, predictions, level) for prefix, level in levels for name in _LABEL_FIGURES
    ]
    every = np.ones(len(predictions))
    if predictions.probabilities is not None:
        found += [make_ratio(f"top_{k}_accuracy", top_k(predictions, k), every) for k in ranks]
    if predictions.confidence is not None:
        right = predictions.truth == predictions.predicted
        found += [_calibration_measure(predictions.confidence, right), RankMeasure(predictions.confidence, ~right)]
        if threshold is not None:
            kept = predictions.confidence >= threshold
            found += [make_ratio("coverage", kept, every), make_ratio("accuracy_when_assigned", kept & right, kept)]
    return {measure.name: measure for measure in found}
