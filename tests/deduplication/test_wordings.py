"""What is left of a duty when it is compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jdextract.deduplication.wordings import find_damage, find_slots, fold, show_masked, to_plain, wording_key


def wording(text: str):  # type: ignore[no-untyped-def]
    return next(fold([(to_plain(text), "")], [text]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1、负责店铺日常运营。", "负责店铺日常运营"),
        ("（二）审核订单；", "审核订单"),
        ("③ 盘点库存", "盘点 库存"),
        ("使用ERP下单", "使用erp下单"),
        ("• 对账，开票", "对账、开票。"),
    ],
)
def test_exact_repeats_have_one_key(one: str, other: str) -> None:
    """Enumerators, punctuation, case and white space do not make another duty."""
    assert wording_key(one) == wording_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("3天内发货", "5天内发货"), ("入库登记", "出库登记"), ("1.5倍薪资", "薪资")]
)
def test_words_and_numbers_are_kept(one: str, other: str) -> None:
    """A number that is no enumerator counts, and so does every word."""
    assert wording_key(one) != wording_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("负责淘宝店铺的运营", "负责拼多多店铺的运营"),
        ("完成每月30万元的销售目标", "完成每季度120万元的销售目标"),
        ("拓展上海市的服装客户", "拓展成都的化妆品客户"),
        ("管理XX公司的仓库", "管理杭州启远供应链管理有限公司的仓库"),
    ],
)
def test_templates_are_equal_when_masked(one: str, other: str) -> None:
    """Platform, period, number, city, goods and firm are slots."""
    assert wording(one).masked == wording(other).masked
    assert to_plain(one) != to_plain(other)


@pytest.mark.parametrize(
    ("one", "other"), [("负责淘宝店铺的运营", "负责亚马逊店铺的运营"), ("淘宝运营", "抖音运营"), ("对账", "对接")]
)
def test_slots_of_different_work_differ(one: str, other: str) -> None:
    """Selling at home, selling abroad and media are different kinds of platform."""
    assert wording(one).masked != wording(other).masked


def test_slots_by_name() -> None:
    """The masked text shows its slots, and their values are found in order."""
    text = "每周在抖音发布10篇推文"
    assert show_masked(wording(text).masked) == "[period]在[media]发布[number]推文"
    assert [(slot.kind, slot.text) for slot in find_slots(text)] == [
        ("period", "每周"),
        ("media", "抖音"),
        ("number", "10篇"),
    ]


def test_synonyms_and_fillers_fold() -> None:
    """配合 and 协助, 及 and 与, 负责 and 相关 make no difference to what is compared."""
    assert wording("负责配合处理顾客投诉及相关退货").folded == wording("协助解决客户投诉与退货").folded


@given(st.lists(st.text(max_size=40), max_size=20))
def test_folding_keeps_the_number_of_texts(texts: list[str]) -> None:
    """Whatever the texts hold (line breaks, marks, nothing), each gets one wording, as if it were alone."""
    keys = [(to_plain(text), "") for text in texts]
    together = list(fold(keys, texts))
    assert together == [next(fold([key], [text])) for key, text in zip(keys, texts, strict=True)]


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("负责客户维护", ()),
        ("负责客户的", ("unfinished",)),
        ("负责（客户维护", ("brackets",)),
        ("负责\ufffd户维护", ("replacement",)),
    ],
)
def test_damage(text: str, flags: tuple[str, ...]) -> None:
    """Cut ends, lone brackets and replacement characters are told."""
    assert find_damage(text) == flags
