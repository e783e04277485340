"""Whether two duties are the same."""

from __future__ import annotations

import pytest

from jdextract.deduplication.judges import DutyJudge
from jdextract.deduplication.wordings import fold, to_plain

SAME = [
    (
        "Work with product teams to design and develop new features for our mobile applications",
        "Work with the product teams to design and develop new features for our mobile applications.",
    ),
    ("Linux 服务器的日常维护", "linux服务器日常维护"),
    ("跟进订单发货，处理异常件", "处理异常件，跟进订单发货"),  # another order of the clauses
    ("审核客户合同并归档", "申核客户合同并归档"),  # a typo that leaves no word
    ("整理仓库货架与标签", "整理仓库货架标签"),
    ("每周汇总店铺流量数据，提出页面优化建议", "每周汇总店铺流量数据，提出页面"),  # cut
    ("策划节日促销活动并跟踪活动效果", "策划节日的促销活动，跟踪活动效果"),
]
DIFFERENT = [
    (
        "Work with product teams to design and develop new features for our mobile applications",
        "Provide technical support to regional customers and maintain the documentation of projects",
    ),
    ("负责Java服务端程序的编写与维护", "负责PHP服务端程序的编写与维护"),
    ("使用Excel整理台账", "使用Photoshop整理台账"),
    ("售前咨询", "售后咨询"),
    ("商品入库登记", "商品出库登记"),
    ("负责采购", "负责采购系统开发"),
    ("负责办公用品的采购，登记台账", "负责办公用品采购系统的开发，登记台账"),
    ("核对应收账款", "核对应付账款"),
    ("员工招聘", "员工培训"),
    ("客户开发", "客户端开发"),
    ("制定采购计划", "制定促销计划"),
    ("线上推广活动策划与执行，跟踪投放效果", "线下推广活动策划与执行，跟踪投放效果"),
]


def similarity(one: str, other: str) -> float | None:
    texts = [one, other]
    return DutyJudge(list(fold([(to_plain(text), "") for text in texts], texts))).compare(0, 1)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_copies_are_the_same(one: str, other: str) -> None:
    """Typos, cut ends, fillers and clauses in another order leave a duty the same, whichever comes first."""
    assert similarity(one, other)
    assert similarity(other, one) == similarity(one, other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_other_work_is_different(one: str, other: str) -> None:
    """Duties that share most characters but name other work stay apart, whichever comes first."""
    assert similarity(one, other) is None
    assert similarity(other, one) is None
