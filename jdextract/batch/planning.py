"""Before a language model is asked: an offline pass over all inputs that tells how far its limits reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jdextract.batch.assistance import ask_safely, gather, list_doubtful
from jdextract.batch.dispatch import Crew, extract_chunks
from jdextract.batch.extraction import WorkOrder
from jdextract.batch.inputs import cut_chunks
from jdextract.config import LlmConfig
from jdextract.errors import ConfigError
from jdextract.llm.assist import Assistant
from jdextract.llm.client import Client
from jdextract.llm.exchange import Answer, Output, Request
from jdextract.llm.plan import Demand, Plan, make_plan
from jdextract.llm.prices import find_price
from jdextract.llm.requestfile import write_requests
from jdextract.reading import STANDARD_INPUT

_DOCUMENTS = 64  # whose requests are written together


def needs_plan(settings: LlmConfig) -> bool:
    """Whether a cutoff is to be found before the first question."""
    return settings.cutoff is None and (settings.budget is not None or settings.max_calls is not None)


def plan_questions(inputs: Sequence[str], order: WorkOrder, crew: Crew, *, again: bool = True) -> Plan:
    """Read everything once without asking or writing anything. `again`: the inputs will be read another time.

    Raises ConfigError, ModelError, TaxonomyError, RunError.
    """
    settings = order.config.llm
    if again and STANDARD_INPUT in inputs:
        raise ConfigError(
            "standard input can't be read twice, which a plan needs",
            where="-",
            hint="give a file, or --llm-cutoff 0 to ask in the order of the documents until a limit is reached",
        )
    price = find_price(settings.model or "", settings.base_url, settings.price)
    if settings.budget is not None and price is None:
        raise ConfigError(
            f"llm.budget: the price of {settings.model} at {settings.base_url} is not known",
            hint="give --llm-price IN/OUT per million tokens, or in a replay the --llm-cutoff of the recorded run",
        )
    demand = Demand(settings.thinking_tokens)
    planning = replace(order, planning=True, cutoff=0.0, texts=None, unfinished=None)
    chunks = cut_chunks(inputs, order.config.reading)
    for _, result in extract_chunks(planning, chunks, crew, detail=lambda: False):
        for document in result.documents:
            demand.add(document.doubts)
    return make_plan(demand, price, settings)


@dataclass(slots=True)
class Collector:
    """Answers from the cache and keeps every request that it does not answer. Implements `Asker`.

    What became of a document's structure decides which roles are in doubt, so these are asked about another time.
    """

    model: str
    client: Client | None  # of a replay
    requests: list[Request[Any]] = field(default_factory=list)
    _waiting: set[str] = field(default_factory=set)

    def ask(self, requests: Iterable[Request[Output]]) -> Iterator[tuple[Request[Output], Answer[Output]]]:
        """Each request with its answer, in order."""
        for request, answer in self._look_up(requests):
            unanswered = answer.output is None and not answer.cached
            if unanswered and (request.task == "zone" or request.document not in self._waiting):
                self.requests.append(request)
            if unanswered and request.task == "zone":
                self._waiting.add(request.document)
            yield request, answer

    def _look_up(self, requests: Iterable[Request[Output]]) -> Iterator[tuple[Request[Output], Answer[Output]]]:
        if self.client is not None:
            return self.client.ask(requests)
        return ((request, Answer(None, self.model, "not-recorded")) for request in requests)

    def take(self) -> list[Request[Any]]:
        """The requests since this was last called."""
        taken, self.requests = self.requests, []
        self._waiting.clear()
        return taken


def collect_requests(inputs: Sequence[str], order: WorkOrder, crew: Crew, cutoff: float, target: Path) -> int:
    """Write what a run with this cutoff would ask beyond its cache. Returns how many requests that is.

    A document whose structure is asked about comes with its roles when the answers to that are in the cache.
    """
    settings = order.config.llm
    client = Client(settings.model_copy(update={"replay": True})) if settings.cache.exists() else None
    collector = Collector(settings.model or "", client)
    assistant = Assistant(collector, crew.pipeline, cutoff)
    order = replace(order, cutoff=cutoff, texts=None, unfinished=None)

    def collect() -> Iterator[Request[Any]]:
        chunks = cut_chunks(inputs, order.config.reading)
        for pairs in gather(extract_chunks(order, chunks, crew, detail=lambda: False), _DOCUMENTS):
            details = [found.detail for _, result in pairs for found in list_doubtful(result)]
            ask_safely(assistant, [detail.explained for detail in details if detail], crew.interrupts)
            yield from collector.take()

    try:
        return write_requests(collect(), target)
    finally:
        if client is not None:
            client.close()
