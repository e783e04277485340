"""Gold -> what a model makes of it -> an Assessment with every figure. Knows the pipeline and the evaluation.

Three readings of roles are told apart, because they answer different questions:

    sentence, gold_duty     a sentence alone, as `jdextract classify` reads it (labelled sentences; duties of the gold)
    sentence_with_title     a labelled sentence with the title of its posting
    matched_duty            duties that were found in documents, as `jdextract extract` reads them; likewise matched_title
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from jdextract.assessment.gold import Gold
from jdextract.assessment.judging import NO_DUTY_SET, ConfidentError, ReadPage, Track, find_worst, judge, read_pages
from jdextract.assessment.measurement import (
    LOWER_IS_BETTER,
    NO_DUTY_FIGURES,
    ROLE_FIGURES,
    Draws,
    JudgedRow,
    RoleSet,
    compare_roles,
    measure_no_duty,
    measure_roles,
    slice_measures,
)
from jdextract.assessment.metricsfile import (
    CrossValidation,
    DocumentMetrics,
    GoldSummary,
    MetricsFile,
    NoDutyMetrics,
    RoleComparison,
    RoleMetrics,
    Sampling,
)
from jdextract.errors import ConfigError
from jdextract.evaluation.documents import (
    DOCUMENT_FIGURES,
    ZONES,
    count_document,
    make_document_measures,
)
from jdextract.evaluation.intervals import Interval, bootstrap_all
from jdextract.evaluation.metrics import Confusion
from jdextract.evaluation.slices import find_length_bands

if TYPE_CHECKING:
    from jdextract.pipeline import Pipeline
    from jdextract.taxonomy import Taxonomy

SETS = {
    "sentence": "labelled sentences, each read alone",
    "sentence_with_title": "labelled sentences, each read with the title above it",
    "gold_duty": "duties of the annotated documents, each read alone",
    "matched_duty": "duties that were found in the documents, read in their record",
    "matched_title": "titles that were found in the documents",
}
_DOCUMENT_LENGTHS = (500, 2_000, 8_000)  # code points; first length of each band but the first
_SLICED_FIGURES = ("duty.f1", "title.f1", "requirement.f1", "duty.attributed_to_right_title")


@dataclass(frozen=True, slots=True)
class Assessment:
    """All figures, and the rows behind them.

    `worst`: confident errors by name of the set. `stray`: sentences that are no duty.
    """

    metrics: MetricsFile
    sets: tuple[RoleSet, ...]
    worst: dict[str, tuple[ConfidentError, ...]]
    stray: tuple[JudgedRow, ...]


def list_figures() -> tuple[str, ...]:
    """Every name that `figures` of metrics.json may have."""
    roles = (f"{name}.{figure}" for name in SETS for figure in ROLE_FIGURES)
    return (*roles, *(f"no_duty.{name}" for name in NO_DUTY_FIGURES), *DOCUMENT_FIGURES)


def is_lower_better(figure: str) -> bool:
    """Whether a smaller value of this figure is a better one."""
    return figure.rpartition(".")[2] in LOWER_IS_BETTER


def find_figure(metrics: MetricsFile, name: str) -> Interval | None:
    """A figure by its name; without a prefix it is that of the primary set. None where the run has no such figure."""
    return metrics.figures.get(name) or metrics.figures.get(f"{metrics.primary}.{name}")


def parse_floor(text: str) -> tuple[str, float]:
    """`NAME=VALUE` -> a figure and the least value that it may have.

    Raises ConfigError for another form, a name that no figure has, and a figure of which less is better.
    """
    name, mark, value = text.partition("=")
    if name not in (*ROLE_FIGURES, *list_figures()):
        close = get_close_matches(name, [*ROLE_FIGURES, *list_figures()], 3)
        hint = f"{', '.join(close)}?" if close else "the names stand under `figures` in metrics.json"
        raise ConfigError(f"no figure {name!r}", where="--fail-under", hint=hint)
    if is_lower_better(name):
        raise ConfigError(
            f"less is better of {name}", where="--fail-under", hint="give a figure of which more is better"
        )
    try:
        floor = float(value)
    except ValueError:
        floor = math.nan
    if not mark or not math.isfinite(floor):
        raise ConfigError(f"{text!r} is not NAME=VALUE", where="--fail-under", hint="such as role_macro_f1=0.75")
    return name, floor


def find_low(metrics: MetricsFile, floors: Sequence[tuple[str, float]]) -> list[str]:
    """One line for each figure that is under its floor, or that the run does not have."""
    lines = []
    for name, floor in floors:
        interval = find_figure(metrics, name)
        value = interval.value if interval is not None else None
        if value is None or value < floor:
            lines.append(f"{name} is {'undefined' if value is None else f'{value:.4f}'}, under {floor:g}")
    return lines


def assess(
    gold: Gold,
    pipeline: Pipeline,
    taxonomy: Taxonomy,
    *,
    baseline: Pipeline | None = None,
    draws: Draws | None = None,
    inputs: Sequence[str] = (),
    cross_validation: CrossValidation | None = None,
    track: Track = lambda items, _: items,
) -> Assessment:
    """Run the model, and the baseline if there is one, over all gold, and measure them.

    `inputs`: names of the gold for metrics.json. `track`: called with the documents, and again with the sets of rows, to
    show progress. Roles of the gold must be in the taxonomy.
    """
    draws = draws or Draws()
    families = {role: taxonomy.family_of(role) for role in taxonomy.role_ids}
    read = read_pages(gold.pages, pipeline, track)
    sets = judge(gold, read, pipeline)
    stray = sets.pop(NO_DUTY_SET, [])
    others = judge(gold, read_pages(gold.pages, baseline, track), baseline) if baseline is not None else {}
    role_sets = tuple(_make_set(name, sets[name], others.get(name)) for name in SETS if sets.get(name))
    figures: dict[str, Interval] = {}
    roles: dict[str, RoleMetrics] = {}
    comparison: dict[str, RoleComparison] = {}
    for each in track(role_sets, "measuring"):
        found, roles[each.name] = measure_roles(each, families, draws)
        figures |= {f"{each.name}.{name}": value for name, value in found.items()}
        if each.base is not None:
            comparison[each.name] = compare_roles(each, families, draws)
    no_duty: NoDutyMetrics | None = None
    if stray:
        found, no_duty = measure_no_duty([row.role for row in stray], [row.group for row in stray], draws)
        figures |= {f"no_duty.{name}": value for name, value in found.items()}
    documents: DocumentMetrics | None = None
    if gold.pages:
        found, documents = _measure_documents(read, draws)
        figures |= found
    metrics = MetricsFile(
        jdextract_version=_version(),
        taxonomy=taxonomy.stamp,
        model=pipeline.classifier.model.version,
        baseline=baseline.classifier.model.version if baseline is not None else None,
        gold=_summarize(gold, len(stray), inputs),
        sampling=Sampling(draws=draws.count, seed=draws.seed, level=draws.level),
        primary=next((name for name in ("sentence", "matched_duty", "gold_duty") if name in roles), None),
        figures=figures,
        documents=documents,
        roles=roles,
        no_duty=no_duty,
        comparison=comparison,
        cross_validation=cross_validation,
    )
    worst = {each.name: find_worst(each.rows, pipeline) for each in role_sets}
    return Assessment(metrics, role_sets, worst, tuple(stray))


def _measure_documents(read: Sequence[ReadPage], draws: Draws) -> tuple[dict[str, Interval], DocumentMetrics]:
    counts = [count_document(each.page.document, each.records) for each in read]
    measures = make_document_measures(counts)
    columns = {
        "source": [each.page.origin for each in read],
        "script": [each.script for each in read],
        "region": [each.region for each in read],
        "length": find_length_bands([each.page.source.text for each in read], _DOCUMENT_LENGTHS),
    }
    zones = [[sum(each.zones[i][j] for each in counts) for j in range(len(ZONES))] for i in range(len(ZONES))]
    figures = bootstrap_all(measures, draws.of([str(number) for number in range(len(read))]), draws.level)
    return figures, DocumentMetrics(
        documents=len(read),
        zones=Confusion(ZONES, tuple(map(tuple, zones))),
        spans_that_do_not_hold=sum(each.bad_spans for each in counts),
        slices={name: slice_measures(measures, values, _SLICED_FIGURES, draws) for name, values in columns.items()},
    )


def _make_set(name: str, rows: Sequence[JudgedRow], others: Sequence[JudgedRow] | None) -> RoleSet:
    base = None if others is None else tuple(other.role for other in others)
    assert others is None or [row.id for row in others] == [row.id for row in rows], "the model changed the extraction"
    in_sentences = name.startswith("sentence")
    return RoleSet(name, SETS[name], "template clusters" if in_sentences else "documents", tuple(rows), base)


def _summarize(gold: Gold, stray: int, inputs: Sequence[str]) -> GoldSummary:
    return GoldSummary(
        inputs=tuple(inputs),
        digest=gold.digest(),
        documents=len(gold.pages),
        sentences=len(gold.sentences) - stray,
        no_duty_sentences=stray,
        left_out=gold.left_out,
        failures=tuple(f"{failure.path}: {failure.what}" for failure in gold.failures),
    )


def _version() -> str:
    from jdextract import __version__

    return __version__
