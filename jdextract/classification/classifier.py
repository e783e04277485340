"""Roles of duties, of titles and of records, with calibrated scores and abstention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jdextract.classification.context import read_in_context
from jdextract.classification.model import DutyModel, log_softmax, make_roles
from jdextract.classification.titles import TitleNormalizer, match_title
from jdextract.records import Role

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Classifier:
    """All texts are normalised (Simplified, repaired) before they come here. Deterministic; no state between calls."""

    def __init__(self, model: DutyModel, *, threshold: float | None = None, top: int = 3) -> None:
        self.model, self._top = model, top
        self._threshold = model.settings.threshold if threshold is None else threshold
        self._titles = TitleNormalizer()

    def classify(self, texts: Sequence[str]) -> list[Role]:
        """Role of each duty sentence read alone, in order."""
        logs = self.model.log_probabilities(texts)
        return self._make_roles(logs, f"duty-role:{self.model.version}")

    def classify_in_context(
        self, texts: Sequence[str], headings: Sequence[str | None] | None = None, title_role: Role | None = None
    ) -> list[Role]:
        """Role of each duty of one record, in order: the sentence together with the role of the record's title.

        `headings`: the topic heading or label above each duty; one for each text.
        """
        if headings is not None and len(headings) != len(texts):
            raise ValueError(f"{len(headings)} headings for {len(texts)} texts")
        logs = self.model.log_probabilities(texts)
        decided_by = f"duty-role:{self.model.version}"
        if title_role is None or title_role.id not in self.model.roles:
            return self._make_roles(log_softmax(logs[:, :-1]), decided_by)
        return self._make_roles(read_in_context(logs, title_role, self.model), decided_by + "+title")

    def _make_roles(self, logs: NDArray[np.float64], decided_by: str) -> list[Role]:
        return make_roles(logs, self.model.roles, self.model.taxonomy, self._threshold, self._top, decided_by)

    def role_of_title(self, title: str) -> Role | None:
        """Role of a position name by the names that the taxonomy lists, else by the model; None for a blank title."""
        if not title.strip():
            return None
        name = self._titles.normalize(title).name
        match = match_title(name, self.model.taxonomy.titles, self._titles)
        if match is None:
            logs = log_softmax(self.model.log_probabilities([name])[:, :-1])
            by = f"title:duty-role:{self.model.version}"
            return self._make_roles(logs, by)[0]
        role, how = match
        score = self.model.settings.titles.exact if how == "exact" else self.model.settings.titles.contained
        return Role(
            id=role,
            family=self.model.taxonomy.family_of(role),
            score=score,
            status="assigned" if score >= self._threshold else "abstained",
            decided_by=f"title:{how}",
        )

    def role_of_record(self, title_role: Role | None, duty_roles: Sequence[Role]) -> Role:
        """That of its title; with no title, of most of its duties (on a tie the one with the higher scores).

        A record without title and duties, or whose duties all abstain, abstains.
        """
        if title_role is not None:
            return title_role
        if not duty_roles:
            role = self.model.roles[-1]
            return Role(
                id=role,
                family=self.model.taxonomy.family_of(role),
                score=0.0,
                status="abstained",
                decided_by="record:empty",
            )
        votes = Counter(role.id for role in duty_roles)
        weight = {id_: sum(r.score for r in duty_roles if r.id == id_) for id_ in votes}
        best = max(sorted(votes), key=lambda id_: (votes[id_], weight[id_]))
        score = round(weight[best] / len(duty_roles), 6)
        return Role(
            id=best,
            family=self.model.taxonomy.family_of(best),
            score=score,
            status="assigned" if score >= self._threshold else "abstained",
            decided_by="record:duties",
        )
