"""`jdextract llm curve`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jdextract.assessment.curvefile import CostCurve
from tests.cli.conftest import Run
from tests.llm.fake_server import FakeServer, Scripted, says
from tests.samples import CORPUS, HANS, HANT

GOLD = (CORPUS / f"{HANS}.mark", CORPUS / f"{HANT}.mark")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JDEXTRACT_LLM_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_simulated(run: Run, tmp_path: Path) -> None:
    """Table, JSON and chart of a simulated teacher, at the price of a named model; the same seed gives the same bytes, and
    nothing is sent or cached."""
    files = [tmp_path / name for name in ("one.json", "two.json")]
    more = ("--asker", "simulated:0.9", "--llm", "gpt-4.1-mini", "--draws", 100)
    cache = ("--llm-cache", tmp_path / "llm.sqlite")
    done = run("llm", "curve", *GOLD, *more, *cache, "-o", files[0], "--svg", tmp_path / "curve.svg")
    assert done.exit_code == 0, done.output
    assert "simulated:0.9" in done.stdout
    assert "cost USD" in done.stdout
    assert "not among the candidates" in done.stderr
    assert (tmp_path / "curve.svg").read_text(encoding="utf-8").startswith("<svg")
    assert run("llm", "curve", *GOLD, *more, *cache, "-o", files[1], "-q").stdout == ""
    assert files[0].read_bytes() == files[1].read_bytes()
    curve = CostCurve.model_validate_json(files[0].read_bytes())
    assert (curve.asker.kind, curve.asker.priced_as) == ("simulated", "gpt-4.1-mini")
    assert curve.points[-1].cost
    assert not (tmp_path / "llm.sqlite").exists()


def test_real_endpoint(run: Run, tmp_path: Path) -> None:
    """With --llm the endpoint is asked about every duty, its tokens are counted, its confidence is measured; from the
    recording the same curve is drawn again without a call."""

    def answer(body: dict[str, Any], number: int) -> Scripted:
        words = body["messages"][-1]["content"].split("要判断的职责：")[1].splitlines()[0][:10]
        return says({"role": "other", "evidence": [words], "confidence": "高"}, tokens=(1000, 20))

    more = ("--llm", "m", "--llm-price", "1/10", "--llm-cache", tmp_path / "llm.sqlite", "--draws", 100)
    with FakeServer(answer) as server:
        url = ("--llm-base-url", server.url)
        done = run("llm", "curve", *GOLD, *more, *url, "-o", tmp_path / "curve.json")
        assert done.exit_code == 0, done.output
        curve = CostCurve.model_validate_json((tmp_path / "curve.json").read_bytes())
        last = curve.points[-1]
        assert last.calls == len(server.requests) == last.duties
        assert last.cost == pytest.approx(last.calls * (1000 * 1 + 20 * 10) / 1e6)
        assert last.tokens.estimated_calls == 0
        assert curve.outcomes == {"settled": last.duties}
        assert {check.stated: check.answers for check in curve.confidence} == {"高": last.duties, "中": 0, "低": 0}
        done = run("llm", "curve", *GOLD, *more, *url, "--llm-replay", "-o", tmp_path / "again.json")
        assert last.calls == len(server.requests)
    again = CostCurve.model_validate_json((tmp_path / "again.json").read_bytes())
    assert [point.accuracy for point in again.points] == [point.accuracy for point in curve.points]
    assert again.points[-1].tokens.estimated_calls == last.calls


def test_failures_are_told(run: Run, tmp_path: Path) -> None:
    """Duties that a limit left unasked keep their role, and the exit code says that the curve is of fewer calls."""
    with FakeServer([says({"role": "other", "evidence": ["数据"], "confidence": "高"})]) as server:
        done = run(
            *("llm", "curve", GOLD[0], "--llm", "m", "--llm-base-url", server.url, "--llm-max-calls", 1),
            *("--llm-cache", tmp_path / "llm.sqlite", "--draws", 100, "-o", tmp_path / "curve.json"),
        )
    assert done.exit_code == 3
    curve = json.loads((tmp_path / "curve.json").read_text(encoding="utf-8"))
    assert curve["points"][-1]["calls"] == 1
    assert curve["outcomes"]["failed:calls"] == curve["gold"]["duties"] - 1


def test_messages(run: Run) -> None:
    """Neither an asker nor a model, and an asker that is none, are told with what to give."""
    done = run("llm", "curve", *GOLD)
    assert (done.exit_code, "--llm MODEL" in done.stderr) == (1, True)
    done = run("llm", "curve", *GOLD, "--asker", "simulated:2")
    assert (done.exit_code, "simulated:0.9" in done.stderr) == (1, True)
