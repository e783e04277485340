"""An index of all texts of earlier runs, in one SQLite file, so that a new batch costs what the batch is worth.

Ids of clusters never change: a text that is near to two clusters merges the younger into the older one, and the merge is
kept (`resolve`). Documents that the index has seen are not counted again.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from jdextract.deduplication.clustering import Keys
from jdextract.deduplication.duplicates import Cluster, Duplicates, Known
from jdextract.deduplication.grains import GrainName, get_grain
from jdextract.deduplication.wordings import Wording
from jdextract.errors import DamagedInput, MissingInput

FILE = "index.sqlite"
_FORMAT = "1"  # of the tables and of the keys
_MOST_PER_KEY = 8  # clusters that one key proposes
_CHUNK = 500  # values of one query; SQLite allows at least 999

_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE batches (number INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE documents (id TEXT PRIMARY KEY, batch INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE clusters (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, grain TEXT NOT NULL, batch INTEGER NOT NULL,
    first_seen TEXT NOT NULL, merged_into INTEGER, representative INTEGER
);
CREATE TABLE texts (
    number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, cluster INTEGER NOT NULL, form TEXT NOT NULL,
    place TEXT NOT NULL, occurrences INTEGER NOT NULL, batch INTEGER NOT NULL
);
CREATE INDEX texts_of_cluster ON texts (cluster);
CREATE TABLE keys (
    grain TEXT NOT NULL, key INTEGER NOT NULL, cluster INTEGER NOT NULL, text INTEGER NOT NULL,
    PRIMARY KEY (grain, key, cluster)
) WITHOUT ROWID;
CREATE TABLE sources (
    cluster INTEGER NOT NULL, source TEXT NOT NULL, documents INTEGER NOT NULL, PRIMARY KEY (cluster, source)
) WITHOUT ROWID;
"""
_SELECT = """
SELECT t.form, t.place, c.id, c.number, c.representative = t.number
FROM texts t JOIN clusters c ON c.number = t.cluster
"""


