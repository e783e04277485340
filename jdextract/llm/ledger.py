"""The account of one run: tokens and cost by task and document, the budget, and the number of calls.

Money is reserved before a request is sent, at what it can cost at most, and settled when the endpoint has said how many
tokens it was. So requests that are under way at the same time can't overshoot the budget together.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from jdextract.llm.exchange import Answer, Usage
from jdextract.llm.prices import Price

_LISTED_DOCUMENTS = 1_000  # in a summary: those that cost most
_LOOK_AGAIN = 0.01  # seconds: a request that waits for others to be settled looks again after this time


@dataclass(slots=True)
class Tally:
    """Sums of one task, one document or the run."""

    requests: int = 0
    cached: int = 0  # answered by the cache or by an equal request of the same run
    failures: Counter[str] = field(default_factory=Counter)
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cost: Decimal = Decimal(0)

    def add(self, answer: Answer[Any]) -> None:
        """Count one answer."""
        self.requests += 1
        self.cached += answer.cached
        if answer.failure:
            self.failures[answer.failure] += 1
        self.input_tokens += answer.usage.input_tokens
        self.output_tokens += answer.usage.output_tokens
        self.cached_input_tokens += answer.usage.cached_input_tokens
        self.cost += answer.cost

    def as_dict(self) -> dict[str, Any]:
        """For JSON; cost as a number."""
        return {
            "requests": self.requests,
            "cached": self.cached,
            "failures": dict(sorted(self.failures.items())),
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_input_tokens": self.cached_input_tokens,
            "cost": float(self.cost),
        }


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a run had spent before it was interrupted; it counts for its budget and its number of calls."""

    cost: Decimal = Decimal(0)
    calls: int = 0


class Ledger:
    """Safe to use from several threads; `reserve` from one event loop."""

    def __init__(
        self,
        model: str,
        price: Price | None,
        *,
        budget: Decimal | None = None,
        max_calls: int | None = None,
        earlier: Earlier | None = None,
    ) -> None:
        """A budget needs a price: whoever makes the ledger has seen to that."""
        self._model, self._price, self._budget, self._max_calls = model, price, budget, max_calls
        self._earlier = earlier or Earlier()
        self._lock = threading.Lock()
        self._calls = 0
        self._settled = Decimal(0)  # spent, as far as the endpoint has told
        self._reserved = Decimal(0)  # of requests under way
        self._forfeited = Decimal(0)  # of requests whose answer was lost: they may have been billed
        self._under_way = 0
        self._lost_calls = self._uncounted_calls = 0
        self._stopped: Literal["", "budget", "calls"] = ""
        self._total, self._tasks, self._documents = Tally(), dict[str, Tally](), dict[str, Tally]()

    async def reserve(self, input_tokens: int, output_tokens: int) -> Decimal | Literal["budget", "calls"]:
        """Put aside what a request costs at most, or say what forbids it. Waits while requests under way may still turn
        out to be cheaper. What is used up once stays used up for the run."""
        amount = self._price.bound(input_tokens, output_tokens) if self._price else Decimal(0)
        while True:
            with self._lock:
                if self._stopped:
                    return self._stopped
                if self._max_calls is not None and self._earlier.calls + self._calls >= self._max_calls:
                    self._stopped = "calls"
                elif self._budget is None or self._spent() + self._reserved + amount <= self._budget:
                    self._calls += 1
                    self._under_way += 1
                    self._reserved += amount
                    return amount
                elif not self._under_way:
                    self._stopped = "budget"
            await asyncio.sleep(_LOOK_AGAIN)

    def settle(self, reserved: Decimal, usage: Usage) -> Decimal:
        """Replace a reservation by what the answer has cost, which is returned. An endpoint that tells no tokens is
        counted at the reservation."""
        with self._lock:
            self._release(reserved)
            told = usage.input_tokens or usage.output_tokens
            cost = reserved if not told else self._price.cost(usage) if self._price else Decimal(0)
            self._uncounted_calls += not told
            self._settled += cost
            return cost

    def release(self, reserved: Decimal) -> None:
        """Take back a reservation: the endpoint refused the request, which costs nothing."""
        with self._lock:
            self._release(reserved)

    def forfeit(self, reserved: Decimal) -> None:
        """Keep a reservation as spent: the connection was lost or timed out, and the answer may have been billed."""
        with self._lock:
            self._release(reserved)
            self._forfeited += reserved
            self._lost_calls += 1

    @property
    def stopped(self) -> Literal["", "budget", "calls"]:
        """The limit that has ended the asking."""
        return self._stopped

    @property
    def lost(self) -> Earlier:
        """Requests whose answer was lost, and what they may have cost."""
        with self._lock:
            return Earlier(self._forfeited, self._lost_calls)

    def record(self, task: str, document: str, answer: Answer[Any]) -> None:
        """Count an answer for its task and its document."""
        with self._lock:
            self._total.add(answer)
            self._tasks.setdefault(task, Tally()).add(answer)
            self._documents.setdefault(document, Tally()).add(answer)

    def summary(self) -> dict[str, Any]:
        """All of it, for `run.json`. Documents that were only answered from the cache are counted, not listed."""
        with self._lock:
            paid = {name: tally for name, tally in self._documents.items() if tally.cached < tally.requests}
            listed = sorted(paid, key=lambda name: (-paid[name].cost, -paid[name].input_tokens, name))
            price = self._price
            return {
                "model": self._model,
                **self._total.as_dict(),
                "calls": self._calls,
                "spent": float(self._spent()),
                "currency": price.currency if price else None,
                "cost_known": price is not None,
                "price": price and {"input": float(price.input), "output": float(price.output), "source": price.source},
                "lost": {"calls": self._lost_calls, "cost_at_most": float(self._forfeited)},
                "calls_without_token_counts": self._uncounted_calls,
                "budget": float(self._budget) if self._budget is not None else None,
                "max_calls": self._max_calls,
                "earlier": {"calls": self._earlier.calls, "cost": float(self._earlier.cost)},
                "stopped": self._stopped,
                "tasks": {name: tally.as_dict() for name, tally in sorted(self._tasks.items())},
                "documents": {name: paid[name].as_dict() for name in listed[:_LISTED_DOCUMENTS]},
                "documents_not_listed": len(self._documents) - min(len(listed), _LISTED_DOCUMENTS),
            }

    def _spent(self) -> Decimal:
        return self._earlier.cost + self._settled + self._forfeited

    def _release(self, reserved: Decimal) -> None:
        self._reserved -= reserved
        self._under_way -= 1
