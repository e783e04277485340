"""Every answer of a language model, in one SQLite file, so that none is paid twice and a run can be replayed.

An answer is committed before it is used. What does not fit its schema is kept as well, under the number of the attempt:
a run that was killed in the middle of a conversation goes on where it stopped. The questions themselves are not kept,
only their digest.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

from jdextract.errors import DamagedInput, MissingInput
from jdextract.llm.exchange import Request, Usage

_FORMAT = "1"  # of the tables and of the keys
_PATIENCE = 60  # seconds to wait for another process that writes

_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE answers (
    key TEXT NOT NULL, attempt INTEGER NOT NULL, model TEXT NOT NULL, prompt TEXT NOT NULL, task TEXT NOT NULL,
    document TEXT NOT NULL, mode TEXT NOT NULL, finish TEXT NOT NULL, text TEXT NOT NULL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cached_input_tokens INTEGER NOT NULL,
    cost TEXT NOT NULL, currency TEXT NOT NULL, batch INTEGER NOT NULL, answered TEXT NOT NULL,
    PRIMARY KEY (key, attempt)
) WITHOUT ROWID;
CREATE TABLE exported (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, prompt TEXT NOT NULL, task TEXT NOT NULL, document TEXT NOT NULL,
    mode TEXT NOT NULL
) WITHOUT ROWID;
"""
# Why a question had no answer: a replay says the same. An answer that came later wins.
_FAILURES = (
    "CREATE TABLE IF NOT EXISTS failures (key TEXT PRIMARY KEY, kind TEXT NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back in one exchange, before the schema is looked at."""

    text: str  # the JSON as the model wrote it, without its thinking
    finish: str  # `stop`, `length`, `content_filter`, …
    usage: Usage
    mode: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose answer it is."""

    model: str
    prompt: str
    task: str
    document: str


def make_key(request: Request[Any], model: str, *, max_tokens: int, extra: str = "") -> str:
    """32 hex digits that differ with the prompt and its version, the schema, the model, the parameters and the text."""
    parts = {
        "format": _FORMAT,
        "prompt": request.prompt,
        "instructions": request.instructions,
        "schema": request.schema.model_json_schema(),
        "model": model,
        "temperature": request.temperature,
        "max_tokens": max_tokens,
        "sample": request.sample,
        "extra": extra,
        "material": request.material,
    }
    text = json.dumps(parts, sort_keys=True)  # ASCII: halves of surrogate pairs are escaped
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class AnswerCache:
    """A context manager, safe to use from several threads and processes."""

    def __init__(self, path: Path, *, replay: bool = False) -> None:
        """Open the file or begin one; for a replay it is only read. Raises MissingInput, DamagedInput."""
        self.path = path
        if replay and not path.exists():
            raise MissingInput("holds no recorded answers", where=str(path), hint="run once without replay")
        path.parent.mkdir(parents=True, exist_ok=True)
        where = f"{path.absolute().as_uri()}?mode={'ro' if replay else 'rwc'}"
        self._lock = threading.Lock()
        self._db = sqlite3.connect(where, uri=True, isolation_level=None, check_same_thread=False, timeout=_PATIENCE)
        try:
            if not replay:
                self._db.execute("PRAGMA synchronous = FULL")
                self._begin()
            found = self._db.execute("SELECT value FROM about WHERE name = 'format'").fetchone()
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise DamagedInput(
                f"is no answer cache ({error})", where=str(path), hint="give another --llm-cache"
            ) from error
        if found != (_FORMAT,):
            self._db.close()
            raise DamagedInput("was made by another version", where=str(path), hint="give another --llm-cache")

    def _begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")  # another process may begin the same file
        if self._db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            for statement in _TABLES.split(";"):
                self._db.execute(statement)
            self._db.execute("INSERT INTO about VALUES ('format', ?)", (_FORMAT,))
        self._db.execute(_FAILURES)
        self._db.execute("COMMIT")

    def __enter__(self) -> AnswerCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def find(self, key: str) -> list[Reply]:
        """The replies to one question so far, attempt after attempt."""
        query = (
            "SELECT text, finish, input_tokens, output_tokens, cached_input_tokens, mode FROM answers"
            " WHERE key = ? ORDER BY attempt"
        )
        with self._lock:
            rows = self._db.execute(query, (key,)).fetchall()
        return [Reply(text, finish, Usage(*tokens), mode) for text, finish, *tokens, mode in rows]

    def add(
        self,
        key: str,
        attempt: int,
        origin: Origin,
        reply: Reply,
        *,
        cost: Decimal = Decimal(0),
        currency: str = "",
        batch: bool = False,
    ) -> bool:
        """Commit one reply. Returns False where another process was faster; its reply stays."""
        usage = reply.usage
        values = (
            *(key, attempt, origin.model, origin.prompt, origin.task, origin.document, reply.mode, reply.finish),
            *(reply.text.encode("utf-8", "replace").decode(), usage.input_tokens, usage.output_tokens),
            *(usage.cached_input_tokens, str(cost), currency, batch, datetime.now(UTC).isoformat(timespec="seconds")),
        )
        insert = f"INSERT OR IGNORE INTO answers VALUES ({','.join('?' * len(values))})"
        try:
            with self._lock:
                return self._db.execute(insert, values).rowcount == 1
        except sqlite3.Error as error:
            hint = "see that there is room, or give another --llm-cache"
            raise DamagedInput(f"cannot be written ({error})", where=str(self.path), hint=hint) from error

    def note_failures(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Remember (key, kind, reason) of questions without an answer."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR REPLACE INTO failures VALUES (?, ?, ?)", rows)
            self._db.execute("COMMIT")

    def find_failure(self, key: str) -> tuple[str, str] | None:
        """Kind and reason of a question that had no answer when it was last asked."""
        try:
            with self._lock:
                row = self._db.execute("SELECT kind, reason FROM failures WHERE key = ?", (key,)).fetchone()
        except sqlite3.OperationalError:  # a file from before there was this table, opened to be read only
            return None
        return None if row is None else (row[0], row[1])

    def spent_since(self, began: datetime, model: str) -> tuple[Decimal, int]:
        """What was paid for answers of a model from a moment on, and how many answers it was; batch files do not count."""
        query = "SELECT cost FROM answers WHERE model = ? AND answered >= ? AND batch = 0"
        with self._lock:
            rows = self._db.execute(query, (model, began.astimezone(UTC).isoformat(timespec="seconds"))).fetchall()
        return sum((Decimal(cost) for (cost,) in rows), Decimal(0)), len(rows)

    def note_exported(self, entries: Iterable[tuple[str, Origin, str]]) -> None:
        """Remember (key, origin, mode) of what was written into a batch file, all or nothing."""
        rows = [(key, o.model, o.prompt, o.task, o.document, mode) for key, o, mode in entries]
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR REPLACE INTO exported VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._db.execute("COMMIT")

    def find_exported(self, key: str) -> tuple[Origin, str] | None:
        """Origin and mode of a question that was written into a batch file."""
        query = "SELECT model, prompt, task, document, mode FROM exported WHERE key = ?"
        with self._lock:
            row = self._db.execute(query, (key,)).fetchone()
        return None if row is None else (Origin(*row[:4]), row[4])

    def spent(self) -> list[dict[str, Any]]:
        """What all runs together have paid, by model, task, currency and whether it was a batch."""
        query = (
            "SELECT model, task, currency, batch, count(*), sum(input_tokens), sum(output_tokens),"
            " group_concat(cost, ' ') FROM answers GROUP BY model, task, currency, batch ORDER BY 1, 2, 3, 4"
        )
        with self._lock:
            rows = self._db.execute(query).fetchall()
        names = ("model", "task", "currency", "batch", "answers", "input_tokens", "output_tokens")
        return [
            dict(zip(names, row[:7], strict=True)) | {"batch": bool(row[3]), "cost": sum(map(Decimal, row[7].split()))}
            for row in rows
        ]
