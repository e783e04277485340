"""Rounds of proposing, confirming and uniting over all workers: `deduplication.clustering.cluster` as joins.

The clusters are the local ones, not merely similar. Locally a round takes the first text of each group (texts that share a
key), holds it against every other of the group that is not in its cluster yet, confirms, and unites the confirmed pairs,
the most similar first, as long as two clusters do not contradict each other. Proposing and confirming look at one group and
one pair: they are an aggregation, joins and a function of a batch of pairs. Whether a pair may unite depends on the
clusters as they are when its turn comes, but only on the clusters that chains of confirmed pairs of the round lead to.
So the engine finds the connected components of the confirmed pairs, between the clusters of the round before, and the
local algorithm runs inside each, with the numbers and the order of the whole.

Components of the *proposed* pairs would be exact too, in one step, but they are no unit of work: texts of postings hang
together by their usual beginnings, and near half of them are one component.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import daft
import pyarrow
from daft import DataType, col
from daft.functions import coalesce, to_struct

from jdextract.cluster.components import find_components
from jdextract.cluster.engine import Engine
from jdextract.cluster.functions import on_workers
from jdextract.cluster.parts import Scratch
from jdextract.cluster.schemas import to_array
from jdextract.cluster.texts import Pair, judge_pairs, list_keys, unite
from jdextract.deduplication.wordings import Wording

if TYPE_CHECKING:
    from jdextract.config import DeduplicationConfig

WORDING = ("plain", "masked", "folded", "name")
_ROUNDS = 8  # as many as locally
_MEMBERS = 5  # of each cluster that are held against those of another one, as locally
_BATCH = 4_000  # texts or pairs that a worker takes at a time
_NUMBERS = DataType.int64()


def cluster_texts(
    texts: daft.DataFrame, config: DeduplicationConfig, engine: Engine, scratch: Scratch
) -> daft.DataFrame:
    """`number` and `root` of every text that is not the representative of its cluster.

    `texts`: distinct texts with `grain`, `number` (the better a text represents, the lower) and the fields of `Wording`.
    """
    groups = scratch.keep(_find_groups(texts, engine), "groups")
    roots = daft.from_arrow(pyarrow.table({name: pyarrow.array([], pyarrow.int64()) for name in ("number", "root")}))
    seen: daft.DataFrame | None = None
    for _ in range(_ROUNDS):
        groups = scratch.keep(_propose(groups, roots), "proposed")
        rows = groups.count_rows()
        if not rows:
            break
        pairs = groups.select("grain", "one", "other", "first", "second").distinct()
        if seen is not None:
            pairs = pairs.join(seen, on=["one", "other"], how="anti")
        judged = scratch.keep(_judge(pairs, texts, config, engine, rows), "judged")
        compared = judged.select("one", "other")
        seen = compared if seen is None else scratch.keep(seen.concat(compared), "seen")
        near = judged.where(col("similarity").not_null())
        if near.count_rows():
            changes = scratch.keep(_unite(near, texts, roots, config, scratch), "changes")
            roots = scratch.keep(_follow(roots, changes), "roots")
    return roots


def _find_groups(texts: daft.DataFrame, engine: Engine) -> daft.DataFrame:
    """`grain`, `key` and `other`, a text that has this key with another one."""

    rows = texts.count_rows()
    list_all = on_workers(_list_keys, DataType.list(_NUMBERS), engine, rows=rows, batch=_BATCH)
    keyed = texts.select("grain", col("number").alias("other"), list_all(col("grain"), _wording()).alias("key"))
    each = keyed.explode("key").where(col("key").not_null())
    sizes = each.groupby("grain", "key").agg(col("other").count().alias("size"))
    return each.join(sizes.where(col("size") > daft.lit(1)), on=["grain", "key"], how="semi")


def _wording() -> daft.Expression:
    return to_struct(*(col(name) for name in WORDING))


def _to_wording(row: dict[str, str]) -> Wording:
    return Wording(row["plain"], row["masked"], row["folded"], row["name"])


def _list_keys(grains: list[Any], rows: list[dict[str, str]]) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in rows]
    for grain in sorted(set(grains)):
        places = [i for i, each in enumerate(grains) if each == grain]
        for place, keys in zip(places, list_keys(grain, [_to_wording(rows[i]) for i in places]), strict=True):
            found[place] = keys
    return found


def _propose(groups: daft.DataFrame, roots: daft.DataFrame) -> daft.DataFrame:
    """Of each group the first text (`one`) beside every `other` that is not in its cluster; `first`, `second`: the
    representatives of the two."""
    left = groups.select("grain", "key", "other")
    heads = left.groupby("grain", "key").agg(col("other").min().alias("one"))
    joined = left.join(heads, on=["grain", "key"])
    for name, root in (("one", "first"), ("other", "second")):
        known = roots.select(col("number").alias(name), col("root").alias(root))
        joined = joined.join(known, on=name, how="left").with_column(root, coalesce(col(root), col(name)))
    return joined.where(col("first") != col("second"))


def _judge(
    pairs: daft.DataFrame, texts: daft.DataFrame, config: DeduplicationConfig, engine: Engine, rows: int
) -> daft.DataFrame:
    """The pairs with their `similarity`, null for a pair that is not near."""

    def judge(grains: list[Any], ones: list[dict[str, str]], others: list[dict[str, str]]) -> list[float | None]:
        return _judge_rows(grains, ones, others, config)

    compare = on_workers(judge, DataType.float64(), engine, rows=rows, batch=_BATCH)
    wordings = texts.select("number", _wording().alias("wording"))
    for name in ("one", "other"):
        pairs = pairs.join(wordings.select(col("number").alias(name), col("wording").alias(f"{name}_wording")), on=name)
    similarity = compare(col("grain"), col("one_wording"), col("other_wording")).alias("similarity")
    return pairs.select("grain", "one", "other", "first", "second", similarity)


def _judge_rows(
    grains: list[Any], ones: list[dict[str, str]], others: list[dict[str, str]], config: DeduplicationConfig
) -> list[float | None]:
    found: list[float | None] = [None] * len(grains)
    for grain in sorted(set(grains)):
        places = [i for i, each in enumerate(grains) if each == grain]
        pairs = [(_to_wording(ones[i]), _to_wording(others[i])) for i in places]
        for place, similarity in zip(places, judge_pairs(grain, pairs, config), strict=True):
            found[place] = similarity
    return found


def _unite(
    near: daft.DataFrame, texts: daft.DataFrame, roots: daft.DataFrame, config: DeduplicationConfig, scratch: Scratch
) -> daft.DataFrame:
    """`before` and `after`: the representatives of this round that are none any more, and what they went to."""
    nodes = find_components(near.select(col("first").alias("one"), col("second").alias("other")), scratch)
    nodes = scratch.keep(nodes, "components")
    fields = ("grain", "one", "other", "similarity", "first", "second")
    with_component = near.join(nodes.select(col("node").alias("first"), "component"), on="first")
    pair = to_struct(*(col(name) for name in fields)).alias("pair")
    pairs = with_component.select("component", pair).groupby("component").agg(col("pair").list_agg().alias("pairs"))
    members = _first_members(nodes, texts, roots).groupby("component").agg(col("member").list_agg().alias("members"))
    change = DataType.struct({"before": _NUMBERS, "after": _NUMBERS})

    @daft.func.batch(return_dtype=DataType.list(change), batch_size=_BATCH)
    def unite_all(pairs: daft.Series, members: daft.Series) -> pyarrow.Array:
        both = zip(pairs.to_pylist(), members.to_pylist(), strict=True)
        return to_array((_unite_component(*each, config) for each in both), DataType.list(change))

    uniting: Any = unite_all
    changes = pairs.join(members, on="component").select(uniting(col("pairs"), col("members")).alias("change"))
    changes = changes.explode("change").where(col("change").not_null())
    return changes.select(*(col("change").get(name).alias(name) for name in ("before", "after")))


def _first_members(nodes: daft.DataFrame, texts: daft.DataFrame, roots: daft.DataFrame) -> daft.DataFrame:
    """`component` and `member` (with its `root`): the first texts of each cluster, the representative among them."""
    others = roots.join(nodes.select(col("node").alias("root")), on="root", how="semi").select("root", "number")
    all_members = others.concat(nodes.select(col("node").alias("root"), col("node").alias("number")))
    listed = all_members.groupby("root").agg(col("number").list_agg().alias("number"))
    first = listed.select("root", col("number").list_sort().slice(0, _MEMBERS).alias("number")).explode("number")
    worded = first.join(texts.select("number", *WORDING), on="number")
    member = to_struct(*(col(name) for name in ("root", "number", *WORDING))).alias("member")
    return worded.join(nodes.select(col("node").alias("root"), "component"), on="root").select("component", member)


def _unite_component(
    pairs: list[dict[str, Any]], members: list[dict[str, Any]], config: DeduplicationConfig
) -> list[dict[str, int]]:
    clusters: dict[int, dict[int, Wording]] = {}
    for row in members:
        clusters.setdefault(row["root"], {})[row["number"]] = _to_wording(row)
    found = [Pair(p["one"], p["other"], p["similarity"], p["first"], p["second"]) for p in pairs]
    united = unite(pairs[0]["grain"], found, clusters, config)
    return [{"before": before, "after": after} for before, after in united.items() if before != after]


def _follow(roots: daft.DataFrame, changes: daft.DataFrame) -> daft.DataFrame:
    """The representatives after a round."""
    moved = roots.join(changes.select(col("before").alias("root"), "after"), on="root", how="left")
    fresh = changes.select(col("before").alias("number"), col("after").alias("root"))
    return moved.select("number", coalesce(col("after"), col("root")).alias("root")).concat(fresh)
