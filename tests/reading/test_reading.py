"""Files of every format, and inputs that can't be read."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen import canvas

from jdextract.config import ReadingConfig
from jdextract.errors import ReadError
from jdextract.reading import decode, read, read_bytes
from jdextract.records import ReadFailure, SourceText

SIMPLIFIED = "门店督导岗位职责：1、每周巡店，检查陈列与卫生；2、辅导店长完成业绩。"
TRADITIONAL = "門市督導工作內容：1.每週巡店，檢查陳列與衛生；2.輔導店長達成業績目標。"
CONFIG = ReadingConfig()


def make_docx() -> bytes:
    document = docx.Document()
    document.add_paragraph("门店督导岗位职责")
    document.add_paragraph("每周巡店", style="List Number")
    document.add_paragraph("辅导店长", style="List Number")
    document.add_paragraph("驾照优先", style="List Bullet")
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "岗位名称", "门店督导"
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def make_pdf(password: str | None = None, text: str = SIMPLIFIED) -> bytes:
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    out = io.BytesIO()
    page = canvas.Canvas(out, pagesize=A4)
    page.setFont("STSong-Light", 12)
    if text:
        page.drawString(40, 780, text)
    page.showPage()
    page.save()
    if password is None:
        return out.getvalue()
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(out.getvalue())))
    writer.encrypt(password, algorithm="AES-256") if _has_aes() else writer.encrypt(password, algorithm="RC4-128")
    locked = io.BytesIO()
    writer.write(locked)
    return locked.getvalue()


def _has_aes() -> bool:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        return False
    return True


def one(path: Path, **settings: object) -> SourceText | ReadFailure:
    (item,) = read([str(path)], ReadingConfig.model_validate(settings))
    return item


def failure(path: Path, **settings: object) -> ReadFailure:
    item = one(path, **settings)
    assert isinstance(item, ReadFailure), item
    assert item.what
    assert item.hint
    assert item.stage == "reading"
    return item


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "big5hkscs"])
@pytest.mark.parametrize("text", [SIMPLIFIED, TRADITIONAL])
def test_encodings(tmp_path: Path, text: str, encoding: str) -> None:
    """Text in every encoding that can hold it is read as it was written, and the encoding is reported."""
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        pytest.skip("the encoding has no such characters")
    path = tmp_path / "page.txt"
    path.write_bytes(data)
    item = one(path)
    assert isinstance(item, SourceText)
    assert item.text == text
    assert item.encoding.split("-")[0] == encoding.split("-")[0]


@settings(deadline=None)
@given(st.lists(st.sampled_from([*SIMPLIFIED, "\n", "A", "3"]), min_size=12, max_size=60).map("".join))
def test_decode_round_trip(text: str) -> None:
    """What is encoded in GB18030 or UTF-8 decodes to itself."""
    assert decode(text.encode())[0] == text
    if len({c for c in text if c > "\x7f"}) > 5:
        assert decode(text.encode("gb18030"))[0] == text


def test_encoding_can_be_set(tmp_path: Path) -> None:
    """The user's encoding wins over detection."""
    path = tmp_path / "page.txt"
    path.write_bytes(SIMPLIFIED.encode("gb18030"))
    item = one(path, encoding="big5hkscs")
    assert isinstance(item, SourceText)
    assert item.text != SIMPLIFIED


def test_html(tmp_path: Path) -> None:
    """Lists keep their numbers, cells their borders, blocks their lines; scripts and hidden text are left out."""
    path = tmp_path / "page.html"
    path.write_bytes(
        '<html><head><meta charset="gb2312"><title>x</title></head><body><h2>岗位职责</h2><ol><li>巡店<li>培训</ol>'
        "<ul><li>驾照</li></ul><table><tr><td>人数</td><td>2</td></tr></table>甲<br>乙<script>alert(1)</script>"
        '<p style="display:none">隐藏</p><p>&lt;b&gt;</p></body></html>'.encode("gb18030")
    )
    item = one(path)
    assert isinstance(item, SourceText)
    assert item.text.split("\n") == ["岗位职责", "1. 巡店", "2. 培训", "- 驾照", "人数 | 2", "甲", "乙", "<b>"]
    assert item.encoding == "gb18030"


