"""`jdextract adapt`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from jdextract.cli.console import console
from jdextract.cli.settings import ConfigFile, EngineName, TaxonomyFile, TextColumn, TitleColumn, make_config


def adapt(
    pages: Annotated[list[str], typer.Argument(metavar="PAGES...", help="Pages without labels, as for `extract`.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="MODEL", help="Folder for the adapted model.")],
    corpus: Annotated[Path, typer.Option(metavar="DIR", help="Folder with documents/ and duties/.")] = Path("corpus"),
    labelled: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="JSON lines with text and role of your own pages; may be repeated."),
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Labels to learn as well: CSV with key and role of duties of these pages, JSON lines with text and role.",
        ),
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="settings.json of the duty model. Default: built in.")
    ] = None,
    text_column: TextColumn = None,
    title_column: TitleColumn = None,
    config: ConfigFile = None,
    taxonomy: TaxonomyFile = None,
    engine: EngineName = None,
) -> None:
    """Fit the duty classifier to your own pages, without labels: a duty is learned where its words and its title agree.

    What is gained and lost is measured on the documents kept for reporting and on --labelled files, role by role. A model
    that is worse on one of them is not written (exit code 1).

    Example: jdextract adapt postings/*.jsonl -o my-model --labelled checked.jsonl
    """
    from rich import box
    from rich.table import Table

    from jdextract.training import adapt_roles

    chosen = make_config(
        config,
        {
            "reading": {"text_column": text_column, "title_column": title_column},
            "classification": {"taxonomy": taxonomy},
            "tokens": {"engine": engine},
        },
    )
    gains = adapt_roles(
        corpus,
        pages,
        output,
        labelled or (),
        settings,
        chosen,
        lambda line: print(line, file=sys.stderr),
        teacher=teacher,
    )
    for name, gain in gains.items():
        table = Table("role", "change of F1", box=box.SIMPLE_HEAD, pad_edge=False, title=name, title_justify="left")
        for role, change in gain.by_role.items():
            if change:
                table.add_row(role, f"{change:+.3f}")
        console().print(table)
    print(f"{output}: use it with --model {output}", file=sys.stderr)
