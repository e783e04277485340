"""`jdextract evaluate`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jdextract.cli.console import Status, complain, console, failure_line, visible
from jdextract.cli.settings import ConfigFile, ModelFolder, TaxonomyFile, make_config

if TYPE_CHECKING:
    from jdextract.assessment.gold import Gold
    from jdextract.assessment.judging import Track
    from jdextract.assessment.metricsfile import MetricsFile

_OUTPUT = "Output"
_INTERVALS = "Intervals"
_FAILURES_SHOWN = 20


def evaluate(
    gold: Annotated[
        list[Path],
        typer.Argument(
            metavar="GOLD...", help="Folders with *.json or *.mark gold, such files, or .jsonl of labelled sentences."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="Write DIR/report.html and DIR/metrics.json; needs the extra `report`.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Another duty-to-role model, to compare with on the same rows.")
    ] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="End with exit code 1 when this figure is lower, such as role_macro_f1=0.75; may be repeated.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    cross_validate: Annotated[
        Path | None,
        typer.Option(
            metavar="CORPUS",
            help="Also train in grouped and random folds of this corpus; takes minutes.",
            show_default=False,
        ),
    ] = None,
    draws: Annotated[int, typer.Option(min=100, help="Draws of the bootstrap.", rich_help_panel=_INTERVALS)] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.", rich_help_panel=_INTERVALS)] = 0,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="No progress and no table.", rich_help_panel=_OUTPUT)
    ] = False,
    config: ConfigFile = None,
    taxonomy: TaxonomyFile = None,
    model: ModelFolder = None,
) -> None:
    """Measure extraction and roles against gold, with intervals over documents and template clusters.

    Documents: duties, titles, attribution, requirements, pay, zones. Labelled sentences (text, role): accuracy, F1,
    kappa, calibration, risk and coverage, by role and by slice; the role `none` marks what is no duty. Names without a
    prefix are of the sentences, else of the duties found in documents; all names stand in metrics.json.

    A figure under its floor ends with exit code 1, after the report was written.

    Example: jdextract evaluate gold/ sentences.jsonl -o report --fail-under role_macro_f1=0.65
    """
    from jdextract.assessment import assess, find_low, parse_floor
    from jdextract.assessment.gold import load_gold
    from jdextract.assessment.judging import make_pipeline
    from jdextract.assessment.measurement import Draws
    from jdextract.taxonomy import load_taxonomy

    floors = [parse_floor(text) for text in fail_under or ()]
    if output:
        _check_library()
    settings = make_config(config, {"classification": {"taxonomy": taxonomy, "model": model}})
    roles = load_taxonomy(settings.classification.taxonomy)
    found = load_gold(gold, roles, settings.reading)
    _tell_failures(found)
    pipeline, drawn = make_pipeline(settings), Draws(draws, seed)
    other = None
    if baseline:
        other = make_pipeline(make_config(config, {"classification": {"taxonomy": taxonomy, "model": baseline}}))
    folds = None
    if cross_validate:
        from jdextract.assessment.crossvalidation import cross_validate as validate

        folds = validate(cross_validate, pipeline, roles, drawn, tell=_tell(quiet))
    assessment = assess(
        found,
        pipeline,
        roles,
        baseline=other,
        draws=drawn,
        inputs=[str(path) for path in gold],
        cross_validation=folds,
        track=_track(quiet),
    )
    if output:
        from jdextract.assessment.page import write_evaluation
        from jdextract.output import replacing

        write_evaluation(assessment, roles, output / "report.html")
        with replacing(output / "metrics.json") as stream:
            stream.write(assessment.metrics.model_dump_json(indent=1).encode() + b"\n")
    if not quiet:
        _print_table(assessment.metrics)
    low = find_low(assessment.metrics, floors)
    for line in low:
        complain(line)
    if low:
        raise typer.Exit(Status.NOTHING_DONE)
    if found.failures:
        raise typer.Exit(Status.PARTLY_DONE)


def _check_library() -> None:
    """Say that the library of the charts is missing before minutes have passed."""
    from jdextract.assessment.charts import load_converter

    load_converter()


def _tell_failures(gold: Gold) -> None:
    for failure in gold.failures[:_FAILURES_SHOWN]:
        print(failure_line(failure), file=sys.stderr)
    if len(gold.failures) > _FAILURES_SHOWN:
        print(f"… and {len(gold.failures) - _FAILURES_SHOWN} more", file=sys.stderr)
    if gold.left_out:
        print(f"{gold.left_out} documents left out: models were built or tuned on them", file=sys.stderr)


def _tell(quiet: bool) -> Any:
    return (lambda _: None) if quiet else (lambda line: print(line, file=sys.stderr))


def _track(quiet: bool) -> Track:
    """Progress on standard error: a bar where a person looks at it, a line elsewhere."""

    def track(items: Sequence[Any], what: str) -> Iterable[Any]:
        if quiet or not items:
            return items
        if sys.stderr.isatty():
            from rich.progress import track as show

            return show(items, what, console=console(stderr=True), transient=True)
        print(f"{what}: {len(items)}", file=sys.stderr)
        return items

    return track


def _print_table(metrics: MetricsFile) -> None:
    from rich import box
    from rich.table import Table

    from jdextract.assessment.page import list_headline

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    columns = ("figure", "value", "interval", *(("baseline", "verdict") if metrics.baseline else ()))
    for column in columns:
        table.add_column(column, justify="right" if column in ("value", "baseline") else "left")
    weak = False
    for line in list_headline(metrics):
        interval = line.interval
        weak = weak or not interval.reliable
        cells = [
            line.label,
            _number(interval.value),
            f"{_number(interval.low)} to {_number(interval.high)}{'' if interval.reliable else ' ?'}",
        ]
        if metrics.baseline:
            cells += [_number(line.measured.base), line.measured.verdict] if line.measured else ["", ""]
        table.add_row(*cells)
    console().print(table)
    if weak:
        print("? a rough guide: too few groups, or too often undefined", file=sys.stderr)
    if metrics.cross_validation:
        print(visible(metrics.cross_validation.gap_in_words), file=sys.stderr)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
