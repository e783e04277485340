"""`jdextract extract` over many documents: its options, its progress."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl
import pytest

from jdextract.cli import progress
from jdextract.cli.progress import Meter, estimate_documents
from tests.cli.conftest import Run
from tests.samples import HANS, gold

pytestmark = pytest.mark.usefixtures("stand_in")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [{"id": str(n), "text": gold(HANS).text} for n in range(70)] + [{"id": "x", "text": " "}]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_log_is_one_object_a_line(run: Run, table: Path, tmp_path: Path) -> None:
    """--log-json: time, level and event of each, with its fields."""
    run("extract", table, "-o", tmp_path / "r.jsonl", "--log-json", tmp_path / "log" / "l.jsonl")
    events = [json.loads(line) for line in (tmp_path / "log" / "l.jsonl").read_text().splitlines()]
    assert all({"time", "level", "event"} <= set(event) for event in events)
    assert [event["event"] for event in events if event["event"] != "kept"] == ["run begins", "failed", "run ends"]
    failed = next(event for event in events if event["event"] == "failed")
    assert (failed["error"], failed["path"]) == ("EmptyInput", f"{table}#x")


def test_a_profile_names_the_seconds_of_each_stage(run: Run, table: Path, tmp_path: Path) -> None:
    """--profile: JSON for programs, a table for people."""
    result = run("extract", table, "-o", tmp_path / "r.jsonl", "--profile", tmp_path / "p.json")
    profile = json.loads((tmp_path / "p.json").read_text())
    stages = ["loading", "reading", "extraction", "classification", "marking", "writing"]
    assert list(profile["seconds"]) == stages
    assert profile["documents"] == 70
    assert profile["seconds"]["extraction"] > 0
    assert [line.split()[0] for line in result.stderr.splitlines() if line.strip()][-6:] == stages


def test_a_run_sums_itself_up_beside_its_output(run: Run, table: Path, tmp_path: Path) -> None:
    """run.json with -o; none without; none that replaces the one of an output that stays as it was."""
    run("extract", table, "-o", tmp_path / "out" / "r.jsonl")
    assert json.loads((tmp_path / "out" / "run.json").read_text())["counts"]["extraction"]["documents"] == 70
    run("extract", tmp_path / "gone.txt", "-o", tmp_path / "out" / "r.jsonl")
    assert json.loads((tmp_path / "out" / "run.json").read_text())["counts"]["extraction"]["documents"] == 70
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["errors.jsonl", "r.jsonl", "run.json"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resume"], "--resume needs an output file"),
        (["--resume", "--restart", "-o", "r.jsonl"], "exclude each other"),
        (["-o", "run.json"], "written twice"),
    ],
)
def test_options_that_do_not_fit_are_a_message(
    run: Run, table: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    """What failed and what to try, exit code 1."""
    monkeypatch.chdir(table.parent)
    result = run("extract", table, *arguments)
    assert result.exit_code == 1
    assert message in result.stderr


def test_a_line_is_printed_now_and_then_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], table: Path
) -> None:
    """Count, rate, failures and the time that is left; with --quiet none."""
    monkeypatch.setattr(progress, "_LINE_SECONDS", -1.0)
    for quiet in (False, True):
        with Meter([str(table)], quiet=quiet) as meter:
            meter.begin(10, 1)
            meter._expected = 1_000
            meter._started -= 10  # the clock of ten seconds ago
            meter.advance("a", failed=True)
            meter.advance("b")
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("11 documents, 0/s, 2 failed, about ")
    assert second.startswith("12 documents, 0/s, 2 failed, about ")
    assert second.endswith(" left")


def test_documents_are_counted_beforehand(tmp_path: Path, table: Path) -> None:
    """Files, rows of tables by the length of the first ones; nothing is known of standard input."""
    csv = tmp_path / "t.csv"
    csv.write_text("id,text\n" + '1,"two\nlines"\n' * 9, encoding="utf-8")
    parquet = tmp_path / "t.parquet"
    pl.DataFrame({"text": ["a"] * 12}).write_parquet(parquet)
    page = tmp_path / "p.txt"
    page.write_text("x")
    assert estimate_documents([str(table)]) == 71
    assert estimate_documents([str(page), str(parquet)]) == 13
    assert estimate_documents([str(csv)]) == 10
    assert estimate_documents([str(tmp_path)]) == 71 + 10 + 12 + 1
    assert estimate_documents([str(page), "-"]) is None
    assert estimate_documents([str(tmp_path / "gone")]) in (0, None)


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
def test_a_device_takes_records_as_they_come(run: Run, table: Path) -> None:
    """`-o /dev/null` is no file that could be replaced: no journal, nothing left behind."""
    assert run("extract", table, "-o", "/dev/null").exit_code == 1  # a name without a suffix
    link = table.parent / "r.jsonl"
    link.symlink_to("/dev/null")
    assert run("extract", table, "-o", link).exit_code == 3
    assert link.is_symlink()
    assert not list(table.parent.glob(".*"))
