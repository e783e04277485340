"""Connected components of a graph that no worker has to hold: the alternating algorithm of large stars and small stars.

R. Kiveris, S. Lattanzi, V. Mirrokni, V. Rastogi, S. Vassilvitskii, Connected Components in MapReduce and Beyond, 2014. It
ends after a number of rounds that grows with the logarithm of the longest path.
"""

from __future__ import annotations

import daft
from daft import col
from daft.functions import when

from jdextract.cluster.parts import Scratch


def find_components(edges: daft.DataFrame, scratch: Scratch) -> daft.DataFrame:
    """`node` and `component`, the least node that it hangs together with, of every node of `edges` (`one`, `other`).

    An edge from a node to itself says nothing.
    """
    smaller = col("one") < col("other")
    down = edges.where(col("one") != col("other")).select(
        when(smaller, col("other")).otherwise(col("one")).alias("node"),
        when(smaller, col("one")).otherwise(col("other")).alias("to"),
    )
    stars = scratch.keep(down.distinct(), "edges")
    while not _are_stars(stars):
        stars = scratch.keep(_small_stars(_large_stars(stars)), "edges")
    centres = stars.select(col("to").alias("node")).distinct().with_column("component", col("node"))
    return stars.select("node", col("to").alias("component")).concat(centres)


def _large_stars(edges: daft.DataFrame) -> daft.DataFrame:
    """Every neighbour above a node goes to the least of the neighbourhood."""
    both = edges.concat(edges.select(col("to").alias("node"), col("node").alias("to")))
    least = both.groupby("node").agg(col("to").min().alias("least"))
    least = least.select("node", when(col("least") < col("node"), col("least")).otherwise(col("node")).alias("least"))
    joined = both.join(least, on="node").where(col("to") > col("node"))
    return joined.select(col("to").alias("node"), col("least").alias("to")).distinct()


def _small_stars(edges: daft.DataFrame) -> daft.DataFrame:
    """A node and all its neighbours below go to the least of them."""
    least = edges.groupby("node").agg(col("to").min().alias("least"))
    joined = edges.join(least, on="node").where(col("to") != col("least"))
    below = joined.select(col("to").alias("node"), col("least").alias("to"))
    return below.concat(least.select("node", col("least").alias("to"))).distinct()


def _are_stars(edges: daft.DataFrame) -> bool:
    """Whether every node has one way down, and ends there."""
    centres = edges.select(col("to").alias("node")).distinct()
    if edges.join(centres, on="node", how="semi").count_rows():
        return False
    return edges.select("node").distinct().count_rows() == edges.count_rows()
