"""Whether a dataset is what it says: files, schema, ids, splits, personal data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jdextract.dataset.build import CHECKSUMS, checksum, list_files, write_checksums
from jdextract.dataset.card import refresh_croissant
from jdextract.dataset.privacy import find_personal_data, redact
from jdextract.dataset.splits import SPLITS
from jdextract.dataset.tables import schemas
from jdextract.deduplication.index import FILE as INDEX_FILE
from jdextract.deduplication.index import DuplicateIndex
from jdextract.errors import MissingInput
from jdextract.output import parquet_schema

if TYPE_CHECKING:
    import polars

Problem = Literal["files", "schema", "ids", "leakage", "personal-data"]
_TABLES: dict[str, str] = {
    "canonical_duties": "canonical_duties.parquet",
    "duty_instances": "duty_instances.parquet",
    "compliance_flags": "compliance_flags.parquet",
    **{split: f"splits/{split}.parquet" for split in SPLITS},
}
# Columns with scraped text, of each table.
_TEXTS = {
    "canonical_duties.parquet": ("text", "text_hant", "template"),
    "duty_instances.parquet": ("text", "normalized"),
    "compliance_flags.parquet": ("normalized", "found"),
    **{f"splits/{split}.parquet": ("text",) for split in SPLITS},
}
_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit. `where`: file, row and column as far as they are known."""

    problem: Problem
    where: str
    what: str


def check_dataset(folder: Path) -> Iterator[Finding]:
    """Every problem of a dataset folder. Raises MissingInput for a folder that is none."""
    if not (folder / CHECKSUMS).is_file():
        raise MissingInput("holds no dataset", where=str(folder), hint="make one with `jdextract dataset build`")
    yield from _check_files(folder)
    wrong = list(_check_schema(folder))
    yield from wrong
    if not wrong:  # the rest reads the columns
        yield from _check_ids(folder)
        yield from _check_leakage(folder)
        yield from find_personal(folder)


