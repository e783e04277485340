"""`metrics.json`: what `jdextract evaluate` writes for machines. Its JSON Schema is `data/evaluation/metrics.schema.json`.

`figures` has every headline figure under one flat name (`sentence.role_macro_f1`, `duty.f1`), with its interval.
"""

from __future__ import annotations

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from jdextract.evaluation.comparison import McNemar, MeasuredDifference
from jdextract.evaluation.intervals import Interval
from jdextract.evaluation.metrics import Confusion, CurvePoint, ReliabilityBin
from jdextract.evaluation.slices import Slice

SCHEMA = "evaluation/metrics.schema.json"  # below jdextract/data

Grouping = Literal["documents", "template clusters"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GoldSummary(_Part):
    """What was evaluated."""

    inputs: tuple[str, ...]
    digest: str = Field(description="16 hex digits that change with any text or label")
    documents: int
    sentences: int = Field(description="labelled sentences with a role")
    no_duty_sentences: int = Field(description="labelled sentences that are no duty")
    left_out: int = Field(description="documents of splits that models were built or tuned on")
    failures: tuple[str, ...] = Field(description="documents and rows that could not be read: place and reason")


class Sampling(_Part):
    """How the intervals were drawn."""

    draws: int
    seed: int
    level: float


class ScoredLabel(_Part):
    """One role or family."""

    label: str
    family: str
    precision: float
    recall: float
    f1: Interval
    support: int = Field(description="rows of it in the gold")
    predicted: int = Field(description="rows that were given it")


class RiskCoverageSummary(_Part):
    """The risk-coverage curve, thinned to about a hundred points."""

    points: tuple[CurvePoint, ...]
    area: float = Field(description="AURC, of all points")
    excess: float = Field(description="AURC above that of a ranking with all errors last")


class RoleMetrics(_Part):
    """Roles of one set of rows. Its figures stand in `MetricsFile.figures`."""

    about: str
    rows: int
    groups: int
    grouped_by: Grouping
    roles: tuple[ScoredLabel, ...]
    families: tuple[ScoredLabel, ...]
    confusion: Confusion
    family_confusion: Confusion
    reliability: tuple[ReliabilityBin, ...]
    risk_coverage: RiskCoverageSummary
    slices: dict[str, tuple[Slice, ...]]


class DocumentMetrics(_Part):
    """Extraction from documents. Its figures stand in `MetricsFile.figures`."""

    documents: int
    zones: Confusion = Field(description="visible characters by zone in the gold and zone found")
    spans_that_do_not_hold: int
    slices: dict[str, tuple[Slice, ...]]


class NoDutyMetrics(_Part):
    """Sentences that are no duty: what was assigned to them all the same."""

    rows: int
    groups: int
    assigned: dict[str, int] = Field(description="rows by the role that was assigned")


class RoleComparison(_Part):
    """The model against the baseline on the same rows. `verdicts`: one line a measure, in words."""

    rows: int
    verdicts: tuple[str, ...]
    measures: tuple[MeasuredDifference, ...]
    mcnemar: McNemar


class LearningPoint(_Part):
    """A model trained on a part of the sentences, scored on the held-out fold."""

    sentences: int
    role_accuracy: Interval
    role_macro_f1: Interval


class CrossValidation(_Part):
    """Folds that keep template clusters together, beside random ones."""

    folds: int
    sentences: int
    clusters: int
    grouped: dict[str, Interval]
    random: dict[str, Interval]
    gap: tuple[MeasuredDifference, ...] = Field(description="random - grouped, on the same sentences")
    gap_in_words: str
    learning_curve: tuple[LearningPoint, ...]


class MetricsFile(_Part):
    """All figures of one evaluation."""

    schema_version: Literal["1.0"] = "1.0"
    jdextract_version: str
    taxonomy: str
    model: str
    baseline: str | None
    gold: GoldSummary
    sampling: Sampling
    primary: str | None = Field(description="the set that figures without a prefix mean")
    figures: dict[str, Interval]
    documents: DocumentMetrics | None
    roles: dict[str, RoleMetrics]
    no_duty: NoDutyMetrics | None
    comparison: dict[str, RoleComparison]
    cross_validation: CrossValidation | None


def make_schema() -> str:
    """The JSON Schema of the file, as it is shipped."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | MetricsFile.model_json_schema(
        mode="serialization"
    )
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
