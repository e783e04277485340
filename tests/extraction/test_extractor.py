"""Whole documents: spans hold, nothing is lost, both scripts agree."""

from __future__ import annotations

import opencc
from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.annotation import GoldDocument
from jdextract.extraction.extractor import Extractor
from jdextract.records import Draft, SourceText

EXTRACTOR = Extractor()


def extract(text: str) -> Draft:
    return EXTRACTOR.extract(SourceText("0" * 16, "test", text))


def check_spans(draft: Draft) -> None:
    text = draft.source.text
    for record in draft.records:
        for value in (record.title, *record.duties, *record.requirements, *record.compensation):
            if value is not None:
                assert text[slice(*value.span)] == value.text
                assert value.text.strip()


def test_spans_hold(corpus_documents: list[GoldDocument]) -> None:
    """In every document of the corpus every value stands at its span and duties are in source order."""
    for document in corpus_documents:
        draft = extract(document.text)
        check_spans(draft)
        for record in draft.records:
            starts = [d.span[0] for d in record.duties]
            assert starts == sorted(starts)


def test_nothing_lost(corpus_documents: list[GoldDocument]) -> None:
    """Every letter, digit and Han character of a document is in a segment, and every value inside segments."""
    for document in corpus_documents:
        draft = extract(document.text)
        covered = [False] * len(document.text)
        for segment in draft.segments:
            covered[slice(*segment.span)] = [True] * (segment.span[1] - segment.span[0])
        lost = [c for c, inside in zip(document.text, covered, strict=True) if not inside and c.isalnum()]
        assert not lost, f"{document.name}: {''.join(lost)}"
        for record in draft.records:
            for value in (record.title, *record.duties, *record.requirements, *record.compensation):
                if value is not None:
                    assert covered[value.span[0]]
                    assert covered[value.span[1] - 1]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    """No text raises, and what is found stands where it says."""
    check_spans(extract(text))


def test_both_scripts_agree(corpus_documents: list[GoldDocument]) -> None:
    """A Simplified document and its Traditional form give the same duties, at most 0.5 % of them differ."""
    converter = opencc.OpenCC("s2t")
    duties = differing = 0
    for document in corpus_documents:
        traditional = converter.convert(document.text)
        if EXTRACTOR.extract(SourceText("0", "s", document.text)).script != "hans" or len(traditional) != len(
            document.text
        ):
            continue
        one, other = ({d.span for r in extract(t).records for d in r.duties} for t in (document.text, traditional))
        duties += len(one | other)
        differing += len(one ^ other)
    assert duties > 1000
    assert differing <= 0.005 * duties
