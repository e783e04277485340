"""Rules are data: YAML files in `jdextract/data`."""

from __future__ import annotations

from importlib import resources
from typing import Any

import yaml


def load_rules(name: str) -> Any:
    """The parsed YAML file `data/{name}.yaml`."""
    return parse_yaml(resources.files("jdextract.data").joinpath(f"{name}.yaml").read_text(encoding="utf-8"))


def parse_yaml(text: str) -> Any:
    """Plain values of a YAML text, no objects. Raises yaml.YAMLError."""
    # The same safe loader in C, ten times as fast, where PyYAML was built with it.
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
