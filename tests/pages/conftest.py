"""The pages of a run and of an evaluation, plain and with hostile text, and a browser for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jdextract.assessment.page import write_evaluation
from jdextract.records import ReadFailure
from jdextract.report import write_report
from tests.judged import TAXONOMY, assess_all, assess_around
from tests.pages.browser import Tab, find_chromium, make_tab, run_browser
from tests.samples import HANS, HANT, MIXED, explain_marked, explained
from tests.test_report import ATTACKS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

NAMES = ("run", "evaluation", "hostile run", "hostile evaluation")
LABELS = {"store-operations": ("店铺运营", "Store operations specialist")}
HOSTILE = " ".join(
    [
        *ATTACKS,
        "</script><script>alert(1)</script>",
        "<meta http-equiv=refresh content='0;url=https://example.invalid'>",
        "<link rel=stylesheet href=https://example.invalid/x.css>",
        "\u202e反\u2066隔\u200f右\u061c侧\u200b零\u200d宽\ufeff",
        "שלום 5 مرحبا",
        "W" * 150,
    ]
)

Pages = Callable[[str], Path]
Opened = Callable[[str], Tab]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    pytest.importorskip("playwright", reason="needs the library playwright")
    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium is installed (on Debian: apt-get install chromium)")
    with run_browser(executable) as made:
        yield made


@pytest.fixture(scope="package")
def context(browser: Browser) -> BrowserContext:
    return browser.new_context()


@pytest.fixture(scope="package")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """The pages by name, each written once."""

    @cache
    def write(name: str) -> Path:
        path = tmp_path_factory.mktemp("pages") / "page.html"
        writers: dict[str, Callable[[Path], None]] = {
            "run": write_run,
            "evaluation": write_plain_evaluation,
            "hostile run": write_hostile_run,
            "hostile evaluation": write_hostile_evaluation,
        }
        writers[name](path)
        return path

    return write


def write_run(path: Path) -> None:
    failure = ReadFailure("a/b.pdf", "reading", "DamagedInput", "is no PDF", "save it again")
    write_report([*map(explained, (HANS, HANT, MIXED)), failure], path, LABELS)


def write_plain_evaluation(path: Path) -> None:
    """Of two sets of rows only: charts take their time."""
    assessment = assess_all()
    write_evaluation(replace(assessment, sets=assessment.sets[:2]), TAXONOMY, path)


def write_hostile_run(path: Path) -> None:
    """Hostile text in everything that is scraped, named by a user or read from a taxonomy."""
    document = explain_marked(
        f"⟦T store-operations|店长{HOSTILE}岗⟧\n⟦H|2⟧\n⟦D store-operations|负责{HOSTILE}运营⟧\n"
        f"⟦R|熟悉{HOSTILE}者⟧\n⟦C|底薪{HOSTILE}⟧\n{HOSTILE}",
        f"{HOSTILE}.html",
    )
    failure = ReadFailure(HOSTILE, "reading", "DamagedInput", HOSTILE, HOSTILE)
    write_report([document, failure], path, {"store-operations": (HOSTILE, HOSTILE)})


def write_hostile_evaluation(path: Path) -> None:
    """The same for an evaluation."""
    roles = tuple(role.model_copy(update={"zh": HOSTILE, "en": HOSTILE}) for role in TAXONOMY.roles)
    families = tuple(family.model_copy(update={"en": HOSTILE}) for family in TAXONOMY.families)
    named = TAXONOMY.model_copy(update={"roles": roles, "families": families})
    assessment = assess_around(HOSTILE)
    write_evaluation(replace(assessment, sets=assessment.sets[:1]), named, path)


@pytest.fixture(scope="package")
def opened(context: BrowserContext, pages: Pages) -> Opened:
    """The pages in a tab each, for tests that only look."""

    @cache
    def open_page(name: str) -> Tab:
        tab = make_tab(context)
        tab.open(pages(name))
        return tab

    return open_page


@pytest.fixture(scope="package")
def tab(context: BrowserContext) -> Tab:
    """A tab for tests that do something: each opens a file in it."""
    return make_tab(context)
