"""Figures of labelled sentences at one glance: by role and family, by pair of roles, by confidence.

The figures themselves are defined in `figures`, so that an interval is always about the same number.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from jdextract.errors import JdextractError
from jdextract.evaluation.figures import BINS, bin_numbers, make_measures
from jdextract.evaluation.measures import RankMeasure, divide, value_of
from jdextract.evaluation.predictions import Level, Predictions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One role or family. `support`: rows of it in the truth; `predicted`: rows that were given it."""

    label: str
    precision: float  # 0 where nothing was predicted
    recall: float  # 0 where the truth has none
    f1: float
    support: int
    predicted: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Confusion:
    """`counts[i][j]`: rows of label i that were given label j."""

    labels: tuple[str, ...]  # sorted; all of truth and prediction
    counts: tuple[tuple[int, ...], ...]

    def pairs(self) -> list[tuple[str, str, int]]:
        """(truth, predicted, rows) of all confusions, the most frequent first."""
        found = [
            (truth, predicted, self.counts[i][j])
            for i, truth in enumerate(self.labels)
            for j, predicted in enumerate(self.labels)
            if i != j and self.counts[i][j]
        ]
        return sorted(found, key=lambda pair: (-pair[2], pair[0], pair[1]))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"labels": list(self.labels), "counts": [list(row) for row in self.counts]}


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Rows whose confidence is in [low, high); the last bin holds 1.0 as well. Means are None in an empty bin."""

    low: float
    high: float
    rows: int
    confidence: float | None
    accuracy: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What a threshold gives: the share of rows at least that confident, and the share of errors among them."""

    threshold: float
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The curve from the strictest threshold to the one that keeps all rows.

    `area`: AURC (Geifman & El-Yaniv 2017, Geifman et al. 2019), the mean over rows of the risk at the threshold of the
    row. `excess`: by how much it is above that of a ranking with all errors last.
    """

    points: tuple[CurvePoint, ...]
    area: float
    excess: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"points": [asdict(point) for point in self.points]}


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows with a confidence of at least `threshold`. `accuracy` is None where none is."""

    threshold: float
    rows: int
    kept: int
    coverage: float
    accuracy: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Metrics:
    """All figures of one set of rows. What needs confidence is empty or None without it."""

    rows: int
    figures: dict[str, float | None]  # by name of the measure; None where undefined
    roles: tuple[LabelScore, ...]
    families: tuple[LabelScore, ...]
    confusion: Confusion
    family_confusion: Confusion
    reliability: tuple[ReliabilityBin, ...]
    risk_coverage: RiskCoverage | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "rows": self.rows,
            "figures": dict(self.figures),
            "roles": [score.to_dict() for score in self.roles],
            "families": [score.to_dict() for score in self.families],
            "confusion": self.confusion.to_dict(),
            "family_confusion": self.family_confusion.to_dict(),
            "reliability": [part.to_dict() for part in self.reliability],
            "risk_coverage": self.risk_coverage.to_dict() if self.risk_coverage else None,
        }


def compute_metrics(
    predictions: Predictions, *, ranks: tuple[int, ...] = (3,), threshold: float | None = None
) -> Metrics:
    """Everything that the predictions have the columns for; names of the figures as in `make_measures`."""
    values = {
        name: value_of(measure)
        for name, measure in make_measures(predictions, ranks=ranks, threshold=threshold).items()
    }
    sure = predictions.confidence is not None
    return Metrics(
        len(predictions),
        {name: None if math.isnan(value) else value for name, value in values.items()},
        score_labels(predictions),
        score_labels(predictions, "family"),
        find_confusion(predictions),
        find_confusion(predictions, "family"),
        find_reliability(predictions) if sure else (),
        find_risk_coverage(predictions) if sure else None,
    )


def find_confusion(predictions: Predictions, level: Level = "role") -> Confusion:
    """The confusion matrix over all labels of truth and prediction."""
    import numpy as np

    truth, predicted = predictions.labels(level)
    labels = np.union1d(truth, predicted)
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(counts, (np.searchsorted(labels, truth), np.searchsorted(labels, predicted)), 1)
    return Confusion(tuple(labels.tolist()), tuple(tuple(row) for row in counts.tolist()))


def score_labels(predictions: Predictions, level: Level = "role") -> tuple[LabelScore, ...]:
    """Precision, recall and F1 of every label of truth and prediction, sorted by label."""
    import numpy as np

    confusion = find_confusion(predictions, level)
    counts = np.array(confusion.counts)
    hits, support, predicted = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    columns = (
        divide(hits, predicted, 0.0),
        divide(hits, support, 0.0),
        divide(2 * hits, support + predicted, 0.0),
        support,
        predicted,
    )
    return tuple(
        LabelScore(label, *row) for label, *row in zip(confusion.labels, *(c.tolist() for c in columns), strict=True)
    )


def find_reliability(predictions: Predictions) -> tuple[ReliabilityBin, ...]:
    """Mean confidence and accuracy in 10 equal-width bins. Raises JdextractError without confidence."""
    import numpy as np

    confidence = _confidence(predictions)
    right = predictions.truth == predictions.predicted
    numbers = bin_numbers(confidence)
    rows = np.bincount(numbers, minlength=BINS)
    sums = np.bincount(numbers, confidence, BINS), np.bincount(numbers, right, BINS)
    return tuple(
        ReliabilityBin(
            i / BINS, (i + 1) / BINS, n, float(sums[0][i] / n) if n else None, float(sums[1][i] / n) if n else None
        )
        for i, n in enumerate(rows.tolist())
    )


def find_risk_coverage(predictions: Predictions) -> RiskCoverage:
    """The risk-coverage curve, one point a distinct confidence. Raises JdextractError without confidence."""
    import numpy as np

    confidence = _confidence(predictions)
    wrong = predictions.truth != predictions.predicted
    rows = len(wrong)
    thresholds, places = np.unique(-confidence, return_inverse=True)
    kept = np.cumsum(np.bincount(places))
    errors = np.cumsum(np.bincount(places, wrong))
    points = tuple(
        CurvePoint(-threshold, k / rows, e / k)
        for threshold, k, e in zip(thresholds.tolist(), kept.tolist(), errors.tolist(), strict=True)
    )
    area = value_of(RankMeasure(confidence, wrong))
    right = rows - int(wrong.sum())
    best = sum((position - right) / position for position in range(right + 1, rows + 1)) / rows
    return RiskCoverage(points, area, max(0.0, area - best))


def select(predictions: Predictions, threshold: float) -> Selection:
    """Coverage and accuracy at a threshold. Raises JdextractError without confidence."""
    kept = _confidence(predictions) >= threshold
    right = predictions.truth == predictions.predicted
    count, rows = int(kept.sum()), len(predictions)
    return Selection(threshold, rows, count, count / rows, float(right[kept].mean()) if count else None)


def _confidence(predictions: Predictions) -> NDArray[np.float64]:
    if predictions.confidence is None:
        raise JdextractError("no confidence", where="evaluation", hint="give it, or probabilities, to make_predictions")
    return predictions.confidence
