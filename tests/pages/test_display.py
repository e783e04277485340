"""What the pages show in a real browser: no noise, no harm, nothing out of the window, nothing unreadable or nameless."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from jdextract.htmlpage import make_visible
from jdextract.records import ReadFailure
from jdextract.report import write_report
from tests.judged import TAXONOMY
from tests.pages.browser import (
    ELEMENTS,
    HEADINGS,
    NAMELESS,
    NARROW,
    OUTSIDE,
    PALE,
    READABLE,
    WIDE,
    WIDER_THAN_THEIR_BOX,
    Scheme,
    Size,
    Tab,
)
from tests.pages.conftest import HOSTILE, NAMES, Opened, Pages
from tests.samples import explain_marked

X_OF_WHAT = """() => {
  const text = document.querySelector("#failures li > bdi").firstChild, range = document.createRange();
  range.setStart(text, text.data.indexOf("3"));
  range.setEnd(text, text.data.indexOf("3") + 1);
  return range.getBoundingClientRect().x;
}"""


def test_the_instruments_notice(tab: Tab, tmp_path: Path) -> None:
    """A page that speaks, fails, asks, loads, is too wide, too pale and nameless is told from one that is not."""
    (tmp_path / "bad.html").write_text(
        """<!doctype html><body style="margin:0"><h3>三</h3><p style="color:#999">pale</p>
        <p style="width:9000px">wide</p><img src="missing.png">
        <script>console.log("spoken"); alert("asked"); undefined.failed;</script>""",
        encoding="utf-8",
    )
    page = tab.open(tmp_path / "bad.html")
    assert {"spoken", "asked"} <= set(tab.messages)
    assert any("failed" in message for message in tab.messages)
    assert [address.rpartition("/")[2] for address in tab.requests] == ["bad.html", "missing.png"]
    assert page.evaluate(WIDER_THAN_THEIR_BOX) == ["html"]
    assert len(page.evaluate(OUTSIDE)) == 1
    assert [line[-4:] for line in page.evaluate(PALE, READABLE)] == ["pale"]
    assert len(page.evaluate(NAMELESS)) == 1
    assert page.evaluate(HEADINGS) == [3]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_quiet(name: str, opened: Opened, pages: Pages) -> None:
    """From file:// it asks for nothing but itself, and there is no message, error, dialog or window."""
    tab = opened(name)
    assert tab.requests == [pages(name).as_uri()]
    assert tab.messages == []
    assert tab.windows == []


@pytest.mark.parametrize("name", ["run", "evaluation"])
def test_hostile_text_makes_no_element(name: str, opened: Opened) -> None:
    """A browser finds the same head, one script, and no kind of element or attribute that a plain page has not."""
    plain, hostile = (opened(kind + name).page.evaluate(ELEMENTS) for kind in ("", "hostile "))
    assert hostile["head"] == plain["head"]
    assert set(hostile["body"]) - set(plain["body"]) == set()
    assert hostile["body"].count("script ") == 1


def test_hostile_text_is_shown_as_it_is(opened: Opened) -> None:
    """The text of a page, its file name and the labels of its roles stand there character by character."""
    page = opened("hostile run").page
    shown = make_visible(HOSTILE)
    text = f"店长{shown}岗\n2\n负责{shown}运营\n熟悉{shown}者\n底薪{shown}\n{shown}"
    assert page.locator("section.text").text_content() == text
    assert page.locator("h2 bdi").text_content() == f"{shown}.html"
    assert page.locator(".of-record [lang=zh]").text_content() == shown
    assert page.locator(".of-record .en").text_content() == shown


@pytest.mark.parametrize("name", ["hostile run", "hostile evaluation"])
def test_nothing_turns_the_direction(name: str, opened: Opened) -> None:
    """Marks that override or isolate the direction reach neither the text nor an attribute of the page."""
    assert re.findall("[\u202a-\u202e\u2066-\u2069]", opened(name).page.content()) == []


def test_text_from_right_to_left_stays_in_its_place(tab: Tab, tmp_path: Path) -> None:
    """Hebrew in a title or a path does not take along the figures of the page that stand behind it."""
    document = explain_marked("⟦T store-operations|מנהל חנות⟧ ⟦H|2⟧ ⟦D store-operations|ניהול⟧")
    write_report([document, ReadFailure("א.pdf א", "reading", "DamagedInput", "3 bytes", "")], tmp_path / "page.html")
    page = tab.open(tmp_path / "page.html")
    title, count = (page.locator(part).bounding_box() for part in ("h3 .value", "h3 .headcount"))
    assert title
    assert count
    assert count["x"] >= title["x"] + title["width"]
    page.get_by_role("link", name="failure").click()
    path = page.locator("#failures b").bounding_box()
    assert path
    assert page.evaluate(X_OF_WHAT) >= path["x"] + path["width"]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_does_not_scroll_sideways(name: str, size: Size, opened: Opened) -> None:
    """On a laptop and on a phone the page fits; only tables and the matrix may be wider, in a box that scrolls."""
    page = opened(name).show(size)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(OUTSIDE) == []
    assert [box for box in page.evaluate(WIDER_THAN_THEIR_BOX) if "scroll" not in box] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["run", "evaluation"])
def test_text_is_readable_in_both_schemes(name: str, scheme: Scheme, opened: Opened) -> None:
    """Every visible text has a contrast of 4.5 to its ground, in the light and in the dark scheme, which differ."""
    page = opened(name).show(scheme=scheme)
    assert page.evaluate(PALE, READABLE) == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


@pytest.mark.parametrize("name", NAMES)
def test_headings_are_in_order(name: str, opened: Opened) -> None:
    """One heading of level 1 comes first, and no level is left out on the way down."""
    levels = opened(name).page.evaluate(HEADINGS)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


@pytest.mark.parametrize("name", ["run", "evaluation"])
def test_pictures_and_controls_have_names(name: str, opened: Opened) -> None:
    """Each chart, each input, each navigation and each box in the tab order says what it is."""
    assert opened(name).page.evaluate(NAMELESS) == []


def test_languages_are_told(opened: Opened) -> None:
    """The page is English, a text is in its script, and a role has its Chinese and its English label, each as such."""
    run = opened("run").page
    assert run.locator("html").get_attribute("lang") == "en"
    texts = run.locator("section.text").all()
    assert [text.get_attribute("lang") for text in texts] == ["zh-Hans", "zh-Hant", "zh-Hant"]
    role = run.locator(".of-record .role").first
    assert role.locator("[lang=zh]").inner_text() == "店铺运营"
    assert role.locator(".en").inner_text() == "Store operations specialist"
    assert run.locator(".names [lang=zh-Hans]").inner_text() == "数据分析师"
    evaluation = opened("evaluation").page
    assert evaluation.locator("html").get_attribute("lang") == "en"
    pair = evaluation.locator("table .role").first
    names = {each.id: each for each in TAXONOMY.roles}["user-operations"]
    assert pair.locator("[lang=zh]").inner_text() == names.zh
    assert pair.get_attribute("title") == names.en
