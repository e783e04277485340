"""Cutting folded text into atoms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jdextract.annotation import GoldDocument
from jdextract.extraction.script import fold
from jdextract.extraction.segments import cut_atoms
from jdextract.extraction.zoning import find_atoms, trim

SCRAPS = st.lists(
    st.sampled_from(
        [
            "负责采购",
            "岗位职责",
            "任职要求",
            "：",
            ":",
            "1、",
            "2.",
            "（一）",
            "①",
            "。",
            "；",
            "\n",
            " ",
            "?",
            "·",
            "-",
            "|",
            "p",
            "span",
            "【",
            "】",
            "3年",
            "Java8.",
            "一是",
            "職責",
            "薪资8K",
            "A、",
            "％",
            "😀",
            "\u200b",
            "x",
        ]
    ),
    max_size=30,
).map("".join)


@given(SCRAPS | st.text(max_size=80))
def test_atoms_are_in_order_and_apart(text: str) -> None:
    """Atoms follow one another without overlap, inside the text, whatever the text is."""
    folded = fold(text)
    end = 0
    for atom in cut_atoms(folded):
        assert end <= atom.lead <= atom.start <= atom.end <= len(text)
        end = atom.end


@given(SCRAPS)
def test_nothing_between_atoms_but_marks(text: str) -> None:
    """Outside the atoms and the enumerators in front of them there is no Han character."""
    folded = fold(text)
    covered = [False] * len(text)
    for atom in cut_atoms(folded):
        covered[atom.lead : atom.end] = [True] * (atom.end - atom.lead)
    lost = "".join(c for c, inside in zip(folded, covered, strict=True) if not inside)
    assert not any("\u4e00" <= c <= "\u9fff" for c in lost if c not in "一是职责岗位")


@pytest.mark.parametrize(
    ("text", "atoms"),
    [
        ("1、负责采购；2、3年以上经验", ["负责采购", "3年以上经验"]),
        ("使用Java8.0开发", ["使用Java8.0开发"]),
        ("第2、3条规定", ["第2、3条规定"]),
        ("工作时间9:00-18:00", ["工作时间", "9:00-18:00"]),
        ("p1、负责采购；p2、跟单p任职要求：", ["负责采购", "跟单", "任职要求"]),
        ("客服专员职责描述:接听电话", ["客服专员", "职责描述", "接听电话"]),
    ],
)
def test_marks(text: str, atoms: list[str]) -> None:
    """Enumerators are told from numbers, headings from words, tag letters from text."""
    folded = fold(text)
    assert [folded[slice(*trim(folded, a.start, a.end))] for a in find_atoms(folded)] == atoms


def test_values_start_and_end_at_atoms(corpus_documents: list[GoldDocument]) -> None:
    """At least 97 % of the annotated duties and requirements start and end where an atom does."""
    whole = hit = 0
    for document in corpus_documents:
        folded = fold(document.text)
        spans = [trim(folded, a.start, a.end) for a in find_atoms(folded)]
        starts, ends = {s for s, _ in spans}, {e for _, e in spans}
        for record in document.records:
            for value in (*record.duties, *record.requirements):
                whole += 1
                start, end = trim(folded, *value.span)
                hit += start in starts and end in ends
    assert hit / whole >= 0.97
