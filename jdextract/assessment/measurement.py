"""Sentences beside the roles that models gave them -> every figure with its interval, by role, slice and confidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jdextract.assessment.metricsfile import (
    Grouping,
    NoDutyMetrics,
    RiskCoverageSummary,
    RoleComparison,
    RoleMetrics,
    ScoredLabel,
)
from jdextract.evaluation.comparison import compare_measures, compute_mcnemar
from jdextract.evaluation.figures import count_labels, f1_by_label, find_labels, make_measures
from jdextract.evaluation.intervals import Interval, Resamples, bootstrap, bootstrap_all, find_interval, resample
from jdextract.evaluation.measures import Measure, SumMeasure, make_ratio
from jdextract.evaluation.metrics import CurvePoint, find_confusion, find_reliability, find_risk_coverage, score_labels
from jdextract.evaluation.predictions import UNKNOWN, Level, Predictions, make_predictions
from jdextract.evaluation.slices import FEWEST_ROWS, NO_VALUE, Slice, find_length_bands, slice_rows
from jdextract.records import Role, Status
from jdextract.taxonomy import OTHER

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SLICES = ("source", "script", "region", "register", "length", "industry")
TOP = 3  # roles that are looked at by top_3_accuracy
_ROLE_NAMES = ("accuracy", "macro_f1", "weighted_f1", "kappa")  # of `make_measures`, here with `role_` before
ROLE_FIGURES = (
    *(f"role_{name}" for name in _ROLE_NAMES),
    *(f"family_{name}" for name in _ROLE_NAMES),
    "top_3_accuracy",
    "expected_calibration_error",
    "aurc",
    "coverage",
    "accuracy_when_assigned",
)
NO_DUTY_FIGURES = ("false_assignments", "assigned_to_other")
# More of one costs the other, so neither is better or worse by itself; AURC tells models apart at all thresholds.
_TRADED = ("coverage", "accuracy_when_assigned")
LOWER_IS_BETTER = ("expected_calibration_error", "aurc", *NO_DUTY_FIGURES)
_CURVE_POINTS = 100


@dataclass(frozen=True, slots=True)
class Draws:
    """How intervals are drawn."""

    count: int = 1000
    seed: int = 0
    level: float = 0.95

    def of(self, groups: Sequence[str]) -> Resamples:
        """Draws of these groups, one entry a row."""
        return resample(groups, draws=self.count, seed=self.seed)


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A sentence, the role that gold gives it, and the one that the model gives it.

    `before`, `after`: what stands around it in its document. `group`: the document or the template cluster that it is
    drawn with. `parts`: values of SLICES but the length.
    """

    id: str
    text: str
    truth: str
    role: Role
    group: str
    place: str
    title: str | None = None
    before: str = ""
    after: str = ""
    parts: Mapping[str, str | None] | None = None

    @property
    def is_right(self) -> bool:
        return self.role.id == self.truth


@dataclass(frozen=True, slots=True)
class RoleSet:
    """Rows that are scored together. `base`: what the baseline gives each row, None without one."""

    name: str
    about: str
    grouped_by: Grouping
    rows: tuple[JudgedRow, ...]
    base: tuple[Role, ...] | None = None

    @property
    def groups(self) -> list[str]:
        return [row.group for row in self.rows]


def predict(truth: Sequence[str], roles: Sequence[Role], families: Mapping[str, str]) -> Predictions:
    """Gold roles beside given ones, with their scores as confidence."""
    return make_predictions(truth, [role.id for role in roles], families, confidence=[role.score for role in roles])


def make_role_measures(truth: Sequence[str], roles: Sequence[Role], families: Mapping[str, str]) -> dict[str, Measure]:
    """Every figure of ROLE_FIGURES as a measure. A row counts as assigned when its role says so."""
    import numpy as np

    predictions = predict(truth, roles, families)
    measures = make_measures(predictions)
    right = predictions.truth == predictions.predicted
    assigned = np.array([role.status == "assigned" for role in roles])
    every = np.ones(len(right))
    listed = [[role.id, *(other.id for other in role.alternatives)][:TOP] for role in roles]
    found = {f"role_{name}": _rename(measures.pop(name), f"role_{name}") for name in _ROLE_NAMES}
    found |= measures
    found["top_3_accuracy"] = make_ratio(
        "top_3_accuracy", np.array([own in roles for own, roles in zip(truth, listed, strict=True)]), every
    )
    found["coverage"] = make_ratio("coverage", assigned, every)
    found["accuracy_when_assigned"] = make_ratio("accuracy_when_assigned", assigned & right, assigned)
    return {name: found[name] for name in ROLE_FIGURES}


def _rename(measure: Measure, name: str) -> Measure:
    renamed: Measure = replace(measure, name=name)  # type: ignore[type-var]
    return renamed


def measure_roles(rows: RoleSet, families: Mapping[str, str], draws: Draws) -> tuple[dict[str, Interval], RoleMetrics]:
    """The figures of one set by name, and all that stands behind them."""
    truth, roles = [row.truth for row in rows.rows], [row.role for row in rows.rows]
    predictions = predict(truth, roles, families)
    resamples = draws.of(rows.groups)
    figures = bootstrap_all(make_role_measures(truth, roles, families), resamples, draws.level)
    return figures, RoleMetrics(
        about=rows.about,
        rows=len(truth),
        groups=resamples.weights.shape[1],
        grouped_by=rows.grouped_by,
        roles=_score_labels(predictions, "role", families, resamples, draws.level),
        families=_score_labels(predictions, "family", families, resamples, draws.level),
        confusion=find_confusion(predictions),
        family_confusion=find_confusion(predictions, "family"),
        reliability=find_reliability(predictions),
        risk_coverage=_thin_curve(predictions),
        slices=_slice(rows, predictions, draws),
    )


