"""Libraries that find near duplicates, as a user would call them. Nothing here imports jdextract."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from tests.benchmarks.measuring import Found, LeftOut, Search, Settings

_SEED = 42


def _shingles(text: str, sizes: list[int]) -> list[str]:
    """Words for size 0, else substrings of these lengths; a text that is shorter is one shingle."""
    if sizes == [0]:
        return text.split()
    found = [text[i : i + size] for size in sizes for i in range(len(text) - size + 1)]
    return found or [text]


class _Sets:
    """Rows in disjoint sets."""

    def __init__(self, size: int) -> None:
        self.parent = list(range(size))

    def find(self, row: int) -> int:
        parent = self.parent
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    def unite(self, pairs: Iterable[tuple[int, int]], same: Callable[[int, int], bool]) -> list[int]:
        """The set of every row, when those of each pair are united that `same` confirms."""
        for pair in pairs:
            one, other = map(self.find, pair)
            if one != other and same(*pair):
                self.parent[max(one, other)] = min(one, other)
        return [self.find(row) for row in range(len(self.parent))]


def _cluster(candidates: list[Any], sketches: list[Any], settings: Settings) -> Callable[[], Found]:
    """Union-find over the candidates of each row, confirmed by the similarity that the sketches tell if so set."""
    least = settings["threshold"] if settings["confirm"] else None

    def same(one: int, other: int) -> bool:
        return least is None or sketches[one].jaccard(sketches[other]) >= least

    pairs = ((row, other) for row, others in enumerate(candidates) for other in others if other < row)
    found = Found(_Sets(len(sketches)).unite(pairs, same))
    return lambda: found


def rensa(settings: Settings) -> Search:
    """RMinHash and RMinHashLSH."""
    from rensa import RMinHash, RMinHashLSH  # type: ignore[import-not-found,unused-ignore]

    def search(texts: list[str]) -> Callable[[], Found]:
        shingles = [_shingles(text, settings["sizes"]) for text in texts]
        sketches = RMinHash.from_token_sets(shingles, num_perm=settings["perms"], seed=_SEED)
        index = RMinHashLSH(settings["threshold"], settings["perms"], settings["bands"])
        index.insert_many(sketches)
        return _cluster(index.query_all(sketches), sketches, settings)

    return search


def datasketch(settings: Settings) -> Search:
    """MinHash and MinHashLSH; the bands follow from the threshold."""
    from datasketch import MinHash, MinHashLSH  # type: ignore[import-not-found,unused-ignore]

    def search(texts: list[str]) -> Callable[[], Found]:
        shingles = [[s.encode() for s in _shingles(text, settings["sizes"])] for text in texts]
        sketches = MinHash.bulk(shingles, num_perm=128)
        index = MinHashLSH(threshold=settings["threshold"], num_perm=128)
        with index.insertion_session() as session:
            for row, sketch in enumerate(sketches):
                session.insert(row, sketch)
        return _cluster([index.query(sketch) for sketch in sketches], sketches, settings)

    return search


class CharacterVectors:
    """An encoder for semhash that needs no download: characters and pairs of them, hashed into 1,024 numbers."""

    _SIZE = 1024

    def encode(self, inputs: Any, **_options: Any) -> Any:
        """Vectors of unit length."""
        import numpy as np

        vectors = np.zeros((len(inputs), self._SIZE), dtype=np.float32)
        for row, text in enumerate(inputs):
            hashes = np.array([zlib.crc32(s.encode()) for s in _shingles(text, [1, 2])], dtype=np.uint32)
            signs = np.where(hashes & 1, 1.0, -1.0).astype(np.float32)
            np.add.at(vectors[row], (hashes >> 1) % self._SIZE, signs)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(lengths == 0, 1, lengths)


@cache
def _default_encoder() -> Any | None:
    """The encoder that SemHash takes without one given, None if it can't be had; asked for once."""
    from model2vec import StaticModel  # type: ignore[import-not-found,unused-ignore]

    try:
        return StaticModel.from_pretrained("minishlab/potion-base-8M")
    except Exception:  # of many kinds, by what is missing
        return None


def semhash(settings: Settings) -> Search:
    """SemHash with its own encoder, or with `CharacterVectors`."""
    from semhash import SemHash  # type: ignore[import-not-found,unused-ignore]

    model = CharacterVectors() if settings["encoder"] == "characters" else _default_encoder()
    if model is None:
        raise LeftOut("its default encoder (potion-base-8M) could not be downloaded")

    def search(texts: list[str]) -> Callable[[], Found]:
        records = [{"row": row, "text": text} for row, text in enumerate(texts)]
        index = SemHash.from_records(records, columns=["text"], model=model)
        result = index.self_deduplicate(threshold=settings["threshold"])

        def read() -> Found:
            labels = list(range(len(texts)))
            for one in result.filtered:
                labels[one.record["row"]] = one.duplicate_of["row"]
            return Found(labels)

        return read

    return search
