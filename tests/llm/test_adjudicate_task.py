"""Task *adjudicate*: a role among the candidates, with words that stand in the duty."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from jdextract.llm.assistance import Confidence
from jdextract.llm.exchange import Answer
from jdextract.llm.tasks.adjudicate import (
    Adjudication,
    Decision,
    ask_role,
    count_reasons,
    list_candidates,
    read_role,
    settle_record,
    update_role,
)
from jdextract.pipeline import Pipeline
from jdextract.records import Role, RoleCandidate, RoleRecord
from jdextract.taxonomy import Taxonomy, load_taxonomy
from tests.records import make_record

DUTY = "每週盤點倉庫並補貨"
THRESHOLD = 0.65
TAXONOMY = load_taxonomy()


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return TAXONOMY


def abstained(score: float = 0.4) -> Role:
    return Role(
        id="warehouse-keeper",
        family="supply-chain",
        score=score,
        status="abstained",
        alternatives=(
            RoleCandidate(id="supply-chain-planner", family="supply-chain", score=0.3),
            RoleCandidate(id="order-fulfillment", family="supply-chain", score=0.1),
        ),
        decided_by="duty-role:1",
    )


def make() -> RoleRecord:
    record = make_record(["收货验货", DUTY, "打包"], title="仓管员")
    duties = [duty.model_copy(update={"role": abstained()}) for duty in record.duties]
    return record.model_copy(update={"duties": tuple(duties), "role": abstained()})


def decide(
    taxonomy: Taxonomy, role: str, evidence: list[str], confidence: Confidence = "高", duty: int | None = 1
) -> Decision:
    output = Adjudication(role=role, evidence=evidence, confidence=confidence)
    return read_role(make(), duty, Answer(output, "teacher"), taxonomy, THRESHOLD)


def test_request(taxonomy: Taxonomy) -> None:
    """A request offers the candidates with labels and scope, in an order that tells no preference, and the context."""
    request = ask_role(make(), 1, taxonomy)
    offered = ["warehouse-keeper", "supply-chain-planner", "order-fulfillment", "other"]
    candidates = list_candidates(abstained(), taxonomy)
    assert sorted(candidates) == sorted(offered)
    assert list(candidates) == [id_ for id_ in taxonomy.role_ids if id_ in offered]
    trusted, page = request.material.split("<<<")
    assert all(f"- {id_} " in trusted for id_ in offered)
    assert "要判断的职责：每週盤點倉庫並補貨" in page
    assert "职位名称：仓管员\n" in page
    assert "前一条职责：收货验货" in page
    assert "后一条职责：打包" in page
    assert DUTY not in request.instructions + trusted


def test_schema_holds_the_candidates(taxonomy: Taxonomy) -> None:
    """Nothing but an offered role passes the schema; equal candidates have one schema."""
    schema = ask_role(make(), 1, taxonomy).schema
    good = {"role": "other", "evidence": ["盤點"], "confidence": "中"}
    assert schema.model_validate(good).role == "other"
    for bad in (
        {"role": "software-engineer"},
        {"evidence": []},
        {"evidence": ["甲"] * 4},
        {"confidence": "绝对"},
        {"x": 1},
    ):
        with pytest.raises(ValidationError):
            schema.model_validate(good | bad)
    assert ask_role(make(), 0, taxonomy).schema is schema


def test_decision(taxonomy: Taxonomy) -> None:
    """A decision with its words found, also in the other script, is the role with the stated probability."""
    decision = decide(taxonomy, "supply-chain-planner", ["补货"])
    assert decision.role
    assert (decision.role.id, decision.role.family, decision.role.score) == (
        "supply-chain-planner",
        "supply-chain",
        0.9,
    )
    assert decision.role.status == "assigned"
    assert decision.role.decided_by == "llm:teacher:adjudicate-1"
    assert [c.id for c in decision.role.alternatives] == ["warehouse-keeper", "order-fulfillment"]
    middle = decide(taxonomy, "other", ["盤點倉庫"], "中").role
    assert middle
    assert middle.score == 0.75


def test_rejections(taxonomy: Taxonomy) -> None:
    """Words that are not there, copies of the example, roles not offered, doubt and failure settle nothing, each counted."""
    decisions = [
        decide(taxonomy, "other", ["盤點", "战略规划"]),
        decide(taxonomy, "other", ["给月球车的轮胎补气"]),
        decide(taxonomy, "other", ["打包"]),  # of the neighbour
        decide(taxonomy, "other", ["。"]),
        decide(taxonomy, "software-engineer", ["盤點"]),
        decide(taxonomy, "other", ["盤點"], "低"),
        read_role(make(), 1, Answer(None, "teacher", "schema"), taxonomy, THRESHOLD),
        decide(taxonomy, "other", ["盤點", "仓管"]),
    ]
    assert [decision.reason for decision in decisions] == [
        "evidence:invented", "evidence:example", "evidence:invented", "evidence:blank", "unknown", "unsure", "failed:schema", "",
    ]  # fmt: skip
    assert count_reasons(decisions)["evidence:invented"] == 2
    assert count_reasons(decisions)["settled"] == 1


def test_title_question(taxonomy: Taxonomy) -> None:
    """A question about a title shows the duties below it, and its words may stand in them."""
    request = ask_role(make(), None, taxonomy)
    assert "要判断的职位名称：仓管员" in request.material
    assert "职责：打包" in request.material
    assert decide(taxonomy, "warehouse-keeper", ["仓管", "收货"], duty=None).role


@settings(deadline=None)
@given(st.sampled_from(["warehouse-keeper", "supply-chain-planner", "other"]), st.floats(0.65, 1), st.floats(0, 0.6))
def test_scores_stay_probabilities(chosen: str, score: float, old: float) -> None:
    """The scores of a role and its alternatives never sum to more than one, and the others keep their order."""
    role = update_role(abstained(old), chosen, score, "llm:m:adjudicate-1", TAXONOMY)
    others = [candidate.score for candidate in role.alternatives]
    assert role.score + sum(others) <= 1 + 1e-5
    assert others == sorted(others, reverse=True)
    assert chosen not in [candidate.id for candidate in role.alternatives]


def test_record_is_counted_again(taxonomy: Taxonomy, pipeline: Pipeline) -> None:
    """Decided roles are written, the shares counted again, and a record without a title takes the role of its duties."""
    record = make().model_copy(update={"title": None})
    role = decide(taxonomy, "supply-chain-planner", ["補貨"]).role
    assert role
    settled = settle_record(record, {0: role, 1: role}, pipeline.classifier)
    assert [duty.role.id for duty in settled.duties] == [
        "supply-chain-planner",
        "supply-chain-planner",
        "warehouse-keeper",
    ]
    assert settled.role.id == "supply-chain-planner"
    assert settled.role_mix[0].share == pytest.approx(2 / 3, abs=1e-3)
    assert settle_record(record, {None: role}, pipeline.classifier).role == role
