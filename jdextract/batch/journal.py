"""What a run has finished, in one SQLite file, so that another process can go on where this one ended.

The state holds how long each part file was after the last finished chunk. Going on means to cut the files there.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jdextract.batch.tally import Tally
from jdextract.errors import RunError

FILE = "journal.sqlite"
_FORMAT = 1
_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE chunks (number INTEGER PRIMARY KEY, digest BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class State:
    """A moment between two chunks. `moving`: everything is written, the outputs are on their way to their places."""

    chunks: int = 0
    lengths: Mapping[str, int] = field(default_factory=dict)  # of the part files, in bytes
    tally: Tally = field(default_factory=Tally)
    moving: bool = False
    resumed: int = 0  # how often the run was taken up again
    lost: tuple[str, int] = ("0", 0)  # cost and number of calls to a language model whose answers were lost


class Journal:
    """The journal of one run folder. Each `commit` is kept whole or not at all, through a power failure too."""

    def __init__(self, folder: Path) -> None:
        """Open the journal, or begin one. Raises RunError for a file that is none."""
        self._path = folder / FILE
        self._db = sqlite3.connect(self._path, isolation_level=None)
        with self._guard():
            self._db.execute("PRAGMA synchronous = FULL")
            if not self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
                self._db.executescript(f"BEGIN; {_TABLES} COMMIT;")

    def close(self) -> None:
        """Give the file free."""
        self._db.close()

    @property
    def identity(self) -> dict[str, Any] | None:
        """What the run is a run of; None in a new journal."""
        return self._get("identity")

    @property
    def state(self) -> State:
        """The last one that was committed."""
        value = self._get("state")
        if value is None:
            return State()
        tally = Tally.from_json(value["tally"])
        return State(value["chunks"], value["lengths"], tally, value["moving"], value["resumed"], tuple(value["lost"]))

    def begin(self, identity: Mapping[str, Any]) -> None:
        """Say what the run is a run of."""
        with self._guard():
            self._put("identity", dict(identity) | {"format": _FORMAT})

    @property
    def assistance(self) -> dict[str, Any] | None:
        """What `note_assistance` has kept."""
        return self._get("assistance")

    def note_assistance(self, value: Mapping[str, Any]) -> None:
        """Keep when a language model was first asked, and what was planned."""
        with self._guard():
            self._put("assistance", value)

    def commit(self, state: State, digests: Sequence[tuple[int, bytes]] = ()) -> None:
        """Keep a state, and the digests of the chunks since the one before. The part files must be on the disk."""
        value = {
            "chunks": state.chunks,
            "lengths": dict(state.lengths),
            "tally": state.tally.to_json(),
            "moving": state.moving,
            "resumed": state.resumed,
            "lost": state.lost,
        }
        with self._guard():
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR REPLACE INTO chunks VALUES (?, ?)", digests)
            self._put("state", value)
            self._db.execute("COMMIT")

    def digests(self) -> Iterator[bytes]:
        """Digests of the finished chunks, in order."""
        yield from (row[0] for row in self._db.execute("SELECT digest FROM chunks ORDER BY number"))

    def _get(self, name: str) -> dict[str, Any] | None:
        with self._guard():
            row = self._db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        value: dict[str, Any] | None = json.loads(row[0]) if row else None
        return value

    def _put(self, name: str, value: Mapping[str, Any]) -> None:
        self._db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, json.dumps(value)))

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if self._db.in_transaction:
                self._db.rollback()
            raise RunError(f"the journal fails ({error})", where=str(self._path), hint="check the disk") from error
