"""Files, folders, globs and standard input -> SourceText, and a ReadFailure for each input that can't be read."""

from __future__ import annotations

import glob
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from jdextract.config import ReadingConfig
from jdextract.errors import (
    ConfigError,
    DamagedInput,
    EmptyInput,
    MissingInput,
    OversizedInput,
    ProtectedInput,
    ReadError,
    UnsupportedInput,
)
from jdextract.reading.encodings import decode, detect
from jdextract.reading.tables import SUFFIXES as TABLES
from jdextract.reading.tables import read_table
from jdextract.records import ReadFailure, SourceText

__all__ = ["STANDARD_INPUT", "decode", "find_paths", "is_table", "read", "read_bytes", "read_path"]

STANDARD_INPUT = "-"

_TEXT = {".txt": "text/plain", ".md": "text/markdown", ".text": "text/plain", "": "text/plain"}
_HTML = frozenset({".html", ".htm", ".xhtml"})
_OFFICE = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".pdf": "application/pdf",
}
# First bytes of formats that are no text, whatever the file is called.
_MAGIC = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a RIFF container (picture, sound or film)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3", "a SQLite database"),
)


def read(inputs: Iterable[str], config: ReadingConfig | None = None) -> Iterator[SourceText | ReadFailure]:
    """Every document of the inputs, in a stable order: as given, folders and globs sorted by name.

    An input is a file, a folder (read with all below it), a glob, or `-` for standard input. Nothing is raised for an
    input that can't be read: it comes as a ReadFailure and the others go on.
    """
    config = config or ReadingConfig()
    for path in find_paths(inputs):
        if isinstance(path, ReadFailure):
            yield path
        else:
            yield from read_path(path, config)


def find_paths(inputs: Iterable[str]) -> Iterator[Path | ReadFailure]:
    """The files that the inputs name, in the order of `read`, none of them opened. Standard input comes as `Path("-")`."""
    for name in inputs:
        if name == STANDARD_INPUT:
            yield Path(name)
        else:
            yield from _find(name)


def is_table(path: Path) -> bool:
    """Whether the file gives a document a row; any other file is one document."""
    return path.suffix.lower() in TABLES


def _fail(where: str, error: ReadError | ConfigError) -> ReadFailure:
    return ReadFailure(where, "reading", type(error).__name__, error.what, error.hint)


def _guard(start, where: str) -> Iterator[SourceText | ReadFailure]:  # type: ignore[no-untyped-def]
    """Turn what reading raises on purpose, and what the system refuses, into a ReadFailure."""
    try:
        yield from start()
    except (ReadError, ConfigError) as error:
        yield _fail(where, error)
    except PermissionError:
        yield _fail(where, ProtectedInput("may not be opened", hint="check the rights of the file"))
    except FileNotFoundError:
        yield _fail(where, MissingInput("does not exist", hint="check the path; a link may be broken"))
    except OSError as error:
        yield _fail(where, DamagedInput(error.strerror or str(error), hint="check the disk and the path"))


def _find(name: str) -> Iterator[Path | ReadFailure]:
    if "\0" in name:
        yield _fail(name, MissingInput("is no path: it holds a null character", hint="check the path"))
        return
    path = Path(name)
    if path.is_dir():
        found = False
        for item in _walk(path):
            found = True
            yield item
        if not found:
            yield _fail(name, EmptyInput("is a folder without files", hint="check the path"))
    elif glob.has_magic(name) and not os.path.lexists(path):
        matches = sorted(glob.glob(name, recursive=True))
        if not matches:
            yield _fail(name, EmptyInput("matches no file", hint="check the pattern; quote it for the shell"))
        for match in matches:
            yield from _find(match) if os.path.isdir(match) else [Path(match)]
    else:
        yield path


