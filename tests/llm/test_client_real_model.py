"""The client against a real language model."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jdextract.config import LlmConfig
from jdextract.llm.cache import AnswerCache
from jdextract.llm.client import Client
from jdextract.llm.exchange import Request
from tests.llm.questions import Role

Make = Callable[..., Any]


@pytest.fixture
def requests(make_request: Make) -> list[Request[Role]]:
    return [make_request(text) for text in ("负责仓库收货、发货和盘点", "开发新客户，完成销售目标", "整理货架")]


def test_native_schema_cache_and_replay(
    real_model: str, make_settings: Make, requests: list[Request[Role]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real model answers in its native JSON schema mode and its tokens are counted; a second run takes the same
    answers from the cache; a replay opens no socket and gives them again; what was not asked is `not-recorded`."""
    settings: LlmConfig = make_settings(real_model, mode="native", price="1/2", budget="1", concurrency=2)
    with Client(settings) as client:
        first = list(client.ask(iter(requests)))
        summary = client.ledger.summary()
    assert [request for request, _ in first] == requests
    assert all(isinstance(answer.output, Role) and not answer.cached for _, answer in first)
    assert all(answer.usage.input_tokens > 20 and 5 < answer.usage.output_tokens <= 60 for _, answer in first)
    assert summary["calls"] == 3
    assert summary["input_tokens"] == sum(answer.usage.input_tokens for _, answer in first)
    expected = (summary["input_tokens"] * 1 + summary["output_tokens"] * 2) / 1e6
    assert summary["cost"] == pytest.approx(expected, rel=0.6)  # the server's own cache may serve some input
    assert summary["tasks"]["label"]["requests"] == 3

    with Client(settings) as client:
        second = list(client.ask(requests))
        assert client.ledger.summary()["calls"] == 0
    assert [a.output for _, a in second] == [a.output for _, a in first]
    assert all(answer.cached and answer.cost == 0 for _, answer in second)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a replay opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "socketpair", refuse)
    with Client(settings.model_copy(update={"replay": True})) as client:
        third = list(client.ask([*requests, replace(requests[0], sample=1)]))
    answers = [answer for _, answer in third]
    assert [str(a.output) for a in answers[:3]] == [str(a.output) for _, a in first]
    assert (answers[3].output, answers[3].failure) == (None, "not-recorded")


def test_recorded_bytes_are_those_of_the_model(
    real_model: str, make_settings: Make, requests: list[Request[Role]]
) -> None:
    """The same question to the same model at temperature 0 is the same bytes again, in a cache of its own."""
    texts = []
    for name in ("a", "b"):
        settings: LlmConfig = make_settings(real_model, mode="native")
        settings = settings.model_copy(update={"cache": settings.cache.with_name(name)})
        with Client(settings) as client:
            list(client.ask(requests[:1]))
        with AnswerCache(settings.cache, replay=True) as cache:
            rows = cache._db.execute("SELECT key, text, mode FROM answers").fetchall()
        texts.append(rows)
    assert texts[0] == texts[1]
    assert texts[0][0][2] == "native"


@pytest.mark.parametrize("mode", ["auto", "prompted"])
def test_other_modes(real_model: str, make_settings: Make, requests: list[Request[Role]], mode: str) -> None:
    """In each mode the model is reached; what a small model can't do is a failure of the schema, not an error."""
    with Client(make_settings(real_model, mode=mode, schema_retries=0)) as client:
        ((_, answer),) = client.ask(requests[1:2])
    assert answer.failure in ("", "schema")
    assert answer.usage.output_tokens > 0
    assert answer.output is not None or mode == "prompted"
