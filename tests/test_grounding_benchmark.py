"""Recorded answers about annotated documents, and what grounding makes of them."""

from __future__ import annotations

from collections import Counter

import pytest

from jdextract.llm.grounding import Grounder
from tests.benchmarks.grounding import count, ground, write_tables
from tests.benchmarks.recorded import (
    CHANGES,
    NOWHERE,
    Chunk,
    Said,
    judge,
    record_answers,
    write_extractions,
    write_positions,
)
from tests.samples import CORPUS, HANS, HANT, MIXED, gold

NAMES = sorted(path.stem for path in CORPUS.glob("*.mark"))


@pytest.fixture(scope="module")
def chunks() -> list[Chunk]:
    """Answers about every third document of the corpus, in both scripts."""
    return [chunk for name in NAMES[::3] for chunk in record_answers(gold(name), 7)]


def test_no_wrong_span(chunks: list[Chunk]) -> None:
    """No text of the answers is placed anywhere but where it belongs, in either script; nearly all that can be found are."""
    total: Counter[str] = Counter()
    changes: Counter[str] = Counter()
    for chunk in chunks:
        outcomes = judge(chunk, ground(chunk))
        total.update(outcomes)
        changes.update(said.change for said in chunk.said)
    assert {chunk.script for chunk in chunks} >= {"hans", "hant"}
    assert min(changes[change] for change in CHANGES) >= 20, changes
    assert total["edges"] + total["elsewhere"] == 0
    assert total["exact"] > 0.9 * (total["exact"] + total["missing"])
    assert total["rejected"] == sum(changes[change] for change in NOWHERE)


def test_answers_are_recorded(chunks: list[Chunk]) -> None:
    """The same seed makes the same answers, another one others; a true span holds the text that the annotation has, and what
    is not there stands nowhere."""
    assert record_answers(gold(HANS), 1) == record_answers(gold(HANS), 1)
    assert record_answers(gold(HANS), 1) != record_answers(gold(HANS), 2)
    for chunk in chunks:
        for said in chunk.said:
            texts = {chunk.text[slice(*span)] for span in said.truth}
            assert len(texts) == (said.change not in NOWHERE)
            assert said.truth or said.text not in chunk.text
            if said.change in ("verbatim", "repeated"):
                assert texts.pop() in said.text


def test_chunks_cover_the_values() -> None:
    """Every value of a document stands in one chunk, whole; titles, duties, requirements and pay are among them."""
    for name in (HANS, HANT, MIXED):
        document = gold(name)
        said = [one for chunk in record_answers(document, 1) for one in chunk.said if one.change not in NOWHERE]
        wanted = [r.title for r in document.records if r.title] + [
            value for r in document.records for value in (*r.duties, *r.requirements, *r.compensation)
        ]
        assert len(said) == len(wanted)


@pytest.mark.parametrize(
    ("spans", "outcomes"),
    [
        ([(0, 4), (5, 9), None, None], ["exact", "exact", "missing", "rejected"]),
        ([(0, 5), (5, 9), (10, 12), None], ["exact", "exact", "edges", "rejected"]),
        ([(5, 9), (5, 9), (10, 14), (3, 6)], ["exact", "elsewhere", "exact", "elsewhere"]),
        ([(1, 4), None, (0, 4), (10, 14)], ["edges", "missing", "elsewhere", "elsewhere"]),
    ],
)
def test_judging(spans: list[tuple[int, int] | None], outcomes: list[str]) -> None:
    """A shifted span, a copy that is taken already and a span for what is nowhere are wrong; marks at the ends are not."""
    copies = ((0, 4), (5, 9))
    chunk = Chunk(
        "盘点库存;盘点库存;打印标签;",
        "hans",
        (
            Said(0, "duty", "盘点库存", "repeated", copies),
            Said(0, "duty", "盘点库存", "repeated", copies),
            Said(0, "duty", "打印标签", "verbatim", ((10, 14),)),
            Said(0, "duty", "照顾大象", "invented", ()),
        ),
    )
    assert judge(chunk, spans) == outcomes


def test_both_forms_say_the_same(chunks: list[Chunk]) -> None:
    """The answer for us and the one for the other program hold the same texts."""
    import json

    for chunk in chunks:
        positions = json.loads(write_positions(chunk))["positions"]
        ours = Counter(
            text
            for position in positions
            for texts in ([position["title"]], position["duties"], position["requirements"], position["pay"])
            for text in texts
            if text
        )
        theirs = [text for one in json.loads(write_extractions(chunk))["extractions"] for text in one.values()]
        assert ours == Counter(theirs)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("以英、日文回覆國外買家來丁", "以英、日文回覆國外買家來信"),
        ("甲英、日文回覆國外買家來信", "以英、日文回覆國外買家來信"),
    ],
)
def test_a_wrong_character_at_the_end_of_a_line(said: str, value: str) -> None:
    """A text whose first or last character is wrong gets the whole line, though the lines beside it begin with letters."""
    source = f"職責一\n{value}\n職責三"
    found = Grounder(source).find(said)
    assert isinstance(found, list)
    assert [source[slice(*place.span)] for place in found] == [value]


def test_tables(chunks: list[Chunk]) -> None:
    """The written results hold counts by script and change and no text of any document."""
    some = chunks[:10]
    counts = count(some, [ground(chunk) for chunk in some])
    row = {"system": "jdextract", "setting": "as it is", "version": "0", "cpu_seconds": 0.1, "counts": counts}
    told = {"documents": 1, "rounds": 1, "seed": 1, "chunks": 10, "texts": 9, "digest": "0" * 64, "systems": [row]}
    machine = {"cpu": "x", "system": "y", "python": "z"}
    page = write_tables({"date": "2026-01-01", "machine": machine, "sets": {"corpus": told}})
    assert "| jdextract 0 | as it is | hans |" in page
    assert not any(said.text in page for chunk in some for said in chunk.said if len(said.text) > 4)
