"""Results, in order -> part files: repeats are marked here, by the one process that knows the whole run."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from jdextract.batch.inputs import Chunk
from jdextract.batch.journal import Journal, State
from jdextract.batch.parts import (
    ARTICLES,
    ERRORS,
    NAMES,
    RECORDS,
    ROWS,
    SEEN,
    PartLog,
    Parts,
)
from jdextract.batch.results import ChunkResult, DocumentResult
from jdextract.batch.splicing import CSV_HEAD, Form, fill
from jdextract.deduplication.exact import FirstSeen, mark_repeats
from jdextract.pipeline import Explained
from jdextract.records import ReadFailure
from jdextract.report import NAMED_DOCUMENTS, ReportPage

SUMMARY_ROWS = 200


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is written beside the records, and how they are written."""

    form: Form
    page: ReportPage | None = None
    rows: bool = False  # of the table of the first documents
    texts: bool = False

    @property
    def detailed(self) -> int:
        """How many documents are needed with all their detail."""
        return NAMED_DOCUMENTS if self.page else SUMMARY_ROWS if self.rows else 0


class RunWriter:
    """Appends chunks to the part files of a run and keeps the journal."""

    def __init__(
        self, folder: Path, wishes: Wishes, state: State, journal: Journal | None, stream: BinaryIO | None
    ) -> None:
        """`stream` takes the records instead of a part file; there is no journal then."""
        self.state = state
        self._wishes, self._journal, self._stream = wishes, journal, stream
        head = CSV_HEAD if wishes.form == "csv" else b""
        self._parts = Parts(folder, state.lengths, {} if stream else {RECORDS: head})
        self._digests: list[tuple[int, bytes]] = []
        self._committed = time.monotonic()
        self._seconds: dict[str, float] = {}
        if stream and not state.chunks:
            stream.write(head)
        self._first_seen = FirstSeen(PartLog(self._parts, SEEN))

    @property
    def wants_detail(self) -> bool:
        """Whether the documents that come next may be shown on the page or in the table."""
        return self.state.tally.documents < self._wishes.detailed

    def write(self, chunk: Chunk, result: ChunkResult) -> None:
        """Append one chunk. Raises OSError."""
        start = time.perf_counter()
        marks = self._mark(result)
        marked = time.perf_counter()
        failures = [document.failure for document in result.documents if document.failure]
        records = self._join(result, marks)
        if self._stream:
            self._stream.write(records)
            self._stream.flush()
        else:
            self._parts.append(RECORDS, records)
        if failures:
            self._parts.append(ERRORS, b"".join(map(_error_line, failures)))
        end = time.perf_counter()
        tally = self.state.tally.plus(result, sum(mark is not None for mark in marks))
        tally = tally.plus_seconds({"marking": marked - start, "writing": end - marked} | self._seconds)
        self._seconds = {}
        self.state = replace(self.state, chunks=chunk.number + 1, lengths=self._parts.lengths, tally=tally)
        self._digests.append((chunk.number, chunk.digest))

    def _mark(self, result: ChunkResult) -> list[bytes | None]:
        keys = [key for document in result.documents for key in document.keys]
        places = [place for document in result.documents for place in document.places]
        return self._first_seen.find(keys, places)

    def _join(self, result: ChunkResult, marks: list[bytes | None]) -> bytes:
        lines = []
        done, number = 0, self.state.tally.documents
        for document in result.documents:
            own = marks[done : done + len(document.keys)]
            done += len(own)
            lines.append(fill(document.pieces, own, self._wishes.form))
            if document.failure is None:
                if document.detail and number < self._wishes.detailed:
                    self._show(number, document, own)
                number += 1
        return b"".join(lines)

    def _show(self, number: int, document: DocumentResult, marks: list[bytes | None]) -> None:
        """The document's places on the page and in the table."""
        if document.detail is None:
            return
        source, explained = document.detail.source, document.detail.explained
        marked = Explained(explained.draft, mark_repeats(explained.records, marks))
        if self._wishes.page:
            name, article = self._wishes.page.render(number, source, marked)
            self._parts.append(NAMES, name)
            self._parts.append(ARTICLES, article)
        if self._wishes.rows and number < SUMMARY_ROWS:
            self._parts.append(ROWS, json.dumps(_row(document, marked)).encode() + b"\n")

    def add_seconds(self, stage: str, seconds: float) -> None:
        """Time that was spent for the next chunk outside of it."""
        self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds

    @property
    def waited(self) -> float:
        """Seconds since the last commit."""
        return time.monotonic() - self._committed

    def commit(self, *, moving: bool = False) -> None:
        """Bring all to the disk and keep the state. Does nothing without a journal."""
        self._committed = time.monotonic()
        if self._journal is None:
            return
        self._parts.sync()
        if self._wishes.texts and hasattr(os, "sync"):
            os.sync()  # one call for thousands of small files
        self.state = replace(self.state, moving=moving)
        self._journal.commit(self.state, self._digests)
        self._digests.clear()

    def close(self) -> None:
        """Close all files."""
        self._parts.close()


def _error_line(failure: ReadFailure) -> bytes:
    line = json.dumps(asdict(failure), ensure_ascii=False) + "\n"
    # Half a surrogate pair, as in a file name that is not UTF-8, becomes the JSON escape of itself.
    return line.encode("utf-8", "backslashreplace")


def _row(document: DocumentResult, explained: Explained) -> tuple[str, ...]:
    records = explained.records
    titles = [record.title.text for record in records if record.title]
    shown = "、".join(titles[:3]) + (" …" if len(titles) > 3 else "")
    requirements = sum(len(record.requirements) for record in records)
    return document.source, str(len(records)), str(len(document.keys)), str(requirements), shown
