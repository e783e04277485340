"""Assistance of documents: what a good model puts right, and what no model can spoil."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest

from jdextract.annotation import GoldDocument
from jdextract.batch.assistance import ask_safely
from jdextract.batch.interrupts import Interrupts
from jdextract.evaluation.documents import count_document
from jdextract.llm.assist import Assistant, Assisted, count_outcomes
from jdextract.llm.doubts import find_doubts
from jdextract.llm.exchange import Answer, FailureKind, Output, Request
from jdextract.llm.tasks.adjudicate import Adjudication
from jdextract.llm.tasks.zone import Rezoned, read_zone
from jdextract.pipeline import Explained, Pipeline
from jdextract.records import Draft, RoleRecord
from tests.llm.gold_asker import GoldAsker
from tests.llm.test_injections import CASES, Obedient, hostile_page
from tests.samples import source_of


class Failing:
    """An endpoint that answers nothing."""

    model = "m"

    def __init__(self, kind: FailureKind) -> None:
        self.kind, self.asked = kind, 0

    def ask(self, requests: Iterable[Request[Output]]) -> Iterator[tuple[Request[Output], Answer[Output]]]:
        for request in requests:
            self.asked += 1
            yield request, Answer(None, self.model, self.kind, "no")


@pytest.fixture(scope="module")
def documents(corpus_documents: list[GoldDocument]) -> list[GoldDocument]:
    return corpus_documents[::5]


@pytest.fixture(scope="module")
def offline(pipeline: Pipeline, documents: list[GoldDocument]) -> list[Explained]:
    return pipeline.explain_many(GoldAsker(documents).sources)


@pytest.fixture(scope="module")
def gold(documents: list[GoldDocument]) -> GoldAsker:
    return GoldAsker(documents)


@pytest.fixture(scope="module")
def assisted(pipeline: Pipeline, offline: list[Explained], gold: GoldAsker) -> list[Assisted]:
    return Assistant(gold, pipeline).assist_each(offline)


def plain(records: Sequence[RoleRecord]) -> list[RoleRecord]:
    """The records without their trail."""
    return [record.model_copy(update={"assistance": ()}) for record in records]


def score(documents: Sequence[GoldDocument], found: Sequence[Explained]) -> dict[str, float]:
    """F1 of duties and titles by their exact places, and the share of found duties with the annotated role."""
    sums: Counter[str] = Counter()
    roles = right = 0
    for document, explained in zip(documents, found, strict=True):
        counts = count_document(document, explained.records)
        for zone in ("duty", "title"):
            both, given, wanted = counts.spans[zone]
            sums.update({f"{zone} both": 2 * both, f"{zone} all": given + wanted})
        wanted_roles = {d.span: d.role for record in document.records for d in record.duties}
        for duty in (d for record in explained.records for d in record.duties if d.span in wanted_roles):
            roles += 1
            right += duty.role.status == "assigned" and duty.role.id == wanted_roles[duty.span]
    return {zone: sums[f"{zone} both"] / sums[f"{zone} all"] for zone in ("duty", "title")} | {"role": right / roles}


def test_records_come_closer_to_the_annotation(
    documents: list[GoldDocument], offline: list[Explained], assisted: list[Assisted]
) -> None:
    """With a model that answers as the annotation does, duties, titles and roles of doubted documents get better, none
    worse; in the others nothing changes."""
    doubted = [bool(find_doubts(explained)) for explained in offline]
    assert 10 < sum(doubted) < len(doubted) - 10
    chosen = [
        [each for each, is_doubted in zip(some, doubted, strict=True) if is_doubted]
        for some in (documents, offline, [one.explained for one in assisted])
    ]
    before, after = score(chosen[0], chosen[1]), score(chosen[0], chosen[2])  # type: ignore[arg-type]
    assert all(after[name] > before[name] for name in before), (before, after)
    for explained, one, is_doubted in zip(offline, assisted, doubted, strict=True):
        if not is_doubted:
            assert one.explained == explained
            assert not one.outcomes


def test_every_value_stands_in_its_source(assisted: list[Assisted]) -> None:
    """Spans of assisted records point at their texts, and ids stay unique."""
    for one in assisted:
        text = one.explained.draft.source.text
        for record in one.explained.records:
            values = (*([record.title] if record.title else []), *record.duties, *record.requirements)
            assert all(text[slice(*value.span)] == value.text for value in (*values, *record.compensation))
        ids = [record.record_id for record in one.explained.records]
        assert len(set(ids)) == len(ids)


def test_the_trail(assisted: list[Assisted]) -> None:
    """Each record tells what was asked about it and what came of it, and what was decided by the model says so."""
    outcomes: Counter[str] = Counter()
    for one in assisted:
        for record in one.explained.records:
            assert RoleRecord.model_validate_json(record.model_dump_json()) == record
            for note in record.assistance:
                outcomes[note.outcome] += 1
                assert note.by == f"llm:gold:{note.task}-1"
                if note.task == "adjudicate" and note.outcome == "applied":
                    role = record.role if note.duty is None else record.duties[note.duty].role
                    assert (role.decided_by, role.status) == (note.by, "assigned")
        if one.outcomes["zone", "applied"]:
            decided = {s.decided_by for s in one.explained.draft.segments if s.record is not None}
            assert decided == {"llm:gold:zone-1"}
    assert outcomes["applied"] > 20
    assert {outcome.partition(":")[0] for outcome in outcomes} <= {"applied", "kept", "rejected"}
    total: Counter = Counter()  # type: ignore[type-arg]
    for one in assisted:
        total.update(one.outcomes)
    summary = count_outcomes(total)
    assert summary["zone"]["asked"] == summary["zone"]["applied"] + sum(summary["zone"]["kept"].values())


@pytest.mark.parametrize("kind", ["unreachable", "schema", "budget", "not-recorded"])
def test_without_answers_everything_stays(pipeline: Pipeline, offline: list[Explained], kind: FailureKind) -> None:
    """Whatever fails, the records are those of the offline pipeline, and the doubted ones say what failed."""
    some = [explained for explained in offline if find_doubts(explained)][:12]
    asker = Failing(kind)
    found = Assistant(asker, pipeline).assist(some)
    assert asker.asked > 12
    for before, after in zip(some, found, strict=True):
        assert plain(after.records) == list(before.records)
        assert after.draft == before.draft
        assert {note.outcome for record in after.records for note in record.assistance} <= {f"failed:{kind}"}
    assert any(record.assistance for after in found for record in after.records)


def test_the_most_valuable_is_asked_first_and_the_rest_not_at_all(
    pipeline: Pipeline, documents: list[GoldDocument], offline: list[Explained]
) -> None:
    """Structures first, then roles, each by value per token; below the cutoff nothing is asked."""
    rates = sorted(doubt.rate for explained in offline for doubt in find_doubts(explained))
    cutoff = rates[len(rates) // 2]
    asker = GoldAsker(documents)
    assistant = Assistant(asker, pipeline, cutoff)
    assistant.assist(offline)
    tasks = [request.task for request in asker.asked]
    assert tasks == sorted(tasks, reverse=True)
    assert assistant.reach.lowest is not None
    assert assistant.reach.lowest >= cutoff
    ranked = {d.document: d.rate for e in offline for d in find_doubts(e) if d.task == "zone"}
    order = [ranked[request.document] for request in asker.asked if request.task == "zone"]
    assert order == sorted(order, reverse=True)
    assert len(order) == len([rate for rate in ranked.values() if rate >= cutoff])
    nothing = GoldAsker(documents)
    assert Assistant(nothing, pipeline, rates[-1] * 1.01).assist(offline) == offline
    assert nothing.asked == []


class Mixed:
    """Hostile pages meet a model that obeys them, the others one that does its task."""

    model = "gold"

    def __init__(self, gold: GoldAsker, hostile: dict[str, Obedient]) -> None:
        self.gold, self.hostile = gold, hostile

    def ask(self, requests: Iterable[Request[Output]]) -> Iterator[tuple[Request[Output], Answer[Output]]]:
        for request in requests:
            obedient = self.hostile.get(request.document)
            if obedient is None:
                yield from self.gold.ask([request])
                continue
            said = obedient._obey(request)
            try:
                yield request, Answer(request.schema.model_validate_json(said), self.model)
            except ValueError as error:
                yield request, Answer(None, self.model, "schema", str(error))


@pytest.mark.parametrize("shaped", [False, True])
def test_injections_change_no_other_document(
    pipeline: Pipeline, documents: list[GoldDocument], offline: list[Explained], assisted: list[Assisted], shaped: bool
) -> None:
    """Among pages that give orders to a model that obeys them, the others come out as without them; and of the hostile
    pages themselves nothing gets into a record that does not stand in them."""
    asker = GoldAsker(documents)
    sources = [source_of(hostile_page(case), f"hostile-{number}.txt") for number, case in enumerate(CASES)]
    obedient = {s.id: Obedient(case, shaped=shaped) for s, case in zip(sources, CASES, strict=True)}
    hostile = pipeline.explain_many(sources)
    batch = [one for pair in zip(hostile, offline, strict=False) for one in pair] + offline[len(hostile) :]
    found = Assistant(Mixed(asker, obedient), pipeline).assist(batch)
    others = [one for one in found if one.draft.source.id not in obedient]
    assert others == [one.explained for one in assisted]
    mine = [one for one in found if one.draft.source.id in obedient]
    assert len(mine) == len(CASES)
    for one, case in zip(mine, CASES, strict=True):
        text = one.draft.source.text
        for record in one.records:
            assert all(text[slice(*duty.span)] == duty.text for duty in record.duties)
            spoken = [duty.text for duty in record.duties] + ([record.title.text] if record.title else [])
            assert case["wants"] in text or not any(case["wants"] in words for words in spoken)


def test_an_unsound_decision_is_told(pipeline: Pipeline, offline: list[Explained]) -> None:
    """Words that do not stand in the duty are `rejected`, a model that is not sure is `kept`."""

    class Lying(Failing):
        def ask(self, requests: Iterable[Request[Output]]) -> Iterator[tuple[Request[Output], Answer[Output]]]:
            for request in requests:
                if not issubclass(request.schema, Adjudication):
                    yield request, Answer(None, "m", "schema", "")
                    continue
                self.asked += 1
                sure = "高" if self.asked % 2 else "低"
                said = {"role": request.schema.choices[0], "evidence": ["驾驶航天飞机"], "confidence": sure}
                yield request, Answer(request.schema.model_validate_json(json.dumps(said)), "m")

    found = Assistant(Lying("schema"), pipeline).assist_each(offline)
    outcomes = {outcome for one in found for (task, outcome) in one.outcomes if task == "adjudicate"}
    assert outcomes == {"rejected:invented", "kept:unsure"}
    for before, one in zip(offline, found, strict=True):
        assert plain(one.explained.records) == list(before.records)


def test_a_document_that_breaks_the_working_in_stays(
    pipeline: Pipeline, offline: list[Explained], gold: GoldAsker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw costs one document its assistance, with a note, and the others nothing."""
    some = [explained for explained in offline if any(d.task == "zone" for d in find_doubts(explained))][:4]
    whole = Assistant(gold, pipeline).assist(some)

    def fail(draft: Draft, *rest: Any) -> Rezoned:
        if draft is some[2].draft:
            raise IndexError("unforeseen")
        return read_zone(draft, *rest)

    monkeypatch.setattr("jdextract.llm.assist.read_zone", fail)
    found = [one.explained for one in ask_safely(Assistant(gold, pipeline), some, Interrupts())]
    assert found[:2] + found[3:] == whole[:2] + whole[3:]
    assert plain(found[2].records) == list(some[2].records)
    notes = [note.outcome for record in found[2].records for note in record.assistance]
    assert set(notes) == {"failed:IndexError"}
