"""Records on storage as work for a worker: a row group of a Parquet file is a part, read when its turn comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import daft
import pyarrow
from daft import DataType, col
from pydantic import TypeAdapter, ValidationError

from jdextract.cluster.engine import Engine
from jdextract.cluster.parts import spread
from jdextract.cluster.schemas import to_array
from jdextract.cluster.storage import find_inputs, locate, open_file, tell
from jdextract.errors import DamagedInput, EmptyInput, MissingInput, ReadError, UnsupportedInput
from jdextract.records import ReadFailure, RoleRecord

if TYPE_CHECKING:
    from daft.io import IOConfig

_HINT = "give records as `jdextract cluster extract` writes them"


@dataclass(frozen=True, slots=True)
class RecordPart:
    """Rows that follow each other. `first`: the number of the first one in the run."""

    part: int
    path: str
    group: int  # row group
    first: int
    rows: int


def list_parts(inputs: Sequence[str], engine: Engine) -> list[RecordPart]:
    """The row groups of all Parquet files that the inputs name, in order; only the ends of the files are read, by the
    workers. Raises MissingInput, UnsupportedInput, DamagedInput, EmptyInput."""
    paths = list(_find_files(inputs, engine.io))
    if not paths:
        raise EmptyInput("no file of records in the input", where=" ".join(inputs), hint=_HINT)
    sizes = DataType.struct({"rows": DataType.list(DataType.int64()), "error": DataType.string()})
    options = engine.io

    @daft.func.batch(return_dtype=sizes, batch_size=16, unnest=True)
    def measure(found: daft.Series) -> pyarrow.Array:
        return to_array((_measure(path, options) for path in found.to_pylist()), sizes)

    measuring: Any = measure
    frame = daft.from_pydict({"number": list(range(len(paths))), "path": paths})
    measured = (
        spread(frame, min(len(paths), engine.workers), engine).select("number", measuring(col("path"))).to_pydict()
    )
    parts: list[RecordPart] = []
    first = 0
    for number, groups, error in sorted(zip(measured["number"], measured["rows"], measured["error"], strict=True)):
        if error:
            raise DamagedInput(f"can't be read as Parquet ({error})", where=paths[number], hint=_HINT)
        for group, rows in enumerate(groups):
            if rows:
                parts.append(RecordPart(len(parts), paths[number], group, first, rows))
                first += rows
    if not parts:
        raise EmptyInput("no record in the input", where=" ".join(inputs), hint=_HINT)
    return parts


def _find_files(inputs: Iterable[str], options: IOConfig) -> Iterator[str]:
    for item in find_inputs(inputs, options):
        if isinstance(item, ReadFailure):
            raise MissingInput(item.what, where=item.path, hint=item.hint)
        name = item.rpartition("/")[2]
        if name.startswith("_"):
            continue
        if not name.endswith(".parquet"):
            raise UnsupportedInput("is not .parquet", where=item, hint=_HINT)
        yield locate(item)


def _measure(path: str, options: IOConfig) -> dict[str, Any]:
    import pyarrow.parquet

    try:
        with open_file(path, options) as file:
            about = pyarrow.parquet.ParquetFile(file).metadata
            return {"rows": [about.row_group(i).num_rows for i in range(about.num_row_groups)], "error": None}
    except Exception as error:  # of many kinds, by the storage and by what the file holds
        return {"rows": [], "error": tell(error)}


def to_frame(parts: Sequence[RecordPart], engine: Engine) -> daft.DataFrame:
    """The parts as rows, spread over the workers."""
    return spread(daft.from_pylist([asdict(part) for part in parts]), min(len(parts), 4 * engine.workers), engine)


def read_rows(part: RecordPart, options: IOConfig) -> list[dict[str, Any]]:
    """The rows of a part as they are."""
    import pyarrow.parquet

    try:
        with open_file(part.path, options) as file:
            rows: list[dict[str, Any]] = pyarrow.parquet.ParquetFile(file).read_row_group(part.group).to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise ReadError(f"can't be read ({tell(error)})", where=part.path, hint=_HINT) from error
    return rows


def read_records(part: RecordPart, options: IOConfig) -> list[RoleRecord]:
    """The records of a part. Raises DamagedInput for a row that is none."""
    rows = read_rows(part, options)
    try:
        return _records().validate_python(rows)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        number, *key = first["loc"]
        raise DamagedInput(
            f"is no role record: {'.'.join(map(str, key)) or 'row'}: {first['msg']}",
            where=f"{part.path}, row {number} of row group {part.group}",
            hint=_HINT,
        ) from error


@cache
def _records() -> TypeAdapter[list[RoleRecord]]:
    return TypeAdapter(list[RoleRecord])
