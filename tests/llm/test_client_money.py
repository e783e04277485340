"""Budget, calls, ledger, prices, dry run, and work that was paid."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jdextract.config import LlmConfig
from jdextract.data import load_rules
from jdextract.errors import ConfigError, DamagedInput, MissingInput
from jdextract.llm.cache import AnswerCache
from jdextract.llm.client import Client
from jdextract.llm.estimate import RULE, bound_tokens, estimate_tokens
from jdextract.llm.exchange import Usage
from jdextract.llm.prices import find_price
from tests.llm.fake_server import FakeServer, Scripted, says, status
from tests.llm.questions import Role

Make = Callable[..., Any]
GOOD = {"role": "sales", "sure": True}


@pytest.mark.parametrize("concurrency", [1, 8])
def test_the_budget_is_never_overshot(make_request: Make, make_settings: Make, concurrency: int) -> None:
    """However many requests are under way, what was paid stays within the budget and comes near to it; then the asking
    ends and the run goes on."""
    budget = Decimal("0.05")
    with FakeServer([says(GOOD, seconds=0.01)]) as server:
        settings = make_settings(server.url, price="10/10", budget=budget, concurrency=concurrency)
        with Client(settings) as client:
            answers = [a for _, a in client.ask(make_request(str(n)) for n in range(80))]
            summary = client.ledger.summary()
    paid = len(server.requests) * Decimal(110) * 10 / 1_000_000
    assert Decimal("0.035") < paid <= budget
    assert summary["cost"] == pytest.approx(float(paid))
    assert len(answers) == 80
    assert answers[0].output
    assert {a.failure for a in answers} == {"", "budget"}
    assert summary["failures"] == {"budget": 80 - len(server.requests)}


def test_max_calls(make_request: Make, make_settings: Make) -> None:
    """The number of requests that are sent is bounded, tries among them."""
    with (
        FakeServer([status(500), says(GOOD)]) as server,
        Client(make_settings(server.url, max_calls=3, concurrency=4)) as client,
    ):
        failures = [a.failure for _, a in client.ask(make_request(str(n)) for n in range(9))]
    assert len(server.requests) == 3
    assert failures.count("calls") >= 6


def test_a_budget_needs_a_price(make_settings: Make) -> None:
    """A budget for a model whose price is not known is refused, and `--llm-price` is asked for."""
    with pytest.raises(ConfigError) as caught:
        Client(make_settings("http://127.0.0.1:9/v1", budget=1))
    assert "--llm-price IN/OUT" in caught.value.hint


def test_a_model_without_a_price_is_counted_as_such(make_request: Make, make_settings: Make) -> None:
    """Without a price and without a budget the tokens are counted and the cost is said to be unknown."""
    with FakeServer([says(GOOD)]) as server, Client(make_settings(server.url)) as client:
        list(client.ask([make_request()]))
        summary = client.ledger.summary()
    assert (summary["cost_known"], summary["cost"], summary["input_tokens"]) == (False, 0.0, 100)


def test_an_endpoint_that_counts_no_tokens(make_request: Make, make_settings: Make) -> None:
    """Without token counts an answer costs what was reserved for it, so that the budget holds."""
    with (
        FakeServer([says(GOOD, tokens=None)]) as server,
        Client(make_settings(server.url, price="10/10", budget="0.03", concurrency=1)) as client,
    ):
        answers = [a for _, a in client.ask(make_request(str(n)) for n in range(9))]
        summary = client.ledger.summary()
    assert 0 < len(server.requests) < 5
    assert summary["calls_without_token_counts"] == len(server.requests)
    assert 0 < summary["spent"] <= 0.03
    assert answers[-1].failure == "budget"


def test_ledger_by_task_and_document(make_request: Make, make_settings: Make) -> None:
    """Requests, tokens and cost are summed by task and by document."""
    with FakeServer([says(GOOD)]) as server, Client(make_settings(server.url, price="1/2 CNY")) as client:
        asked = [("zone", "a"), ("zone", "b"), ("label", "b")]
        list(client.ask(make_request(f"{n}", task=task, document=doc) for n, (task, doc) in enumerate(asked)))
        list(client.ask([make_request("0", task="zone", document="c")]))  # known by now
        summary = client.ledger.summary()
    assert summary["currency"] == "CNY"
    assert {name: t["requests"] for name, t in summary["tasks"].items()} == {"zone": 3, "label": 1}
    assert {name: t["input_tokens"] for name, t in summary["documents"].items()} == {"a": 100, "b": 200}
    assert summary["documents"]["b"]["cost"] == pytest.approx(2 * 120 / 1e6)
    assert summary["documents_not_listed"] == 1  # `c` cost nothing


def test_estimate_sends_nothing(make_request: Make, make_settings: Make) -> None:
    """A dry run counts calls, tokens and cost, leaves out what is cached or equal, and sends nothing."""
    with FakeServer([says(GOOD)]) as server, Client(make_settings(server.url, price="1000/1000")) as client:
        list(client.ask([make_request("0")]))
        estimate = client.estimate(make_request(str(n)) for n in (0, 1, 2, 2))
        sent = len(server.requests)
        answers = [a for _, a in client.ask(make_request(str(n)) for n in (1, 2))]
    assert sent == 1
    assert (estimate.calls, estimate.cached, estimate.tasks) == (2, 2, {"label": 2})
    assert estimate.output_tokens == 120
    assert estimate.cost == Decimal(estimate.input_tokens + estimate.output_tokens) / 1000
    assert estimate.cost > sum(a.cost for a in answers)
    assert estimate.rule == RULE


def test_token_rule() -> None:
    """Chinese counts a token a character, ASCII 0.3; the bound is the number of bytes."""
    assert estimate_tokens("负责仓库") == 4
    assert estimate_tokens("SAP system") == 3
    assert bound_tokens("负责 SAP") == 10


def test_price_table_is_sound() -> None:
    """Every price is a decimal, cached input costs no more than input, and each provider names its source and hosts."""
    table = load_rules("prices")
    for name, provider in table["providers"].items():
        assert len(provider["currency"]) == 3
        assert len(provider["source"]) > 20, name
        for model in provider["models"]:
            price = find_price(model.upper(), f"https://{provider['hosts'][0]}/v1")
            assert price
            assert 0 < price.cached_input <= price.input < price.output, model
            assert price.batch in (None, Decimal("0.5"))


def test_find_price() -> None:
    """A price belongs to a model at its host; a date behind the name does not matter; a given price wins."""
    openai = "https://api.openai.com/v1"
    price = find_price("gpt-4.1-mini-2025-04-14", openai)
    assert price
    assert price.cost(Usage(1_000_000, 1_000_000, 500_000)) == Decimal("0.2") + Decimal("0.05") + Decimal("1.6")
    assert price.cost(Usage(1_000_000, 1_000_000), batch=True) == Decimal("1.0")
    assert find_price("gpt-4.1-mini", "http://localhost:8000/v1") is None
    assert find_price("gpt-4.1-mini", "https://api.openai.com.example.org/v1") is None
    assert find_price("gpt-99", openai) is None
    given = find_price("gpt-4.1-mini", openai, "0/0")
    assert given
    assert given.cost(Usage(5, 5)) == 0
    for wrong in ("1", "1/x", "-1/2", "1/2 dollars", "1e9/2"):
        with pytest.raises(ConfigError):
            find_price("m", openai, wrong)


_RUN = """
import sys
from pathlib import Path
from jdextract.config import LlmConfig
from jdextract.llm.client import Client
from jdextract.llm.exchange import Request
from tests.llm.questions import Role
settings = LlmConfig(model="smollm2", base_url=sys.argv[1], cache=Path(sys.argv[2]), concurrency=2)
with Client(settings) as client:
    questions = (
        Request("label", "label-0", "Which role does this duty belong to? Answer with JSON.", str(n), Role, "d1",
                max_tokens=60)
        for n in range(12)
    )
    for request, answer in client.ask(questions):
        print(request.material, flush=True)
