"""skops files as plain data: what `pipeline.skops` holds, without the libraries that would make objects of it.

skops itself imports all of scikit-learn to read a file, seconds of work for a few arrays. A skops file is a ZIP archive of
`schema.json`, a tree of nodes, and of arrays in NumPy's own format. Nothing is imported by a name in the file and nothing
of it is called; only kinds of nodes and names of classes that a duty model of this package holds are taken.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SCHEMA = "schema.json"
_LARGEST = 2**30  # bytes of all members, unpacked: the shipped model has 15 million
_LARGEST_SCHEMA = 2**24
_DEEPEST = 60  # nodes within nodes: a duty model has 16

_OBJECTS = frozenset(
    {
        "sklearn.pipeline.Pipeline",
        "sklearn.compose._column_transformer.ColumnTransformer",
        "sklearn.feature_extraction.text.TfidfVectorizer",
        "sklearn.feature_extraction.text.TfidfTransformer",
        "sklearn.svm._classes.LinearSVC",
    }
)
_TYPES = frozenset({"builtins.str", "builtins.int", "builtins.float", "numpy.float32", "numpy.float64", "numpy.int64"})
_KINDS = {  # the classes that each kind of node may name
    "ObjectNode": _OBJECTS,
    "TypeNode": _TYPES,
    "DictNode": frozenset({"builtins.dict"}),
    "ListNode": frozenset({"builtins.list"}),
    "TupleNode": frozenset({"builtins.tuple"}),
    "SliceNode": frozenset({"builtins.slice"}),
    "JsonNode": frozenset({"builtins.str"}),
    "NdArrayNode": frozenset({"numpy.ndarray"}),
}


class UnknownContent(Exception):
    """A file with a kind of node, or the name of a class, that is not read here. It may still be a sound skops file."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as its file describes it: its attributes are read like those of the object itself."""

    name: str  # module and class
    attributes: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.attributes[name]
        except KeyError:
            raise AttributeError(f"{self.name} has no {name!r}") from None


@dataclass(frozen=True, slots=True)
class StoredType:
    """A class as a value, such as the data type of a vectoriser."""

    name: str  # module and class


def read_stored(path: Path) -> Any:
    """The root of a skops file.

    Raises UnknownContent, and for a damaged or oversized file ValueError or what `zipfile` raises: BadZipFile, OSError,
    RuntimeError, EOFError, zlib.error.
    """
    with zipfile.ZipFile(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        if sum(member.file_size for member in archive.infolist()) > _LARGEST:
            raise ValueError(f"holds more than {_LARGEST:,} bytes")
        if _SCHEMA not in members or members[_SCHEMA].file_size > _LARGEST_SCHEMA:
            raise ValueError(f"holds no {_SCHEMA}, or one of more than {_LARGEST_SCHEMA:,} bytes")
        return _Reader(archive).read(json.loads(archive.read(_SCHEMA)), 0)


class _Reader:
    """Nodes of one open file -> values. A node that was read before stands for the same value, as in skops."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._known: dict[Any, Any] = {}  # values by the numbers of their nodes

    def read(self, node: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError(f"holds more than {_DEEPEST} nodes within nodes")
        number = node.get("__id__")
        if number not in self._known:
            value = self._make(node, depth + 1)
            if number is None:
                return value
            self._known[number] = value
        return self._known[number]

    def _make(self, node: dict[str, Any], depth: int) -> Any:
        kind, name = node["__loader__"], f"{node['__module__']}.{node['__class__']}"
        if name not in _KINDS.get(kind, ()):
            raise UnknownContent(f"{kind} of {name}")
        if kind == "TypeNode":
            return StoredType(name)
        if kind == "NdArrayNode":
            if node["type"] != "numpy":
                raise UnknownContent("an array of objects")
            return _read_array(self._archive.read(node["file"]))
        content = node["content"]
        if kind == "JsonNode":
            return json.loads(content)
        if kind == "SliceNode":
            return slice(content["start"], content["stop"], content["step"])
        if kind == "ObjectNode":
            return StoredObject(name, self.read(content, depth))
        if kind == "DictNode":
            if any(key != StoredType("builtins.str") for key in self.read(node["key_types"], depth)):
                raise UnknownContent("a dictionary whose keys are no strings")
            return {key: self.read(value, depth) for key, value in content.items()}
        values = [self.read(value, depth) for value in content]
        return tuple(values) if kind == "TupleNode" else values


def _read_array(data: bytes) -> NDArray[np.generic]:
    """The array of numbers or strings in the bytes of an .npy file. Raises ValueError for anything else."""
    import numpy as np

    buffer = io.BytesIO(data)
    version = np.lib.format.read_magic(buffer)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"holds an array of version {version}")
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read_header(buffer)
    if dtype.kind not in "fiubU" or not dtype.itemsize:
        raise ValueError(f"holds an array of {dtype}")
    # Looked at before any memory is taken for the array, which the header could make as large as it likes.
    size = dtype.itemsize
    for length in shape:
        size *= length
    if size != len(data) - buffer.tell() or any(length < 0 for length in shape):
        raise ValueError(f"holds an array that is not of its shape {shape}")
    array = np.frombuffer(data, dtype=dtype, offset=buffer.tell())
    return array.reshape(shape, order="F" if by_columns else "C")
