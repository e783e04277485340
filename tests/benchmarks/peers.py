"""Other programs that find near duplicates, as a user would call them. They run in an environment of their own; see
`tests.benchmarks.deduplication`. Nothing here imports jdextract.

Settings that all have: `text` says what is done to the texts before: `raw` nothing, `t2s` OpenCC to Simplified, `letters`
that and only letters and digits left, in lower case, `spaced` that and a space between any two characters.
"""

from __future__ import annotations

import itertools
import os
import pickle
import re
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Found, LeftOut, Preparation, Search, Settings, System, answer

_SEED = 42
_NO_LETTER = re.compile(r"[\W_]+")
_TEXTS = ("t2s", "letters")  # rensa and datasketch: `letters` alone, which was better than `t2s` in a trial of all


def prepare(settings: Settings) -> Preparation:
    """What is done to the texts before the search, timed by itself."""
    kind = settings["text"]
    if kind == "raw":
        return lambda texts: texts
    import opencc

    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    if kind == "t2s":
        return lambda texts: [convert(text) for text in texts]
    between = " " if kind == "spaced" else ""
    return lambda texts: [between.join(_NO_LETTER.sub("", convert(text)).lower()) for text in texts]


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


def text_dedup(settings: Settings) -> Search:
    """The program `text_dedup.minhash`, called in this process; it starts a child process. It takes out texts of less
    than `min_length` words before it compares. Reading and writing its files is not counted."""
    import datasets  # type: ignore[import-not-found,import-untyped,unused-ignore]
    import text_dedup.minhash as program  # type: ignore[import-not-found,unused-ignore]

    datasets.disable_progress_bars()
    timers: list[Any] = []

    class Timer(program.Timer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            timers.append(self)

    program.Timer = Timer
    options = [f"--{name}={settings[name]}" for name in ("ngram", "min_length", "threshold") if name in settings]

    def search(texts: list[str]) -> Callable[[], Found]:
        program.RNG.seed(program.SEED)  # as at the first call in a process
        folder = tempfile.TemporaryDirectory()
        source, target = Path(folder.name, "in"), Path(folder.name, "out")
        datasets.Dataset.from_dict({"text": texts}).save_to_disk(source)
        given = [f"--path={source}", "--local", "--column=text", f"--output={target}", "--num_proc=1", "--debug"]
        program.main([*given, *options], standalone_mode=False)

        def read() -> Found:
            with Path(target, "uf.pkl").open("rb") as file:
                sets = pickle.load(file)
            folder.cleanup()
            least = settings.get("min_length", 5)
            vanished = sum(len(program.NON_ALPHA.split(text.lower())) < least for text in texts)
            seconds = timers[-1].elapsed_times
            files = sum(seconds.get(name, 0.0) for name in ("Loading", "Saving", "Cleaning"))
            return Found([sets.find(row) for row in range(len(texts))], vanished, files)

        return read

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


def datatrove(settings: Settings) -> Search:
    """The steps of the MinHash pipeline up to the clusters, one after the other, with files between them."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    from datatrove.data import Document  # type: ignore[import-not-found,unused-ignore]
    from datatrove.pipeline.dedup import minhash  # type: ignore[import-not-found,unused-ignore]
    from datatrove.utils.word_tokenizers import (  # type: ignore[import-not-found,unused-ignore]
        WordTokenizer,
        load_word_tokenizer,
    )
    from loguru import logger  # type: ignore[import-not-found,unused-ignore]

    logger.remove()

    class Characters(WordTokenizer):  # type: ignore[misc]
        def word_tokenize(self, text: str) -> list[str]:
            return [char for char in text if not char.isspace()]

        def sent_tokenize(self, text: str) -> list[str]:
            return [text]

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            return [(0, len(text))]

    language = settings["language"]
    words = Characters() if language == "characters" else load_word_tokenizer(language)
    words.word_tokenize("合同")  # the dictionary is read at the first text
    names = ("n_grams", "num_buckets", "hashes_per_bucket")
    config = minhash.MinhashConfig(**{name: settings[name] for name in names if name in settings})

    def search(texts: list[str]) -> Callable[[], Found]:
        folder = tempfile.TemporaryDirectory()
        signatures, buckets, clusters = (str(Path(folder.name, name)) for name in ("signatures", "buckets", "clusters"))
        documents = (Document(text, str(row)) for row, text in enumerate(texts))
        minhash.MinhashDedupSignature(signatures, config, language=words).run(documents)
        for bucket in range(config.num_buckets):
            step = minhash.MinhashDedupBuckets(signatures, buckets, config=config)
            step.run(None, bucket, config.num_buckets)
        minhash.MinhashDedupCluster(buckets, clusters, config, save_cluster_id=True).run()

        def read() -> Found:
            labels = list(range(len(texts)))
            file = Path(clusters, "000000.clusters")
            for row, cluster in struct.iter_unpack("<2I", file.read_bytes() if file.exists() else b""):
                labels[row] = len(texts) + cluster
            folder.cleanup()
            return Found(labels)

        return read

    return search


def data_juicer(settings: Settings) -> Search:
    """The operator `document_minhash_deduplicator`."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    import datasets
    from data_juicer.ops.deduplicator import (  # type: ignore[import-not-found,unused-ignore]
        document_minhash_deduplicator as module,
    )
    from loguru import logger

    logger.remove()
    datasets.disable_progress_bars()
    names = ("tokenization", "window_size", "jaccard_threshold")
    operator = module.DocumentMinhashDeduplicator(**{name: settings[name] for name in names if name in settings})

    def search(texts: list[str]) -> Callable[[], Found]:
        rows = datasets.Dataset.from_dict({"text": texts, "row": list(range(len(texts)))})
        hashed = rows.map(operator.compute_hash)
        operator.process(hashed)

        def read() -> Found:
            # The operator keeps the first row of a cluster and tells the others only when it is asked to trace them.
            _, clusters = operator.process(hashed, show_num=len(texts) + 1)
            labels = list(range(len(texts)))
            for label, members in clusters.items():
                for member in members:
                    labels[member["row"]] = label
            return Found(labels)

        return read

    return search


def _combine(**choices: Iterable[Any]) -> Iterator[Settings]:
    """All combinations of one value of each."""
    for values in itertools.product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


_SIZES = ([1], [2], [3], [1, 2])
_SKETCHES = [{"perms": p, "bands": b} for p, b in ((128, 16), (128, 32), (256, 32), (256, 64))]
_BANDS = [{"num_buckets": b, "hashes_per_bucket": r} for b, r in ((14, 8), (18, 6), (20, 5), (25, 4), (32, 3))]

SYSTEMS = {
    "rensa": System(
        ("rensa", "opencc"),
        rensa,
        prepare,
        {"defaults": {"text": "raw", "sizes": [0], "threshold": 0.8, "perms": 128, "bands": 8, "confirm": True}},
        tuple(
            {**one, **sketch}
            for sketch in _SKETCHES
            for one in (
                *_combine(
                    text=("letters",), sizes=_SIZES, threshold=(0.4, 0.45, 0.5, 0.55, 0.6, 0.65), confirm=(True,)
                ),
                *_combine(text=("letters",), sizes=_SIZES, threshold=(0.5,), confirm=(False,)),  # it has no say here
            )
        ),
    ),
    "datasketch": System(
        ("datasketch", "numpy", "scipy", "opencc"),
        datasketch,
        prepare,
        {"defaults": {"text": "raw", "sizes": [0], "threshold": 0.9, "confirm": False}},
        tuple(_combine(text=("letters",), sizes=_SIZES, threshold=(0.4, 0.5, 0.6, 0.7), confirm=(True, False))),
    ),
    "text-dedup": System(
        ("text-dedup", "datasets", "numpy", "opencc"),
        text_dedup,
        prepare,
        {"defaults": {"text": "raw"}},
        tuple(_combine(text=("spaced",), ngram=(1, 2, 3), min_length=(1,), threshold=(0.4, 0.5, 0.6))),
    ),
    "semhash": System(
        ("semhash", "vicinity", "usearch", "model2vec", "numpy", "opencc"),
        semhash,
        prepare,
        {
            "defaults": {"text": "raw", "encoder": "default", "threshold": 0.9},
            "offline encoder": {"text": "raw", "encoder": "characters", "threshold": 0.9},
        },
        tuple(_combine(text=_TEXTS, encoder=("default", "characters"), threshold=(0.5, 0.55, 0.6, 0.65, 0.7, 0.75))),
    ),
    "datatrove": System(
        ("datatrove", "spacy", "jieba", "numpy", "opencc"),
        datatrove,
        prepare,
        {"defaults, zho": {"text": "raw", "language": "zho"}, "defaults, cmn": {"text": "raw", "language": "cmn"}},
        tuple(
            {**one, **bands}
            for bands in _BANDS
            for one in (
                *_combine(text=("t2s",), language=("cmn",), n_grams=(1,)),
                *_combine(text=("t2s",), language=("characters",), n_grams=(2, 3)),
            )
        ),
    ),
    "Data-Juicer": System(
        ("py-data-juicer", "datasets", "numpy", "opencc"),
        data_juicer,
        prepare,
        {
            "defaults, space": {"text": "raw", "tokenization": "space"},
            "defaults, character": {"text": "raw", "tokenization": "character"},
        },
        tuple(
            _combine(text=_TEXTS, tokenization=("character",), window_size=(1, 2, 3), jaccard_threshold=(0.4, 0.5, 0.6))
        ),
    ),
}

if __name__ == "__main__":
    answer(SYSTEMS, Path(sys.argv[1]), Path(sys.argv[2]))
