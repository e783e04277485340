"""The same figures for parts of the rows: by source, script, region, register, length or industry.

A mean over all rows hides a part that goes wrong. A part of few rows says little, which its interval shows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from jdextract.errors import JdextractError
from jdextract.evaluation.figures import make_measures
from jdextract.evaluation.intervals import Interval, bootstrap_all, resample
from jdextract.evaluation.predictions import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_ROWS = 20  # a slice with fewer is marked too small
LENGTH_EDGES = (8, 16, 32, 64)  # code points; first length of each band but the first
NO_VALUE = "(none)"  # of rows without a value
FIGURES = ("accuracy", "macro_f1", "family_accuracy")


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows with one value."""

    value: str
    rows: int
    groups: int
    too_small: bool
    figures: dict[str, Interval]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def slice_rows(
    predictions: Predictions,
    values: Sequence[str | None],
    groups: Sequence[Any] | NDArray[Any],
    *,
    names: Collection[str] = FIGURES,
    threshold: float | None = None,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[Slice, ...]:
    """Figures with intervals for each value, the largest slice first. `values`, `groups`: one entry a row.

    `names`: of `make_measures`. Macro-F1 of a slice is over the roles that the slice has, so slices with other roles are
    not to be compared by it. Raises JdextractError for lengths that differ and an unknown name.
    """
    import numpy as np

    if not len(values) == len(groups) == len(predictions):
        raise JdextractError(
            f"{len(values)} values and {len(groups)} groups for {len(predictions)} rows",
            where="slices",
            hint="one entry a row",
        )
    column = np.array([NO_VALUE if value is None else value for value in values])
    grouped = np.asarray(groups)
    found = []
    for value in np.unique(column):
        rows = np.flatnonzero(column == value)
        resamples = resample(grouped[rows], draws=draws, seed=seed)
        measures = make_measures(predictions.take(rows), threshold=threshold)
        unknown = sorted(set(names) - set(measures))
        if unknown:
            raise JdextractError(f"no measure {unknown[0]!r}", where="slices", hint=f"one of {', '.join(measures)}")
        figures = bootstrap_all({name: measures[name] for name in names}, resamples, level)
        found.append(Slice(str(value), len(rows), resamples.weights.shape[1], len(rows) < FEWEST_ROWS, figures))
    return tuple(sorted(found, key=lambda part: (-part.rows, part.value)))


def find_length_bands(texts: Sequence[str], edges: Sequence[int] = LENGTH_EDGES) -> list[str]:
    """Band of each text by its length in code points: `001-007`, `008-015`, ..., `064+`; names sort by length.

    Raises JdextractError for edges that do not rise from 1 on.
    """
    from bisect import bisect_right

    if list(edges) != sorted(set(edges)) or not edges or edges[0] < 1:
        raise JdextractError(f"edges {tuple(edges)}", where="slices", hint="rising lengths, such as 8, 16, 32")
    width = max(3, len(str(edges[-1])))
    starts = [0, *edges]
    names = [f"{low:0{width}}-{high - 1:0{width}}" for low, high in zip(starts, edges, strict=False)]
    names.append(f"{edges[-1]:0{width}}+")
    return [names[bisect_right(starts, len(text)) - 1] for text in texts]
