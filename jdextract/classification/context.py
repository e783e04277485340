"""A duty read together with the role of its record's title: a log-linear sum with few weights, kept in the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jdextract.classification.model import DutyModel, log_softmax
from jdextract.records import Role

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_in_context(logs: NDArray[np.float64], title_role: Role, model: DutyModel) -> NDArray[np.float64]:
    """Log-probabilities (duties, roles + 1) of sentences alone -> (duties, roles) in context.

    What stands in a record is a duty, so the share of "no duty at all" goes to the roles. A title of which little is sure counts for little: its weight is its score.
    """
    import numpy as np

    weights, trust = model.settings.context, title_role.score
    bonus = weights.prior * model.prior[model.roles.index(title_role.id)]
    family = np.array([model.taxonomy.family_of(role) == title_role.family for role in model.roles])
    bonus = bonus + weights.same_family * family + weights.same_role * (np.array(model.roles) == title_role.id)
    return log_softmax(weights.scale * (logs[:, :-1] + trust * bonus))
