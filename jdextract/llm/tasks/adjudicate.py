"""Task *adjudicate*: a role for a duty or a title on which the classifier abstained.

The model picks one of the classifier's candidates or `other` and copies the words that decided; a decision whose words
do not stand in the duty or the title is rejected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from jdextract.llm.assistance import Assistance, Confidence, load_assistance
from jdextract.llm.exchange import Answer, Request
from jdextract.llm.grounding import Grounder, Rejection
from jdextract.llm.prompts import load_prompt, seal, show_line
from jdextract.llm.tasks import Reply, name_decider, restrict
from jdextract.records import Role, RoleCandidate, RoleRecord
from jdextract.taxonomy import OTHER, Taxonomy

if TYPE_CHECKING:
    from jdextract.classification.classifier import Classifier

# Code points of the texts that a request shows.
_TITLE, _HEADING, _DUTY, _NEIGHBOUR = 60, 40, 400, 120
_DUTIES_OF_TITLE = 8
MAX_TOKENS = 300


class Adjudication(Reply):
    """A decision. The schema of a request allows its candidates only (`offer`)."""

    chosen = "role"
    role: str
    evidence: Annotated[list[Annotated[str, Field(min_length=1, max_length=60)]], Field(min_length=1, max_length=3)]
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Decision:
    """The new role, or None and why there is none.

    `failed:<kind>` no answer; `unknown` a role that was not offered; `unsure` the model is not sure enough;
    `evidence:<reason>` its words do not stand in the duty or the title.
    """

    role: Role | None
    reason: str = ""


def list_candidates(role: Role, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Ids of the role, its alternatives and `other`, in the order of the taxonomy, which tells no preference."""
    named = {role.id, OTHER, *(candidate.id for candidate in role.alternatives)}
    return tuple(id_ for id_ in taxonomy.role_ids if id_ in named)


def offer(candidates: tuple[str, ...]) -> type[Adjudication]:
    """The schema whose role is one of the candidates."""
    return restrict(Adjudication, candidates)


def ask_role(record: RoleRecord, duty: int | None, taxonomy: Taxonomy) -> Request[Adjudication]:
    """The question about one duty of a record by its number, or about the title and so the record (None)."""
    prompt = load_prompt("adjudicate")
    role = record.role if duty is None else record.duties[duty].role
    candidates = list_candidates(role, taxonomy)
    lines = _describe_title(record) if duty is None else _describe_duty(record, duty)
    return Request(
        task="adjudicate",
        prompt=prompt.version,
        instructions=prompt.instructions,
        material=f"候选：\n{describe_roles(taxonomy, candidates)}\n\n{seal(chr(10).join(lines))}",
        schema=offer(candidates),
        document=record.document.id,
        max_tokens=MAX_TOKENS,
    )


def describe_roles(taxonomy: Taxonomy, ids: Sequence[str]) -> str:
    """A line for each role: id, label, scope."""
    named = {role.id: role for role in taxonomy.roles}
    return "\n".join(f"- {id_} {named[id_].zh}" + (f"：{named[id_].scope}" if named[id_].scope else "") for id_ in ids)


def _describe_duty(record: RoleRecord, number: int) -> list[str]:
    duty, duties = record.duties[number], record.duties
    lines = [f"职位名称：{show_line(record.title.text, _TITLE)}"] if record.title else []
    lines += [f"小标题：{show_line(duty.heading, _HEADING)}"] if duty.heading else []
    lines += [f"前一条职责：{show_line(duties[number - 1].text, _NEIGHBOUR)}"] if number else []
    lines.append(f"要判断的职责：{show_line(duty.text, _DUTY)}")
    lines += [f"后一条职责：{show_line(duties[number + 1].text, _NEIGHBOUR)}"] if number + 1 < len(duties) else []
    return lines


def _describe_title(record: RoleRecord) -> list[str]:
    lines = [f"要判断的职位名称：{show_line(record.title.text if record.title else '（没有）', _TITLE)}"]
    return lines + [f"职责：{show_line(duty.text, _NEIGHBOUR)}" for duty in record.duties[:_DUTIES_OF_TITLE]]


def read_role(
    record: RoleRecord,
    duty: int | None,
    answer: Answer[Adjudication],
    taxonomy: Taxonomy,
    threshold: float,
    numbers: Assistance | None = None,
) -> Decision:
    """The role that an answer gives, if its words are found.

    Its score is the probability that the numbers state for the model's confidence; the other candidates keep their
    proportions in the rest. A score below `threshold` (probability, that of the classifier) settles nothing.
    """
    numbers = numbers or load_assistance()
    if answer.output is None:
        return Decision(None, f"failed:{answer.failure}")
    prompt = load_prompt("adjudicate")
    old = record.role if duty is None else record.duties[duty].role
    if answer.output.role not in list_candidates(old, taxonomy):
        return Decision(None, "unknown")
    score = numbers.confidence[answer.output.confidence]
    if score < threshold:
        return Decision(None, "unsure")
    grounders = [Grounder(text, prompt.examples, numbers.grounding) for text in _evidence_texts(record, duty)]
    for words in answer.output.evidence:
        found = [grounder.find(words) for grounder in grounders]
        reasons = [result.reason for result in found if isinstance(result, Rejection)]
        if len(reasons) == len(found):
            return Decision(None, f"evidence:{reasons[0]}")
    return Decision(update_role(old, answer.output.role, score, name_decider(answer.model, prompt.version), taxonomy))


def _evidence_texts(record: RoleRecord, duty: int | None) -> list[str]:
    """Where the words of a decision may stand: the duty and the title; for a title also the duties that were shown."""
    title = [record.title.text] if record.title else []
    if duty is None:
        return [*title, *(shown.text for shown in record.duties[:_DUTIES_OF_TITLE])] or [""]
    return [record.duties[duty].text, *title]


def update_role(old: Role, chosen: str, score: float, decided_by: str, taxonomy: Taxonomy) -> Role:
    """The chosen role with its probability; what is left of 1 goes to the others in their old proportions (Jeffrey)."""
    scores = {old.id: old.score} | {candidate.id: candidate.score for candidate in old.alternatives}
    rest = 1 - scores.pop(chosen, 0.0)
    scale = min(1.0, (1 - score) / rest) if rest > 0 else 0.0
    others = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
    return Role(
        id=chosen,
        family=taxonomy.family_of(chosen),
        score=score,
        status="assigned",
        alternatives=tuple(
            RoleCandidate(id=id_, family=taxonomy.family_of(id_), score=round(p * scale, 6)) for id_, p in others
        ),
        decided_by=decided_by,
    )


def settle_record(record: RoleRecord, decided: Mapping[int | None, Role], classifier: Classifier) -> RoleRecord:
    """The record with the decided roles of its duties (by number) and of itself (None).

    The shares of its roles are counted again, and so is its own role where its duties had a say in it; so give all
    decisions about a record at once.
    """
    duties = tuple(
        duty.model_copy(update={"role": decided[i]}) if i in decided else duty for i, duty in enumerate(record.duties)
    )
    roles = [duty.role for duty in duties]
    role = decided.get(None)
    if role is None:
        title_role = classifier.role_of_title(record.title.normalized) if record.title else None
        role = classifier.role_of_record(title_role, roles)
    mix = classifier.mix_roles(roles)
    return record.model_copy(update={"duties": duties, "role": role, "role_mix": mix})


def count_reasons(decisions: Sequence[Decision]) -> Counter[str]:
    """How many decisions were taken (`settled`), and how many not, by reason."""
    return Counter(decision.reason or "settled" for decision in decisions)
