"""Scraped Chinese job-duty documents in, structured role records on a canonical taxonomy out.

>>> import jdextract
>>> for record in jdextract.extract("pages/"):            # doctest: +SKIP
...     print(record.title, [duty.role.id for duty in record.duties])
>>> jdextract.classify("负责直通车、钻展的投放与优化").role.id   # doctest: +SKIP
'advertising-specialist'
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, overload

from jdextract.errors import (
    ConfigError,
    JdextractError,
    MissingExtra,
    ModelError,
    ReadError,
    TaxonomyError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jdextract.config import Config
    from jdextract.pipeline import Pipeline
    from jdextract.records import ClassifiedDuty, RoleRecord

__version__ = "0.1.0"
__all__ = [
    "Config",
    "ConfigError",
    "JdextractError",
    "MissingExtra",
    "ModelError",
    "Pipeline",
    "ReadError",
    "RoleRecord",
    "TaxonomyError",
    "classify",
    "extract",
    "extract_text",
]

# Loaded on first use, so that `import jdextract` and `jdextract --help` stay quick.
_LAZY = {"Config": "jdextract.config", "Pipeline": "jdextract.pipeline", "RoleRecord": "jdextract.records"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_kept = threading.local()  # a pipeline remembers what it read lately, which threads must not change under each other


def _pipeline(config: Config | None) -> Pipeline:
    """The pipeline of the call before, when the settings are the same: loading the models takes a second or two.

    Settings that name files of one's own get a new one each time, as the files may have changed; keep a `Pipeline` instead.
    """
    from jdextract.config import Config
    from jdextract.pipeline import Pipeline

    config = config or Config()
    if config.own_files():
        return Pipeline(config)
    kept: Pipeline | None = getattr(_kept, "pipeline", None)
    if kept is None or kept.config != config:
        kept = _kept.pipeline = Pipeline(config)
    return kept


def extract(*inputs: str, config: Config | None = None) -> Iterator[RoleRecord]:
    """Role records of files, folders, globs or `-` (standard input), in document order.

    Raises the ReadError of an input that can't be read when it is reached; use `Pipeline.extract` to go on after it.
    """
    from jdextract import errors
    from jdextract.records import ReadFailure

    for item in _pipeline(config).extract(inputs):
        if isinstance(item, ReadFailure):
            kind = getattr(errors, item.error, ReadError)
            raise kind(item.what, where=item.path, hint=item.hint)
        yield from item[1].records


def extract_text(text: str, *, source: str = "text", config: Config | None = None) -> tuple[RoleRecord, ...]:
    """Role records of one decoded text; spans are code points of `text`."""
    import hashlib

    from jdextract.records import SourceText

    identity = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return _pipeline(config).extract_one(SourceText(identity, source, text))


@overload
def classify(text: str, *, config: Config | None = None, why: int = 0) -> ClassifiedDuty: ...
@overload
def classify(
    text: list[str] | tuple[str, ...], *, config: Config | None = None, why: int = 0
) -> list[ClassifiedDuty]: ...
def classify(
    text: str | list[str] | tuple[str, ...], *, config: Config | None = None, why: int = 0
) -> ClassifiedDuty | list[ClassifiedDuty]:
    """Canonical role of a duty sentence, or of each of several. `why`: how many n-grams that moved a decision to list."""
    if isinstance(text, str):
        return next(_pipeline(config).classify([text], why=why))
    return list(_pipeline(config).classify(text, why=why))
