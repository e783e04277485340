"""Roles of duties, of titles and of records, with calibrated scores and abstention."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from jdextract.classification.context import read_in_context
from jdextract.classification.model import DutyModel, log_softmax, make_roles
from jdextract.classification.titles import TitleNormalizer, TitleParts, match_title
from jdextract.records import Evidence, Role, RoleCandidate, RoleShare

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_NO_VOTES: Mapping[str, int] = MappingProxyType({})


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
        sources = ["title"] if title_role is not None and title_role.id in self.model.roles else []
        sources += ["heading"] if headings is not None and any(headings) else []
        read = read_in_context(logs, title_role, self.model, self._read_headings(headings or ()))
        return self._make_roles(read, "+".join([f"duty-role:{self.model.version}", *sources]))

    def _read_headings(self, headings: Sequence[str | None]) -> NDArray[np.float64] | None:
        """(duties, roles): log-probabilities of the heading of each duty, zeros without one; None when none has one."""
        import numpy as np

        at = [i for i, heading in enumerate(headings) if heading]
        if not at:
            return None
        rows = np.zeros((len(headings), len(self.model.roles)))
        rows[at] = log_softmax(self.model.log_probabilities([headings[i] or "" for i in at])[:, :-1])
        return rows

    def find_evidence(self, texts: Sequence[str], roles: Sequence[Role], top: int) -> list[tuple[Evidence, ...]]:
        """For each sentence the n-grams that moved it most, towards or away from its role."""
        return self.model.find_evidence(texts, [role.id for role in roles], top)

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

    def normalize_title(self, title: str) -> TitleParts:
        """The name in a title and what was stripped from around it."""
        return self._titles.normalize(title)

    def role_of_record(self, title_role: Role | None, duty_roles: Sequence[Role]) -> Role:
        """What title and duties say together.

        A title that the taxonomy lists decides alone. Otherwise the scores of the title's roles and the shares of the
        roles of the duties are averaged with the weight that the settings give to duties; with no title the duties decide.
        A record without either abstains.
        """
        if title_role is not None and (title_role.decided_by == "title:exact" or not duty_roles):
            return title_role
        if not duty_roles:
            return self._record_role({self.model.roles[-1]: 0.0}, "record:empty")
        scores: dict[str, float] = defaultdict(float)
        for role in duty_roles:
            scores[role.id] += role.score / len(duty_roles)
        if title_role is None:
            return self._record_role(scores, "record:duties", Counter(role.id for role in duty_roles))
        weight = self.model.settings.titles.duties
        both = defaultdict(float, {id_: weight * score for id_, score in scores.items()})
        both[title_role.id] += (1 - weight) * title_role.score
        for candidate in title_role.alternatives:
            both[candidate.id] += (1 - weight) * candidate.score
        return self._record_role(both, f"record:{title_role.decided_by}+duties")

    def _record_role(self, scores: Mapping[str, float], decided_by: str, votes: Mapping[str, int] = _NO_VOTES) -> Role:
        """The role of most votes, then of the highest score."""
        family = self.model.taxonomy.family_of
        best, *others = sorted(scores, key=lambda id_: (-votes.get(id_, 0), -scores[id_], id_))
        score = round(min(1.0, scores[best]), 6)
        return Role(
            id=best,
            family=family(best),
            score=score,
            status="assigned" if score >= self._threshold else "abstained",
            alternatives=tuple(
                RoleCandidate(id=id_, family=family(id_), score=round(scores[id_], 6)) for id_ in others[: self._top]
            ),
            decided_by=decided_by,
        )

    def mix_roles(self, duty_roles: Sequence[Role]) -> tuple[RoleShare, ...]:
        """Share of the duties by their best role, the largest first."""
        counts = Counter(role.id for role in duty_roles)
        return tuple(
            RoleShare(id=id_, family=self.model.taxonomy.family_of(id_), share=round(n / len(duty_roles), 4))
            for id_, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        )
