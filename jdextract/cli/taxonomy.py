"""`jdextract taxonomy show|validate|export|diff`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jdextract.cli.console import Status, console, visible
from jdextract.cli.settings import TaxonomyFile

if TYPE_CHECKING:
    from jdextract.taxonomy import Taxonomy

app = typer.Typer(no_args_is_help=True, help="Show, check, convert and compare role taxonomies.")


class Format(StrEnum):
    """Values of `--format`."""

    TURTLE = "turtle"
    JSON_LD = "json-ld"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"


_SUFFIXES = {
    ".ttl": Format.TURTLE,
    ".jsonld": Format.JSON_LD,
    ".json": Format.JSON,
    ".yaml": Format.YAML,
    ".yml": Format.YAML,
    ".csv": Format.CSV,
}


@app.command()
def show(
    role: Annotated[str | None, typer.Argument(metavar="[ROLE]", help="Id of one role, for all about it.")] = None,
    taxonomy: TaxonomyFile = None,
) -> None:
    """List families and roles with their labels, or all about one role.

    Example: jdextract taxonomy show customer-service
    """
    from rich import box
    from rich.table import Table

    from jdextract.taxonomy import load_taxonomy

    loaded = load_taxonomy(taxonomy)
    out = console()
    if role is not None:
        loaded.family_of(role)  # raises for an unknown id
        entry = next(entry for entry in loaded.roles if entry.id == role)
        for key, value in entry.model_dump().items():
            out.print(visible(f"{key}: {'、'.join(value) if isinstance(value, tuple | list) else value or '-'}"))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("family", "role", "简体", "繁體", "English", "ISCO-08", "大典 2022", "titles"):
        table.add_column(name, justify="right" if name == "titles" else "left", no_wrap=name != "English")
    for family in loaded.families:
        for entry in (entry for entry in loaded.roles if entry.family == family.id):
            codes = (entry.isco08 or "-", entry.cn2022 or "-", str(len(entry.titles) + len(entry.titles_hant)))
            table.add_row(family.zh, entry.id, *(visible(x) for x in (entry.zh, entry.zh_hant, entry.en)), *codes)
    out.print(table)
    out.print(f"{loaded.stamp}: {len(loaded.families)} families, {len(loaded.roles)} roles")


@app.command()
def validate(file: Annotated[Path, typer.Argument(metavar="FILE", help="A taxonomy in YAML.")]) -> None:
    """Check a taxonomy: unique ids, known families, no position name in two roles, codes of the right form.

    Example: jdextract taxonomy validate corpus/taxonomy/ecommerce.yaml
    """
    from jdextract.taxonomy import load_taxonomy

    loaded = load_taxonomy(file)
    print(
        f"{file}: {loaded.stamp} is valid: {len(loaded.families)} families, {len(loaded.roles)} roles", file=sys.stderr
    )


@app.command()
def export(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Default: standard output.")
    ] = None,
    form: Annotated[Format | None, typer.Option("--format", help="Default: by the suffix of FILE, else YAML.")] = None,
    base: Annotated[str | None, typer.Option("--base", metavar="URI", help="What SKOS ids start with.")] = None,
    taxonomy: TaxonomyFile = None,
) -> None:
    """Write a taxonomy as SKOS (Turtle, JSON-LD), JSON, YAML or a CSV table of roles.

    Example: jdextract taxonomy export -o roles.ttl
    """
    from jdextract.taxonomy import load_taxonomy

    loaded = load_taxonomy(taxonomy)
    chosen = form or (_SUFFIXES.get(output.suffix.lower(), Format.YAML) if output else Format.YAML)
    written = _write(loaded, chosen, base)
    if output is None:
        sys.stdout.buffer.write(written.encode())
    else:
        # Excel takes a CSV for UTF-8 by its byte order mark only.
        output.write_text(written, encoding="utf-8-sig" if chosen is Format.CSV else "utf-8", newline="")
        print(f"{output}: {loaded.stamp}", file=sys.stderr)


def _write(loaded: Taxonomy, form: Format, base: str | None) -> str:
    import csv
    import io
    import json

    import yaml

    from jdextract.taxonomy_exchange import write_skos

    if form is Format.TURTLE:
        return write_skos(loaded, "turtle", base)
    if form is Format.JSON_LD:
        return write_skos(loaded, "json-ld", base)
    if form is Format.JSON:
        return loaded.model_dump_json(indent=1) + "\n"
    if form is Format.YAML:
        return yaml.safe_dump(json.loads(loaded.model_dump_json()), allow_unicode=True, sort_keys=False, width=120)
    text = io.StringIO()
    rows = [entry.model_dump() for entry in loaded.roles]
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    for row in rows:
        writer.writerow({key: "、".join(value) if isinstance(value, tuple) else value for key, value in row.items()})
    return text.getvalue()


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A taxonomy in YAML.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Another version of it.")],
) -> None:
    """List what changed from OLD to NEW: roles added, removed, moved; labels, codes and position names.

    Ends with exit code 0 when the two are the same, 3 when they differ.

    Example: jdextract taxonomy diff old.yaml corpus/taxonomy/ecommerce.yaml
    """
    from jdextract.taxonomy import load_taxonomy
    from jdextract.taxonomy_exchange import compare

    changes = compare(load_taxonomy(old), load_taxonomy(new))
    for change in changes:
        print(visible(f"{change.what}\t{change.id}\t{change.detail}"))
    if changes:
        raise typer.Exit(Status.PARTLY_DONE)
