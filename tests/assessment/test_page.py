"""The HTML page of an evaluation, and its charts."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jdextract.assessment import Assessment, charts, list_figures
from jdextract.assessment.judging import ConfidentError
from jdextract.assessment.measurement import JudgedRow
from jdextract.assessment.page import find_cells, mark_error, write_evaluation
from jdextract.data import load_rules
from jdextract.errors import MissingExtra
from jdextract.evaluation.intervals import Interval
from tests.judged import TAXONOMY, SignClassifier, assess_all, assess_around
from tests.samples import gold
from tests.test_report import ATTACKS, Page


@pytest.fixture(scope="module")
def full() -> Assessment:
    return assess_all()


def render(assessment: Assessment, tmp_path: Path) -> str:
    write_evaluation(assessment, TAXONOMY, tmp_path / "report.html")
    return (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def html(full: Assessment, tmp_path_factory: pytest.TempPathFactory) -> str:
    return render(full, tmp_path_factory.mktemp("page"))


def test_the_page_needs_no_network(html: str) -> None:
    """Every address lies in the page, and the policy allows this very style and this very script, nothing else."""
    page = Page(html)
    addresses = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in ("href", "src", "xlink:href", "action", "data", "poster")
    ]
    assert addresses
    assert all(value and value.startswith("#") for value in addresses)
    assert not re.search(r"url\((?!#)|@import", html)
    assert not [name for _, attributes in page.tags for name in attributes if name == "style" or name.startswith("on")]
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    for tag in ("style", "script"):
        (part,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.S)
        assert base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() in (policy or "")


def test_every_part_of_the_issue_is_there(html: str, full: Assessment) -> None:
    """Headline, comparison, documents, each set of rows, what is no duty, folds and the glossary have a place."""
    ids = set(Page(html).ids())
    assert {"headline", "comparison", "documents", "no-duty", "folds", "reading"} <= ids
    assert {f"set-{each.name}" for each in full.sets} <= ids
    words = " ".join(Page(html).words)
    for text in ("Reliability.", "Risk and coverage.", "F1 by role", "Confusion", "Worst confident errors", "Slices"):
        assert text in words
    assert html.count("<svg") == 5 * len(full.sets)


def test_it_is_made_for_phones_paper_and_chinese(html: str) -> None:
    """The page fits a narrow screen, has rules for paper and takes Chinese fonts from the system."""
    assert 'content="width=device-width, initial-scale=1"' in html
    assert "@media print" in html
    assert "@media (max-width: 40rem)" in html
    assert '"PingFang SC"' in html
    assert '"Microsoft YaHei"' in html


def test_cells_lead_to_their_sentences(html: str, full: Assessment) -> None:
    """Each link of the matrix has its place on the page, and the sentences there are those of the cell."""
    page = Page(html)
    ids = page.ids()
    assert len(ids) == len(set(ids))
    links = {a["href"][1:] for tag, a in page.tags if tag == "a" and a.get("href")}
    assert links <= set(ids)
    rows = next(each for each in full.sets if each.name == "sentence")
    cells = find_cells(rows, full.metrics.roles["sentence"], "c0")
    assert {cell.id for cell in cells} <= links
    wrong = next(cell for cell in cells if cell.truth == "user-operations")
    assert (wrong.predicted, wrong.count, [row.text for row in wrong.rows]) == ("customer-service", 1, ["回访老客户"])
    assert sum(cell.count for cell in cells) == len(rows.rows)


def test_confident_errors_are_marked_in_their_source(html: str, full: Assessment) -> None:
    """A sentence shows the words that misled the model, a duty stands marked in its page."""
    assert "回访老<mark>客户</mark>" in html
    (error,) = full.worst["sentence"]
    assert mark_error(error) == [("回访老", False), ("客户", True)]
    in_page = full.worst["matched_duty"][0]
    runs = mark_error(in_page)
    assert [marked for _, marked in runs] == [False, True, False]
    assert "".join(text for text, _ in runs) in gold(in_page.row.place).text


@given(st.text("ab客户", max_size=12), st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=3))
def test_marking_keeps_the_text(text: str, places: list[tuple[int, int]]) -> None:
    """Marked and unmarked stretches together are the sentence."""
    ordered = sorted({min(place, len(text)) for pair in places for place in pair})
    spans = tuple((low, high) for low, high in zip(ordered[::2], ordered[1::2], strict=False) if low < high)
    role = SignClassifier().classify([text])[0]
    runs = mark_error(ConfidentError(JudgedRow("r", text, "other", role, "g", "p"), spans))
    assert "".join(run for run, _ in runs) == text


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, list[str]]]:
    html = render(assess_around("无害"), tmp_path_factory.mktemp("harmless"))
    return [(tag, sorted(attributes)) for tag, attributes in Page(html).tags if tag != "mark"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_text_stays_text(attack: str, tmp_path: Path, harmless: list[tuple[str, list[str]]]) -> None:
    """Markup in a sentence, title, source, place or value makes no element, attribute or address."""
    html = render(assess_around(attack), tmp_path)
    page = Page(html)
    assert [(tag, sorted(attributes)) for tag, attributes in page.tags if tag != "mark"] == harmless
    assert html.count("<script>") == 1
    assert f"t{attack}"[:60] in "".join(page.words)


@pytest.mark.parametrize("attack", ATTACKS)
def test_names_in_charts_are_escaped(attack: str, full: Assessment) -> None:
    """A taxonomy with markup in a name can't put elements into a chart."""
    roles = full.metrics.roles["sentence"].roles
    names = [{role.label: text for role in roles} for text in (attack, "无害")]
    hostile, plain = (Page(str(charts.draw_labels(roles, each))) for each in names)
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]
    assert attack[:8] in "".join(hostile.words)


def test_a_missing_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the message says how to get it."""
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    charts.load_converter.cache_clear()
    try:
        with pytest.raises(MissingExtra) as raised:
            charts.draw("labels", {"labels": []})
    finally:
        charts.load_converter.cache_clear()
    assert "jdextract[report]" in raised.value.hint


def test_names_of_figures_are_complete() -> None:
    """Each figure of the headline has a label and an explanation, and no name is of a figure that does not exist."""
    rules = load_rules("evaluation/figures")
    known = {*list_figures(), *(name.partition(".")[2] for name in list_figures())}
    assert all(len(pair) == 2 and all(isinstance(text, str) for text in pair) for pair in rules["figures"].values())
    assert set(rules["headline"]) <= set(rules["figures"]) <= known


def test_undefined_figures_are_shown_as_such(tmp_path: Path, full: Assessment) -> None:
    """A figure without a value is a dash, no error."""
    nothing = Interval(None, None, None, 0.95, 1, 100, False)
    metrics = full.metrics.model_copy(update={"figures": dict.fromkeys(full.metrics.figures, nothing)})
    assert "–" in render(replace(full, metrics=metrics), tmp_path)