"""


def test_a_killed_run_asks_only_the_rest(make_request: Make, make_settings: Make) -> None:
    """After `kill -9` in the middle, no answer that was handed out is asked again, and the answers are the same."""
    with FakeServer(lambda body, n: says({"role": "sales", "sure": n % 2 == 0}, seconds=0.1)) as server:
        settings: LlmConfig = make_settings(server.url, concurrency=2)
        command = [sys.executable, "-c", _RUN, server.url, str(settings.cache)]
        root = Path(__file__).parents[2]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
            assert process.stdout
            used = [process.stdout.readline().strip() for _ in range(5)]
            process.kill()
            process.wait(20)
        time.sleep(0.2)  # the last requests reach the server
        before = [body["messages"][1]["content"] for body in server.requests]
        with Client(settings) as client:
            answers = [a for _, a in client.ask(make_request(str(n)) for n in range(12))]
        after = [body["messages"][1]["content"] for body in server.requests[len(before) :]]
    assert used == ["0", "1", "2", "3", "4"]
    assert all(a.output for a in answers)
    assert not set(used) & set(after)
    assert len(before) + len(after) <= 12 + 2  # those under way when it was killed may be asked again


def test_half_a_conversation_is_not_paid_twice(make_request: Make, make_settings: Make) -> None:
    """A run that ended after a first answer that does not fit goes on with the second attempt, with the first in its
    conversation."""
    script = [says({"role": "pirate", "sure": True}), status(500), says(GOOD)]
    with FakeServer(script) as server:
        settings = make_settings(server.url, retries=0, mode="native", price="1/1")
        with Client(settings) as client:
            ((_, first),) = client.ask([make_request()])
        with Client(settings) as client:
            ((_, second),) = client.ask([make_request()])
    assert (first.failure, second.output) == ("unreachable", Role(role="sales", sure=True))
    assert first.cost == second.cost == Decimal(110) / 1_000_000
    assert len(server.requests) == 3
    assert "pirate" in server.requests[2]["messages"][2]["content"]


def test_what_the_key_of_the_cache_depends_on(make_request: Make, make_settings: Make) -> None:
    """Prompt, instructions, schema, model, temperature, bound of tokens, sample, extra body and text: each makes another
    question. The document and the task's name do not."""

    class Other(Role):
        """Another schema."""

    changes: list[dict[str, Any]] = [
        {"prompt": "label-1"},
        {"instructions": "Else."},
        {"schema": Other},
        {"temperature": 0.5},
        {"max_tokens": 61},
        {"sample": 1},
        {"material": "另"},
    ]
    with FakeServer([says(GOOD)]) as server:
        with Client(make_settings(server.url)) as client:
            list(client.ask([make_request(**change) for change in [{}, *changes, {"document": "d2"}]]))
        assert len(server.requests) == 8
        for more in ({"model": "other"}, {"extra_body": '{"x": 1}'}, {"thinking_tokens": 5}):
            with Client(make_settings(server.url, **more)) as client:
                list(client.ask([make_request()]))
    assert len(server.requests) == 11


