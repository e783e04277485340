"""`jdextract explain`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jdextract.cli.console import Status, console, failure_line, visible
from jdextract.cli.llm import LlmBaseUrl, LlmCache, LlmModel, LlmReplay, gather
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

if TYPE_CHECKING:
    from rich.table import Table

    from jdextract.pipeline import Explained, Pipeline
    from jdextract.records import Role, RoleRecord, Segment, SourceText


_NUMERIC = ("span", "score", "record", "#")
_CHANCE = 0.01


def explain(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A document; `-` reads standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per document.")] = False,
    text_column: TextColumn = None,
    title_column: TitleColumn = None,
    id_column: IdColumn = None,
    encoding: Encoding = None,
    region: Region = None,
    engine: EngineName = None,
    llm: LlmModel = None,
    llm_base_url: LlmBaseUrl = None,
    llm_cache: LlmCache = None,
    llm_replay: LlmReplay = None,
    config: ConfigFile = None,
    taxonomy: TaxonomyFile = None,
    model: ModelFolder = None,
) -> None:
    """Show how a document was read: the zone of every stretch and what decided it, then the records and their roles.

    With --llm also what a language model was asked about it; with --llm-replay nothing is asked that is not in the cache.

    Example: jdextract explain pages/shop.html
    """
    asking = gather(locals())
    from jdextract.pipeline import Pipeline
    from jdextract.records import ReadFailure

    columns = {"text_column": text_column, "title_column": title_column, "id_column": id_column}
    settings = make_config(
        config,
        {
            "reading": {**columns, "encoding": encoding},
            "tokens": {"engine": engine},
            "extraction": {"region": region},
            "classification": {"taxonomy": taxonomy, "model": model},
            "llm": asking,
        },
    )
    pipeline = Pipeline(settings)
    shown = failed = 0
    with _assisting(pipeline) as assist:
        for item in pipeline.extract([file], assist=assist):
            if isinstance(item, ReadFailure):
                print(failure_line(item), file=sys.stderr)
                failed += 1
                continue
            (_print_json if as_json else _print_tables)(*item)
            shown += 1
    if failed or not shown:
        raise typer.Exit(Status.PARTLY_DONE if shown else Status.NOTHING_DONE)


@contextmanager
def _assisting(pipeline: Pipeline) -> Iterator[Callable[[Sequence[Explained]], list[Explained]] | None]:
    """Asks a language model about documents, if the settings name one."""
    settings = pipeline.config.llm
    if settings.model is None:
        yield None
        return
    from jdextract.llm.assist import Assistant
    from jdextract.llm.client import Client

    with Client(settings) as client:
        yield Assistant(client, pipeline, settings.cutoff or 0.0).assist


def _print_json(source: SourceText, explained: Explained) -> None:
    draft = explained.draft
    trail: dict[str, Any] = {
        "document": {"id": source.id, "source": source.source, "script": draft.script, "region": draft.region},
        "segments": [
            {
                "span": segment.span,
                "zone": segment.zone,
                "score": segment.score,
                "decided_by": segment.decided_by,
                "record": segment.record,
                "text": _text(source, segment),
            }
            for segment in draft.segments
        ],
        "dropped": [{"span": drop.span, "stage": drop.stage, "reason": drop.reason} for drop in draft.dropped],
        "records": [record.model_dump(mode="json") for record in explained.records],
    }
    sys.stdout.buffer.write(json.dumps(trail, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")


def _text(source: SourceText, segment: Segment) -> str:
    start, end = segment.span
    return source.text[start:end]


def _print_tables(source: SourceText, explained: Explained) -> None:
    out = console()
    draft = explained.draft
    out.print(visible(f"{source.source}  {source.id}  {draft.script}/{draft.region}  {len(source.text)} characters"))
    out.print(_segment_table(source, explained))
    for number, record in enumerate(explained.records):
        title = record.title.text if record.title else "(no title)"
        place = f"  [{record.title.span[0]}, {record.title.span[1]})" if record.title else ""
        out.print(visible(f"record {number}: {title}{place}"), style="bold")
        if record.title and record.title.details:
            out.print(
                visible(f"  name: {record.title.name}" + "".join(f"  {d.kind}: {d.text}" for d in record.title.details))
            )
        out.print(visible(f"  role: {_role(record.role)}"))
        if record.role_mix:
            out.print("  duties: " + ", ".join(f"{share.id} {share.share:.0%}" for share in record.role_mix))
        out.print(f"  headcount: {record.headcount if record.headcount is not None else '-'}")
        out.print(_duty_table(record))
        for name, values in (("requirement", record.requirements), ("pay", record.compensation)):
            for value in values:
                out.print(visible(f"  {name} {_span(value.span)}: {_one_line(value.text)}"))
        for note in record.assistance:
            what = note.task if note.duty is None else f"{note.task} duty {note.duty}"
            out.print(visible(f"  {what}: {note.outcome} by {note.by}"))
        out.print()


def _segment_table(source: SourceText, explained: Explained) -> Table:
    table = _table("span", "zone", "score", "decided by", "record", "text")
    for segment in explained.draft.segments:
        table.add_row(
            _span(segment.span),
            segment.zone,
            f"{segment.score:.2f}",
            segment.decided_by,
            "" if segment.record is None else str(segment.record),
            visible(_one_line(_text(source, segment))),
        )
    return table


def _duty_table(record: RoleRecord) -> Table:
    table = _table("#", "span", "role", "score", "decided by", "alternatives", "duty")
    for index, duty in enumerate(record.duties):
        role = duty.role
        table.add_row(
            str(index),
            _span(duty.span),
            role.id if role.status == "assigned" else f"({role.id})",
            f"{role.score:.2f}",
            role.decided_by,
            _alternatives(role),
            visible(_one_line(duty.text)) + (f"  = {duty.duplicate_of}" if duty.duplicate_of else ""),
        )
    return table


def _table(*columns: str) -> Table:
    """A table whose last column, the text, is shortened to what the line has left."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
    for name in columns:
        if name == columns[-1]:
            table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=1, min_width=20)
        else:
            table.add_column(name, no_wrap=True, justify="right" if name in _NUMERIC else "left")
    return table


def _role(role: Role) -> str:
    """`store-operations 0.93 assigned by title; else merchandising 0.04`."""
    others = _alternatives(role)
    how = f" by {role.decided_by}" if role.decided_by else ""
    return f"{role.id} {role.score:.2f} {role.status}{how}" + (f"; else {others}" if others else "")


def _alternatives(role: Role) -> str:
    """Those that had a chance; `--json` has them all."""
    return ", ".join(f"{other.id} {other.score:.2f}" for other in role.alternatives if other.score >= _CHANCE)


def _span(span: tuple[int, int]) -> str:
    return f"{span[0]}-{span[1]}"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:400]
