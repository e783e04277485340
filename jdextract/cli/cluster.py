"""`jdextract cluster extract|dedup|dataset`."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from jdextract.cli.console import EXIT_CODES, Status, visible
from jdextract.cli.settings import (
    BoilerplateFile,
    ConfigFile,
    Encoding,
    EngineName,
    IdColumn,
    IndexFolder,
    ModelFolder,
    Region,
    TaxonomyFile,
    TextColumn,
    TitleColumn,
    make_config,
)

if TYPE_CHECKING:
    from jdextract.cluster.engine import Engine

app = typer.Typer(
    no_args_is_help=True,
    help="The same work on one machine or many, as queries of Daft, on local files or object storage."
    "\n\nAWS_ENDPOINT_URL or --s3-endpoint names an S3-compatible store; credentials come from the environment."
    " Needs the extra `cluster`.",
)

_ENGINE = "Engine"


class RunnerName(StrEnum):
    """Values of `--runner`."""

    NATIVE = "native"
    RAY = "ray"


Runner = Annotated[
    RunnerName,
    typer.Option("--runner", help="This machine, or a Ray cluster.", rich_help_panel=_ENGINE),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="ADDRESS",
        help="Of the Ray cluster: `auto`, HOST:PORT or ray://HOST:PORT. Without it Ray starts on this machine.",
        rich_help_panel=_ENGINE,
    ),
]
S3Endpoint = Annotated[
    str | None,
    typer.Option(
        "--s3-endpoint",
        metavar="URL",
        help="Of an S3-compatible store. Default: AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL.",
        rich_help_panel=_ENGINE,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "-j",
        "--workers",
        min=1,
        metavar="N",
        help="Processes that run our functions. Default: as many as there are cores, here or in the cluster.",
        rich_help_panel=_ENGINE,
    ),
]
Output = Annotated[str, typer.Option("-o", "--output", metavar="DIR", help="New or empty folder, local or `s3://…`.")]
Records = Annotated[
    list[str],
    typer.Argument(metavar="RECORDS...", help="Parquet files of records, folders or globs, local or `s3://…`."),
]


def _start(runner: RunnerName, address: str | None, s3_endpoint: str | None, workers: int | None) -> Engine:
    from jdextract.cluster.engine import start_engine

    return start_engine(runner.value, address=address, s3_endpoint=s3_endpoint, workers=workers)


@app.command("extract", epilog=EXIT_CODES)
def extract(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Files, folders or globs, local or `s3://…`.")
    ],
    output: Output,
    runner: Runner = RunnerName.NATIVE,
    address: Address = None,
    s3_endpoint: S3Endpoint = None,
    workers: Workers = None,
    text_column: TextColumn = None,
    title_column: TitleColumn = None,
    id_column: IdColumn = None,
    encoding: Encoding = None,
    region: Region = None,
    engine: EngineName = None,
    boilerplate: BoilerplateFile = None,
    index: IndexFolder = None,
    config: ConfigFile = None,
    taxonomy: TaxonomyFile = None,
    model: ModelFolder = None,
) -> None:
    """Extract records into DIR/records and failures into DIR/failures, in parts of Parquet that sort by name.

    The rows are those of `jdextract extract`. Files that settings name must be readable on every worker.

    Example: jdextract cluster extract s3://crawl/2026/ -o s3://crawl/records --runner ray --address auto
    """
    started = _start(runner, address, s3_endpoint, workers)
    from jdextract.cluster.extraction import extract as run

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
    done = run(inputs, output, settings, started)
    _say(f"{done.documents} documents, {done.records} records, {done.failures} failures in {done.folder}")
    if done.failures:
        raise typer.Exit(Status.PARTLY_DONE)


@app.command("dedup")
def dedup(
    inputs: Records,
    output: Output,
    runner: Runner = RunnerName.NATIVE,
    address: Address = None,
    s3_endpoint: S3Endpoint = None,
    workers: Workers = None,
    config: ConfigFile = None,
) -> None:
    """Mark repeated duties, records and documents. The clusters are those of `jdextract dedup`.

    Example: jdextract cluster dedup s3://crawl/records/records/ -o s3://crawl/marked --runner ray --address auto
    """
    started = _start(runner, address, s3_endpoint, workers)
    from jdextract.cluster.deduplication import deduplicate

    done = deduplicate(inputs, output, make_config(config, {}), started)
    for grain, found in done.found.items():
        counts = ", ".join(f"{found.repeats.get(kind, 0)} {kind}" for kind in ("exact", "template", "near"))
        name = {"duty": "duties", "record": "records", "document": "documents"}[grain]
        _say(f"{found.texts} {name}: {found.clusters} clusters; repeats: {counts}")


@app.command("dataset")
def dataset(
    inputs: Records,
    output: Output,
    name: Annotated[str, typer.Option(metavar="NAME", help="Name in the card. Default: that of the folder.")] = "",
    runner: Runner = RunnerName.NATIVE,
    address: Address = None,
    s3_endpoint: S3Endpoint = None,
    workers: Workers = None,
    config: ConfigFile = None,
    taxonomy: TaxonomyFile = None,
) -> None:
    """Build the dataset of canonical duties from records that `jdextract cluster dedup` marked.

    Tables, card and description are those of `jdextract dataset build`, without its index.

    Example: jdextract cluster dataset s3://crawl/marked -o s3://crawl/duties --runner ray --address auto
    """
    started = _start(runner, address, s3_endpoint, workers)
    from jdextract.cluster.dataset import build
    from jdextract.taxonomy import load_taxonomy

    settings = make_config(config, {"classification": {"taxonomy": taxonomy}})
    rows = build(inputs, output, load_taxonomy(settings.classification.taxonomy), settings, started, name=name)
    for table, count in rows.items():
        _say(f"{table:18} {count:9} rows")


def _say(line: str) -> None:
    print(visible(line), file=sys.stderr)
