"""Why an exchange brought no answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jdextract.llm.exchange import FailureKind


@dataclass(eq=False)
class Fault(Exception):
    """An exchange without an answer: worth another try, not in this mode, not this request, or none at all."""

    kind: Literal["again", "mode", "refused", "final"]
    reason: str
    wait: float | None = None  # seconds that the endpoint asks for
    lost: bool = False  # the answer may have been written and billed
    overloaded: bool = False  # 429 and its like: the endpoint is there


@dataclass(frozen=True, slots=True)
class Failed:
    """The end of a question without an answer."""

    kind: FailureKind
    reason: str
