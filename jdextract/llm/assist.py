"""Language-model assistance of documents: what the offline pipeline doubts is asked, and good answers take effect.

>>> with Client(config.llm) as client:                                        # doctest: +SKIP
...     found = Assistant(client, pipeline).assist(pipeline.explain_many(sources))

First the structure of all documents, then the roles of what came out of it. No document influences another, and whatever
is not answered well stays as the offline pipeline made it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from jdextract.llm.assistance import Assistance, load_assistance
from jdextract.llm.doubts import Doubt, find_doubts
from jdextract.llm.exchange import Answer, Asker, Request
from jdextract.llm.prompts import load_prompt
from jdextract.llm.tasks import name_decider
from jdextract.llm.tasks.adjudicate import Adjudication, Decision, ask_role, read_role, settle_record
from jdextract.llm.tasks.zone import ask_zone, read_zone
from jdextract.records import AssistanceNote, Draft, Role

if TYPE_CHECKING:
    from jdextract.pipeline import Explained, Pipeline

AssistTask = Literal["zone", "adjudicate"]
TASKS: tuple[AssistTask, ...] = ("zone", "adjudicate")
LIMITS = ("budget", "calls")  # failures that a limit of the run has caused


@dataclass(frozen=True, slots=True)
class Assisted:
    """A document behind the asking. `outcomes`: how many doubts of which task came to which end."""

    explained: Explained
    outcomes: Counter[tuple[AssistTask, str]]


@dataclass(slots=True)
class Reach:
    """How far down the ranking of doubts the asking came. Rates are values per token.

    `lowest`: of a doubt that was answered. `highest_left`: of one that a limit of the run left unanswered. `reasons`: the
    first one in words, by kind of failure.
    """

    lowest: float | None = None
    highest_left: float | None = None
    reasons: dict[str, str] = field(default_factory=dict)

    def see(self, doubt: Doubt, answers: Iterable[Answer[Any]]) -> None:
        """Note what came of one doubt."""
        for answer in answers:
            if answer.failure:
                self.reasons.setdefault(answer.failure, answer.reason)
            if answer.failure in LIMITS:
                self.highest_left = max(doubt.rate, self.highest_left or 0.0)
            else:
                self.lowest = min(doubt.rate, doubt.rate if self.lowest is None else self.lowest)


@dataclass(slots=True)
class _Case:
    """One document on its way. Notes come with the number of their record, None for all of them; `roles` by record."""

    explained: Explained
    notes: list[tuple[int | None, AssistanceNote]] = field(default_factory=list)
    outcomes: Counter[tuple[AssistTask, str]] = field(default_factory=Counter)
    roles: dict[int, dict[int | None, Role]] = field(default_factory=dict)

    def close(self) -> Assisted:
        if not self.notes:
            return Assisted(self.explained, self.outcomes)
        records = tuple(
            record.model_copy(update={"assistance": tuple(note for i, note in self.notes if i is None or i == number)})
            for number, record in enumerate(self.explained.records)
        )
        return Assisted(replace(self.explained, records=records), self.outcomes)


class Assistant:
    """Asks about documents. `reach` tells how far it came; apart from that nothing is kept between two calls."""

    def __init__(
        self, asker: Asker, pipeline: Pipeline, cutoff: float = 0.0, *, numbers: Assistance | None = None
    ) -> None:
        """`cutoff`: doubts with a lower value per token (`Doubt.rate`) are not asked about."""
        self._asker, self._pipeline, self.cutoff = asker, pipeline, cutoff
        self._numbers = numbers or load_assistance()
        self._by = {task: name_decider(asker.model, load_prompt(task).version) for task in TASKS}
        self.reach = Reach()

    def assist(self, batch: Sequence[Explained]) -> list[Explained]:
        """The documents, in order, with what the answers put right and a trail in `assistance` of each record.

        What the endpoint does raises nothing. The records must not be marked as repeats yet.
        """
        return [assisted.explained for assisted in self.assist_each(batch)]

    def assist_each(self, batch: Sequence[Explained]) -> list[Assisted]:
        """The same, with the ends that the doubts about each document came to."""
        cases = [_Case(explained) for explained in batch]
        self._ask_zones(cases)
        self._ask_roles(cases)
        return [case.close() for case in cases]

    def give_up(self, explained: Explained, reason: str) -> Assisted:
        """A document whose answers can't be worked in: as it was, each doubt `failed:<reason>`."""
        case = _Case(explained)
        for doubt in self.doubts(explained):
            self._note(case, doubt, f"failed:{reason}")
        return case.close()

    def doubts(self, explained: Explained) -> list[Doubt]:
        """The doubts that are asked about."""
        return [doubt for doubt in find_doubts(explained, self._numbers) if doubt.rate >= self.cutoff]

    def _ask_zones(self, cases: Sequence[_Case]) -> None:
        doubted = [(d, case) for case in cases for d in self.doubts(case.explained) if d.task == "zone"]
        asked = self._ask(doubted, lambda doubt, case: ask_zone(case.explained.draft, self._numbers))
        accepted: list[tuple[_Case, Draft]] = []
        for doubt, case, answers in asked:
            read = read_zone(case.explained.draft, answers, self._numbers)
            failed = read.kept.startswith("failed:")
            self._note(case, doubt, (read.kept if failed else f"kept:{read.kept}") if read.kept else "applied")
            if not read.kept:
                accepted.append((case, read.draft))
        made = self._pipeline.explain_drafts([draft for _, draft in accepted]) if accepted else []
        for (case, _), explained in zip(accepted, made, strict=True):
            case.explained = explained

    def _ask_roles(self, cases: Sequence[_Case]) -> None:
        doubted = [(d, case) for case in cases for d in self.doubts(case.explained) if d.task == "adjudicate"]
        if not doubted:
            return
        taxonomy = self._pipeline.classifier.model.taxonomy

        def make(doubt: Doubt, case: _Case) -> list[Request[Adjudication]]:
            record, duty = doubt.places[0]
            return [ask_role(case.explained.records[record], duty, taxonomy)]

        for doubt, case, (answer,) in self._ask(doubted, make):
            decisions = [self._decide(case, place, answer) for place in doubt.places]
            self._note(case, doubt, *map(_outcome, decisions))
            for (record, duty), decision in zip(doubt.places, decisions, strict=True):
                if decision.role:
                    case.roles.setdefault(record, {})[duty] = decision.role
        for case in cases:
            records = tuple(
                settle_record(record, case.roles[number], self._pipeline.classifier) if number in case.roles else record
                for number, record in enumerate(case.explained.records)
            )
            case.explained = replace(case.explained, records=records)

    def _ask(
        self, doubted: Sequence[tuple[Doubt, _Case]], make: Callable[[Doubt, _Case], list[Request[Any]]]
    ) -> list[tuple[Doubt, _Case, list[Answer[Any]]]]:
        """All answers to each doubt, the most valuable asked first; doubts that make no request are left out."""
        ranked = sorted(doubted, key=lambda pair: (-pair[0].rate, pair[0].document, str(pair[0].places)))
        asked = [(doubt, case, requests) for doubt, case in ranked if (requests := make(doubt, case))]
        came = self._asker.ask(request for _, _, requests in asked for request in requests)
        found = []
        for doubt, case, requests in asked:
            answers = [next(came)[1] for _ in requests]
            self.reach.see(doubt, answers)
            found.append((doubt, case, answers))
        next(came, None)  # lets the asker end what it has begun
        return found

    def _decide(self, case: _Case, place: tuple[int, int | None], answer: Answer[Adjudication]) -> Decision:
        """Each place by its own text and candidates, though one answer speaks for all."""
        record, classifier = case.explained.records[place[0]], self._pipeline.classifier
        return read_role(record, place[1], answer, classifier.model.taxonomy, classifier.threshold, self._numbers)

    def _note(self, case: _Case, doubt: Doubt, *outcomes: str) -> None:
        """`outcomes`: one for each place; the first is counted for the doubt."""
        by = self._by[doubt.task]
        case.outcomes[doubt.task, outcomes[0]] += 1
        if doubt.task == "zone":
            case.notes.append((None, AssistanceNote(task="zone", outcome=outcomes[0], by=by)))
        for number, (record, duty) in enumerate(doubt.places):
            outcome = outcomes[min(number, len(outcomes) - 1)]
            case.notes.append((record, AssistanceNote(task="adjudicate", duty=duty, outcome=outcome, by=by)))


def _outcome(decision: Decision) -> str:
    reason = decision.reason
    if not reason or reason.startswith("failed:"):
        return reason or "applied"
    return f"kept:{reason}" if reason == "unsure" else f"rejected:{reason.removeprefix('evidence:')}"


def count_outcomes(outcomes: Counter[tuple[AssistTask, str]]) -> dict[str, dict[str, Any]]:
    """By task: how many doubts were asked about, how many answers were applied, and why the others were not."""
    summary: dict[str, dict[str, Any]] = {}
    for task in TASKS:
        mine = {outcome: number for (name, outcome), number in outcomes.items() if name == task}
        ends: dict[str, Any] = {"asked": sum(mine.values()), "applied": mine.get("applied", 0)}
        for end in ("kept", "rejected", "failed"):
            reasons = {o.partition(":")[2]: n for o, n in sorted(mine.items()) if o.partition(":")[0] == end}
            ends[end] = reasons
        summary[task] = ends
    return summary
