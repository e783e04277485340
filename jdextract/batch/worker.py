"""One worker process: takes tasks from its pipe, one after the other, and answers each."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue

from jdextract.batch.extraction import BatchPipeline, ChunkExtractor, WorkOrder
from jdextract.batch.inputs import Item
from jdextract.batch.limits import limit_memory
from jdextract.batch.results import ChunkResult
from jdextract.errors import JdextractError
from jdextract.records import SourceText

OUT_OF_MEMORY = 77  # exit code


@dataclass(frozen=True, slots=True)
class Task:
    """Items of one chunk: all of them, or `part` alone. `seconds`: when the work is given up."""

    number: int
    items: tuple[Item, ...]
    detail: bool
    seconds: float
    part: int | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """Documents go to the worker as tuples, which costs a fraction."""
        items = [
            (item.id, item.source, item.text, item.encoding, item.media_type) if isinstance(item, SourceText) else item
            for item in self.items
        ]
        return _unpack, (self.number, items, self.detail, self.seconds, self.part)


_Text = tuple[str, str, str, str, str]


def _unpack(number: int, items: list[Item | _Text], detail: bool, seconds: float, part: int | None) -> Task:
    whole = tuple(SourceText(*item) if isinstance(item, tuple) else item for item in items)
    return Task(number, whole, detail, seconds, part)


@dataclass(frozen=True, slots=True)
class Ready:
    """The models are loaded."""


@dataclass(frozen=True, slots=True)
class Entered:
    """The task has come to this stage."""

    stage: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What ends the run: the same would happen to every document."""

    error: Exception


Answer = Ready | Entered | Fault | ChunkResult


def settle_collector() -> None:
    """Let the garbage collector leave the models alone and look seldom, since records hold no cycles.

    For a process that does nothing but extract.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def serve(pipe: Connection, order: WorkOrder, memory: int, setup: Callable[[], None] | None) -> None:
    """Work until the other end of the pipe is closed. `memory`: bytes beyond the models. `setup` is called first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C ends
    tasks: SimpleQueue[Task] = SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, tasks), daemon=True).start()
    try:
        if setup:
            setup()
        extractor = ChunkExtractor(order, _take_pipeline(order), isolated=True)
        extractor.warm_up()
        settle_collector()
        limit_memory(memory)
        pipe.send(Ready())
        while True:
            task = tasks.get()
            _set_alarm(2 * task.seconds + 5)
            # Only a document that is tried alone is worth the messages.
            enter = None if task.part is None else lambda stage: pipe.send(Entered(stage))
            pipe.send(extractor.extract(task.items, detail=task.detail, enter=enter))
            _set_alarm(0)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:
        with suppress(OSError):
            pipe.send(Fault(error if isinstance(error, JdextractError | OSError) else JdextractError(repr(error))))


def _receive(pipe: Connection, tasks: SimpleQueue[Task]) -> None:
    """Empties the pipe while the work goes on, so that the parent never waits to hand out a task.

    A closed pipe ends the process at once: the parent is gone, or needs this worker no more.
    """
    while True:
        try:
            tasks.put(pipe.recv())
        except (EOFError, OSError):
            os._exit(0)


def _set_alarm(seconds: float) -> None:
    """The system ends this process then, even when the parent is gone and the work never lets Python run again."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _take_pipeline(order: WorkOrder) -> BatchPipeline | None:
    from jdextract.batch.preload import loaded

    pipeline = loaded.get(order.config.digest())
    return pipeline if isinstance(pipeline, BatchPipeline) else None
