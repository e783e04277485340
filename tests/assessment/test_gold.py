"""Every form of gold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jdextract.annotation import gold_json, write_marks
from jdextract.assessment.gold import load_gold
from jdextract.errors import EmptyInput, MissingInput, TaxonomyError, UnsupportedInput
from tests.judged import SENTENCES, TAXONOMY, write_rows
from tests.samples import HANS, HANT, MIXED, gold


def write_gold(folder: Path, *names: str) -> Path:
    """Gold files with their texts in documents/ beside them."""
    (folder / "documents").mkdir(parents=True)
    for name in names:
        document = gold(name)
        (folder / "documents" / f"{name}.txt").write_bytes(document.text.encode())
        (folder / f"{name}.json").write_text(json.dumps(gold_json(document), ensure_ascii=False), encoding="utf-8")
    return folder


def test_all_forms_of_gold_give_the_same_documents(tmp_path: Path) -> None:
    """Gold files, marks in a folder or its documents/, and single files are read alike."""
    files = write_gold(tmp_path / "gold", HANS, HANT)
    marks = tmp_path / "corpus" / "documents"
    marks.mkdir(parents=True)
    for name in (HANS, HANT):
        (marks / f"{name}.mark").write_bytes(write_marks(gold(name)).encode())
    forms = [
        [files],
        [files / f"{HANT}.json", files / f"{HANS}.json"],
        [marks],
        [marks.parent],
        [marks / f"{HANS}.mark", marks / f"{HANT}.mark"],
    ]
    found = [load_gold(form, TAXONOMY) for form in forms]
    wanted = {name: (gold(name).text, gold_json(gold(name))) for name in (HANS, HANT)}
    for each in found:
        assert not each.failures
        assert {p.document.name: (p.source.text, gold_json(p.document)) for p in each.pages} == wanted


def test_only_documents_kept_for_reporting_are_read(tmp_path: Path) -> None:
    """Where splits lie beside the marks, what models were built or tuned on is left out and counted."""
    for name in (HANS, HANT, MIXED):
        (tmp_path / f"{name}.mark").write_bytes(write_marks(gold(name)).encode())
    rows = f"name,shape,hand,split,sample\n{HANS},a,x,build,no\n{HANT},a,x,report,no\n"
    (tmp_path / "splits.csv").write_text(rows, encoding="utf-8")
    found = load_gold([tmp_path], TAXONOMY)
    assert [page.document.name for page in found.pages] == sorted((HANT, MIXED))
    assert found.left_out == 1


def test_sentences_keep_their_values(tmp_path: Path) -> None:
    """Optional values are kept, ids and sources follow from the file where they lack; separators in a text end no line."""
    path = tmp_path / "rows.jsonl"
    row = {"text": "审核\u2028凭证", "role": "accountant", "title": "会计", "register": "terse", "industry": "retail"}
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n\n", encoding="utf-8")
    (found,) = load_gold([path], TAXONOMY).sentences
    assert (found.text, found.title, found.register, found.industry) == ("审核\u2028凭证", "会计", "terse", "retail")
    assert (found.id, found.source) == ("rows.jsonl:1", "rows")


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    """A broken row, a gold value that is not in its text and a text that is missing are failures with their place."""
    folder = write_gold(tmp_path / "gold", HANS, HANT)
    (folder / "documents" / f"{HANS}.txt").write_text("别的内容", encoding="utf-8")
    (folder / "lost.json").write_text('{"doc": "lost.txt", "records": []}', encoding="utf-8")
    rows = write_rows(tmp_path / "rows.jsonl")
    rows.write_text(rows.read_text(encoding="utf-8") + '{"text": "x"}\nnot JSON\n', encoding="utf-8")
    found = load_gold([folder, rows], TAXONOMY)
    places = [failure.path for failure in found.failures]
    assert places == [str(folder / f"{HANS}.json"), str(folder / "lost.json"), "rows.jsonl:9", "rows.jsonl:10"]
    assert len(found.pages) == 1
    assert len(found.sentences) == len(SENTENCES)


def test_a_gold_file_reads_no_text_outside_its_folder(tmp_path: Path) -> None:
    """A path in `doc` leads nowhere else."""
    (tmp_path / "secret.txt").write_text("会计岗位职责", encoding="utf-8")
    folder = tmp_path / "gold"
    folder.mkdir()
    (folder / "a.json").write_text('{"doc": "../secret.txt", "records": []}', encoding="utf-8")
    with pytest.raises(EmptyInput):
        load_gold([folder], TAXONOMY)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda folder: folder / "nothing", MissingInput),
        (lambda folder: write_rows(folder / "rows.csv"), UnsupportedInput),
        (lambda folder: folder, EmptyInput),
        (lambda folder: write_rows(folder / "rows.jsonl", [("审核凭证", "astronaut")]), TaxonomyError),
    ],
)
def test_no_gold_is_an_error(tmp_path: Path, make: Any, error: type[Exception]) -> None:
    """A path without gold, and a role that the taxonomy does not have, are told before anything runs."""
    with pytest.raises(error) as raised:
        load_gold([make(tmp_path)], TAXONOMY)
    assert raised.value.hint  # type: ignore[attr-defined]
