"""`jdextract train`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from jdextract.cli.settings import ConfigFile, EngineName, TaxonomyFile, make_config


class Which(StrEnum):
    """Values of `--only`."""

    ZONING = "zoning"
    DUTY_ROLE = "duty-role"


def train(
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="Folder with documents/ and duties/.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the models.")],
    only: Annotated[Which | None, typer.Option(help="Train one of the two models.")] = None,
    pages: Annotated[
        list[str] | None,
        typer.Option(
            metavar="INPUT",
            help="Pages without labels, for weak supervision of zoning, and those of --teacher; may be repeated.",
        ),
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Labels that the duty model learns as well: JSON lines with text and role, or CSV with key and role of "
            "duties of --pages. `jdextract llm label` writes them.",
        ),
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="settings.json of the duty model. Default: built in.")
    ] = None,
    search: Annotated[
        bool, typer.Option("--search", help="Try settings of the duty model in grouped folds, take the best.")
    ] = False,
    config: ConfigFile = None,
    taxonomy: TaxonomyFile = None,
    engine: EngineName = None,
) -> None:
    """Train the zoning models and the duty classifier on annotated documents and labelled duties.

    Documents of the split `report` are left out. The same corpus gives the same models. With --teacher what its labels
    gain or lose on those documents is told.

    Example: jdextract train corpus -o out/models
    """
    from jdextract.training import train_roles, train_zones

    chosen = make_config(config, {"classification": {"taxonomy": taxonomy}, "tokens": {"engine": engine}})

    def tell(line: str) -> None:
        print(line, file=sys.stderr)

    if only in (None, Which.ZONING):
        tell(str(train_zones(corpus, output / "zoning", pages or (), chosen, tell)))
    if only in (None, Which.DUTY_ROLE):
        folder = output / "duty-role"
        made = train_roles(corpus, folder, settings, chosen, tell, search=search, teacher=teacher, pages=pages or ())
        tell(str(made))
