"""The HTML page of a run."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jdextract import report
from jdextract.pipeline import Explained
from jdextract.records import Draft, ReadFailure, Segment, SourceText
from jdextract.report import split_runs, view_records, write_report
from tests.samples import HANS, HANT, MIXED, explain_marked, explained, source_of

LABELS = {"store-operations": ("店铺运营", "Store operations specialist")}
ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "${alert(1)}{{7*7}}{% raw %}",
    "</textarea></title></style><svg onload=alert(1)>",
    "javascript:alert(1)",
    "' onfocus='alert(1)' x='",
    "<!-- --><base href=//evil.example>",
    "&lt;b&gt; &amp;",
]


class Page(HTMLParser):
    """Tags with attributes, and the text of each document pane."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.words: list[str] = []
        self._inside = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "section" and ("class", "text") in attrs:
            self._inside = 1
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "section":
            self._inside = 0

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._inside:
            self.texts[-1] += data

    def ids(self) -> list[str]:
        return [value for _, attributes in self.tags for name, value in attributes.items() if name == "id" and value]


def render(tmp_path: Path, *items: tuple[SourceText, Explained] | ReadFailure) -> str:
    write_report(items, tmp_path / "report.html", LABELS)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def html(tmp_path: Path) -> str:
    return render(tmp_path, *map(explained, (HANS, HANT, MIXED)))


def test_the_page_shows_the_whole_text(html: str) -> None:
    """The left pane is the source text, character by character, in both scripts."""
    assert Page(html).texts == [explained(name)[0].text for name in (HANS, HANT, MIXED)]


def test_every_value_is_linked_both_ways(html: str) -> None:
    """Each title, duty, requirement and pay has a place in the text and in the records, and links between them."""
    page = Page(html)
    ids = page.ids()
    assert len(ids) == len(set(ids))
    targets = [a["href"][1:] for tag, a in page.tags if tag == "a" and a.get("href")]
    assert set(targets) <= set(ids)
    values = sum(len(view.values) for k, name in enumerate((HANS, HANT, MIXED)) for view in _views(k, name))
    assert sum(name.startswith("v-") for name in ids) == values
    assert sum(name.startswith("s-") for name in ids) == values


def _views(number: int, name: str) -> list[report.RecordView]:
    return view_records(number, explained(name)[1].records)


def test_roles_have_both_labels_and_a_score(html: str) -> None:
    """Chinese and English label; an abstention says so."""
    words = " ".join(Page(html).words)
    assert "店铺运营" in words
    assert "Store operations specialist" in words
    assert "0.93" in words
    assert "unsure" in words


@pytest.mark.parametrize("attack", ATTACKS)
def test_scraped_text_stays_text(tmp_path: Path, attack: str) -> None:
    """Markup in the text, the title, the duty or the file name makes no element, attribute or address."""
    harmless = render(tmp_path, _document("无害"))
    page = Page(attacked := render(tmp_path, _document(attack)))
    expected = [(tag, sorted(attributes)) for tag, attributes in Page(harmless).tags]
    assert [(tag, sorted(attributes)) for tag, attributes in page.tags] == expected
    assert all(a["href"].startswith("#") for tag, a in page.tags if tag == "a" and a.get("href"))
    assert attack in page.texts[0]
    assert attacked.count("<script>") == 1


def _document(text: str) -> tuple[SourceText, Explained]:
    return explain_marked(
        f"⟦T store-operations|店长{text}岗⟧\n⟦D store-operations|负责{text}运营⟧\n⟦R|熟悉{text}者⟧\n⟦C|底薪{text}元⟧",
        f"{text}.html",
    )


def test_a_failure_is_named_and_escaped(tmp_path: Path) -> None:
    """Inputs that could not be read are on the page."""
    html = render(tmp_path, explained(HANS), ReadFailure("<b>.pdf", "reading", "DamagedInput", "<i>", "<u>"))
    assert "&lt;b&gt;.pdf" in html
    assert "<i>" not in html


def test_nothing_is_loaded_and_only_the_own_script_runs(html: str) -> None:
    """The policy allows this very style and script by digest and no address at all."""
    policy = next(a["content"] for tag, a in Page(html).tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for kind in ("style", "script"):
        (content,) = re.findall(rf"<{kind}>(.*?)</{kind}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not re.search(r"https?://|url\(|@import|\bsrc=|\bstyle=|\bon[a-z]+=", html)


def test_documents_beyond_the_cap_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two are shown, two more are named, the rest is counted, and the page says so."""
    monkeypatch.setattr(report, "SHOWN_DOCUMENTS", 2)
    monkeypatch.setattr(report, "NAMED_DOCUMENTS", 4)
    page = Page(html := render(tmp_path, *(_document(f"第{n}份") for n in range(5))))
    assert len(page.texts) == 2
    assert "第3份.html" in html
    assert "第4份.html" not in html
    assert "Documents behind the first 2 are named, not shown. 1 more are not named." in html


def test_a_long_text_is_cut_with_a_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text of millions of characters does not make the page unusable; values behind the cut do no harm."""
    monkeypatch.setattr(report, "SHOWN_CHARACTERS", 4)
    html = render(tmp_path, _document("电商"))
    assert "the first 4 characters are shown" in html
    assert Page(html).texts[0].startswith("店长电商")


def test_characters_that_html_forbids_become_pictures(tmp_path: Path) -> None:
    """Control characters, direction marks and half surrogate pairs are shown, not passed on."""
    text = "负责\x00运\x1b营\u202e\ud800"
    html = render(tmp_path, (source_of(text), Explained(Draft(source_of(text), "hans", "cn", (), ()), ())))
    assert "负责␀运␛营\ufffd\ufffd" in html


def test_an_empty_run_gives_a_page(tmp_path: Path) -> None:
    """Nothing read is said, not an error."""
    assert "No document was read." in render(tmp_path)


spans = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: (min(pair), max(pair)))


@given(st.text(max_size=30), st.lists(spans, max_size=6), st.lists(spans, max_size=6))
def test_runs_join_to_the_text(
    text: str, segment_spans: list[tuple[int, int]], value_spans: list[tuple[int, int]]
) -> None:
    """However segments and values overlap or reach beyond the text, no character is lost or shown twice."""
    segments = [Segment(span, "duty", "rule", 1.0) for span in segment_spans]
    _, page = explain_marked("⟦T store-operations|店长⟧")
    values = tuple(report.Value(f"0-0-d{i}", "duty", "", span) for i, span in enumerate(value_spans))
    view = report.RecordView(page.records[0], None, values, (), ())
    runs = list(split_runs(text, segments, [view]))
    assert "".join(run.text for run in runs) == text
    reached = {key for run in runs for key in run.keys}
    assert reached == {v.key for v in values if v.span[0] < min(v.span[1], len(text))}
