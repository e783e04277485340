"""Connected components in the engine."""

from __future__ import annotations

from pathlib import Path

import daft
import pytest

from jdextract.cluster.components import find_components
from jdextract.cluster.engine import Engine
from jdextract.cluster.parts import Scratch


def local_components(edges: list[tuple[int, int]]) -> dict[int, int]:
    found = {node: node for edge in edges if edge[0] != edge[1] for node in edge}
    for _ in found:
        for one, other in edges:
            if one != other:
                found[one] = found[other] = min(found[one], found[other])
    return found


@pytest.mark.parametrize(
    "edges",
    [
        [(1, 2), (5, 4), (2, 1), (6, 6)],
        [(n, n + 1) for n in range(40)],  # the longest path
        [(n + 1, n) for n in range(0, 40, 2)] + [(3, 8), (9, 30)],
        [(0, n) for n in range(1, 9)] + [(n, 9) for n in range(1, 9)] + [(20, 21), (22, 21)],
        [(n * 37 % 101, n * 53 % 101) for n in range(60)],
    ],
)
def test_components(edges: list[tuple[int, int]], engine: Engine, tmp_path: Path) -> None:
    """Every node of an edge is there once, with the least node that it hangs together with."""
    frame = daft.from_pydict({"one": [edge[0] for edge in edges], "other": [edge[1] for edge in edges]})
    with Scratch(engine, str(tmp_path)) as scratch:
        found = find_components(frame, scratch).to_pydict()
    assert len(found["node"]) == len(set(found["node"]))
    assert dict(zip(found["node"], found["component"], strict=True)) == local_components(edges)
    assert not list(tmp_path.iterdir())
