"""What comes back for a chunk of work: a typed record a document, ready to be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from jdextract.pipeline import Explained
from jdextract.records import ReadFailure, SourceText

if TYPE_CHECKING:
    from jdextract.llm.doubts import Doubt


@dataclass(frozen=True, slots=True)
class Detail:
    """A document with all that was decided about it: for the page, the table of the first documents, a language model."""

    source: SourceText
    explained: Explained


class DocumentResult(NamedTuple):
    """One document or one failed input. A tuple, because millions of them go from process to process.

    `pieces` joined by what marks a repeat (see `splicing`) are the bytes of its records; there is one piece more than
    duties. `keys` and `places` tell the wording and the place of each duty.
    """

    source: str
    failure: ReadFailure | None = None
    records: int = 0
    pieces: tuple[bytes, ...] = (b"",)
    keys: tuple[bytes, ...] = ()
    places: tuple[bytes, ...] = ()
    detail: Detail | None = None  # only when it was asked for, or there are doubts
    doubts: tuple[Doubt, ...] = ()  # that a language model is asked about


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """The documents of a chunk, in order, and what was counted on the way."""

    documents: tuple[DocumentResult, ...]
    counts: Counter[str] = field(default_factory=Counter)  # duties that are assigned, abstained, named
    dropped: Counter[str] = field(default_factory=Counter)  # stage and reason -> stretches of text
    seconds: dict[str, float] = field(default_factory=dict)  # by stage, and `cpu` of all
    memory: int = 0  # bytes, the peak of the process that made it


def add_seconds(*tables: Mapping[str, float]) -> dict[str, float]:
    """Seconds by stage, summed."""
    total: dict[str, float] = {}
    for table in tables:
        for stage, seconds in table.items():
            total[stage] = total.get(stage, 0.0) + seconds
    return total


def join_parts(parts: Iterable[ChunkResult]) -> ChunkResult:
    """The parts of a chunk, in order, as one result."""
    parts = list(parts)
    return ChunkResult(
        documents=tuple(document for part in parts for document in part.documents),
        counts=sum((part.counts for part in parts), Counter()),
        dropped=sum((part.dropped for part in parts), Counter()),
        seconds=add_seconds(*(part.seconds for part in parts)),
        memory=max((part.memory for part in parts), default=0),
    )
