"""Columns of the contract as types of Arrow and of Daft, and rows as the bytes of a Parquet file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from jdextract.records import ReadFailure

if TYPE_CHECKING:
    import daft
    import polars
    import pyarrow

Row = Mapping[str, Any]


def failure_schema() -> polars.Schema:
    """Columns of the table of failures: those of a line of `errors.jsonl`."""
    from polars import Schema, String

    return Schema({field.name: String() for field in fields(ReadFailure)})


def arrow_struct(schema: polars.Schema) -> pyarrow.StructType:
    """One row of a table as a type of Arrow."""
    import polars
    import pyarrow

    empty = polars.DataFrame(schema=schema).to_arrow(compat_level=polars.CompatLevel.oldest())
    return pyarrow.struct(list(empty.schema))


def text_struct(*names: str, **others: daft.DataType) -> daft.DataType:
    """A struct of these strings and of other values."""
    from daft import DataType

    return DataType.struct({**{name: DataType.string() for name in names}, **others})


def write_parquet(rows: Iterable[Row], kind: pyarrow.StructType) -> bytes:
    """A Parquet file of these rows."""
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_struct_array(pyarrow.array(list(rows), type=kind))
    target = io.BytesIO()
    pyarrow.parquet.write_table(table, target, compression="zstd")
    return target.getvalue()


def to_array(values: Iterable[Any], kind: daft.DataType) -> pyarrow.Array:
    """Values as what a function of Daft returns. From a plain list Daft guesses the type, and takes empty lists for lists
    of nothing, each with one null in it."""
    import pyarrow

    return pyarrow.array(list(values), type=kind.to_arrow_dtype())
