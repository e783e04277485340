"""What a dataset says about itself: the card in the form of the Hugging Face hub, and its Croissant description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from jdextract.dataset.splits import SPLITS
from jdextract.taxonomy import Taxonomy

if TYPE_CHECKING:
    import polars

# Size classes of the hub: up to how many rows, and its name.
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LARGEST = "1M<n<10M"
_CROISSANT = "http://mlcommons.org/croissant/1.0"
# Types of columns in schema.org, by the name of the Arrow type.
_TYPES = {"String": "sc:Text", "Int64": "sc:Integer", "Float64": "sc:Float"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card tells, counted in the tables as they were written."""

    name: str
    rows: Mapping[str, int]
    size: str
    roles: tuple[tuple[str, str, str, int, int], ...]  # id, label, English label, canonical duties, occurrences
    scripts: Mapping[str, int]  # duties by script of their document
    kinds: Mapping[str, int]  # duties by how they repeat their canonical duty
    quality: Mapping[str, int]  # canonical duties by flag
    compliance: Mapping[str, int]  # canonical duties by kind of flag
    documents: int
    sources: int
    assigned: float  # share of duties whose role was assigned
    agreement: float  # mean share of the occurrences of a duty that have its role, of duties that occur twice or more
    versions: Mapping[str, Any]


def describe(
    folder: Path, name: str, rows: Mapping[str, int], versions: Mapping[str, Any], taxonomy: Taxonomy
) -> Facts:
    """Count what stands in the tables of a dataset folder."""
    import polars as pl

    duties = pl.scan_parquet(folder / "canonical_duties.parquet")
    instances = pl.scan_parquet(folder / "duty_instances.parquet")
    by_role = {row[0]: row[1:] for row in _rows(duties.group_by("role").agg(pl.len(), pl.sum("occurrences")))}
    repeated = duties.filter(pl.col("occurrences") > 1).select(pl.mean("role_share")).collect().item()
    totals = _rows(
        instances.select(
            pl.n_unique("document_id"), (pl.col("status") == "assigned").mean(), pl.col("duty_id").n_unique()
        )
    )[0]
    return Facts(
        name=name,
        rows=dict(rows),
        size=next((size for most, size in _SIZES if rows["canonical_duties"] < most), _LARGEST),
        roles=tuple((role.id, role.zh, role.en, *by_role[role.id]) for role in taxonomy.roles if role.id in by_role),
        scripts=_count(instances, "script"),
        kinds=_count(instances, "kind"),
        quality=_count(duties.explode("quality"), "quality"),
        compliance=_count(
            duties.explode("compliance").select(pl.col("compliance").struct.field("kind").alias("kind")), "kind"
        ),
        documents=totals[0],
        sources=_sources(instances),
        assigned=round(totals[1] or 0.0, 4),
        agreement=round(repeated if repeated is not None else 1.0, 4),
        versions=dict(versions),
    )


def _rows(frame: polars.LazyFrame) -> list[tuple[Any, ...]]:
    return frame.collect().rows()


def _count(frame: polars.LazyFrame, column: str) -> dict[str, int]:
    import polars as pl

    counted = frame.drop_nulls(column).group_by(column).agg(pl.len())
    return dict(sorted(_rows(counted), key=lambda row: (-row[1], row[0])))


def _sources(instances: polars.LazyFrame) -> int:
    from jdextract.deduplication.duplicates import source_of

    return len({source_of(row[0]) for row in _rows(instances.select("source").unique())})


def write_card(facts: Facts) -> str:
    """`README.md` with the metadata that the hub and `datasets.load_dataset` read."""
    pages = Environment(
        loader=PackageLoader("jdextract", "data/dataset"),
        autoescape=False,  # Markdown; everything scraped that stands in it is counted, not quoted
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return pages.get_template("card.md").render(facts=facts, splits=SPLITS)


def refresh_croissant(folder: Path) -> None:
    """Write the checksums of the tables anew into `croissant.json`."""
    path = folder / "croissant.json"
    path.write_text(write_croissant(folder, json.loads(path.read_text(encoding="utf-8"))["name"]), encoding="utf-8")


def write_croissant(folder: Path, name: str) -> str:
    """`croissant.json`: files with checksums, and the columns of each table (https://docs.mlcommons.org/croissant)."""
    from jdextract.dataset.build import checksum, list_files

    tables = [path for path in list_files(folder) if path.suffix == ".parquet"]
    files = [
        {
            "@type": "cr:FileObject",
            "@id": path.relative_to(folder).as_posix(),
            "name": path.relative_to(folder).as_posix(),
            "contentUrl": path.relative_to(folder).as_posix(),
            "encodingFormat": "application/x-parquet",
            "sha256": checksum(path),
        }
        for path in tables
    ]
    description = {
        "@context": _context(),
        "@type": "sc:Dataset",
        "name": name,
        "description": "Canonical Chinese job duties with their roles, every occurrence, and the role records around them.",
        "conformsTo": _CROISSANT,
        "license": "https://choosealicense.com/licenses/other/",
        "url": ".",
        "version": "1.0.0",
        "citeAs": "Built with jdextract.",
        "distribution": files,
        "recordSet": [_record_set(path, path.relative_to(folder).as_posix()) for path in tables],
    }
    return json.dumps(description, ensure_ascii=False, indent=1) + "\n"


def _record_set(path: Path, file: str) -> dict[str, Any]:
    """The columns of a table that hold one plain value a row; nested ones stand in the file only."""
    import polars as pl

    name = path.stem
    schema = pl.read_parquet_schema(path)
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{column}",
                "name": f"{name}/{column}",
                "dataType": _TYPES[str(kind)],
                "source": {"fileObject": {"@id": file}, "extract": {"column": column}},
            }
            for column, kind in schema.items()
            if str(kind) in _TYPES
        ],
    }


def _context() -> dict[str, Any]:
    """The JSON-LD context that version 1.0 of the format prescribes."""
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "citeAs": "cr:citeAs",
        "column": "cr:column",
        "conformsTo": "dct:conformsTo",
        "cr": "http://mlcommons.org/croissant/",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataBiases": "cr:dataBiases",
        "dataCollection": "cr:dataCollection",
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "dct": "http://purl.org/dc/terms/",
        "extract": "cr:extract",
        "field": "cr:field",
        "fileProperty": "cr:fileProperty",
        "fileObject": "cr:fileObject",
        "fileSet": "cr:fileSet",
        "format": "cr:format",
        "includes": "cr:includes",
        "isEnumeration": "cr:isEnumeration",
        "isLiveDataset": "cr:isLiveDataset",
        "jsonPath": "cr:jsonPath",
        "key": "cr:key",
        "md5": "cr:md5",
        "parentField": "cr:parentField",
        "path": "cr:path",
        "personalSensitiveInformation": "cr:personalSensitiveInformation",
        "recordSet": "cr:recordSet",
        "references": "cr:references",
        "regex": "cr:regex",
        "repeated": "cr:repeated",
        "replace": "cr:replace",
        "sc": "https://schema.org/",
        "separator": "cr:separator",
        "source": "cr:source",
        "subField": "cr:subField",
        "transform": "cr:transform",
        "equivalentProperty": "cr:equivalentProperty",
        "samplingRate": "cr:samplingRate",
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "rai": "http://mlcommons.org/croissant/RAI/",
    }
