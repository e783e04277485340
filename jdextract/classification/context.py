"""A duty read together with its record: title, topic heading. A log-linear sum, its weights in the settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jdextract.classification.model import DutyModel, log_softmax
from jdextract.records import Role

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_in_context(
    logs: NDArray[np.float64],
    title_roles: Sequence[Role | None],
    model: DutyModel,
    headings: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Log-probabilities (duties, roles + 1) of sentences alone -> (duties, roles) in context.

    What stands in a record is a duty, so the share of "no duty at all" goes to the roles. `title_roles`: the role of the
    title above each duty, None without one. `headings`: (duties, roles), log-probabilities of the heading above each duty,
    rows of zeros where there is none. A title of which little is sure counts for little: its weight is its score.
    """
    import numpy as np

    total: NDArray[np.float64] = model.settings.context.sentence * log_softmax(logs[:, :-1])
    number = {role: i for i, role in enumerate(model.roles)}
    titled = [
        (i, number[role.id], role.score) for i, role in enumerate(title_roles) if role is not None and role.id in number
    ]
    if titled:
        rows, roles, scores = map(list, zip(*titled, strict=True))
        total[rows] += np.array(scores)[:, np.newaxis] * _title_bonus(model)[roles]
    if headings is not None:
        total = total + model.settings.context.heading * headings
    return log_softmax(total)


def _title_bonus(model: DutyModel) -> NDArray[np.float64]:
    """(roles, roles): what a sure title of the role of each row adds to each role."""
    import numpy as np

    weights = model.settings.context
    families = np.array([model.taxonomy.family_of(role) for role in model.roles])
    bonus: NDArray[np.float64] = weights.prior * model.prior + weights.same_role * np.eye(len(model.roles))
    bonus += weights.same_family * (families[:, np.newaxis] == families)
    return bonus
