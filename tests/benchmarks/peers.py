"""The other programs of the benchmark of near-duplicate search: their settings, and those that the best are chosen among.

They run in an environment of their own; see `tests.benchmarks.deduplication`. Nothing here imports jdextract.

Settings that all have: `text` says what is done to the texts before: `raw` nothing, `t2s` OpenCC to Simplified, `letters`
that and only letters and digits left, in lower case, `spaced` that and a space between any two characters.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Preparation, Settings, System, answer
from tests.benchmarks.peer_libraries import datasketch, rensa, semhash
from tests.benchmarks.peer_pipelines import data_juicer, datatrove, text_dedup

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
