"""What a run is asked to do, who is told about it, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from jdextract.batch.pool import Limits
from jdextract.batch.results import DocumentResult
from jdextract.batch.tally import Tally


class Observer(Protocol):
    """Is told what happens, in the order of the documents."""

    def begin(self, tally: Tally) -> None:
        """The run begins, or goes on after what is counted here."""

    def see(self, result: DocumentResult) -> None:
        """One document or one failed input was written."""

    def remark(self, text: str) -> None:
        """Something that takes a while begins or has come out."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a run works; nothing here changes what it writes."""

    workers: int | None = None  # processes; None: as many as there are cores; 1: none, all happens in this process
    resume: bool = False  # go on with an interrupted run, if there is one
    restart: bool = False  # forget an interrupted run
    limits: Limits = field(default_factory=Limits)  # of one document, in worker processes
    look_ahead: int = 4  # chunks a worker that may be under way
    patience: float = 2.0  # seconds of work that a crash may cost
    rows: bool = False  # keep rows for a table of the first documents
    setup: Callable[[], None] | None = None  # called in each worker before it begins; must be importable there


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did."""

    tally: Tally
    summary: dict[str, Any]  # what run.json holds
    rows: list[tuple[str, ...]]
