"""Documents together and one by one: the same records, to the last byte."""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import jdextract
from jdextract.annotation import GoldDocument
from jdextract.config import ClassificationConfig, Config, TokensConfig
from jdextract.pipeline import Explained, Pipeline
from jdextract.records import ReadFailure, RoleRecord, SourceText
from tests.samples import source_of

DOCUMENTS = 24


@pytest.fixture(scope="module")
def sources(corpus_documents: list[GoldDocument]) -> list[SourceText]:
    step = max(1, len(corpus_documents) // DOCUMENTS)
    return [source_of(document.text, document.name) for document in corpus_documents[::step][:DOCUMENTS]]


@pytest.fixture(scope="module")
def alone(pipeline: Pipeline, sources: list[SourceText]) -> dict[str, list[str]]:
    """The lines of each document, extracted by itself."""
    return {source.id: dump(pipeline.explain(source)) for source in sources}


def dump(explained: Explained) -> list[str]:
    return [record.model_dump_json() for record in explained.records]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_order_and_any_batch(
    pipeline: Pipeline, sources: list[SourceText], alone: dict[str, list[str]], data: st.DataObject
) -> None:
    """Shuffled documents, in calls of any size, give the same lines as each document alone."""
    left = data.draw(st.permutations(sources))
    while left:
        size = data.draw(st.integers(1, len(left)))
        found = pipeline.explain_many(left[:size])
        assert [each.draft.source for each in found] == left[:size]
        assert [dump(each) for each in found] == [alone[source.id] for source in left[:size]]
        left = left[size:]


def test_more_documents_than_a_group(
    pipeline: Pipeline, sources: list[SourceText], alone: dict[str, list[str]]
) -> None:
    """So do more documents than are worked on at once, and a new pipeline that has read nothing yet."""
    for one in (pipeline, Pipeline()):
        found = one.explain_many(sources * 3)
        assert [dump(each) for each in found] == [alone[source.id] for source in sources] * 3
    assert pipeline.explain_many([]) == []


def test_records_are_valid(pipeline: Pipeline, sources: list[SourceText]) -> None:
    """Each record is what validation makes of its own line, and its spans hold."""
    for source in sources:
        for record in pipeline.extract_one(source):
            assert RoleRecord.model_validate_json(record.model_dump_json()) == record
            assert all(source.text[slice(*duty.span)] == duty.text for duty in record.duties)


def write_pages(folder: Path, texts: Sequence[str]) -> list[str]:
    for number, text in enumerate(texts):
        (folder / f"{number:03}.txt").write_text(text, encoding="utf-8")
    return [str(folder)]


def test_a_run_keeps_the_order(tmp_path: Path, pipeline: Pipeline, sources: list[SourceText]) -> None:
    """Inputs come out in order, one that can't be read among them, and a run finds the records of each document alone."""
    texts = [source.text for source in sources[:20]]
    inputs = write_pages(tmp_path, texts)
    (tmp_path / "010a.docx").write_bytes(b"no archive")
    found = list(pipeline.extract(inputs))
    assert [isinstance(item, ReadFailure) for item in found] == [i == 11 for i in range(21)]
    read = [item for item in found if not isinstance(item, ReadFailure)]
    for (source, explained), text in zip(read, texts, strict=True):
        assert source.text == text
        unmarked = [json.loads(line) for line in dump(explained)]
        for duty in (duty for record in unmarked for duty in record["duties"]):
            duty["duplicate_of"] = None
        assert unmarked == [json.loads(record.model_dump_json()) for record in pipeline.extract_one(source)]


def test_the_first_document_is_not_kept_waiting(tmp_path: Path, pipeline: Pipeline) -> None:
    """The first result of a run comes before the second input is read."""
    inputs = write_pages(tmp_path, ["岗位职责：\n1、负责采购。", "岗位职责：\n1、负责仓库。"])
    run = pipeline.extract(inputs)
    first = next(run)
    assert not isinstance(first, ReadFailure)
    (tmp_path / "001.txt").unlink()
    assert isinstance(next(run), ReadFailure)


def test_functions_load_the_models_once(tmp_path: Path) -> None:
    """Calls with the same settings share a pipeline; other settings, other threads and files of one's own get another."""
    first = jdextract._pipeline(None)
    assert jdextract._pipeline(Config()) is first
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(jdextract._pipeline, None).result() is not first
    other = Config(classification=ClassificationConfig(threshold=0.9))
    assert jdextract._pipeline(other) is jdextract._pipeline(other) is not first
    changing = Config(classification=ClassificationConfig(taxonomy=tmp_path / "taxonomy.yaml"))
    assert jdextract._pipeline(changing) is not jdextract._pipeline(changing)


def test_functions_follow_changed_files(tmp_path: Path) -> None:
    """A user dictionary that changed between two calls is read again."""
    words = tmp_path / "words.txt"
    words.write_text("门店巡查 100\n", encoding="utf-8")
    config = Config(tokens=TokensConfig(user_dictionary=words))
    assert "门店巡查" in jdextract._pipeline(config).extractor.cut("负责门店巡查")
    words.write_text("责门店 100000\n", encoding="utf-8")
    assert "门店巡查" not in jdextract._pipeline(config).extractor.cut("负责门店巡查")


def test_the_garbage_collector_is_left_as_it_was(pipeline: Pipeline, sources: list[SourceText]) -> None:
    """Extraction gives back the collector as it found it, after an error too."""
    pipeline.explain_many(sources[:2])
    assert gc.isenabled()
    with pytest.raises(AttributeError):
        pipeline.explain_many([None])  # type: ignore[list-item]
    assert gc.isenabled()
    gc.disable()
    try:
        pipeline.explain_many(sources[:2])
        assert not gc.isenabled()
    finally:
        gc.enable()
