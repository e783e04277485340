"""Figures that can be resampled: functions of weighted groups of rows.

A resample, a row left out and the plain figure are all the same function with other weights, so no figure has two
definitions. Most figures depend on the rows only through sums (hits, labels, bins), which are added up by group once;
resampling is then a product of matrices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Weighted = Callable[[Floats], Floats]  # weights (n, groups) -> values (n,), NaN where undefined

_CELLS = 200_000  # weights of rows held at a time; more of them leave the processor's cache


class Measure(Protocol):
    """A figure of labelled rows, between `lowest` and `highest`."""

    @property
    def name(self) -> str: ...
    @property
    def lowest(self) -> float: ...
    @property
    def highest(self) -> float: ...
    @property
    def higher_is_better(self) -> bool: ...
    @property
    def parts(self) -> Any:
        """(rows, columns), dense or sparse: all that the figure knows of each row."""

    def over(self, codes: NDArray[np.intp], count: int) -> Weighted:
        """The figure as a function of the weights of groups. `codes`: group of each row, from 0 to `count` - 1."""


@dataclass(frozen=True, slots=True, eq=False)
class SumMeasure:
    """A figure that is a function of sums over rows. `figure`: sums (n, columns) -> values (n,)."""

    name: str
    parts: Any  # (rows, columns), an array or a sparse matrix
    figure: Callable[[Floats], Floats]
    lowest: float = 0.0
    highest: float = 1.0
    higher_is_better: bool = True

    def over(self, codes: NDArray[np.intp], count: int) -> Weighted:
        """See Measure."""
        import numpy as np
        from scipy.sparse import csr_array

        rows = len(codes)
        member = csr_array((np.ones(rows), (codes, np.arange(rows))), shape=(count, rows))
        product = member @ self.parts
        sums = np.asarray(product.toarray() if hasattr(product, "toarray") else product, dtype=np.float64)
        return lambda weights: self.figure(weights @ sums)


@dataclass(frozen=True, slots=True, eq=False)
class RankMeasure:
    """AURC, the area under the risk-coverage curve: the mean, over rows, of the error among all at least as confident.

    It depends on the order of all rows, so it has no sums.
    """

    confidence: Floats
    wrong: NDArray[np.bool_]
    name: str = "aurc"
    lowest: float = 0.0
    highest: float = 1.0
    higher_is_better: bool = False

    @property
    def parts(self) -> Floats:
        """See Measure."""
        import numpy as np

        return np.column_stack([self.confidence, self.wrong])

    def over(self, codes: NDArray[np.intp], count: int) -> Weighted:
        """See Measure. A threshold can't part rows of equal confidence, so they share one point of the curve."""
        import numpy as np

        order = np.argsort(-self.confidence, kind="stable")
        group, wrong = codes[order], self.wrong[order].astype(np.float64)
        ends = np.append(np.flatnonzero(np.diff(self.confidence[order])), len(order) - 1)
        step = max(1, _CELLS // len(order))

        def area(weights: Floats) -> Floats:
            of_rows = weights[:, group]
            kept = np.cumsum(of_rows, axis=1)[:, ends]
            errors = np.cumsum(of_rows * wrong, axis=1)[:, ends]
            shares = np.diff(kept, axis=1, prepend=0) / kept[:, -1:]
            result: Floats = (shares * divide(errors, kept, 0.0)).sum(axis=1)
            return result

        return lambda weights: np.concatenate([area(weights[i : i + step]) for i in range(0, len(weights), step)])


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """`new` - `base` on the same rows. The same weights go to both, so a resample is paired."""

    base: Measure
    new: Measure

    @property
    def name(self) -> str:
        """Name of the measure."""
        return self.new.name

    @property
    def lowest(self) -> float:
        """See Measure."""
        return self.new.lowest - self.base.highest

    @property
    def highest(self) -> float:
        """See Measure."""
        return self.new.highest - self.base.lowest

    @property
    def higher_is_better(self) -> bool:
        """See Measure."""
        return self.new.higher_is_better

    @property
    def parts(self) -> Any:
        """What differs of each row: all 0 where both models do the same."""
        return self.new.parts - self.base.parts

    def over(self, codes: NDArray[np.intp], count: int) -> Weighted:
        """See Measure."""
        base, new = self.base.over(codes, count), self.new.over(codes, count)
        return lambda weights: new(weights) - base(weights)


def value_of(measure: Measure) -> float:
    """The figure on all rows; NaN where it is undefined."""
    import numpy as np

    rows = measure.parts.shape[0]
    return float(measure.over(np.zeros(rows, dtype=np.intp), 1)(np.ones((1, 1)))[0])


def divide(above: Floats, below: Floats, otherwise: float) -> Floats:
    """Quotient, and `otherwise` where `below` is 0."""
    import numpy as np

    result = np.full(np.broadcast_shapes(above.shape, below.shape), otherwise)
    np.divide(above, below, out=result, where=below != 0)
    return result


def make_ratio(name: str, above: Any, below: Any) -> SumMeasure:
    """Sum of `above` over sum of `below`, one entry a row, a share between 0 and 1; NaN where `below` sums to 0."""
    import numpy as np

    parts = np.column_stack([above, below]).astype(np.float64)
    return SumMeasure(name, parts, lambda sums: divide(sums[:, 0], sums[:, 1], float("nan")))
