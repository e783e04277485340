"""How much postings repeat: the shares that the generator has to reproduce, measured in the same way on both."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_BREAK = re.compile(r"[\n\r;；。！？]|(?<![\d.])\d{1,2}[、.)）](?!\d)")
_NO_LETTER = re.compile(r"[\W\d_]+")
_SHORTEST = 8  # letters of a sentence; what is shorter is mostly a heading
_STEPS = (5, 25, 50, 75, 95, 99)  # percent


@dataclass(frozen=True)
class Repetition:
    """Shares of a set of postings. Two texts are equal if their letters are: digits, signs and spaces do not count."""

    postings: int
    reposts: float  # share of the postings whose whole text stood before
    sentences_repeated: float  # share of the sentences that stood before
    beside_reposts: float  # the same, without the postings that are reposts
    pairs_repeated: float  # share of the neighbouring sentences that stood before side by side, without reposts
    half_shared: (
        float  # share of the postings of whose sentences half or more stand in another posting, without reposts
    )
    sentences_per_posting: float
    sentences_at: dict[str, int]  # sentences of a posting at percentiles
    characters_per_posting: float
    characters_at: dict[str, int]


def measure(texts: Iterable[str]) -> Repetition:
    """Measure texts in the order in which they were scraped. Holds the letters of all sentences in memory."""
    seen: set[str] = set()
    everywhere: Counter[str] = Counter()
    first: list[list[str]] = []  # sentences of the postings that are no reposts
    counts, lengths = [], []
    for text in texts:
        sentences = [
            letters for part in _BREAK.split(text) if len(letters := _NO_LETTER.sub("", part).lower()) >= _SHORTEST
        ]
        everywhere.update(sentences)
        counts.append(len(sentences))
        lengths.append(len(text))
        whole = _NO_LETTER.sub("", text).lower()
        if whole not in seen:
            seen.add(whole)
            first.append(sentences)
    unique = Counter(sentence for sentences in first for sentence in sentences)
    pairs = Counter(pair for sentences in first for pair in pairwise(sentences))
    shared = [2 * sum(unique[one] > 1 for one in sentences) >= len(sentences) for sentences in first if sentences]
    return Repetition(
        len(counts),
        _share(len(counts) - len(first), len(counts)),
        _share(everywhere.total() - len(everywhere), everywhere.total()),
        _share(unique.total() - len(unique), unique.total()),
        _share(pairs.total() - len(pairs), pairs.total()),
        _share(sum(shared), len(shared)),
        round(sum(counts) / max(1, len(counts)), 2),
        percentiles(counts),
        round(sum(lengths) / max(1, len(lengths)), 1),
        percentiles(lengths),
    )


def percentiles(numbers: Sequence[int]) -> dict[str, Any]:
    """Values at 5, 25, 50, 75, 95 and 99 %."""
    ordered = sorted(numbers)
    return {str(step): ordered[len(ordered) * step // 100] for step in _STEPS} if ordered else {}


def _share(part: int, whole: int) -> float:
    return round(part / max(1, whole), 4)