def test_deep_html(tmp_path: Path) -> None:
    """HTML nested 100,000 deep is read, quickly and without recursion."""
    path = tmp_path / "deep.html"
    path.write_text("<div>" * 100_000 + SIMPLIFIED + "</div>" * 100_000, encoding="utf-8")
    item = one(path)
    assert isinstance(item, SourceText)
    assert SIMPLIFIED in item.text


def test_docx(tmp_path: Path) -> None:
    """Paragraphs, list numbers and table cells come in order."""
    path = tmp_path / "page.docx"
    path.write_bytes(make_docx())
    item = one(path)
    assert isinstance(item, SourceText)
    assert item.text.split("\n") == [
        "门店督导岗位职责",
        "1. 每周巡店",
        "2. 辅导店长",
        "- 驾照优先",
        "岗位名称 | 门店督导",
    ]


def test_pdf(tmp_path: Path) -> None:
    """The text layer is read."""
    path = tmp_path / "page.pdf"
    path.write_bytes(make_pdf())
    item = one(path)
    assert isinstance(item, SourceText)
    assert item.text.strip() == SIMPLIFIED


def write_table(path: Path, rows: list[dict[str, str]]) -> None:
    frame = pl.DataFrame(rows)
    if path.suffix == ".csv":
        path.write_bytes(frame.write_csv().encode("utf-8-sig"))
    elif path.suffix == ".tsv":
        path.write_text(frame.write_csv(separator="\t"), encoding="utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    elif path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        book = openpyxl.Workbook()
        book.active.append(list(rows[0]))
        for row in rows:
            book.active.append(list(row.values()))
        book.save(path)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet", ".xlsx"])
def test_tables(tmp_path: Path, suffix: str) -> None:
    """A row is a document: title first, text below, its key in the source; a row without text is named and left out."""
    path = tmp_path / f"table{suffix}"
    write_table(path, [{"no": "a1", "名": "督导", "jd文": SIMPLIFIED}, {"no": "a2", "名": "店长", "jd文": " "}])
    config = ReadingConfig(text_column="jd文", title_column="名", id_column="no")
    good, bad = read([str(path)], config)
    assert isinstance(good, SourceText)
    assert (good.source, good.text) == (f"{path}#a1", f"督导\n{SIMPLIFIED}")
    assert isinstance(bad, ReadFailure)
    assert (bad.path, bad.error) == (f"{path}#a2", "EmptyInput")
    missing = failure(path, text_column="body")
    assert missing.error == "MissingColumn"
    assert "jd文" in missing.what


def test_folders_and_globs(tmp_path: Path) -> None:
    """A folder is read with all below it, in name order; a glob likewise; the run goes on after what can't be read."""
    (tmp_path / "b").mkdir()
    for name in ("b/2.txt", "a.txt", "c.txt"):
        (tmp_path / name).write_text(SIMPLIFIED, encoding="utf-8")
    (tmp_path / "b" / "1.txt").write_bytes(b"")
    names = [getattr(i, "source", None) or i.path for i in read([str(tmp_path)], CONFIG)]
    assert [Path(n).name for n in names] == ["a.txt", "c.txt", "1.txt", "2.txt"]
    assert len(list(read([str(tmp_path / "*.txt")], CONFIG))) == 2
    assert failure(tmp_path / "nothing" / "*.txt").error == "EmptyInput"


def make_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * 300_000_000)
    return out.getvalue()


