"""The client: asks an OpenAI-compatible endpoint, many requests at a time, and gives the answers in order.

Nothing that the endpoint does raises an error here: it becomes the failure of an answer. What the cache holds is answered
without an event loop, a thread or a socket, and without the extra `llm`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from decimal import Decimal
from importlib.util import find_spec
from types import TracebackType
from typing import Any, cast, get_args

from jdextract.config import LlmConfig
from jdextract.errors import ConfigError, MissingExtra
from jdextract.llm.cache import AnswerCache, make_key
from jdextract.llm.credentials import Key, read_key
from jdextract.llm.dialogue import Dialogue
from jdextract.llm.estimate import Estimate, add_to
from jdextract.llm.exchange import Answer, FailureKind, Output, Request, Usage
from jdextract.llm.ledger import Earlier, Ledger
from jdextract.llm.loop import LoopThread
from jdextract.llm.prices import find_price

_LOOK_AHEAD = 4  # requests that are read ahead, for each one that may be under way
_NOTED = 500  # failures that are written down together
_GRACE = 10.0  # seconds at the end for requests under way: their answers are paid, and are kept


class Client:
    """Implements `Asker`. A context manager. One run, one client: the budget and the ledger are of the run."""

    def __init__(self, settings: LlmConfig, *, key: Key | None = None, earlier: Earlier | None = None) -> None:
        """Open the cache and look up the price. Raises ConfigError, MissingInput, DamagedInput.

        `earlier`: what the run had spent before it was interrupted.
        """
        if settings.model is None:
            raise ConfigError("llm.model is not set", hint="give --llm MODEL, and --llm-base-url URL")
        self.model = settings.model
        self.settings = settings
        self.price = find_price(settings.model, settings.base_url, settings.price)
        if settings.budget is not None and self.price is None and not settings.replay:
            raise ConfigError(
                f"llm.budget: the price of {settings.model} at {settings.base_url} is not known",
                hint="give --llm-price IN/OUT per million tokens; 0/0 for a server of your own",
            )
        self.ledger = Ledger(
            settings.model, self.price, budget=settings.budget, max_calls=settings.max_calls, earlier=earlier
        )
        self._cache = AnswerCache(settings.cache, replay=settings.replay)
        key = read_key() if key is None else key
        self._dialogue = Dialogue(settings, key, self._cache, self.ledger, self.price)
        self._under_way: dict[str, Future[Answer[Any]]] = {}
        self._failed: list[tuple[str, str, str]] = []  # not yet written down
        self._lock = threading.Lock()
        self._loop: LoopThread | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Wait a little for requests under way, so that what was paid is kept, and close everything."""
        if self._loop is not None:
            self._loop.close(self._dialogue.close(), grace=min(_GRACE, self.settings.timeout))
            self._loop = None
        self._write_failures()
        self._cache.close()

    def ask(self, requests: Iterable[Request[Output]]) -> Iterator[tuple[Request[Output], Answer[Output]]]:
        """Each request with its answer, in the order of the requests, which are read a bounded number ahead."""
        window: deque[tuple[Request[Output], Answer[Output] | Future[Answer[Output]], bool]] = deque()
        most = self.settings.concurrency * _LOOK_AHEAD
        try:
            for request in requests:
                window.append((request, *self._begin(request)))
                while len(window) > most or (window and _is_done(window[0][1])):
                    yield self._end(*window.popleft())
            while window:
                yield self._end(*window.popleft())
        finally:
            for _, answer, shared in window:
                if isinstance(answer, Future) and not shared:
                    answer.cancel()

    def estimate(self, requests: Iterable[Request[Any]]) -> Estimate:
        """What these requests would cost at most beyond the cache. Nothing is sent."""
        estimate = Estimate()
        seen: set[str] = set()
        for request in requests:
            key = key_of(request, self.settings)
            if key in seen or self._dialogue.look_up(request, key) is not None:
                estimate.cached += 1
            else:
                seen.add(key)
                add_to(estimate, request, self.price, self.settings.thinking_tokens)
        return estimate

    def _begin(self, request: Request[Output]) -> tuple[Answer[Output] | Future[Answer[Output]], bool]:
        """The answer, or the future of one, and whether it is that of an equal request before."""
        key = key_of(request, self.settings)
        with self._lock:
            running = self._under_way.get(key)
        if running is not None:
            return running, True
        found = self._dialogue.look_up(request, key)
        if self.settings.replay and (found is None or found.failure):
            return self._replay_failure(key, found), False
        if found is not None:
            return found, False
        with self._lock:
            self._loop = self._loop or _start()
            future = self._loop.submit(self._dialogue.answer(request, key))
            self._under_way[key] = future
        future.add_done_callback(lambda _: self._forget(key))
        return future, False

    def _forget(self, key: str) -> None:
        with self._lock:
            self._under_way.pop(key, None)

    def _end(
        self, request: Request[Output], answer: Answer[Output] | Future[Answer[Output]], shared: bool
    ) -> tuple[Request[Output], Answer[Output]]:
        if isinstance(answer, Future):
            try:
                answer = answer.result()
            except CancelledError:
                answer = Answer(None, self.model, "unreachable", "the asking was ended before an answer came")
            if shared:  # it was paid once
                answer = replace(answer, cached=not answer.failure, usage=Usage(), cost=Decimal(0))
            elif answer.failure and not answer.cached:
                self._failed.append((key_of(request, self.settings), answer.failure, answer.reason))
                if len(self._failed) == _NOTED:
                    self._write_failures()
        self.ledger.record(request.task, request.document, answer)
        return request, answer

    def _write_failures(self) -> None:
        if self._failed:
            self._cache.note_failures(self._failed)
            self._failed.clear()

    def _replay_failure(self, key: str, found: Answer[Any] | None) -> Answer[Any]:
        """The failure that the question ended in when it was asked, though it may have got replies before that."""
        kind, reason = self._cache.find_failure(key) or ("", "")
        if found is not None and kind in ("", found.failure):
            return found
        if kind not in get_args(FailureKind)[1:]:
            kind, reason = "not-recorded", "the recording holds no such exchange"
        return Answer(None, self.model, cast(FailureKind, kind), reason)


def key_of(request: Request[Any], settings: LlmConfig) -> str:
    """Key of a request in the cache, with these settings."""
    tokens = request.max_tokens + settings.thinking_tokens
    return make_key(request, settings.model or "", max_tokens=tokens, extra=settings.extra_body)


def _is_done(answer: Answer[Any] | Future[Answer[Any]]) -> bool:
    return not isinstance(answer, Future) or answer.done()


def _start() -> LoopThread:
    require_extra()
    return LoopThread()


def require_extra() -> None:
    """Raises MissingExtra where the libraries that talk to an endpoint are not installed."""
    if find_spec("pydantic_ai") is None or find_spec("openai") is None:
        raise MissingExtra(
            "asking a language model needs more libraries", hint="pip install 'jdextract[llm]'; a replay needs none"
        )
