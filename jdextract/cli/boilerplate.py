"""`jdextract boilerplate`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jdextract.cli.console import Status, failure_line
from jdextract.cli.settings import ConfigFile, Encoding, IdColumn, TextColumn, TitleColumn, make_config
from jdextract.errors import EmptyInput

if TYPE_CHECKING:
    from jdextract.config import Config
    from jdextract.records import SourceText


def boilerplate(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="Files, folders, globs, as for `extract`.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Lines found, one JSON object a line.")
    ],
    text_column: TextColumn = None,
    title_column: TitleColumn = None,
    id_column: IdColumn = None,
    encoding: Encoding = None,
    config: ConfigFile = None,
) -> None:
    """Find what a site writes on every page: lines that stand on half of the pages of one source (a host, a folder, a
    table), or on a quarter of many. Look the file over, delete what you want to keep, and hand it to `extract`.

    Example: jdextract boilerplate pages/ -o boilerplate.jsonl && jdextract extract pages/ --boilerplate boilerplate.jsonl -o records.jsonl
    """
    from jdextract.deduplication.boilerplate import find_boilerplate, write_boilerplate
    from jdextract.output import replacing

    columns = {"text_column": text_column, "title_column": title_column, "id_column": id_column}
    settings = make_config(config, {"reading": {**columns, "encoding": encoding}})
    counts = {"documents": 0, "failures": 0}
    lines = find_boilerplate(_read(inputs, settings, counts))
    if not counts["documents"]:
        raise EmptyInput("no document was read", where=" ".join(inputs), hint="check the paths")
    with replacing(output) as stream:
        stream.writelines(write_boilerplate(lines))
    print(f"{counts['documents']} documents, {len(lines)} repeated lines in {output}", file=sys.stderr)
    if counts["failures"]:
        raise typer.Exit(Status.PARTLY_DONE)


def _read(inputs: list[str], settings: Config, counts: dict[str, int]) -> Iterator[SourceText]:
    from jdextract.reading import read
    from jdextract.records import ReadFailure

    for item in read(inputs, settings.reading):
        if isinstance(item, ReadFailure):
            counts["failures"] += 1
            print(failure_line(item), file=sys.stderr)
        else:
            counts["documents"] += 1
            yield item
