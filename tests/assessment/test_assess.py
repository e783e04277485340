"""What is measured on gold, and metrics.json."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import jdextract
from jdextract.assessment import Assessment, assess, find_figure, find_low, list_figures, parse_floor
from jdextract.assessment.gold import Gold, load_gold
from jdextract.assessment.judging import find_templates, make_pipeline
from jdextract.assessment.measurement import make_role_measures
from jdextract.assessment.metricsfile import SCHEMA, MetricsFile, make_schema
from jdextract.errors import ConfigError
from jdextract.evaluation.measures import value_of
from jdextract.pipeline import Pipeline
from tests.conftest import SHARED
from tests.judged import (
    DRAWS,
    FAMILIES,
    SENTENCES,
    SIGNS,
    TAXONOMY,
    SignClassifier,
    assess_all,
    assess_rows,
    label,
    make_gold,
    make_sign_pipeline,
)
from tests.samples import HANS, HANT, MIXED, gold

DATA = Path(jdextract.__file__).parent / "data"


@pytest.fixture(scope="module")
def full() -> Assessment:
    return assess_all()


def test_figures_by_hand() -> None:
    """Accuracy, top 3, coverage and accuracy when assigned of four rows are what one counts."""
    truth = ["accountant", "user-operations", "other", "merchandising"]
    classifier = SignClassifier()
    roles = classifier.classify(["凭证", "客户", "无", "客户"])
    measures = make_role_measures(truth, roles, FAMILIES)
    values = {name: value_of(measure) for name, measure in measures.items()}
    assert values["role_accuracy"] == 2 / 4  # accountant, other
    assert values["top_3_accuracy"] == 3 / 4  # merchandising is the third candidate of the last row
    assert values["coverage"] == 3 / 4
    assert values["accuracy_when_assigned"] == 1 / 3
    assert values["role_macro_f1"] == pytest.approx((1 + 0 + 1 + 0) / 4)


def test_sentences_that_are_no_duty_stand_apart() -> None:
    """`none` is in no figure of roles; what was assigned to it is counted by itself."""
    metrics = assess_rows().metrics
    assert metrics.roles["sentence"].rows == len(SENTENCES) - 1
    assert metrics.figures["sentence.role_accuracy"].value == pytest.approx(6 / 7)
    assert metrics.no_duty is not None
    assert metrics.no_duty.assigned == {"customer-service": 1}
    assert metrics.figures["no_duty.false_assignments"].value == 1.0
    assert "none" not in metrics.roles["sentence"].confusion.labels


def test_copies_of_a_template_are_drawn_together() -> None:
    """Two sentences that differ in the platform are one group of the bootstrap, and so count as one."""
    texts = [text for text, _ in SENTENCES]
    groups = find_templates(texts, Pipeline().config.deduplication)
    assert groups[2] == groups[3]
    assert len(set(groups)) == len(texts) - 1
    assert assess_rows().metrics.roles["sentence"].groups == len(SENTENCES) - 2


def test_documents_are_the_groups_of_their_duties() -> None:
    """Duties of three documents have three groups, and each set of rows of a document is there."""
    documents = [gold(name) for name in (HANS, HANT, MIXED)]
    found = assess(make_gold(*documents), make_sign_pipeline(*documents), TAXONOMY, draws=DRAWS)
    assert set(found.metrics.roles) == {"gold_duty", "matched_duty", "matched_title"}
    assert found.metrics.roles["matched_duty"].groups == 3
    assert found.metrics.roles["matched_duty"].grouped_by == "documents"
    assert found.metrics.primary == "matched_duty"
    duties = sum(len(record.duties) for document in documents for record in document.records)
    assert found.metrics.roles["gold_duty"].rows == found.metrics.roles["matched_duty"].rows == duties
    for row in found.sets[0].rows:
        document = next(d for d in documents if d.name == row.place)
        assert row.before + row.text + row.after in document.text


def test_slices_have_their_rows() -> None:
    """Each given value is a slice with its rows and figures; the script is detected where it is not given."""
    rows = [*label(SENTENCES[:4], industry="retail"), *label(SENTENCES[4:7], industry="logistics")]
    rows = [replace(row, id=f"r{i}") for i, row in enumerate(rows)]
    found = assess(Gold(sentences=rows), make_sign_pipeline(), TAXONOMY, draws=DRAWS)
    slices = found.metrics.roles["sentence"].slices
    assert {part.value: part.rows for part in slices["industry"]} == {"retail": 4, "logistics": 3}
    assert slices["industry"][0].figures["role_accuracy"].value == 1.0
    assert sum(part.rows for part in slices["script"]) == 7
    assert "hans" in {part.value for part in slices["script"]}
    assert "register" not in slices


def test_titles_are_read_with_their_sentences() -> None:
    """Sentences with a title make a set of their own beside the sentences alone."""
    given = Gold(sentences=label(SENTENCES[:3], title="会计"))
    found = assess(given, make_sign_pipeline(), TAXONOMY, draws=DRAWS)
    assert list(found.metrics.roles) == ["sentence", "sentence_with_title"]
    assert found.metrics.primary == "sentence"


def test_the_same_model_twice_cannot_be_told_apart() -> None:
    """No verdict, a difference of 0 and no discordant rows."""
    comparison = assess_rows(baseline=make_sign_pipeline()).metrics.comparison["sentence"]
    assert {measured.verdict for measured in comparison.measures} == {"cannot tell"}
    assert comparison.mcnemar.new_only == comparison.mcnemar.base_only == 0
    assert all(line.startswith("cannot tell: ") for line in comparison.verdicts)


def test_coverage_gets_no_verdict() -> None:
    """To assign more is neither better nor worse by itself."""
    comparison = assess_rows(baseline=make_sign_pipeline()).metrics.comparison["sentence"]
    assert not {"coverage", "accuracy_when_assigned"} & {measured.name for measured in comparison.measures}
    assert "aurc" in {measured.name for measured in comparison.measures}


def test_a_better_model_is_called_better() -> None:
    """A baseline that knows none of the signs is worse on many distinct sentences, and the words say so."""
    rng = random.Random(1)
    signs = list(SIGNS.items())
    rows = []
    for _ in range(60):
        sign, role = rng.choice(signs)
        rows.append(("".join(chr(rng.randrange(0x5000, 0x9000)) for _ in range(8)) + sign, role))
    blind = make_sign_pipeline(signs={}, version="blind")
    metrics = assess_rows(rows, baseline=blind).metrics
    comparison = metrics.comparison["sentence"]
    accuracy = next(measured for measured in comparison.measures if measured.name == "role_accuracy")
    assert (accuracy.base, accuracy.new, accuracy.verdict) == (0.0, 1.0, "better")
    assert comparison.mcnemar.new_only == 60
    assert comparison.mcnemar.p_value < 0.001
    assert metrics.baseline == "blind"


def _without_words(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _without_words(value) for key, value in schema.items() if key != "description"}
    return [_without_words(value) for value in schema] if isinstance(schema, list) else schema


def test_the_shipped_schema_is_that_of_the_code() -> None:
    """`data/evaluation/metrics.schema.json` is what `metricsfile.make_schema` gives; write it anew after a change."""
    shipped = json.loads((DATA / SCHEMA).read_text(encoding="utf-8"))
    assert _without_words(shipped) == _without_words(json.loads(make_schema()))


def test_metrics_fit_the_schema(full: Assessment) -> None:
    """What is written fits the shipped schema and comes back the same; a missing key does not fit."""
    schema = json.loads((DATA / SCHEMA).read_text(encoding="utf-8"))
    written = json.loads(full.metrics.model_dump_json())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(written, schema)
    assert MetricsFile.model_validate_json(full.metrics.model_dump_json()) == full.metrics
    del written["figures"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written, schema)


def test_figures_have_the_names_that_are_announced(full: Assessment) -> None:
    """Every name of a run is one of `list_figures`, and a name without a prefix is of the primary set."""
    assert set(full.metrics.figures) == set(list_figures())
    assert find_figure(full.metrics, "role_accuracy") is full.metrics.figures["sentence.role_accuracy"]
    assert find_figure(full.metrics, "duty.f1") is full.metrics.figures["duty.f1"]


def test_the_same_gold_gives_the_same_figures() -> None:
    """Nothing depends on the clock or on chance."""
    assert assess_rows().metrics == assess_rows().metrics


@pytest.mark.parametrize("text", ["role_macro_f1", "role_macro_f1=", "role_macro_f1=high", "role_macro_f1=nan"])
def test_a_floor_needs_a_number(text: str) -> None:
    """NAME=VALUE, nothing else."""
    with pytest.raises(ConfigError, match="NAME=VALUE"):
        parse_floor(text)


@pytest.mark.parametrize("text", ["role_macro=0.5", "aurc=0.5", "no_duty.false_assignments=0.1", "=1"])
def test_a_floor_needs_a_figure_that_has_one(text: str) -> None:
    """An unknown name, and a figure of which less is better, are refused before anything runs."""
    with pytest.raises(ConfigError):
        parse_floor(text)


def test_figures_under_their_floor_are_named(full: Assessment) -> None:
    """A figure at its floor passes, one under it and one that the run lacks are named."""
    value = full.metrics.figures["sentence.role_accuracy"].value
    assert find_low(full.metrics, [("role_accuracy", value or 0.0), ("duty.f1", 1.0)]) == []
    low = find_low(assess_rows().metrics, [parse_floor("role_accuracy=0.99"), parse_floor("duty.f1=0.1")])
    assert low == ["role_accuracy is 0.8571, under 0.99", "duty.f1 is undefined, under 0.1"]


def _score(*arguments: Path | str) -> dict[str, float]:
    command = [sys.executable, str(SHARED / "eval" / "score.py"), *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name: float(value) for name, value in map(str.split, run.stdout.splitlines())}


@pytest.mark.shared
def test_figures_are_those_of_the_reference_scorer(pipeline: Pipeline, tmp_path: Path) -> None:
    """On the real documents extraction and roles have the figures of `score.py extract` and `classify`, to 4 digits."""
    folder = SHARED / "gold"
    given = load_gold([folder], TAXONOMY)
    found = assess(given, make_pipeline(pipeline.config), TAXONOMY, draws=DRAWS).metrics
    lines = [r.model_dump_json() for page in given.pages for r in pipeline.extract_one(page.source)]
    (tmp_path / "records.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    wanted = _score("extract", folder / "documents", folder, tmp_path / "records.jsonl")
    names = {"char": "duty_characters", "req": "requirement"}
    ours = {name: value.value for name, value in found.figures.items()}
    compared = 0
    for name, value in wanted.items():
        kind, _, figure = name.partition(".")
        own = ours.get(f"{names.get(kind, kind)}.{figure}")
        if own is not None:
            assert round(own, 4) == value, name
            compared += 1
    assert compared == 12 + 1 + 8
    assert found.documents is not None
    assert found.documents.spans_that_do_not_hold == wanted["spans_that_do_not_hold"]
    assert found.roles["matched_duty"].rows == wanted["matched_duty.n"]

    sentences = [" ".join(d.text.split()) for page in given.pages for r in page.document.records for d in r.duties]
    lines = [each.model_dump_json() for each in pipeline.classify(sentences)]
    (tmp_path / "classified.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    wanted = _score("classify", folder, tmp_path / "classified.jsonl")
    names = {"assigned_share": "coverage"}
    assert found.roles["gold_duty"].rows == wanted.pop("sentence.n")
    for name, value in wanted.items():
        figure = name.partition(".")[2]
        own = ours[f"gold_duty.{names.get(figure, figure)}"]
        assert own is not None
        assert round(own, 4) == value, name
