"""The content model reads a scikit-learn fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from jdextract.extraction.content import CLASSES, ContentModel

STRETCHES = [
    ["^负责", "负责", "采购", "采购$"],
    ["^熟悉", "熟悉", "采购", "采购$"],
    ["^底薪", "底薪", "0", "元", "元$"],
    ["^公司", "公司", "简介", "简介$"],
    ["^采购", "采购", "专员", "专员$"],
] * 3
LABELS = ["D", "R", "C", "O", "T"] * 3


def fit() -> object:
    pipeline = make_pipeline(
        TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), min_df=2, sublinear_tf=True, lowercase=False),
        LogisticRegression(C=8, max_iter=400),
    )
    return pipeline.fit([" ".join(s) for s in STRETCHES], LABELS)


def test_same_as_scikit_learn(tmp_path: Path) -> None:
    """Probabilities are those of the scikit-learn pipeline, also for unknown words and after saving."""
    pipeline = fit()
    tried = [*STRETCHES[:4], ["^负责", "负责", "熟悉", "熟悉$"], ["^未知", "未知", "未知$"]]
    wanted = pipeline.predict_proba([" ".join(s) for s in tried])[
        :, [list(pipeline.classes_).index(c) for c in CLASSES]
    ]
    model = ContentModel.take_over(pipeline)
    np.testing.assert_allclose(model.share(tried), wanted, atol=1e-5)
    model.save(tmp_path / "content.npz")
    np.testing.assert_allclose(ContentModel.load(tmp_path / "content.npz").share(tried), wanted, atol=2e-3)


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    """A file with pickled objects is refused, nothing in it is run."""
    np.savez(tmp_path / "evil.npz", words=np.array([print], dtype=object), idf=0, weights=0, bias=0)
    with pytest.raises(ValueError, match="allow_pickle"):
        ContentModel.load(tmp_path / "evil.npz")


@pytest.mark.parametrize("terms", [["采购"], ["采购 专员"]])
def test_terms_of_one_kind(terms: list[str]) -> None:
    """A model of single words alone, or of pairs alone, tells its term from all others."""
    one, bias = np.ones(1, dtype=np.float32), np.zeros(5, dtype=np.float32)
    model = ContentModel(terms, one, np.array([[2, 0, 0, 0, 0]], dtype=np.float32), bias)
    held, other = model.share([terms[0].split(" "), ["专员", "采购专员"]])
    assert held[0] > 0.5
    assert other == pytest.approx([0.2] * 5)


def test_terms_of_three_words() -> None:
    """A term that no model of ours holds is a ValueError, which loading turns into a ModelError."""
    with pytest.raises(ValueError, match="more than two words"):
        ContentModel(["采购", "负责 采购 专员"], np.ones(2), np.ones((2, 5)), np.ones(5))
