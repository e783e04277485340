"""`jdextract explain`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.samples import HANS, HANT, gold

pytestmark = pytest.mark.usefixtures("stand_in")


@pytest.mark.parametrize("name", [HANS, HANT])
def test_every_decision_is_shown(run: Run, pages: Path, name: str) -> None:
    """Zone, rule, span and role of each segment and duty, in both scripts."""
    result = run("explain", pages / f"{name}.txt")
    assert result.exit_code == 0
    record = gold(name).records[0]
    assert record.title
    assert f"record 0: {record.title.text}" in result.stdout
    for duty in record.duties:
        row = next(line for line in result.stdout.splitlines() if duty.text[:8] in line and "store-operations" in line)
        assert f"{duty.span[0]}-{duty.span[1]}" in row
        assert "stand-in" in row
    assert "requirement" in result.stdout


def test_a_row_is_one_line(run: Run, tmp_path: Path) -> None:
    """A long duty is shortened to the width of the line; wide characters count double."""
    from rich.cells import cell_len

    page = tmp_path / "page.txt"
    page.write_text(gold(HANT).text, encoding="utf-8")
    result = run("explain", page)
    assert max(cell_len(line) for line in result.stdout.splitlines()) <= 160


def test_json_holds_the_whole_trail(run: Run, pages: Path) -> None:
    """One object a document; each segment's text is its span of the source."""
    result = run("explain", pages / f"{HANS}.txt", "--json")
    trail = json.loads(result.stdout)
    text = gold(HANS).text
    assert trail["segments"]
    assert all(text[slice(*segment["span"])] == segment["text"] for segment in trail["segments"])
    assert [r["headcount"] for r in trail["records"]] == [
        int(r.headcount.text) if r.headcount else None for r in gold(HANS).records
    ]


def test_what_cannot_be_read_is_said(run: Run, tmp_path: Path) -> None:
    """Exit code 1 and one line."""
    result = run("explain", tmp_path / "gone.txt")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "gone.txt" in result.stderr


def test_a_terminal_is_not_taken_over(run: Run, tmp_path: Path) -> None:
    """Escape sequences in scraped text are shown, not sent."""
    page = tmp_path / "page.txt"
    page.write_text("招聘店长\x1b[2J负责运营", encoding="utf-8")
    assert "\x1b" not in run("explain", page).stdout
