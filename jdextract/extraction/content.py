"""What a stretch is about by its words alone: duty, requirement, pay, position name or something else.

A TF-IDF logistic regression that scikit-learn fits and this module reads: the same numbers without the cost of a
general pipeline for each document, from one NumPy file that holds no objects. A test holds both to the same output.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
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
    words = [_DIGITS.sub("0", word.lower()) for word in cut(text) if not word.isspace()]
    return ["^" + words[0], *words, words[-1] + "$"] if words else ["^$"]


class ContentModel:
    """Words and word pairs -> probabilities of CLASSES."""

    def __init__(
        self,
        vocabulary: dict[str, int],
        idf: NDArray[np.float32],
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
    ) -> None:
        self._vocabulary, self._idf, self._weights, self._bias = vocabulary, idf, weights, bias

    def share(self, stretches: Sequence[Sequence[str]]) -> list[list[float]]:
        """A row of probabilities, in the order of CLASSES, for each stretch (a list of `read_words`)."""
        import numpy as np

        rows = np.tile(self._bias, (len(stretches), 1)).astype(np.float64)
        for i, words in enumerate(stretches):
            counts = Counter(words)
            counts.update(f"{a} {b}" for a, b in itertools.pairwise(words))
            known = [(self._vocabulary[term], n) for term, n in counts.items() if term in self._vocabulary]
            if not known:
                continue
            places = np.array([place for place, _ in known])
            values = (1 + np.log([n for _, n in known])) * self._idf[places]
            rows[i] += (values / np.sqrt((values * values).sum())) @ self._weights[places]
        rows -= rows.max(axis=1, keepdims=True)
        shares = np.exp(rows)
        result: list[list[float]] = (shares / shares.sum(axis=1, keepdims=True)).tolist()
        return result

    @classmethod
    def take_over(cls, pipeline: Any) -> ContentModel:
        """The numbers of a fitted scikit-learn pipeline of TfidfVectorizer and LogisticRegression."""
        import numpy as np

        vectorizer, regression = pipeline[0], pipeline[-1]
        order = [list(regression.classes_).index(name) for name in CLASSES]
        return cls(
            {str(term): int(place) for term, place in vectorizer.vocabulary_.items()},
            vectorizer.idf_.astype(np.float32),
            np.ascontiguousarray(regression.coef_[order].T.astype(np.float32)),
            regression.intercept_[order].astype(np.float32),
        )

    def save(self, path: Path) -> None:
        import numpy as np

        terms = sorted(self._vocabulary, key=self._vocabulary.__getitem__)
        words = np.frombuffer("\n".join(terms).encode(), dtype=np.uint8)
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
        return cls({term: place for place, term in enumerate(terms)}, idf, weights, bias)
