"""Task *label*: a teacher's roles for sentences that a model is to learn from.

Each sentence is asked about several times; the majority is its label, and a sentence without a clear one is undecided.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from jdextract.classification.teacher import NO_DUTY, label_key
from jdextract.llm.assistance import Assistance, load_assistance
from jdextract.llm.exchange import Answer, Asker, Request
from jdextract.llm.prompts import load_prompt, seal, show_line
from jdextract.llm.tasks import Reply, name_decider, restrict
from jdextract.llm.tasks.adjudicate import describe_roles
from jdextract.taxonomy import Taxonomy

_TITLE, _HEADING, _SENTENCE = 60, 40, 600  # code points that are shown
_MAX_TOKENS = 100


class Labelling(Reply):
    """A label. The schema of a request allows the roles of the taxonomy and `none` only (`allow`)."""

    chosen = "role"
    role: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence to be labelled, as it stands on its page. `id` names it in the ledger."""

    id: str
    text: str
    title: str | None = None
    heading: str | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """The majority of the samples of one sentence.

    `role` is None where there is none: `reason` is then `failed:<kind>` (no sample was answered), `tie` or `agreement`
    (too small a share). `agreement`: share of the samples asked for that have the most frequent role. `second`: the next
    most frequent role, or "".
    """

    sentence: Sentence
    role: str | None
    second: str
    agreement: float
    votes: Counter[str]
    decided_by: str
    reason: str = ""


def allow(roles: tuple[str, ...]) -> type[Labelling]:
    """The schema whose role is one of these or `none`."""
    return restrict(Labelling, (*roles, NO_DUTY))


def ask_label(
    sentence: Sentence, taxonomy: Taxonomy, samples: int | None = None, temperature: float | None = None
) -> list[Request[Labelling]]:
    """The samples of one sentence; the instructions list the whole taxonomy. A single sample is asked at temperature 0."""
    numbers = load_assistance().label
    samples = numbers.samples if samples is None else samples
    temperature = numbers.temperature if temperature is None else temperature
    prompt = load_prompt("label")
    lines = [f"职位名称：{show_line(sentence.title, _TITLE)}"] if sentence.title else []
    lines += [f"小标题：{show_line(sentence.heading, _HEADING)}"] if sentence.heading else []
    lines.append(f"句子：{show_line(sentence.text, _SENTENCE)}")
    return [
        Request(
            task="label",
            prompt=prompt.version,
            instructions=prompt.instructions.replace("{roles}", describe_roles(taxonomy, taxonomy.role_ids)),
            material=seal("\n".join(lines)),
            schema=allow(taxonomy.role_ids),
            document=sentence.id,
            sample=sample,
            temperature=temperature if samples > 1 else 0.0,
            max_tokens=_MAX_TOKENS,
        )
        for sample in range(samples)
    ]


def read_label(sentence: Sentence, answers: Sequence[Answer[Labelling]], numbers: Assistance | None = None) -> Label:
    """The majority of the answers to all samples of one sentence. Raises ValueError without any answer."""
    if not answers:
        raise ValueError("no answers")
    numbers = numbers or load_assistance()
    votes = Counter(answer.output.role for answer in answers if answer.output)
    decided_by = name_decider(answers[0].model, load_prompt("label").version)
    if not votes:
        return Label(sentence, None, "", 0.0, votes, decided_by, f"failed:{answers[0].failure}")
    ranked = sorted(votes, key=lambda role: (-votes[role], role))
    second = ranked[1] if len(ranked) > 1 else ""
    agreement = votes[ranked[0]] / len(answers)
    reason = ""
    if second and votes[second] == votes[ranked[0]]:
        reason = "tie"
    elif agreement < numbers.label.least_agreement:
        reason = "agreement"
    return Label(sentence, None if reason else ranked[0], second, round(agreement, 4), votes, decided_by, reason)


def label(
    sentences: Iterable[Sentence],
    taxonomy: Taxonomy,
    asker: Asker,
    samples: int | None = None,
    temperature: float | None = None,
) -> Iterator[Label]:
    """The label of each sentence, in order; as many sentences are held as the asker reads ahead."""
    waiting: deque[tuple[Sentence, int]] = deque()

    def requests() -> Iterator[Request[Labelling]]:
        for sentence in sentences:
            asked = ask_label(sentence, taxonomy, samples, temperature)
            waiting.append((sentence, len(asked)))
            yield from asked

    answers: list[Answer[Labelling]] = []
    for _, answer in asker.ask(requests()):
        answers.append(answer)
        if len(answers) == waiting[0][1]:
            yield read_label(waiting.popleft()[0], answers)
            answers = []


TEACHER_COLUMNS = ("key", "role", "second")  # of the CSV file that holds no text


def teacher_row(label: Label, normalize: Callable[[str], str]) -> tuple[str, str, str] | None:
    """A row of the teacher's CSV: key of the normalised sentence, role, second role. None for an undecided one."""
    return (label_key(normalize(label.sentence.text)), label.role, label.second) if label.role else None


def teacher_line(label: Label, normalize: Callable[[str], str]) -> str | None:
    """A JSON line with `text` (normalised), `role`, `agreement`, `decided_by`. None for an undecided sentence."""
    if label.role is None:
        return None
    row = {
        "text": normalize(label.sentence.text),
        "role": label.role,
        "agreement": label.agreement,
        "decided_by": label.decided_by,
    }
    return json.dumps(row, ensure_ascii=False)


def undecided_line(label: Label) -> str | None:
    """A JSON line with `id`, `text`, `reason`, `votes` of an undecided sentence; None for a decided one."""
    if label.role is not None:
        return None
    sentence = label.sentence
    row = {"id": sentence.id, "text": sentence.text, "reason": label.reason, "votes": dict(sorted(label.votes.items()))}
    return json.dumps(row, ensure_ascii=False)


def read_sentences(lines: Iterable[str], where: str = "") -> Iterator[Sentence]:
    """Sentences of a file: JSON objects with `text`, and `id`, `title`, `heading` if known; or one sentence a line.

    The id is `where:number of the line` where none is given. Blank lines are skipped. Raises DamagedInput for a JSON
    object without a text.
    """
    from jdextract.errors import DamagedInput

    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line:
            continue
        place = f"{where}:{number}"
        if not line.startswith("{"):
            yield Sentence(place, line)
            continue
        try:
            row = json.loads(line)
            text, rest = row["text"], [row.get(name) for name in ("id", "title", "heading")]
            if not isinstance(text, str) or not all(value is None or isinstance(value, str) for value in rest):
                raise TypeError("a field is no string")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DamagedInput(f"is no sentence ({error})", where=place, hint="JSON lines with text") from error
        yield Sentence(rest[0] or place, text, rest[1], rest[2])
