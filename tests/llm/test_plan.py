"""Plans: how far a budget reaches, known before the first question."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.annotation import GoldDocument
from jdextract.config import LlmConfig
from jdextract.llm.doubts import Doubt, find_doubts
from jdextract.llm.estimate import estimate_input
from jdextract.llm.exchange import Request
from jdextract.llm.plan import Demand, Plan, make_plan
from jdextract.llm.prices import Price, find_price
from jdextract.llm.tasks.adjudicate import ask_role
from jdextract.llm.tasks.zone import ask_zone
from jdextract.pipeline import Pipeline
from tests.llm.gold_asker import GoldAsker

PRICE = find_price("m", "http://localhost/v1", "1/4")
assert PRICE


def make_doubt(number: int, value: float, tokens: int, task: Literal["zone", "adjudicate"] = "adjudicate") -> Doubt:
    answer = tokens // 10 if task == "zone" else 80
    return Doubt(task, f"{number:016x}", value, tokens, () if task == "zone" else ((0, 0),), answer=answer)


doubts = st.lists(
    st.builds(
        make_doubt,
        st.integers(0, 10**6),
        st.floats(0.01, 20),
        st.integers(1_600, 30_000),
        st.sampled_from(["zone", "adjudicate"]),
    ),
    max_size=40,
)


def plan(found: list[Doubt], price: Price | None = PRICE, **limits: object) -> Plan:
    demand = Demand()
    for doubt in found:
        demand.add([doubt])
    return make_plan(demand, price, LlmConfig.model_validate({"model": "m"} | limits))


def cost(found: list[Doubt]) -> Decimal:
    assert PRICE
    return sum((PRICE.bound(d.tokens - d.answer, d.answer) for d in found), Decimal(0))


@settings(deadline=None, max_examples=60)
@given(doubts, st.integers(0, 40), st.decimals(0, 1, places=3))
def test_what_is_planned_fits_and_is_the_best(found: list[Doubt], calls: int, budget: Decimal) -> None:
    """Doubts over the cutoff fit the calls and the budget; the plan counts just these; no better one is left out."""
    made = plan(found, max_calls=calls, budget=budget)
    chosen = [doubt for doubt in found if doubt.rate >= made.cutoff]
    assert len(chosen) <= calls
    assert cost(chosen) <= budget
    assert sum(sums.doubts for sums in made.asked.values()) == len(chosen)
    assert sum(sums.doubts for sums in made.left.values()) == len(found) - len(chosen)
    described = made.as_dict()
    assert math.isfinite(described["cutoff"])
    assert described["asked"]["cost"] <= described["asked"]["cost_at_most"]


@settings(deadline=None, max_examples=30)
@given(doubts)
def test_without_limits_everything_is_asked(found: list[Doubt]) -> None:
    """No limit, no cutoff, with a price and without."""
    assert plan(found).cutoff == plan(found, None).cutoff == 0
    assert plan(found, None).as_dict()["asked"]["cost"] is None


def test_limits_are_used_up() -> None:
    """Of a thousand doubts of equal worth nearly as many are asked as the limit allows; a given cutoff stays."""
    found = [make_doubt(number, 0.5, 2_000) for number in range(1_000)]
    assert len({doubt.rate for doubt in found}) == 1_000
    for calls in (10, 300, 999):
        made = plan(found, max_calls=calls)
        asked = sum(sums.questions for sums in made.asked.values())
        assert calls - 40 <= asked <= calls
    budget = cost(found) / 2
    assert 450 <= sum(sums.doubts for sums in plan(found, budget=budget).asked.values()) <= 500
    made = plan(found, max_calls=1, cutoff=0.0001)
    assert (made.cutoff, made.asked["adjudicate"].doubts) == (0.0001, 1_000)


def test_memory_does_not_grow() -> None:
    """A hundred thousand doubts are kept in a few thousand classes."""
    demand = Demand()
    for number in range(100_000):
        demand.add([make_doubt(number, 0.1 + number % 97 / 50, 1_500 + number % 1_013)])
    assert len(list(demand.ranked())) < 6_000
    assert demand.documents == 100_000


def test_estimates_hold(pipeline: Pipeline, corpus_documents: list[GoldDocument]) -> None:
    """The tokens of a doubt are hardly less than what its requests are estimated at, and its answer fits."""
    sources = GoldAsker(corpus_documents[::6]).sources
    seen = 0
    for explained in pipeline.explain_many(sources):
        for doubt in find_doubts(explained):
            requests: list[Request] = []  # type: ignore[type-arg]
            if doubt.task == "zone":
                requests += ask_zone(explained.draft)
            else:
                record, duty = doubt.places[0]
                requests.append(ask_role(explained.records[record], duty, pipeline.classifier.model.taxonomy))
            assert len(requests) == doubt.questions
            assert 0 < doubt.answer <= sum(request.max_tokens for request in requests)
            estimated = sum(map(estimate_input, requests))
            assert 0.95 * estimated <= doubt.tokens - doubt.answer <= 1.7 * estimated
            seen += 1
    assert seen > 20
