"""Requests as JSON Lines: what a run would ask, written down to be asked later.

One object a line with the fields of `Request`; `schema` is the name of a schema of the tasks, with the values that it
allows where it was made for the question (`jdextract.llm.tasks.name_schema`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jdextract.errors import DamagedInput, MissingInput
from jdextract.llm.exchange import Request, Task
from jdextract.llm.tasks import find_schema, name_schema
from jdextract.output import replacing

_FIELDS = tuple(field.name for field in fields(Request) if field.name != "schema")

_LONGEST_NAME = 20_000  # of a schema: it may list every role of a taxonomy


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    task: Task
    prompt: str = Field(min_length=1, max_length=200)
    instructions: str
    material: str
    schema_name: str = Field(alias="schema", max_length=_LONGEST_NAME)
    document: str
    sample: int = Field(ge=0)
    temperature: float = Field(ge=0, le=2)
    max_tokens: int = Field(gt=0)


def write_requests(requests: Iterable[Request[Any]], path: Path) -> int:
    """Write requests as they come, the file complete or not at all. Returns how many there were."""
    count = 0
    with replacing(path) as stream:
        for request in requests:
            line = {name: getattr(request, name) for name in _FIELDS} | {"schema": name_schema(request.schema)}
            stream.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
            count += 1
    return count


def read_requests(path: Path, find: Callable[[str], type[BaseModel]] = find_schema) -> Iterator[Request[Any]]:
    """Requests of a file, in order. Raises MissingInput, DamagedInput naming the line that does not fit."""
    if not path.is_file():
        raise MissingInput("does not exist", where=str(path), hint="`jdextract extract --llm-requests` writes one")
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield _read(line, find, f"{path}:{number}")


def _read(line: bytes, find: Callable[[str], type[BaseModel]], where: str) -> Request[Any]:
    try:
        values = _Line.model_validate_json(line).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DamagedInput(
            f"is no request ({key}: {first['msg']})", where=where, hint="write the file again"
        ) from error
    try:
        return Request(schema=find(values.pop("schema_name")), **values)
    except ValueError as error:
        raise DamagedInput(str(error), where=where, hint="write the file with this version") from error
