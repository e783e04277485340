"""`jdextract extract`."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jdextract.cli import progress
from jdextract.records import RoleRecord
from tests.cli.conftest import Run
from tests.samples import CRASH, HANS, HANT, MIXED, gold

pytestmark = pytest.mark.usefixtures("stand_in")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def expected_duties(*names: str) -> list[str]:
    return [duty.text for name in names for record in gold(name).records for duty in record.duties]


def test_records_go_to_standard_output(run: Run, pages: Path) -> None:
    """Without -o standard output holds JSON Lines and nothing else; the last line of standard error counts."""
    result = run("extract", pages)
    assert result.exit_code == 0
    records = [RoleRecord.model_validate_json(line) for line in result.stdout.splitlines()]
    assert [duty.text for record in records for duty in record.duties] == expected_duties(HANS, HANT, MIXED)
    duties = len(expected_duties(HANS, HANT, MIXED))
    assert result.stderr.startswith(f"3 documents, {len(records)} records, {duties} duties, 0 failures, ")
    assert result.stderr.endswith(" seconds\n")


def test_the_suffix_chooses_the_format(run: Run, pages: Path, tmp_path: Path) -> None:
    """JSON Lines, CSV and Parquet hold the same records."""
    for suffix in ("jsonl", "csv", "parquet"):
        result = run("extract", pages, "-o", tmp_path / "out" / f"r.{suffix}")
        assert (result.exit_code, result.stdout) == (0, "")
    duties = expected_duties(HANS, HANT, MIXED)
    records = lines(tmp_path / "out" / "r.jsonl")
    assert [duty["text"] for record in records for duty in record["duties"]] == duties
    with (tmp_path / "out" / "r.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["duty"] for row in csv.DictReader(file) if row["duty"]] == duties
    assert pl.read_parquet(tmp_path / "out" / "r.parquet").to_dicts() == records


def test_saved_texts_fit_the_spans(run: Run, tmp_path: Path) -> None:
    """`source[start:end] == text` holds for the saved text, whatever line ends the input had."""
    page = tmp_path / "page.txt"
    page.write_bytes(gold(HANS).text.replace("\n", "\r\n").encode())
    run("extract", page, "-o", tmp_path / "r.jsonl", "--save-text", tmp_path / "texts")
    (record,) = lines(tmp_path / "r.jsonl")
    text = (tmp_path / "texts" / f"{record['document']['id']}.txt").read_bytes().decode()
    for value in (record["title"], *record["duties"], *record["requirements"]):
        assert text[slice(*value["span"])] == value["text"]


def test_a_failed_input_is_a_line_of_errors_and_the_run_goes_on(run: Run, pages: Path, tmp_path: Path) -> None:
    """Exit code 3; the file of errors says path, stage, error, what and hint; standard error names it."""
    (pages / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(200)))
    (pages / "c.txt").write_bytes(b"")
    result = run("extract", pages, "-o", tmp_path / "r.jsonl")
    assert result.exit_code == 3
    failures = lines(tmp_path / "errors.jsonl")
    assert [Path(failure["path"]).name for failure in failures] == ["b.png", "c.txt"]
    assert all(set(failure) == {"path", "stage", "error", "what", "hint"} for failure in failures)
    assert "b.png" in result.stderr
    assert "2 failures" in result.stderr
    assert len({record["document"]["id"] for record in lines(tmp_path / "r.jsonl")}) == 3


def test_a_document_that_breaks_the_extraction_does_not_end_the_run(run: Run, pages: Path, tmp_path: Path) -> None:
    """An unforeseen exception is a failure with stage `extraction`; documents behind it are extracted."""
    (pages / "b.txt").write_text(f"招聘店长 {CRASH}", encoding="utf-8")
    result = run("extract", pages, "-o", tmp_path / "r.jsonl", "--html", tmp_path / "r.html")
    assert result.exit_code == 3
    (failure,) = lines(tmp_path / "errors.jsonl")
    assert (failure["stage"], failure["error"], failure["what"]) == ("extraction", "RuntimeError", "unforeseen page")
    assert "3 documents" in result.stderr
    assert "unforeseen page" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_nothing_read_leaves_the_old_output(run: Run, tmp_path: Path) -> None:
    """Exit code 1, and a good file of an earlier run is not replaced by an empty one; the errors are new."""
    (tmp_path / "r.jsonl").write_text("old")
    (tmp_path / "errors.jsonl").write_text("old")
    result = run("extract", tmp_path / "nowhere.txt", "-o", tmp_path / "r.jsonl")
    assert result.exit_code == 1
    assert (tmp_path / "r.jsonl").read_text() == "old"
    assert len(lines(tmp_path / "errors.jsonl")) == 1
    assert "no document was read" in result.stderr


def test_a_clean_run_leaves_no_old_errors(run: Run, pages: Path, tmp_path: Path) -> None:
    """An empty file of errors says that nothing failed."""
    (tmp_path / "errors.jsonl").write_text("old")
    run("extract", pages, "-o", tmp_path / "r.jsonl")
    assert (tmp_path / "errors.jsonl").read_text() == ""


def test_the_errors_go_where_they_are_told(run: Run, pages: Path, tmp_path: Path) -> None:
    """--errors, with records on standard output."""
    result = run("extract", pages, tmp_path / "gone.txt", "--errors", tmp_path / "e" / "failed.jsonl")
    assert result.exit_code == 3
    assert lines(tmp_path / "e" / "failed.jsonl")[0]["path"].endswith("gone.txt")


def test_the_summary_names_documents_and_titles(run: Run, pages: Path, tmp_path: Path) -> None:
    """A table with document, records, duties, requirements and first titles, on standard output beside -o."""
    result = run("extract", pages, "-o", tmp_path / "r.jsonl", "--summary")
    assert HANT in result.stdout
    title = gold(HANT).records[0].title
    assert title
    assert title.text in result.stdout
    assert len(expected_duties(HANT)) == int(next(r for r in result.stdout.splitlines() if HANT in r).split()[2])


def test_the_summary_keeps_out_of_the_data(run: Run, pages: Path) -> None:
    """With records on standard output the table is on standard error."""
    result = run("extract", pages, "--summary")
    assert all(line.startswith("{") for line in result.stdout.splitlines())
    assert "first titles" in result.stderr


def test_quiet_says_failures_only(run: Run, pages: Path, tmp_path: Path) -> None:
    """No counts with --quiet, but what failed is still said."""
    assert run("extract", pages, "-o", tmp_path / "r.jsonl", "-q").output == ""
    assert "gone.txt" in run("extract", pages, tmp_path / "gone.txt", "-o", tmp_path / "r.jsonl", "-q").stderr


def test_the_page_shows_the_run(run: Run, pages: Path, tmp_path: Path) -> None:
    """--html writes a page with every document and the labels of the taxonomy."""
    run("extract", pages, "-o", tmp_path / "r.jsonl", "--html", tmp_path / "r.html")
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert html.count('<article class="doc"') == 3
    assert 'lang="zh-Hant"' in html
    assert '<span lang="zh">store-operations</span>' not in html


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "r.xlsx"], ".parquet"),
        (["-o", "pages"], "is a folder"),
        (["-o", "r.jsonl", "--html", "r.jsonl"], "another output path"),
        (["--config", "none.toml"], "cannot be opened"),
    ],
)
def test_a_wrong_setting_is_a_message(
    run: Run, pages: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    """What failed and what to try, exit code 1, no traceback."""
    monkeypatch.chdir(pages.parent)
    if "-o" in arguments and arguments[1] == "pages":
        (pages.parent / "pages.jsonl").mkdir()
        arguments = ["-o", "pages.jsonl"]
    result = run("extract", pages, *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_an_input_is_never_written_over(run: Run, tmp_path: Path) -> None:
    """`extract a.jsonl -o a.jsonl` is refused."""
    page = tmp_path / "a.jsonl"
    page.write_text('{"text": "招聘店长"}\n', encoding="utf-8")
    assert run("extract", page, "-o", page).exit_code == 1
    assert page.read_text(encoding="utf-8") == '{"text": "招聘店长"}\n'


def test_options_reach_the_pipeline(run: Run, tmp_path: Path) -> None:
    """Columns of a table; options win over the file of settings."""
    table = tmp_path / "t.csv"
    text = gold(HANS).text.replace('"', '""')
    table.write_text(f'key,body\nx1,"{text}"\n', encoding="utf-8")
    settings = tmp_path / "s.toml"
    settings.write_text('[reading]\ntext_column = "nothing"\nid_column = "key"\n')
    result = run("extract", table, "--config", settings, "--text-column", "body")
    assert result.exit_code == 0, result.stderr
    sources = {json.loads(line)["document"]["source"] for line in result.stdout.splitlines()}
    assert sources == {f"{table}#x1"}


def test_usage_is_two(run: Run) -> None:
    """Typer's own code for a command line that is none."""
    assert run("extract").exit_code == 2
    assert run("extract", "x", "--region", "mars").exit_code == 2


