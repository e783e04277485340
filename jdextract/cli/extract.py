"""`jdextract extract`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jdextract.cli.llm import (
    LlmBaseUrl,
    LlmBudget,
    LlmCache,
    LlmConcurrency,
    LlmCutoff,
    LlmDryRun,
    LlmExtraBody,
    LlmMaxCalls,
    LlmMode,
    LlmModel,
    LlmPrice,
    LlmReplay,
    LlmRequests,
    gather,
)
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

_OUTPUT = "Output"
_LARGE = "Large runs"


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
    workers: Annotated[
        int | None,
        typer.Option(
            "-j",
            "--workers",
            min=1,
            metavar="N",
            help="Processes; 1 works in this one. Default: as many as there are cores.",
            rich_help_panel=_LARGE,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the run that was interrupted, if one was.", rich_help_panel=_LARGE),
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Forget the run that was interrupted.", rich_help_panel=_LARGE)
    ] = False,
    time_limit: Annotated[
        float,
        typer.Option(
            min=0.1,
            metavar="SECONDS",
            help="A document that takes longer in a worker is put aside.",
            rich_help_panel=_LARGE,
        ),
    ] = 60.0,
    memory_limit: Annotated[
        int,
        typer.Option(
            min=16,
            metavar="MB",
            help="A document that needs more in a worker, beside the models, is put aside.",
            rich_help_panel=_LARGE,
        ),
    ] = 2048,
    log_json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Log of the run, one JSON object a line.", rich_help_panel=_LARGE),
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Seconds by stage as JSON, and a table at the end.", rich_help_panel=_LARGE),
    ] = None,
    text_column: TextColumn = None,
    title_column: TitleColumn = None,
    id_column: IdColumn = None,
    encoding: Encoding = None,
    region: Region = None,
    engine: EngineName = None,
    boilerplate: BoilerplateFile = None,
    index: IndexFolder = None,
    llm: LlmModel = None,
    llm_base_url: LlmBaseUrl = None,
    llm_mode: LlmMode = None,
    llm_budget: LlmBudget = None,
    llm_max_calls: LlmMaxCalls = None,
    llm_cutoff: LlmCutoff = None,
    llm_price: LlmPrice = None,
    llm_extra_body: LlmExtraBody = None,
    llm_concurrency: LlmConcurrency = None,
    llm_cache: LlmCache = None,
    llm_replay: LlmReplay = None,
    llm_dry_run: LlmDryRun = False,
    llm_requests: LlmRequests = None,
    config: ConfigFile = None,
    taxonomy: TaxonomyFile = None,
    model: ModelFolder = None,
) -> None:
    """Read scraped documents and write role records.

    A file appears when it is complete. Inputs that can't be read, and documents that the extraction fails on, are listed
    in the file of errors, and the run goes on; so it does after a document that crashes a worker or holds it up.

    A run with -o keeps a journal in a hidden folder beside the output until it ends, and sums itself up in run.json there:
    after Ctrl-C, a crash, a full disk or a power failure the same command with --resume goes on, and writes what an
    unbroken run would have written. Records on standard output come as they are found, without a journal.

    With --llm a language model is asked about structures and roles that are in doubt, the most valuable first, as far as
    --llm-budget and --llm-max-calls reach. Its answers count only where their words stand in the document; `assistance` of
    each record tells what was asked and what became of it. Where no answer comes, records stay as they are without a model.

    In CSV a text that a spreadsheet would take for a formula gets an apostrophe in front.

    Example: jdextract extract pages/ -o records.jsonl --html report.html --summary
    """
    asking = {name: value for name, value in gather(locals()).items() if name not in ("dry_run", "requests")}
    from jdextract.cli.run import Limits, Options, Sayings, Targets, plan, run
    from jdextract.errors import ConfigError

    if resume and restart:
        raise ConfigError("--resume and --restart exclude each other", hint="give one of them")
    if resume and not output:
        raise ConfigError("--resume needs an output file", hint="give it with `-o`")
    columns = {"text_column": text_column, "title_column": title_column, "id_column": id_column}
    settings = make_config(
        config,
        {
            "reading": {**columns, "encoding": encoding},
            "tokens": {"engine": engine},
            "extraction": {"region": region},
            "classification": {"taxonomy": taxonomy, "model": model},
            "deduplication": {"boilerplate": boilerplate, "index": index},
            "llm": asking,
        },
    )
    if settings.llm.model is None and (llm_dry_run or any(value is not None for value in asking.values())):
        raise ConfigError("no language model is named", hint="give --llm MODEL, or set `model` in section [llm]")
    if llm_requests and not llm_dry_run:
        raise ConfigError("--llm-requests needs --llm-dry-run", hint="give both")
    if output and not errors:
        errors = output.with_name("errors.jsonl")
    targets = Targets(output, html, save_text, errors, output.with_name("run.json") if output else None)
    limits = Limits(time_limit, memory_limit << 20)
    options = Options(workers, resume, restart, limits, rows=summary)
    if llm_dry_run:
        plan(settings, inputs, options, llm_requests, quiet=quiet)
        return
    status = run(settings, inputs, targets, options, Sayings(summary, quiet, log_json, profile))
    if status:
        raise typer.Exit(status)
