"""Normalised sentences -> the two texts that the model reads: words with spaces between them, and folded characters.

Words are cut before scikit-learn sees them, so that a saved model holds no segmenter and no code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Cut = Callable[[str], list[str]]

_EDGES = " \t\r\n;；。.,，、:：!！-—·•*"
_SPACES = re.compile(r"\s+")
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")


def fold_duty(text: str) -> str:
    """The form in which sentences are compared and read: lower case, one space, numbers as 0, no closing marks."""
    return _DIGITS.sub("0", _SPACES.sub(" ", text.casefold())).strip(_EDGES)


def read_texts(folded: Sequence[str], cut: Cut) -> NDArray[np.object_]:
    """Folded sentences -> array (sentences, 2) of objects: words joined by spaces, and the sentence itself."""
    import numpy as np

    rows = np.empty((len(folded), 2), dtype=object)
    for i, text in enumerate(folded):
        rows[i, 0] = " ".join(word for word in cut(text) if not word.isspace())
        rows[i, 1] = text
    return rows


def make_features(characters: tuple[int, int], words: tuple[int, int], fewest: int) -> Any:
    """An untrained transformer (sentences, 2) -> sparse TF-IDF of word and character n-grams, float32.

    `characters`, `words`: shortest and longest n-gram; `fewest`: in how many sentences an n-gram must stand.
    """
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer

    shared: dict[str, Any] = {"sublinear_tf": True, "min_df": fewest, "lowercase": False, "dtype": np.float32}
    return ColumnTransformer(
        [
            ("words", TfidfVectorizer(token_pattern=r"\S+", ngram_range=words, **shared), 0),
            ("characters", TfidfVectorizer(analyzer="char", ngram_range=characters, **shared), 1),
        ],
        sparse_threshold=1.0,
    )


def find_vectorizers(pipeline: Any) -> tuple[Any, Any]:
    """The fitted word and character vectorisers of a pipeline, in the order of their columns."""
    fitted = pipeline.named_steps["features"].named_transformers_
    return fitted["words"], fitted["characters"]
