"""jdextract as the benchmark of near-duplicate search runs it: what `jdextract dedup` does to duties, without files."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.benchmarks.measuring import Found, Preparation, Search, Settings, System, answer


def _prepare(_settings: Settings) -> Preparation:
    from jdextract.extraction.extractor import Extractor

    normalize = Extractor().normalize
    normalize("打開")  # tables are built at the first text
    return lambda texts: [normalize(text) for text in texts]


def _make(_settings: Settings) -> Search:
    from jdextract.config import DeduplicationConfig
    from jdextract.deduplication.duplicates import Occurrence, Occurrences, find_duplicates

    config = DeduplicationConfig()

    def search(texts: list[str]):  # type: ignore[no-untyped-def]
        occurrences = Occurrences()
        for number, text in enumerate(texts):
            occurrences.add(Occurrence(f"{number}#0", str(number), "", text))
        found = find_duplicates("duty", occurrences, config)

        def read() -> Found:
            labels = [-1] * len(texts)
            for label, cluster in enumerate(found.clusters):
                for variant in cluster.variants:
                    for place in variant.places:
                        labels[place] = label
            return Found(labels)

        return read

    search(["审核合同"])  # rules and the dictionary are read at the first text
    return search


SYSTEMS = {
    "jdextract": System(
        ("jdextract", "numpy", "rensa", "rjieba", "ahocorasick_rs", "opencc"), _make, _prepare, {"as it is": {}}
    )
}

if __name__ == "__main__":
    answer(SYSTEMS, Path(sys.argv[1]), Path(sys.argv[2]))
