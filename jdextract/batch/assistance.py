"""A language model in a run: the one process that knows the budget asks about the documents that workers had doubts about."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any

from jdextract.batch.extraction import BatchPipeline, ChunkExtractor, WorkOrder, count_dropped, count_duties
from jdextract.batch.identity import describe_prompts
from jdextract.batch.inputs import Chunk
from jdextract.batch.interrupts import Interrupts
from jdextract.batch.results import ChunkResult, Detail, DocumentResult
from jdextract.config import LlmConfig
from jdextract.errors import JdextractError
from jdextract.llm.assist import LIMITS, Assistant, Assisted, count_outcomes
from jdextract.llm.cache import AnswerCache
from jdextract.llm.client import Client, require_extra
from jdextract.llm.ledger import Earlier
from jdextract.pipeline import Explained
from jdextract.records import ReadFailure

_COUNT = "llm"  # first word of the names under which a run counts what came of the asking
_DOCUMENTS = 8  # that are asked about together, for each request that may be under way
_MOST_CHUNKS = 16  # that wait for it

logger = logging.getLogger("jdextract.batch")


@dataclass(frozen=True, slots=True)
class Begun:
    """What a run keeps about its asking: when it began, from which value per token on, and the plan behind that."""

    began: datetime
    cutoff: float
    plan: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """As an object that JSON holds."""
        return {"began": self.began.isoformat(), "cutoff": self.cutoff, "plan": self.plan}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Begun:
        """The reverse of `to_json`."""
        return cls(datetime.fromisoformat(value["began"]), value["cutoff"], value["plan"])


class RunAssistance(AbstractContextManager["RunAssistance"]):
    """The client of a run and all that is asked through it."""

    def __init__(
        self,
        begun: Begun,
        order: WorkOrder,
        pipeline: BatchPipeline,
        interrupts: Interrupts,
        lost: tuple[str, int] | None = None,
    ) -> None:
        """`lost`, of a run that goes on: cost and number of the calls whose answers it had lost before.

        Raises ConfigError, MissingExtra, MissingInput, DamagedInput.
        """
        settings = order.config.llm
        if not settings.replay:
            require_extra()
        self._begun, self._settings = begun, settings
        earlier = _sum_earlier(settings, begun.began, lost) if lost else Earlier()
        self._before = Earlier(Decimal(lost[0]), lost[1]) if lost else Earlier()
        self._client = Client(settings, earlier=earlier)
        self._assistant = Assistant(self._client, pipeline, begun.cutoff)
        group = _DOCUMENTS * settings.concurrency
        self._chunks = ChunkAssistant(self._assistant, ChunkExtractor(order, pipeline), group, interrupts)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()

    @property
    def lost(self) -> tuple[str, int]:
        """As for `__init__`, up to now."""
        lost = self._client.ledger.lost
        return str(self._before.cost + lost.cost), self._before.calls + lost.calls

    def assist(self, results: Iterator[tuple[Chunk, ChunkResult]]) -> Iterator[tuple[Chunk, ChunkResult]]:
        """Chunks with their results, in order, with what the model put right."""
        return self._chunks.assist(results)

    def summarize(self, counts: Counter[str]) -> dict[str, Any]:
        """The section `llm` of run.json. `counts`: those of the whole run."""
        reach = self._assistant.reach
        stopped = self._client.ledger.stopped
        return {
            "model": self._settings.model,
            "base_url": self._settings.base_url,
            "prompts": describe_prompts(),
            "replay": self._settings.replay,
            "cutoff": {
                "planned": self._begun.cutoff,
                "reached": reach.lowest,
                "left_unasked": reach.highest_left,
            },
            "plan": self._begun.plan,
            "outcomes": count_outcomes(read_outcomes(counts)),
            "limit_reached": stopped or None,
            "reasons": {kind: reason for kind, reason in sorted(reach.reasons.items()) if kind not in LIMITS},
            "ledger": self._client.ledger.summary(),
        }


def _sum_earlier(settings: LlmConfig, began: datetime, lost: tuple[str, int]) -> Earlier:
    """What an interrupted run has spent. The cache knows it better than the journal, which may be seconds behind."""
    earlier = Earlier(Decimal(lost[0]), lost[1])
    if settings.replay or not settings.cache.exists():
        return earlier
    with AnswerCache(settings.cache) as cache:
        cost, calls = cache.spent_since(began, settings.model or "")
    return Earlier(earlier.cost + cost, earlier.calls + calls)


def read_outcomes(counts: Counter[str]) -> Counter[Any]:
    """(task, outcome) -> doubts, from the counts of a run."""
    found: Counter[Any] = Counter()
    for name, number in counts.items():
        first, _, rest = name.partition(" ")
        task, _, outcome = rest.partition(" ")
        if first == _COUNT:
            found[task, outcome] = number
    return found


class ChunkAssistant:
    """Works on a few chunks at a time, so that their questions are under way together."""

    def __init__(self, assistant: Assistant, extractor: ChunkExtractor, group: int, interrupts: Interrupts) -> None:
        """`group`: documents with doubts that are waited for before the asking begins."""
        self._assistant, self._extractor, self._group, self._interrupts = assistant, extractor, group, interrupts

    def assist(self, results: Iterator[tuple[Chunk, ChunkResult]]) -> Iterator[tuple[Chunk, ChunkResult]]:
        """Chunks with their results, in order."""
        for pairs in gather(results, self._group):
            yield from self._work(pairs)

    def _work(self, pairs: list[tuple[Chunk, ChunkResult]]) -> Iterator[tuple[Chunk, ChunkResult]]:
        start = time.perf_counter()
        details = [doubtful.detail for _, result in pairs for doubtful in list_doubtful(result)]
        found = iter(ask_safely(self._assistant, [d.explained for d in details if d], self._interrupts))
        seconds = time.perf_counter() - start
        for chunk, result in pairs:
            made = self._put_in(result, found)
            yield chunk, replace(made, seconds={**made.seconds, "assistance": seconds})
            seconds = 0.0

    def _put_in(self, result: ChunkResult, found: Iterator[Assisted]) -> ChunkResult:
        documents = list(result.documents)
        counts, dropped = Counter(result.counts), Counter(result.dropped)
        for number, offline in enumerate(documents):
            if not offline.doubts or offline.detail is None:
                continue
            assisted = next(found)
            new, detail = self._render(offline.detail, assisted)
            counts.update({f"{_COUNT} {task} {outcome}": n for (task, outcome), n in assisted.outcomes.items()})
            documents[number] = offline if new is None else new
            counts.subtract(count_duties(offline.detail.explained))
            counts.update(count_duties(detail.explained))
            dropped.subtract(count_dropped(offline.detail.explained))
            dropped.update(count_dropped(detail.explained))
        return replace(result, documents=tuple(documents), counts=+counts, dropped=+dropped)

    def _render(self, offline: Detail, assisted: Assisted) -> tuple[DocumentResult | None, Detail]:
        """The new result; where it can't be written, the offline one with a note; None if that can't be written either."""
        result = self._extractor.render(assisted.explained)
        if isinstance(result, ReadFailure):
            logger.warning("assistance failed", extra={"fields": {"path": result.path, "what": result.what}})
            result = self._extractor.render(self._assistant.give_up(offline.explained, result.error).explained)
        if isinstance(result, ReadFailure) or result.detail is None:
            return None, offline
        return result, result.detail


def list_doubtful(result: ChunkResult) -> list[DocumentResult]:
    """The documents of a chunk that a model is asked about."""
    return [document for document in result.documents if document.doubts and document.detail]


def gather(results: Iterator[tuple[Chunk, ChunkResult]], group: int) -> Iterator[list[tuple[Chunk, ChunkResult]]]:
    """The results some at a time: until so many documents are doubtful, or many chunks wait for them."""
    waiting: list[tuple[Chunk, ChunkResult]] = []
    doubtful = 0
    for pair in results:
        waiting.append(pair)
        doubtful += len(list_doubtful(pair[1]))
        if not doubtful or doubtful >= group or len(waiting) == _MOST_CHUNKS:
            yield waiting
            waiting, doubtful = [], 0
    if waiting:
        yield waiting


def ask_safely(assistant: Assistant, batch: Sequence[Explained], interrupts: Interrupts) -> list[Assisted]:
    """As `Assistant.assist_each`; a document whose answers break something stays as it was, with a note.

    Raises JdextractError and OSError, which are no fault of a document.
    """
    try:
        with interrupts.allowed():
            return assistant.assist_each(batch) if batch else []
    except (JdextractError, OSError):
        raise
    except Exception as error:
        if len(batch) > 1:  # which of them? What was answered is in the cache.
            return [found for one in batch for found in ask_safely(assistant, [one], interrupts)]
        fields = {"path": batch[0].draft.source.source, "error": type(error).__name__, "what": str(error)}
        logger.warning("assistance failed", extra={"fields": fields})
        return [assistant.give_up(batch[0], type(error).__name__)]


def begin_now(cutoff: float, plan: Mapping[str, Any] | None = None) -> Begun:
    """The asking begins at this moment."""
    return Begun(datetime.now(UTC), cutoff, plan)
