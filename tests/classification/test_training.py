from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from jdextract.classification.adaptation import Gain, compare_models, find_weak_examples
from jdextract.classification.classifier import Classifier
from jdextract.classification.features import fold_duty
from jdextract.classification.model import PAGE_TEXT, REQUIREMENT, DutyModel
from jdextract.classification.training import describe_roles, find_non_duties, read_corpus
from jdextract.classification.validation import cluster, cross_validate, score, score_scope, search_settings, write_card
from jdextract.errors import ModelError
from tests.classification.conftest import DRAFT, ROLES, Small, cut


def test_deterministic(small: Small, small_model: DutyModel) -> None:
    """Training twice gives the same version and the same weights."""
    again = small.train()
    assert again.version == small_model.version
    np.testing.assert_array_equal(again.pipeline["roles"].coef_, small_model.pipeline["roles"].coef_)


def test_learns(small: Small, small_model: DutyModel) -> None:
    """Sentences that were not trained on get their role more often than not."""
    rows = [json.loads(line) for line in DRAFT.read_text(encoding="utf-8").splitlines()]
    seen = {example.text for example in small.examples()}
    rest = [r for r in rows if r["role"] in ROLES and r["script"] == "hans" and fold_duty(r["text"]) not in seen]
    figures = score(
        small_model.log_probabilities([r["text"] for r in rest]), small_model.roles, [r["role"] for r in rest], 0.5
    )
    assert figures["accuracy"] > 0.7
    assert figures["accuracy_when_assigned"] >= figures["accuracy"]


def test_non_duties(small: Small) -> None:
    """What a document holds beside titles and duties is read as requirement or page text, never a duty."""
    lines = list(find_non_duties(small.documents))
    assert ("大专以上学历,熟悉办公软件", REQUIREMENT) in lines
    assert ("本站文档均由会员上传,请勿转载", PAGE_TEXT) in lines
    assert not [line for line, _ in lines if "利润表" in line]


def test_unknown_role(small: Small, tmp_path: Path) -> None:
    """A sentence with a role that the taxonomy does not have stops the training by name."""
    (tmp_path / "duties").mkdir()
    (tmp_path / "duties" / "x.jsonl").write_text('{"text": "驾驶飞机", "role": "pilot"}\n', encoding="utf-8")
    with pytest.raises(ModelError, match="pilot"):
        read_corpus(tmp_path, [], small.taxonomy, str, small.settings.training)


@pytest.mark.parametrize("line", ["{", '{"text": "a"}', "[]"])
def test_broken_row(small: Small, tmp_path: Path, line: str) -> None:
    """A row that is not a labelled sentence is named by file and line."""
    (tmp_path / "duties").mkdir()
    (tmp_path / "duties" / "x.jsonl").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(ModelError, match=r"x\.jsonl:1"):
        read_corpus(tmp_path, [], small.taxonomy, str, small.settings.training)


def test_empty_corpus(small: Small, tmp_path: Path) -> None:
    """A folder without sentences is refused."""
    with pytest.raises(ModelError, match="no labelled duties"):
        read_corpus(tmp_path, [], small.taxonomy, str, small.settings.training)


def test_phrases_of_roles(small: Small) -> None:
    """The scope of `other` says what it is not, so only its titles are trained on."""
    phrases = describe_roles(small.taxonomy)
    assert ("账务", "accountant") in phrases
    assert ("护士", "other") in phrases
    assert not [p for p, role in phrases if role == "other" and "不用于" in p]


def test_clusters() -> None:
    """Sentences that share most 3-grams are one cluster, also by way of a third; others are not."""
    texts = ["负责每日核对订单信息", "负责每日核对订单信息的", "负责每日核对订单信息的人", "拍摄商品视频", "", ""]
    labels = cluster(texts).tolist()
    assert len(set(labels[:3])) == 1
    assert labels[3] not in labels[:3]


def test_cross_validation(small: Small) -> None:
    """Grouped and random scores stand side by side, over all labelled sentences."""
    figures = cross_validate(small.examples(), small.settings, cut, folds=3)
    assert figures["grouped"]["sentences"] == figures["random"]["sentences"] == 25 * len(ROLES) + 2
    assert figures["grouped"]["accuracy"] > 0.6


def test_card(small: Small, small_model: DutyModel) -> None:
    """The card names version, taxonomy, training texts and scores."""
    card = write_card(small_model, small.examples(), {"corpus": {"grouped": {"accuracy": 0.5}}})
    assert small_model.version in card
    assert small.taxonomy.stamp in card
    assert "| accuracy | 0.5 |" in card


def test_weak_examples(small_model: DutyModel) -> None:
    """Of unlabelled duties only those are taken that sentence and title agree on, each once, and none that is held out."""
    base = Classifier(small_model)
    pairs = [
        ("会计", "每月编制资产负债表和利润表"),
        ("会计", "使用java开发后端接口"),
        ("会计", "审核原始凭证并登记账簿"),
    ]
    found = find_weak_examples(base, [*pairs, *pairs], held_out=["审核原始凭证并登记账簿"])
    assert [(e.text, e.role, e.origin) for e in found if e.role == "accountant"] == [
        ("每月编制资产负债表和利润表", "accountant", "weak")
    ]
    assert len({e.text for e in found}) == len(found)
    assert found == find_weak_examples(base, pairs[::-1], held_out=["审核原始凭证并登记账簿"])


def test_gains_are_told_by_role(small: Small, small_model: DutyModel) -> None:
    """A model compared with itself gains nothing; roles that no model knows are left out; a worse model is a loss."""
    rows = [example for example in small.examples() if example.origin == "duties"]
    texts, truth = [row.text for row in rows], [row.role for row in rows]
    same = compare_models(small_model, small_model, [*texts, "驾驶飞机"], [*truth, "pilot"])
    assert same.base == same.adapted
    assert same.base["sentences"] == len(rows)
    assert set(same.by_role) == set(truth)
    assert not any(same.by_role.values())
    assert not same.is_loss
    worse = Gain({"accuracy": 0.8, "macro_f1": 0.7}, {"accuracy": 0.81, "macro_f1": 0.69}, {})
    assert worse.is_loss


def test_scope() -> None:
    """Lines outside the taxonomy are told by the probability of `other` and of no duty; sure wrong roles are counted."""
    roles = ("accountant", "other")
    shares = np.array([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.7, 0.2, 0.1]])
    found = score_scope(np.log(shares), roles, ["accountant", "other", "~page-text", "other"], 0.6)
    assert found == {"lines_outside": 3, "auroc": 1.0, "false_assignments": 0.3333}


def test_scope_without_other() -> None:
    """A taxonomy without a role for all else still tells lines that are no duties."""
    logs = np.log([[0.8, 0.1, 0.1], [0.1, 0.2, 0.7]])
    found = score_scope(logs, ("accountant", "warehouse-keeper"), ("accountant", "~page-text"), 0.5)
    assert found["auroc"] == 1.0


def test_search(small: Small) -> None:
    """Settings around those given are tried in grouped folds and come with their score, the best first."""
    tried = search_settings(small.examples(), small.settings, cut, folds=2)
    assert len({(t.regularization, t.fewest) for t, _ in tried}) >= 3
    scores = [macro_f1 for _, macro_f1 in tried]
    assert scores == sorted(scores, reverse=True)
    assert 0.4 < scores[-1] <= scores[0] <= 1
