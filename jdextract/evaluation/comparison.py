"""Two models on the same rows: is the new one better, and how sure is that?

The verdict comes from the interval of the difference, by paired resampling of groups. McNemar's test stands beside it; it
takes rows for independent, so by itself it is too sure where the errors of a group go together.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from jdextract.errors import JdextractError
from jdextract.evaluation.figures import make_measures
from jdextract.evaluation.intervals import Interval, Resamples, find_interval, resample
from jdextract.evaluation.measures import Difference, Measure, value_of
from jdextract.evaluation.predictions import Predictions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Verdict = Literal["better", "worse", "cannot tell"]
EXACT = 25  # discordant rows below which McNemar's test is the exact binomial one


@dataclass(frozen=True, slots=True)
class McNemar:
    """McNemar's test of the rows that only one of two models has right."""

    base_only: int
    new_only: int
    statistic: float | None  # chi-square with continuity correction; None for the exact test
    p_value: float  # two-sided

    @property
    def is_exact(self) -> bool:
        """Whether the p-value is of the binomial distribution itself."""
        return self.statistic is None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"exact": self.is_exact}


@dataclass(frozen=True, slots=True)
class MeasuredDifference:
    """One measure of both models. `difference`: new - base; `verdict` is about the new one, and for this measure alone."""

    name: str
    base: float | None
    new: float | None
    difference: Interval
    verdict: Verdict

    def describe(self) -> str:
        """One line with the verdict and the numbers behind it."""
        interval = self.difference
        if self.base is None or self.new is None or interval.value is None:
            return f"{self.verdict}: {self.name} is undefined"
        text = f"{self.verdict}: {self.name} {self.base:.4f} -> {self.new:.4f}, difference {interval.value:+.4f}"
        if interval.low is not None and interval.high is not None:
            text += f" [{interval.low:+.4f}, {interval.high:+.4f}] at {interval.level:.0%}"
        text += f", {interval.groups} groups"
        return text if interval.reliable else text + " (too few groups or too often undefined)"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same rows."""

    rows: int
    measures: tuple[MeasuredDifference, ...]
    mcnemar: McNemar

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "rows": self.rows,
            "measures": [measured.to_dict() for measured in self.measures],
            "mcnemar": self.mcnemar.to_dict(),
        }


def compute_mcnemar(base_right: NDArray[np.bool_], new_right: NDArray[np.bool_]) -> McNemar:
    """McNemar's test. Both say of each row whether the model is right. Raises JdextractError for lengths that differ."""
    from scipy.stats import binom, chi2

    if len(base_right) != len(new_right):
        raise JdextractError(
            f"{len(base_right)} and {len(new_right)} rows", where="comparison", hint="same rows needed"
        )
    base_only, new_only = int((base_right & ~new_right).sum()), int((new_right & ~base_right).sum())
    discordant = base_only + new_only
    if discordant < EXACT:
        p_value = min(1.0, 2 * float(binom.cdf(min(base_only, new_only), discordant, 0.5)))
        return McNemar(base_only, new_only, None, p_value)
    statistic = max(0, abs(base_only - new_only) - 1) ** 2 / discordant
    return McNemar(base_only, new_only, statistic, float(chi2.sf(statistic, 1)))


def compare_measures(base: Measure, new: Measure, resamples: Resamples, level: float = 0.95) -> MeasuredDifference:
    """The same measure of two models on the same rows. Raises JdextractError where the measures differ.

    "better" and "worse" only where the interval of the difference excludes 0 and is reliable. Its degrees of freedom come
    from the groups in which the models differ, so that a handful of changed rows decides nothing.
    """
    if base.name != new.name or base.parts.shape != new.parts.shape:
        raise JdextractError(f"{base.name} and {new.name}", where="comparison", hint="one measure, the same rows")
    interval = find_interval(Difference(base, new), resamples, level)
    values = [None if math.isnan(value) else value for value in (value_of(base), value_of(new))]
    verdict: Verdict = "cannot tell"
    if interval.value is not None and interval.reliable and interval.excludes(0.0):
        verdict = "better" if (interval.value > 0) == new.higher_is_better else "worse"
    return MeasuredDifference(new.name, values[0], values[1], interval, verdict)


def compare(
    base: Predictions,
    new: Predictions,
    groups: Sequence[Any] | NDArray[Any],
    *,
    names: Collection[str] = (),
    ranks: tuple[int, ...] = (3,),
    threshold: float | None = None,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Comparison:
    """All measures that both have (or those of `names`), and McNemar's test of the roles. `groups`: group of each row.

    Each verdict is for one measure; who looks at many of them will see one in twenty by chance.
    Raises JdextractError where truth or families differ, and for a name that is not a measure of both.
    """
    if base.truth.tolist() != new.truth.tolist() or base.families != new.families:
        raise JdextractError("truth or families differ", where="comparison", hint="compare models on the same rows")
    resamples = resample(groups, draws=draws, seed=seed)
    ours, theirs = (make_measures(side, ranks=ranks, threshold=threshold) for side in (base, new))
    shared = [name for name in ours if name in theirs]
    unknown = sorted(set(names) - set(shared))
    if unknown:
        raise JdextractError(f"no measure {unknown[0]!r}", where="comparison", hint=f"one of {', '.join(shared)}")
    return Comparison(
        len(base),
        tuple(
            compare_measures(ours[name], theirs[name], resamples, level)
            for name in shared
            if not names or name in names
        ),
        compute_mcnemar(base.truth == base.predicted, new.truth == new.predicted),
    )
