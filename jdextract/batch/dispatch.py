"""Chunks -> results, in order: in this process or in several."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from jdextract.batch.extraction import BatchPipeline, ChunkExtractor, WorkOrder
from jdextract.batch.inputs import Chunk
from jdextract.batch.interrupts import Interrupts
from jdextract.batch.pool import Limits, WorkerPool
from jdextract.batch.results import ChunkResult
from jdextract.batch.worker import Task

_FEW_CHUNKS = 2  # that are not worth starting processes for


@dataclass(slots=True)
class Crew:
    """Who does the work. `pipeline` is that of this process; `used`: processes that were needed at most."""

    workers: int
    limits: Limits
    look_ahead: int
    setup: Callable[[], None] | None
    pipeline: BatchPipeline
    interrupts: Interrupts = field(default_factory=Interrupts)
    used: int = 1


def extract_chunks(
    order: WorkOrder, chunks: Iterator[Chunk], crew: Crew, *, detail: Callable[[], bool], isolated: bool = False
) -> Iterator[tuple[Chunk, ChunkResult]]:
    """Chunks with their results, in order. `detail`: whether the next documents are wanted with all their detail.

    `isolated`: in processes of their own in any case, for documents that may have ended a run before.
    """
    first = list(islice(chunks, _FEW_CHUNKS + 1))
    if not isolated and (crew.workers == 1 or len(first) <= _FEW_CHUNKS):
        extractor = ChunkExtractor(order, crew.pipeline)
        for chunk in chain(first, chunks):
            with crew.interrupts.allowed():
                result = extractor.extract(chunk.items, detail=detail())
            yield chunk, result
        return
    crew.used = crew.workers
    waiting: deque[Chunk] = deque()
    with WorkerPool(
        order,
        crew.workers,
        limits=crew.limits,
        look_ahead=crew.look_ahead,
        interrupts=crew.interrupts,
        setup=crew.setup,
    ) as pool:

        def tasks() -> Iterator[Task]:
            for chunk in chain(first, chunks):
                waiting.append(chunk)
                yield Task(chunk.number, chunk.items, detail(), pool.task_seconds(len(chunk.items)))

        for result in pool.run(tasks()):
            yield waiting.popleft(), result
