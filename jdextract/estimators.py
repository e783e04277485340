"""What the duty model is made of, as scikit-learn estimators for a user's own Pipeline and GridSearchCV.

    make_pipeline(DutyFeatures(), DutyClassifier()).fit(sentences, roles).predict_proba(others)

`DutyFeatures` and `TitleNames` read texts; `DutyClassifier` reads any numbers, so that features of one's own can stand
beside (FeatureUnion).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.svm import LinearSVC
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from jdextract.classification.features import Cut, fold_duty, make_features, read_texts
from jdextract.classification.model import log_softmax
from jdextract.classification.titles import TitleNormalizer
from jdextract.config import TokensConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray


class DutyFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Duty sentences (normalised) -> sparse TF-IDF of words and character n-grams, (sentences, features), float32.

    `characters`, `words`: shortest and longest n-gram; `fewest`: in how many sentences an n-gram must stand; `cut`: text ->
    its words, by default the segmenter that documents are read with.
    """

    def __init__(
        self,
        characters: tuple[int, int] = (1, 3),
        words: tuple[int, int] = (1, 2),
        fewest: int = 2,
        cut: Cut | None = None,
    ) -> None:
        self.characters, self.words, self.fewest, self.cut = characters, words, fewest, cut

    def fit(self, X: Sequence[str], y: object = None) -> Self:  # noqa: N803 (scikit-learn's name)
        """Learn the vocabulary and its idf."""
        self.features_ = make_features(self.characters, self.words, self.fewest).fit(self._read(X))
        return self

    def transform(self, X: Sequence[str]) -> Any:  # noqa: N803
        """Raises NotFittedError before `fit`."""
        check_is_fitted(self)
        return self.features_.transform(self._read(X)).tocsr()

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """N-grams in the order of the columns, with `words__` or `characters__` before them."""
        check_is_fitted(self)
        names: NDArray[np.object_] = self.features_.get_feature_names_out()
        return names

    def _read(self, texts: Sequence[str]) -> NDArray[np.object_]:
        if isinstance(texts, str):
            raise ValueError("needs a sequence of texts, not one text")
        return read_texts([fold_duty(text) for text in texts], self.cut or _segmenter())


@cache
def _segmenter() -> Cut:
    """One for the process: it holds a dictionary, and is no part of an estimator that is copied or saved."""
    from jdextract.extraction.tokens import segmenter

    return segmenter(TokensConfig()).cut


class TitleNames(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Posted titles -> names of positions, (titles,): `高级Java开发工程师(急聘)` -> `java开发工程师`. Stateless."""

    def fit(self, X: Sequence[str], y: object = None) -> Self:  # noqa: N803
        """Nothing to learn."""
        return self

    def transform(self, X: Sequence[str]) -> NDArray[np.object_]:  # noqa: N803
        """Names without level, place, urgency, pay, brackets and codes."""
        normalizer = TitleNormalizer()
        return np.array([normalizer.normalize(title).name for title in X], dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return True


class DutyClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A linear SVM with balanced classes whose decision values become probabilities by one temperature.

    `regularization`: C of the SVM; `scale`: decision values times this are logits; `seed`: of the solver.
    """

    def __init__(self, regularization: float = 0.3, scale: float = 5.0, seed: int = 0) -> None:
        self.regularization, self.scale, self.seed = regularization, scale, seed

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """X: (sentences, features), dense or sparse; y: roles, two or more."""
        X, y = validate_data(self, X, y, accept_sparse="csr")  # noqa: N806
        check_classification_targets(y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
            kept = sample_weight != 0
            X, y, sample_weight = X[kept], y[kept], sample_weight[kept]  # noqa: N806
        self.svm_ = LinearSVC(C=self.regularization, class_weight="balanced", random_state=self.seed)
        self.svm_.fit(X, y, sample_weight=sample_weight)
        self.classes_ = self.svm_.classes_
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """(sentences, roles), of two roles (sentences,)."""
        check_is_fitted(self)
        values: NDArray[np.float64] = self.svm_.decision_function(
            validate_data(self, X, accept_sparse="csr", reset=False)
        )
        return values

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """(sentences, roles), rows add up to one."""
        values = self.decision_function(X)
        if values.ndim == 1:
            values = np.stack([-values, values], axis=1)
        shares: NDArray[np.float64] = np.exp(log_softmax(self.scale * values))
        return shares

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """The most probable role of each sentence."""
        best = self.predict_proba(X).argmax(axis=1)
        roles: NDArray[Any] = self.classes_[best]
        return roles

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