def _score_labels(
    predictions: Predictions, level: Level, families: Mapping[str, str], resamples: Resamples, confidence: float
) -> tuple[ScoredLabel, ...]:
    import numpy as np

    labels = find_labels(predictions, level)
    truth, predicted = predictions.labels(level)
    counts = count_labels(truth, np.where(np.isin(predicted, labels), predicted, UNKNOWN), labels)
    result = []
    for scored in score_labels(predictions, level):
        at = int(np.searchsorted(labels, scored.label if scored.label in labels else UNKNOWN))
        own = counts[:, [at, at + len(labels), at + 2 * len(labels)]].toarray()
        measure = SumMeasure(f"f1 of {scored.label}", own, _own_f1)
        family = families.get(scored.label, UNKNOWN) if level == "role" else scored.label
        result.append(
            ScoredLabel(
                label=scored.label,
                family=family,
                precision=scored.precision,
                recall=scored.recall,
                f1=find_interval(measure, resamples, confidence),
                support=scored.support,
                predicted=scored.predicted,
            )
        )
    return tuple(result)


def _own_f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return f1_by_label(sums)[0][:, 0]


def _thin_curve(predictions: Predictions) -> RiskCoverageSummary:
    """The curve at one point a percent of coverage, its first and last point among them."""
    curve = find_risk_coverage(predictions)
    kept: dict[int, CurvePoint] = {}
    for point in curve.points:
        kept.setdefault(int(point.coverage * _CURVE_POINTS), point)
    kept[_CURVE_POINTS] = curve.points[-1]
    return RiskCoverageSummary(points=tuple(kept.values()), area=curve.area, excess=curve.excess)


def _slice(rows: RoleSet, predictions: Predictions, draws: Draws) -> dict[str, tuple[Slice, ...]]:
    columns: dict[str, Sequence[str | None]] = {
        name: [(row.parts or {}).get(name) for row in rows.rows] for name in SLICES if name != "length"
    }
    columns["length"] = find_length_bands([row.text for row in rows.rows])
    groups = rows.groups
    return {
        name: _rename_slices(slice_rows(predictions, columns[name], groups, draws=draws.count, seed=draws.seed))
        for name in SLICES
        if any(columns[name])
    }


def _rename_slices(slices: tuple[Slice, ...]) -> tuple[Slice, ...]:
    """Figures under the names of ROLE_FIGURES."""
    return tuple(
        replace(part, figures={name if name in ROLE_FIGURES else f"role_{name}": v for name, v in part.figures.items()})
        for part in slices
    )


def slice_measures(
    measures: Mapping[str, Measure], values: Sequence[str | None], names: Sequence[str], draws: Draws
) -> tuple[Slice, ...]:
    """Figures of the documents with each value, the largest slice first; every row is a group of its own."""
    import numpy as np

    column = np.array([NO_VALUE if value is None else value for value in values])
    found = []
    for value in np.unique(column):
        rows = np.flatnonzero(column == value)
        resamples = draws.of([str(row) for row in rows])
        own = {name: replace(measures[name], parts=measures[name].parts[rows]) for name in names}  # type: ignore[type-var]
        figures = bootstrap_all(own, resamples, draws.level)
        found.append(Slice(str(value), len(rows), len(rows), len(rows) < FEWEST_ROWS, figures))
    return tuple(sorted(found, key=lambda part: (-part.rows, part.value)))


def measure_no_duty(
    roles: Sequence[Role], groups: Sequence[str], draws: Draws
) -> tuple[dict[str, Interval], NoDutyMetrics]:
    """What is assigned to sentences that are no duty. An assignment to `other` is told apart: it names no listed role."""
    status: list[tuple[Status, str]] = [(role.status, role.id) for role in roles]
    assigned = Counter(id_ for state, id_ in status if state == "assigned")
    hits: dict[str, list[Any]] = {
        "false_assignments": [float(state == "assigned" and id_ != OTHER) for state, id_ in status],
        "assigned_to_other": [float(state == "assigned" and id_ == OTHER) for state, id_ in status],
    }
    figures = {
        name: bootstrap(hits[name], groups, draws=draws.count, seed=draws.seed, level=draws.level)
        for name in NO_DUTY_FIGURES
    }
    return figures, NoDutyMetrics(rows=len(roles), groups=len(set(groups)), assigned=dict(assigned.most_common()))


def compare_roles(rows: RoleSet, families: Mapping[str, str], draws: Draws) -> RoleComparison:
    """The model against the baseline, both on the rows of the set; coverage and what it is traded for get no verdict."""
    assert rows.base is not None
    truth, new = [row.truth for row in rows.rows], [row.role for row in rows.rows]
    ours, theirs = (make_role_measures(truth, roles, families) for roles in (rows.base, new))
    resamples = draws.of(rows.groups)
    measures = tuple(
        compare_measures(ours[name], theirs[name], resamples, draws.level) for name in ours if name not in _TRADED
    )
    right = [predict(truth, roles, families) for roles in (rows.base, new)]
    return RoleComparison(
        rows=len(truth),
        verdicts=tuple(measured.describe() for measured in measures),
        measures=measures,
        mcnemar=compute_mcnemar(*((side.truth == side.predicted) for side in right)),
    )
