"""Functions of a batch of rows: on the process that Daft runs on a node, or on a pool of processes where the work is worth it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import daft
import pyarrow

from jdextract.cluster.engine import Engine
from jdextract.cluster.schemas import to_array

_WORTH = 200_000  # rows from which on a pool of processes is started: that takes seconds, for every query


def on_workers(
    function: Callable[..., Iterable[Any]],
    result: daft.DataType,
    engine: Engine,
    *,
    rows: int,
    batch: int,
    unnest: bool = False,
) -> Any:
    """A function for a query: `function` takes a list for each column and gives a value for each row.

    `rows`: how many there are about. `batch`: how many it takes at a time.
    """
    if rows < _WORTH or not engine.pool:

        @daft.func.batch(return_dtype=result, batch_size=batch, unnest=unnest)
        def call(*columns: daft.Series) -> pyarrow.Array:
            return to_array(function(*(column.to_pylist() for column in columns)), result)

        return call

    @daft.cls(**engine.pool)
    class Pool:
        @daft.method.batch(return_dtype=result, batch_size=batch, unnest=unnest)
        def call(self, *columns: daft.Series) -> pyarrow.Array:
            return to_array(function(*(column.to_pylist() for column in columns)), result)

    return Pool().call
