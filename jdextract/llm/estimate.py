"""What a run would ask and cost at most, before anything is sent."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from jdextract.llm.exchange import Request
from jdextract.llm.prices import Price

RULE = (
    "input tokens are estimated: 1 for each character outside ASCII (a Chinese character is 0.6 to 1 token for models "
    "trained on Chinese), 0.3 for each other character, 20 for each request; output tokens are the bound of each request"
)
_PER_REQUEST = 20  # roles and marks of the chat template
_BOUND_PER_REQUEST = 200  # the same at most, with the words around a schema


@dataclass(slots=True)
class Estimate:
    """Sums over requests. Tokens of input are estimated by `RULE`; of output they are an upper bound."""

    calls: int = 0
    cached: int = 0  # requests that the cache answers
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal | None = None  # at most, if every answer fits at once; None: no price is known
    currency: str = ""
    rule: str = RULE
    tasks: dict[str, int] = field(default_factory=dict)  # calls by task


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is, by `RULE`."""
    wide = sum(1 for char in text if ord(char) > 127)
    return math.ceil(wide + 0.3 * (len(text) - wide))


def bound_tokens(text: str) -> int:
    """How many tokens a text is at most: no tokenizer in use makes more of them than the text has bytes."""
    return len(text.encode("utf-8", "surrogatepass"))


def schema_text(request: Request[Any]) -> str:
    """The schema as it is sent: it is part of the input."""
    return json.dumps(request.schema.model_json_schema(), ensure_ascii=False)


def estimate_input(request: Request[Any]) -> int:
    """About how many tokens of input one request is, with its schema."""
    texts = (request.instructions, request.material, schema_text(request))
    return sum(estimate_tokens(text) for text in texts) + _PER_REQUEST


def bound_input(request: Request[Any], earlier: Iterable[str] = ()) -> int:
    """How many tokens of input one request is at most: with its schema twice (some endpoints need it in the instructions
    as well) and with the earlier answers and complaints of the same conversation."""
    schema = 2 * bound_tokens(schema_text(request))
    said = sum(bound_tokens(text) for text in (request.instructions, request.material, *earlier))
    return schema + said + _BOUND_PER_REQUEST


def add_to(estimate: Estimate, request: Request[Any], price: Price | None, thinking_tokens: int) -> None:
    """Count one request that would be sent."""
    estimate.calls += 1
    estimate.tasks[request.task] = estimate.tasks.get(request.task, 0) + 1
    tokens_in, tokens_out = estimate_input(request), request.max_tokens + thinking_tokens
    estimate.input_tokens += tokens_in
    estimate.output_tokens += tokens_out
    if price is not None:
        estimate.currency = price.currency
        estimate.cost = (estimate.cost or Decimal(0)) + price.bound(tokens_in, tokens_out)
