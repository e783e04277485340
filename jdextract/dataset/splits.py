"""Train, validation and test: by cluster and by source, so that no template and no site stands on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Literal

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
_SHARES = (0.8, 0.1)  # of the sources for train and validation
_FEWEST = 20  # sources; with fewer the documents are split instead, with fewer documents the clusters


def assign_splits(
    clusters: Sequence[str], sources: Sequence[Collection[str]], documents: Sequence[Collection[str]]
) -> list[Split]:
    """Split of each cluster. `sources`, `documents`: where each cluster occurs.

    Every source is of one split, by a hash of its name, so that it stays there in the next version. A cluster that
    occurs in a source of train is in train, else in one of validation in validation: what is left for test occurs in
    sources of test only, none of its texts was seen elsewhere. With fewer than 20 sources the documents take their place,
    with fewer than 20 documents the clusters.
    """
    groups: Sequence[Collection[str]] = [(id_,) for id_ in clusters]
    for coarser in (documents, sources):
        if len({name for each in coarser for name in each}) >= _FEWEST:
            groups = coarser
    result: list[Split] = []
    for each in groups:
        found = {split_of(name) for name in each}
        result.append(next(split for split in SPLITS if split in found))
    return result


def split_of(name: str) -> Split:
    """Split of a source or a document, by a hash of its name alone."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    place = int.from_bytes(digest) / 2**64
    return "train" if place < _SHARES[0] else "validation" if place < sum(_SHARES) else "test"
