"""Role records -> a dataset folder: tables, taxonomy, splits, card, Croissant description, checksums, index.

The same records, taxonomy and versions give the same bytes. Ids of canonical duties are those of the index of the dataset
that stood in the folder before (or of `previous`), so that they stay from version to version.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jdextract.config import Config
from jdextract.dataset.card import describe, write_card, write_croissant
from jdextract.dataset.splits import SPLITS
from jdextract.dataset.tables import DutyTables, chunks, flag_rows, schemas
from jdextract.dataset.wordings import Choose, choose_wordings
from jdextract.deduplication.index import FILE as INDEX_FILE
from jdextract.deduplication.index import DuplicateIndex
from jdextract.deduplication.marking import Found, find_all, mark
from jdextract.errors import ConfigError, EmptyInput
from jdextract.output import ParquetWriter
from jdextract.records import RoleRecord
from jdextract.taxonomy import Taxonomy

CHECKSUMS = "SHA256SUMS"
VERSIONS = "versions.json"
Reread = Callable[[], Iterable[RoleRecord]]


@dataclass(frozen=True, slots=True)
class Built:
    """What a build made: rows of each table."""

    folder: Path
    rows: dict[str, int]
    merged: dict[str, str]  # {id of a duty of the version before: id that it is part of now}


def build_dataset(
    records: Reread,
    folder: Path,
    taxonomy: Taxonomy,
    config: Config,
    *,
    previous: Path | None = None,
    name: str = "",
    choose: Choose | None = None,
) -> Built:
    """Build a dataset of all records. `records` is called three times and gives the same records each time.

    `previous`: a dataset whose ids are kept; without it the one that stands in `folder`. `name`: of the dataset in its
    card. `choose` is asked for the wording of clusters of which the rules hardly decide it. The folder appears complete or not at all. Raises EmptyInput, and ConfigError for a folder of something else.
    """
    _check_folder(folder)
    before = previous or (folder if (folder / INDEX_FILE).exists() else None)
    if before and not (before / INDEX_FILE).exists():
        raise ConfigError("is no dataset", where=str(before), hint="give the folder of an earlier version")
    with _replacing_folder(folder) as part:
        if before:
            shutil.copyfile(before / INDEX_FILE, part / INDEX_FILE)
        with DuplicateIndex(part) as index:
            found = find_all(records(), config.deduplication, index if before else None)
            if not len(found["record"].occurrences):
                raise EmptyInput("no record in the input", hint="give records as `jdextract extract` writes them")
            index.add(list(found.values()), name)
            merged = index.merges()
        rows, versions = _write_tables(records, found, part, taxonomy, choose)
        (part / "taxonomy.yaml").write_text(_dump_taxonomy(taxonomy), encoding="utf-8")
        versions |= {"taxonomy": taxonomy.stamp, "config": config.digest()}
        (part / VERSIONS).write_text(json.dumps(versions, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        facts = describe(part, name or folder.name, rows, versions, taxonomy)
        (part / "README.md").write_text(write_card(facts), encoding="utf-8")
        (part / "croissant.json").write_text(write_croissant(part, facts.name), encoding="utf-8")
        write_checksums(part)
    return Built(folder, rows, merged)


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError("is a file", where=str(folder), hint="give the path of a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / CHECKSUMS).exists():
        raise ConfigError(
            "holds something else than a dataset", where=str(folder), hint="give an empty or a new folder"
        )


@contextmanager
def _replacing_folder(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` that takes its place when the block ends; with an exception it is removed."""
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as place:
        part = Path(place) / "new"
        part.mkdir()
        yield part
        if folder.exists():
            folder.rename(Path(place) / "old")
        part.rename(folder)


def _write_tables(
    records: Reread, found: Found, folder: Path, taxonomy: Taxonomy, choose: Choose | None
) -> tuple[dict[str, int], dict[str, Any]]:
    import polars

    chosen = choose_wordings(found["duty"], choose) if choose else {}
    tables = DutyTables(found, taxonomy, chosen)
    rows: dict[str, int] = {}
    models: set[str] = {wording.decided_by for wording in chosen.values()}
    with tempfile.TemporaryDirectory(dir=folder) as parts:
        writer = ParquetWriter(Path(parts))
        count = 0

        def instances() -> Iterator[dict[str, Any]]:
            nonlocal count
            for record in mark(records(), found):
                count += 1
                duties = tuple(d.model_copy(update={"canonical_duty": d.cluster}) for d in record.duties)
                writer.write(record.model_copy(update={"duties": duties}))
                models.update(duty.role.decided_by for duty in record.duties)
                yield from tables.add(record)

        rows["duty_instances"] = _write(instances(), "duty_instances", folder)
        writer.finish(folder / "records.parquet")
        rows["records"] = count
    flags = (row for record in records() for row in flag_rows(record))
    rows["compliance_flags"] = _write(flags, "compliance_flags", folder)
    rows["canonical_duties"] = _write(tables.canonical_rows(), "canonical_duties", folder)
    (folder / "splits").mkdir()
    for split in SPLITS:
        rows[split] = _write(tables.split_rows(split), split, folder, inside="splits")
    from jdextract import __version__

    return rows, {"jdextract": __version__, "polars": polars.__version__, "decided_by": sorted(filter(None, models))}


def _write(rows: Iterator[dict[str, Any]], table: str, folder: Path, inside: str = "") -> int:
    import polars

    schema = schemas()[table]
    count = 0
    with tempfile.TemporaryDirectory(dir=folder) as place:
        parts: list[Path] = []
        for part in chunks(rows):
            count += len(part)
            parts.append(Path(place) / f"{len(parts):06}.parquet")
            polars.DataFrame(part, schema=schema, orient="row").write_parquet(parts[-1])
        polars.scan_parquet(parts).sink_parquet(folder / inside / f"{table}.parquet")
    return count


def _dump_taxonomy(taxonomy: Taxonomy) -> str:
    import yaml

    dumped: str = yaml.safe_dump(json.loads(taxonomy.model_dump_json()), allow_unicode=True, sort_keys=False, width=120)
    return dumped


def write_checksums(folder: Path) -> None:
    """SHA-256 of every file of a dataset, as `sha256sum -c` reads it."""
    lines = [f"{checksum(path)}  {path.relative_to(folder).as_posix()}\n" for path in list_files(folder)]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def list_files(folder: Path) -> list[Path]:
    """Every file of a dataset but the checksums."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS)


def checksum(path: Path) -> str:
    """SHA-256, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
