"""Labelled sentences beside what a model says of them: what every figure of this folder is computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jdextract.errors import JdextractError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

Level = Literal["role", "family"]
UNKNOWN = "?"  # family of a predicted id that stands in no family; no truth has it, so it is never right


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Rows of truth and prediction, made by `make_predictions`. All arrays have one entry a row."""

    truth: NDArray[np.str_]  # role ids
    predicted: NDArray[np.str_]  # role ids
    families: Mapping[str, str]  # role id -> family id
    roles: tuple[str, ...] = ()  # names of the columns of `probabilities`
    probabilities: NDArray[np.float64] | None = None  # (rows, roles)
    confidence: NDArray[np.float64] | None = None  # probability that `predicted` is right, as the model sees it

    def __len__(self) -> int:
        return len(self.truth)

    def labels(self, level: Level) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
        """Truth and prediction as role ids or as family ids."""
        import numpy as np

        if level == "role":
            return self.truth, self.predicted
        return (
            np.array([self.families[role] for role in self.truth]),
            np.array([self.families.get(role, UNKNOWN) for role in self.predicted]),
        )

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Predictions:
        """Some of the rows, by number or by mask. Raises JdextractError if none is left."""
        if not len(self.truth[rows]):
            raise JdextractError("no rows are left", where="evaluation", hint="take at least one row")
        return Predictions(
            self.truth[rows],
            self.predicted[rows],
            self.families,
            self.roles,
            None if self.probabilities is None else self.probabilities[rows],
            None if self.confidence is None else self.confidence[rows],
        )


def make_predictions(
    truth: Sequence[str],
    predicted: Sequence[str] | None,
    families: Mapping[str, str],
    *,
    roles: Sequence[str] = (),
    probabilities: ArrayLike | None = None,
    confidence: ArrayLike | None = None,
) -> Predictions:
    """Check that all parts fit each other, and put them together.

    `predicted`: None takes the most probable role of each row (the first one of equals). `probabilities`: (rows, roles);
    rows may sum to less than 1. `confidence`: by default the probability of the predicted role. `families` must hold every
    role of the truth; a predicted id outside of it is wrong at both levels.
    Raises JdextractError for no rows, for lengths that differ, for a role without family and for a probability outside 0-1.
    """
    import numpy as np

    if not len(truth):
        raise _misfit("no rows", "give at least one labelled sentence")
    if len(set(roles)) != len(roles) or (probabilities is not None and not roles):
        raise _misfit("columns of probabilities without names of their own", "give the role of each column once")
    columns = None if probabilities is None else _read_shares(probabilities, "probabilities", (len(truth), len(roles)))
    if predicted is None:
        if columns is None:
            raise _misfit("neither predicted roles nor probabilities", "give one of them")
        predicted = [roles[best] for best in columns.argmax(axis=1)]
    if len(predicted) != len(truth):
        raise _misfit(f"{len(predicted)} predicted roles for {len(truth)} rows", "both need the same rows")
    missing = sorted(set(truth) - set(families))
    if missing:
        raise _misfit(f"no family for {missing[0]!r}", "`families` needs every role of the truth")
    if confidence is not None:
        sure: NDArray[np.float64] | None = _read_shares(confidence, "confidence", (len(truth),))
    elif columns is not None:
        sure = _confidence(columns, roles, predicted)
    else:
        sure = None
    return Predictions(np.array(truth), np.array(predicted), dict(families), tuple(roles), columns, sure)


def _confidence(columns: NDArray[np.float64], roles: Sequence[str], predicted: Sequence[str]) -> NDArray[np.float64]:
    import numpy as np

    place = {role: column for column, role in enumerate(roles)}
    missing = sorted(set(predicted) - set(place))
    if missing:
        raise _misfit(f"no column of probabilities for {missing[0]!r}", "give `confidence` as well")
    return columns[np.arange(len(predicted)), [place[role] for role in predicted]]


def _read_shares(values: ArrayLike, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    import numpy as np

    # In double precision, so that a bin edge is the same as for a Python float.
    result = np.asarray(values, dtype=np.float64)
    if result.shape != shape:
        raise _misfit(f"{name} of shape {result.shape}, not {shape}", "one entry a row, one column a role")
    if not ((result >= 0) & (result <= 1)).all():
        raise _misfit(f"{name} outside 0-1", "give probabilities, not decision values or logarithms")
    return result


def _misfit(what: str, hint: str) -> JdextractError:
    return JdextractError(what, where="evaluation", hint=hint)
