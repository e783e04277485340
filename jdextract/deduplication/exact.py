"""Exact repeats of duties, found on the way through a run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from itertools import accumulate
from types import TracebackType
from typing import Protocol

from jdextract.deduplication.offsets import OffsetTable
from jdextract.deduplication.wordings import wording_key
from jdextract.records import RoleRecord

_KEY = 16  # bytes of a wording key
_HEAD = _KEY + 2  # key and length of the place, before the place
_ENTRY = _HEAD + 46  # bytes that nearly every entry fits into
_BLOCK = 1 << 22


class PlaceLog(Protocol):
    """Bytes that are only ever appended, and read again at any place."""

    def append(self, data: bytes) -> None:
        """Add bytes at the end."""

    def read(self, offset: int, size: int) -> bytes:
        """So many bytes from there; fewer at the end."""


class _TemporaryLog:
    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `FirstSeen`

    def append(self, data: bytes) -> None:
        self._file.seek(0, 2)
        self._file.write(data)

    def read(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)

    def close(self) -> None:
        self._file.close()


class FirstSeen:
    """Where each duty first stood in this run.

    Keys and places are appended to a log, a private temporary file or the one that is given; in memory there are only
    16 bytes a slot of a hash table, 27 to 54 bytes a distinct duty.
    """

    def __init__(self, log: PlaceLog | None = None) -> None:
        """A log that is not empty was written by an earlier one, and is gone on with."""
        self._own = _TemporaryLog() if log is None else None
        self._log: PlaceLog = log or self._own  # type: ignore[assignment]
        self._table = OffsetTable()
        self._twins: dict[bytes, int] = {}  # keys whose first half is that of another key
        self._length = 0
        self._read_log()

    def __enter__(self) -> FirstSeen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._own:
            self._own.close()

    def find(self, keys: Sequence[bytes], places: Sequence[bytes]) -> list[bytes | None]:
        """For each duty, by its `wording_key` and its place: where the same wording stood first; None where it does now."""
        first = self._look_up(list(dict.fromkeys(keys)))
        fresh: dict[bytes, bytes] = {}
        marks: list[bytes | None] = []
        for key, place in zip(keys, places, strict=True):
            known = first.get(key)
            marks.append(known)
            if known is None:
                first[key] = fresh[key] = place
        if fresh:
            entries = [key + len(place).to_bytes(2, "big") + place for key, place in fresh.items()]
            self._log.append(b"".join(entries))
            self._add(list(fresh), entries)
        return marks

    def _look_up(self, keys: list[bytes]) -> dict[bytes, bytes]:
        """{key: place} of those that were seen before."""
        found: dict[bytes, bytes] = {}
        for key, offset in zip(keys, self._table.find(b"".join(keys)), strict=True):
            if offset >= 0:
                known, place = self._read_entry(offset)
                if known != key and (offset := self._twins.get(key, -1)) >= 0:
                    known, place = self._read_entry(offset)
                if known == key:
                    found[key] = place
        return found

    def _read_entry(self, offset: int) -> tuple[bytes, bytes]:
        entry = self._log.read(offset, _ENTRY)
        end = _HEAD + int.from_bytes(entry[_KEY:_HEAD], "big")
        if end > len(entry):
            entry = self._log.read(offset, end)
        return entry[:_KEY], entry[_HEAD:end]

    def _add(self, keys: list[bytes], entries: list[bytes]) -> None:
        offsets = list(accumulate(map(len, entries), initial=self._length))
        self._length = offsets.pop()
        for number in self._table.add(b"".join(keys), offsets):
            self._twins[keys[number]] = offsets[number]

    def _read_log(self) -> None:
        """Take in what an earlier one has left."""
        left = b""
        while block := self._log.read(self._length + len(left), _BLOCK):
            left += block
            keys, entries, start = [], [], 0
            while start + _HEAD <= len(left):
                end = start + _HEAD + int.from_bytes(left[start + _KEY : start + _HEAD], "big")
                if end > len(left):
                    break
                keys.append(left[start : start + _KEY])
                entries.append(left[start:end])
                start = end
            left = left[start:]
            self._add(keys, entries)

    def mark(self, record: RoleRecord) -> RoleRecord:
        """The record with `duplicate_of` set to `record_id#index` of the first occurrence of each repeated duty."""
        marks = self.find(list_keys([record]), list_places([record]))
        (marked,) = mark_repeats([record], marks)
        return marked


def list_keys(records: Iterable[RoleRecord]) -> list[bytes]:
    """The wording key of every duty, in order."""
    return [wording_key(duty.normalized) for record in records for duty in record.duties]


def list_places(records: Iterable[RoleRecord]) -> list[bytes]:
    """`record_id#index` of every duty, in order."""
    return [f"{record.record_id}#{i}".encode() for record in records for i in range(len(record.duties))]


def mark_repeats(records: Iterable[RoleRecord], marks: Sequence[bytes | None]) -> tuple[RoleRecord, ...]:
    """The records with `duplicate_of` set to these places, one for every duty."""
    left = iter(marks)
    marked = []
    for record in records:
        places = [next(left) for _ in record.duties]
        duties = tuple(
            duty if place is None else duty.model_copy(update={"duplicate_of": place.decode()})
            for duty, place in zip(record.duties, places, strict=True)
        )
        marked.append(record.model_copy(update={"duties": duties}))
    return tuple(marked)
