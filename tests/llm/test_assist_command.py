"""`jdextract extract --llm` and `jdextract explain --llm`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from jdextract.cli.app import app
from jdextract.llm.prompts import Prompt
from jdextract.pipeline import Pipeline
from jdextract.records import RoleRecord
from tests.llm.fake_server import FakeServer, status
from tests.llm.standin import Classifier, Extractor, count_doubts, script, text_of, write_table

DOCUMENTS = 20
ZONES, ROLES = count_doubts(DOCUMENTS)
RunOf = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunOf:
    """Runs `jdextract` with arguments in this process, with the stand-in pipeline, in an empty folder."""
    monkeypatch.setattr(Pipeline, "extractor", Extractor())
    monkeypatch.setattr(Pipeline, "classifier", Classifier())
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return call


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "t.jsonl", DOCUMENTS)


def records_in(path: Path) -> list[RoleRecord]:
    return [RoleRecord.model_validate_json(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_run_and_its_replay(run: RunOf, table: Path, tmp_path: Path) -> None:
    """Records carry their trail in JSON Lines and Parquet, the last line sums up, and --llm-replay writes the same bytes
    with the server gone."""
    with FakeServer(script()) as server:
        options = ("--llm", "m", "--llm-base-url", server.url, "--llm-price", "1/4")
        done = run("extract", table, "-o", "a.jsonl", *options)
        assert (done.exit_code, done.stdout) == (0, "")
        assert len(server.requests) == ZONES + ROLES
    doubts = ZONES + ROLES
    assert (
        f"m: {doubts} doubts, {doubts} settled, 0 kept, 0 rejected, 0 failed; {doubts} calls, 0.0077 USD" in done.stderr
    )
    records = records_in(Path("a.jsonl"))
    assert sum(len(record.assistance) for record in records) == doubts
    again = run("extract", table, "-o", "b.jsonl", *options, "--llm-replay")
    assert again.exit_code == 0, again.stderr
    assert Path("a.jsonl").read_bytes() == Path("b.jsonl").read_bytes()
    assert run("extract", table, "-o", "c.parquet", *options, "--llm-replay").exit_code == 0
    rows = pl.read_parquet("c.parquet").to_dicts()
    assert rows == [json.loads(line) for line in Path("a.jsonl").read_text(encoding="utf-8").splitlines()]
    streamed = run("extract", table, *options, "--llm-replay")
    assert streamed.stdout_bytes == Path("a.jsonl").read_bytes()


def test_a_dry_run_writes_nothing(run: RunOf, table: Path, tmp_path: Path) -> None:
    """It tells questions, tokens, cost and cutoff, asks nothing, and leaves no file but the requests, when asked for."""
    before = set(tmp_path.iterdir())
    options = ("--llm", "m", "--llm-base-url", "http://127.0.0.1:9/v1", "--llm-price", "1/4")
    done = run("extract", table, "-o", "r.jsonl", *options, "--llm-dry-run")
    assert done.exit_code == 0, done.stderr
    plan = json.loads(done.stdout)
    tasks = {task: sums["questions"] for task, sums in plan["asked"]["tasks"].items()}
    assert (tasks, plan["left"]["questions"]) == ({"zone": ZONES, "adjudicate": ROLES}, 0)
    assert 0 < plan["asked"]["cost"] < plan["asked"]["cost_at_most"]
    assert set(tmp_path.iterdir()) == before
    done = run("extract", table, *options, "--llm-dry-run", "--llm-max-calls", 4, "--llm-requests", "q.jsonl")
    plan = json.loads(done.stdout)
    assert plan["asked"]["questions"] <= 4
    assert plan["left"]["questions"] == ZONES + ROLES - plan["asked"]["questions"]
    assert plan["cutoff"] > 0
    assert len(Path("q.jsonl").read_text(encoding="utf-8").splitlines()) == plan["requests"] > 0
    assert set(tmp_path.iterdir()) == before | {tmp_path / "q.jsonl"}
    done = run("llm", "batch", "export", "q.jsonl", "-o", "batch.jsonl", "--llm", "m")
    assert (done.exit_code, f"{plan['requests']} requests" in done.stderr) == (0, True)


def test_a_planned_run_can_be_repeated_by_its_cutoff(run: RunOf, table: Path) -> None:
    """--llm-cutoff with the value of run.json asks the same, without planning again."""
    with FakeServer(script()) as server:
        options = ("--llm", "m", "--llm-base-url", server.url)
        done = run("extract", table, "-o", "a.jsonl", *options, "--llm-max-calls", 4)
        assert "planned" in done.stderr
        cutoff = json.loads(Path("run.json").read_text())["llm"]["cutoff"]["planned"]
        done = run("extract", table, "-o", "b.jsonl", *options, "--llm-cutoff", cutoff)
        assert "planned" not in done.stderr
        assert len(server.requests) <= 4
    assert Path("a.jsonl").read_bytes() == Path("b.jsonl").read_bytes()


def test_an_endpoint_that_fails_is_told_by_the_status(run: RunOf, table: Path) -> None:
    """Status 3 and the reason, with all records written; a limit that was reached is no failure."""
    with FakeServer([status(401, "wrong key")]) as server:
        done = run("extract", table, "-o", "a.jsonl", "--llm", "m", "--llm-base-url", server.url)
    assert done.exit_code == 3
    assert "first failure, refused: HTTP 401: wrong key (check JDEXTRACT_LLM_API_KEY)" in done.stderr
    assert len(records_in(Path("a.jsonl"))) == DOCUMENTS
    with FakeServer(script()) as server:
        options = ("--llm", "m", "--llm-base-url", server.url, "--llm-cutoff", 0, "--llm-max-calls", 3)
        done = run("extract", table, "-o", "a.jsonl", *options)
        assert len(server.requests) == 3
    assert done.exit_code == 0
    assert "--llm-max-calls was reached" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--llm-budget", "1"), "--llm MODEL"),
        (("--llm-dry-run",), "--llm MODEL"),
        (("--llm", "m", "--llm-requests", "q.jsonl"), "--llm-dry-run"),
        (("--llm", "m", "--llm-budget", "1"), "--llm-price"),
        (("--llm", "m", "--llm-replay"), "holds no recorded answers"),
        (("--llm", "m", "--llm-max-calls", "many"), "--llm-max-calls"),
    ],
)
def test_messages(run: RunOf, table: Path, options: tuple[str, ...], message: str) -> None:
    """What does not fit is said with what to try, and nothing is written."""
    done = run("extract", table, "-o", "a.jsonl", *options)
    assert done.exit_code in (1, 2)
    assert message in done.stderr
    assert not Path("a.jsonl").exists()


def test_explain_shows_the_trail(run: RunOf, tmp_path: Path) -> None:
    """What was asked about a document is shown, from the cache alone."""
    page = tmp_path / "page.txt"
    page.write_text(text_of(40), encoding="utf-8")
    with FakeServer(script()) as server:
        options = ("--llm", "m", "--llm-base-url", server.url)
        first = run("explain", page, *options)
    again = run("explain", page, *options, "--llm-replay")
    assert again.exit_code == 0, again.stderr
    assert first.stdout == again.stdout
    assert "zone: applied by llm:m:zone-1" in again.stdout
    assert "adjudicate duty 3: applied by llm:m:adjudicate-1" in again.stdout
    assert "zone: applied" not in run("explain", page).stdout


def test_a_real_model(real_model: str, run: RunOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole command with a real language model, whose answer is taken or refused for a stated reason; its replay
    writes the same bytes. A small model with a short prompt: this is about the protocol."""
    short = Prompt("adjudicate-1", "选出职责的角色，依据抄自职责，只写 JSON。", "")
    monkeypatch.setattr("jdextract.llm.tasks.adjudicate.load_prompt", lambda task: short)
    page = tmp_path / "page.txt"
    page.write_text(text_of(5), encoding="utf-8")
    options: tuple[Any, ...] = ("--llm", "smollm2", "--llm-base-url", real_model, "--llm-mode", "native")
    done = run("extract", page, "-o", "a.jsonl", *options)
    assert done.exit_code == 0, done.stderr
    (record,) = records_in(Path("a.jsonl"))
    (note,) = record.assistance
    assert (note.task, note.duty, note.by) == ("adjudicate", 2, "llm:smollm2:adjudicate-1")
    assert note.outcome.partition(":")[0] in ("applied", "kept", "rejected") or note.outcome == "failed:schema"
    ledger = json.loads(Path("run.json").read_text())["llm"]["ledger"]
    assert ledger["calls"] >= 1
    assert ledger["input_tokens"] > 100
    assert run("extract", page, "-o", "b.jsonl", *options, "--llm-replay").exit_code == 0
    assert Path("a.jsonl").read_bytes() == Path("b.jsonl").read_bytes()
