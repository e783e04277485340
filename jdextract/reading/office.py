"""DOCX and PDF -> text. Both are archives that strangers made: sizes are bounded before anything is unpacked."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from jdextract.config import ReadingConfig
from jdextract.errors import DamagedInput, EmptyInput, OversizedInput, ProtectedInput

_HINT_DAMAGED = "open it in an office program, save it again, or export it as text"
_LARGEST_MEMBER = 400_000_000  # bytes, unpacked


def check_archive(data: bytes, config: ReadingConfig) -> None:
    """Refuse an Office archive that is no archive, is encrypted, or expands beyond the bound.

    The sizes that an archive states of itself can lie, so its parts are really inflated and counted, in pieces.
    """
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise ProtectedInput(
            "is encrypted or in the format of Office 97", hint="save it as .docx or .xlsx without a password"
        )
    bound = min(_LARGEST_MEMBER, max(10_000_000, config.max_expansion * len(data)))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > 20_000 or sum(m.file_size for m in members) > bound:
                raise OversizedInput(
                    "expands beyond the bound of its size", hint="reading.max_expansion sets the bound"
                )
            total = 0
            for member in members:
                with archive.open(member) as part:
                    while piece := part.read(1 << 20):
                        total += len(piece)
                        if total > bound:
                            raise OversizedInput(
                                "expands beyond the bound of its size", hint="reading.max_expansion sets the bound"
                            )
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise DamagedInput(f"is no whole Office file ({error})", hint=_HINT_DAMAGED) from error
    except Exception as error:  # zlib.error and lzma.LZMAError have no common base with the above
        if isinstance(error, OversizedInput):
            raise
        raise DamagedInput(f"is no whole Office file ({error})", hint=_HINT_DAMAGED) from error


def extract_docx(data: bytes, config: ReadingConfig) -> str:
    """Paragraphs and tables in order, list numbers restored, cells joined by ` | `."""
    check_archive(data, config)
    import docx

    try:
        document = docx.Document(io.BytesIO(data))
        lines = list(_read_blocks(document))
    except Exception as error:  # python-docx and lxml raise errors of many kinds on damaged parts
        raise DamagedInput(f"can't be read as DOCX ({error})", hint=_HINT_DAMAGED) from error
    text = "\n".join(line for line in lines if line.strip())
    if not text:
        raise EmptyInput("has no text", hint="pictures of text need character recognition first")
    return text


def _read_blocks(document: Any) -> list[str]:
    from docx.table import Table

    numbers: dict[tuple[str, int], int] = {}
    lines: list[str] = []
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            lines.extend(_read_rows(block))
        else:
            lines.append(_list_mark(document, block, numbers) + block.text)
    return lines


def _read_rows(table: Any) -> list[str]:
    """A line a row; a merged cell stands once, and a table inside a cell keeps its rows."""
    from docx.table import Table

    seen: set[Any] = set()
    rows = []
    for row in table.rows:
        cells = []
        for cell in row.cells:
            if cell._tc in seen:  # repeated for every column and row that it spans
                continue
            seen.add(cell._tc)
            parts: list[str] = []
            for block in cell.iter_inner_content():
                parts.extend(_read_rows(block) if isinstance(block, Table) else [block.text])
            cells.append(re.sub(r"\s*\n\s*", "\n", "\n".join(parts).strip()))
        rows.append(" | ".join(cells))
    return rows


def _list_mark(document: Any, paragraph: Any, numbers: dict[tuple[str, int], int]) -> str:
    """`1. ` or `- ` of a list paragraph, whose number Word does not store with the text."""
    properties = paragraph._p.pPr
    style = (paragraph.style.name or "") if paragraph.style is not None else ""
    numbering = properties.numPr if properties is not None else None
    if numbering is None and not style.startswith("List"):
        return ""
    number_id = str(numbering.numId.val) if numbering is not None and numbering.numId is not None else style
    level = int(numbering.ilvl.val) if numbering is not None and numbering.ilvl is not None else 0
    if number_id == "0":
        return ""
    if "Bullet" in style or _is_bullet(document, number_id, level):
        return "- "
    numbers[number_id, level] = numbers.get((number_id, level), 0) + 1
    for deeper in [key for key in numbers if key[0] == number_id and key[1] > level]:
        del numbers[deeper]
    return f"{numbers[number_id, level]}. "


def _is_bullet(document: Any, number_id: str, level: int) -> bool:
    from docx.opc.exceptions import PackageNotFoundError

    try:
        root = document.part.numbering_part.element
    except (KeyError, NotImplementedError, PackageNotFoundError):
        return False
    space = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
    for num in root.iter(f"{space}num"):
        if num.get(f"{space}numId") == number_id:
            abstract = num.find(f"{space}abstractNumId")
            wanted = abstract.get(f"{space}val") if abstract is not None else None
            for definition in root.iter(f"{space}abstractNum"):
                if definition.get(f"{space}abstractNumId") == wanted:
                    for item in definition.iter(f"{space}lvl"):
                        if item.get(f"{space}ilvl") == str(level):
                            form = item.find(f"{space}numFmt")
                            return form is not None and form.get(f"{space}val") == "bullet"
    return False


def extract_pdf(data: bytes, config: ReadingConfig) -> str:
    """The text layer, page after page."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise ProtectedInput("is encrypted", hint="save it without a password") from error
        raise DamagedInput(f"can't be read as PDF ({error})", hint="download it again") from error
    try:
        pages = []
        size = 0
        for index in range(len(document)):
            page = document[index]
            text = page.get_textpage()
            pages.append(text.get_text_bounded())
            text.close()
            page.close()
            size += len(pages[-1])
            if size > config.max_characters:
                raise OversizedInput(
                    f"has over {config.max_characters} characters", hint="reading.max_characters sets the bound"
                )
    except pypdfium2.PdfiumError as error:
        raise DamagedInput(f"can't be read as PDF ({error})", hint="download it again") from error
    finally:
        document.close()
    joined = "\n".join(page.replace("\r\n", "\n").replace("\r", "\n") for page in pages)
    if not joined.strip():
        raise EmptyInput("has no text layer", hint="a scan needs character recognition (OCR) first")
    return joined
