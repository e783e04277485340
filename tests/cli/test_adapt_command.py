"""`jdextract adapt`, on a corpus of six roles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from jdextract.taxonomy import load_taxonomy
from tests.classification.conftest import DRAFT, MARKED, ROLES
from tests.cli.conftest import Run

PAGE = "会计\n岗位职责：\n1、每月编制资产负债表和利润表；\n2、审核原始凭证并登记账簿；\n3、按期申报增值税。\n任职要求：\n1、大专以上。"
LABELLED = [
    ("审核报销单据，登记明细账", "accountant"),
    ("接听买家来电并答复", "customer-service"),
    ("清点库存", "warehouse-keeper"),
]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus, a taxonomy of its six roles, pages without labels and a labelled file."""
    rows = [json.loads(line) for line in DRAFT.read_text(encoding="utf-8").splitlines()]
    kept = [row for role in ROLES for row in [r for r in rows if r["role"] == role and r["script"] == "hans"][:25]]
    for folder in ("duties", "documents", "pages"):
        (tmp_path / folder).mkdir()
    write_rows(tmp_path / "duties" / "few.jsonl", [(row["text"], row["role"]) for row in kept])
    write_rows(tmp_path / "checked.jsonl", LABELLED)
    (tmp_path / "documents" / "page.mark").write_text(MARKED, encoding="utf-8")
    (tmp_path / "pages" / "one.txt").write_text(PAGE, encoding="utf-8")
    whole = load_taxonomy().model_dump(mode="json")
    whole["roles"] = [role for role in whole["roles"] if role["id"] in ROLES]
    (tmp_path / "six.yaml").write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
    return tmp_path


def write_rows(path: Path, rows: list[tuple[str, str]]) -> None:
    lines = (json.dumps({"text": text, "role": role}, ensure_ascii=False) + "\n" for text, role in rows)
    path.write_text("".join(lines), encoding="utf-8")


def test_own_pages_and_taxonomy(run: Run, corpus: Path) -> None:
    """Pages without labels give an adapted model of one's own taxonomy, which says what it gained and can be used."""
    taxonomy = ("--taxonomy", corpus / "six.yaml")
    (corpus / "pages" / "empty.txt").write_bytes(b"")
    made = run(
        *("adapt", corpus / "pages", "-o", corpus / "model", "--corpus", corpus, *taxonomy),
        *("--labelled", corpus / "checked.jsonl"),
    )
    assert made.exit_code == 0, made.stderr
    assert "checked: accuracy" in made.stderr
    assert "empty.txt" in made.stderr  # what can't be read is told
    metrics = json.loads((corpus / "model" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["version"].startswith("adapted-")
    assert set(metrics["checked"]["base"]) == set(metrics["checked"]["adapted"])
    used = run("classify", "--model", corpus / "model", *taxonomy, stdin="每月编制利润表\n")
    assert json.loads(used.stdout)["role"]["id"] == "accountant"


def test_pages_without_titles_teach_nothing(run: Run, corpus: Path) -> None:
    """Where no duty stands below a title nothing is written, and the message says what to give."""
    (corpus / "pages" / "one.txt").write_text("今天天气很好，我们去爬山。", encoding="utf-8")
    made = run(
        *("adapt", corpus / "pages", "-o", corpus / "model", "--corpus", corpus, "--taxonomy", corpus / "six.yaml")
    )
    assert made.exit_code == 1
    assert "with position titles" in made.stderr
    assert not (corpus / "model").exists()


def test_labelled_file_that_is_none(run: Run, corpus: Path) -> None:
    """A labelled file that is not JSON lines with text and role is named."""
    (corpus / "checked.jsonl").write_text("nothing\n", encoding="utf-8")
    made = run(
        *("adapt", corpus / "pages", "-o", corpus / "model", "--corpus", corpus),
        *("--taxonomy", corpus / "six.yaml", "--labelled", corpus / "checked.jsonl"),
    )
    assert made.exit_code == 1
    assert "checked.jsonl" in made.stderr
