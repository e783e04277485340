"""A lock on a run folder that dies with its process.

The system's own file locks, `flock` and `msvcrt.locking`: the system frees them whatever way a process ends, so nobody has
to judge by a process number whether a lock is stale. They are two calls, which is no reason for another library.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jdextract.errors import RunError


@contextmanager
def locked(path: Path, where: str) -> Iterator[None]:
    """Hold the lock file while the block runs; it is removed at the end. Raises RunError when another process holds it.

    `where` is named in the message.
    """
    while True:
        number = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take(number)
        except (BlockingIOError, PermissionError) as error:
            os.close(number)
            raise RunError(
                "another run writes it now", where=where, hint="wait until that has ended, or give another output"
            ) from error
        if _is_at(number, path):
            break
        os.close(number)  # the run before removed the file between our two calls
    try:
        yield
    finally:
        if sys.platform == "win32":  # an open file can't be removed there
            os.close(number)
        with suppress(OSError):
            path.unlink()
        if sys.platform != "win32":
            os.close(number)


def _take(number: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_at(number: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(number), path.stat())
    except OSError:
        return False
