from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.classification.classifier import Classifier
from jdextract.classification.features import fold_duty, read_texts
from jdextract.classification.memory import Memory
from jdextract.classification.model import DutyModel, _pick_best, make_roles, share_out
from jdextract.taxonomy import load_taxonomy
from tests.classification.conftest import DRAFT, cut

DUTIES = [json.loads(line)["text"] for line in DRAFT.read_text(encoding="utf-8").splitlines()]


def test_batch_and_alone(small_model: DutyModel) -> None:
    """A sentence gets the same role alone, among others, and beside its own copies."""
    texts = DUTIES[:40] * 2
    together = Classifier(small_model).classify(texts)
    assert together[:40] == together[40:]
    assert together[:40] == [Classifier(small_model).classify([text])[0] for text in texts[:40]]


def test_probabilities(small_model: DutyModel) -> None:
    """The probabilities of all roles and of "no duty" sum to one."""
    logs = small_model.log_probabilities(DUTIES[:200])
    assert logs.shape == (200, len(small_model.roles) + 1)
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1, atol=1e-9)


def test_nothing_to_read(small_model: DutyModel) -> None:
    """No sentences give no roles, and an empty sentence gives one."""
    classifier = Classifier(small_model)
    assert classifier.classify([]) == []
    assert classifier.classify_in_context([], []) == []
    assert len(classifier.classify(["", "。"])) == 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40), max_size=6))
def test_fast_features_on_anything(small_model: DutyModel, texts: list[str]) -> None:
    """The fast way to the features gives the numbers of the scikit-learn pipeline, whatever the text."""
    agree(small_model, texts)


def test_fast_features_of_the_package(shipped: Classifier) -> None:
    """The fast way gives the numbers of the shipped scikit-learn pipeline on 500 duties."""
    agree(shipped.model, DUTIES[::5][:500])


def agree(model: DutyModel, texts: list[str]) -> None:
    folded = [fold_duty(text) for text in texts]
    assert model._fast is not None
    if folded:
        slow = model.pipeline.named_steps["features"].transform(read_texts(folded, model._cut))
        assert abs(model._fast.transform(folded) - slow).max() < 1e-6


def test_fast_decisions_are_those_of_the_pipeline(shipped: Classifier) -> None:
    """Log-probabilities are those of the shipped pipeline's own decision values, on 500 duties."""
    model, texts = shipped.model, DUTIES[1::5][:500]
    decisions = model.pipeline.decision_function(read_texts([fold_duty(text) for text in texts], model._cut))
    wanted = share_out(decisions, model.pipeline.classes_, model.settings)
    np.testing.assert_allclose(model.log_probabilities(texts), wanted, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_rows_depend_on_nothing_but_their_text(small_model: DutyModel, data: st.DataObject) -> None:
    """To the last bit: any order, any split into calls, and whether a sentence was read before give the same numbers."""
    texts = data.draw(st.lists(st.sampled_from([*DUTIES[::40], "", "Java 3", "、"]), min_size=1, max_size=30))
    alone = {}
    for text in texts:
        small_model._memory = Memory(100)
        alone[text] = small_model.log_probabilities([text])[0]
    small_model._memory = Memory(data.draw(st.integers(1, 40)))
    start = 0
    while start < len(texts):
        end = start + data.draw(st.integers(1, 30))
        rows = small_model.log_probabilities(texts[start:end])
        np.testing.assert_array_equal(rows, [alone[text] for text in texts[start:end]])
        start = end


def test_rows_of_the_package_in_large_batches(shipped: Classifier) -> None:
    """The same for the shipped model: 400 sentences in one call, each alone, and backwards."""
    texts = list(dict.fromkeys(DUTIES[3::7]))[:400]
    model = shipped.model
    model._memory = Memory(10)
    together = model.log_probabilities(texts)
    backwards = model.log_probabilities(texts[::-1])[::-1]
    alone = np.concatenate([model.log_probabilities([text]) for text in texts])
    np.testing.assert_array_equal(together, backwards)
    np.testing.assert_array_equal(together, alone)


@given(st.lists(st.lists(st.sampled_from([-0.5, -1.0, -2.0, -3.0]), min_size=5, max_size=5), max_size=6))
def test_best_roles_are_those_of_a_stable_sort(rows: list[list[float]]) -> None:
    """The roles of highest probability, the highest first, and of equal ones the first."""
    logs = np.array(rows).reshape(-1, 5)
    np.testing.assert_array_equal(_pick_best(logs, 4), np.argsort(-logs, axis=1, kind="stable")[:, :4])


def test_threshold() -> None:
    """A score of the threshold is assigned, one below abstains and still names the best candidate."""
    taxonomy = load_taxonomy()
    logs = np.log(np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1]]))
    high, low = make_roles(logs, ("accountant", "other", "qa-engineer"), taxonomy, 0.7, 1, "test")
    assert (high.status, high.id, high.score) == ("assigned", "accountant", 0.7)
    assert (low.status, low.id, low.family) == ("abstained", "accountant", "finance")
    assert [(c.id, c.score) for c in low.alternatives] == [("other", 0.3)]


def test_no_duty_abstains() -> None:
    """A line that is most of all no duty abstains under any threshold."""
    logs = np.log(np.array([[0.3, 0.1, 0.6]]))
    (role,) = make_roles(logs, ("accountant", "other"), load_taxonomy(), 0.0, 3, "test")
    assert (role.status, role.id, len(role.alternatives)) == ("abstained", "accountant", 1)


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("负责商品的上架、下架和价格维护", "merchandising"),
        ("处理顾客投诉与退换货申请", "aftersales-service"),
        ("编制资产负债表和利润表,按月申报增值税", "accountant"),
        ("给患者测量血压并遵医嘱输液", "other"),
        ("使用Java开发后端接口并编写单元测试", "software-engineer"),
    ],
)
def test_shipped(shipped: Classifier, text: str, role: str) -> None:
    """The shipped model knows plain duties and is sure of them."""
    (found,) = shipped.classify([text])
    assert (found.id, found.status) == (role, "assigned")
    assert found.decided_by.startswith("duty-role:")


@pytest.mark.parametrize("text", ["大专毕业，干过两年外勤", "五险一金,周末双休", "说话清楚，愿意帮别人补位"])
def test_requirements_abstain(shipped: Classifier, text: str) -> None:
    """Requirements and promises, which are no duties, are not given a role with confidence."""
    assert shipped.classify([text])[0].status == "abstained"


def test_stand_in_cut() -> None:
    """The stand-in segmenter loses nothing."""
    assert "".join(cut("核对订单信息。")) == "核对订单信息。"
