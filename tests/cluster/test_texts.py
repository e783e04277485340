"""What a worker does with a batch of texts, put together without an engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.cluster import dataset, proposals
from jdextract.cluster.texts import Pair, describe_clusters, join_documents, judge_pairs, list_keys, unite, word
from jdextract.config import DeduplicationConfig
from jdextract.dataset import splits
from jdextract.deduplication import clustering
from jdextract.deduplication.duplicates import Occurrence, Occurrences, find_duplicates
from jdextract.deduplication.wordings import Wording
from tests.cluster.samples import DUTIES

CONFIG = DeduplicationConfig()


def find_roots(wordings: dict[int, Wording]) -> dict[int, int]:
    """The rounds of `cluster.proposals` in plain Python: what the engine does with joins."""
    root = {number: number for number in wordings}
    groups: dict[int, list[int]] = defaultdict(list)
    for number, keys in zip(wordings, list_keys("duty", list(wordings.values())), strict=True):
        for key in keys:
            groups[key].append(number)
    seen: set[tuple[int, int]] = set()
    for _ in range(clustering._LEADERS):
        left = {k: [n for n in each if root[n] != root[min(each)]] for k, each in groups.items()}
        pairs = {(min(groups[key]), number) for key, each in left.items() for number in each}
        groups = {key: each for key, each in left.items() if each}
        fresh = sorted(pairs - seen, reverse=True)
        seen |= pairs
        judged = judge_pairs("duty", [(wordings[one], wordings[other]) for one, other in fresh], CONFIG)
        near = [Pair(*pair, s, root[pair[0]], root[pair[1]]) for pair, s in zip(fresh, judged, strict=True) if s]
        component = {number: number for number in wordings}
        for _ in wordings:  # until nothing changes, at the latest
            for pair in near:
                least = min(component[pair.first], component[pair.second])
                component[pair.first] = component[pair.second] = least
        parts: dict[int, list[Pair]] = defaultdict(list)
        for pair in near:
            parts[component[pair.first]].append(pair)
        changes: dict[int, int] = {}
        for part in parts.values():
            clusters = {
                name: {n: wordings[n] for n in sorted(n for n in root if root[n] == name)[: clustering._MEMBERS]}
                for pair in part
                for name in (pair.first, pair.second)
            }
            changes |= unite("duty", part, clusters, CONFIG)
        root = {number: changes.get(name, name) for number, name in root.items()}
    return root


parts = st.sampled_from(
    [
        "负责",
        "店铺",
        "淘宝",
        "京东",
        "运营",
        "日常",
        "审核",
        "订单",
        "，",
        "发货",
        "仓库",
        "售前",
        "售后",
        "咨询",
        "盘点",
    ]
)
texts = st.one_of(st.sampled_from(DUTIES), st.lists(parts, min_size=2, max_size=7).map("".join))


@settings(deadline=None, max_examples=80)
@given(st.lists(texts, min_size=1, max_size=25, unique=True), st.integers(1, 9))
def test_rounds_in_pieces_give_the_local_clusters(found: list[str], step: int) -> None:
    """Rounds whose pairs are judged apart and united component by component end in the clusters of the local search."""
    ranked = [wording for _, _, wording in word(found, [""] * len(found))]
    numbers = {step * place + 3: wording for place, wording in enumerate(ranked)}
    keys = clustering.Keys
    local = clustering.cluster(len(ranked), _local_keys(keys, ranked), _local_judge(ranked)).tolist()
    assert find_roots(numbers) == {step * place + 3: step * root + 3 for place, root in enumerate(local)}


def _local_keys(kind: type[clustering.Keys], wordings: Sequence[Wording]) -> clustering.Keys:
    from jdextract.deduplication.grains import get_grain

    return get_grain("duty").keys(wordings)


def _local_judge(wordings: Sequence[Wording]):  # type: ignore[no-untyped-def]
    from jdextract.deduplication.grains import get_grain

    return get_grain("duty").judge(wordings, CONFIG)


@settings(deadline=None, max_examples=40)
@given(st.lists(texts, min_size=1, max_size=20))
def test_described_clusters_are_the_local_ones(found: list[str]) -> None:
    """Clusters that are described from their texts alone have the ids, representatives and kinds of the local search."""
    occurrences = [Occurrence(f"r{n % 7}#{n}", f"d{n % 5}", f"s{n}/x", text) for n, text in enumerate(found)]
    gathered = Occurrences()
    for occurrence in occurrences:
        gathered.add(occurrence)
    local = find_duplicates("duty", gathered, CONFIG)
    members = [
        [occurrences[n] for n in sorted(n for v in cluster.variants for n in v.places)] for cluster in local.clusters
    ]
    described = describe_clusters("duty", members[::-1], CONFIG)

    def told(clusters):  # type: ignore[no-untyped-def]
        return {(c.id, tuple((v.text, v.place, v.duplicate) for v in c.variants)) for c in clusters}

    assert told(described.clusters) == told(local.clusters)


def test_bounds_are_the_local_ones() -> None:
    """The numbers that the local search keeps to itself are the same here."""
    assert proposals._ROUNDS == clustering._LEADERS
    assert proposals._MEMBERS == clustering._MEMBERS
    assert dataset._FEWEST == splits._FEWEST


@pytest.mark.parametrize(
    ("numbers", "runs"),
    [([4, 2, 3], [([2, 3, 4], "bca")]), ([1, 7, 2, 8], [([1, 2], "ac"), ([7, 8], "bd")]), ([], [])],
)
def test_join_documents(numbers: list[int], runs: list[tuple[list[int], str]]) -> None:
    """Records that follow each other are one document; the same file further on is another one."""
    found = list(join_documents(numbers, list("abcd")[: len(numbers)]))
    assert found == [(each, "。".join(text)) for each, text in runs]
