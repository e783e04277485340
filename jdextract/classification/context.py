"""A duty read together with its record: title, topic heading. A log-linear sum, its weights in the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jdextract.classification.model import DutyModel, log_softmax
from jdextract.records import Role

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_in_context(
    logs: NDArray[np.float64],
    title_role: Role | None,
    model: DutyModel,
    headings: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Log-probabilities (duties, roles + 1) of sentences alone -> (duties, roles) in context.

    What stands in a record is a duty, so the share of "no duty at all" goes to the roles. `headings`: (duties, roles),
    log-probabilities of the heading above each duty, rows of zeros where there is none. A title of which little is sure
    counts for little: its weight is its score.
    """
    weights = model.settings.context
    alone = log_softmax(logs[:, :-1])
    total = weights.sentence * alone
    if title_role is not None and title_role.id in model.roles:
        total = total + title_role.score * _title_bonus(title_role, model)
    if headings is not None:
        total = total + weights.heading * headings
    return log_softmax(total)


def _title_bonus(title_role: Role, model: DutyModel) -> NDArray[np.float64]:
    """(roles,): what a sure title adds to each role."""
    import numpy as np

    weights = model.settings.context
    bonus: NDArray[np.float64] = weights.prior * model.prior[model.roles.index(title_role.id)]
    bonus = bonus + weights.same_role * (np.array(model.roles) == title_role.id)
    return bonus + weights.same_family * np.array(
        [model.taxonomy.family_of(role) == title_role.family for role in model.roles]
    )
