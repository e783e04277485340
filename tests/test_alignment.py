"""Gold without offsets -> annotated document."""

from __future__ import annotations

from typing import Any

import pytest

from jdextract.alignment import align
from jdextract.annotation import AnnotationError, GoldDocument, gold_json, parse_marks, write_marks


def entry(title: str | None, *duties: str, headcount: int | None = None) -> dict[str, Any]:
    return {
        "title": title,
        "role": "store-operations",
        "headcount": headcount,
        "duties": [{"text": duty, "role": "store-operations"} for duty in duties],
        "requirements": [],
        "compensation": [],
    }


def marked(text: str, *entries: dict[str, Any]) -> str:
    return write_marks(align(text, {"doc": "page.txt", "records": list(entries)}))


def test_the_corpus_comes_back(corpus_documents: list[GoldDocument]) -> None:
    """Gold of nearly every document of the corpus is placed so that writing and parsing its marks gives it again."""
    failed = []
    for document in corpus_documents:
        gold = gold_json(document)
        try:
            placed = align(document.text, gold)
        except AnnotationError:
            failed.append(document.name)
            continue
        assert gold_json(parse_marks(write_marks(placed), document.name)) == gold
    assert len(failed) <= len(corpus_documents) // 50, failed


def test_a_title_stands_above_its_duties() -> None:
    """Not in the list of posts before, and not in the sentence behind."""
    text = "招聘:店长、美工。一、店长职责:店长统管全店。负责运营"
    assert "一、⟦T store-operations|店长⟧职责:店长统管全店" in marked(text, entry("店长", "负责运营"))


def test_a_number_of_posts_is_no_item_number() -> None:
    """`2、` counts items."""
    assert "招⟦H|2⟧名" in marked("店长 2、负责运营 招2名", entry("店长", "负责运营", headcount=2))


def test_a_lost_title_starts_at_the_first_value() -> None:
    """The mark of a record without title stands before its headcount and duties."""
    assert "⟦N store-operations⟧⟦H|3⟧人 ⟦D" in marked("3人 负责运营", entry(None, "负责运营", headcount=3))


def test_repeated_duties_are_placed_one_after_the_other() -> None:
    """The same sentence in two records."""
    text = "店长:负责运营;主管:负责运营"
    assert marked(text, entry("店长", "负责运营"), entry("主管", "负责运营")).count("⟦D") == 2


def test_what_is_not_there_is_named() -> None:
    """The value and the document."""
    with pytest.raises(AnnotationError, match=r"page.*负责仓库"):
        marked("店长:负责运营", entry("店长", "负责仓库"))
