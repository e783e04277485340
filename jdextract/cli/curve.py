"""`jdextract llm curve`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jdextract.cli.console import Status, console, failure_line, visible
from jdextract.cli.counter import count_through
from jdextract.cli.llm import (
    LlmBaseUrl,
    LlmBudget,
    LlmCache,
    LlmConcurrency,
    LlmExtraBody,
    LlmMaxCalls,
    LlmMode,
    LlmModel,
    LlmPrice,
    LlmReplay,
    gather,
)
from jdextract.cli.settings import ConfigFile, ModelFolder, TaxonomyFile, make_config

if TYPE_CHECKING:
    from jdextract.assessment.curvefile import CostCurve
    from jdextract.evaluation.intervals import Interval


def curve(
    gold: Annotated[
        list[Path], typer.Argument(metavar="GOLD...", help="Annotated documents, as for `jdextract evaluate`.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write all of it as JSON.")
    ] = None,
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the chart as SVG; needs the extra `report`.")
    ] = None,
    asker: Annotated[
        str | None,
        typer.Option(
            metavar="simulated:ACCURACY",
            help="A teacher that gives the gold role so often, instead of a model. --llm then only names the model whose "
            "price is counted; nothing is sent.",
        ),
    ] = None,
    draws: Annotated[int, typer.Option(min=100, help="Draws of the bootstrap over documents.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws and of the simulated teacher.")] = 0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no table.")] = False,
    llm: LlmModel = None,
    llm_base_url: LlmBaseUrl = None,
    llm_mode: LlmMode = None,
    llm_budget: LlmBudget = None,
    llm_price: LlmPrice = None,
    llm_extra_body: LlmExtraBody = None,
    llm_max_calls: LlmMaxCalls = None,
    llm_concurrency: LlmConcurrency = None,
    llm_cache: LlmCache = None,
    llm_replay: LlmReplay = None,
    config: ConfigFile = None,
    taxonomy: TaxonomyFile = None,
    model: ModelFolder = None,
) -> None:
    """Measure what asking a language model is worth: accuracy of roles by the number of duties asked about, and the cost.

    The least certain duties are asked about first. How often an answer is right by how sure the model says that it is
    stands below, beside what jdextract takes it for.

    Example: jdextract llm curve gold/ --asker simulated:0.9 --llm gpt-4.1-mini -o curve.json
    """
    given = gather(locals())
    from jdextract.assessment.curve import Sitting, measure_model, measure_simulated
    from jdextract.assessment.gold import load_gold
    from jdextract.assessment.judging import make_pipeline
    from jdextract.assessment.measurement import Draws
    from jdextract.output import replacing
    from jdextract.taxonomy import load_taxonomy

    if svg:
        from jdextract.assessment.charts import load_converter

        load_converter()  # says that the library is missing before anything is paid
    settings = make_config(config, {"classification": {"taxonomy": taxonomy, "model": model}, "llm": given})
    roles = load_taxonomy(settings.classification.taxonomy)
    found = load_gold(gold, roles, settings.reading)
    for failure in found.failures:
        print(failure_line(failure), file=sys.stderr)
    if found.sentences:
        print(f"{len(found.sentences)} labelled sentences left out: they have no document", file=sys.stderr)

    def track(items: Sequence[Any], what: str) -> Iterable[Any]:
        return count_through(items, what, len(items), quiet=quiet)

    sitting = Sitting(found, make_pipeline(settings), roles, [str(p) for p in gold], Draws(draws, seed), track)
    made = measure_model(sitting) if asker is None else measure_simulated(sitting, asker)
    if output:
        with replacing(output) as stream:
            stream.write(made.model_dump_json(indent=1).encode() + b"\n")
    if svg:
        from jdextract.assessment.charts import draw_cost_curve

        with replacing(svg) as stream:
            stream.write(draw_cost_curve(made).encode())
    if not quiet:
        _print_curve(made)
    if found.failures or any(reason.startswith("failed:") for reason in made.outcomes):
        raise typer.Exit(Status.PARTLY_DONE)


def _print_curve(curve: CostCurve) -> None:
    from rich import box
    from rich.table import Table

    gold, asker = curve.gold, curve.asker
    currency = asker.price.currency if asker.price else "?"
    title = f"{asker.model}: {gold.duties} of {gold.gold_duties} duties in {gold.documents} documents"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=visible(title), title_justify="left")
    for column in ("asked", "duties", "calls", f"cost {currency}", "accuracy", "interval", "macro-F1", "gain", ""):
        table.add_column(column, justify="left" if column in ("interval", "") else "right")
    for point in curve.points:
        table.add_row(
            f"{point.share:.0%}",
            str(point.duties),
            str(point.calls),
            "-" if point.cost is None else f"{point.cost:.4f}",
            _number(point.accuracy.value),
            _range(point.accuracy),
            _number(point.macro_f1.value),
            f"{point.gain.value or 0:+.4f}",
            point.name,
        )
    console().print(table)
    print(f"gold role not among the candidates: {curve.not_offered:.1%} of the duties", file=sys.stderr)
    print("answers: " + ", ".join(f"{name} {n}" for name, n in curve.outcomes.items()), file=sys.stderr)
    for check in curve.confidence:
        right = f"{_number(check.right.value)} right ({_range(check.right)})" if check.right else "never stated"
        print(f"{check.stated}: {check.answers} answers, {right}, taken for {check.constant}", file=sys.stderr)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _range(interval: Interval) -> str:
    return f"{_number(interval.low)} to {_number(interval.high)}{'' if interval.reliable else ' ?'}"
