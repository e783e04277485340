"""What is asked of a language model, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

Task = Literal["zone", "adjudicate", "label", "name"]
# Why there is no output: the budget or the number of calls is used up; the endpoint refused or did not answer; the
# circuit breaker is open; what came back does not fit the schema; a replay does not hold the exchange.
FailureKind = Literal["", "budget", "calls", "refused", "unreachable", "circuit-open", "schema", "not-recorded"]

Output = TypeVar("Output", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Request(Generic[Output]):
    """One question. Equal requests to the same model with the same parameters have the same answer in the cache."""

    task: Task
    prompt: str  # version of the prompt file, such as `adjudicate-1`
    instructions: str  # the system message: the prompt file's text, nothing of a document
    material: str  # the user message: the text in question, marked as data
    schema: type[Output]
    document: str  # id of the document, for the ledger
    sample: int = 0  # number of the sample, where one question is asked several times
    temperature: float = 0.0
    max_tokens: int = 1_024


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one exchange as the endpoint counts them; 0 for an answer from the cache."""

    input_tokens: int = 0
    output_tokens: int = 0  # with those of thinking
    cached_input_tokens: int = 0  # those of `input_tokens` that the endpoint's own prompt cache has served


@dataclass(frozen=True, slots=True)
class Answer(Generic[Output]):
    """The typed output, or None with the kind of failure and its reason in words."""

    output: Output | None
    model: str
    failure: FailureKind = ""
    reason: str = ""
    cached: bool = False
    usage: Usage = Usage()
    cost: Decimal = Decimal(0)  # in the currency of the price table; 0 for a model without a price and for the cache


class Asker(Protocol):
    """Something that answers requests: the client, the batch files, a simulated teacher in the tests."""

    model: str

    def ask(self, requests: Iterable[Request[Output]]) -> Iterator[tuple[Request[Output], Answer[Output]]]:
        """Each request with its answer, in the order of the requests; never raises for a failure of the endpoint."""
