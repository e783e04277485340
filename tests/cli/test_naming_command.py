"""`jdextract dataset build --llm`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.cli.conftest import Run
from tests.dataset.test_wordings import LONG, RECORDS, SHORT
from tests.llm.fake_server import FakeServer, Scripted, says, status


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JDEXTRACT_LLM_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def records(tmp_path: Path) -> Path:
    path = tmp_path / "records.jsonl"
    path.write_text("".join(record.model_dump_json() + "\n" for record in RECORDS), encoding="utf-8")
    return path


def wordings(folder: Path) -> dict[str, str]:
    """{wording: who chose it}"""
    return dict(pl.read_parquet(folder / "canonical_duties.parquet").select("text", "text_decided_by").rows())


def test_a_model_chooses_among_the_wordings(run: Run, records: Path, tmp_path: Path) -> None:
    """The model is asked once, about the close call; its choice is written, and comes again from the cache byte by byte."""

    def answer(body: dict[str, Any], number: int) -> Scripted:
        asked = body["messages"][-1]["content"]
        assert f"1. {LONG}" in asked
        assert f"2. {SHORT}" in asked
        return says({"choice": 2, "reason": "concise"})

    more = ("--llm", "m", "--llm-price", "1/10", "--llm-cache", tmp_path / "llm.sqlite")
    with FakeServer(answer) as server:
        url = ("--llm-base-url", server.url)
        done = run("dataset", "build", records, "-o", tmp_path / "one", "--name", "d", *more, *url)
        assert done.exit_code == 0, done.output
        again = run("dataset", "build", records, "-o", tmp_path / "two", "--name", "d", *more, *url, "--llm-replay")
        assert len(server.requests) == 1
    assert wordings(tmp_path / "one")[SHORT] == "llm:m:name-1"
    assert "wordings: 1 chosen; 1 calls, 0.0002 USD" in done.stderr
    assert "0 calls" in again.stderr
    for name in ("canonical_duties.parquet", "versions.json", "README.md"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert run("dataset", "check", tmp_path / "one").exit_code == 0


def test_without_an_answer_the_rules_decide(run: Run, records: Path, tmp_path: Path) -> None:
    """An endpoint that refuses changes nothing: the dataset is that of the rules, and the reason is told."""
    with FakeServer([status(401)]) as server:
        more = ("--llm", "m", "--llm-base-url", server.url, "--llm-cache", tmp_path / "llm.sqlite")
        done = run("dataset", "build", records, "-o", tmp_path / "one", *more)
    assert done.exit_code == 0, done.output
    assert "1 failed:refused" in done.stderr
    assert wordings(tmp_path / "one")[LONG] == "wording-rank"
