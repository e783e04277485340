"""`jdextract corpus agreement`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

FIRST = {"a": "accountant", "b": "other", "c": "visual-designer", "=d": "other", "e": "none"}
SECOND = {"a": "accountant", "b": "administrator", "c": "visual-designer", "=d": "accountant", "f": "other"}
TEXTS = {"a": "审核凭证", "b": "=收发文件", "c": "制作图片", "=d": "核对账目", "e": "熟悉软件", "f": "浇花"}


def write(path: Path, labels: dict[str, str]) -> Path:
    if path.suffix == ".csv":
        path.write_text("id,role\n" + "".join(f"{id_},{role}\n" for id_, role in labels.items()), encoding="utf-8")
    else:
        rows = [{"id": id_, "role": role, "text": TEXTS[id_]} for id_, role in labels.items()]
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def readings(tmp_path: Path) -> tuple[Path, Path]:
    return write(tmp_path / "first.jsonl", FIRST), write(tmp_path / "second.csv", SECOND)


def read_sheet(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_kappa_by_role_and_disagreements_are_printed(run: Run, readings: tuple[Path, Path]) -> None:
    """Rows of both, kappa with its interval, each role, each disagreement with its text."""
    result = run("corpus", "agreement", *readings)
    assert result.exit_code == 0, result.output
    assert "4 rows in both, 2 agreed, kappa 0.3" in result.stdout
    assert "[" in result.stdout.splitlines()[0]
    assert "only in the first: 1, only in the second: 1" in result.stdout
    assert "b: other or administrator  =收发文件" in result.stdout
    assert any(line.split()[:4] == ["visual-designer", "1", "1", "1"] for line in result.stdout.splitlines())


def test_the_way_of_a_sheet(run: Run, readings: tuple[Path, Path], tmp_path: Path) -> None:
    """Disagreements go out as CSV that starts no formula; filled and read back, the labels are merged."""
    sheet, merged = tmp_path / "sheet.csv", tmp_path / "merged.jsonl"
    assert run("corpus", "agreement", *readings, "-o", sheet).exit_code == 0
    rows = read_sheet(sheet)
    assert [(row["id"], row["text"]) for row in rows] == [("'=d", "核对账目"), ("b", "'=收发文件")]
    for row in rows:
        row["settled"] = "accountant"
    with sheet.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    result = run("corpus", "agreement", *readings, "--settled", sheet, "-o", merged)
    assert result.exit_code == 0, result.output
    found = [json.loads(line) for line in merged.read_text(encoding="utf-8").splitlines()]
    assert [(row["id"], row["role"], row["by"]) for row in found] == [
        ("a", "accountant", "both"),
        ("b", "accountant", "settled"),
        ("c", "visual-designer", "both"),
        ("=d", "accountant", "settled"),
        ("e", "none", "first"),
        ("f", "other", "second"),
    ]
    assert found[1]["text"] == "=收发文件"
    csv_file = tmp_path / "merged.csv"
    run("corpus", "agreement", *readings, "--settled", sheet, "-o", csv_file)
    assert [row["id"] for row in read_sheet(csv_file)] == ["a", "b", "c", "'=d", "e", "f"]


def test_what_is_not_settled_is_left_out(run: Run, readings: tuple[Path, Path], tmp_path: Path) -> None:
    """An empty cell leaves its row out of the merged file, exit code 3 says so."""
    sheet = tmp_path / "sheet.csv"
    run("corpus", "agreement", *readings, "-o", sheet)
    result = run("corpus", "agreement", *readings, "--settled", sheet, "-o", tmp_path / "merged.csv")
    assert result.exit_code == 3
    assert "2 not settled" in result.stderr
    assert {row["id"] for row in read_sheet(tmp_path / "merged.csv")} == {"a", "c", "e", "f"}


def test_without_texts_there_is_no_interval(run: Run, tmp_path: Path) -> None:
    """Two CSV files with ids and roles alone are compared; groups need texts, so kappa stands alone."""
    result = run("corpus", "agreement", write(tmp_path / "a.csv", FIRST), write(tmp_path / "b.csv", SECOND))
    assert result.exit_code == 0, result.output
    assert "[" not in result.stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,label\na,other\n", "no 'role'"),
        ("id,role\na,other\na,other\n", "id 'a' stands twice"),
        ("id,role\n", "holds no labels"),
    ],
)
def test_a_broken_reading_is_named(run: Run, tmp_path: Path, content: str, message: str) -> None:
    """A missing column, an id that stands twice and an empty file are told with their place."""
    (tmp_path / "a.csv").write_text(content, encoding="utf-8")
    result = run("corpus", "agreement", tmp_path / "a.csv", write(tmp_path / "b.csv", SECOND))
    assert result.exit_code == 1
    assert message in result.stderr
    assert "a.csv" in result.stderr


def test_settling_needs_a_file_to_write(run: Run, readings: tuple[Path, Path], tmp_path: Path) -> None:
    """--settled without -o would do nothing, so it is refused."""
    result = run("corpus", "agreement", *readings, "--settled", tmp_path / "sheet.csv")
    assert result.exit_code == 1
    assert "-o" in result.stderr
