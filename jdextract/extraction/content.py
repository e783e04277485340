"""What a stretch is about by its words alone: duty, requirement, pay, position name or something else.

A TF-IDF logistic regression that scikit-learn fits and this module reads: the same numbers without the cost of a
general pipeline for each document, from one NumPy file that holds no objects. A test holds both to the same output.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Cut = Callable[[str], list[str]]

CLASSES = ("D", "R", "C", "T", "O")
_DIGITS = re.compile(r"\d+")


def read_words(text: str, cut: Cut) -> list[str]:
    """Words of a stretch with its first and last one marked; all numbers are one word."""
    words = [word.lower() for word in cut(text) if not word.isspace()]
    if _DIGITS.search(text):
        words = [_DIGITS.sub("0", word) for word in words]
    return ["^" + words[0], *words, words[-1] + "$"] if words else ["^$"]


class ContentModel:
    """Words and word pairs -> probabilities of CLASSES."""

    def __init__(
        self,
        terms: Sequence[str],
        idf: NDArray[np.float32],
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
    ) -> None:
        """`terms`: of each column, one word or two with a space between them. Raises ValueError for longer ones."""
        import numpy as np

        self._terms, self._idf, self._weights, self._bias = terms, idf, weights, bias
        words = " ".join(terms).split(" ")
        # Words have numbers from 1; 0 is a word that no term holds. A pair is the number `first * base + second`.
        self._numbers = {word: n for n, word in enumerate(dict.fromkeys(words), 1)}
        self._base = len(self._numbers) + 1
        numbers = np.fromiter(map(self._numbers.__getitem__, words), dtype=np.int64, count=len(words))
        paired = np.array([" " in term for term in terms], dtype=bool)
        if len(terms) + np.count_nonzero(paired) != len(words):
            raise ValueError("a term of more than two words")
        last = np.cumsum(1 + paired) - 1  # where the last word of each term stands
        self._single = np.full(self._base, -1)
        self._single[numbers[last[~paired]]] = np.flatnonzero(~paired)
        pairs = numbers[last[paired] - 1] * self._base + numbers[last[paired]]
        order = np.argsort(pairs)
        self._pairs, self._pair_columns = pairs[order], np.flatnonzero(paired)[order]
        if not len(pairs):
            self._pairs = self._pair_columns = np.array([-1])

    def share(self, stretches: Sequence[Sequence[str]]) -> list[list[float]]:
        """A row of probabilities, in the order of CLASSES, for each stretch (a list of `read_words`).

        A row is the same beside any others.
        """
        import numpy as np

        if not stretches:
            return []
        get, count = self._numbers.get, len(stretches)
        numbers = np.array([get(word, 0) for words in stretches for word in words], dtype=np.int64)
        rows = np.repeat(np.arange(count), [len(words) for words in stretches])
        keys = numbers[:-1] * self._base + numbers[1:]
        places = np.minimum(np.searchsorted(self._pairs, keys), len(self._pairs) - 1)
        paired = (self._pairs[places] == keys) & (rows[:-1] == rows[1:])
        single = self._single[numbers]
        columns = np.concatenate([single[single >= 0], self._pair_columns[places[paired]]])
        rows = np.concatenate([rows[single >= 0], rows[:-1][paired]])
        terms, times = np.unique(rows * len(self._idf) + columns, return_counts=True)
        rows, columns = np.divmod(terms, len(self._idf))
        values = (1 + np.log(times)) * self._idf[columns]
        norms = np.sqrt(np.bincount(rows, values * values, minlength=count))
        parts = (values / norms[rows])[:, None] * self._weights[columns]
        logits = self._bias + np.column_stack([np.bincount(rows, part, minlength=count) for part in parts.T])
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        result: list[list[float]] = (shares / shares.sum(axis=1, keepdims=True)).tolist()
        return result

    @classmethod
    def take_over(cls, pipeline: Any) -> ContentModel:
        """The numbers of a fitted scikit-learn pipeline of TfidfVectorizer and LogisticRegression."""
        import numpy as np

        vectorizer, regression = pipeline[0], pipeline[-1]
        order = [list(regression.classes_).index(name) for name in CLASSES]
        return cls(
            sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__),
            vectorizer.idf_.astype(np.float32),
            np.ascontiguousarray(regression.coef_[order].T.astype(np.float32)),
            regression.intercept_[order].astype(np.float32),
        )

    def save(self, path: Path) -> None:
        import numpy as np

        words = np.frombuffer("\n".join(self._terms).encode(), dtype=np.uint8)
        np.savez_compressed(path, words=words, idf=self._idf, weights=self._weights.astype(np.float16), bias=self._bias)

    @classmethod
    def load(cls, path: Path) -> ContentModel:
        """Raises ValueError, KeyError or OSError for a file that is not such a model."""
        import numpy as np

        with np.load(path, allow_pickle=False) as arrays:
            terms = arrays["words"].tobytes().decode().split("\n")
            idf, weights, bias = arrays["idf"], arrays["weights"].astype(np.float32), arrays["bias"]
        if not len(terms) == len(idf) == len(weights) or weights.shape[1] != len(CLASSES) or len(bias) != len(CLASSES):
            raise ValueError("arrays do not fit each other")
        return cls(terms, idf, weights, bias)
