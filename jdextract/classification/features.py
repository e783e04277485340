"""Normalised sentences -> the text that the model reads, words with spaces between them, as n-grams of words and of characters.

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
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")


def fold_duty(text: str) -> str:
    """The form in which sentences are compared and read: lower case, one space, numbers as 0, no closing marks."""
    return _DIGITS.sub("0", " ".join(text.casefold().split())).strip(_EDGES)


def read_texts(folded: Sequence[str], cut: Cut) -> NDArray[np.object_]:
    """Folded sentences -> array (sentences, 2) of objects: twice the words joined by spaces, for words and for characters.

    A character n-gram that tells where a word ends says more than one that does not: on real sentences a point more of
    macro-F1 than characters of the sentence as it stands.
    """
    import numpy as np

    rows = np.empty((len(folded), 2), dtype=object)
    for i, text in enumerate(folded):
        rows[i, :] = join_words(text, cut)
    return rows


def join_words(folded: str, cut: Cut) -> str:
    """The words of a folded sentence with one space between them."""
    return " ".join(split_words(folded, cut))


def split_words(folded: str, cut: Cut) -> list[str]:
    """The words of a folded sentence, without white space."""
    return " ".join(cut(folded)).split()


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
