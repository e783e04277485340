"""One question until its answer fits the schema: tries, modes, complaints, and what each reply costs."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jdextract.config import LlmConfig
from jdextract.llm.answers import holds_object, read_output
from jdextract.llm.breaker import Breaker, back_off
from jdextract.llm.cache import AnswerCache, Origin, Reply
from jdextract.llm.credentials import Key
from jdextract.llm.estimate import bound_input
from jdextract.llm.exchange import Answer, Output, Request, Usage
from jdextract.llm.faults import Failed, Fault
from jdextract.llm.ledger import Ledger
from jdextract.llm.modes import Mode, Modes
from jdextract.llm.prices import Price

if TYPE_CHECKING:
    from jdextract.llm.endpoint import Endpoint

_USED_UP = {"budget": "the budget of this run is used up", "calls": "the number of calls of this run is used up"}


class Dialogue:
    """The asynchronous side of the client, for one event loop. `look_up` may be called from any thread."""

    def __init__(self, settings: LlmConfig, key: Key, cache: AnswerCache, ledger: Ledger, price: Price | None) -> None:
        """`settings.model` must be set."""
        self._settings, self._key, self._cache, self._ledger, self._price = settings, key, cache, ledger, price
        self._model = settings.model or ""
        self._modes = Modes(settings.mode)
        self._breaker = Breaker(settings.breaker_failures, settings.breaker_pause)
        self._gate = asyncio.Semaphore(settings.concurrency)
        self._endpoint: Endpoint | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._endpoint is not None:
            await self._endpoint.close()

    def look_up(self, request: Request[Output], key: str) -> Answer[Output] | None:
        """What the cache alone can answer, failures of the schema among it."""
        output: Output | str = ""
        replies = self._cache.find(key)
        for reply in replies:
            output = read_output(reply.text, request.schema)
            if not isinstance(output, str):
                return Answer(output, self._model, cached=True)
            failed = _end(reply)
            if failed is not None:
                return Answer(None, self._model, failed.kind, failed.reason, cached=True)
        if replies and (len(replies) > self._settings.schema_retries or self._settings.replay):
            return Answer(None, self._model, "schema", str(output), cached=True)
        return None

    async def answer(self, request: Request[Output], key: str) -> Answer[Output]:
        """Ask, as soon as fewer requests than allowed are under way."""
        async with self._gate:
            # A caller that goes away ends the waiting, not the exchange: its answer is paid, and is kept.
            return await asyncio.shield(self._converse(request, key))

    async def _converse(self, request: Request[Output], key: str) -> Answer[Output]:
        stored = self._cache.find(key)  # replies that an earlier run has paid for and that do not fit
        conversation: list[tuple[str, str]] = []
        usage, cost, mode, complaint = Usage(), Decimal(0), self._modes.current, ""
        for attempt in range(self._settings.schema_retries + 1):
            if attempt < len(stored):
                reply = stored[attempt]
            else:
                came = await self._exchange(request, key, attempt, mode, conversation)
                if isinstance(came, Failed):
                    return Answer(None, self._model, came.kind, came.reason, usage=usage, cost=cost)
                reply, mode, paid = came
                usage, cost = _add(usage, reply.usage), cost + paid
            output = read_output(reply.text, request.schema)
            if not isinstance(output, str):
                return Answer(output, self._model, usage=usage, cost=cost)
            complaint = output
            failed = _end(reply)
            if failed is not None:
                return Answer(None, self._model, failed.kind, failed.reason, usage=usage, cost=cost)
            conversation.append((reply.text, _complain(complaint)))
            if not holds_object(reply.text):  # prose: the endpoint seems to ignore the schema
                mode = self._modes.after(mode) or mode
        return Answer(None, self._model, "schema", complaint, usage=usage, cost=cost)

    async def _exchange(
        self, request: Request[Any], key: str, attempt: int, mode: Mode, conversation: list[tuple[str, str]]
    ) -> tuple[Reply, Mode, Decimal] | Failed:
        """One reply, committed, with the mode that brought it and its cost, after as many tries as that takes."""
        tries = 0
        while True:
            came = await self._try_once(request, mode, conversation)
            if isinstance(came, Failed):
                return came
            if not isinstance(came, Fault):
                reply, cost = came
                origin = Origin(self._model, request.prompt, request.task, request.document)
                currency = self._price.currency if self._price else ""
                # Committed before it is used; in a thread, since waiting for the disk must not hold up the others.
                await asyncio.to_thread(self._cache.add, key, attempt, origin, reply, cost=cost, currency=currency)
                if holds_object(reply.text):
                    self._modes.prove(mode)
                return reply, mode, cost
            if came.kind == "mode":
                following = self._modes.after(mode)
                if following is None:
                    return Failed("refused", came.reason)
                mode = following
            elif came.kind == "again":
                tries += 1
                if tries > self._settings.retries or not self._breaker.closed:
                    if came.overloaded:
                        self._breaker.fail(came.reason)
                    return Failed("unreachable", came.reason)
                most = self._settings.max_wait
                await asyncio.sleep(min(most, max(came.wait or 0.0, back_off(tries, most))))
            else:
                return Failed("refused", came.reason)

    async def _try_once(
        self, request: Request[Any], mode: Mode, conversation: list[tuple[str, str]]
    ) -> tuple[Reply, Decimal] | Failed | Fault:
        """Send once, if the breaker and the budget allow it, and settle what it has cost."""
        refusal = self._breaker.refusal()
        if refusal:
            return Failed("circuit-open", refusal)
        said = [text for pair in conversation for text in pair]
        tokens = request.max_tokens + self._settings.thinking_tokens
        reserved = await self._ledger.reserve(bound_input(request, said), tokens)
        if isinstance(reserved, str):
            self._breaker.give_up_probe()
            return Failed(reserved, _USED_UP[reserved])
        try:
            reply = await self._connect().exchange(request, mode, conversation)
        except Fault as fault:
            (self._ledger.forfeit if fault.lost else self._ledger.release)(reserved)
            self._report(fault)
            return fault
        except BaseException:  # cancelled at the very end
            self._ledger.forfeit(reserved)
            self._breaker.give_up_probe()
            raise
        self._breaker.succeed()
        return reply, self._ledger.settle(reserved, reply.usage)

    def _report(self, fault: Fault) -> None:
        if fault.kind == "final":
            self._breaker.open_for_good(fault.reason)
        elif fault.overloaded:
            self._breaker.give_up_probe()
        elif fault.kind == "again":
            self._breaker.fail(fault.reason)
        else:
            self._breaker.succeed()

    def _connect(self) -> Endpoint:
        from jdextract.llm.endpoint import Endpoint

        if self._endpoint is None:
            self._endpoint = Endpoint(self._settings, self._key)
        return self._endpoint


def _end(reply: Reply) -> Failed | None:
    """Failures that asking again does not mend."""
    if reply.finish == "length":
        return Failed("schema", "cut at the bound of its tokens; a thinking model needs llm.thinking_tokens")
    if reply.finish == "content_filter":
        return Failed("refused", "the endpoint's filter of contents has stopped the answer")
    return None


def _complain(complaint: str) -> str:
    return f"Your answer can't be used: {complaint}. Answer again, with one JSON object that fits the schema, and nothing else."


def _add(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.cached_input_tokens + other.cached_input_tokens,
    )
