"""`jdextract llm label`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from jdextract.cli.console import Status
from jdextract.cli.counter import count_through
from jdextract.cli.llm import (
    LlmBaseUrl,
    LlmBudget,
    LlmCache,
    LlmConcurrency,
    LlmExtraBody,
    LlmMaxCalls,
    LlmMode,
    LlmModel,
    LlmPrice,
    LlmReplay,
    gather,
)
from jdextract.cli.settings import ConfigFile, TaxonomyFile, make_config


def label(
    sentences: Annotated[
        Path,
        typer.Argument(metavar="SENTENCES", help="One sentence a line, or JSON lines with text, and title if known."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Labels: .csv without texts (by digest), .jsonl with them."
        ),
    ],
    samples: Annotated[
        int | None, typer.Option(min=1, max=50, help="Answers to each sentence; the majority is its label. Default: 5.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, help="Of the samples. Default: 0.7; a single one has 0.")
    ] = None,
    requests: Annotated[
        Path | None,
        typer.Option(
            "--llm-requests",
            metavar="FILE",
            help="Ask nothing: write the questions for `jdextract llm batch export`, half the price.",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")] = False,
    llm: LlmModel = None,
    llm_base_url: LlmBaseUrl = None,
    llm_mode: LlmMode = None,
    llm_budget: LlmBudget = None,
    llm_price: LlmPrice = None,
    llm_extra_body: LlmExtraBody = None,
    llm_max_calls: LlmMaxCalls = None,
    llm_concurrency: LlmConcurrency = None,
    llm_cache: LlmCache = None,
    llm_replay: LlmReplay = None,
    config: ConfigFile = None,
    taxonomy: TaxonomyFile = None,
) -> None:
    """Let a language model label sentences, for `train --teacher` and `adapt --teacher`.

    Each distinct sentence is asked about several times; the majority is its label. Sentences without a clear one are
    listed in FILE-undecided.jsonl. Numbers, tokens and cost are printed as JSON. Every answer is kept in the cache: after
    an interruption, or with a larger budget, the same command goes on and pays nothing twice.

    Example: jdextract llm label duties.jsonl -o teacher.csv --llm gpt-5-mini --llm-budget 2
    """
    given = gather(locals())
    from jdextract.extraction.extractor import Extractor
    from jdextract.llm.client import Client
    from jdextract.llm.labelling import check_output, load_sentences, undecided_path, write_labels
    from jdextract.llm.requestfile import write_requests
    from jdextract.llm.tasks.label import ask_label
    from jdextract.llm.tasks.label import label as ask
    from jdextract.taxonomy import load_taxonomy

    settings = make_config(config, {"classification": {"taxonomy": taxonomy}, "llm": given})
    check_output(output)
    roles = load_taxonomy(settings.classification.taxonomy)
    normalize = Extractor(settings.extraction, settings.tokens).normalize
    found, repeats = load_sentences(sentences, normalize)
    if repeats:
        print(f"{repeats} repeated sentences left out", file=sys.stderr)
    if requests:
        count = write_requests((q for one in found for q in ask_label(one, roles, samples, temperature)), requests)
        print(f"{count} questions about {len(found)} sentences in {requests}", file=sys.stderr)
        return
    with Client(settings.llm) as client:
        labels = count_through(ask(found, roles, client, samples, temperature), "sentences", len(found), quiet=quiet)
        counts = write_labels(labels, output, normalize)
    ledger = client.ledger.summary()
    del ledger["documents"], ledger["documents_not_listed"]  # each sentence is one
    print(json.dumps({**counts.summary(), "repeats": repeats, "llm": ledger}, ensure_ascii=False))
    undecided = counts.undecided.total()
    if undecided:
        print(f"{undecided} sentences without a label in {undecided_path(output)}", file=sys.stderr)
    if any(reason.startswith("failed:") for reason in counts.undecided):
        raise typer.Exit(Status.PARTLY_DONE)
