"""`jdextract llm`: what a language model is asked outside a run, and the options that runs share."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jdextract.cli.console import EXIT_CODES, Status, visible
from jdextract.cli.settings import ConfigFile, make_config

if TYPE_CHECKING:
    from jdextract.config import LlmConfig

app = typer.Typer(
    no_args_is_help=True, help="Language models: label sentences, measure what asking is worth, batch files."
)
batch = typer.Typer(
    no_args_is_help=True,
    help="Files of the OpenAI batch API: half the price, answers within a day."
    "\n\nExample: jdextract llm batch export requests.jsonl --llm gpt-5-mini -o batch.jsonl",
)
app.add_typer(batch, name="batch")

_PANEL = "Language model"


class ModeName(StrEnum):
    """Values of `--llm-mode`."""

    AUTO = "auto"
    NATIVE = "native"
    TOOL = "tool"
    PROMPTED = "prompted"


LlmModel = Annotated[
    str | None,
    typer.Option(
        "--llm",
        metavar="MODEL",
        help="Model to ask. The key is taken from JDEXTRACT_LLM_API_KEY, else OPENAI_API_KEY.",
        rich_help_panel=_PANEL,
    ),
]
LlmBaseUrl = Annotated[
    str | None,
    typer.Option("--llm-base-url", metavar="URL", help="OpenAI-compatible endpoint.", rich_help_panel=_PANEL),
]
LlmMode = Annotated[
    ModeName | None,
    typer.Option("--llm-mode", help="How answers are made to fit their schema.", rich_help_panel=_PANEL),
]
LlmBudget = Annotated[
    str | None,
    typer.Option(
        "--llm-budget",
        metavar="AMOUNT",
        help="Most that the run may cost, in the currency of the price table; then it goes on without the model.",
        rich_help_panel=_PANEL,
    ),
]
LlmPrice = Annotated[
    str | None,
    typer.Option(
        "--llm-price", metavar="IN/OUT", help="Price per million tokens, such as 0.15/0.60.", rich_help_panel=_PANEL
    ),
]
LlmExtraBody = Annotated[
    str | None,
    typer.Option(
        "--llm-extra-body",
        metavar="JSON",
        help="Goes into every request, such as '{\"enable_thinking\": false}'.",
        rich_help_panel=_PANEL,
    ),
]
LlmMaxCalls = Annotated[
    int | None, typer.Option("--llm-max-calls", metavar="N", help="Most requests of the run.", rich_help_panel=_PANEL)
]
LlmConcurrency = Annotated[
    int | None,
    typer.Option("--llm-concurrency", metavar="N", help="Requests under way at once.", rich_help_panel=_PANEL),
]
LlmCache = Annotated[
    Path | None,
    typer.Option("--llm-cache", metavar="FILE", help="Answers so far: none is paid twice.", rich_help_panel=_PANEL),
]
LlmReplay = Annotated[
    bool | None,
    typer.Option("--llm-replay", help="Answers from the cache only; nothing is sent.", rich_help_panel=_PANEL),
]
LlmCutoff = Annotated[
    float | None,
    typer.Option(
        "--llm-cutoff",
        min=0,
        metavar="VALUE",
        help="Least value per token of what is asked, as run.json and a dry run tell it; instead of planning.",
        rich_help_panel=_PANEL,
    ),
]
LlmDryRun = Annotated[
    bool,
    typer.Option(
        "--llm-dry-run",
        help="Print what would be asked and what it would cost at most, as JSON; nothing is asked, no record written.",
        rich_help_panel=_PANEL,
    ),
]
LlmRequests = Annotated[
    Path | None,
    typer.Option(
        "--llm-requests",
        metavar="FILE",
        help="With --llm-dry-run: write the requests for `jdextract llm batch export`.",
        rich_help_panel=_PANEL,
    ),
]


def gather(options: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the section `[llm]` among the options of a command (`llm`, `llm_budget`, …), given or None."""
    return {
        "model" if name == "llm" else name.removeprefix("llm_"): value
        for name, value in options.items()
        if name == "llm" or name.startswith("llm_")
    }


def llm_settings(config: Path | None, **given: Any) -> LlmConfig:
    """Section `[llm]` of a file with the given options on top. Raises ConfigError."""
    return make_config(config, {"llm": given}).llm


@batch.command("export", epilog=EXIT_CODES)
def export(
    requests: Annotated[Path, typer.Argument(metavar="REQUESTS", help="What a run would ask, one JSON object a line.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="File to upload.")],
    llm: LlmModel = None,
    llm_base_url: LlmBaseUrl = None,
    llm_mode: LlmMode = None,
    llm_extra_body: LlmExtraBody = None,
    llm_cache: LlmCache = None,
    url: Annotated[
        str, typer.Option("--url", metavar="PATH", help="`url` of each line; GLM wants /v4/chat/completions.")
    ] = "/v1/chat/completions",
    config: ConfigFile = None,
) -> None:
    """Write the requests that the cache does not answer into a file for the batch API of the endpoint.

    More than 50,000 requests or 190 MB go into FILE-2, FILE-3, …

    Example: jdextract llm batch export requests.jsonl --llm gpt-5-mini -o batch.jsonl
    """
    from jdextract.llm.batchfiles import export_requests
    from jdextract.llm.cache import AnswerCache
    from jdextract.llm.requestfile import read_requests

    given = {"model": llm, "base_url": llm_base_url, "mode": llm_mode, "extra_body": llm_extra_body, "cache": llm_cache}
    settings = llm_settings(config, **given)
    with AnswerCache(settings.cache) as cache:
        exported = export_requests(read_requests(requests), output, cache, settings, url=url)
    files = ", ".join(str(path) for path in exported.files)
    print(f"{exported.requests} requests in {files}, {exported.cached} answered already", file=sys.stderr)


@batch.command("import", epilog=EXIT_CODES)
def import_(
    results: Annotated[list[Path], typer.Argument(metavar="RESULTS", help="Files of results or errors.")],
    llm: LlmModel = None,
    llm_base_url: LlmBaseUrl = None,
    llm_price: LlmPrice = None,
    llm_cache: LlmCache = None,
    config: ConfigFile = None,
) -> None:
    """Read the results of a batch into the cache. The next run asks nothing of what they answer.

    Model, endpoint and price are only needed to know the cost, which is printed as JSON with the numbers of tokens.

    Example: jdextract llm batch import batch_output.jsonl --llm gpt-5-mini
    """
    from jdextract.llm.batchfiles import import_answers
    from jdextract.llm.cache import AnswerCache
    from jdextract.llm.prices import find_price

    settings = llm_settings(config, model=llm, base_url=llm_base_url, price=llm_price, cache=llm_cache)
    price = find_price(settings.model or "", settings.base_url, settings.price)
    failed = 0
    with AnswerCache(settings.cache) as cache:
        for path in results:
            imported = import_answers(path, cache, price, settings.model or "")
            print(json.dumps({"file": str(path), **imported.ledger.summary()}, ensure_ascii=False))
            for key, reason in imported.failed:
                print(visible(f"failed: {key}: {reason}"), file=sys.stderr)
            others = f"{imported.known} known already, {imported.foreign} not exported with this cache"
            print(f"{path}: {imported.answers} answers, {len(imported.failed)} failed, {others}", file=sys.stderr)
            failed += len(imported.failed) + imported.foreign
    if failed:
        raise typer.Exit(Status.PARTLY_DONE)
