"""`jdextract config`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

from jdextract.cli.settings import ConfigFile, make_config

if TYPE_CHECKING:
    from pydantic import BaseModel

_SIGNS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def show_config(config: ConfigFile = None) -> None:
    """Print all settings as TOML: the defaults, or those in force with `--config`.

    Example: jdextract config > jdextract.toml
    """
    settings = make_config(config, {})
    for number, name in enumerate(type(settings).model_fields):
        section = getattr(settings, name)
        print(("\n" if number else "") + f"[{name}]")
        for key in type(section).model_fields:
            print(_line(section, key))


def _line(section: BaseModel, key: str) -> str:
    """One setting. What is not set has no value in TOML, so it is shown as a comment."""
    value = section.model_dump(mode="json")[key]
    note = _allowed(type(section).model_fields[key])
    if value is None:
        return f"# {key} is not set" + (f": {note.removeprefix('  # ')}" if note else "")
    return f"{key} = {json.dumps(value, ensure_ascii=False)}{note}"


def _allowed(field: Any) -> str:
    choices = [value for value in get_args(field.annotation) if isinstance(value, str)]
    bounds = [
        f"{sign} {getattr(bound, name)}"
        for bound in field.metadata
        for name, sign in _SIGNS.items()
        if hasattr(bound, name)
    ]
    words = " or ".join(choices) or ", ".join(bounds)
    return f"  # {words}" if words else ""
