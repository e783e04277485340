"""`jdextract corpus export` and `jdextract corpus import`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest

from jdextract.cli.corpus import ToolFormat, Unit
from jdextract.interchange import FORMATS, OffsetUnit
from jdextract.taxonomy import load_taxonomy
from tests.cli.conftest import Run
from tests.samples import CORPUS, HANS, HANT, MIXED

CRLF = "⟦T accountant|會計😀⟧：\r\n⟦D accountant|負責做帳⟧；\r\n"


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    """A folder of marked documents: Simplified, Traditional, mixed, and one with CRLF and emoji."""
    folder = tmp_path / "marks"
    folder.mkdir()
    for name in (HANS, HANT, MIXED):
        (folder / f"{name}.mark").write_bytes((CORPUS / f"{name}.mark").read_bytes())
    (folder / "crlf.mark").write_bytes(CRLF.encode())
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("form", FORMATS)
def test_marks_come_back_byte_by_byte(run: Run, tmp_path: Path, marks: Path, form: str) -> None:
    """`import` of what `export` wrote gives the same files."""
    file = tmp_path / "new" / "file"
    result = run("corpus", "export", marks, "-o", file, "--format", form)
    assert result.exit_code == 0, result.stderr
    assert "4 documents" in result.stderr
    assert not result.stdout
    result = run("corpus", "import", file, "-o", tmp_path / "back", "--format", form)
    assert result.exit_code == 0, result.stderr
    assert "4 documents" in result.stderr
    assert contents(tmp_path / "back") == contents(marks)


def test_label_studio_gets_its_interface(run: Run, tmp_path: Path, marks: Path) -> None:
    """Beside the tasks, with the roles; the message names it."""
    result = run("corpus", "export", marks, "-o", tmp_path / "tasks.json", "--format", "label-studio")
    interface = tmp_path / "tasks-interface.xml"
    assert str(interface.name) in result.stderr.replace("\n", "")
    view = ElementTree.fromstring(interface.read_text(encoding="utf-8"))
    assert [choice.get("alias") for choice in view.iter("Choice")] == list(load_taxonomy().role_ids)


def test_the_unit_of_offsets_can_be_said(run: Run, tmp_path: Path, marks: Path) -> None:
    """doccano lines for programs that count code points."""
    file = tmp_path / "lines.jsonl"
    assert run("corpus", "export", marks, "-o", file, "--format", "doccano", "--offsets", "code-point").exit_code == 0
    lines = [json.loads(line) for line in file.read_bytes().split(b"\n") if line]
    (line,) = (line for line in lines if line["name"] == "crlf")
    assert [line["text"][start:end] for start, end, _ in line["label"]] == ["會計😀", "負責做帳"]
    back = ("corpus", "import", file, "-o", tmp_path / "back", "--format", "doccano", "--offsets", "code-point")
    assert run(*back).exit_code == 0
    assert contents(tmp_path / "back") == contents(marks)


def test_what_does_not_fit_is_left_out(run: Run, tmp_path: Path) -> None:
    """The document and the region are named, the others are written, exit code 3; exit code 1 when none is left."""
    good = {"name": "good", "text": "会计", "label": [[0, 2, "title:accountant"]]}
    bad = {"name": "bad", "text": "会计", "label": [[0, 5, "title:accountant"]]}
    file = tmp_path / "lines.jsonl"
    file.write_text(f"{json.dumps(good)}\n{json.dumps(bad)}\n", encoding="utf-8")
    command = ("corpus", "import", file, "-o", tmp_path / "out", "--format", "doccano")
    result = run(*command)
    assert result.exit_code == 3
    assert "lines.jsonl:2 (bad): title:accountant 0-5: span 0-5 is empty or past the end, 2" in result.stderr
    assert contents(tmp_path / "out") == {"good.mark": "⟦T accountant|会计⟧".encode()}
    file.write_text(json.dumps(bad), encoding="utf-8")
    assert run(*command).exit_code == 1


def test_a_role_of_another_taxonomy_is_refused(run: Run, tmp_path: Path, marks: Path) -> None:
    """Export and import check roles against the taxonomy that is given; nothing is written."""
    own = tmp_path / "own.yaml"
    own.write_text(
        "version: '1'\ndomain: test\nfamilies: [{id: desk, zh: 前台}]\n"
        "roles: [{id: clerk, family: desk, zh: 文员}, {id: guard, family: desk, zh: 保安}]\n",
        encoding="utf-8",
    )
    result = run("corpus", "export", marks, "-o", tmp_path / "f", "--format", "doccano", "--taxonomy", own)
    assert result.exit_code == 1
    assert "is not in the taxonomy" in result.stderr
    assert not (tmp_path / "f").exists()


def test_wrong_files_are_messages(run: Run, tmp_path: Path) -> None:
    """No marks, no file, no documents, another format: one line each, and no folder is made."""
    (tmp_path / "empty.json").write_text("[]")
    for arguments, what in (
        (("export", tmp_path, "-o", tmp_path / "f", "--format", "spacy"), "no *.mark in it"),
        (("import", tmp_path / "gone", "-o", tmp_path / "out", "--format", "spacy"), "cannot be opened"),
        (("import", tmp_path / "empty.json", "-o", tmp_path / "out", "--format", "label-studio"), "no documents in it"),
        (("import", tmp_path / "empty.json", "-o", tmp_path / "out", "--format", "spacy"), "is no DocBin"),
    ):
        result = run("corpus", *arguments)
        assert result.exit_code == 1
        assert what in result.stderr
    assert not (tmp_path / "out").exists()


def test_options_offer_what_the_library_takes() -> None:
    """The choices are written twice, so that help needs no library; they must agree."""
    assert tuple(ToolFormat) == FORMATS
    assert tuple(Unit) == get_args(OffsetUnit)
