"""Options that several commands share, and how they become a Config."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from jdextract.config import Config


class Engine(StrEnum):
    """Values of `--engine`."""

    RJIEBA = "rjieba"
    JIEBA = "jieba"


class RegionName(StrEnum):
    """Values of `--region`."""

    AUTO = "auto"
    CN = "cn"
    TW = "tw"
    HK = "hk"


_READING = "Reading"
_MODELS = "Settings and models"

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file of settings; options win.", rich_help_panel=_MODELS),
]
TaxonomyFile = Annotated[
    Path | None,
    typer.Option("--taxonomy", metavar="FILE", help="Another role taxonomy.", rich_help_panel=_MODELS),
]
ModelFolder = Annotated[
    Path | None,
    typer.Option("--model", metavar="DIR", help="Another duty-to-role model.", rich_help_panel=_MODELS),
]
EngineName = Annotated[
    Engine | None,
    typer.Option("--engine", help="Word segmentation: Rust or Python, same words.", rich_help_panel=_MODELS),
]
Region = Annotated[
    RegionName | None,
    typer.Option("--region", help="Whose Traditional Chinese it is.", rich_help_panel=_READING),
]
Encoding = Annotated[
    str | None,
    typer.Option("--encoding", help="Encoding of the input, instead of detecting it.", rich_help_panel=_READING),
]
TextColumn = Annotated[
    str | None,
    typer.Option("--text-column", metavar="NAME", help="Column with the text, in tables.", rich_help_panel=_READING),
]
TitleColumn = Annotated[
    str | None,
    typer.Option("--title-column", metavar="NAME", help="Column with the position.", rich_help_panel=_READING),
]
IdColumn = Annotated[
    str | None,
    typer.Option("--id-column", metavar="NAME", help="Column with the row key.", rich_help_panel=_READING),
]

BoilerplateFile = Annotated[
    Path | None,
    typer.Option(
        "--boilerplate",
        metavar="FILE",
        help="Lines of sites to leave out, as `jdextract boilerplate` writes them.",
    ),
]
IndexFolder = Annotated[
    Path | None,
    typer.Option(
        "--index",
        metavar="DIR",
        help="A dataset or an index: `canonical_duty` names the duty there that each one is.",
    ),
]


def make_config(file: Path | None, given: dict[str, dict[str, Any]]) -> Config:
    """Settings of a file with the given options on top; an option that is None was not given.

    `given` maps a section to its settings. Raises ConfigError.
    """
    from pydantic import ValidationError

    from jdextract.config import Config, load_config
    from jdextract.errors import ConfigError

    merged = (load_config(file) if file else Config()).model_dump()
    for section, settings in given.items():
        merged[section].update({name: value for name, value in settings.items() if value is not None})
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{key}: {first['msg']}", hint="`jdextract config` prints every setting") from error
