"""`jdextract extract`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jdextract.cli.settings import (
    ConfigFile,
    Encoding,
    EngineName,
    IdColumn,
    ModelFolder,
    Region,
    TaxonomyFile,
    TextColumn,
    TitleColumn,
    make_config,
)

_OUTPUT = "Output"


def extract(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="Files, folders, globs, or `-`.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Records as .jsonl, .csv or .parquet; without it JSON Lines on standard output.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A page with texts and records side by side.", rich_help_panel=_OUTPUT),
    ] = None,
    save_text: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write each text that spans point into as DIR/ID.txt.", rich_help_panel=_OUTPUT
        ),
    ] = None,
    errors: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What failed, one JSON object a line. Default: errors.jsonl beside the output.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="End with a table of what was found.", rich_help_panel=_OUTPUT)
    ] = False,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Only failures on standard error.", rich_help_panel=_OUTPUT)
    ] = False,
    text_column: TextColumn = None,
    title_column: TitleColumn = None,
    id_column: IdColumn = None,
    encoding: Encoding = None,
    region: Region = None,
    engine: EngineName = None,
    boilerplate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Lines of sites to leave out, as `jdextract boilerplate` writes them."),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="A dataset or an index: `canonical_duty` names the duty there that each one is."
        ),
    ] = None,
    config: ConfigFile = None,
    taxonomy: TaxonomyFile = None,
    model: ModelFolder = None,
) -> None:
    """Read scraped documents and write role records.

    Records are written as they are found; a file appears when it is complete. Inputs that can't be read, and documents
    that the extraction fails on, are listed in the file of errors, and the run goes on.

    In CSV a text that a spreadsheet would take for a formula gets an apostrophe in front.

    Example: jdextract extract pages/ -o records.jsonl --html report.html --summary
    """
    from jdextract.cli.run import Targets, run

    columns = {"text_column": text_column, "title_column": title_column, "id_column": id_column}
    settings = make_config(
        config,
        {
            "reading": {**columns, "encoding": encoding},
            "tokens": {"engine": engine},
            "extraction": {"region": region},
            "classification": {"taxonomy": taxonomy, "model": model},
            "deduplication": {"boilerplate": boilerplate, "index": index},
        },
    )
    if output and not errors:
        errors = output.with_name("errors.jsonl")
    status = run(settings, inputs, Targets(output, html, save_text, errors), summary=summary, quiet=quiet)
    if status:
        raise typer.Exit(status)
