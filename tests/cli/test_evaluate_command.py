"""`jdextract evaluate`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from jdextract.assessment import charts, crossvalidation
from jdextract.assessment.metricsfile import CrossValidation, MetricsFile
from jdextract.pipeline import Pipeline
from tests.assessment.test_gold import write_gold
from tests.cli.conftest import Run
from tests.judged import SENTENCES, SignClassifier, write_rows
from tests.samples import HANS, HANT, MIXED, StandInExtractor, gold


@pytest.fixture(autouse=True)
def signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Roles are told by signs; a pipeline with a model folder called `blind` knows none of them."""

    def classifier(self: Pipeline) -> SignClassifier:
        model = self.config.classification.model
        return SignClassifier({}, "blind") if model and model.name == "blind" else SignClassifier()

    known = {document.text: document for document in map(gold, (HANS, HANT, MIXED))}
    monkeypatch.setattr(Pipeline, "classifier", property(classifier))
    monkeypatch.setattr(Pipeline, "extractor", StandInExtractor(known))


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.jsonl")


def test_report_and_metrics_are_written(run: Run, rows: Path, tmp_path: Path) -> None:
    """Both files appear in the folder, the metrics are valid, and a short table is printed."""
    documents = write_gold(tmp_path / "gold", HANS, HANT)
    result = run("evaluate", documents, rows, "-o", tmp_path / "out", "--draws", 100)
    assert result.exit_code == 0, result.output
    metrics = MetricsFile.model_validate_json((tmp_path / "out" / "metrics.json").read_bytes())
    assert (metrics.gold.documents, metrics.gold.sentences, metrics.gold.no_duty_sentences) == (2, 7, 1)
    assert metrics.gold.inputs == (str(documents), str(rows))
    assert metrics.sampling.draws == 100
    assert "signs-1" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Role macro-F1" in result.stdout
    assert "0.8571" in result.stdout
    assert "documents: 2" in result.stderr


def test_without_a_folder_only_the_table_is_made(
    run: Run, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file is written, and the library of the charts is not needed."""
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    result = run("evaluate", rows, "--draws", 100)
    assert result.exit_code == 0
    assert "Role accuracy" in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_missing_library_is_said_before_anything_runs(
    run: Run, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-o` without the extra ends at once and says what to install."""
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    charts.load_converter.cache_clear()
    result = run("evaluate", rows, "-o", tmp_path / "out")
    charts.load_converter.cache_clear()
    assert result.exit_code == 1
    assert "jdextract[report]" in result.stderr
    assert "measuring" not in result.stderr


def test_a_figure_under_its_floor_fails(run: Run, rows: Path, tmp_path: Path) -> None:
    """Exit code 1 names the figure and not those that are above; the report is there all the same."""
    floors = ["--fail-under", "role_accuracy=0.9", "--fail-under", "sentence.family_accuracy=0.5"]
    result = run("evaluate", rows, "-q", "-o", tmp_path / "out", "--draws", 100, *floors)
    assert result.exit_code == 1
    assert result.stderr == "error: role_accuracy is 0.8571, under 0.9\n"
    assert result.stdout == ""
    assert (tmp_path / "out" / "report.html").is_file()


def test_floors_that_are_met_pass(run: Run, rows: Path) -> None:
    """A figure at or above its floor is no failure."""
    result = run("evaluate", rows, "-q", "--draws", 100, "--fail-under", "role_accuracy=0.85")
    assert (result.exit_code, result.output) == (0, "")


def test_an_unknown_figure_is_refused_with_a_guess(run: Run, rows: Path) -> None:
    """A typing error in a name is told at once, with names that are like it."""
    result = run("evaluate", rows, "--fail-under", "role_macrof1=0.5")
    assert result.exit_code == 1
    assert "role_macro_f1" in result.stderr
    assert "measuring" not in result.stderr


def test_a_baseline_gives_a_verdict(run: Run, rows: Path, tmp_path: Path) -> None:
    """Both models are measured on the same rows, and each figure has its verdict in words."""
    result = run("evaluate", rows, "--baseline", tmp_path / "blind", "-o", tmp_path / "out", "--draws", 100)
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert (written["model"], written["baseline"]) == ("signs-1", "blind")
    assert {measure["verdict"] for measure in written["comparison"]["sentence"]["measures"]} <= {
        "better",
        "worse",
        "cannot tell",
    }
    assert "verdict" in result.stdout
    assert 'id="comparison"' in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_gold_that_cannot_be_read_is_listed(run: Run, rows: Path) -> None:
    """The rest is measured, the broken row is named with its line, exit code 3."""
    rows.write_text(rows.read_text(encoding="utf-8") + "{}\n", encoding="utf-8")
    result = run("evaluate", rows, "--draws", 100)
    assert result.exit_code == 3
    assert f"failed: rows.jsonl:{len(SENTENCES) + 1}: is no labelled sentence" in result.stderr
    assert "Role accuracy" in result.stdout


def test_cross_validation_is_asked_for(run: Run, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The corpus of the option is trained on; the gap is printed and stands in the metrics."""
    asked: list[Path] = []

    def validate(corpus: Path, *_: object, **__: object) -> CrossValidation:
        asked.append(corpus)
        return CrossValidation(
            folds=5,
            sentences=10,
            clusters=5,
            grouped={},
            random={},
            gap=(),
            gap_in_words="Random folds flatter the model: +9.00 points.",
            learning_curve=(),
        )

    monkeypatch.setattr(crossvalidation, "cross_validate", validate)
    result = run("evaluate", rows, "--cross-validate", tmp_path, "-o", tmp_path / "out", "--draws", 100)
    assert result.exit_code == 0, result.output
    assert asked == [tmp_path]
    assert "+9.00 points" in result.stderr
    assert "+9.00 points" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_no_gold_is_said(run: Run, tmp_path: Path) -> None:
    """An empty folder ends with exit code 1 and what to give."""
    result = run("evaluate", tmp_path)
    assert result.exit_code == 1
    assert "holds no gold" in result.stderr
    assert "  try: " in result.stderr