def _walk(folder: Path) -> Iterator[Path | ReadFailure]:
    """Files below a folder, sorted; links to folders are not followed, so that loops end."""
    failures: list[ReadFailure] = []

    def note(error: OSError) -> None:
        failures.append(_fail(str(error.filename), ProtectedInput("may not be opened", hint="check its rights")))

    for root, folders, files in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from failures
        failures.clear()
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(root) / name
    yield from failures


def read_path(path: Path, config: ReadingConfig) -> Iterator[SourceText | ReadFailure]:
    """The documents of one file, or of standard input for `Path("-")`."""
    if str(path) == STANDARD_INPUT:
        yield from _guard(lambda: iter([read_bytes(_take(sys.stdin.buffer, config), "-", config)]), "-")
        return
    # A name that is not UTF-8 (unpacked from a GBK archive) is shown with escapes: no output file takes it as it is.
    where = os.fsencode(path).decode("utf-8", "backslashreplace")
    if is_table(path):
        yield from _guard(lambda: read_table(path, where, config), where)
    else:
        yield from _guard(lambda: iter([read_bytes(_load(path, config), where, config)]), where)


def _load(path: Path, config: ReadingConfig) -> bytes:
    if not path.is_file() and path.exists():
        raise UnsupportedInput("is no regular file", hint="give files or folders")
    with path.open("rb") as file:
        return _take(file, config)


def _take(file: BinaryIO, config: ReadingConfig) -> bytes:
    data = file.read(config.max_bytes + 1)
    if len(data) > config.max_bytes:
        raise OversizedInput(f"has over {config.max_bytes} bytes", hint="reading.max_bytes sets the bound")
    return data


def read_bytes(data: bytes, source: str, config: ReadingConfig | None = None) -> SourceText:
    """One document from its bytes; the kind is told by the suffix of `source` and by the first bytes.

    Raises ReadError.
    """
    config = config or ReadingConfig()
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        raise EmptyInput("is empty", where=source, hint="nothing to do")
    text, encoding, media = _extract(data, Path(source).suffix.lower(), config)
    if len(text) > config.max_characters:
        raise OversizedInput(
            f"has over {config.max_characters} characters", where=source, hint="reading.max_characters sets the bound"
        )
    if not text.strip():
        raise EmptyInput("has no text", where=source, hint="nothing to do")
    return SourceText(hashlib.sha256(data).hexdigest()[:16], source, text, encoding, media)


def _extract(data: bytes, suffix: str, config: ReadingConfig) -> tuple[str, str, str]:
    """(text, encoding, media type)"""
    if suffix == ".docx" or (data.startswith(b"PK\x03\x04") and suffix not in _HTML):
        from jdextract.reading.office import extract_docx

        return extract_docx(data, config), "", _OFFICE[".docx"]
    if suffix == ".pdf" or data.startswith(b"%PDF-"):
        from jdextract.reading.office import extract_pdf

        return extract_pdf(data, config), "", _OFFICE[".pdf"]
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise UnsupportedInput(f"is {what}, not text", hint="convert it to text first")
    if suffix in _HTML or data[:512].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        from jdextract.reading.html import extract_html, find_charset

        stated = config.encoding or _usable(find_charset(data), data)
        text, encoding = decode(data, stated)
        return extract_html(text), encoding, "text/html"
    text, encoding = decode(data, config.encoding)
    return text, encoding, _TEXT.get(suffix, "text/plain")


def _usable(charset: str | None, data: bytes) -> str | None:
    """The stated charset of a page in its widest form, if its bytes can be read in it; pages often lie."""
    wide = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "utf8": "utf-8"}
    name = wide.get(charset or "", charset)
    if name not in ("gb18030", "big5hkscs", "utf-8"):
        return None
    try:
        data.decode(name)
        likely = detect(data)
    except (UnicodeDecodeError, DamagedInput):
        return None
    # GBK bytes are mostly valid Big5 too: between those two the bytes are believed, not the page.
    return name if likely not in ("gb18030", "big5hkscs") else likely
