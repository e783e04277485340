"""The inputs of a run, cut into chunks of work. Chunks depend on the inputs alone, never on how many workers there are."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jdextract.config import ReadingConfig
from jdextract.reading import STANDARD_INPUT, find_paths, is_table, read_path
from jdextract.records import ReadFailure, SourceText

CHUNK_DOCUMENTS = 64
CHUNK_WEIGHT = 4_000_000  # bytes of files and code points of table rows, so that a chunk of long documents stays small


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that is one document; the worker opens it."""

    path: str


Item = InputFile | SourceText | ReadFailure


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of the inputs. `digest` changes when one of its documents does."""

    number: int
    items: tuple[Item, ...]
    digest: bytes


def cut_chunks(inputs: Iterable[str], config: ReadingConfig) -> Iterator[Chunk]:
    """All documents of the inputs in their stable order. Rows of tables are read here, other files are only named."""
    number, weight = 0, 0
    items: list[Item] = []
    marks: list[str] = []
    for item, mark, size in _items(inputs, config):
        if items and (len(items) == CHUNK_DOCUMENTS or weight + size > CHUNK_WEIGHT):
            yield Chunk(number, tuple(items), _digest(marks))
            number, weight, items, marks = number + 1, 0, [], []
        items.append(item)
        marks.append(mark)
        weight += size
    if items:
        yield Chunk(number, tuple(items), _digest(marks))


def _items(inputs: Iterable[str], config: ReadingConfig) -> Iterator[tuple[Item, str, int]]:
    """(item, what identifies its content, size)"""
    for path in find_paths(inputs):
        if isinstance(path, ReadFailure):
            yield path, f"{path.path}\0{path.what}", 0
        elif is_table(path) or str(path) == STANDARD_INPUT:
            for row in _rows(path, config):
                if isinstance(row, ReadFailure):
                    yield row, f"{row.path}\0{row.what}", 0
                else:
                    yield row, f"{row.source}\0{row.id}", len(row.text)
        else:
            name = os.fspath(path)
            try:
                status = os.stat(name)
                yield InputFile(name), f"{name}\0{status.st_size}\0{status.st_mtime_ns}", status.st_size
            except OSError:  # the worker says what is wrong with it
                yield InputFile(name), name, 0


def _rows(path: Path, config: ReadingConfig) -> Iterator[SourceText | ReadFailure]:
    """A reader that fails on what nobody foresaw ends this table, not the run."""
    try:
        yield from read_path(path, config)
    except BaseException as error:
        if not is_of_document(error):
            raise
        yield unforeseen(show_path(path), "reading", error)


def _digest(marks: list[str]) -> bytes:
    return hashlib.blake2b("\n".join(marks).encode("utf-8", "surrogatepass"), digest_size=12).digest()


def show_path(path: str | Path) -> str:
    """The path as records and failures name it: what is not UTF-8 with escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def name_of(item: Item) -> str:
    """What an item is called in messages."""
    if isinstance(item, InputFile):
        return show_path(item.path)
    return item.source if isinstance(item, SourceText) else item.path


def is_of_document(error: BaseException) -> bool:
    """Whether it is the fault of a document: an exception, or a panic of a library written in Rust, which is none."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def unforeseen(where: str, stage: str, error: BaseException) -> ReadFailure:
    """The failure of a document that a stage broke on."""
    return ReadFailure(
        path=where,
        stage=stage,
        error=type(error).__name__,
        what=str(error) or "no message",
        hint="report this document; `jdextract --debug explain FILE` shows the traceback",
    )
