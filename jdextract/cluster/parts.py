"""Tables on storage: intermediate ones that a query is cut at, and results in parts whose names sort as their rows do.

A lost worker's task is run again by the engine, and may have written a file before. Nothing is counted twice all the same:
of an intermediate table the files are read that the query that wrote it named, and a part of a result has one name,
whoever writes it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import daft
import pyarrow
from daft import DataType, col
from daft.functions import to_struct, upload

from jdextract.cluster.engine import Engine
from jdextract.cluster.schemas import arrow_struct, to_array, write_parquet
from jdextract.cluster.storage import is_remote, remove_folder, write_file

if TYPE_CHECKING:
    import polars

PART = DataType.struct({"data": DataType.binary(), "rows": DataType.int64()})  # the bytes of a file, and its rows
SUCCESS = "_SUCCESS"  # the last file that a run writes: who finds it finds all parts
ROWS = 2_000  # input rows whose results are one part: what a worker holds at a time


class Scratch:
    """Intermediate tables in a folder below the output, removed at the end. A context manager."""

    def __init__(self, engine: Engine, folder: str) -> None:
        self._engine, self.folder = engine, f"{folder}/_work-{uuid.uuid4().hex[:8]}"

    @property
    def documents(self) -> str:
        """Folder for documents that were read and wait for their turn."""
        return f"{self.folder}/documents"

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        remove_folder(self.folder, self._engine.io)

    def keep(self, frame: daft.DataFrame, name: str) -> daft.DataFrame:
        """Run the query up to here and go on from its result."""
        folder = f"{self.folder}/{name}-{uuid.uuid4().hex[:8]}"
        written = frame.write_parquet(folder, io_config=self._engine.io).to_pydict()["path"]
        # Daft names what it wrote to S3 without the scheme.
        scheme = folder.partition("://")[0] + "://" if is_remote(folder) else ""
        paths = [path if is_remote(path) else scheme + path for path in written]
        return daft.read_parquet(paths, io_config=self._engine.io)


def spread(frame: daft.DataFrame, partitions: int, engine: Engine) -> daft.DataFrame:
    """The rows over so many partitions, where partitions are what workers share: not within one machine."""
    return frame.into_partitions(partitions) if engine.runner == "ray" and partitions > 1 else frame


def write_parts(frame: daft.DataFrame, folder: str, schema: polars.Schema, engine: Engine) -> int:
    """Write a table in parts. Returns the number of its rows.

    `frame`: `part` (a whole number), `order` (a text that sorts within the part) and `row` (the row as JSON: what is nested
    deep goes through a query faster as a text).
    """
    kind = arrow_struct(schema)

    @daft.func.batch(return_dtype=PART, batch_size=1, unnest=True)
    def encode(parts: daft.Series) -> pyarrow.Array:
        return to_array((_encode(part, kind) for part in parts.to_pylist()), PART)

    encoding: Any = encode
    grouped = frame.groupby("part").agg(to_struct(order=col("order"), row=col("row")).list_agg().alias("all"))
    return upload_parts(grouped.select("part", encoding(col("all"))), folder, engine)


def _encode(part: Sequence[dict[str, Any]], kind: pyarrow.StructType) -> dict[str, Any]:
    rows = sorted(part, key=lambda row: str(row["order"]))
    return {"data": write_parquet((json.loads(row["row"]) for row in rows), kind), "rows": len(rows)}


def upload_parts(frame: daft.DataFrame, folder: str, engine: Engine) -> int:
    """Write encoded parts (`part`, and the fields of `PART`) as `part-000000000000.parquet` and so on. Returns the rows."""
    place = daft.lit(f"{folder}/part-") + col("part").cast(DataType.string()).lpad(12, "0") + daft.lit(".parquet")
    # The place is asked for as well: without it the engine sees that the upload is not needed, and leaves it out.
    written = frame.select("rows", upload(col("data"), place, io_config=engine.io).alias("place"))
    return sum(written.to_pydict()["rows"])


def end_run(folder: str, counts: Mapping[str, int], engine: Engine) -> None:
    """Say that all parts are there, and what they hold."""
    write_file(f"{folder}/{SUCCESS}", json.dumps(dict(counts), indent=1).encode() + b"\n", engine.io)
