"""Programs that find near duplicates and keep files on their way, as a user would call them. Nothing here imports jdextract."""

from __future__ import annotations

import os
import pickle
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Found, Search, Settings


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
