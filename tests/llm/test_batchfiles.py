"""Batch files: out, in, and a run that asks nothing of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jdextract.config import LlmConfig
from jdextract.errors import DamagedInput, MissingInput
from jdextract.llm.batchfiles import export_requests, import_answers
from jdextract.llm.cache import AnswerCache
from jdextract.llm.client import Client, key_of
from jdextract.llm.exchange import Request
from jdextract.llm.prices import find_price
from jdextract.llm.requestfile import read_requests, write_requests
from jdextract.llm.tasks import restrict
from jdextract.llm.tasks.adjudicate import offer
from jdextract.llm.tasks.label import Labelling
from jdextract.llm.tasks.name import number
from jdextract.llm.tasks.zone import Zoning
from jdextract.taxonomy import load_taxonomy
from tests.llm.fake_server import FakeServer, says
from tests.llm.questions import Role

Make = Callable[..., Any]
GOOD = {"role": "sales", "sure": True}


def results(batch: Path, path: Path, contents: list[object]) -> Path:
    """Lines as the batch API writes them, for the requests of a batch file, in another order."""
    lines = []
    for line, content in zip(batch.read_text(encoding="utf-8").splitlines(), contents, strict=True):
        key = json.loads(line)["custom_id"]
        if content is None:
            error = {"code": "batch_expired", "message": "too late"}
            lines.append({"id": "x", "custom_id": key, "response": None, "error": error})
            continue
        body = json.loads(says(content).body)
        lines.append({"id": "x", "custom_id": key, "response": {"status_code": 200, "body": body}, "error": None})
    path.write_text("".join(json.dumps(line) + "\n" for line in reversed(lines)), encoding="utf-8")
    return path


def test_round_trip(make_request: Make, make_settings: Make, tmp_path: Path) -> None:
    """Exported bodies are those that the client sends; imported answers cost half; the next run asks only the rest."""
    questions: list[Request[Role]] = [make_request(f"负责第{n}仓库", document=f"d{n}") for n in range(4)]
    with FakeServer([says(GOOD)]) as server:
        settings = make_settings(server.url, mode="native", price="2/4", concurrency=1)
        with AnswerCache(settings.cache) as cache:
            exported = export_requests([*questions, questions[0]], tmp_path / "batch.jsonl", cache, settings)
            assert (exported.requests, exported.cached) == (4, 1)
            contents = [GOOD, {"role": "none", "sure": False}, None, {"role": "pirate"}]
            path = results(tmp_path / "batch.jsonl", tmp_path / "results.jsonl", contents)
            price = find_price("smollm2", server.url, "2/4")
            imported = import_answers(path, cache, price, "smollm2")
            again = import_answers(path, cache, price, "smollm2")
        summary = imported.ledger.summary()
        assert (imported.answers, len(imported.failed), imported.foreign) == (3, 1, 0)
        assert "too late" in imported.failed[0][1]
        assert (again.answers, again.known) == (0, 3)
        assert summary["cost"] == pytest.approx(3 * (100 * 2 + 10 * 4) / 1e6 / 2)
        assert set(summary["documents"]) == {"d0", "d1", "d3"}

        with Client(settings) as client:
            answers = [answer for _, answer in client.ask(questions)]
        with AnswerCache(settings.cache) as cache:
            spent = {row["batch"]: row["cost"] for row in cache.spent()}
    assert [answer.cached for answer in answers] == [True, True, False, False]
    assert [answer.output.role for answer in answers if answer.output] == ["sales", "none", "sales", "sales"]
    sent = server.requests
    assert len(sent) == 2  # what failed, and the second attempt of what does not fit
    assert "pirate" in sent[1]["messages"][2]["content"]
    lines = [json.loads(line) for line in (tmp_path / "batch.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines[2]["body"] == {name: value for name, value in sent[0].items() if name != "stream"}
    assert {(line["method"], line["url"]) for line in lines} == {("POST", "/v1/chat/completions")}
    assert spent == {False: Decimal(2 * 240) / 1_000_000, True: Decimal(3 * 120) / 1_000_000}


def test_files_are_split(make_request: Make, make_settings: Make, tmp_path: Path) -> None:
    """What one file can't take goes into the next, each request once."""
    settings = make_settings("http://127.0.0.1:9/v1")
    with AnswerCache(settings.cache) as cache:
        questions = [make_request(str(n)) for n in range(7)]
        exported = export_requests(questions, tmp_path / "b.jsonl", cache, settings, most_requests=3)
        assert [path.name for path in exported.files] == ["b.jsonl", "b-2.jsonl", "b-3.jsonl"]
        assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in exported.files) == 7
        exported = export_requests(questions, tmp_path / "c.jsonl", cache, settings, most_bytes=1)
        assert len(exported.files) == 7
        exported = export_requests([], tmp_path / "d.jsonl", cache, settings)
    assert (exported.requests, (tmp_path / "d.jsonl").read_bytes()) == (0, b"")


def test_foreign_and_damaged_results(make_settings: Make, tmp_path: Path) -> None:
    """Answers to questions that this cache did not export are left out; a line that is no result is named."""
    settings = make_settings("http://127.0.0.1:9/v1")
    path = tmp_path / "results.jsonl"
    body = json.loads(says(GOOD).body)
    path.write_text(json.dumps({"custom_id": "f" * 32, "response": {"status_code": 200, "body": body}}) + "\n\nnone\n")
    with AnswerCache(settings.cache) as cache:
        with pytest.raises(DamagedInput) as caught:
            import_answers(path, cache)
        assert caught.value.where == f"{path}:3"
        path.write_text(path.read_text().replace("none\n", ""))
        assert import_answers(path, cache).foreign == 1
        assert cache.find("f" * 32) == []
        with pytest.raises(MissingInput):
            import_answers(tmp_path / "none", cache)


def test_request_files(make_request: Make, tmp_path: Path) -> None:
    """Requests survive being written and read, the values that their schemas allow and so their keys among it; schemas
    are found by name among the tasks, and nowhere else."""
    every = tuple(load_taxonomy().role_ids)
    questions = [
        make_request("负责\n“仓库”\u2028", schema=offer(("other", "administrator"))),
        make_request("b", temperature=0.7, sample=3, task="zone", schema=Zoning),
        make_request("c", schema=number(12)),
        make_request("d", schema=restrict(Labelling, every)),
    ]
    path = tmp_path / "requests.jsonl"
    assert write_requests(questions, path) == 4
    found = list(read_requests(path))
    assert found == questions
    settings = LlmConfig(model="m")
    assert [key_of(request, settings) for request in found] == [key_of(request, settings) for request in questions]
    path.write_text(path.read_text().replace('"Zoning"', '"Path"'))
    with pytest.raises(DamagedInput, match="'Path'") as caught:
        list(read_requests(path))
    assert caught.value.where == f"{path}:2"
    path.write_text('{"task": "zone"}\n')
    with pytest.raises(DamagedInput, match="is no request"):
        list(read_requests(path))
