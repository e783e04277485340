"""Runs with a language model: limits, failures, kills, replays and batch files, with a stand-in pipeline."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jdextract.batch import Options, Outcome, run_batch
from jdextract.batch.extraction import BatchPipeline
from jdextract.batch.journal import Journal
from jdextract.batch.opening import folder_of
from jdextract.batch.planning import collect_requests, plan_questions
from jdextract.batch.run import make_crew, make_order
from jdextract.config import Config, LlmConfig
from jdextract.errors import ConfigError, MissingInput, RunError
from jdextract.llm.batchfiles import export_requests, import_answers
from jdextract.llm.cache import AnswerCache
from jdextract.llm.requestfile import read_requests
from jdextract.records import RoleRecord
from tests.batch.conftest import read_all
from tests.batch.kill import finish
from tests.llm.fake_server import FakeServer, Scripted, says, status
from tests.llm.standin import (
    UNKNOWN,
    UNSURE,
    Classifier,
    Extractor,
    answer,
    count_doubts,
    install,
    script,
    targets_in,
    write_table,
)

ROOT = Path(__file__).parents[2]
DOCUMENTS = 130  # three chunks
ZONES, ROLES = count_doubts(DOCUMENTS)
RunOf = Callable[..., Outcome]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "t.jsonl", DOCUMENTS)


@pytest.fixture
def run(tmp_path: Path, table: Path, monkeypatch: pytest.MonkeyPatch) -> RunOf:
    """Runs the table into a folder of this name; settings of the section `[llm]`."""
    monkeypatch.setattr(BatchPipeline, "extractor", Extractor())
    monkeypatch.setattr(BatchPipeline, "classifier", Classifier())

    def call(name: str, url: str | None, workers: int = 1, resume: bool = False, **settings: object) -> Outcome:
        given = {"cache": tmp_path / "llm.sqlite", "max_wait": 0.01, "base_url": url or "http://127.0.0.1:9/v1"}
        config = Config.model_validate({"llm": given | {"model": "m", "price": "1/4"} | settings})
        options = Options(workers, resume=resume, setup=install, rows=True)
        return run_batch([str(table)], targets_in(tmp_path / name), config, options)

    return call


@pytest.fixture
def offline(tmp_path: Path, table: Path, run: RunOf) -> list[RoleRecord]:
    """The records of a run without a model."""
    run_batch([str(table)], targets_in(tmp_path / "offline"), Config(), Options(1, setup=install))
    return records_in(tmp_path / "offline")


def records_in(folder: Path) -> list[RoleRecord]:
    lines = (folder / "r.jsonl").read_text(encoding="utf-8").splitlines()
    return [RoleRecord.model_validate_json(line) for line in lines]


def plain(records: list[RoleRecord]) -> list[RoleRecord]:
    return [record.model_copy(update={"assistance": ()}) for record in records]


def outcomes_of(records: list[RoleRecord]) -> set[str]:
    return {note.outcome for record in records for note in record.assistance}


def section(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = outcome.summary["llm"]
    return found


def test_workers_and_this_process_write_the_same(run: RunOf, tmp_path: Path, offline: list[RoleRecord]) -> None:
    """Doubted documents come out better, the others byte for byte as without a model, whoever does the work; run.json
    accounts for it."""
    with FakeServer(script()) as server:
        one = run("a", server.url)
        assert len(server.requests) == ZONES + ROLES
        two = run("b", server.url, workers=2)
        assert len(server.requests) == ZONES + ROLES
    assert (one.summary["workers"], two.summary["workers"]) == (1, 2)
    assert read_all(tmp_path / "a") == read_all(tmp_path / "b")
    records = records_in(tmp_path / "a")
    for number, (record, before) in enumerate(zip(records, offline, strict=True)):
        assert len(record.duties) == len(before.duties) + (number % UNSURE == 0)
        if number % UNSURE and number % UNKNOWN:
            assert record == before
    assert not [duty for record in records for duty in record.duties if duty.role.status == "abstained"]
    asked = section(one)
    assert asked["outcomes"] == {
        "zone": {"asked": ZONES, "applied": ZONES, "kept": {}, "rejected": {}, "failed": {}},
        "adjudicate": {"asked": ROLES, "applied": ROLES, "kept": {}, "rejected": {}, "failed": {}},
    }
    assert asked["ledger"]["tasks"]["zone"]["input_tokens"] == 900 * ZONES
    assert asked["ledger"]["spent"] == pytest.approx((ZONES + ROLES) * (900 * 1 + 50 * 4) / 1e6)
    assert section(two)["ledger"]["calls"] == 0
    assert (asked["limit_reached"], asked["cutoff"]["planned"], asked["plan"]) == (None, 0.0, None)
    assert asked["cutoff"]["reached"] > 0
    assert one.summary["counts"]["classification"] == {"assigned": one.tally.counts["duties"], "abstained": 0}
    page = (tmp_path / "a" / "r.html").read_text(encoding="utf-8")
    assert "llm:m:zone-1" in page
    assert json.loads((tmp_path / "a" / "run.json").read_text())["llm"]["prompts"].keys() == {"zone", "adjudicate"}


def test_a_run_without_a_model_is_as_ever(run: RunOf, tmp_path: Path, offline: list[RoleRecord]) -> None:
    """No section, no note."""
    assert outcomes_of(offline) == set()
    assert json.loads((tmp_path / "offline" / "run.json").read_text())["llm"] is None


@pytest.mark.parametrize("workers", [1, 2])
def test_a_number_of_calls_goes_to_the_most_valuable(
    run: RunOf, tmp_path: Path, offline: list[RoleRecord], workers: int
) -> None:
    """With --llm-max-calls the best doubts of the whole run are asked about, wherever they stand, and no more."""
    with FakeServer(script()) as server:
        outcome = run("a", server.url, workers, max_calls=20)
        assert 15 <= len(server.requests) <= 20
        asked = len(server.requests)
    made = section(outcome)
    plan = made["plan"]
    assert plan["asked"]["questions"] == asked
    assert plan["left"]["questions"] == ZONES + ROLES - asked
    assert made["cutoff"]["reached"] >= made["cutoff"]["planned"] == plan["cutoff"] > 0
    assert (made["cutoff"]["left_unasked"], made["limit_reached"]) == (None, None)
    records = records_in(tmp_path / "a")
    noted = [number for number, record in enumerate(records) for _ in record.assistance]
    assert len(noted) == asked
    assert max(noted) > 100
    assert outcomes_of(records) == {"applied"}


def test_the_budget_ends_the_asking_not_the_run(run: RunOf, tmp_path: Path, offline: list[RoleRecord]) -> None:
    """When the money is used up the rest stays as the offline pipeline made it and says so; not a cent more is spent; a
    replay gives the same bytes."""
    with FakeServer(script()) as server:
        outcome = run("a", server.url, budget="0.04", cutoff=0.0)
        asked = len(server.requests)
    made = section(outcome)
    assert 0 < asked < ZONES + ROLES
    assert made["limit_reached"] == "budget"
    assert made["ledger"]["spent"] <= 0.04
    assert made["cutoff"]["left_unasked"] > 0
    failed = sum(ends["failed"].get("budget", 0) for ends in made["outcomes"].values())
    assert failed == ZONES + ROLES - asked
    records = records_in(tmp_path / "a")
    assert outcomes_of(records) == {"applied", "failed:budget"}
    untouched = [
        (new, old) for new, old in zip(records, offline, strict=True) if outcomes_of([new]) == {"failed:budget"}
    ]
    assert len(untouched) > 5
    assert all(plain([new]) == [old] for new, old in untouched)
    run("b", None, replay=True, cutoff=0.0)
    assert read_all(tmp_path / "a") == read_all(tmp_path / "b")


def test_an_endpoint_that_is_down_costs_nothing_but_the_assistance(
    run: RunOf, tmp_path: Path, offline: list[RoleRecord]
) -> None:
    """All records are those of the offline pipeline, flagged; the breaker keeps the run from waiting; a replay repeats
    it; when the endpoint is back, the same command asks what was not answered."""
    with FakeServer([status(503)]) as server:
        outcome = run("a", server.url, retries=1, breaker_failures=5, breaker_pause=60, concurrency=2)
        assert len(server.requests) < 12
    records = records_in(tmp_path / "a")
    assert plain(records) == offline
    assert outcomes_of(records) <= {"failed:unreachable", "failed:circuit-open"}
    made = section(outcome)
    assert sum(sum(ends["failed"].values()) for ends in made["outcomes"].values()) == ZONES + ROLES
    assert "503" in "".join(made["reasons"].values())
    run("b", None, replay=True)
    assert read_all(tmp_path / "a") == read_all(tmp_path / "b")
    with FakeServer(script()) as server:
        run("c", server.url)
        assert len(server.requests) == ZONES + ROLES
    assert outcomes_of(records_in(tmp_path / "c")) == {"applied"}
    run("d", None, replay=True)
    assert read_all(tmp_path / "c") == read_all(tmp_path / "d")


def test_a_replay_on_another_machine_writes_the_same_bytes(
    run: RunOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing but the cache file, no server and no way to open a socket, the bytes are those of the recorded run,
    answers that do not fit among them."""

    def some_fail(body: dict[str, Any], number: int) -> Scripted:
        said = answer(body["messages"][1]["content"])
        if "第10号" in body["messages"][1]["content"]:
            return says("no JSON")
        if "第15号" in body["messages"][1]["content"]:
            return status(400, "I do not like this text")
        return says(said)

    with FakeServer(some_fail) as server:
        outcome = run("a", server.url, schema_retries=1, mode="native")
    assert set(section(outcome)["outcomes"]["adjudicate"]["failed"]) == {"schema", "refused"}
    other = tmp_path / "elsewhere" / "answers.sqlite"
    other.parent.mkdir()
    shutil.copy(tmp_path / "llm.sqlite", other)
    (tmp_path / "llm.sqlite").unlink()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a replay opened a socket")

    with monkeypatch.context() as without:
        without.setattr("socket.socket.connect", refuse)
        replayed = run("b", None, replay=True, cache=other)
    assert read_all(tmp_path / "a") == read_all(tmp_path / "b")
    assert section(replayed)["ledger"]["calls"] == 0
    with pytest.raises(MissingInput):
        run("c", None, replay=True)


