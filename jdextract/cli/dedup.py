"""`jdextract dedup`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jdextract.cli.console import Status, console, failure_line, visible
from jdextract.cli.settings import ConfigFile, make_config
from jdextract.errors import ConfigError, EmptyInput

if TYPE_CHECKING:
    from jdextract.deduplication.duplicates import Cluster, Duplicates
    from jdextract.deduplication.marking import Found
    from jdextract.records import ReadFailure, RoleRecord

_SHOWN = 15  # clusters of the printed table
_FAILURES_SHOWN = 20
_CHOSEN_TEXT = 60  # characters of a text in the table


def dedup(
    inputs: Annotated[list[Path], typer.Argument(metavar="RECORDS...", help="Records of `extract`: .jsonl, .parquet.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Marked records: .jsonl, .csv, .parquet.")
    ] = None,
    clusters: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Every cluster with its variants, one JSON object a line.")
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Compare with all earlier batches of this index, and add this one."),
    ] = None,
    batch: Annotated[str, typer.Option(metavar="NAME", help="Name of this batch in the index.")] = "",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print no table.")] = False,
    config: ConfigFile = None,
) -> None:
    """Find repeated duties, records and documents: exact, nearly the same, or one template with other slots (platform,
    city, number, firm, goods).

    Each duplicate names what it repeats, how, and how similar it is; each cluster has one representative, whatever the
    order of the input. Nothing is dropped. With --index a batch is compared with all earlier ones.

    Example: jdextract dedup records.jsonl -o marked.jsonl --clusters clusters.jsonl
    """
    from jdextract.deduplication.index import DuplicateIndex
    from jdextract.deduplication.marking import find_all, mark

    _check_targets(inputs, [path for path in (output, clusters) if path])
    settings = make_config(config, {})
    failures: list[ReadFailure] = []
    with ExitStack() as stack:
        kept = stack.enter_context(DuplicateIndex(index)) if index else None
        found = find_all(_records(inputs, failures), settings.deduplication, kept)
        if not len(found["record"].occurrences):
            raise EmptyInput("no record in the input", where=" ".join(map(str, inputs)), hint="see the failures above")
        if output:
            _write_marked(output, mark(_records(inputs, []), found))
        if clusters:
            _write_clusters(clusters, found)
        if kept:
            kept.add([found[grain] for grain in found], batch)
    if not quiet:
        _print_table(found)
    for line in _summarize(found):
        print(line, file=sys.stderr)
    if failures:
        print(f"{len(failures)} rows were no records", file=sys.stderr)
        raise typer.Exit(Status.PARTLY_DONE)


def _records(inputs: Sequence[Path], failures: list[ReadFailure]) -> Iterator[RoleRecord]:
    from jdextract.recordfile import read_records
    from jdextract.records import RoleRecord

    for item in read_records(inputs):
        if isinstance(item, RoleRecord):
            yield item
            continue
        failures.append(item)
        if len(failures) <= _FAILURES_SHOWN:
            print(failure_line(item), file=sys.stderr)


def _check_targets(inputs: Sequence[Path], targets: Sequence[Path]) -> None:
    taken = {path.resolve() for path in inputs}
    for path in targets:
        if path.resolve() in taken:
            raise ConfigError("is an input or is written twice", where=str(path), hint="give another output path")
        taken.add(path.resolve())


def _write_marked(output: Path, records: Iterator[RoleRecord]) -> None:
    from jdextract.output import open_writer

    with open_writer(output) as writer:
        for record in records:
            writer.write(record)


def _write_clusters(target: Path, found: Found) -> None:
    from jdextract.output import replacing

    with replacing(target) as stream:
        for each in found.values():
            for cluster in sorted(each.clusters, key=lambda c: c.id):
                if sum(len(v.places) for v in cluster.variants) > 1 or any(v.known for v in cluster.variants):
                    line = json.dumps(describe_cluster(each, cluster), ensure_ascii=False)
                    stream.write(line.encode("utf-8", "surrogatepass") + b"\n")


def describe_cluster(found: Duplicates, cluster: Cluster) -> dict[str, Any]:
    """A cluster with its count, its sources and its variants, as JSON."""
    names = found.occurrences
    places = [number for variant in cluster.variants for number in variant.places]
    return {
        "grain": found.grain,
        "id": cluster.id,
        "absorbed": list(cluster.absorbed),
        "representative": cluster.variants[0].place,
        "text": cluster.variants[0].text,
        "occurrences": len(places),
        "documents": len({names.documents[n] for n in places}),
        "sources": sorted({names.source_names.names[names.sources[n]] for n in places}),
        "first_seen": min((variant.place for variant in cluster.variants), default=""),
        "variants": [
            {
                "text": variant.text,
                "kind": variant.duplicate.kind if variant.duplicate else "representative",
                "similarity": variant.duplicate.similarity if variant.duplicate else 1.0,
                "places": [names.places[number] for number in variant.places],
                "known": variant.known,
            }
            for variant in cluster.variants
        ],
    }


def _summarize(found: Found) -> Iterator[str]:
    from jdextract.deduplication.marking import list_marks

    for grain, each in found.items():
        kinds = [duplicate.kind for _, duplicate in list_marks(each) if duplicate]
        counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in ("exact", "template", "near"))
        known = sum(any(v.known for v in c.variants) and any(v.places for v in c.variants) for c in each.clusters)
        seen = f"; {known} clusters are in the index" if known else ""
        here = sum(any(v.places for v in c.variants) for c in each.clusters)
        print_name = {"duty": "duties", "record": "records", "document": "documents"}[grain]
        yield f"{len(each.occurrences)} {print_name}: {here} clusters; repeats: {counts}{seen}"


def _print_table(found: Found) -> None:
    from rich import box
    from rich.table import Table

    for grain, each in found.items():
        repeated = [c for c in each.clusters if sum(len(v.places) for v in c.variants) > 1]
        if not repeated:
            continue
        repeated.sort(key=lambda c: (-sum(len(v.places) for v in c.variants), c.id))
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=f"largest clusters: {grain}", title_justify="left")
        for name in ("id", "times", "variants", "representative"):
            table.add_column(name, justify="right" if name in ("times", "variants") else "left", overflow="fold")
        for cluster in repeated[:_SHOWN]:
            text = " ".join(cluster.variants[0].text.split())
            shown = text if len(text) <= _CHOSEN_TEXT else text[:_CHOSEN_TEXT] + "…"
            count = sum(len(v.places) for v in cluster.variants)
            table.add_row(cluster.id, str(count), str(len(cluster.variants)), visible(shown))
        console().print(table)
        if len(repeated) > _SHOWN:
            print(f"… and {len(repeated) - _SHOWN} more", file=sys.stderr)
