"""Script, region, folding, conversion with offsets, and the normal form of values."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opencc import OpenCC

from jdextract.extraction.script import detect, fold, normalize, simplify
from jdextract.records import Region

CASES = Path(__file__).parents[1] / "cases" / "normalize"
REGIONS: tuple[Region, ...] = ("cn", "tw", "hk", "unknown")

# Words that OpenCC or `words.yaml` converts, in both scripts, and what stands between them.
PARTS = st.sampled_from(
    [
        "網際網路",
        "使用者",
        "軟體",
        "硬碟",
        "滑鼠",
        "程式設計師",
        "資料庫",
        "簡報",
        "執行緒",
        "埠",
        "影片",
        "乾隆",
        "看著",
        "著作權",
        "衞生",
        "設定",
        "介面文件",
        "資料分析",
        "用户",
        "软件",
        "负责",
        "的",
        "与",
        "和",
        "、",
        "，",
        "。",
        ";",
        ":",
        "?",
        "·",
        "*",
        "_",
        "開闢",
        "开辟",
        "帐",
        "末",
        "己",
        "曰",
        "3",
        "～",
        "5",
        "1,000",
        "10：30",
        "Excel",
        "e____cel",
        "豈﨑",
        "e\u0301",
        '"',
        "「",
        "」",
        ".",
        "…",
        "—",
        "\n",
        "\t",
        " ",
        "\u3000",
        "\u200b",
        "�",
        "⽤",
        "？",
        "(",
        "）",
    ]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PARTS, max_size=25).map("".join))


def read_cases(kind: str) -> list[Any]:
    cases = json.loads((CASES / f"{kind}.json").read_text(encoding="utf-8"))
    marks = [pytest.mark.xfail(strict=True)] if kind == "known-failures" else []
    return [pytest.param(case, id=f"{kind}: {case['name']}", marks=marks) for case in cases]


ALL_CASES = [case for kind in ("in-the-wild", "synthetic", "negative", "known-failures") for case in read_cases(kind)]


# ---- fold


@given(st.text(st.characters(), max_size=80))
def test_fold_keeps_length_whatever_the_text(text: str) -> None:
    """Folding keeps the length of any text and folding again changes nothing."""
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)


def test_fold_keeps_length_of_every_code_point() -> None:
    """Every code point of Unicode, half characters included, folds to one code point."""
    every = "".join(map(chr, range(0x110000)))
    assert len(fold(every)) == 0x110000


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("崗位職責：負責網路行銷（ＳＥＯ）", "岗位职责:负责网路行销(SEO)"),
        ("衞生　餐枱\u00a0裏", "卫生 餐台 里"),
        ("看著著作", "看著著作"),
        ("⽤⼾\u200b\ufeff\u0007\r\n\t", "用户    \n\t"),
        ("损坏\ufffd的。、《》", "损坏\ufffd的。、《》"),
        ("１．２～３％", "1.2~3%"),
    ],
)
def test_fold(text: str, folded: str) -> None:
    """Traditional, full width, odd spaces and radical signs fold; line breaks, tabs and Chinese marks stay."""
    assert fold(text) == folded


# ---- detect


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("", "none"),
        ("2024-01-01 Sales Manager, 3 people", "none"),
        ("负责店铺日常运营", "hans"),
        ("負責店鋪日常營運", "hant"),
        ("工作", "hans"),
        ("會計", "hant"),
        ("在台北的公司任职，里面有皇后大道的分店", "hans"),
        ("本公司是「臺灣積體電路製造股份有限公司」的供应商，现招聘业务员", "hans"),
        ("我们与《臺灣電商協會》合作，负责华东区业务的开拓", "hans"),
        ("負責門市營運及商品陳列,協助店長管理庫存。负责门店运营及商品陈列，协助店长管理库存，接待顾客", "mixed"),
        ("经營粉絲專頁与官方帳号，规劃節慶檔期，撰写企劃书並追蹤执行", "mixed"),
        ("扭转乾坤，毕昇", "hans"),
    ],
)
def test_detect_script(text: str, script: str) -> None:
    """The characters that stand in one script only decide; names and quotations in the other script don't."""
    assert detect(text)[0] == script


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("负责行销企划", "cn"),
        ("負責行銷企劃與社群貼文，具軟體操作經驗，薪資面議", "tw"),
        ("應徵者請備履歷，享勞健保、三節獎金", "tw"),
        ("負責跟單及文書工作，五天工作，提供強積金", "hk"),
        ("文員：處理電郵及諮詢，中五程度，良好粵語", "hk"),
        ("崗位職責：負責用戶數據分析，提升服務器質量，維護軟件", "cn"),
        ("五險一金，雙休，負責淘寶直通車推廣", "cn"),
        ("打掃", "unknown"),
        ("Sales", "unknown"),
    ],
)
def test_detect_region(text: str, region: str) -> None:
    """Words tell the region of Traditional text; mainland words in Traditional characters stay mainland."""
    assert detect(text)[1] == region


