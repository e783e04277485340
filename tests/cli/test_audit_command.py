"""`jdextract corpus audit`, on a corpus of three roles."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Run
from tests.test_audit import SMALL, make_rows

WRONG = {"id": "wrong-1", "role": "customer-service", "text": "编制利润表、登记总账"}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus with one wrong label, and its taxonomy."""
    (tmp_path / "duties").mkdir()
    rows = [{"id": row.id, "role": row.role, "text": row.text} for row in make_rows()]
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in (*rows, WRONG)]
    (tmp_path / "duties" / "few.jsonl").write_text("".join(lines), encoding="utf-8")
    text = yaml.safe_dump(SMALL.model_dump(mode="json"), allow_unicode=True)
    (tmp_path / "three.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def read_sheet(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def decide(path: Path, decision: str) -> None:
    """Write a decision about the wrong label into a sheet."""
    rows = read_sheet(path)
    for row in rows:
        if row["ids"] == WRONG["id"]:
            row["decision"] = decision
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        sheet = csv.DictWriter(file, rows[0])
        sheet.writeheader()
        sheet.writerows(rows)


def test_from_audit_to_fix(run: Run, corpus: Path) -> None:
    """The sheet names the wrong label; what a reviewer writes into it changes the corpus, and the next audit is content."""
    taxonomy, sheet = ("--taxonomy", corpus / "three.yaml"), corpus / "sheet.csv"
    made = run("corpus", "audit", corpus, "-o", sheet, "--folds", "3", "--seed", "1", *taxonomy)
    assert made.exit_code == 0, made.stderr
    assert f"{len(make_rows()) + 1} duties" in made.stderr
    assert "likely wrong roles" in made.stderr
    (row,) = (row for row in read_sheet(sheet) if row["ids"] == WRONG["id"])
    assert (row["kind"], row["given_role"], row["suggested_role"]) == ("label-error", WRONG["role"], "accountant")
    assert (row["text"], row["rows"], row["decision"]) == (WRONG["text"], "1", "")
    before = (corpus / "duties" / "few.jsonl").read_text(encoding="utf-8")
    decide(sheet, row["suggested_role"])
    fixed = run("corpus", "audit", corpus, "--fix", sheet, "-o", corpus / "second.csv", "--folds", "3", *taxonomy)
    assert fixed.exit_code == 0, fixed.stderr
    assert "1 roles changed, 0 rows dropped in few.jsonl" in fixed.stderr
    after = (corpus / "duties" / "few.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(after[-1]) == WRONG | {"role": "accountant"}
    assert after[:-1] == before.splitlines()[:-1]
    assert WRONG["id"] not in {row["ids"] for row in read_sheet(corpus / "second.csv")}


def test_a_decision_that_does_not_fit(run: Run, corpus: Path) -> None:
    """It is named with a hint, and the corpus stays."""
    before = (corpus / "duties" / "few.jsonl").read_bytes()
    sheet = corpus / "sheet.csv"
    sheet.write_text(f"ids,given_role,decision\n{WRONG['id']},customer-service,astronaut\n", encoding="utf-8")
    made = run("corpus", "audit", corpus, "--fix", sheet, "--taxonomy", corpus / "three.yaml")
    assert made.exit_code == 1
    assert "sheet.csv:2: decision 'astronaut'" in made.stderr
    assert "try: " in made.stderr
    assert (corpus / "duties" / "few.jsonl").read_bytes() == before


def test_nothing_to_do(run: Run, corpus: Path) -> None:
    """Without a sheet to write or to read the message says what to give."""
    made = run("corpus", "audit", corpus)
    assert made.exit_code == 1
    assert "-o SHEET" in made.stderr


def test_without_the_extra(run: Run, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without cleanlab nothing is written, and the message names the extra."""
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)
    made = run("corpus", "audit", corpus, "-o", corpus / "sheet.csv", "--taxonomy", corpus / "three.yaml")
    assert made.exit_code == 1
    assert "jdextract[audit]" in made.stderr
    assert not (corpus / "sheet.csv").exists()