def _check_files(folder: Path) -> Iterator[Finding]:
    listed = {}
    for line in (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    for path in list_files(folder):
        name = path.relative_to(folder).as_posix()
        if name not in listed:
            yield Finding("files", name, f"is not in {CHECKSUMS}")
        elif listed.pop(name) != checksum(path):
            yield Finding("files", name, "was changed: its SHA-256 is another one")
    for name in listed:
        yield Finding("files", name, "is missing")


def _check_schema(folder: Path) -> Iterator[Finding]:
    import polars as pl

    wanted = {file: schemas()[table] for table, file in _TABLES.items()} | {"records.parquet": parquet_schema()}
    for file, schema in wanted.items():
        path = folder / file
        if not path.is_file():
            continue  # told already
        try:
            found = pl.read_parquet_schema(path)
        except pl.exceptions.PolarsError as error:
            yield Finding("schema", file, f"can't be read as Parquet ({error})")
            continue
        for column, kind in schema.items():
            if column not in found:
                yield Finding("schema", f"{file}:{column}", "is missing")
            elif found[column] != kind:
                yield Finding("schema", f"{file}:{column}", f"is {found[column]}, not {kind}")


def _check_ids(folder: Path) -> Iterator[Finding]:
    import polars as pl

    duties = pl.scan_parquet(folder / "canonical_duties.parquet")
    instances = pl.scan_parquet(folder / "duty_instances.parquet")
    records = pl.scan_parquet(folder / "records.parquet")
    for (id_,) in duties.group_by("id").len().filter(pl.col("len") > 1).select("id").collect().rows():
        yield Finding("ids", f"canonical_duties.parquet:{id_}", "stands twice")
    counted = instances.group_by("duty_id").len()
    joined = duties.join(counted, left_on="id", right_on="duty_id", how="full", coalesce=True)
    odd = joined.filter((pl.col("occurrences") != pl.col("len")).fill_null(True)).select("id", "occurrences", "len")
    for id_, claimed, found in odd.collect().rows():
        yield Finding("ids", f"canonical_duties.parquet:{id_}", f"{claimed} occurrences, {found} instances")
    known = records.select("record_id").unique()
    for (id_,) in instances.select("record_id").unique().join(known, on="record_id", how="anti").collect().rows():
        yield Finding("ids", f"duty_instances.parquet:{id_}", "is no record of records.parquet")


def _check_leakage(folder: Path) -> Iterator[Finding]:
    import polars as pl

    duties = pl.scan_parquet(folder / "canonical_duties.parquet")
    instances = pl.scan_parquet(folder / "duty_instances.parquet")
    pairs = pl.concat(
        [
            duties.select("split", key="template"),
            instances.select("split", key="normalized"),
            instances.select("split", key="duty_id"),
        ]
    )
    several = pairs.unique().group_by("key").agg(pl.col("split").sort()).filter(pl.col("split").list.len() > 1)
    for key, splits in several.sort("key").collect().rows():
        yield Finding("leakage", key, f"is in {' and '.join(splits)}")


def find_personal(folder: Path) -> Iterator[Finding]:
    """Personal data in every column of scraped text, with its place; the value itself is not repeated."""
    for file, row, column, text in _texts(folder):
        for datum in find_personal_data(text):
            yield Finding("personal-data", f"{file}:{row}:{column}", f"{datum.kind} at {datum.span[0]}-{datum.span[1]}")


def _texts(folder: Path) -> Iterator[tuple[str, int, str, str]]:
    import polars as pl

    for file, columns in _TEXTS.items():
        frame = pl.scan_parquet(folder / file).select(columns)
        for start, part in _slices(frame):
            for number, row in enumerate(part.iter_rows(), start):
                for column, text in zip(columns, row, strict=True):
                    yield file, number, column, text
    with DuplicateIndex(folder, create=False) as index:
        for number, text in enumerate(index.texts()):
            yield INDEX_FILE, number, "text", text
    for start, part in _slices(pl.scan_parquet(folder / "records.parquet")):
        for number, record in enumerate(part.iter_rows(named=True), start):
            for column, text in _record_texts(record):
                yield "records.parquet", number, column, text


def _slices(frame: polars.LazyFrame) -> Iterator[tuple[int, polars.DataFrame]]:
    import polars as pl

    rows = frame.select(pl.len()).collect().item()
    for start in range(0, rows, _ROWS):
        yield start, frame.slice(start, _ROWS).collect()


def _record_texts(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for kind in ("duties", "requirements", "compensation"):
        for number, value in enumerate(record[kind]):
            yield f"{kind}[{number}].text", value["text"]
            yield f"{kind}[{number}].normalized", value["normalized"]
    if record["title"]:
        yield "title.text", record["title"]["text"]
        yield "title.normalized", record["title"]["normalized"]


def redact_dataset(folder: Path) -> int:
    """Replace personal data in every text by its kind in brackets, in place. Returns how many values were changed.

    The index forgets texts that hold any. Spans stay those of the source, which is not part of the dataset. Croissant description and checksums are made anew.
    """
    import polars as pl

    changed = 0
    for file, columns in _TEXTS.items():
        frame = pl.read_parquet(folder / file)
        clean = frame.with_columns(pl.col(column).map_elements(redact, return_dtype=pl.String) for column in columns)
        changed += sum(int((frame[column] != clean[column]).sum()) for column in columns)
        if "slots" in frame.columns:  # what was a number or a name may stand in a slot as well
            touched = frame["text"] != clean["text"]
            clean = clean.with_columns(
                template=pl.when(touched).then(pl.col("text")).otherwise(pl.col("template")),
                slots=pl.when(touched).then([]).otherwise(pl.col("slots")),
            )
        if not frame.equals(clean):
            clean.write_parquet(folder / file)
    records = pl.read_parquet(folder / "records.parquet")
    rows = records.to_dicts()
    in_records = sum(_redact_record(row) for row in rows)
    if in_records:
        pl.DataFrame(rows, schema=parquet_schema()).write_parquet(folder / "records.parquet")
    with DuplicateIndex(folder, create=False) as index:
        forgotten = index.forget(lambda text: bool(find_personal_data(text)))
    if changed + in_records + forgotten:
        refresh_croissant(folder)
        write_checksums(folder)
    return changed + in_records + forgotten


def _redact_record(record: dict[str, Any]) -> int:
    changed = 0
    values = [*record["duties"], *record["requirements"], *record["compensation"]]
    for value in [*values, record["title"]] if record["title"] else values:
        for key in ("text", "normalized"):
            clean = redact(value[key])
            changed += clean != value[key]
            value[key] = clean
    return changed
