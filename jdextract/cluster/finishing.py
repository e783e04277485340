"""The end of a dataset: parts joined to tables, and card, description and checksums by the code of the local build.

One part of a table is held at a time. For an output on object storage the disk of this machine takes the dataset once.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars
import pyarrow
import pyarrow.parquet
import yaml

from jdextract.cluster.schemas import arrow_struct
from jdextract.cluster.storage import find_inputs, is_remote, open_file, publish_folder
from jdextract.dataset.build import VERSIONS, write_checksums
from jdextract.dataset.card import describe, write_card, write_croissant
from jdextract.dataset.splits import SPLITS
from jdextract.dataset.tables import schemas
from jdextract.output import parquet_schema
from jdextract.taxonomy import Taxonomy

if TYPE_CHECKING:
    from daft.io import IOConfig

_INDEX_SENTENCE = (
    " `index.sqlite` lets `jdextract extract --index` name the\ncanonical duty of new text, and keeps ids when the dataset is"
    " built again."
)


def finish(
    folder: str,
    work: str,
    rows: dict[str, int],
    facts: dict[str, Any],
    taxonomy: Taxonomy,
    name: str,
    options: IOConfig,
) -> None:
    """Join the parts of each table, and write what says what they are, with the code of the local build."""
    from jdextract import __version__

    versions = {"jdextract": __version__, "polars": polars.__version__, **facts}
    with tempfile.TemporaryDirectory(prefix="jdextract-", dir=None if is_remote(folder) else work) as place:
        target = Path(place)
        (target / "splits").mkdir()
        for table, schema in {**schemas(), "records": parquet_schema()}.items():
            inside = target / "splits" if table in SPLITS else target
            _join_parts(f"{work}/{table}", inside / f"{table}.parquet", schema, options)
        dumped = yaml.safe_dump(json.loads(taxonomy.model_dump_json()), allow_unicode=True, sort_keys=False, width=120)
        (target / "taxonomy.yaml").write_text(dumped, encoding="utf-8")
        (target / VERSIONS).write_text(json.dumps(versions, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        told = describe(target, name or folder.rpartition("/")[2], rows, versions, taxonomy)
        (target / "README.md").write_text(write_card(told).replace(_INDEX_SENTENCE, ""), encoding="utf-8")
        (target / "croissant.json").write_text(write_croissant(target, told.name), encoding="utf-8")
        write_checksums(target)
        publish_folder(target, folder, options)


def _join_parts(parts: str, target: Path, schema: polars.Schema, options: IOConfig) -> None:
    kind = arrow_struct(schema)
    columns = pyarrow.schema([kind.field(i) for i in range(kind.num_fields)])
    with pyarrow.parquet.ParquetWriter(target, columns, compression="zstd") as writer:
        for path in _find_parts(parts, options):
            with open_file(path, options) as file:
                writer.write_table(pyarrow.parquet.read_table(file, schema=columns))


def _find_parts(folder: str, options: IOConfig) -> Iterator[str]:
    """The parts of a table in order; none for a table without rows."""
    if is_remote(folder) or Path(folder).is_dir():
        yield from (item for item in find_inputs([folder], options) if isinstance(item, str))
