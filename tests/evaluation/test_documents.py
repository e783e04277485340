"""Documents beside what was found in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jdextract.annotation import GoldDocument, GoldRecord, Labelled, parse_marks
from jdextract.evaluation.documents import ZONES, count_document, make_document_measures
from jdextract.evaluation.measures import value_of
from jdextract.records import RoleRecord, TextSpan, Title
from tests.samples import HANS, HANT, MIXED, explained, gold


@pytest.mark.parametrize("name", [HANS, HANT, MIXED])
def test_a_perfect_reading_has_no_errors(name: str) -> None:
    """Records that are the gold itself have precision, recall and F1 of 1 by span and by character."""
    counts = count_document(gold(name), explained(name)[1].records)
    figures = {figure: value_of(measure) for figure, measure in make_document_measures([counts]).items()}
    assert {figure for figure, value in figures.items() if value == value and value != 1.0} == set()
    assert figures["duty.f1"] == 1.0
    assert counts.bad_spans == 0


def _record(document: GoldDocument, title: tuple[int, int], requirement: tuple[int, int]) -> RoleRecord:
    (found,) = explained(HANS)[1].records
    text = document.text
    value = TextSpan(text=text[slice(*requirement)], normalized="", span=requirement)
    named = Title(text=text[slice(*title)], normalized="", span=title, name="")
    return found.model_copy(update={"title": named, "requirements": (value,), "duties": (), "compensation": ()})


def test_counts_by_hand() -> None:
    """A title in its other copy is right by span and character; half of a requirement is right by character only."""
    document = parse_marks("会计\n⟦T accountant|会计⟧\n⟦D accountant|审核凭证⟧\n要求\n⟦R|熟悉财务软件操作⟧", "page")
    start = document.text.index("熟悉")
    counts = count_document(document, [_record(document, (0, 2), (start, start + 4))])
    assert counts.spans["title"] == (1, 1, 1)
    assert counts.spans["requirement"] == (0, 1, 1)
    assert counts.spans["requirement_span"] == (0, 1, 1)
    assert counts.spans["duty"] == (0, 0, 1)
    assert counts.characters["title"] == (2, 2, 2)
    assert counts.characters["requirement"] == (4, 4, 8)
    zones = {zone: counts.zones[i] for i, zone in enumerate(ZONES)}
    assert zones["duty"] == (0, 0, 0, 0, 4)
    assert zones["requirement"] == (0, 0, 4, 0, 4)
    measures = make_document_measures([counts])
    assert value_of(measures["requirement_characters.f1"]) == pytest.approx(2 * 4 / 12)
    assert value_of(measures["zoning.accuracy"]) == pytest.approx((2 + 4 + 4) / 18)
    assert value_of(measures["duty.recall"]) == 0.0
    assert value_of(measures["duty.precision"]) != value_of(measures["duty.precision"])  # nothing found: undefined


spans = st.tuples(st.integers(0, 40), st.integers(1, 15)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.text("会计 \n职责", min_size=1, max_size=40), spans, spans, spans)
def test_every_visible_character_has_one_zone(
    text: str, duty: tuple[int, int], title: tuple[int, int], requirement: tuple[int, int]
) -> None:
    """Whatever the spans are, also beyond the text, the zones of gold and reading sum to the visible characters."""
    record = GoldRecord(None, "other", 0, duties=[Labelled(text[slice(*duty)], duty, "other")])
    document = GoldDocument("page", text, (record,))
    counts = count_document(document, [_record(document, title, requirement)])
    assert sum(map(sum, counts.zones)) == sum(not character.isspace() for character in text)
    assert all(0 <= hits <= min(found, wanted) for hits, found, wanted in counts.characters.values())
