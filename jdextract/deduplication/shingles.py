"""Texts as sets of character shingles, and the keys by which likely near duplicates find each other.

MinHash: A. Broder, On the resemblance and containment of documents, 1997; computed by `rensa`. Banding (LSH): Leskovec,
Rajaraman, Ullman, Mining of Massive Datasets, chapter 3.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from operator import add
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.uint64]

_ROWS = 20_000  # texts that are hashed at a time
_SEED = 20_261_126  # of the permutations; another one makes other keys
_NEWLINE, _BREAK = 10, ord("|")


def shingle_set(text: str, sizes: Sequence[int]) -> frozenset[str]:
    """Substrings of the given lengths within the clauses (parts between `|`) of a text."""
    found: set[str] = set()
    for clause in text.split("|"):
        grams: Iterable[str] = clause
        for size in range(1, max(sizes) + 1):
            if size > 1:
                grams = list(map(add, grams, clause[size - 1 :]))
            if size in sizes:
                found.update(grams)
    return frozenset(found)


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the shingles of both that are in each, 0 to 1; 1 for two empty sets."""
    shared = len(one & other)
    either = len(one) + len(other) - shared
    return shared / either if either else 1.0


def band_keys(texts: Sequence[str], sizes: Sequence[int], bands: int, rows: int) -> Array:
    """(texts, bands) keys: two texts share a key with the probability 1 - (1 - J^rows)^bands, J their Jaccard similarity.

    A text without a shingle has keys 0, which match nothing.
    """
    import numpy as np

    parts = [_band_keys(texts[i : i + _ROWS], sizes, bands, rows) for i in range(0, len(texts), _ROWS)]
    return np.concatenate(parts) if parts else np.empty((0, bands), dtype=np.uint64)


def _band_keys(texts: Sequence[str], sizes: Sequence[int], bands: int, rows: int) -> Array:
    import numpy as np
    from rensa import RMinHash

    hashes, offsets = _hash_shingles(texts, sizes)
    digests = RMinHash.digest_matrix_from_flat_token_hashes(
        hashes, offsets, num_perm=bands * rows, seed=_SEED
    ).to_rows()
    flat = np.fromiter(itertools.chain.from_iterable(digests), dtype=np.uint64, count=len(texts) * bands * rows)
    matrix = flat.reshape(len(texts), bands, rows)
    keys = np.broadcast_to(np.arange(1, bands + 1, dtype=np.uint64), (len(texts), bands)).copy()
    for column in range(rows):
        keys = _mix(keys ^ matrix[:, :, column])
    keys[np.diff(offsets.astype(np.int64)) == 0] = 0
    return keys


def _hash_shingles(texts: Sequence[str], sizes: Sequence[int]) -> tuple[Array, Array]:
    """Hashes of all shingles in the order of the texts, and where those of each text begin (one more than texts)."""
    import numpy as np

    # Line breaks at the end give the last text, too, a full window for every size.
    points = np.frombuffer(
        "\n".join([*texts, "\n" * max(sizes)]).encode("utf-32-le", "surrogatepass"), dtype=np.uint32
    ).astype(np.uint64)
    row_of = np.cumsum(points == _NEWLINE)
    breaks = (points == _NEWLINE) | (points == _BREAK)
    all_rows, all_hashes = [], []
    for size in sizes:
        last = len(points) - size + 1
        hashes = np.full(last, size, dtype=np.uint64)
        whole = np.ones(last, dtype=bool)
        for shift in range(size):
            hashes = _mix(hashes ^ points[shift : shift + last])
            whole &= ~breaks[shift : shift + last]
        all_rows.append(row_of[:last][whole])
        all_hashes.append(hashes[whole])
    rows, hashes = np.concatenate(all_rows), np.concatenate(all_hashes)
    order = np.argsort(rows, kind="stable")
    offsets = np.searchsorted(rows[order], np.arange(len(texts) + 1))
    return hashes[order], offsets.astype(np.uint64)


def _mix(values: Array) -> Array:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the result depends on every bit given."""
    import numpy as np

    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Array = values ^ (values >> np.uint64(31))
    return mixed
