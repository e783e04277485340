"""Zoning of many documents at once."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pycrfsuite
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.annotation import GoldDocument
from jdextract.errors import ModelError
from jdextract.extraction import segments, stretches
from jdextract.extraction.crf import SequenceModel
from jdextract.extraction.extractor import Extractor
from jdextract.extraction.features import PARTS, find_parts, spell
from jdextract.extraction.marks import mark_finder
from jdextract.extraction.script import fold
from jdextract.extraction.stretches import find_signs
from jdextract.extraction.zoning import ZoningModel, describe, find_atoms, find_keys, find_spans
from jdextract.locations import find_data

ZONES = find_data("models/zoning") / "zones.crfsuite"


@pytest.fixture(scope="module")
def model() -> ZoningModel:
    return ZoningModel.load(find_data("models/zoning"), Extractor().cut)


@pytest.fixture(scope="module")
def texts(corpus_documents: list[GoldDocument]) -> list[str]:
    return [fold(document.text) for document in corpus_documents[::3]]


def test_decoding_is_that_of_crfsuite(model: ZoningModel, texts: list[str]) -> None:
    """Labels are those that CRFsuite gives to the spelled features, and probabilities agree to 9 digits."""
    sequence, tagger = SequenceModel.load(ZONES), pycrfsuite.Tagger()
    tagger.open(str(ZONES))
    assert list(sequence.labels) == tagger.labels()
    rows = [describe(d.folded, d.atoms, d.stretches) for d in model._read(texts)]
    scores = np.array([sequence.sum_weights(features) for row in rows for features in row])
    best, chances = sequence.decode(scores, [len(row) for row in rows])
    wanted, probabilities = [], []
    for row in rows:
        wanted += tagger.tag(row)
        probabilities += [[tagger.marginal(label, i) for label in sequence.labels] for i in range(len(row))]
    assert [sequence.labels[k] for k in best] == wanted
    np.testing.assert_allclose(chances, probabilities, atol=1e-9)


def test_scores_of_parts_are_those_of_features(model: ZoningModel, texts: list[str]) -> None:
    """Summing remembered parts gives what the features of each atom add up to; every atom has all its parts."""
    sequence = SequenceModel.load(ZONES)
    for document in model._read(texts):
        parts = find_parts(document.folded, document.atoms, document.stretches)
        assert {len(row) for row in parts} <= {PARTS}
        features = [[name for part in row for name in spell(part)] for row in parts]
        wanted = np.array([sequence.sum_weights(row) for row in features]).reshape(-1, len(sequence.labels))
        np.testing.assert_allclose(model._score([document]), wanted, atol=1e-12)


@settings(deadline=None, max_examples=8)
@given(st.randoms(use_true_random=False), st.integers(1, 20))
def test_a_document_is_zoned_alike_in_any_company(
    model: ZoningModel, texts: list[str], random: object, size: int
) -> None:
    """Zones and scores of a document, to the last bit, depend neither on the batch nor on what was read before."""
    order = list(range(len(texts)))
    random.shuffle(order)  # type: ignore[attr-defined]
    batch = [texts[k] for k in order[:size]]
    fresh = ZoningModel.load(find_data("models/zoning"), Extractor().cut)
    assert model.zone_many(batch) == [fresh.zone(text) for text in batch]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch, model: ZoningModel, texts: list[str]) -> None:
    """Beyond its bound what was remembered is dropped, and the result is the same."""
    wanted = model.zone_many(texts[:6])
    small = ZoningModel.load(find_data("models/zoning"), Extractor().cut)
    monkeypatch.setattr(stretches, "_REMEMBERED", 20)
    monkeypatch.setattr("jdextract.extraction.zoning._REMEMBERED", 20)
    for text, zoned in zip(texts[:6], wanted, strict=True):
        assert small.zone(text) == zoned
        assert len(small._reader._known) <= max(20, len(set(find_keys(text, find_spans(text, find_atoms(text))))))


def test_nothing_is_zoned_in_nothing(model: ZoningModel) -> None:
    """Empty documents among others have no atoms and disturb nobody."""
    assert model.zone_many(["", "岗位职责：1、负责采购。", " \n"])[0] == []
    assert model.zone_many([]) == []


def test_marks_begin_as_their_rules_say(texts: list[str]) -> None:
    """Trying every rule everywhere, not only at the characters that begin its marks, finds the same marks."""
    finder = mark_finder()
    slow = re.compile("|".join(rule.pattern for rule in finder._rules), re.IGNORECASE)

    def find_marks(text: str) -> list[tuple[tuple[int, int], str | None]]:
        find_next, marks = finder.find(text), []
        while mark := find_next(marks[-1][0][1] if marks else 0):
            marks.append((mark.span(), mark.lastgroup))
        return marks

    scraps = [
        "olli负责采购",
        " ulliolli",
        "/p负责",
        "br 负责",
        "pp4及时",
        "app2、核对",
        "?3?负责",
        "l、负责",
        "II. 负责",
        "n负责",
        "&nbsp负责",
    ]
    scraps += [
        "第十二条 负责",
        "篇三:",
        "（3）",
        "甲、负责",
        "壹、負責",
        "b.负责",
        "</div>负责",
        "spanspan负责",
        "·负责",
        "一是负责",
        "2.3 售后组",
    ]
    for text in [*texts, *map("前".__add__, scraps), *map("。".__add__, scraps), *scraps, "".join(scraps)]:
        assert find_marks(text) == [(m.span(), m.lastgroup) for m in slow.finditer(text)], text[:80]


def test_headings_are_found_by_their_phrases(texts: list[str]) -> None:
    """Trying the heading pattern only near its phrases finds what trying it everywhere finds."""
    pattern = segments._heading_pattern()
    for text in texts[::4]:
        everywhere = {place for place in range(len(text)) if pattern.match(text, place)}
        assert {match.start() for match in segments._find_headings(text)} == everywhere


def test_signs_are_read_alike_by_both_engines(texts: list[str]) -> None:
    """The patterns of evidence mean in Rust what they mean in Python, for half characters and emoji too."""
    from jdextract.data import load_rules

    rules = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in load_rules("evidence").items()}
    keys = {key[0] for text in texts for key in find_keys(text, find_spans(text, find_atoms(text)))}
    samples = [*sorted(keys), "月薪\ud800", "😀5人", ""]
    for sample, signs in zip(samples, find_signs(samples), strict=True):
        assert signs == tuple(name for name, pattern in rules.items() if pattern.search(sample)), sample


@pytest.mark.parametrize("damage", [b"", b"lCRF", b"lCRF" + b"\xff" * 60, b"PK\x03\x04" + b"\0" * 80])
def test_a_damaged_model_is_refused(tmp_path: Path, damage: bytes) -> None:
    """What is no model of CRFsuite gives an error with its place, not a crash."""
    source = find_data("models/zoning")
    for name in ("content.npz", "metrics.json"):
        (tmp_path / name).write_bytes((source / name).read_bytes())
    (tmp_path / "zones.crfsuite").write_bytes(damage)
    with pytest.raises(ModelError, match="can't be loaded"):
        ZoningModel.load(tmp_path, Extractor().cut)


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.97])
def test_a_truncated_model_is_refused(tmp_path: Path, cut: float) -> None:
    """A file that was cut off is refused."""
    data = ZONES.read_bytes()
    (tmp_path / "zones").write_bytes(data[: int(len(data) * cut)])
    with pytest.raises(ValueError, match="CRFsuite"):
        SequenceModel.load(tmp_path / "zones")
