"""What the pages do in a real browser: search, zones, links between text and records, the matrix, by keyboard alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jdextract.report import write_report
from tests.pages.browser import NARROW, OUTSIDE, Tab, make_tab, strip_address
from tests.pages.conftest import Pages
from tests.samples import HANS, HANT, MIXED, explain_marked

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOCUSED = "document.activeElement.id"


def list_shown(page: Page, selector: str) -> list[str]:
    """Ids of what is there to be seen, hidden parts left out."""
    shown: list[str] = page.locator(selector).evaluate_all(
        "all => all.filter(each => each.checkVisibility()).map(each => each.id)"
    )
    return shown


def test_documents_are_searched(tab: Tab, pages: Pages) -> None:
    """The list keeps the documents whose name or title has all words typed, and says so if there is none."""
    page = tab.open(pages("run"))
    tab.reach(".search")
    names = page.locator(".names li a")
    page.keyboard.type("TXT 分析")
    assert [name.inner_text() for name in names.all() if name.is_visible()] == [f"{HANS}.txt"]
    page.keyboard.type("<b>")
    assert not any(name.is_visible() for name in names.all())
    assert page.get_by_text("No document fits.").is_visible()
    page.locator(".search").clear()
    assert [name.inner_text() for name in names.all() if name.is_visible()] == [f"{n}.txt" for n in (HANS, HANT, MIXED)]


def test_a_document_is_chosen(tab: Tab, pages: Pages) -> None:
    """Its link shows it alone and is marked in the list; the way back leads to the one before."""
    page = tab.open(pages("run"))
    assert list_shown(page, "article") == ["doc-0"]
    tab.reach(".names a[href='#doc-1']").keyboard.press("Enter")
    assert list_shown(page, "article") == ["doc-1"]
    assert page.locator(".names [aria-current]").inner_text() == f"{HANT}.txt"
    page.go_back()
    assert list_shown(page, "article") == ["doc-0"]


def test_failures_are_shown_alone(tab: Tab, pages: Pages) -> None:
    """The link in the head leads to what could not be read."""
    page = tab.open(pages("run"))
    tab.reach("a[href='#failures']").keyboard.press("Enter")
    assert list_shown(page, "article, #failures") == ["failures"]
    assert "a/b.pdf is no PDF" in page.locator("#failures").inner_text()


def test_zones_are_switched(tab: Tab, pages: Pages) -> None:
    """Without its tick a zone has no colour in the text, and gets it back; the records stay as they are."""
    page = tab.open(pages("run"))
    ground = "element => getComputedStyle(element).backgroundColor"
    text, record = page.locator(".text .z-duty").first, page.locator(".records .edge-duty").first
    before = text.evaluate(ground)
    tab.reach("[data-zone=duty]").keyboard.press("Space")
    assert text.evaluate(ground) == "rgba(0, 0, 0, 0)" != before
    assert record.evaluate(ground) == before
    page.keyboard.press("Space")
    assert text.evaluate(ground) == before


def test_a_value_leads_to_its_place_and_back(tab: Tab, pages: Pages) -> None:
    """Enter on a duty goes to where it stands in the text, with both marked; Enter there goes back."""
    page = tab.open(pages("run"))
    tab.reach("#v-0-0-d1").keyboard.press("Enter")
    assert page.evaluate(FOCUSED) == "s-0-0-d1"
    assert {part.get_attribute("data-key") for part in page.locator(".on").all()} == {"0-0-d1"}
    assert page.url.endswith("#s-0-0-d1")
    page.keyboard.press("Enter")
    assert page.evaluate(FOCUSED) == "v-0-0-d1"


def test_a_stretch_of_several_values_leads_to_each(tab: Tab, tmp_path: Path) -> None:
    """Where two duties share their text, each Enter takes the next one."""
    source, found = explain_marked("⟦T store-operations|店长⟧ ⟦D store-operations|负责门店运营⟧")
    record = found.records[0]
    twice = replace(found, records=(record.model_copy(update={"duties": record.duties * 2}),))
    write_report([(source, twice)], tmp_path / "page.html")
    page = tab.open(tmp_path / "page.html")
    stretch = page.locator("#s-0-0-d0")
    reached = []
    for _ in range(3):
        stretch.press("Enter")
        reached.append(page.evaluate(FOCUSED))
    assert reached == ["v-0-0-d0", "v-0-0-d1", "v-0-0-d0"]


def test_an_address_opens_its_document(tab: Tab, pages: Pages) -> None:
    """The place of a value shows its document with the value marked; a place that is not there shows the first."""
    page = tab.open(pages("run"), "v-1-0-d0", NARROW)
    assert list_shown(page, "article") == ["doc-1"]
    assert page.evaluate(FOCUSED) == "v-1-0-d0"
    assert page.locator("#v-1-0-d0").evaluate("value => value.classList.contains('on')")
    page = tab.open(pages("run"), "nowhere")
    assert list_shown(page, "article") == ["doc-0"]


def test_a_cell_of_the_matrix_shows_its_sentences(tab: Tab, pages: Pages) -> None:
    """Each cell is one stop of the tab key; Enter opens its sentences, Escape closes them and leads back."""
    page = tab.open(pages("evaluation"))
    cells = page.locator("#set-sentence .matrix a")
    assert cells.count() == page.locator("#set-sentence .cell").count()
    page.locator("#set-sentence .matrix").focus()
    tab.reach("a:has([aria-label='user-operations read as customer-service: 1'])", cells.count()).keyboard.press(
        "Enter"
    )
    (shown,) = list_shown(page, ".cell")
    assert page.evaluate(FOCUSED) == shown
    assert "回访老客户" in page.locator(f"#{shown}").inner_text()
    page.keyboard.press("Escape")
    page.wait_for_function("!document.querySelector('.cell:target')")
    assert list_shown(page, ".cell") == []
    tab.reach("#set-sentence .matrix", 1)


def test_a_long_label_fits_the_phone_in_a_cell(tab: Tab, pages: Pages) -> None:
    """The sentences of a cell stay in the window, whatever their role is called."""
    page = tab.open(pages("hostile evaluation"), "c0-0-0", NARROW)
    page.evaluate("location.hash = document.querySelector('.cell').id")
    page.locator(".cell:target").wait_for()
    assert page.evaluate(OUTSIDE) == []


def test_a_link_opens_a_closed_part(tab: Tab, pages: Pages) -> None:
    """The head leads to a set of rows that is folded in, and it opens."""
    page = tab.open(pages("evaluation"))
    place = page.locator("details.set:not([open])").get_attribute("id")
    tab.reach(f"nav a[href='#{place}']").keyboard.press("Enter")
    page.locator(f"#{place}[open] h3").first.wait_for()


def test_wide_tables_scroll_in_their_box(tab: Tab, pages: Pages) -> None:
    """On a phone a table that does not fit is moved to its last column by keyboard, and the page stays."""
    page = tab.open(pages("evaluation"), "documents", NARROW)
    box = page.locator("#documents .scroll").last
    reach = box.evaluate("box => box.scrollWidth - box.clientWidth")
    assert reach > 0
    box.evaluate("box => { box.id = 'last'; }")
    tab.reach("#last")
    for _ in range(1 + reach // 40):
        page.keyboard.press("ArrowRight")
    end = "box => box.scrollLeft >= box.scrollWidth - box.clientWidth - 1"
    page.wait_for_function(end, arg=box.element_handle())
    assert page.evaluate("scrollX") == 0


@pytest.mark.parametrize("name", ["hostile run", "hostile evaluation"])
def test_links_stay_on_the_page(name: str, tab: Tab, pages: Pages) -> None:
    """However one clicks on hostile text, the file stays open, nothing is asked for and nothing runs."""
    page = tab.open(pages(name))
    clicked = page.evaluate(
        "() => { const links = [...document.links]; for (const link of links) link.click(); return links.length; }"
    )
    assert clicked > 5
    file = pages(name).as_uri()
    assert strip_address(page.url) == file
    assert set(tab.requests) == {file}
    assert tab.messages + tab.windows == []


def test_without_script_everything_is_there(browser: Browser, pages: Pages) -> None:
    """Where scripts are forbidden all documents are shown, and a cell of the matrix still shows its sentences."""
    with browser.new_context(java_script_enabled=False) as context:
        tab = make_tab(context)
        page = tab.open(pages("run"))
        assert list_shown(page, "article, #failures") == ["doc-0", "doc-1", "doc-2", "failures"]
        page = tab.open(pages("evaluation"))
        cell = page.locator("#set-sentence .matrix a").first
        cell.click()
        assert [f"#{shown}" for shown in list_shown(page, ".cell")] == [cell.get_attribute("href")]
