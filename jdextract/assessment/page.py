"""The HTML page of an evaluation: one file without network access, for a wide screen, a phone and paper.

Sentences and names go in as escaped text only. The cells of the confusion matrix are links to the sentences behind them,
so that they work without the script as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jdextract.assessment import Assessment, find_figure
from jdextract.assessment.charts import (
    draw_confusion,
    draw_labels,
    draw_learning_curve,
    draw_reliability,
    draw_risk_coverage,
)
from jdextract.assessment.judging import ConfidentError
from jdextract.assessment.measurement import ROLE_FIGURES, JudgedRow, RoleSet
from jdextract.assessment.metricsfile import MetricsFile, RoleMetrics
from jdextract.data import load_rules
from jdextract.evaluation.comparison import MeasuredDifference
from jdextract.evaluation.intervals import Interval
from jdextract.htmlpage import load_part, load_templates, make_policy, make_visible
from jdextract.output import replacing

if TYPE_CHECKING:
    import jinja2

    from jdextract.taxonomy import Taxonomy

SHOWN_ROWS = 20  # of a cell of the confusion matrix
SHOWN_PAIRS = 15  # confusions in the table
SHOWN_STRAY = 30  # sentences that are no duty
_SUMMARY = "role_macro_f1"  # the figure that the verdict at the top is about

Runs = list[tuple[str, bool]]  # text, and whether it is marked


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the headline table."""

    label: str
    note: str
    interval: Interval
    measured: MeasuredDifference | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the confusion matrix with some of its rows, the surest first."""

    id: str
    truth: str
    predicted: str
    count: int
    support: int
    rows: tuple[JudgedRow, ...]


def write_evaluation(assessment: Assessment, taxonomy: Taxonomy, path: Path) -> None:
    """Write the page to `path`. Raises MissingExtra without the library of the charts."""
    metrics = assessment.metrics
    rules = load_rules("evaluation/figures")
    templates = _load_templates(taxonomy, rules)
    style, script = (load_part(templates, name) for name in ("style.css", "script.js"))
    stray = sorted(
        (row for row in assessment.stray if row.role.status == "assigned"), key=lambda row: (-row.role.score, row.id)
    )
    order = sorted(assessment.sets, key=lambda each: each.name != metrics.primary)
    page = templates.get_template("page.html.j2").stream(
        metrics=metrics,
        level=f"{metrics.sampling.level:.0%}",
        headline=list(list_headline(metrics)),
        summary=_find_measured(metrics, _SUMMARY),
        primary=rules["sets"].get(metrics.primary),
        role_figures=ROLE_FIGURES,
        extraction=rules["extraction"],
        sets=[_view_set(each, number, assessment, taxonomy, rules) for number, each in enumerate(order)],
        stray=stray[:SHOWN_STRAY],
        learning_curve=draw_learning_curve(metrics.cross_validation) if metrics.cross_validation else None,
        glossary=[tuple(pair) for pair in rules["figures"].values()],
        style=style,
        script=script,
        policy=make_policy(style, script),
    )
    with replacing(path) as stream:
        page.dump(stream, encoding="utf-8")


def _load_templates(taxonomy: Taxonomy, rules: Mapping[str, Any]) -> jinja2.Environment:
    names = {role.id: (make_visible(role.zh), make_visible(role.en)) for role in taxonomy.roles}
    made = load_templates("evaluation")
    made.filters["role_name"] = lambda id_: names.get(id_, (id_, ""))
    made.filters["figure_name"] = lambda name: rules["figures"].get(name, (name, ""))[0]
    made.filters["set_name"] = lambda name: rules["sets"].get(name, name)
    return made


def list_headline(metrics: MetricsFile) -> Iterator[Line]:
    """The figures that matter most, as far as the run has them."""
    rules = load_rules("evaluation/figures")
    for name in rules["headline"]:
        interval = find_figure(metrics, name)
        if interval is not None:
            label, note = rules["figures"][name]
            yield Line(label, note, interval, _find_measured(metrics, name))


def _find_measured(metrics: MetricsFile, name: str) -> MeasuredDifference | None:
    comparison = metrics.comparison.get(metrics.primary or "")
    return next((each for each in comparison.measures if each.name == name), None) if comparison else None


def _view_set(
    rows: RoleSet, number: int, assessment: Assessment, taxonomy: Taxonomy, rules: Mapping[str, Any]
) -> dict[str, Any]:
    """One set of rows as the template shows it."""
    metrics = assessment.metrics.roles[rows.name]
    figures = assessment.metrics.figures
    cells = find_cells(rows, metrics, f"c{number}")
    pairs = sorted((cell for cell in cells if cell.truth != cell.predicted), key=lambda cell: (-cell.count, cell.id))
    roles = {role.id: f"{role.zh} {role.id}" for role in taxonomy.roles}
    families = {family.id: family.en or family.id for family in taxonomy.families}
    return {
        "name": rows.name,
        "key": number,
        "open": number == 0,
        "label": rules["sets"][rows.name],
        "metrics": metrics,
        "reliability": draw_reliability(metrics),
        "risk_coverage": draw_risk_coverage(
            metrics, figures[f"{rows.name}.coverage"].value, figures[f"{rows.name}.accuracy_when_assigned"].value
        ),
        "labels": draw_labels(metrics.roles, roles),
        "families": draw_labels(metrics.families, families),
        "confusion": draw_confusion(
            metrics,
            taxonomy.role_ids,
            {role: taxonomy.family_of(role) for role in taxonomy.role_ids},
            families,
            f"c{number}",
        ),
        "cells": cells,
        "pairs": pairs[:SHOWN_PAIRS],
        "errors": [{"row": each.row, "runs": mark_error(each)} for each in assessment.worst[rows.name]],
    }


def find_cells(rows: RoleSet, metrics: RoleMetrics, prefix: str) -> list[Cell]:
    """Every cell that has rows; its id is the address that the chart links to."""
    places = {label: i for i, label in enumerate(metrics.confusion.labels)}
    held: dict[tuple[str, str], list[JudgedRow]] = defaultdict(list)
    for row in rows.rows:
        held[row.truth, row.role.id].append(row)
    return [
        Cell(
            f"{prefix}-{places[truth]}-{places[predicted]}",
            truth,
            predicted,
            len(own),
            sum(metrics.confusion.counts[places[truth]]),
            tuple(sorted(own, key=lambda row: (-row.role.score, row.id))[:SHOWN_ROWS]),
        )
        for (truth, predicted), own in sorted(held.items(), key=lambda pair: (places[pair[0][0]], places[pair[0][1]]))
    ]


def mark_error(error: ConfidentError) -> Runs:
    """The source text of an error in stretches. Without spans all of the sentence is marked, with its page around it."""
    row = error.row
    if not error.spans:
        return [(row.before, False), (row.text, True), (row.after, False)]
    runs: Runs = []
    end = 0
    for start, stop in error.spans:
        runs += [(row.text[end:start], False), (row.text[start:stop], True)]
        end = stop
    return [run for run in (*runs, (row.text[end:], False)) if run[0]]
