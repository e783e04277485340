"""Returned text finds its exact place in the source, or is rejected with a reason."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.extraction.script import fold
from jdextract.llm.assistance import load_assistance
from jdextract.llm.forms import make_form
from jdextract.llm.grounding import Grounder, Place, Rejection, Taken
from tests.llm.test_fuzzy_search import distance

# Values in both scripts and widths, with astral Han characters, emoji and Latin; no two share a place by chance.
VALUES = (
    "負責會員經營與數據分析",
    "策划促销活动并复盘",
    "維護ＳＫＵ編碼，核對Ａ４單據",
    "给🐟缸换水🙂喂食",
    "𠮷野店𨋢门口迎宾",
    "Own the SEO roadmap",
    "每週盤點倉庫３次",
    "写周报",
)
BETWEEN = ("。", "；\n", "\n1、", " | ", "　", "🙂🙂", "\r\n• ", "。\u200b\n(2)")


def widen(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


VIEWS = {
    "as it stands": lambda text: text,
    "simplified": fold,
    "full width": widen,
    "upper case": str.upper,
    "without spaces": lambda text: "".join(text.split()),
    "one space an end": lambda text: f" {text}\n",
    "closed": lambda text: text + "。",
    "line breaks": lambda text: "\n".join(text),
    "zero width": lambda text: "\u200b".join(text),
}
view = st.sampled_from(sorted(VIEWS))


@st.composite
def pages(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]]]:
    """A page with planted values, some repeated, some broken by the scrape; and where each stands."""
    parts = [draw(st.sampled_from(BETWEEN))]
    spans = []
    for value in draw(st.lists(st.sampled_from(VALUES), min_size=1, max_size=8)):
        if draw(st.booleans()):
            cut = draw(st.integers(1, len(value) - 1))
            value = value[:cut] + draw(st.sampled_from(("\n", " \t", "\u3000\n", "\u200b"))) + value[cut:]
        start = sum(map(len, parts))
        spans.append((start, start + len(value)))
        parts += [value, draw(st.sampled_from(BETWEEN))]
    return "".join(parts), spans


@settings(deadline=None)
@given(pages(), st.data())
def test_planted_values_come_back(page: tuple[str, list[tuple[int, int]]], data: st.DataObject) -> None:
    """Whatever script, width, case and white space a copy has, each value gets its own code points, repeats in order."""
    source, spans = page
    copies = [VIEWS[data.draw(view)]("".join(source[slice(*span)].split())) for span in spans]
    if any(" " in source[slice(*span)] for span in spans):
        copies = [VIEWS[data.draw(view)](" ".join(source[slice(*span)].split())) for span in spans]
    placed = Grounder(source).place(copies)
    assert [place.span for place in placed if isinstance(place, Place)] == spans


@settings(deadline=None)
@given(st.text(max_size=60), st.lists(st.text(max_size=12), max_size=6))
def test_places_hold_for_any_text(source: str, texts: list[str]) -> None:
    """For any source and any output, spans lie inside the source, in order, without overlap, and say what was returned."""
    grounder = Grounder(source)
    placed = grounder.place(texts)
    end = 0
    for text, place in zip(texts, placed, strict=True):
        if isinstance(place, Place):
            assert end <= place.span[0] < place.span[1] <= len(source)
            end = place.span[1]
            if place.how in ("verbatim", "folded"):
                assert make_form(source[slice(*place.span)]).text in make_form(text).text


@settings(deadline=None)
@given(st.text(min_size=1, max_size=80), st.text("龘靐齉爩鱻麤", min_size=2, max_size=30))
def test_invented_text_is_rejected(source: str, invented: str) -> None:
    """Text whose characters are not in the source never gets a place."""
    source = "".join(c for c in source if c not in "龘靐齉爩鱻麤")
    assert Grounder(source).find(invented) == Rejection(invented, "invented")


@settings(deadline=None)
@given(st.text("甲乙丙丁", min_size=2, max_size=14), st.text("甲乙丙丁戊", max_size=24))
def test_fuzzy_bound(text: str, source: str) -> None:
    """A text gets a place exactly if a stretch of the source is within the stated number of edits."""
    numbers = load_assistance().grounding.model_copy(update={"edit_share": 0.2, "fuzzy_from": 5})
    best = min(distance(text, source[i:j]) for i in range(len(source) + 1) for j in range(i, len(source) + 1))
    found = Grounder(source, numbers=numbers).find(text)
    assert isinstance(found, list) == (best <= numbers.edits(len(text)))
    assert numbers.edits(4) == 0
    assert numbers.edits(5) == 1


def test_stated_bounds() -> None:
    """One edit in ten characters from ten on, and 20 at the most."""
    numbers = load_assistance().grounding
    assert [numbers.edits(n) for n in (9, 10, 19, 20, 199, 200, 600)] == [0, 1, 1, 2, 19, 20, 20]


def test_changed_words_keep_those_of_the_source() -> None:
    """A copy with a typo is placed, and the value is what stands in the source."""
    source = "1、负责天猫旗舰店的日常运营与维户；2、其他"
    (place,) = Grounder(source).place(["负责天猫旗舰店的日常运营与维护"])
    assert isinstance(place, Place)
    assert place.how == "fuzzy"
    assert source[slice(*place.span)] == "负责天猫旗舰店的日常运营与维户"


def test_words_of_a_region() -> None:
    """A copy in the words of the mainland finds the Traditional original."""
    source = "一、負責網際網路行銷企劃；二、門市排班"
    (place,) = Grounder(source).place(["负责互联网营销策划"])
    assert isinstance(place, Place)
    assert source[slice(*place.span)] == "負責網際網路行銷企劃"


@pytest.mark.parametrize(
    ("source", "text", "reason"),
    [
        ("负责打包", "", "blank"),
        ("负责打包", "。 1", "blank"),
        ("负责打包", "\u200b\u3164", "blank"),
        ("负责打包", "负责搬运", "invented"),
        ("负责打包", "刷洗冰池，测水温", "example"),
        ("负责打包", "按时给海獭投喂蛤蜊并称个体重", "example"),
        ("打" + "\n" * 80 + "包", "打包", "spread"),
    ],
)
def test_reasons(source: str, text: str, reason: str) -> None:
    """Each rejection says why; copies of the prompt's examples are known as such, also with an edit."""
    examples = "按时给海獭投喂蛤蜊并称体重；刷洗冰池，测水温"
    assert Grounder(source, examples).find(text) == Rejection(text, reason)


