"""The parts of the duty model are scikit-learn citizens."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_get_params_invariance, check_set_params, parametrize_with_checks

from jdextract.classification.features import make_features, read_texts
from jdextract.estimators import DutyClassifier, DutyFeatures, TitleNames
from tests.classification.conftest import DRAFT, ROLES, cut

NOT_FOR_LIBLINEAR = dict.fromkeys(
    (
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    ),
    "balanced classes are counted without weights, as in LinearSVC, which fails them too",
)


@parametrize_with_checks([DutyClassifier()], expected_failed_checks=lambda estimator: NOT_FOR_LIBLINEAR)
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    """The classifier passes every check of scikit-learn."""
    check(estimator)


@pytest.mark.parametrize("estimator", [DutyFeatures(), TitleNames(), DutyClassifier()])
def test_parameters(estimator: Any) -> None:
    """Parameters are kept as given, can be set, and a clone has the same."""
    check_get_params_invariance(type(estimator).__name__, estimator)
    check_set_params(type(estimator).__name__, estimator)
    assert clone(estimator).get_params() == estimator.get_params()


def test_in_a_grid_search() -> None:
    """In a Pipeline and a GridSearchCV they find the roles of unseen sentences."""
    rows = [json.loads(line) for line in DRAFT.read_text(encoding="utf-8").splitlines()]
    kept = [row for role in ROLES for row in [r for r in rows if r["role"] == role and r["script"] == "hans"][:25]]
    texts, roles = [row["text"] for row in kept], [row["role"] for row in kept]
    search = GridSearchCV(
        make_pipeline(DutyFeatures(cut=cut), DutyClassifier()),
        {"dutyfeatures__characters": [(1, 2), (1, 4)], "dutyclassifier__regularization": [0.1, 1.0]},
        cv=3,
    )
    search.fit(texts, roles)
    assert search.best_score_ > 0.5
    shares = search.predict_proba(["每月编制利润表，审核报销凭证"])
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert search.predict(["每月编制利润表，审核报销凭证"]).tolist() == ["accountant"]


def test_same_features_as_the_model() -> None:
    """The features are those that the duty model is trained on."""
    texts = ["审核报销凭证", "接听顾客来电", "审核 付款凭证12张"]
    wanted = make_features((1, 3), (1, 2), 1).fit_transform(
        read_texts(["审核报销凭证", "接听顾客来电", "审核 付款凭证0张"], cut)
    )
    features = DutyFeatures(characters=(1, 3), fewest=1, cut=cut)
    assert abs(features.fit_transform(texts) - wanted).max() == 0
    assert len(features.get_feature_names_out()) == wanted.shape[1]


def test_chinese_words_are_cut() -> None:
    """Without a segmenter of one's own a clause is cut into its words, not taken for one."""
    names = DutyFeatures(fewest=1, words=(1, 1)).fit(["审核报销凭证，登记账簿"]).get_feature_names_out()
    words = {name.removeprefix("words__") for name in names if name.startswith("words__")}
    assert {"审核", "报销", "凭证", "登记"} <= words


def test_titles() -> None:
    """Titles become names, in order."""
    assert TitleNames().fit_transform(["高级Java开发工程师(急聘)", "上海-采购主管"]).tolist() == [
        "java开发工程师",
        "采购主管",
    ]


def test_wrong_use() -> None:
    """One text instead of several, and a transform before fitting, are refused."""
    with pytest.raises(ValueError, match="sequence of texts"):
        DutyFeatures().fit("审核凭证")
    with pytest.raises(NotFittedError):
        DutyFeatures().transform(["审核凭证"])
