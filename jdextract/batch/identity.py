"""What a run depends on beside its documents: settings, versions, models. A run is gone on with only where all are the same."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from jdextract import __version__
from jdextract.batch.inputs import CHUNK_DOCUMENTS, CHUNK_WEIGHT
from jdextract.config import Config
from jdextract.errors import ModelError
from jdextract.locations import find_data

_PACKAGE = Path(__file__).parents[1]
_LIBRARIES = (
    "ahocorasick-rs",
    "jieba",
    "numpy",
    "opencc",
    "polars",
    "pydantic",
    "pypdfium2",
    "python-crfsuite",
    "python-docx",
    "openpyxl",
    "rjieba",
    "scikit-learn",
    "scipy",
    "selectolax",
    "skops",
)
# Settings of the language model that don't change what it is asked: a run may go on with others.
_HOW_TO_REACH = (
    "base_url",
    "concurrency",
    "timeout",
    "retries",
    "max_wait",
    "breaker_failures",
    "breaker_pause",
    "max_response_bytes",
    "cache",
)


def describe_versions(config: Config) -> dict[str, Any]:
    """Versions of the program, of its libraries and of the models that the settings name."""
    return {
        "jdextract": __version__,
        "code": _digest_code(),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "models": {
            "zoning": _model(find_data("models/zoning")),
            "duty-role": _model(config.classification.model or find_data("models/duty-role")),
        },
    }


def describe_run(inputs: Sequence[str], outputs: Mapping[str, Path | None], config: Config) -> dict[str, Any]:
    """All that decides, beside the documents, what a run writes."""
    files = {name: path for name, path in config.own_files().items() if name != "duty model"}  # that is in the versions
    return {
        "inputs": list(inputs),
        "outputs": {name: str(path) for name, path in outputs.items() if path},
        "settings": _describe_settings(config),
        "files": {name: _mark(path) for name, path in files.items()},
        "versions": describe_versions(config),
        "chunk": [CHUNK_DOCUMENTS, CHUNK_WEIGHT],
        "prompts": describe_prompts() if config.llm.model else {},
    }


def _describe_settings(config: Config) -> dict[str, Any]:
    settings = config.model_dump(mode="json")
    for name in _HOW_TO_REACH:
        del settings["llm"][name]
    return settings


def describe_prompts() -> dict[str, str]:
    """Version and digest of the prompts of a run, by task."""
    from jdextract.llm.assist import TASKS
    from jdextract.llm.prompts import load_prompt

    prompts = {task: load_prompt(task) for task in TASKS}
    digests = {task: hashlib.sha256(prompt.instructions.encode()).hexdigest()[:16] for task, prompt in prompts.items()}
    return {task: f"{prompt.version} {digests[task]}" for task, prompt in prompts.items()}


def find_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs, by its name: `versions.models.zoning (a, now b)`."""
    old, new = (dict(_leaves(json.loads(json.dumps(value)))) for value in (before, now))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return [f"{name} ({old.get(name, 'none')}, now {new.get(name, 'none')})" for name in names]


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, f"{name}.{key}" if name else key)
    else:
        yield name, json.dumps(value, ensure_ascii=False)


def _version(library: str) -> str:
    try:
        return version_of(library)
    except PackageNotFoundError:
        return "not installed"


def _model(folder: Path) -> str:
    """Its version and a digest of its files. A folder that is no model is left to those who load it."""
    try:
        version = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError, TypeError):
        version = "unknown"
    try:
        return f"{version} {_digest_files(path for path in folder.rglob('*') if path.is_file())}"
    except OSError as error:
        raise ModelError(f"can't be read ({error.strerror})", where=str(folder), hint="check the path") from error


def _mark(path: Path) -> str:
    """What changes when a file or a folder does. Large ones are not read."""
    paths = sorted(path.rglob("*")) if path.is_dir() else [path]
    if path.is_dir() or not path.exists():
        stats = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in paths if p.is_file()]
        return hashlib.sha256(repr(stats).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return _digest_files(paths)


@cache
def _digest_code() -> str:
    """Of the package: a checkout changes without its version."""
    kinds = (".py", ".yaml", ".txt", ".md", ".j2", ".js", ".css")
    return _digest_files(path for path in _PACKAGE.rglob("*") if path.suffix in kinds)


def _digest_files(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode("utf-8", "surrogatepass") + content)
    return digest.hexdigest()[:16]
