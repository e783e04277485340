"""`jdextract dataset build|diff|check`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jdextract.cli.console import Status, console, failure_line, visible
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

if TYPE_CHECKING:
    from jdextract.config import LlmConfig
    from jdextract.dataset.compare import Change
    from jdextract.dataset.wordings import Choose
    from jdextract.records import ReadFailure, RoleRecord

app = typer.Typer(no_args_is_help=True, help="Build the dataset of canonical duties, compare versions, check one.")

_SHOWN = 20  # rows of a printed list
_TEXT = 60  # characters of a text in it


@app.command()
def build(
    inputs: Annotated[list[Path], typer.Argument(metavar="RECORDS...", help="Records of `extract`: .jsonl, .parquet.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the dataset.")],
    previous: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the ids of this version. Default: the one that stands in the folder."),
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="Name in the card. Default: that of the folder.")] = "",
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
    """Build canonical duties, their occurrences, records, splits, card, Croissant description and checksums.

    The folder opens with datasets.load_dataset, pandas, polars and DuckDB. The same input gives the same bytes; ids stay
    when a dataset is built again in its folder, or with --previous.

    With --llm a model chooses the wording of duties of which the rules hardly decide it, among those that occur. Its answers
    are kept in the cache, from which the same bytes come again.

    Example: jdextract dataset build records.jsonl -o duties/
    """
    given = gather(locals())
    from jdextract.config import LlmConfig
    from jdextract.dataset.build import build_dataset
    from jdextract.taxonomy import load_taxonomy

    settings = make_config(config, {"classification": {"taxonomy": taxonomy}, "llm": given})
    failures: list[ReadFailure] = []
    chosen = load_taxonomy(settings.classification.taxonomy)
    with _asking(settings.llm) as choose:
        built = build_dataset(
            lambda: _records(inputs, failures),
            output,
            chosen,
            settings.model_copy(update={"llm": LlmConfig()}),  # how a model was asked is no setting of the dataset
            previous=previous,
            name=name or output.name,
            choose=choose,
        )
    for table, rows in built.rows.items():
        print(f"{table:18} {rows:9} rows", file=sys.stderr)
    if built.merged:
        print(f"{len(built.merged)} duties of earlier versions are part of others now", file=sys.stderr)
    if failures:
        print(f"{len(failures)} rows were no records", file=sys.stderr)
        raise typer.Exit(Status.PARTLY_DONE)


@contextmanager
def _asking(settings: LlmConfig) -> Iterator[Choose | None]:
    """How wordings are chosen: None without a model. What was asked and what it cost is told at the end."""
    if settings.model is None:
        yield None
        return
    from jdextract.llm.client import Client
    from jdextract.llm.naming import name_clusters

    outcomes: Counter[str] = Counter()
    with Client(settings) as client:
        yield lambda calls: name_clusters(calls, client, outcomes)
    told = ", ".join(f"{n} {reason}" for reason, n in sorted(outcomes.items())) or "none asked about"
    summary = client.ledger.summary()
    cost = f"{summary['spent']:.4f} {summary['currency']}" if summary["cost_known"] else "unknown cost"
    print(visible(f"wordings: {told}; {summary['calls']} calls, {cost}"), file=sys.stderr)


def _records(inputs: Sequence[Path], failures: list[ReadFailure]) -> Iterator[RoleRecord]:
    """Records of the inputs; each failure is told the first time."""
    from jdextract.recordfile import read_records
    from jdextract.records import RoleRecord

    known = set(failures)
    for item in read_records(inputs):
        if isinstance(item, RoleRecord):
            yield item
        elif item not in known:
            failures.append(item)
            if len(failures) <= _SHOWN:
                print(failure_line(item), file=sys.stderr)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="Folder of a dataset.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Folder of a later version.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Say which duties were added, are gone, were merged or split, or moved to another role.

    Example: jdextract dataset diff duties-2025/ duties-2026/
    """
    from jdextract.dataset.compare import compare_datasets

    found = compare_datasets(old, new)
    if as_json:
        print(json.dumps(found.to_json(), ensure_ascii=False, indent=1))
        return
    for kind in ("added", "gone", "merged", "split", "moved"):
        _print_changes(kind, getattr(found, kind))
    print(f"kept: {found.kept}")


def _print_changes(kind: str, changes: Sequence[Change]) -> None:
    out = console()
    out.print(f"{kind}: {len(changes)}")
    for change in changes[:_SHOWN]:
        where = f" -> {', '.join(change.ids)}" if change.ids else ""
        roles = f" {' -> '.join(change.roles)}" if change.roles else ""
        out.print(visible(f"  {change.id}{where}{roles}  {' '.join(change.text.split())[:_TEXT]}"))
    if len(changes) > _SHOWN:
        out.print(f"  … and {len(changes) - _SHOWN} more; --json prints all")


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a dataset.")],
    redact: Annotated[
        bool, typer.Option("--redact", help="Replace personal data by its kind, in the files of the dataset.")
    ] = False,
) -> None:
    """Check files and checksums, schema, ids, leakage across splits, and personal data (telephone numbers, e-mail, WeChat,
    QQ, identity cards, names of contacts). Exit code 1 when something was found.

    Example: jdextract dataset check duties/ --redact
    """
    from jdextract.dataset.checks import check_dataset, redact_dataset

    if redact:
        print(f"{redact_dataset(folder)} values redacted", file=sys.stderr)
    counts: Counter[str] = Counter()
    for finding in check_dataset(folder):
        counts[finding.problem] += 1
        if counts[finding.problem] <= _SHOWN:
            print(visible(f"{finding.problem}: {finding.where}: {finding.what}"))
    for problem, count in counts.items():
        if count > _SHOWN:
            print(f"{problem}: … and {count - _SHOWN} more")
    print("nothing found" if not counts else f"{counts.total()} problems", file=sys.stderr)
    if counts:
        raise typer.Exit(Status.NOTHING_DONE)