# ---- simplify


@settings(deadline=None)
@given(TEXTS, st.sampled_from(REGIONS))
@example("ERP、POS系統使用者問題處理與權限設定", "tw")
@example("\ud800網路", "tw")
@example("負責\0網路", "tw")
def test_alignment_is_monotone_and_complete(text: str, region: Region) -> None:
    """Spans map monotonously, the whole to the whole, and a span carried over and back covers itself."""
    simple = simplify(text, region)
    size = len(simple.text)
    assert simple.source_span(0, size) == (0, len(text)) or size == 0
    assert simple.text_span(0, len(text)) == (0, size) or not text
    spans = [simple.source_span(i, i + 1) for i in range(size)]
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in itertools.pairwise(spans))
    assert all(0 <= start < end <= len(text) for start, end in spans)
    for i, span in enumerate(spans):
        back = simple.text_span(*span)
        assert back[0] <= i < back[1]


@settings(deadline=None)
@given(TEXTS, TEXTS, st.sampled_from(REGIONS))
def test_unchanged_context_maps_exactly(before: str, after: str, region: Region) -> None:
    """A word that keeps its length is found at its exact place whatever is converted around it."""
    text = f"{before}\n負責採購\n{after}"
    simple = simplify(text, region)
    start = text.index("\n負責採購\n") + 1
    low, high = simple.text_span(start, start + 4)
    assert simple.text[low:high] == "负责采购"
    assert simple.source_span(low, high) == (start, start + 4)


@pytest.mark.parametrize(
    ("source", "text", "pairs"),
    [
        ("維護網際網路與軟體", "维护互联网与软件", {"互联网": "網際網路", "与": "與", "软件": "軟體"}),
        ("依使用者需求設計資料庫", "依用户需求设计数据库", {"用户": "使用者", "需求": "需求", "数据库": "資料庫"}),
        ("程式設計師使用滑鼠、硬碟", "程序员使用鼠标、硬盘", {"程序员": "程式設計師", "使用": "使用", "硬盘": "硬碟"}),
    ],
)
def test_words_that_change_length(source: str, text: str, pairs: dict[str, str]) -> None:
    """Words that become shorter are blocks of their own; what stands between them keeps its exact place."""
    simple = simplify(source, "tw")
    assert simple.text == text
    for converted, original in pairs.items():
        at = text.index(converted)
        start, end = simple.source_span(at, at + len(converted))
        assert source[start:end] == original


@pytest.mark.parametrize(
    ("configuration", "region"), [("t2s", "cn"), ("tw2s", "tw"), ("hk2s", "hk"), ("t2s", "unknown")]
)
def test_characters_are_those_of_opencc(configuration: str, region: Region) -> None:
    """Where no word of a region is replaced the whole text is what OpenCC makes of it."""
    text = "負責倉庫盤點、訂單審核與發貨，協調物流公司；檢查商品品質。\n撰寫週報，瞭解競爭對手的價格。" * 20
    assert simplify(text, region).text == OpenCC(configuration).convert(text)


def test_simplified_text_is_left_alone() -> None:
    """Simplified text passes unchanged, words that another region uses differently included."""
    text = "使用者文件在线上，程式与品质，档案资料"
    assert simplify(text, "tw").text == text
    assert simplify(text, "tw").blocks == ()


