"""`jdextract corpus agreement`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jdextract.cli.console import Status, console, visible
from jdextract.cli.settings import TaxonomyFile

if TYPE_CHECKING:
    from jdextract.assessment.readings import Reading
    from jdextract.evaluation.agreement import Agreement

_SHOWN = 20  # rows of a printed list
_TEXT = 60  # characters of a text in it


def agreement(
    first: Annotated[Path, typer.Argument(metavar="FIRST", help="CSV or JSONL with id and role; a folder of .jsonl.")],
    second: Annotated[Path, typer.Argument(metavar="SECOND", help="The other reading of the same ids.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Sheet of the disagreements (CSV); with --settled the merged labels."
        ),
    ] = None,
    settled: Annotated[
        Path | None, typer.Option(metavar="SHEET", help="The sheet with its column `settled` filled.")
    ] = None,
    taxonomy: TaxonomyFile = None,
) -> None:
    """Compare two readings of the same sentences: kappa, by role too, and what they disagree on.

    Write the disagreements as a sheet, have a third person fill `settled`, and merge. Merged are the rows that both agree
    on, those that were settled and those that only one reading has (.csv or .jsonl); unsettled ones are left out (exit
    code 3).

    Example: jdextract corpus agreement first.jsonl second.csv -o sheet.csv

    Then: jdextract corpus agreement first.jsonl second.csv --settled sheet.csv -o merged.csv
    """
    from jdextract.assessment.gold import NO_DUTY
    from jdextract.assessment.readings import list_merged, read_csv, read_labels, write_csv, write_merged
    from jdextract.errors import ConfigError
    from jdextract.evaluation.agreement import SHEET_COLUMNS, compare_readings, make_sheet, merge_readings, read_sheet
    from jdextract.taxonomy import load_taxonomy

    if settled and not output:
        raise ConfigError("--settled needs -o", hint="give the file for the merged labels")
    one, other = read_labels(first), read_labels(second)
    texts = other.texts | one.texts
    found = compare_readings(one.labels, other.labels, _group(one, other))
    if not settled:
        _print(found, texts)
        if output:
            write_csv(output, SHEET_COLUMNS, make_sheet(found, texts))
            print(f"{len(found.disagreements)} rows to settle in {output}", file=sys.stderr)
        return
    known = {*load_taxonomy(taxonomy).role_ids, NO_DUTY, *one.labels.values(), *other.labels.values()}
    answers = read_sheet(read_csv(settled), found, known)
    merged = merge_readings(one.labels, other.labels, answers)
    assert output is not None
    write_merged(output, list_merged(merged, answers, one, other))
    print(
        f"{found.agreed} agreed, {len(answers)} settled, {len(merged.read_once)} read once, "
        f"{len(merged.unsettled)} not settled and left out",
        file=sys.stderr,
    )
    if merged.unsettled:
        raise typer.Exit(Status.PARTLY_DONE)


def _group(one: Reading, other: Reading) -> dict[str, str] | None:
    """Template cluster of each row that both have; None where a text is missing."""
    from jdextract.assessment.judging import find_templates
    from jdextract.config import Config
    from jdextract.extraction.extractor import Extractor

    ids = [id_ for id_ in one.labels if id_ in other.labels]
    texts = other.texts | one.texts
    if not ids or any(id_ not in texts for id_ in ids):
        return None
    extractor = Extractor()
    names = find_templates([extractor.normalize(texts[id_]) for id_ in ids], Config().deduplication)
    return dict(zip(ids, names, strict=True))


def _print(found: Agreement, texts: dict[str, str]) -> None:
    from rich import box
    from rich.table import Table

    out = console()
    interval = found.interval
    around = ""
    if interval is not None and interval.low is not None and interval.high is not None:
        around = f" [{interval.low:.4f}, {interval.high:.4f}]" + ("" if interval.reliable else " (a rough guide)")
    kappa = "undefined" if found.kappa is None else f"{found.kappa:.4f}{around}"
    out.print(f"{found.rows} rows in both, {found.agreed} agreed, kappa {kappa}")
    if found.first_only or found.second_only:
        out.print(f"only in the first: {len(found.first_only)}, only in the second: {len(found.second_only)}")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("role", "first", "second", "both", "kappa"):
        table.add_column(name, justify="left" if name == "role" else "right")
    for label in sorted(found.labels, key=lambda each: (1.0 if each.kappa is None else each.kappa, each.label)):
        shown = "-" if label.kappa is None else f"{label.kappa:.3f}"
        table.add_row(visible(label.label), str(label.first), str(label.second), str(label.both), shown)
    out.print(table)
    for row in found.disagreements[:_SHOWN]:
        text = " ".join(texts.get(row.id, "").split())[:_TEXT]
        out.print(visible(f"{row.id}: {row.first} or {row.second}  {text}"))
    if len(found.disagreements) > _SHOWN:
        out.print(f"… and {len(found.disagreements) - _SHOWN} more; -o writes them all")
