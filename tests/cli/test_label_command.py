"""`jdextract llm label`, with an endpoint on loopback that answers as it is told."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from jdextract.classification.teacher import label_key, read_labels
from jdextract.extraction.extractor import Extractor
from jdextract.llm.requestfile import read_requests
from tests.cli.conftest import Run
from tests.llm.fake_server import FakeServer, Scripted, says, status

SENTENCES = ["每週盤點倉庫", "處理客戶退貨", "五險一金", "说不清的工作"]


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JDEXTRACT_LLM_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    """Four sentences, one of them twice in two scripts, and a JSON line with a title."""
    path = tmp_path / "sentences.txt"
    titled = json.dumps({"text": "每周盘点仓库", "title": "仓管"}, ensure_ascii=False)
    path.write_text("\n".join([*SENTENCES, "", titled]), encoding="utf-8-sig")
    return path


class Teacher:
    """Sure of warehouses and benefits, says another thing every time about what is unclear; errs in one sample of five."""

    def __init__(self, tokens: tuple[int, int] = (100, 10)) -> None:
        self.tokens = tokens
        self.unclear = iter(["other", "administrator", "accountant", "other", "administrator"])
        self.returns = 0

    def __call__(self, body: dict[str, Any], number: int) -> Scripted:
        asked = body["messages"][-1]["content"]
        if "盤點" in asked or "五險" in asked:
            return self.say("warehouse-keeper" if "盤點" in asked else "none")
        if "退貨" in asked:
            self.returns += 1
            return self.say("customer-service" if self.returns == 2 else "aftersales-service")
        return self.say(next(self.unclear))

    def say(self, role: str) -> Scripted:
        return says({"role": role}, tokens=self.tokens)


def label(run: Run, sentences: Path, output: Path, url: str, *more: object) -> Any:
    cache = sentences.with_name("llm.sqlite")
    options = ("--llm", "gpt-4.1-mini", "--llm-base-url", url, "--llm-price", "0.4/1.6", "--llm-cache", cache)
    return run("llm", "label", sentences, "-o", output, *options, "--llm-concurrency", 1, *more)


def test_majority_in_both_formats(run: Run, sentences: Path, tmp_path: Path, extractor: Extractor) -> None:
    """Each distinct sentence is asked about five times; both files hold the majority, undecided sentences stand apart, the
    numbers are printed, and the second file costs nothing because the answers are kept."""
    with FakeServer(Teacher()) as server:
        done = label(run, sentences, tmp_path / "teacher.csv", server.url)
        assert done.exit_code == 0, done.output
        assert len(server.requests) == 20
        again = label(run, sentences, tmp_path / "teacher.jsonl", server.url)
        assert len(server.requests) == 20
    summary = json.loads(done.stdout)
    assert (summary["sentences"], summary["labelled"], summary["repeats"]) == (4, 3, 1)
    assert summary["undecided"] == {"tie": 1}
    assert summary["agreement"] == pytest.approx((1 + 0.8 + 1 + 0.4) / 4)
    assert (summary["unanimous"], summary["llm"]["calls"]) == (0.5, 20)
    assert summary["llm"]["cost"] == pytest.approx(20 * (100 * 0.4 + 10 * 1.6) / 1e6)
    assert json.loads(again.stdout)["llm"]["cost"] == 0
    table, lines = read_labels(tmp_path / "teacher.csv"), read_labels(tmp_path / "teacher.jsonl")
    assert table.roles == lines.roles
    assert lines.texts == tuple(map(extractor.normalize, SENTENCES[:3]))
    assert list(lines.roles.values()) == ["warehouse-keeper", "aftersales-service", "none"]
    with (tmp_path / "teacher.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {
        "key": label_key(extractor.normalize(SENTENCES[1])),
        "role": "aftersales-service",
        "second": "customer-service",
    }
    (undecided,) = (tmp_path / "teacher-undecided.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(undecided)["text"] == SENTENCES[3]


def test_goes_on_where_the_limit_stopped_it(run: Run, sentences: Path, tmp_path: Path) -> None:
    """When the calls are used up the labels so far are written and the rest is listed; the same command goes on and asks
    only what is left."""
    output = tmp_path / "teacher.jsonl"
    with FakeServer(Teacher()) as server:
        done = label(run, sentences, output, server.url, "--llm-max-calls", 10)
        assert done.exit_code == 3
        assert json.loads(done.stdout)["undecided"] == {"failed:calls": 2}
        assert len(output.read_text(encoding="utf-8").splitlines()) == 2
        done = label(run, sentences, output, server.url)
        assert (done.exit_code, len(server.requests)) == (0, 20)
    assert len(output.read_text(encoding="utf-8").splitlines()) == 3


def test_budget(run: Run, sentences: Path, tmp_path: Path) -> None:
    """Not more than the budget is spent."""
    with FakeServer(Teacher((5000, 50))) as server:
        done = label(run, sentences, tmp_path / "teacher.csv", server.url, "--llm-budget", "0.02")
    assert done.exit_code == 3
    summary = json.loads(done.stdout)
    assert summary["llm"]["spent"] <= 0.02
    assert summary["undecided"]["failed:budget"] >= 1


def test_nothing_is_overwritten_by_nothing(run: Run, sentences: Path, tmp_path: Path) -> None:
    """Where no answer came an earlier file stays as it was, and the message says what to look at."""
    output = tmp_path / "teacher.csv"
    output.write_text("key,role,second\n", encoding="utf-8")
    with FakeServer([status(401)]) as server:
        done = label(run, sentences, output, server.url)
    assert done.exit_code == 1
    assert "failed:refused" in done.stderr
    assert output.read_text(encoding="utf-8") == "key,role,second\n"


def test_questions_for_the_batch_api(run: Run, sentences: Path, tmp_path: Path) -> None:
    """With --llm-requests the questions are written and nothing is asked; their answers are the same sentences'."""
    requests = tmp_path / "requests.jsonl"
    done = run(
        *("llm", "label", sentences, "-o", tmp_path / "t.csv", "--samples", 3, "--temperature", 0.5),
        *("--llm-requests", requests),
    )
    assert done.exit_code == 0, done.output
    found = list(read_requests(requests))
    assert [(r.sample, r.temperature) for r in found[:3]] == [(0, 0.5), (1, 0.5), (2, 0.5)]
    assert len(found) == 12
    assert not (tmp_path / "t.csv").exists()


def test_messages(run: Run, sentences: Path, tmp_path: Path) -> None:
    """A file of another kind, one without sentences and a missing model are told with what to try."""
    done = run("llm", "label", sentences, "-o", tmp_path / "t.txt")
    assert (done.exit_code, ".csv or .jsonl" in done.stderr) == (1, True)
    done = run("llm", "label", sentences, "-o", tmp_path / "t.csv")
    assert (done.exit_code, "--llm MODEL" in done.stderr) == (1, True)
    (tmp_path / "empty.txt").write_text(" \n", encoding="utf-8")
    done = run("llm", "label", tmp_path / "empty.txt", "-o", tmp_path / "t.csv", "--llm", "m")
    assert (done.exit_code, "no sentences" in done.stderr) == (1, True)
    (tmp_path / "gbk.txt").write_bytes("盘点".encode("gbk"))
    done = run("llm", "label", tmp_path / "gbk.txt", "-o", tmp_path / "t.csv", "--llm", "m")
    assert (done.exit_code, "UTF-8" in done.stderr) == (1, True)