def start(folder: Path, table: Path, settings: dict[str, Any], workers: int) -> subprocess.Popen[bytes]:
    """A run as a process, leader of a group of its own; it goes on with what it finds."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.llm.standin", str(folder), str(table), str(workers), json.dumps(settings)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def test_a_killed_run_asks_only_the_rest(run: RunOf, tmp_path: Path, table: Path) -> None:
    """After kill -9 `--resume` pays no answer twice, keeps to the limits of the run, and writes its bytes; the endpoint
    may have moved and other settings of the connection may differ."""
    with FakeServer(script()) as server:
        whole = run("whole", server.url, cache=tmp_path / "other.sqlite", max_calls=30)
        expected = len(server.requests)
    given = {"model": "m", "price": "1/4", "cache": str(tmp_path / "llm.sqlite"), "max_calls": 30}
    with FakeServer(script(0.03)) as server:
        settings = given | {"base_url": server.url, "concurrency": 1}  # so few documents are asked about together
        process = start(tmp_path / "out", table, settings, 2)
        folder = folder_of(tmp_path / "out" / "r.jsonl")
        while len(server.requests) < expected * 0.7 and process.poll() is None:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        first = len(server.requests)
    assert first < expected
    with closing(Journal(folder)) as kept:
        assert kept.state.chunks
    with FakeServer(script()) as server:
        settings = given | {"base_url": server.url, "concurrency": 5}
        code, errors = finish(start(tmp_path / "out", table, settings, 1))
        assert code == 0, errors
        assert first + len(server.requests) <= expected + 2  # at most what was under way is asked again
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")
    made = json.loads((tmp_path / "out" / "run.json").read_text())
    assert made["resumed"] == 1
    assert made["llm"]["outcomes"] == section(whole)["outcomes"]
    assert made["llm"]["plan"] == section(whole)["plan"]
    assert expected - 2 <= made["llm"]["ledger"]["earlier"]["calls"] + made["llm"]["ledger"]["calls"] <= expected
    assert made["llm"]["ledger"]["spent"] == pytest.approx(expected * 1100 / 1e6, abs=2 * 1100 / 1e6)


def test_batch_files_answer_a_run(run: RunOf, tmp_path: Path, table: Path) -> None:
    """Requests of a dry run go through the batch API in two rounds, since structures decide which roles are in doubt;
    then a run asks nothing and writes what it would have written. A dry run writes nothing else."""
    with FakeServer(script()) as server:
        run("asked", server.url, mode="native", cache=tmp_path / "other.sqlite")
    llm = {"model": "m", "mode": "native", "cache": tmp_path / "llm.sqlite", "price": "1/4"}
    config = Config.model_validate({"llm": llm})
    crew, order = make_crew(config, Options(1, setup=install)), make_order(config)
    before = set(tmp_path.iterdir())
    plan = plan_questions([str(table)], order, crew)
    assert {task: sums.doubts for task, sums in plan.asked.items()} == {"zone": ZONES, "adjudicate": ROLES}
    assert set(tmp_path.iterdir()) == before
    rounds = []
    for number in range(3):
        asked = tmp_path / f"requests{number}.jsonl"
        rounds.append(collect_requests([str(table)], order, crew, plan.cutoff, asked))
        answer_in_batch(config.llm, asked, tmp_path / f"batch{number}.jsonl")
    waiting = len(range(0, DOCUMENTS, UNSURE * UNKNOWN))
    assert rounds == [ZONES + ROLES - waiting, waiting, 0]
    outcome = run("out", None, mode="native")
    assert section(outcome)["ledger"]["calls"] == 0
    assert read_all(tmp_path / "out") == read_all(tmp_path / "asked")


def answer_in_batch(settings: LlmConfig, requests: Path, batch: Path) -> None:
    """Export, let the model answer, import."""
    with AnswerCache(settings.cache) as cache:
        export_requests(read_requests(requests), batch, cache, settings)
        lines = []
        for line in map(json.loads, batch.read_text(encoding="utf-8").splitlines()):
            body = json.loads(says(answer(line["body"]["messages"][1]["content"])).body)
            lines.append(json.dumps({"custom_id": line["custom_id"], "response": {"status_code": 200, "body": body}}))
        results = batch.with_suffix(".results")
        results.write_text("\n".join(lines) + "\n", encoding="utf-8")
        assert import_answers(results, cache).answers == len(lines)


def test_what_can_not_be_planned_is_said(run: RunOf, tmp_path: Path) -> None:
    """A budget without a price, and a plan over an input that can be read once."""
    with pytest.raises(ConfigError, match="price of m"):
        run("a", None, price="", budget="1")
    with pytest.raises(ConfigError, match="price of m") as caught:
        run("a", None, price="", budget="1", replay=True)
    assert "--llm-cutoff" in caught.value.hint
    config = Config.model_validate({"llm": {"model": "m", "max_calls": 1}})
    with pytest.raises(ConfigError, match="read twice"):
        plan_questions(["-"], make_order(config), make_crew(config, Options(1)))


def test_settings_of_the_language_model_belong_to_a_run(
    run: RunOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted run is not gone on with under another model or limit: its plan would not be the one that was begun."""
    with FakeServer(script()) as server:
        with monkeypatch.context() as broken:
            broken.setattr("jdextract.batch.finishing.build", lambda *_: (_ for _ in ()).throw(OSError(5, "no disk")))
            with pytest.raises(RunError):
                run("a", server.url, max_calls=10)
        with pytest.raises(RunError, match=r"settings\.llm\.max_calls"):
            run("a", server.url, max_calls=11, resume=True)
        with pytest.raises(RunError, match=r"settings\.llm\.model"):
            run("a", server.url, max_calls=10, resume=True, model="another")
        asked = len(server.requests)
        run("a", server.url, max_calls=10, resume=True, timeout=5)
        assert len(server.requests) == asked
