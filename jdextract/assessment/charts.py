"""Charts of the evaluation report as SVG: Vega-Lite specifications of `data/evaluation` with figures put in.

The library draws without network. Its SVG has attributes only, no styles and no scripts, so that a page can colour the
text by its own style sheet and forbid everything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from jdextract.errors import MissingExtra
from jdextract.htmlpage import make_visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from markupsafe import Markup

    from jdextract.assessment.curvefile import CostCurve
    from jdextract.assessment.metricsfile import CrossValidation, RoleMetrics, ScoredLabel

Names = Mapping[str, str]  # role or family id -> how a chart calls it
Data = Mapping[str, Sequence[Mapping[str, Any]]]

# What the library puts before addresses within the page.
_BASE = "https://vega.github.io/vega-datasets/"


def draw(name: str, data: Data, domain: Sequence[str] = ()) -> Markup:
    """The chart `data/evaluation/{name}.vl.json` with these datasets, its description as the text alternative.

    Raises MissingExtra without vl-convert.
    `domain`: the values of both axes of a matrix, in order.
    """
    from markupsafe import Markup, escape

    spec = _load(f"{name}.vl.json")
    spec["datasets"] = {key: [dict(row) for row in rows] for key, rows in data.items()}
    if domain:
        for layer in spec["layer"]:
            for axis in ("x", "y"):
                if "field" in layer["encoding"].get(axis, {}):
                    layer["encoding"][axis]["scale"] = {"domain": list(domain)}
    svg = load_converter()(spec, config=_load("charts.json"))
    svg = svg.replace("<svg ", f'<svg role="graphics-document" aria-label="{escape(spec["description"])}" ', 1)
    # The library escapes all texts; beside them there is nothing in a chart but numbers and addresses of this module.
    return Markup(svg.replace(f'xlink:href="{_BASE}#', 'href="#'))


@cache
def load_converter() -> Callable[..., str]:
    """The function of the library that turns a specification into SVG. Raises MissingExtra."""
    try:
        from vl_convert import vegalite_to_svg
    except ImportError as error:
        raise MissingExtra("the report needs vl-convert-python", hint="pip install 'jdextract[report]'") from error
    return vegalite_to_svg


def _load(name: str) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(
        resources.files("jdextract.data").joinpath("evaluation", name).read_text(encoding="utf-8")
    )
    return spec


def draw_reliability(metrics: RoleMetrics) -> Markup:
    """Mean score against share right, one dot a bin, its area by the rows."""
    bins = [
        {
            "confidence": part.confidence,
            "accuracy": part.accuracy,
            "rows": part.rows,
            "label": f"score {part.confidence:.2f}: {part.accuracy:.0%} of {part.rows} right",
        }
        for part in metrics.reliability
        if part.confidence is not None and part.accuracy is not None
    ]
    return draw("reliability", {"bins": bins, "diagonal": [{"at": 0}, {"at": 1}]})


def draw_risk_coverage(metrics: RoleMetrics, coverage: float | None, accuracy: float | None) -> Markup:
    """The curve, and where the threshold of the model stands on it: `coverage` and `accuracy` of what is assigned."""
    curve = [{"coverage": point.coverage, "risk": point.risk} for point in metrics.risk_coverage.points]
    at = []
    if coverage is not None and accuracy is not None:
        at.append({"coverage": coverage, "risk": 1 - accuracy, "label": f"assigned: {coverage:.0%}"})
    return draw("risk-coverage", {"curve": curve, "threshold": at})


def draw_labels(labels: Sequence[ScoredLabel], names: Names) -> Markup:
    """F1 of each label that the gold has, with its interval, best first."""
    rows = [
        {
            "name": f"{make_visible(names.get(each.label, each.label))} ({each.support})",
            "f1": each.f1.value,
            "low": each.f1.low,
            "high": each.f1.high,
            "note": f"{each.label}: F1 {each.f1.value:.2f}, precision {each.precision:.2f}, recall {each.recall:.2f}",
        }
        for each in sorted(labels, key=lambda each: (-(each.f1.value or 0.0), each.label))
        if each.support and each.f1.value is not None
    ]
    return draw("labels", {"labels": rows})


def draw_confusion(metrics: RoleMetrics, order: Sequence[str], families: Names, names: Names, prefix: str) -> Markup:
    """Gold roles by given roles; the cell of the i-th and j-th label is a link to `#{prefix}-{i}-{j}`.

    `order`: roles as they stand on the axes. `families`: family of each role; `names`: of the families.
    """
    confusion = metrics.confusion
    place = {label: i for i, label in enumerate(confusion.labels)}
    shown = [*(role for role in order if role in place), *(label for label in confusion.labels if label not in order)]
    cells = []
    for truth in shown:
        counts = confusion.counts[place[truth]]
        for predicted in shown:
            rows = counts[place[predicted]]
            if rows:
                cells.append(
                    {
                        "truth": truth,
                        "predicted": predicted,
                        "rows": rows,
                        "share": rows / sum(counts),
                        "right": truth == predicted,
                        "address": f"#{prefix}-{place[truth]}-{place[predicted]}",
                        "label": f"{truth} read as {predicted}: {rows}",
                    }
                )
    grouped: dict[str, list[str]] = {}
    for role in shown:
        grouped.setdefault(families.get(role, "?"), []).append(role)
    marks = [
        {"first": roles[0], "middle": roles[(len(roles) - 1) // 2], "name": make_visible(names.get(family, family))}
        for family, roles in grouped.items()
    ]
    return draw("confusion", {"cells": cells, "families": marks}, shown)


def draw_learning_curve(result: CrossValidation) -> Markup:
    """Accuracy and macro-F1 by the number of sentences that were trained on."""
    points = [
        {
            "sentences": point.sentences,
            "figure": name,
            "value": interval.value,
            "low": interval.low,
            "high": interval.high,
            "note": f"{point.sentences} sentences: {name} {interval.value:.3f}",
        }
        for point in result.learning_curve
        for name, interval in (("accuracy", point.role_accuracy), ("macro-F1", point.role_macro_f1))
        if interval.value is not None
    ]
    return draw("learning-curve", {"points": points})


def draw_cost_curve(curve: CostCurve) -> Markup:
    """Accuracy and macro-F1 by the share of duties that a language model was asked about."""
    price = curve.asker.price
    points = [
        {
            "share": point.share,
            "figure": name,
            "value": interval.value,
            "low": interval.low,
            "high": interval.high,
            "note": f"{point.calls} calls: {name} {interval.value:.3f}"
            + (f", {point.cost:.4f} {price.currency}" if price and point.cost is not None else ""),
        }
        for point in curve.points
        for name, interval in (("accuracy", point.accuracy), ("macro-F1", point.macro_f1))
        if interval.value is not None
    ]
    return draw("cost-curve", {"points": points})
