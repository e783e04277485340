"""Inline marks and gold carry the same information."""

from __future__ import annotations

from pathlib import Path

import pytest

from jdextract.annotation import AnnotationError, GoldDocument, parse_marks, write_marks

FOLDER = Path(__file__).parents[1] / "corpus" / "documents"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.mark")), ids=lambda p: p.stem)
def test_round_trip(path: Path) -> None:
    """Text and gold of a marked document give back the marked document, and every value stands at its span."""
    marked = path.read_text(encoding="utf-8")
    document = parse_marks(marked, path.stem)
    assert write_marks(document) == marked
    for record in document.records:
        values = [record.title, record.headcount, *record.duties, *record.requirements, *record.compensation]
        assert all(document.text[slice(*v.span)] == v.text for v in values if v)


@pytest.mark.parametrize(
    ("marked", "what"),
    [
        ("⟦D accountant|做账⟧", "before the first record"),
        ("⟦T|会计⟧", "role is missing"),
        ("⟦T accountant|会计⟧⟦D accountant|做账。⟧", "closing mark"),
        ("⟦T accountant|会计⟧⟦H|两⟧", "digits only"),
        ("⟦T accountant|会计", "broken mark"),
    ],
)
def test_wrong_marks_are_named(marked: str, what: str) -> None:
    """A wrong mark is an error that says what is wrong and in which document."""
    with pytest.raises(AnnotationError, match=what) as error:
        parse_marks(marked, "doc")
    assert "doc" in str(error.value)


def test_splits_are_whole(corpus_documents: list[GoldDocument]) -> None:
    """Every document is in exactly one of the splits build, tune and report, and the samples exist."""
    from jdextract.corpus import read_splits

    splits = read_splits(FOLDER)
    assert set(splits) == {d.name for d in corpus_documents}
    assert {s.split for s in splits.values()} == {"build", "tune", "report"}
    assert sum(s.sample for s in splits.values()) == 12