@pytest.mark.parametrize("region", REGIONS)
def test_nothing_is_lost_behind_controls(region: Region) -> None:
    """Text behind U+0000 and half characters is converted too: some configurations of OpenCC would drop or refuse it."""
    assert simplify("負責\0採購\ud800驗貨", region).text == "负责\0采购\ufffd验货"
    assert normalize("負責\0採購\ud800驗貨", region) == "负责采购验货"


# ---- normalize


@pytest.mark.parametrize("case", ALL_CASES)
def test_cases(case: dict[str, str]) -> None:
    """Each case has the normal form that its file names; known failures fail until they are moved."""
    assert normalize(case["text"], case["region"]) == case["normalized"]  # type: ignore[arg-type]


@pytest.mark.parametrize("case", read_cases("negative"))
def test_negative_cases_stay(case: dict[str, str]) -> None:
    """A clean value is changed in script only: its Simplified form passes untouched in every region."""
    for region in REGIONS:
        assert normalize(case["normalized"], region) == case["normalized"]


@settings(deadline=None, max_examples=300)
@given(TEXTS, st.sampled_from(REGIONS))
@example("客?*服", "cn")
@example("薴軟體", "tw")
def test_normalize_is_idempotent(text: str, region: Region) -> None:
    """Normalising what is normal changes nothing."""
    once = normalize(text, region)
    assert normalize(once, region) == once


@settings(deadline=None)
@given(st.lists(PARTS, max_size=12).map("".join))
def test_width_of_marks_does_not_matter(text: str) -> None:
    """The same value with ASCII and with Chinese marks has one normal form."""
    wide = str.maketrans(",;:?!()", "，；：？！（）")
    text = "负责" + text
    assert normalize(text.translate(wide), "cn") == normalize(text, "cn")


DUTIES = [
    "负责公司网站的日常维护与更新，保证服务器稳定运行",
    "根据销售数据调整店铺运营策略，优化商品标题和详情页",
    "负责软件项目的需求分析、程序开发与数据库设计",
    "撰写短视频脚本，完成视频拍摄、剪辑和发布",
    "通过电话、邮件和在线客服解答客户咨询，处理投诉",
    "联系供应商确认交期，跟进采购订单",
    "审核财务报表，编制预算，核对账目",
    "管理仓库库存，盘点、补货、退换货",
    "维护用户社群，策划粉丝活动，提升复购率",
    "配合市场部制定营销方案，跟踪广告投放效果",
    "负责办公设备与网络设备的采购和维修",
    "查看每日流量与点击率，撰写数据分析报告",
    "组织面试、办理入职，建立员工档案",
    "执行年度经营计划，完成考核指标",
    "搜索竞品信息，整理产品资料并归档",
]


@pytest.mark.parametrize("configuration", ["s2t", "s2tw", "s2twp", "s2hk"])
@pytest.mark.parametrize("duty", DUTIES)
def test_regional_forms_of_a_duty_agree(duty: str, configuration: str) -> None:
    """A duty written in any of the four Traditional forms has the normal form of the Simplified one."""
    converted = OpenCC(configuration).convert(duty)
    assert normalize(converted, detect(converted)[1]) == normalize(duty, "cn")


# Share of the corpus' Simplified duties whose normal form is the same after a conversion to Traditional. `s2twp` makes
# one word of two (数据 and 资料 both become 資料), which no rule can undo.
FLOORS = {"s2t": 0.995, "s2tw": 0.995, "s2hk": 0.995, "s2twp": 0.9}


@pytest.mark.parametrize("configuration", list(FLOORS))
def test_regional_forms_of_the_corpus_agree(configuration: str) -> None:
    """Script and region do not change what a duty is: pinned shares of the corpus stay the same."""
    folder = Path(__file__).parents[2] / "corpus" / "duties"
    texts = [
        str(json.loads(line)["text"])
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    simplified = [text for text in texts if detect(text)[0] == "hans"][:3000]
    if not simplified:
        pytest.skip("no duties in this checkout")
    convert = OpenCC(configuration).convert
    pairs = [(text, convert(text)) for text in simplified]
    same = sum(normalize(text, "cn") == normalize(other, detect(other)[1]) for text, other in pairs)
    assert same / len(simplified) >= FLOORS[configuration]
