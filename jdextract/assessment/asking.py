"""Gold duties put before a language model, through the task *adjudicate* as a run does it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from jdextract.assessment.judging import ReadPage, Track
from jdextract.evaluation.documents import match_document
from jdextract.llm.assistance import load_assistance
from jdextract.llm.estimate import estimate_input, estimate_tokens
from jdextract.llm.exchange import Answer, Asker, Request, Usage
from jdextract.llm.prices import Price
from jdextract.llm.tasks.adjudicate import Adjudication, Decision, ask_role, list_candidates, read_role
from jdextract.records import Role, RoleRecord
from jdextract.taxonomy import Taxonomy

_NOT_SENT = ("budget", "calls", "circuit-open", "not-recorded")


@dataclass(frozen=True, slots=True)
class GoldDuty:
    """A duty that was found, and its role in the gold. `number`: in its record."""

    page: str
    record: RoleRecord
    number: int
    truth: str

    @property
    def role(self) -> Role:
        """What the classifier says of it."""
        return self.record.duties[self.number].role


@dataclass(frozen=True, slots=True)
class Asked:
    """One duty with the answer about it. Tokens and cost are 0 for a question that was asked before or not sent."""

    duty: GoldDuty
    answer: Answer[Adjudication]
    decision: Decision
    offered: bool  # whether the gold role is among the candidates
    called: bool
    usage: Usage
    estimated: bool  # the tokens: the endpoint did not count them, or the answer is from the cache
    cost: Decimal

    @property
    def role(self) -> str:
        """The role with this answer."""
        return self.decision.role.id if self.decision.role else self.duty.role.id


def list_duties(read: Sequence[ReadPage]) -> list[GoldDuty]:
    """Every found duty that is a gold duty, the least certain first."""
    found = []
    for number, each in enumerate(read):
        places = {duty.span: (record, i) for record in each.records for i, duty in enumerate(record.duties)}
        for own, duty in match_document(each.page.document, each.records).duties:
            found.append(GoldDuty(str(number), *places[duty.span], str(own.role)))
    return sorted(found, key=lambda duty: duty.role.score)


def know_gold(duties: Iterable[GoldDuty], taxonomy: Taxonomy) -> dict[tuple[str, str], str]:
    """What a simulated teacher has to know; of duties that are the same question the first one tells the role."""
    gold: dict[tuple[str, str], str] = {}
    for duty in duties:
        request = ask_role(duty.record, duty.number, taxonomy)
        gold.setdefault((request.document, request.material), duty.truth)
    return gold


def ask_all(
    duties: Sequence[GoldDuty], asker: Asker, taxonomy: Taxonomy, threshold: float, price: Price | None, track: Track
) -> list[Asked]:
    """Ask about every duty, in order. `threshold`: as in `read_role`. A question that stands twice is one call."""
    numbers = load_assistance()
    seen: set[tuple[str, str]] = set()
    asked = []
    requests = (ask_role(duty.record, duty.number, taxonomy) for duty in duties)
    for duty, (request, answer) in zip(track(duties, "duties"), asker.ask(requests), strict=True):
        question = (request.instructions, request.material)
        called = question not in seen and answer.failure not in _NOT_SENT
        if called:
            seen.add(question)
        usage, estimated = _count_tokens(request, answer) if called else (Usage(), False)
        cost = price.cost(usage) if price else Decimal(0)
        decision = read_role(duty.record, duty.number, answer, taxonomy, threshold, numbers)
        offered = duty.truth in list_candidates(duty.role, taxonomy)
        asked.append(Asked(duty, answer, decision, offered, called, usage, estimated, cost))
    return asked


def _count_tokens(request: Request[Adjudication], answer: Answer[Adjudication]) -> tuple[Usage, bool]:
    """As the endpoint told them, else by the rule of estimates; an answer from the cache cost what it once cost."""
    if answer.usage.input_tokens:
        return answer.usage, False
    written = estimate_tokens(answer.output.model_dump_json()) if answer.output else 0
    return Usage(estimate_input(request), written), True
