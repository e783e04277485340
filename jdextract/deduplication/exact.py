"""Exact repeats of duties, found on the way through a run."""

from __future__ import annotations

import sqlite3
from types import TracebackType

from jdextract.deduplication.wordings import wording_key
from jdextract.records import RoleRecord


class FirstSeen:
    """Where each duty first stood in this run.

    Held in a temporary SQLite file that spills from memory by itself, so that memory does not grow with the run.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("")  # "": a private file, deleted on close, cached in memory
        self._db.execute("PRAGMA cache_size = -65536")  # 64 MB
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, place TEXT NOT NULL) WITHOUT ROWID")

    def __enter__(self) -> FirstSeen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._db.close()

    def mark(self, record: RoleRecord) -> RoleRecord:
        """The record with `duplicate_of` set to `record_id#index` of the first occurrence of each repeated duty."""
        duties = []
        for index, duty in enumerate(record.duties):
            key = wording_key(duty.normalized)
            place = f"{record.record_id}#{index}"
            row = self._db.execute("SELECT place FROM seen WHERE key = ?", (key,)).fetchone()
            if row is None:
                self._db.execute("INSERT INTO seen VALUES (?, ?)", (key, place))
                duties.append(duty)
            else:
                duties.append(duty.model_copy(update={"duplicate_of": row[0]}))
        return record.model_copy(update={"duties": tuple(duties)})
