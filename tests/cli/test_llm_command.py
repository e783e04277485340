"""`jdextract llm batch export|import`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from jdextract.llm.exchange import Request
from jdextract.llm.requestfile import write_requests
from jdextract.llm.tasks.adjudicate import offer
from tests.llm.test_batchfiles import results

Run = Callable[..., Result]


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """A file with two requests."""
    schema = offer(("sales", "other"))
    path = tmp_path / "requests.jsonl"
    write_requests([Request("adjudicate", "a", "Which role?", text, schema, "d") for text in "ab"], path)
    return path


def test_export_and_import(run: Run, asked: Path, tmp_path: Path) -> None:
    """A file goes out, results come in, their cost at half price is printed, and nothing is left to export."""
    batch, cache = tmp_path / "batch.jsonl", tmp_path / "llm.sqlite"
    options = ("--llm", "gpt-4.1-mini", "--llm-cache", cache)
    done = run("llm", "batch", "export", asked, "-o", batch, *options)
    assert done.exit_code == 0, done.output
    assert "2 requests" in done.stderr
    body = json.loads(batch.read_text().splitlines()[0])["body"]
    assert (body["model"], body["response_format"]["type"]) == ("gpt-4.1-mini", "json_schema")

    answers = results(batch, tmp_path / "out.jsonl", [{"role": "sales", "sure": True}, None])
    done = run("llm", "batch", "import", answers, *options)
    assert done.exit_code == 3
    summary = json.loads(done.stdout)
    assert summary["cost"] == pytest.approx((100 * 0.4 + 10 * 1.6) / 1e6 / 2)
    assert summary["currency"] == "USD"
    assert "1 answers, 1 failed" in done.stderr

    done = run("llm", "batch", "export", asked, "-o", batch, *options)
    assert "1 requests" in done.stderr
    assert "1 answered already" in done.stderr


def test_messages(run: Run, asked: Path, tmp_path: Path) -> None:
    """What is missing or wrong is said with what to try."""
    cache = tmp_path / "llm.sqlite"
    done = run("llm", "batch", "export", asked, "-o", tmp_path / "b", "--llm-cache", cache)
    assert (done.exit_code, "--llm MODEL" in done.stderr) == (1, True)
    done = run("llm", "batch", "import", tmp_path / "none", "--llm-cache", cache)
    assert (done.exit_code, "does not exist" in done.stderr) == (1, True)
    address = "https://user:geheim@example.org/v1"
    done = run("llm", "batch", "export", asked, "-o", tmp_path / "b", "--llm", "m", "--llm-base-url", address)
    assert done.exit_code == 1
    assert "llm.base_url" in done.stderr
    assert "geheim" not in done.output
