"""The four tasks of a language model: what is asked, and what becomes of the answer.

Each module makes Requests from objects of the pipeline and reads Answers into grounded changes. Nothing here asks; every
function is pure.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, create_model

_CHOICES = re.compile(r"[a-z0-9][a-z0-9-]*(,[a-z0-9][a-z0-9-]*)*")


class Reply(BaseModel):
    """What a model may return: nothing but the fields of the schema.

    Where a request offers a choice, its schema is made by `restrict`: `chosen` is the field, `choices` are its values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    chosen: ClassVar[str] = ""
    choices: ClassVar[tuple[str | int, ...]] = ()


_Schema = TypeVar("_Schema", bound=Reply)


@lru_cache(maxsize=4_096)
def _restrict(base: type[Reply], choices: tuple[str | int, ...]) -> type[Reply]:
    allowed: Any = Literal[choices]
    fields: dict[str, Any] = {base.chosen: (allowed, ...)}
    schema = create_model(base.__name__, __base__=base, **fields)
    schema.choices = choices
    return schema


def restrict(base: type[_Schema], choices: tuple[str | int, ...]) -> type[_Schema]:
    """The schema in which `base.chosen` is one of the choices; equal choices have one schema."""
    return _restrict(base, choices)  # type: ignore[return-value]  # a subclass of `base`


def name_schema(schema: type[Reply]) -> str:
    """A name from which `find_schema` makes the schema again: `Adjudication:other,administrator`, `Naming:1,2`, `Zoning`."""
    choices = ",".join(map(str, schema.choices))
    return f"{schema.__name__}:{choices}" if choices else schema.__name__


def find_schema(name: str) -> type[Reply]:
    """The schema of a name. Raises ValueError for one that no task has."""
    from jdextract.llm.tasks.adjudicate import Adjudication
    from jdextract.llm.tasks.label import Labelling
    from jdextract.llm.tasks.name import Naming
    from jdextract.llm.tasks.zone import Zoning

    known: dict[str, type[Reply]] = {base.__name__: base for base in (Adjudication, Labelling, Naming, Zoning)}
    kind, _, choices = name.partition(":")
    base = known.get(kind)
    if base is None or bool(base.chosen) != bool(choices) or (choices and not _CHOICES.fullmatch(choices)):
        raise ValueError(f"no task has the schema {name[:80]!r}")
    values = tuple(choices.split(","))
    if base is Naming:
        if not all(value.isdecimal() and len(value) < 4 for value in values):
            raise ValueError(f"no task has the schema {name[:80]!r}")
        return restrict(base, tuple(map(int, values)))
    return restrict(base, values) if choices else base


def name_decider(model: str, prompt: str) -> str:
    """`decided_by` of what a model decided: `llm:<model>:<prompt version>`."""
    return f"llm:{model}:{prompt}"
