"""The client against an endpoint that fails in every way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from jdextract.llm.client import Client
from jdextract.llm.exchange import Answer, Request
from tests.llm.fake_server import FakeServer, Script, Scripted, calls_tool, says, status
from tests.llm.questions import Role

Make = Callable[..., Any]
GOOD = {"role": "sales", "sure": True}


@pytest.fixture
def ask(make_request: Make, make_settings: Make) -> Callable[..., tuple[list[Answer[Role]], FakeServer, Client]]:
    """Asks a scripted server `count` questions, one at a time unless told otherwise."""

    def run(script: Script, count: int = 1, **more: Any) -> tuple[list[Answer[Role]], FakeServer, Client]:
        with FakeServer(script) as server, Client(make_settings(server.url, **({"concurrency": 1} | more))) as client:
            questions: list[Request[Role]] = [make_request(f"负责第{n}仓库") for n in range(count)]
            pairs = list(client.ask(iter(questions)))
            assert [request for request, _ in pairs] == questions
            return [answer for _, answer in pairs], server, client

    return run


def test_transient_failures_are_retried(ask: Make) -> None:
    """429, 500, 503 and a broken connection are tried again until an answer comes; it is paid once."""
    script = [status(429), status(500), Scripted(200, b'{"id": "x"}' * 50, drop=True), status(503), says(GOOD)]
    (answer,), server, client = ask(script, price="1/1")
    assert answer.output == Role(role="sales", sure=True)
    assert len(server.requests) == 5
    summary = client.ledger.summary()
    assert (summary["calls"], summary["lost"]["calls"]) == (5, 1)
    assert summary["cost"] == pytest.approx(110 / 1e6)


def test_retries_end(ask: Make) -> None:
    """After the allowed retries the answer is `unreachable` with the reason."""
    (answer,), server, _ = ask([status(500, "overheated")], retries=2)
    assert (answer.output, answer.failure) == (None, "unreachable")
    assert "HTTP 500: overheated" in answer.reason
    assert len(server.requests) == 3


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_honoured(ask: Make, as_date: bool) -> None:
    """`Retry-After`, in seconds or as a date, is waited for, but not beyond the bound."""
    value = format_datetime(datetime.now(UTC) + timedelta(seconds=3600), usegmt=True) if as_date else "1"
    _, server, _ = ask([status(429, retry_after=value), says(GOOD)], max_wait=1.2, timeout=5)
    waited = server.times[1] - server.times[0]
    assert (1.1 if as_date else 0.95) < waited < 2.5


def test_a_hanging_endpoint_times_out(ask: Make) -> None:
    """A request without an answer ends after the time-out, and its money counts as spent: it may have been billed."""
    (answer,), _, client = ask([says(GOOD, seconds=30)], timeout=0.3, retries=1, price="1000/1000")
    assert answer.failure == "unreachable"
    assert "no answer within 0.3 s" in answer.reason
    summary = client.ledger.summary()
    assert summary["lost"]["calls"] == 2
    assert summary["spent"] == summary["lost"]["cost_at_most"] > 0


def test_no_endpoint_at_all(make_request: Make, make_settings: Make) -> None:
    """Where nobody listens the answer is `unreachable`, and nothing counts as spent."""
    with Client(make_settings("http://127.0.0.1:9/v1", retries=0, price="1/1")) as client:
        ((_, answer),) = client.ask([make_request()])
    assert answer.failure == "unreachable"
    assert client.ledger.summary()["spent"] == 0


@pytest.mark.parametrize(("code", "advice"), [(401, "JDEXTRACT_LLM_API_KEY"), (402, "money"), (404, "--llm-base-url")])
def test_final_refusals_open_the_breaker_at_once(ask: Make, code: int, advice: str) -> None:
    """A wrong key, an empty account or an unknown model is asked once; the rest is `circuit-open` and says why."""
    answers, server, _ = ask([status(code, "no such thing")], count=4)
    assert len(server.requests) == 1
    assert [answer.failure for answer in answers] == ["refused", *["circuit-open"] * 3]
    assert all(f"HTTP {code}: no such thing" in answer.reason and advice in answer.reason for answer in answers)


def test_breaker_opens_and_probes(ask: Make) -> None:
    """After failures in a row nothing is sent until the pause is over; then one request probes and closes it again."""
    answers, server, _ = ask([status(500)], count=30, retries=0, breaker_failures=3, breaker_pause=60)
    assert len(server.requests) == 3
    assert [a.failure for a in answers] == ["unreachable"] * 3 + ["circuit-open"] * 27
    assert "failed 3 times in a row" in answers[-1].reason

    answers, server, _ = ask(
        lambda _, n: status(500) if n < 3 else says(GOOD), count=5, retries=0, breaker_failures=3, breaker_pause=0
    )
    assert [bool(a.output) for a in answers] == [False] * 3 + [True] * 2


@pytest.mark.parametrize("bad", ['{"role": "sales", "su', {"role": "pirate", "sure": True}, {"role": "sales"}, [1]])
def test_answers_that_do_not_fit_are_asked_again(ask: Make, bad: object) -> None:
    """Half a JSON or a wrong schema is sent back with what is wrong, as the user, and the second answer counts."""
    (answer,), server, client = ask([says(bad), says(GOOD)], mode="native", price="1/1")
    assert answer.output == Role(role="sales", sure=True)
    roles = [message["role"] for message in server.requests[1]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert "can't be used" in server.requests[1]["messages"][3]["content"]
    assert answer.usage.input_tokens == 200
    assert client.ledger.summary()["cost"] == pytest.approx(220 / 1e6)


def test_answers_that_never_fit(ask: Make, make_settings: Make) -> None:
    """After the allowed number of answers the failure is `schema`, and a later run does not pay for it again."""
    bad = says({"role": "pirate", "sure": True})
    (answer,), server, _ = ask([bad], schema_retries=2, mode="native")
    assert answer.failure == "schema"
    assert answer.reason.startswith("role: Input should be 'warehouse', 'sales' or 'none'")
    assert len(server.requests) == 3
    (answer,), server, _ = ask([bad], schema_retries=2, mode="native")
    assert (answer.failure, answer.cached, len(server.requests)) == ("schema", True, 0)


def test_an_answer_that_is_cut(ask: Make) -> None:
    """An answer that reached the bound of its tokens is not asked again: the next one would be cut as well."""
    (answer,), server, _ = ask([says('{"role": "sal', finish="length")])
    assert (answer.failure, len(server.requests)) == ("schema", 1)
    assert "thinking_tokens" in answer.reason


def test_auto_falls_back_when_the_endpoint_refuses(ask: Make) -> None:
    """An endpoint without `response_format` is asked with a tool; one that refuses tools too, with the schema in the
    instructions; what works is remembered."""

    def no_format(body: dict[str, Any], _: int) -> Scripted:
        return (
            status(400, "response_format is not available") if "response_format" in body else calls_tool("Role", GOOD)
        )

    answers, server, _ = ask(no_format, count=3)
    assert all(a.output for a in answers)
    assert [("response_format" in r, "tools" in r) for r in server.requests] == [(True, False), *[(False, True)] * 3]

    def nothing(body: dict[str, Any], _: int) -> Scripted:
        return status(422, "unknown field") if {"response_format", "tools"} & set(body) else says(GOOD)

    answers, server, _ = ask(nothing, count=2, extra_body='{"other": 1}')
    assert all(a.output for a in answers)
    assert len(server.requests) == 4
    assert "warehouse" in server.requests[3]["messages"][0]["content"]  # the schema
    assert server.requests[3]["other"] == 1


def test_a_mode_that_is_asked_for_is_kept(ask: Make) -> None:
    """`mode = native` does not fall back."""
    (answer,), server, _ = ask([status(400, "response_format is not available")], mode="native")
    assert (answer.failure, len(server.requests)) == ("refused", 1)


def test_auto_leaves_a_mode_that_is_ignored(ask: Make) -> None:
    """Prose in spite of a schema: the next attempt tries the next mode."""

    def ignores(body: dict[str, Any], _: int) -> Scripted:
        return calls_tool("Role", GOOD) if "tools" in body else says("Sales, I am sure.")

    (first, second), server, _ = ask(ignores, count=2)
    assert first.output
    assert second.output
    assert ["tools" in request for request in server.requests] == [False, True, True]


def test_one_bad_question_does_not_change_the_mode(ask: Make) -> None:
    """Once a mode has worked, HTTP 400 is the fault of the question."""

    def script(body: dict[str, Any], _: int) -> Scripted:
        return status(400, "too long") if "第1仓库" in body["messages"][1]["content"] else says(GOOD)

    answers, server, _ = ask(script, count=3)
    assert [a.failure for a in answers] == ["", "refused", ""]
    assert all("response_format" in request for request in server.requests)


def test_a_model_without_temperature(ask: Make) -> None:
    """An endpoint that refuses `temperature` is asked without it for the rest of the run."""

    def script(body: dict[str, Any], _: int) -> Scripted:
        return status(400, "invalid temperature: only 1 is allowed") if "temperature" in body else says(GOOD)

    answers, server, _ = ask(script, count=2)
    assert all(a.output for a in answers)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "reply",
    [
        says("<think>仓库？{不是}</think>\n" + '{"role": "sales", "sure": true}'),
        says('I think {so}.</think>{"role": "sales", "sure": true}'),
        says('```json\n{"role": "sales", "sure": true}\n```'),
        says('Here it is: {"role": "sales", "sure": true}. Good luck!'),
        says(GOOD, reasoning_content="仓库 or sales? {"),
        says('\n\n{"role": "sales", "sure": true}', reasoning="…"),
    ],
)
def test_thinking_models(ask: Make, reply: Scripted) -> None:
    """Thinking before the JSON, in the text or in a field of its own, fences and politeness do no harm."""
    (answer,), server, _ = ask([reply])
    assert answer.output == Role(role="sales", sure=True)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Scripted(200, b"<html>gateway</html>", {"Content-Type": "text/html"}),
        Scripted(200, b'{"choices": []}', {"Content-Type": "application/json"}),
        Scripted(200, b'{"choices": [{"message": {"content": "{', {"Content-Type": "application/json"}),
        Scripted(200, b"[" * 100_000, {"Content-Type": "application/json"}),
        Scripted(200, b"x" * 3_000_000, {"Content-Type": "application/json"}),
        Scripted(200, b"garbage", {"Content-Type": "application/json", "Content-Encoding": "gzip"}),
        Scripted(307, b"", {"Location": "http://127.0.0.1:9/v1/chat/completions"}),
        says("{" * 50_000),
        says('{"role": ' + "[" * 50_000),
        says("\ud800\x00 {"),
        says(GOOD, tokens=(-5, 10**30)),
    ],
)
def test_nothing_that_an_endpoint_sends_raises(ask: Make, reply: Scripted) -> None:
    """Whatever comes back is an answer or a failure, within bounds."""
    begun = time.process_time()
    (answer,), _, _ = ask([reply], retries=0, schema_retries=0)
    assert answer.output is not None or answer.failure in ("unreachable", "refused", "schema")
    assert len(answer.reason) < 1_200
    assert time.process_time() - begun < 5


def test_order_and_bounds(make_request: Make, make_settings: Make) -> None:
    """Slow answers do not change the order, no more requests than allowed are under way, and a long iterable is read a
    bounded number ahead."""

    def script(body: dict[str, Any], _: int) -> Scripted:
        number = int(body["messages"][1]["content"])
        return says({"role": "sales", "sure": number % 2 == 0}, seconds=0.08 if number % 5 == 0 else 0.0)

    taken = 0

    def questions() -> Any:
        nonlocal taken
        for number in range(60):
            taken += 1
            yield make_request(str(number))

    with FakeServer(script) as server, Client(make_settings(server.url, concurrency=3)) as client:
        furthest = 0
        for number, (request, answer) in enumerate(client.ask(questions())):
            assert request.material == str(number)
            assert answer.output
            assert answer.output.sure == (number % 2 == 0)
            furthest = max(furthest, taken - number)
    assert 2 <= server.most_at_once <= 3
    assert furthest <= 3 * 4 + 2
    assert len(server.requests) == 60


def test_equal_questions_are_asked_once(make_request: Make, make_settings: Make) -> None:
    """The same question ten times in one run is one request, and one cost."""
    with FakeServer([says(GOOD, seconds=0.1)]) as server, Client(make_settings(server.url, price="1/1")) as client:
        answers = [answer for _, answer in client.ask([make_request(document=f"d{n}") for n in range(10)])]
    assert len(server.requests) == 1
    assert [answer.cached for answer in answers] == [False] + [True] * 9
    assert client.ledger.summary()["cost"] == pytest.approx(110 / 1e6)


def test_where_an_event_loop_runs_already(make_request: Make, make_settings: Make) -> None:
    """The synchronous interface works inside a running event loop, as in a notebook."""

    async def cell() -> Answer[Role]:
        ((_, answer),) = client.ask([make_request()])
        return answer

    with FakeServer([says(GOOD)]) as server, Client(make_settings(server.url)) as client:
        assert asyncio.run(cell()).output


def test_a_caller_that_stops_keeps_what_is_paid(make_request: Make, make_settings: Make) -> None:
    """Who stops in the middle ends the asking; what was under way is still kept, what was not begun is not sent."""
    with FakeServer([says(GOOD, seconds=0.2)]) as server, Client(make_settings(server.url, concurrency=2)) as client:
        answers = client.ask([make_request(str(n)) for n in range(8)])
        next(answers)
        answers.close()
        client.close()
        sent = len(server.requests)
        assert sent <= 5
        with Client(make_settings(server.url)) as again:
            cached = [a.cached for _, a in again.ask([make_request(str(n)) for n in range(8)])]
    assert sum(cached) == sent
    assert len(server.requests) == 8
