"""The inputs of a run, cut into parts: documents that follow each other, as files of Parquet that any worker can take.

A file of any kind is read by one worker, in a stream, with the reader of the local run. Its documents are then work for all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import daft
import pyarrow
import pyarrow.parquet
from daft import DataType, col

from jdextract.cluster.engine import Engine
from jdextract.cluster.errors import carry_errors
from jdextract.cluster.parts import ROWS, spread
from jdextract.cluster.schemas import text_struct, to_array, write_parquet
from jdextract.cluster.storage import locate, open_file, read_documents, write_file
from jdextract.config import ReadingConfig
from jdextract.reading import is_table
from jdextract.records import ReadFailure, SourceText

if TYPE_CHECKING:
    from daft.io import IOConfig

_TEXTS = ("id", "source", "text", "encoding", "media_type", "failure")
_PARTS = 1_000_000  # that one table may have
_INT = DataType.int64()

Placed = tuple[int, int, SourceText | ReadFailure]  # number of the file, number in the file


@dataclass(frozen=True, slots=True)
class Input:
    """A file with its place among the inputs, or why it is none."""

    number: int
    path: str  # that every worker finds
    name: str  # as it was given
    failure: str | None = None


def group_inputs(found: Iterable[str | ReadFailure]) -> list[list[Input]]:
    """The files of a run, in order; files of a single document together, as many as fill a part."""
    groups: list[list[Input]] = []
    room = 0
    for number, item in enumerate(found):
        table = isinstance(item, str) and is_table(Path(item))
        if table or not room:
            groups.append([])
            room = ROWS
        if isinstance(item, ReadFailure):
            groups[-1].append(Input(number, "", item.path, write_failure(item)))
        else:
            groups[-1].append(Input(number, locate(item), item))
        room = 0 if table else room - 1
    return groups


def cut_documents(
    groups: Sequence[Sequence[Input]], folder: str, config: ReadingConfig, engine: Engine
) -> daft.DataFrame:
    """Write the documents into files below `folder`: `part`, by which they sort, and `path` of each."""
    file = text_struct("path", "name", "failure", number=_INT)
    part = text_struct("path", part=_INT)
    options = engine.io

    @daft.cls(**engine.pool)
    class Reader:
        @daft.method.batch(return_dtype=DataType.list(part), batch_size=1)
        def cut(self, groups: daft.Series, files: daft.Series) -> pyarrow.Array:
            with carry_errors():
                pairs = zip(groups.to_pylist(), files.to_pylist(), strict=True)
                found = [[*_cut_group(group, each, folder, config, options)] for group, each in pairs]
            return to_array(found, DataType.list(part))

    reader: Any = Reader()
    files = pyarrow.array([[asdict(each) for each in group] for group in groups], DataType.list(file).to_arrow_dtype())
    table = pyarrow.table({"group": pyarrow.array(range(len(groups)), pyarrow.int64()), "files": files})
    frame = spread(daft.from_arrow(table), min(len(groups), 4 * engine.workers), engine)
    parts = frame.select(reader.cut(col("group"), col("files")).alias("part")).explode("part")
    parts = parts.where(col("part").not_null())
    return parts.select(*(col("part").get(name).alias(name) for name in ("part", "path")))


def _cut_group(
    group: int, files: list[dict[str, Any]], folder: str, config: ReadingConfig, options: IOConfig
) -> Iterator[dict[str, Any]]:
    documents = _read(files, config, options)
    columns = [(name, pyarrow.large_string()) for name in _TEXTS]
    kind = pyarrow.struct([("file", pyarrow.int64()), ("number", pyarrow.int64()), *columns])
    block = 0
    while batch := list(islice(documents, ROWS)):
        number = group * _PARTS + block
        path = f"{folder}/{number:012}.parquet"
        write_file(
            path, write_parquet(map(_to_row, batch), kind), options
        )  # one name: written again, it is the same file
        yield {"part": number, "path": path}
        block += 1


def _read(files: Iterable[dict[str, Any]], config: ReadingConfig, options: IOConfig) -> Iterator[Placed]:
    for file in files:
        items = (
            iter([ReadFailure(**json.loads(file["failure"]))])
            if file["failure"]
            else read_documents(file["path"], file["name"], options, config)
        )
        for number, item in enumerate(items):
            yield file["number"], number, item


def _to_row(placed: Placed) -> dict[str, Any]:
    file, number, item = placed
    row: dict[str, Any] = {"file": file, "number": number}
    return row | ({"failure": write_failure(item)} if isinstance(item, ReadFailure) else asdict(item))


def read_part(path: str, options: IOConfig) -> list[Placed]:
    """The documents of a part, in order."""
    with open_file(path, options) as file:
        rows = pyarrow.parquet.read_table(file).to_pylist()
    return [(row.pop("file"), row.pop("number"), _from_row(row)) for row in rows]


def _from_row(row: dict[str, Any]) -> SourceText | ReadFailure:
    failure = row.pop("failure")
    return ReadFailure(**json.loads(failure)) if failure else SourceText(**row)


def write_failure(failure: ReadFailure) -> str:
    """A failure as JSON; half a surrogate pair, as in a name that is not UTF-8, becomes the escape of itself."""
    return json.dumps(
        {name: text.encode("utf-8", "backslashreplace").decode() for name, text in asdict(failure).items()},
        ensure_ascii=False,
    )
