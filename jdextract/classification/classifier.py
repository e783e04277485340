"""Roles of duties, of titles and of records, with calibrated scores and abstention."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from jdextract.classification.context import read_in_context
from jdextract.classification.memory import Memory
from jdextract.classification.model import DutyModel, log_softmax, make_roles
from jdextract.classification.titles import TitleNormalizer, TitleParts, match_title
from jdextract.records import DraftRecord, Evidence, Role, RoleCandidate, RoleShare

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_NO_VOTES: Mapping[str, int] = MappingProxyType({})
_REMEMBERED = 16_384  # titles whose reading is kept, or twice as many


@dataclass(frozen=True, slots=True)
class RecordRoles:
    """What the title and the duties of one record say."""

    title: TitleParts | None
    duties: tuple[Role, ...]
    role: Role
    mix: tuple[RoleShare, ...]


class Classifier:
    """All texts are normalised (Simplified, repaired) before they come here. Deterministic.

    Titles and sentences that were read lately are remembered, which changes nothing but the time.
    """

    def __init__(self, model: DutyModel, *, threshold: float | None = None, top: int = 3) -> None:
        self.model, self._top = model, top
        self._threshold = model.settings.threshold if threshold is None else threshold
        self._titles, self._longest = TitleNormalizer(), max(map(len, model.taxonomy.titles))
        self._names, self._title_roles = Memory[TitleParts](_REMEMBERED), Memory[Role](_REMEMBERED)

    @property
    def threshold(self) -> float:
        """Probability from which a role is assigned."""
        return self._threshold

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
        headings = [None] * len(texts) if headings is None else headings
        if len(headings) != len(texts):
            raise ValueError(f"{len(headings)} headings for {len(texts)} texts")
        logs = self.model.log_probabilities([*texts, *filter(None, headings)])
        return self._read_duties(logs, [headings], [title_role])

    def read_records(self, records: Sequence[DraftRecord]) -> list[RecordRoles]:
        """Roles of titles, duties and records: the same as record by record, many times as fast.

        All that the model has to read goes there in one call.
        """
        headings = [[duty.heading for duty in record.duties] for record in records]
        texts = [duty.normalized for record in records for duty in record.duties]
        texts += [heading for own in headings for heading in own if heading]
        titles = [record.title.normalized if record.title else "" for record in records]
        roles: dict[str, Role | None] = {title: self._list_title(title) for title in titles}
        unlisted = [title for title, role in roles.items() if role is None and title.strip()]
        logs = self.model.log_probabilities([*texts, *(self.normalize_title(title).name for title in unlisted)])
        roles |= self._guess_titles(unlisted, logs[len(texts) :])
        found = iter(self._read_duties(logs[: len(texts)], headings, [roles[title] for title in titles]))
        result = []
        for record, title in zip(records, titles, strict=True):
            duties = tuple(itertools.islice(found, len(record.duties)))
            parts = self.normalize_title(title) if record.title else None
            result.append(RecordRoles(parts, duties, self.role_of_record(roles[title], duties), self.mix_roles(duties)))
        return result

    def _read_duties(
        self,
        logs: NDArray[np.float64],
        headings: Sequence[Sequence[str | None]],
        title_roles: Sequence[Role | None],
    ) -> list[Role]:
        """Roles of the duties of all records. `logs`: of all duties, then of all headings.

        `headings`: for each record the headings of its duties; `title_roles`: for each record.
        """
        import numpy as np

        counts = [len(own) for own in headings]
        total = sum(counts)
        titles = [role for role, n in zip(title_roles, counts, strict=True) for _ in range(n)]
        headed = [i for i, heading in enumerate(itertools.chain.from_iterable(headings)) if heading]
        rows = None
        if headed:
            rows = np.zeros((total, len(self.model.roles)))
            rows[headed] = log_softmax(logs[total:, :-1])
        read = read_in_context(logs[:total], titles, self.model, rows)
        deciders = []
        for own, role in zip(headings, title_roles, strict=True):
            sources = [f"duty-role:{self.model.version}"]
            sources += ["title"] if role is not None and role.id in self.model.roles else []
            sources += ["heading"] if any(own) else []
            deciders += ["+".join(sources)] * len(own)
        return self._make_roles(read, deciders)

    def find_evidence(self, texts: Sequence[str], roles: Sequence[Role], top: int) -> list[tuple[Evidence, ...]]:
        """For each sentence the n-grams that moved it most, towards or away from its role."""
        return self.model.find_evidence(texts, [role.id for role in roles], top)

    def _make_roles(self, logs: NDArray[np.float64], decided_by: str | Sequence[str]) -> list[Role]:
        return make_roles(logs, self.model.roles, self.model.taxonomy, self._threshold, self._top, decided_by)

    def role_of_title(self, title: str) -> Role | None:
        """Role of a position name by the names that the taxonomy lists, else by the model; None for a blank title."""
        if not title.strip():
            return None
        role = self._list_title(title)
        if role is None:
            logs = self.model.log_probabilities([self.normalize_title(title).name])
            role = self._guess_titles([title], logs)[title]
        return role

    def _list_title(self, title: str) -> Role | None:
        """Role of a title that the taxonomy lists or that was read lately."""
        known = self._title_roles.get(title)
        if known is not None or not title.strip():
            return known
        listed = self.model.taxonomy.titles
        match = match_title(self.normalize_title(title).name, listed, self._titles, self._longest)
        if match is None:
            return None
        id_, how = match
        score = self.model.settings.titles.exact if how == "exact" else self.model.settings.titles.contained
        role = Role(
            id=id_,
            family=self.model.taxonomy.family_of(id_),
            score=score,
            status="assigned" if score >= self._threshold else "abstained",
            decided_by=f"title:{how}",
        )
        self._title_roles.keep(title, role)
        return role

    def _guess_titles(self, titles: Sequence[str], logs: NDArray[np.float64]) -> dict[str, Role]:
        """Roles of titles that the taxonomy does not list, by the log-probabilities of their names."""
        found = self._make_roles(log_softmax(logs[:, :-1]), f"title:duty-role:{self.model.version}") if titles else []
        for title, role in zip(titles, found, strict=True):
            self._title_roles.keep(title, role)
        return dict(zip(titles, found, strict=True))

    def normalize_title(self, title: str) -> TitleParts:
        """The name in a title and what was stripped from around it."""
        parts = self._names.get(title)
        if parts is None:
            parts = self._titles.normalize(title)
            self._names.keep(title, parts)
        return parts

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