def test_replay_without_the_libraries(make_request: Make, make_settings: Make, tmp_path: Path) -> None:
    """A replay needs neither the extra `llm` nor the right to write, gives failures of the schema again, and says what it
    lacks."""
    bad = says({"role": "pirate", "sure": True})

    def script(body: dict[str, Any], _: int) -> Scripted:
        return bad if body["messages"][1]["content"] == "1" else says(GOOD)

    with FakeServer(script) as server:
        settings = make_settings(server.url, schema_retries=1, mode="native")
        with Client(settings) as client:
            recorded = [a for _, a in client.ask(make_request(str(n)) for n in range(2))]
    settings.cache.chmod(0o444)
    code = "import sys\nfor name in ('pydantic_ai', 'openai', 'httpx2'): sys.modules[name] = None\n" + _RUN.replace(
        "concurrency=2", "replay=True"
    ).replace("print(request.material", "print(request.material, answer.output, answer.failure")
    command = [sys.executable, "-c", code, server.url, str(settings.cache)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=60)
    lines = done.stdout.splitlines()
    assert lines[0] == f"0 {recorded[0].output} ", done.stderr
    assert lines[1] == "1 None schema"
    assert lines[2:] == [f"{n} None not-recorded" for n in range(2, 12)]


def test_cache_files_that_are_none(tmp_path: Path) -> None:
    """A missing recording, a file of another kind and one of another version are refused with a hint."""
    with pytest.raises(MissingInput):
        AnswerCache(tmp_path / "none.sqlite", replay=True)
    other = tmp_path / "text.sqlite"
    other.write_text("no database, " * 100)
    with pytest.raises(DamagedInput):
        AnswerCache(other)
    AnswerCache(tmp_path / "old.sqlite").close()
    with AnswerCache(tmp_path / "old.sqlite") as cache:
        cache._db.execute("UPDATE about SET value = '0'")
    with pytest.raises(DamagedInput, match="another version"):
        AnswerCache(tmp_path / "old.sqlite", replay=True)
