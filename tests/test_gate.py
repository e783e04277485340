"""Quality gate: scores on annotated documents that no model has seen have pinned floors.

`python -m tests.update_gate` measures again and writes the floors; it refuses to lower one without `--lower`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jdextract.annotation import GoldDocument, GoldRecord, Labelled, gold_json, read_marked
from jdextract.classification.features import fold_duty, read_texts
from jdextract.classification.model import roles_of, share_out
from jdextract.classification.settings import Settings
from jdextract.classification.training import Example, fit
from jdextract.classification.validation import score
from jdextract.corpus import read_splits
from jdextract.evaluation.extraction import ExtractionScore
from jdextract.pipeline import Pipeline
from jdextract.records import SourceText

ROOT = Path(__file__).parents[1]
DOCUMENTS = ROOT / "corpus" / "documents"
FLOORS = Path(__file__).parent / "gate.json"
STANDOFF = Path(__file__).parent / "standoff" / "postings.jsonl"
GOLD = ROOT.parent / "shared" / "gold"


def report_documents() -> list[GoldDocument]:
    splits = read_splits(DOCUMENTS)
    return [d for d in read_marked(DOCUMENTS) if splits[d.name].split == "report"]


def digest(documents: list[GoldDocument]) -> str:
    gold = [[d.text, gold_json(d)] for d in documents]
    return hashlib.sha256(json.dumps(gold, ensure_ascii=False).encode()).hexdigest()[:16]


def measure(documents: list[GoldDocument], pipeline: Pipeline) -> dict[str, float]:
    total = ExtractionScore()
    for document in documents:
        total.add(document, pipeline.extract_one(SourceText("0" * 16, document.name, document.text)))
    return total.figures()


def duty_parts() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(text, role) of three tenths of the labelled duties to learn and of one tenth to score, by a hash of their id."""
    parts: dict[int, list[tuple[str, str]]] = {}
    for path in sorted((ROOT / "corpus" / "duties").glob("*.jsonl")):
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            part = int(hashlib.sha256(row["id"].encode()).hexdigest(), 16) % 10
            parts.setdefault(part, []).append((row["text"], row["role"]))
    return parts[0] + parts[1] + parts[2], parts[3]


def digest_duties() -> str:
    return hashlib.sha256(json.dumps(duty_parts(), ensure_ascii=False).encode()).hexdigest()[:16]


def measure_duties(pipeline: Pipeline) -> dict[str, float]:
    """What a model of three tenths of the sentences does on another tenth: the learner, not the shipped model."""
    settings, extractor = Settings(), pipeline.extractor
    learned, scored = (
        [Example(fold_duty(extractor.normalize(text)), role) for text, role in part] for part in duty_parts()
    )
    fitted = fit(learned, settings.training, extractor.cut)
    decisions = fitted.decision_function(read_texts([example.text for example in scored], extractor.cut))
    logs = share_out(decisions, fitted.classes_, settings)
    found = score(logs, roles_of(fitted), [example.role for example in scored], settings.threshold)
    return {name: found[name] for name in ("accuracy", "macro_f1", "accuracy_when_assigned")}


def test_duty_floors(pipeline: Pipeline) -> None:
    """The duty learner, trained on a fixed part of the sentences, is not below its floors on another fixed part."""
    pinned = json.loads(FLOORS.read_text(encoding="utf-8"))["duties"]
    assert digest_duties() == pinned["digest"], "the sentences changed: python -m tests.update_gate"
    figures = measure_duties(pipeline)
    print("\nduties, three tenths learned, one tenth scored:", json.dumps(figures))
    low = {name: (figures[name], floor) for name, floor in pinned["floors"].items() if figures[name] < floor}
    assert not low, f"below the floor (found, floor): {low}"


def test_floors(pipeline: Pipeline) -> None:
    """On the documents kept for reporting no figure is below its floor, and the documents are those of the floors."""
    pinned = json.loads(FLOORS.read_text(encoding="utf-8"))["documents"]
    documents = report_documents()
    assert digest(documents) == pinned["digest"], "the documents changed: python -m tests.update_gate"
    figures = measure(documents, pipeline)
    print(f"\n{len(documents)} documents kept for reporting:", json.dumps(figures))
    low = {name: (figures[name], floor) for name, floor in pinned["floors"].items() if figures[name] < floor}
    assert not low, f"below the floor (found, floor): {low}"
    assert figures["spans_that_do_not_hold"] == 0


@pytest.mark.shared
def test_real_documents(pipeline: Pipeline, tmp_path: Path) -> None:
    """The four real documents are scored by the reference scorer, and our scorer gives the same figures."""
    lines = []
    for path in sorted((GOLD / "documents").glob("*.txt")):
        source = SourceText("0" * 16, path.name, path.read_text(encoding="utf-8"))
        lines += [record.model_dump_json() for record in pipeline.extract_one(source)]
    records = tmp_path / "records.jsonl"
    records.write_text("\n".join(lines) + "\n", encoding="utf-8")
    scorer = GOLD.parent / "eval" / "score.py"
    run = subprocess.run(
        [sys.executable, str(scorer), "extract", str(GOLD / "documents"), str(GOLD), str(records)],
        capture_output=True,
        text=True,
        check=True,
    )
    print("\nreal documents:\n" + run.stdout)
    figures = dict(line.split() for line in run.stdout.splitlines())
    assert float(figures["spans_that_do_not_hold"]) == 0
    assert float(figures["duty.f1"]) >= 0.88


def posting_documents() -> list[GoldDocument]:
    """Real postings with annotations that stand apart from their text, which may not enter the project."""
    rows = [json.loads(line) for line in STANDOFF.read_text(encoding="utf-8").splitlines()]
    documents = []
    for name in sorted({row["file"] for row in rows}):
        with gzip.open(GOLD.parent / "postings" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            postings = [json.loads(line) for line in file]
        for row in rows:
            if row["file"] == name:
                posting = postings[row["row"]]
                text = f"{posting['title']}\n{posting['text']}"
                assert len(text) == row["length"]
                records = tuple(read_record(text, record) for record in row["records"])
                documents.append(GoldDocument(f"{name}-{row['row']}", text, records))
    return documents


def read_record(text: str, record: dict[str, Any]) -> GoldRecord:
    def value(span: list[Any] | None) -> Labelled | None:
        return Labelled(text[span[0] : span[1]], (span[0], span[1]), *span[2:]) if span else None

    def values(spans: list[list[Any]]) -> list[Labelled]:
        return [labelled for span in spans if (labelled := value(span))]

    return GoldRecord(
        value(record["title"]),
        record["role"],
        record["start"],
        value(record["headcount"]),
        values(record["duties"]),
        values(record["requirements"]),
        values(record["compensation"]),
    )


@pytest.mark.shared
def test_real_postings(pipeline: Pipeline) -> None:
    """On 120 real postings of five sources, used to choose settings but never trained on, duties are found."""
    documents = posting_documents()
    figures = measure(documents, pipeline)
    print(f"\n{len(documents)} real postings:", json.dumps(figures))
    assert figures["duty.f1"] >= 0.90
    assert figures["requirement.f1"] >= 0.80
    assert figures["spans_that_do_not_hold"] == 0
