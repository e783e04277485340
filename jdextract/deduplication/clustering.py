"""Clusters of near duplicates: keys propose pairs, a judge confirms them, pairs grow to clusters around a representative.

The first text of a cluster (the lowest number) is its representative. Texts are numbered best first by the caller, from
their content alone, so that clusters do not depend on the order of the input.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jdextract.deduplication.judges import Judge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A key that many texts share is worked through leader by leader: each text is compared with the first one; those that it
# does not take are compared with the first of them, and so on, this many times. Linear in the size of the group.
_LEADERS = 8
_MEMBERS = 5  # of each of two clusters that are held against each other before the two become one


@dataclass(frozen=True, slots=True)
class Keys:
    """Texts that share a value may be near; one entry a pair of text and value."""

    texts: NDArray[np.int64]
    values: NDArray[np.uint64]


class Clusters:
    """Numbers in disjoint sets, each led by its lowest number."""

    def __init__(self, size: int) -> None:
        import numpy as np

        self._parent: NDArray[np.int64] = np.arange(size)
        self._members: dict[int, tuple[int, ...]] = {}

    def find(self, number: int) -> int:
        """The representative."""
        parent = self._parent
        root = number
        while parent[root] != root:
            root = int(parent[root])
        while parent[number] != root:  # a shorter way for next time
            parent[number], number = root, int(parent[number])
        return root

    def unite(self, one: int, other: int) -> None:
        """Make one cluster of two."""
        first, second = sorted((self.find(one), self.find(other)))
        if first != second:
            self._members[first] = tuple(sorted((*self.some_members(first), *self.some_members(second))))[:_MEMBERS]
            self._members.pop(second, None)
            self._parent[second] = first

    def some_members(self, root: int) -> tuple[int, ...]:
        """The first texts of a cluster, the representative among them."""
        return self._members.get(root, (root,))

    def representatives(self) -> NDArray[np.int64]:
        """Representative of every number."""
        import numpy as np

        while True:
            above = self._parent[self._parent]
            if np.array_equal(above, self._parent):
                return above
            self._parent = above


def cluster(
    size: int,
    keys: Keys,
    judge: Judge,
    together: Sequence[tuple[int, int]] = (),
    settled: Collection[int] = (),
) -> NDArray[np.int64]:
    """Representative of each of `size` texts.

    `together`: pairs that are known to belong together. `settled`: texts that were compared with each other before.

    Rounds of proposing and confirming; within a round the most similar pairs come first.
    """
    import numpy as np

    clusters = Clusters(size)
    for one, other in together:
        clusters.unite(one, other)
    old = np.zeros(size, dtype=bool)
    old[list(settled)] = True
    groups, members = _group(keys)
    seen = np.empty(0, dtype=np.int64)
    for _ in range(_LEADERS):
        heads, members, groups = _leaders(groups, members, clusters)
        pairs = np.unique(heads * size + members)
        if not len(pairs):
            break
        fresh = pairs[~np.isin(pairs, seen, assume_unique=True)]
        both = np.stack(np.divmod(fresh, size), axis=1)
        _confirm(both[~old[both].all(axis=1)], judge, clusters)
        seen = np.union1d(seen, fresh)
    return clusters.representatives()


def _group(keys: Keys) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Group number and text of each entry of the groups with two texts or more, by group and text."""
    import numpy as np

    order = np.lexsort((keys.texts, keys.values))
    values, members = keys.values[order], keys.texts[order]
    starts = np.ones(len(values), dtype=bool)
    starts[1:] = values[1:] != values[:-1]
    groups = np.cumsum(starts) - 1
    shared = np.bincount(groups)[groups] > 1 if len(groups) else starts
    return groups[shared], members[shared]


def _leaders(
    groups: NDArray[np.int64], members: NDArray[np.int64], clusters: Clusters
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The first text of each group beside every one that is not in its cluster; these, and their groups."""
    import numpy as np

    if not len(groups):
        return groups, members, groups
    roots = clusters.representatives()
    starts = np.ones(len(groups), dtype=bool)
    starts[1:] = groups[1:] != groups[:-1]
    heads = members[np.flatnonzero(starts)][np.cumsum(starts) - 1]
    left = roots[heads] != roots[members]
    return heads[left], members[left], groups[left]


def _confirm(pairs: NDArray[np.int64], judge: Judge, clusters: Clusters) -> None:
    accepted = []
    for one, other in pairs.tolist():
        similarity = judge.compare(one, other)
        if similarity is not None:
            accepted.append((-similarity, one, other))
    for _, one, other in sorted(accepted):
        first, second = clusters.find(one), clusters.find(other)
        if first != second and _fit(clusters, judge, first, second, (one, other)):
            clusters.unite(first, second)


def _fit(clusters: Clusters, judge: Judge, first: int, second: int, near: tuple[int, int]) -> bool:
    """Whether two clusters with the representatives `first` and `second` may become one; `near` are known to be the same."""
    if {first, second} != set(near) and not judge.may_stand_together(first, second):
        return False
    pairs = itertools.product(clusters.some_members(first), clusters.some_members(second))
    return not any(judge.contradict(*pair) for pair in pairs)
