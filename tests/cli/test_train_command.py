"""`jdextract train --teacher`, on a corpus of six roles."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml

from jdextract.classification.teacher import label_key
from jdextract.extraction.extractor import Extractor
from jdextract.taxonomy import load_taxonomy
from tests.classification.conftest import DRAFT, MARKED, ROLES
from tests.cli.conftest import Run
from tests.cli.test_adapt_command import PAGE, write_rows

_OF_EACH = 8  # sentences of each role that the corpus has


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A small corpus of mainland sentences, a taxonomy of its six roles, a split file with a document to report on."""
    rows = [json.loads(line) for line in DRAFT.read_text(encoding="utf-8").splitlines()]
    kept = [row for role in ROLES for row in [r for r in rows if r["role"] == role and r["region"] == "cn"][:_OF_EACH]]
    for folder in ("duties", "documents", "pages"):
        (tmp_path / folder).mkdir()
    write_rows(tmp_path / "duties" / "few.jsonl", [(row["text"], row["role"]) for row in kept])
    for name in ("page", "kept"):
        (tmp_path / "documents" / f"{name}.mark").write_text(MARKED, encoding="utf-8")
    splits = "name,shape,hand,split,sample\npage,list,a,build,no\nkept,list,a,report,no\n"
    (tmp_path / "documents" / "splits.csv").write_text(splits, encoding="utf-8")
    whole = load_taxonomy().model_dump(mode="json")
    whole["roles"] = [role for role in whole["roles"] if role["id"] in ROLES]
    (tmp_path / "six.yaml").write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
    return tmp_path


@pytest.fixture
def taiwan(extractor: Extractor) -> list[tuple[str, str]]:
    """Sentences of a region that the corpus does not have, normalised, with their roles."""
    rows = [json.loads(line) for line in DRAFT.read_text(encoding="utf-8").splitlines()]
    return [(extractor.normalize(r["text"]), r["role"]) for r in rows if r["region"] == "tw" and r["role"] in ROLES]


def train(run: Run, corpus: Path, name: str, *more: object) -> Path:
    """The folder of a duty model."""
    done = run("train", corpus, "-o", corpus / name, "--only", "duty-role", "--taxonomy", corpus / "six.yaml", *more)
    assert done.exit_code == 0, done.stderr
    return corpus / name / "duty-role"


def accuracy(run: Run, corpus: Path, model: Path, rows: list[tuple[str, str]]) -> float:
    """Share of the sentences whose best role is right."""
    lines = "".join(f"{text}\n" for text, _ in rows)
    done = run("classify", "--model", model, "--taxonomy", corpus / "six.yaml", stdin=lines)
    found = [json.loads(line)["role"]["id"] for line in done.stdout.splitlines()]
    return sum(role == right for role, (_, right) in zip(found, rows, strict=True)) / len(rows)


def test_labels_of_a_new_region_lift_accuracy_on_it(run: Run, corpus: Path, taiwan: list[tuple[str, str]]) -> None:
    """A model that also learns a teacher's labels of one half of new text reads the other half much better; the labels of
    duties that stand in the reported documents are not learned, and what is gained on those is written."""
    taught, held_out = taiwan[::2], taiwan[1::2]
    write_rows(corpus / "teacher.jsonl", [*taught, ("审核报销凭证", "visual-designer")])
    plain = train(run, corpus, "plain")
    model = train(run, corpus, "taught", "--teacher", corpus / "teacher.jsonl")
    assert accuracy(run, corpus, model, held_out) > accuracy(run, corpus, plain, held_out) + 0.1
    metrics = json.loads((model / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["version"].startswith("adapted-")
    assert metrics["report"]["base"]["sentences"] == 2
    assert f"| {len(taught)} | duties" in (model / "card.md").read_text(encoding="utf-8")


def test_labels_by_digest_need_their_pages(run: Run, corpus: Path) -> None:
    """A CSV of digests teaches what stands in the given pages; without them the message says what to give."""
    with (corpus / "teacher.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("key", "role"), (label_key("按期申报增值税"), "accountant")])
    (corpus / "pages" / "one.txt").write_text(PAGE, encoding="utf-8")
    common = ("train", corpus, "-o", corpus / "model", "--only", "duty-role", "--taxonomy", corpus / "six.yaml")
    done = run(*common, "--teacher", corpus / "teacher.csv")
    assert done.exit_code == 1
    assert "--pages" in done.stderr
    assert not (corpus / "model").exists()
    done = run(*common, "--teacher", corpus / "teacher.csv", "--pages", corpus / "pages")
    assert done.exit_code == 0, done.stderr
    assert "1 duties labelled by the teacher" in done.stderr