def test_a_terminal_is_not_taken_over(run: Run, tmp_path: Path) -> None:
    """Escape sequences in a file name are shown, not sent."""
    name = tmp_path / "a\x1b[31mb.txt"
    name.write_bytes(b"")
    assert "\x1b" not in run("extract", name).stderr


def test_files_are_counted_for_the_bar(pages: Path) -> None:
    """Folders, files and patterns; standard input can't be counted."""
    assert progress._count_files([str(pages)]) == 3
    assert progress._count_files([str(pages / "*.txt"), str(pages / f"{HANS}.txt")]) == 4
    assert progress._count_files([str(pages), "-"]) is None


def test_the_bar_follows_files_and_documents(monkeypatch: pytest.MonkeyPatch, pages: Path) -> None:
    """Rows of one table move the count of documents; a new file moves the bar."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress.Meter([str(pages)], quiet=False) as meter:
        for source in ("a.csv#1", "a.csv#2", "b.txt"):
            meter.advance(source)
        assert meter._bar
        (task,) = meter._bar.tasks
        assert (task.completed, task.fields["documents"]) == (1, 3)


def test_a_closed_pipe_ends_quietly(pages: Path) -> None:
    """`jdextract extract … | head -1` says nothing; the code is the one of SIGPIPE."""
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "from tests.samples import *; from jdextract.pipeline import Pipeline; from jdextract.cli import main\n"
        "p = StandInPipeline(*map(gold, (HANS, HANT, MIXED)))\n"
        "Pipeline.extractor, Pipeline.classifier = p.extractor, p.classifier\n"
        "main()"
    )
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", program, root, "extract", *[str(pages)] * 40],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141
    process.stderr.close()
