"""Errors on their way from a worker: engines pass on the text of an exception, so ours are written into it and read back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from jdextract import errors
from jdextract.cluster.storage import tell
from jdextract.errors import JdextractError, RunError

_BEGIN, _END = "<jdextract-error ", " jdextract-error>"
_CARRIED = re.compile(f"{_BEGIN}([0-9a-f]+){_END}")


@contextmanager
def carry_errors() -> Iterator[None]:
    """On a worker: what jdextract raises on purpose leaves as a text."""
    try:
        yield
    except JdextractError as error:
        told = {"kind": type(error).__name__, "what": error.what, "where": error.where, "hint": error.hint}
        # In hex, because engines quote and break texts.
        raise RuntimeError(f"{error} {_BEGIN}{json.dumps(told).encode().hex()}{_END}") from None


@contextmanager
def report_errors() -> Iterator[None]:
    """On the machine that runs the query: the error of a worker as it was raised, anything else as a RunError.

    The text holds no credentials; the traceback is its cause.
    """
    try:
        yield
    except JdextractError:
        raise
    except Exception as error:  # of many kinds, by the engine
        found = _CARRIED.search(str(error))
        if found is None:
            raise RunError(f"the engine gave up: {tell(error)}", hint="jdextract --debug … for more") from error
        told = json.loads(bytes.fromhex(found[1]))
        kind: type[JdextractError] = getattr(errors, told.pop("kind"))
        raise kind(told["what"], where=told["where"], hint=told["hint"]) from error
