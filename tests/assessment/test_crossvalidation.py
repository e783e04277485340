"""Folds that keep copies together, and random ones."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace

from jdextract.assessment.charts import draw_learning_curve
from jdextract.assessment.crossvalidation import cross_validate, describe_gap
from jdextract.classification.settings import Settings, TrainingSettings
from jdextract.pipeline import Pipeline
from jdextract.taxonomy import Taxonomy
from tests.judged import DRAWS, TAXONOMY, assess_rows, make_sign_pipeline, write_rows


def test_copies_flatter_a_random_split(tmp_path: Path) -> None:
    """Where each template has a role by chance, random folds remember it and grouped folds can't: the gap is named."""
    rng = random.Random(3)
    roles = ["accountant", "customer-service", "warehouse-keeper", "other"]
    kept = tuple(role for role in TAXONOMY.roles if role.id in roles)
    taxonomy = Taxonomy.model_validate(TAXONOMY.model_copy(update={"roles": kept}).model_dump())
    (tmp_path / "duties").mkdir()
    (tmp_path / "documents").mkdir()
    rows = []
    for number in range(40):
        stem = "".join(chr(rng.randrange(0x5000, 0x9000)) for _ in range(14))
        rows += [(f"负责{platform}店铺{stem}", roles[number % 4]) for platform in ("淘宝", "京东", "拼多多")]
    write_rows(tmp_path / "duties" / "rows.jsonl", rows)
    pipeline = Pipeline()
    settings = Settings(training=TrainingSettings(fewest=1))
    pipeline.__dict__["extractor"] = SimpleNamespace(normalize=str, cut=list)
    pipeline.__dict__["classifier"] = SimpleNamespace(model=SimpleNamespace(settings=settings, taxonomy=taxonomy))
    told: list[str] = []
    found = cross_validate(tmp_path, pipeline, taxonomy, DRAWS, folds=4, tell=told.append)
    assert (found.sentences, found.clusters) == (120, 40)
    accuracy = next(gap for gap in found.gap if gap.name == "role_accuracy")
    assert (accuracy.new or 0) > 0.9 > 0.6 > (accuracy.base or 1)
    assert found.gap_in_words.startswith("Random folds flatter the model: +")
    assert [point.sentences for point in found.learning_curve] == sorted({p.sentences for p in found.learning_curve})
    assert len(told) == 2 * 4 + 4
    assert str(draw_learning_curve(found)).startswith("<svg")


def test_a_gap_that_cannot_be_told_is_called_so() -> None:
    """No verdict, no claim."""
    comparison = assess_rows(baseline=make_sign_pipeline()).metrics.comparison["sentence"]
    gap = next(measured for measured in comparison.measures if measured.name == "role_macro_f1")
    assert describe_gap(gap).startswith("No gap can be told: +0.00 points of macro-F1")