class DuplicateIndex:
    """Texts, keys and clusters of every batch so far. A context manager; nothing is written before `add` has ended."""

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        """Open the index in `folder`, or begin one. Raises MissingInput, DamagedInput."""
        self._path = folder / FILE
        new = not self._path.exists()
        if new and not create:
            raise MissingInput(
                "holds no index", where=str(folder), hint="make one with `jdextract dedup --index` or `dataset build`"
            )
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(self._path, isolation_level=None)
        try:
            self._db.execute("PRAGMA cache_size = -65536")  # 64 MB
            if new:
                self._db.executescript(f"BEGIN; {_TABLES}; INSERT INTO about VALUES ('format', '{_FORMAT}'); COMMIT;")
            found = self._db.execute("SELECT value FROM about WHERE name = 'format'").fetchone()
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise DamagedInput(f"is no index ({error})", where=str(self._path), hint="make it again") from error
        if found != (_FORMAT,):
            self._db.close()
            raise DamagedInput("was made by another version", where=str(self._path), hint="make it again")

    def __enter__(self) -> DuplicateIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._db.close()

    def find_texts(self, grain: GrainName, plain: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Known]:
        """The texts that the index holds among these (plain, name)."""
        found: dict[tuple[str, str], Known] = {}
        for some in _chunks([_digest(grain, text, name) for text, name in plain]):
            for row in self._db.execute(f"{_SELECT} WHERE t.digest IN ({_marks(some)})", some):
                known = _known(row)
                found[(known.wording.plain, known.wording.name)] = known
        return found

    def find_candidates(self, grain: GrainName, keys: Keys) -> list[Known]:
        """Texts that share a key with one of these, and the representatives of their clusters."""
        import numpy as np

        signed = np.unique(keys.values).view(np.int64).tolist()
        texts: set[int] = set()
        for some in _chunks(signed):
            query = (
                "SELECT text, row_number() OVER (PARTITION BY key ORDER BY cluster) AS place FROM keys"
                f" WHERE grain = ? AND key IN ({_marks(some)})"
            )
            rows = self._db.execute(f"SELECT text FROM ({query}) WHERE place <= {_MOST_PER_KEY}", [grain, *some])
            texts.update(row[0] for row in rows)
        clusters: set[int] = set()
        found: dict[tuple[str, str], Known] = {}
        for some in _chunks(sorted(texts)):
            clusters.update(self._collect(f"{_SELECT} WHERE t.number IN ({_marks(some)})", some, found))
        for some in _chunks(sorted(clusters)):
            self._collect(f"{_SELECT} WHERE c.number IN ({_marks(some)}) AND c.representative = t.number", some, found)
        return list(found.values())

    def _collect(self, query: str, values: Sequence[Any], found: dict[tuple[str, str], Known]) -> set[int]:
        rows = [_known(row) for row in self._db.execute(query, values)]
        found.update({(known.wording.plain, known.wording.name): known for known in rows})
        return {known.age for known in rows}

    def unseen(self, documents: Iterable[str]) -> set[str]:
        """Those documents that no batch has brought yet."""
        left = set(documents)
        for some in _chunks(sorted(left)):
            left.difference_update(
                row[0] for row in self._db.execute(f"SELECT id FROM documents WHERE id IN ({_marks(some)})", some)
            )
        return left

    def add(self, found: Sequence[Duplicates], batch: str) -> None:
        """Take in what was found in one batch (all grains), completely or not at all. A batch that brings no new document
        leaves the file as it is."""
        if not self.unseen(name for each in found for name in each.occurrences.document_names.names):
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._add(found, batch)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _add(self, found: Sequence[Duplicates], batch: str) -> None:
        number = self._db.execute("INSERT INTO batches (name) VALUES (?)", (batch,)).lastrowid or 0
        fresh = self.unseen(name for each in found for name in each.occurrences.document_names.names)
        for each in found:
            ordered = sorted(each.clusters, key=lambda c: c.id)
            keys = _keys_of_new(each.grain, ordered)
            for cluster in ordered:
                self._add_cluster(each, cluster, fresh, number, keys)
        self._db.executemany("INSERT INTO documents VALUES (?, ?)", ((id_, number) for id_ in sorted(fresh)))

    def _add_cluster(
        self, found: Duplicates, cluster: Cluster, fresh: Collection[str], batch: int, keys: Iterator[list[int]]
    ) -> None:
        row = self._db.execute("SELECT number FROM clusters WHERE id = ?", (cluster.id,)).fetchone()
        if row is None:
            places = [found.occurrences.places[i] for v in cluster.variants for i in v.places]
            values = (cluster.id, found.grain, batch, min(places))
            insert = "INSERT INTO clusters (id, grain, batch, first_seen) VALUES (?, ?, ?, ?)"
            row = (self._db.execute(insert, values).lastrowid,)
        (number,) = row
        for absorbed in cluster.absorbed:
            self._merge(absorbed, number)
        self._add_texts(found, cluster, number, batch, keys)
        self._count(found, cluster, number, fresh)

    def _merge(self, absorbed: str, into: int) -> None:
        (old,) = self._db.execute("SELECT number FROM clusters WHERE id = ?", (absorbed,)).fetchone()
        self._db.execute("UPDATE clusters SET merged_into = ? WHERE number = ? OR merged_into = ?", (into, old, old))
        self._db.execute("UPDATE texts SET cluster = ? WHERE cluster = ?", (into, old))
        for source, documents in self._db.execute(
            "SELECT source, documents FROM sources WHERE cluster = ?", (old,)
        ).fetchall():
            self._count_source(into, source, documents)
        self._db.execute("DELETE FROM sources WHERE cluster = ?", (old,))

    def _add_texts(
        self, found: Duplicates, cluster: Cluster, number: int, batch: int, keys: Iterator[list[int]]
    ) -> None:
        for variant in cluster.variants:
            if variant.known:
                continue
            w = variant.wording
            form = json.dumps([w.plain, w.masked, w.folded, w.name, variant.text], ensure_ascii=False)
            values = (_digest(found.grain, w.plain, w.name), number, form, variant.place, batch)
            insert = "INSERT INTO texts (digest, cluster, form, place, batch, occurrences) VALUES (?, ?, ?, ?, ?, 0)"
            text = self._db.execute(insert, values).lastrowid
            self._db.executemany(
                "INSERT OR IGNORE INTO keys VALUES (?, ?, ?, ?)",
                ((found.grain, key, number, text) for key in next(keys)),
            )
            if variant.duplicate is None:
                update = "UPDATE clusters SET representative = ? WHERE number = ? AND representative IS NULL"
                self._db.execute(update, (text, number))

    def _count(self, found: Duplicates, cluster: Cluster, number: int, fresh: Collection[str]) -> None:
        names = found.occurrences
        seen: set[tuple[str, str]] = set()
        for variant in cluster.variants:
            counted = 0
            for i in variant.places:
                document = names.document_names.names[names.documents[i]]
                if document in fresh:
                    counted += 1
                    seen.add((names.source_names.names[names.sources[i]], document))
            if counted:
                digest = _digest(found.grain, variant.wording.plain, variant.wording.name)
                self._db.execute("UPDATE texts SET occurrences = occurrences + ? WHERE digest = ?", (counted, digest))
        for source in sorted({source for source, _ in seen}):
            self._count_source(number, source, sum(1 for name, _ in seen if name == source))

    def _count_source(self, cluster: int, source: str, documents: int) -> None:
        self._db.execute(
            "INSERT INTO sources VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET documents = documents + excluded.documents",
            (cluster, source, documents),
        )

    def texts(self) -> Iterator[str]:
        """Every text of the index."""
        yield from (json.loads(form)[4] for (form,) in self._db.execute("SELECT form FROM texts ORDER BY number"))

    def forget(self, hides: Callable[[str], bool]) -> int:
        """Erase the texts for which `hides` holds, also from the bytes of the file. Returns how many there were.

        Clusters, their ids and counts stay; what was erased is not recognised any more.
        """
        rows = self._db.execute("SELECT number, form FROM texts").fetchall()
        gone = [(number,) for number, form in rows if hides(json.loads(form)[4])]
        if gone:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("DELETE FROM texts WHERE number = ?", gone)
            self._db.executemany("DELETE FROM keys WHERE text = ?", gone)
            self._db.execute("COMMIT")
            self._db.execute("VACUUM")
        return len(gone)

    def merges(self) -> dict[str, str]:
        """{id of an absorbed cluster: id of the one that it is part of now}."""
        query = "SELECT a.id, b.id FROM clusters a JOIN clusters b ON b.number = a.merged_into ORDER BY a.number"
        return dict(self._db.execute(query).fetchall())

    def summary(self, cluster: str) -> Mapping[str, Any]:
        """What the index knows of a cluster over all batches: occurrences, documents, sources, variants, first seen."""
        row = self._db.execute(
            "SELECT c.number, c.first_seen, b.name FROM clusters c JOIN batches b ON b.number = c.batch WHERE c.id = ?",
            (cluster,),
        ).fetchone()
        if row is None:
            raise KeyError(cluster)
        number, first_seen, batch = row
        texts = self._db.execute(
            "SELECT form, occurrences FROM texts WHERE cluster = ? ORDER BY occurrences DESC, number", (number,)
        ).fetchall()
        sources = dict(
            self._db.execute(
                "SELECT source, documents FROM sources WHERE cluster = ? ORDER BY source", (number,)
            ).fetchall()
        )
        return {
            "id": cluster,
            "first_seen": first_seen,
            "first_batch": batch,
            "occurrences": sum(count for _, count in texts),
            "documents": sum(sources.values()),
            "sources": sources,
            "variants": [{"text": json.loads(form)[4], "occurrences": count} for form, count in texts],
        }


def _keys_of_new(grain: GrainName, clusters: Sequence[Cluster]) -> Iterator[list[int]]:
    """Keys of the texts that the index does not hold yet, in order."""
    import numpy as np

    wordings = [variant.wording for cluster in clusters for variant in cluster.variants if not variant.known]
    keys = get_grain(grain).keys(wordings)
    order = np.argsort(keys.texts, kind="stable")
    values = keys.values[order].view(np.int64)
    yield from (
        part.tolist() for part in np.split(values, np.cumsum(np.bincount(keys.texts, minlength=len(wordings)))[:-1])
    )


def _digest(grain: GrainName, plain: str, name: str) -> bytes:
    return hashlib.blake2b(f"{grain}\t{name}\t{plain}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _known(row: tuple[str, str, str, int, int | None]) -> Known:
    form, place, cluster, age, leads = row
    plain, masked, folded, name, text = json.loads(form)
    return Known(Wording(plain, masked, folded, name), text, place, cluster, age, bool(leads))


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))
