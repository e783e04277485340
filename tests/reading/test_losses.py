"""Nothing that an input holds is lost or garbled without a line that says so."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from jdextract.config import ReadingConfig
from jdextract.reading import read, read_bytes
from jdextract.records import ReadFailure, SourceText

DUTY = "岗位职责：负责店铺日常运营"


def outcomes(path: Path, data: bytes, **settings: object) -> list[tuple[str, str]]:
    """(row key, text or error class) of every row."""
    path.write_bytes(data)
    found: list[SourceText | ReadFailure] = list(read([str(path)], ReadingConfig.model_validate(settings)))
    return [
        (each.path.rpartition("#")[2], each.error)
        if isinstance(each, ReadFailure)
        else (each.source.rpartition("#")[2], each.text)
        for each in found
    ]


def test_surplus_cells(tmp_path: Path) -> None:
    """A row with more cells than the header is reported instead of being cut at the surplus comma."""
    data = f"id,text\n1,甲,乙\n2,{DUTY}\n".encode()
    assert outcomes(tmp_path / "a.csv", data) == [("1", "DamagedInput"), ("2", DUTY)]


def test_late_encoding(tmp_path: Path) -> None:
    """The encoding is told from the first Chinese row, however many ASCII rows stand before it."""
    data = b"text\n" + b"plain\n" * 200_000 + DUTY.encode("gbk") + b"\n"
    assert outcomes(tmp_path / "a.csv", data)[-1][1] == DUTY


def test_sparse_rows(tmp_path: Path) -> None:
    """A first JSON row without the text key does not hide the rows that have it."""
    data = '{"id": 1}\n{"id": 2, "text": "甲"}\n'.encode()
    assert outcomes(tmp_path / "a.jsonl", data) == [("1", "EmptyInput"), ("2", "甲")]


def test_odd_values(tmp_path: Path) -> None:
    """Lists, halves of surrogate pairs and rows over the bound never reach a document as they are."""
    data = '{"text": ["甲"]}\n{"text": "\\ud800乙"}\n{"text": "丙丙丙丙"}\n'.encode()
    expected = [("1", "DamagedInput"), ("2", "\ufffd乙"), ("3", "OversizedInput")]
    assert outcomes(tmp_path / "a.jsonl", data, max_characters=3) == expected


def test_stated_dimension(tmp_path: Path) -> None:
    """Rows of a sheet beyond the size that it states are read; a row number no sheet can have ends it."""
    import openpyxl

    book, raw = openpyxl.Workbook(), io.BytesIO()
    for value in ("text", "甲", "乙"):
        book.active.append([value])
    book.save(raw)
    for row, expected in (("3", [("1", "甲"), ("2", "乙")]), ("9000000", [("1", "甲"), ("a.xlsx", "OversizedInput")])):
        changed = io.BytesIO()
        with zipfile.ZipFile(raw) as old, zipfile.ZipFile(changed, "w") as new:
            for name in old.namelist():
                part = old.read(name).replace(b'ref="A1:A3"', b'ref="A1:A2"')
                part = part.replace(b'<row r="3"', f'<row r="{row}"'.encode())
                new.writestr(name, part.replace(b'r="A3"', f'r="A{row}"'.encode()))
        path = tmp_path / "a.xlsx"
        found = outcomes(path, changed.getvalue())
        assert [(key.rpartition("/")[2], text) for key, text in found] == expected


def test_nested_and_merged_cells() -> None:
    """A table in a cell of a Word document is read, and a cell merged over rows stands once."""
    import docx

    document, raw = docx.Document(), io.BytesIO()
    table = document.add_table(2, 2)
    table.cell(0, 0).text = "合并"
    table.cell(0, 0).merge(table.cell(1, 0))
    table.cell(0, 1).add_table(1, 1).cell(0, 0).text = "嵌套"
    document.save(raw)
    text = read_bytes(raw.getvalue(), "a.docx").text
    assert (text.count("合并"), text.count("嵌套")) == (1, 1)


def test_lying_charset() -> None:
    """GBK bytes under `charset=big5`, which they are valid in, are read as what they spell."""
    page = f"<meta charset=big5><p>{DUTY}".encode("gbk")
    assert read_bytes(page, "a.html").text == DUTY


def test_odd_paths(tmp_path: Path) -> None:
    """A null character in a path is one failure, and a name in GBK gives a source that any file takes."""
    (failure,) = read(["a\0b"])
    assert isinstance(failure, ReadFailure)
    assert failure.error == "MissingInput"
    (tmp_path / b"\xb5\xea.txt".decode("utf-8", "surrogateescape")).write_text(DUTY, encoding="utf-8")
    (document,) = read([str(tmp_path)])
    assert isinstance(document, SourceText)
    assert document.source.encode().endswith(rb"\xb5\xea.txt")
