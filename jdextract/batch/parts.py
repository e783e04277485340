"""The files of a run folder that only ever grow."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from jdextract.errors import RunError

RECORDS, ERRORS, NAMES, ARTICLES, ROWS, SEEN = "records", "errors", "names", "articles", "rows", "seen"
ALL = (RECORDS, ERRORS, NAMES, ARTICLES, ROWS, SEEN)
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


class Parts:
    """Part files, open for writing at the lengths they had when the state was kept that is gone on with."""

    def __init__(self, folder: Path, lengths: Mapping[str, int], heads: Mapping[str, bytes]) -> None:
        """`heads`: what a new file begins with. Raises RunError for a file that is shorter than it was."""
        self._paths = {name: path_of(folder, name) for name in ALL}
        self._files: dict[str, int] = {}
        self._lengths: dict[str, int] = {}
        for name, path in self._paths.items():
            self._files[name] = os.open(path, _FLAGS, 0o644)
            length = lengths.get(name, 0)
            if os.fstat(self._files[name]).st_size < length:
                raise RunError("is shorter than it was", where=str(path), hint="begin anew with `--restart`")
            os.ftruncate(self._files[name], length)
            self._lengths[name] = length
            if not length:
                self.append(name, heads.get(name, b""))

    @property
    def lengths(self) -> dict[str, int]:
        """Bytes that were appended, by name."""
        return dict(self._lengths)

    def append(self, name: str, data: bytes) -> None:
        """Add bytes. Raises OSError; the file may then hold a part of them beyond its length."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._files[name], left) :]
        self._lengths[name] += len(data)

    def read(self, name: str, offset: int, size: int) -> bytes:
        """So many bytes from there; fewer at the end."""
        if hasattr(os, "pread"):
            return os.pread(self._files[name], size, offset)
        os.lseek(self._files[name], offset, os.SEEK_SET)
        return os.read(self._files[name], size)

    def sync(self) -> None:
        """Wait until all is on the disk."""
        for number in self._files.values():
            os.fsync(number)

    def close(self) -> None:
        """Close the files."""
        for number in self._files.values():
            os.close(number)
        self._files.clear()


def path_of(folder: Path, name: str) -> Path:
    """Where a part lies."""
    return folder / f"{name}.part"


class PartLog:
    """One part file as a log that can be read again."""

    def __init__(self, parts: Parts, name: str) -> None:
        self._parts, self._name = parts, name

    def append(self, data: bytes) -> None:
        """Add bytes at the end."""
        self._parts.append(self._name, data)

    def read(self, offset: int, size: int) -> bytes:
        """So many bytes from there; fewer at the end."""
        return self._parts.read(self._name, offset, size)
