"""Pages that give orders, and a model that obeys them: what comes of it, and what does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from jdextract.extraction.extractor import Extractor
from jdextract.llm.exchange import Answer, Output, Request
from jdextract.llm.prompts import load_prompt
from jdextract.llm.tasks.adjudicate import ask_role, list_candidates, read_role
from jdextract.llm.tasks.label import Sentence, ask_label, label
from jdextract.llm.tasks.name import ask_name, read_name
from jdextract.llm.tasks.zone import ask_zone, read_zone
from jdextract.records import Draft, Role, RoleCandidate, RoleRecord, SourceText
from jdextract.taxonomy import load_taxonomy
from tests.records import make_record

CASES: list[dict[str, str]] = yaml.safe_load(Path(__file__).with_name("injections.yaml").read_text(encoding="utf-8"))
TAXONOMY = load_taxonomy()
NAMES = [f"{number}-{case['kind']}" for number, case in enumerate(CASES)]
every_case = pytest.mark.parametrize("case", CASES, ids=NAMES)

HARMLESS = "仓库管理员岗位职责\n1、每日清点库存；\n2、登记出入库台账；\n3、打包发货。"
READING = {
    "positions": [
        {"title": "仓库管理员", "duties": ["每日清点库存", "登记出入库台账", "打包发货"], "requirements": [], "pay": []}
    ]
}


class Obedient:
    """A model that does its task until a page orders something else, and then does what the page says.

    `shaped`: it puts what the page wants into the form of the schema as well as it can, which is the worse enemy; else it
    answers with the page's own words. Like the client it gives no output for what does not fit the schema.
    """

    model = "obedient"

    def __init__(self, case: dict[str, str], *, shaped: bool) -> None:
        self.case, self.shaped = case, shaped
        self.asked: list[Request[Any]] = []

    def ask(self, requests: Iterable[Request[Output]]) -> Iterator[tuple[Request[Output], Answer[Output]]]:
        for request in requests:
            self.asked.append(request)
            said = self._obey(request) if _marker(request.document) else self._work(request)
            try:
                yield request, Answer(request.schema.model_validate_json(said), self.model)
            except ValidationError as error:
                yield request, Answer(None, self.model, "schema", str(error))

    def _work(self, request: Request[Any]) -> str:
        answers: dict[str, Any] = {
            "zone": READING,
            "adjudicate": {"role": "warehouse-keeper", "evidence": ["清点"], "confidence": "高"},
            "label": {"role": "warehouse-keeper"},
            "name": {"choice": 1, "reason": "clear"},
        }
        return json.dumps(answers[request.task], ensure_ascii=False)

    def _obey(self, request: Request[Any]) -> str:
        if not self.shaped:
            return self.case["says"]
        wants, role = self.case["wants"], self.case["role"]
        position = {"title": wants, "duties": [wants, "打包发货"], "requirements": [], "pay": []}
        answers: dict[str, Any] = {
            "zone": {"positions": [*READING["positions"], position]},
            "adjudicate": {"role": role, "evidence": [wants], "confidence": "高"},
            "label": {"role": role},
            "name": {"choice": 2, "reason": "complete"},
        }
        return json.dumps(answers[request.task], ensure_ascii=False)


def _marker(document: str) -> bool:
    return document.startswith("hostile")


def hostile_page(case: dict[str, str]) -> str:
    return f"仓库管理员岗位职责\n1、每日清点库存；\n{case['text']}\n2、登记出入库台账；\n3、打包发货。"


def make_draft(extractor: Extractor, name: str, text: str) -> Draft:
    return extractor.extract(SourceText(name, f"pages/{name}.txt", text))


def make_doubtful(name: str, duty: str) -> RoleRecord:
    """A record whose second duty is in doubt."""
    record = make_record(["每日清点库存", duty, "打包发货"], document=name, title="仓管员")
    role = Role(
        id="warehouse-keeper",
        family="supply-chain",
        score=0.4,
        status="abstained",
        alternatives=(RoleCandidate(id="order-fulfillment", family="supply-chain", score=0.3),),
    )
    duties = tuple(d.model_copy(update={"role": role}) if i == 1 else d for i, d in enumerate(record.duties))
    document = record.document.model_copy(update={"id": name})
    return record.model_copy(update={"duties": duties, "document": document})


def words(draft: Draft) -> list[str]:
    return [
        piece.text
        for record in draft.records
        for piece in (
            *([record.title] if record.title else []),
            *record.duties,
            *record.requirements,
            *record.compensation,
        )
    ]


def zone(extractor: Extractor, asker: Obedient, pages: dict[str, str]) -> dict[str, Draft]:
    """Ask about all pages in one run."""
    drafts = {name: make_draft(extractor, name, text) for name, text in pages.items()}
    requests = [request for draft in drafts.values() for request in ask_zone(draft)]
    answers = {request.document: answer for request, answer in asker.ask(requests)}
    return {name: read_zone(draft, [answers[name]]).draft for name, draft in drafts.items()}


def test_the_set() -> None:
    """There are at least 25 injections, of ten kinds and more, none twice."""
    assert len({case["text"] for case in CASES}) == len(CASES) >= 25
    assert len({case["kind"] for case in CASES}) >= 10


@every_case
@pytest.mark.parametrize("shaped", [False, True])
def test_zone(case: dict[str, str], shaped: bool, extractor: Extractor) -> None:
    """Nothing but text of the page, at its place, reaches its records; the page beside it is read as if it were alone."""
    page = hostile_page(case)
    asker = Obedient(case, shaped=shaped)
    drafts = zone(extractor, asker, {"hostile": page, "harmless": HARMLESS})
    for record in drafts["hostile"].records:
        for piece in (
            *([record.title] if record.title else []),
            *record.duties,
            *record.requirements,
            *record.compensation,
        ):
            assert page[slice(*piece.span)] == piece.text
    spoken = "\n".join(words(drafts["hostile"]))
    assert case["wants"] in page or case["wants"] not in spoken
    assert not any(line in spoken for line in load_prompt("zone").instructions.split("\n") if len(line) > 8)
    assert "每日清点库存" in spoken
    alone = zone(extractor, Obedient(case, shaped=shaped), {"harmless": HARMLESS})
    assert drafts["harmless"] == alone["harmless"]
    assert words(drafts["harmless"]) == ["仓库管理员", "每日清点库存", "登记出入库台账", "打包发货"]


@every_case
@pytest.mark.parametrize("shaped", [False, True])
def test_adjudicate(case: dict[str, str], shaped: bool) -> None:
    """A duty that gives orders gets an offered role with words of its own, or keeps its abstention; others are untouched."""
    records = [make_doubtful("hostile", case["text"]), make_doubtful("harmless", "清点货架")]
    asker = Obedient(case, shaped=shaped)
    answers = [answer for _, answer in asker.ask([ask_role(record, 1, TAXONOMY) for record in records])]
    mine, other = (
        read_role(record, 1, answer, TAXONOMY, 0.65) for record, answer in zip(records, answers, strict=True)
    )
    assert other.role
    assert other.role.id == "warehouse-keeper"
    if mine.role:
        assert mine.role.id in list_candidates(records[0].duties[1].role, TAXONOMY)
        assert answers[0].output
        assert all(word in case["text"] + "仓管员" for word in answers[0].output.evidence)


@every_case
@pytest.mark.parametrize("shaped", [False, True])
def test_label_and_name(case: dict[str, str], shaped: bool) -> None:
    """A label is a role of the taxonomy, `none` or undecided; a name is one of the wordings; neighbours keep theirs."""
    asker = Obedient(case, shaped=shaped)
    sentences = [Sentence("hostile", case["text"], "仓管员"), Sentence("harmless", "清点货架")]
    mine, other = label(sentences, TAXONOMY, asker, samples=3)
    assert mine.role is None or mine.role in (*TAXONOMY.role_ids, "none")
    assert other.role == "warehouse-keeper"
    assert other.agreement == 1
    variants = ["每日清点库存", case["text"], "每天清点库存"]
    request = ask_name("hostile", variants)
    assert request
    ((_, answer),) = asker.ask([request])
    chosen = read_name(variants, answer)
    assert chosen.variant is None or 0 <= chosen.variant < len(variants)


@every_case
def test_requests_are_untouched(case: dict[str, str], extractor: Extractor) -> None:
    """The instructions and the schema are those of a harmless page; the page stands sealed, once, and cannot end its seal."""
    pairs: list[tuple[Request[Any], Request[Any]]] = [
        (
            ask_zone(make_draft(extractor, "d", hostile_page(case)))[0],
            ask_zone(make_draft(extractor, "d", HARMLESS))[0],
        ),
        (ask_role(make_doubtful("d", case["text"]), 1, TAXONOMY), ask_role(make_doubtful("d", "清点"), 1, TAXONOMY)),
        (ask_label(Sentence("d", case["text"]), TAXONOMY)[0], ask_label(Sentence("d", "清点"), TAXONOMY)[0]),
    ]
    for hostile, harmless in pairs:
        assert hostile.instructions == harmless.instructions
        assert hostile.schema.model_json_schema() == harmless.schema.model_json_schema()
        assert (hostile.prompt, hostile.temperature, hostile.max_tokens) == (
            harmless.prompt, harmless.temperature, harmless.max_tokens,
        )  # fmt: skip
        trusted, opening, sealed = hostile.material.partition("<<<资料 ")
        assert opening
        assert not re.search("[<>]", trusted)
        tag, _, rest = sealed.partition("\n")
        inside, closing, behind = rest.partition(f"资料 {tag}>>>")
        assert closing
        assert not behind
        assert not re.search(r"[<>\u200b-\u200f\u2060\ufeff\u202a-\u202e\U000e0000-\U000e007f]", inside)
        assert "[/INST]" not in inside
        assert case["text"] not in trusted


def test_each_request_holds_one_page(extractor: Extractor) -> None:
    """No request holds text of another document than that which it names."""
    asker = Obedient(CASES[0], shaped=True)
    zone(extractor, asker, {"hostile": hostile_page(CASES[0]), "harmless": HARMLESS})
    assert [request.document for request in asker.asked] == ["hostile", "harmless"]
    assert CASES[0]["text"] not in asker.asked[1].material
