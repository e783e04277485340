"""What a trained pipeline learned, as arrays: all that classification needs of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Settings of a vectoriser under which its numbers are those that `vectors` works out.
_PLAIN: dict[str, Any] = {
    "sublinear_tf": True,
    "use_idf": True,
    "smooth_idf": True,
    "norm": "l2",
    "binary": False,
    "lowercase": False,
    "strip_accents": None,
    "preprocessor": None,
    "tokenizer": None,
    "stop_words": None,
}


@dataclass(frozen=True, slots=True, eq=False)
class Vectorizer:
    """A fitted vectoriser: its n-grams in the order of its columns."""

    grams: list[str]
    idf: NDArray[np.float32]  # of each column
    lengths: tuple[int, int]  # of the shortest and the longest n-gram
    plain: bool  # whether all else is set as this package sets it

    @classmethod
    def read(cls, fitted: Any, **settings: Any) -> Vectorizer:
        """Of a TfidfVectorizer, or of one as a file describes it, whose vocabulary is an array.

        `settings`: what it must be set to beside _PLAIN to be plain.
        """
        import numpy as np

        vocabulary = fitted.vocabulary_
        if isinstance(vocabulary, dict):
            grams = sorted(vocabulary, key=vocabulary.__getitem__)
        elif vocabulary.ndim == 1 and vocabulary.dtype.kind == "U":
            grams = vocabulary.tolist()
        else:
            raise ValueError("holds a vocabulary that is no list of strings")
        idf = fitted._tfidf.idf_.astype(np.float32)  # a file knows no properties, such as `idf_` of the vectoriser is
        shortest, longest = fitted.ngram_range
        if idf.shape != (len(grams),) or type(shortest) is not int or type(longest) is not int:
            raise ValueError("holds a vectoriser whose parts do not fit each other")
        plain = all(getattr(fitted, name) == value for name, value in (_PLAIN | settings).items())
        return cls(grams, idf, (shortest, longest), plain)


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """Decision values are features (words, then characters) times `weights` plus `intercepts`."""

    classes: NDArray[np.str_]
    weights: NDArray[np.float32]  # (features, classes), the weights of one feature side by side
    intercepts: NDArray[np.float32]
    words: Vectorizer
    characters: Vectorizer

    @classmethod
    def read(cls, pipeline: Any) -> Learned:
        """Of a trained scikit-learn pipeline, or of one as `stored` gives it.

        Raises ValueError, AttributeError, KeyError or TypeError for what is none, or whose parts do not fit each other.
        """
        import numpy as np

        steps = dict(pipeline.steps)
        learner, fitted = steps["roles"], {name: made for name, made, _ in steps["features"].transformers_}
        words = Vectorizer.read(fitted["words"], analyzer="word", token_pattern=r"\S+")
        characters = Vectorizer.read(fitted["characters"], analyzer="char")
        classes, weights, intercepts = learner.classes_.astype(str), learner.coef_, learner.intercept_
        if len(classes) == 2 and len(weights) == 1:  # scikit-learn keeps the weights of the second of two classes only
            weights, intercepts = np.concatenate([-weights, weights]), np.concatenate([-intercepts, intercepts])
        columns = len(words.grams) + len(characters.grams)
        if weights.shape != (len(classes), columns) or intercepts.shape != (len(classes),) or classes.ndim != 1:
            raise ValueError("holds weights that do not fit its classes and features")
        if "f" not in weights.dtype.kind or "f" not in intercepts.dtype.kind:
            raise ValueError("holds weights that are no real numbers")
        return cls(classes, np.ascontiguousarray(weights.T), intercepts, words, characters)