def test_example_that_is_in_the_source() -> None:
    """What stands in the source is no copy of an example, even if an example says the same."""
    assert isinstance(Grounder("2、刷洗冰池，测水温。", "刷洗冰池，测水温").find("刷洗冰池，测水温"), list)


def test_order() -> None:
    """A text that stands only before the one returned before it, or inside another value, is rejected for its order."""
    placed = Grounder("打包；盘点；打包发货").place(["盘点", "打包发货", "打包"])
    assert [getattr(p, "reason", "") for p in placed] == ["", "", "order"]
    for source, texts in (("甲乙丙", ["甲乙", "乙丙"]), ("哈哈哈", ["哈哈", "哈哈"])):
        assert [getattr(p, "reason", "") for p in Grounder(source).place(texts)].count("order") == 1
    taken = Taken([(0, 4)])
    (only,) = Grounder("负责打包").place(["打包"], taken=taken)
    assert only == Rejection("打包", "order")


def test_most_texts_get_a_place() -> None:
    """One text out of order costs itself, not all that follow."""
    placed = Grounder("甲甲；乙乙；丙丙；丁丁").place(["丁丁", "甲甲", "乙乙", "丙丙"])
    assert [getattr(p, "reason", "") for p in placed] == ["order", "", "", ""]


def test_set_off_places_are_preferred() -> None:
    """A repeated text is placed where marks set it off, not where it stands inside a sentence."""
    source = "本岗位要回复咨询的人。\n1、回复咨询\n2、打包"
    (place,) = Grounder(source).place(["回复咨询"])
    assert isinstance(place, Place)
    assert place.span[0] == source.index("1、") + 2


def test_within() -> None:
    """A text is looked for in its stretch only."""
    grounder = Grounder("打包。打包。打包")
    (place,) = grounder.place(["打包"], [(2, 6)])
    assert isinstance(place, Place)
    assert place.span == (3, 5)
