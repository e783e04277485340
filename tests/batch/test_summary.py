"""What a run says of itself: run.json, memory, the log, the profile."""

from __future__ import annotations

import json
import os
import platform
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

import jdextract
from jdextract.config import Config
from tests.batch.conftest import RunOf
from tests.batch.kill import finish, start
from tests.batch.standin import ABORT, text_of, write_table


@pytest.fixture
def summary(run: RunOf, table: Path, tmp_path: Path) -> dict[str, Any]:
    run([table, tmp_path / "gone.txt"], tmp_path / "out", 2)
    loaded: dict[str, Any] = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    return loaded


def test_the_summary_counts_every_stage(summary: dict[str, Any], tmp_path: Path) -> None:
    """Documents, failures by kind, what was dropped with its reason; the counts are those of the files."""
    lines = (tmp_path / "out" / "r.jsonl").read_text(encoding="utf-8").splitlines()
    duties = [duty for line in lines for duty in json.loads(line)["duties"]]
    counts = summary["counts"]
    assert counts["reading"] == {"documents": 319, "failed": 2}
    assert counts["extraction"] == {"documents": 318, "failed": 1, "records": len(lines), "duties": len(duties)}
    assert counts["classification"] == {"assigned": len(duties), "abstained": 0}
    assert counts["marking"]["repeated"] == sum(duty["duplicate_of"] is not None for duty in duties)
    assert summary["failures"] == {
        "extraction: RuntimeError": 1,
        "reading: EmptyInput": 1,
        "reading: MissingInput": 1,
    }
    assert summary["dropped"] == {"extraction: noise": 318}


def test_the_summary_names_what_the_run_depends_on(summary: dict[str, Any], tmp_path: Path) -> None:
    """Versions of the program, the language, the libraries and the models; the digest of the settings; the inputs."""
    assert summary["inputs"] == [str(tmp_path / "t.jsonl"), str(tmp_path / "gone.txt")]
    assert summary["config"]["digest"] == Config().digest()
    versions = summary["versions"]
    assert (versions["jdextract"], versions["python"]) == (jdextract.__version__, platform.python_version())
    assert {"numpy", "polars", "pydantic", "scikit-learn"} <= set(versions["libraries"])
    assert set(versions["models"]) == {"zoning", "duty-role"}
    assert set(summary["seconds"]) >= {"reading", "extraction", "classification", "marking", "writing"}
    assert summary["workers"] == 2
    assert summary["memory"]["parent"] > 1 << 20
    assert summary["memory"]["largest_worker"] > 1 << 20


def test_the_summary_tells_nothing_of_the_machine(summary: dict[str, Any]) -> None:
    """Neither its name nor its user nor anything of the environment."""
    text = json.dumps(summary)
    for secret in (socket.gethostname(), os.environ.get("HOME", ""), os.environ.get("PATH", "")):
        assert len(secret) < 4 or secret not in text


@pytest.mark.skipif(sys.platform == "win32", reason="no peak memory there")
def test_memory_does_not_grow_with_the_inputs(tmp_path: Path) -> None:
    """Six times the documents, 27 MB instead of 4.5 in one table: the parent's peak is the same to a few MB."""
    peaks = []
    for documents in (300, 1_800):
        table = write_table(
            tmp_path / f"{documents}.jsonl", documents, {n: text_of(n) + "、" * 5_000 for n in range(documents)}
        )
        out = tmp_path / f"out{documents}"
        code, errors = finish(start([str(out), ".csv", "2", str(table)]))
        assert code == 0, errors
        assert len((out / "r.csv").read_bytes()) > documents * 5_000
        peaks.append(json.loads((out / "run.json").read_text())["memory"]["parent"])
    assert peaks[1] - peaks[0] < 15 << 20


def test_the_log_tells_what_happened_to_workers_and_documents(
    run: RunOf, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that ended and a document that was put aside are events with fields."""
    table = write_table(tmp_path / "t.jsonl", 200, {10: f"x\n{ABORT}"})
    with caplog.at_level("INFO", logger="jdextract.batch"):
        run([table], tmp_path / "out", 2)
    events = [record.getMessage() for record in caplog.records]
    assert events[0] == "run begins"
    assert events[-1] == "run ends"
    assert events.count("worker ended") == 2
    (aside,) = (record for record in caplog.records if record.getMessage() == "document put aside")
    assert aside.__dict__["fields"]["path"].endswith("#10")
