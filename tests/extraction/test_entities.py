"""Entities in job text, in both scripts, with exact places."""

from __future__ import annotations

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.extraction.entities import find_entities
from jdextract.extraction.tokens import blank


def named(text: str) -> list[tuple[str, str]]:
    return [(text[start:end], label) for (start, end), label in find_entities(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("负责淘宝、天猫与抖音小店", [("淘宝", "PLATFORM"), ("天猫", "PLATFORM"), ("抖音小店", "PLATFORM")]),
        ("負責蝦皮、momo購物網上架", [("蝦皮", "PLATFORM"), ("momo購物網", "PLATFORM")]),
        ("Amazon/亚马逊 SHOPEE", [("Amazon", "PLATFORM"), ("亚马逊", "PLATFORM"), ("SHOPEE", "PLATFORM")]),
        ("經營 LINE 與 IG", [("LINE", "PLATFORM"), ("IG", "PLATFORM")]),
        ("熟悉ＰＳ、excel及Power BI", [("ＰＳ", "TOOL"), ("excel", "TOOL"), ("Power BI", "TOOL")]),
        ("精通C++、C#", [("C++", "TOOL"), ("C#", "TOOL")]),
        ("会PS、AI、PR", [("PS", "TOOL"), ("AI", "TOOL"), ("PR", "TOOL")]),
        ("提升ROI、客單價和询单转化率", [("ROI", "METRIC"), ("客單價", "METRIC"), ("询单转化率", "METRIC")]),
        ("降低CPA，持CPA证书", [("CPA", "METRIC"), ("CPA证", "CERTIFICATE")]),
        ("具會計丙級技術士、駕照", [("會計丙級技術士", "CERTIFICATE"), ("駕照", "CERTIFICATE")]),
        ("3年以上淘宝店铺运营经验", [("3年以上淘宝店铺运营经验", "EXPERIENCE")]),
        ("具一年以上工作經驗", [("一年以上工作經驗", "EXPERIENCE")]),
        ("3-5年相关经验，经验不限", [("3-5年相关经验", "EXPERIENCE"), ("经验不限", "EXPERIENCE")]),
        ("本科及以上学历，大學以上", [("本科及以上学历", "EDUCATION"), ("大學以上", "EDUCATION")]),
        ("中五程度或以上", [("中五程度或以上", "EDUCATION")]),
        ("使用者指標：轉換率", [("轉換率", "METRIC")]),
    ],
)
def test_entities(text: str, expected: list[tuple[str, str]]) -> None:
    """Both scripts, both widths and every case are found; of two readings the longer counts."""
    assert named(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "pspan",
        "生产线line平衡",
        "AI算法岗",
        "PR经理维护媒体关系",
        "负责1688元订单",
        "电话16881234",
        "大学城店",
        "对接高中老师的作息",
    ],
)
def test_no_entities(text: str) -> None:
    """Parts of longer words, numbers and words of another sense are no entities."""
    assert named(text) == []


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["淘宝", "網際網路", "使用者", "EXCEL", "ps", "3年以上經驗", "本科以上", "，", " ", "\n", "İ", "😀", "a1"]
        ),
        max_size=12,
    ).map("".join)
)
def test_places_are_inside_and_apart(text: str) -> None:
    """Entities stand inside the text, in order and without overlap, and the component finds the same."""
    found = find_entities(text)
    ends = [0, *(end for (_, end), _ in found)]
    assert all(end <= start < stop <= len(text) for end, ((start, stop), _) in zip(ends, found, strict=False))
    doc = NLP(text)
    assert [((s.start_char, s.end_char), s.label_) for s in doc.spans["entities"]] == found
    assert doc.text == text


NLP = blank()
NLP.add_pipe("jdextract_entities")


def test_component_keeps_other_spans() -> None:
    """Where a token is split for an entity the spans of other components keep their places."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("jdextract_entities")
    doc = nlp.make_doc("负责淘宝运营 与Excel报表")
    doc.spans["duties"] = [doc[1:2]]
    doc.ents = [doc.char_span(7, 15, label="MINE")]
    doc = nlp(doc)
    assert [span.text for span in doc.spans["duties"]] == ["与Excel报表"]
    assert [(span.text, span.label_) for span in doc.spans["entities"]] == [("淘宝", "PLATFORM"), ("Excel", "TOOL")]
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("淘宝", "PLATFORM"), ("与Excel报表", "MINE")]


def test_ents_are_set() -> None:
    """`doc.ents` holds the entities of a page, with their labels."""
    doc = NLP("三年以上天貓營運經驗，熟悉生意參謀與 Excel，大專以上")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [
        ("三年以上天貓營運經驗", "EXPERIENCE"),
        ("生意參謀", "TOOL"),
        ("Excel", "TOOL"),
        ("大專以上", "EDUCATION"),
    ]