BAD: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("a.txt", lambda: b"", "EmptyInput"),
    "white space": ("a.txt", lambda: b" \n\t\r\n", "EmptyInput"),
    "random bytes": ("a.txt", lambda: random.Random(1).randbytes(4000), "DamagedInput"),
    "a JPEG called text": (
        "a.txt",
        lambda: b"\xff\xd8\xff\xe0\x00\x10JFIF" + random.Random(2).randbytes(2000),
        "UnsupportedInput",
    ),
    "truncated DOCX": ("a.docx", lambda: make_docx()[:2000], "DamagedInput"),
    "truncated PDF": ("a.pdf", lambda: make_pdf()[:300], "DamagedInput"),
    "zip bomb": ("a.docx", make_bomb, "OversizedInput"),
    "encrypted PDF": ("a.pdf", lambda: make_pdf("secret"), "ProtectedInput"),
    "scanned PDF": ("a.pdf", lambda: make_pdf(text=""), "EmptyInput"),
    "HTML with 100,000 attributes": (
        "a.html",
        lambda: b"<p " + b" ".join(b"a%d=1" % i for i in range(100_000)) + b">",
        "EmptyInput",
    ),
    "HTML without text": ("a.html", lambda: b"<html><script>x</script></html>", "EmptyInput"),
    "JSONL without objects": ("a.jsonl", lambda: b"[1]\n", "DamagedInput"),
    "truncated XLSX": ("a.xlsx", lambda: b"PK\x03\x04" + b"0" * 50, "DamagedInput"),
    "truncated Parquet": ("a.parquet", lambda: b"PAR1" + b"0" * 50, "DamagedInput"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(tmp_path: Path, name: str) -> None:
    """Bad input is one failure that names its kind, and never an exception."""
    file, make, error = BAD[name]
    path = tmp_path / file
    path.write_bytes(make())
    assert failure(path).error == error


def test_one_very_long_line(tmp_path: Path) -> None:
    """A line over the bound of characters is refused, one under it is read."""
    path = tmp_path / "long.txt"
    path.write_text("岗位职责" * 500_000, encoding="utf-8")
    assert failure(path, max_characters=1_000_000).error == "OversizedInput"
    assert failure(path, max_bytes=1_000_000).error == "OversizedInput"
    assert isinstance(one(path), SourceText)


def test_links(tmp_path: Path) -> None:
    """A broken link is a failure, a loop of links ends."""
    (tmp_path / "broken.txt").symlink_to(tmp_path / "gone.txt")
    assert failure(tmp_path / "broken.txt").error == "MissingInput"
    loop = tmp_path / "loop"
    loop.mkdir()
    (loop / "again").symlink_to(loop)
    (loop / "a.txt").write_text(SIMPLIFIED, encoding="utf-8")
    assert len(list(read([str(loop)], CONFIG))) == 1


def test_no_rights(tmp_path: Path) -> None:
    """A folder and a file without rights are failures."""
    if os.geteuid() == 0:
        pytest.skip("root may open everything")
    (tmp_path / "shut").mkdir(mode=0)
    (tmp_path / "shut.txt").write_text(SIMPLIFIED, encoding="utf-8")
    (tmp_path / "shut.txt").chmod(0)
    assert failure(tmp_path / "shut.txt").error == "ProtectedInput"
    assert any(isinstance(i, ReadFailure) for i in read([str(tmp_path / "shut")], CONFIG))


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from([(".docx", make_docx()), (".pdf", make_pdf()), (".html", b"<ol><li>a<li><table><td>b" * 9)]),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=20),
    st.booleans(),
)
def test_fuzz(sample: tuple[str, bytes], changes: list[tuple[int, int]], cut: bool) -> None:
    """Whatever happens to the bytes of a file, nothing but a ReadError is raised."""
    suffix, data = sample
    mutated = bytearray(data)
    for place, value in changes:
        mutated[place % len(mutated)] = value
    with contextlib.suppress(ReadError):
        read_bytes(bytes(mutated[: len(mutated) // 2 if cut else None]), f"x{suffix}", CONFIG)
