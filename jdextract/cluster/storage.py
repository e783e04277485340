"""Files on this machine or in object storage: found, fetched, and written in parts. Remote ones go through Daft's IO."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from jdextract.config import ReadingConfig
from jdextract.errors import ConfigError
from jdextract.reading import find_paths, read_path
from jdextract.records import ReadFailure, SourceText

if TYPE_CHECKING:
    from daft.io import IOConfig

_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_SHOWN = 300  # characters of what a library says


def is_remote(path: str) -> bool:
    """Whether a path is a URL, such as `s3://bucket/name`."""
    return "://" in path


def locate(path: str) -> str:
    """A path that means the same on every worker. Local folders are shared ones there."""
    return path.rstrip("/") if is_remote(path) else os.path.abspath(path)


def find_inputs(inputs: Iterable[str], options: IOConfig) -> Iterator[str | ReadFailure]:
    """The files that the inputs name, in the order of `reading.find_paths`; remote folders and globs sorted by name.

    A remote name without a suffix is a folder. What begins with `_` or `.` in a remote folder is no input.
    """
    for name in inputs:
        if is_remote(name):
            yield from _find_remote(name, options)
            continue
        for path in find_paths([name]):
            yield path if isinstance(path, ReadFailure) else str(path)


def _find_remote(name: str, options: IOConfig) -> Iterator[str | ReadFailure]:
    import daft

    glob = any(char in name for char in "*?[")
    if PurePosixPath(name).suffix and not glob:
        yield name
        return
    try:
        listed = daft.from_glob_path(name if glob else f"{name.rstrip('/')}/**", io_config=options)
        found = sorted(listed.select("path").to_pydict()["path"])
    except Exception as error:  # of many kinds, by the storage
        yield failure(name, error)
        return
    yield from (path for path in found if not PurePosixPath(path).name.startswith(("_", ".")))


def failure(where: str, error: BaseException) -> ReadFailure:
    """What a storage said, as the failure of an input. It holds no credentials."""
    missing = isinstance(error, FileNotFoundError) or "not found" in str(error).lower()
    kind, hint = ("MissingInput", "check the path") if missing else ("DamagedInput", "check the storage and its rights")
    return ReadFailure(where, "reading", kind, f"can't be fetched ({tell(error)})", hint)


def tell(error: BaseException) -> str:
    """The message of a library without the credentials of the environment, in one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    for name in _SECRETS:
        if value := os.environ.get(name):
            text = text.replace(value, f"<{name}>")
    return text[:_SHOWN]


class _Reader(io.RawIOBase):
    """Daft's file as one of Python's."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._size: int = file.size()
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._place)
        if wanted <= 0:
            return 0
        data = self._file.read(wanted)
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = base + offset
        self._file.seek(self._place)
        return self._place

    def tell(self) -> int:
        return self._place


@contextmanager
def open_file(path: str, options: IOConfig) -> Iterator[BinaryIO]:
    """A local or remote file to read; of a remote one only the ranges that are asked for are fetched."""
    if not is_remote(path):
        with open(path, "rb") as file:
            yield file
        return
    import daft

    with daft.File(path, options).open() as remote, io.BufferedReader(_Reader(remote), 1 << 20) as reader:
        yield cast(BinaryIO, reader)


def read_documents(
    path: str, name: str, options: IOConfig, config: ReadingConfig
) -> Iterator[SourceText | ReadFailure]:
    """The documents of one file as `reading.read_path` gives them, under the name that was given for it."""
    if not is_remote(path):
        yield from _rename(read_path(Path(path), config), _show(path), name)
        return
    with tempfile.TemporaryDirectory(prefix="jdextract-") as folder:
        local = Path(folder) / PurePosixPath(path).name
        try:
            with open_file(path, options) as remote, local.open("wb") as file:
                shutil.copyfileobj(remote, file, 1 << 20)
        except Exception as error:  # of many kinds, by the storage
            yield failure(name, error)
            return
        yield from _rename(read_path(local, config), _show(local), name)


def _show(path: str | Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _rename(items: Iterable[SourceText | ReadFailure], before: str, name: str) -> Iterator[SourceText | ReadFailure]:
    for item in items:
        if isinstance(item, ReadFailure):
            yield replace(item, path=_show(name) + item.path.removeprefix(before))
        else:
            yield replace(item, source=_show(name) + item.source.removeprefix(before))


def check_new(folder: str, options: IOConfig) -> None:
    """Raises ConfigError for a folder that holds files already: parts of two runs must not be mixed."""
    if is_remote(folder):
        taken = any(not isinstance(item, ReadFailure) for item in _find_remote(f"{folder}/**", options))
    else:
        path = Path(folder)
        if path.exists() and not path.is_dir():
            raise ConfigError("is a file", where=folder, hint="give the path of a folder")
        taken = path.is_dir() and any(path.iterdir())
    if taken:
        raise ConfigError("holds files already", where=folder, hint="give a new or an empty folder")


def make_folder(folder: str) -> None:
    """Make a local folder; object storage has none."""
    if not is_remote(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)


def write_file(path: str, data: bytes, options: IOConfig) -> None:
    """Write a small file."""
    if not is_remote(path):
        Path(path).write_bytes(data)
        return
    system, place = _connect(path, options)
    with system.open_output_stream(place) as stream:
        stream.write(data)


def remove_folder(folder: str, options: IOConfig) -> None:
    """Remove a folder with all in it, if there is one."""
    if not is_remote(folder):
        shutil.rmtree(folder, ignore_errors=True)
        return
    system, path = _connect(folder, options)
    with suppress(FileNotFoundError):
        system.delete_dir(path)


def publish_folder(folder: Path, target: str, options: IOConfig) -> None:
    """Put what stands in a local folder into another one: moved on this machine, copied in streams to a remote one."""
    if not is_remote(target):
        for path in folder.iterdir():
            path.rename(Path(target) / path.name)
        return
    from pyarrow.fs import LocalFileSystem, copy_files

    system, place = _connect(target, options)
    copy_files(str(folder), place, source_filesystem=LocalFileSystem(), destination_filesystem=system)


def _connect(url: str, options: IOConfig) -> tuple[Any, str]:
    from pyarrow.fs import FileSystem, S3FileSystem

    if not url.startswith("s3://"):
        system, path = FileSystem.from_uri(url)
        return system, str(path)
    s3 = options.s3
    system = S3FileSystem(
        access_key=s3.key_id,
        secret_key=s3.access_key,
        session_token=s3.session_token,
        region=s3.region_name,
        endpoint_override=s3.endpoint_url,
    )
    return system, url.removeprefix("s3://")
