"""Worker processes: bounded queues, results in order, a document that ends or holds up a process is put aside."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

from jdextract.batch.extraction import WorkOrder
from jdextract.batch.inputs import InputFile, name_of
from jdextract.batch.interrupts import Interrupts
from jdextract.batch.limits import ONE_THREAD, environment
from jdextract.batch.preload import VARIABLE
from jdextract.batch.results import ChunkResult, DocumentResult, join_parts
from jdextract.batch.worker import OUT_OF_MEMORY, Answer, Entered, Fault, Ready, Task, serve
from jdextract.errors import RunError
from jdextract.records import ReadFailure

_QUEUED = 2  # tasks at one worker: the next one waits there, so that it never idles
_TASKS_OF_A_WORKER = 1_000  # then a fresh one takes its place, whatever memory was lost on the way
_STARTS = 3  # workers that may end before they are ready, one after the other
_POLL = 0.5  # seconds

logger = logging.getLogger("jdextract.batch")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may take."""

    seconds: float = 60.0
    memory: int = 2 << 30  # bytes beyond the models


class _Worker:
    def __init__(self, process: BaseProcess, pipe: Connection) -> None:
        self.process = process
        self.pipe = pipe
        self.tasks: deque[Task] = deque()  # the first is being worked on
        self.since: float | None = None  # when that began; None before the models are loaded
        self.stage = ""
        self.done = 0

    @property
    def full(self) -> bool:
        alone = bool(self.tasks) and self.tasks[0].part is not None
        return alone or len(self.tasks) >= _QUEUED or self.done + len(self.tasks) >= _TASKS_OF_A_WORKER

    def overdue(self, now: float) -> bool:
        return bool(self.tasks) and self.since is not None and now - self.since > self.tasks[0].seconds


class WorkerPool:
    """Runs tasks in processes. A context manager: at the end of its block no process is left."""

    def __init__(
        self,
        order: WorkOrder,
        workers: int,
        *,
        limits: Limits | None = None,
        look_ahead: int = 4,
        interrupts: Interrupts | None = None,
        setup: Callable[[], None] | None = None,
    ) -> None:
        """`look_ahead`: chunks for each worker that may be under way or wait for their turn to be written.

        `setup` is called in each worker before anything else.
        """
        self._order, self._size, self._setup = order, workers, setup
        self._limits = limits or Limits()
        self._window = max(1, workers * look_ahead)
        self._interrupts = interrupts or Interrupts()
        self._workers: list[_Worker] = []
        self._waiting: deque[Task] = deque()
        self._parts: dict[int, dict[int, ChunkResult]] = {}  # of chunks that are tried document by document
        self._sizes: dict[int, int] = {}
        self._finished: dict[int, ChunkResult] = {}
        self._failed_starts = 0

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join(5)
            worker.pipe.close()
        self._workers.clear()

    def run(self, tasks: Iterator[Task]) -> Iterator[ChunkResult]:
        """The results of the tasks, in their order; tasks are taken as there is room for them.

        Raises JdextractError and OSError that a worker met and that would meet every document.
        """
        order: deque[int] = deque()
        source: Iterator[Task] | None = tasks
        while True:
            while source is not None and len(order) < self._window and self._has_room():
                task = next(source, None)
                if task is None:
                    source = None
                    break
                order.append(task.number)
                self._waiting.append(task)
                self._hand_out()
            if source is None and not order:
                return
            self._hand_out()
            if order[0] in self._finished:
                yield self._finished.pop(order.popleft())
            else:
                self._wait()

    def _has_room(self) -> bool:
        under_way = len(self._waiting) + sum(len(worker.tasks) for worker in self._workers)
        return under_way < self._size * _QUEUED

    def _hand_out(self) -> None:
        while self._waiting:
            task = self._waiting[0]
            free = [w for w in self._workers if not w.full and not (task.part is not None and w.tasks)]
            best = min(free, key=lambda worker: len(worker.tasks), default=None)
            if (best is None or best.tasks) and len(self._workers) < self._size:
                best = self._start()
            if best is None:
                return
            self._waiting.popleft()
            if not best.tasks and best.since is not None:
                best.since = time.monotonic()
            best.tasks.append(task)
            with suppress(OSError):  # a dead worker is met where its answer is awaited
                best.pipe.send(task)

    def _start(self) -> _Worker:
        context = start_context(self._order, preload=self._setup is None)
        ours, theirs = context.Pipe()
        arguments = (theirs, self._order, self._limits.memory, self._setup)
        process = context.Process(target=serve, args=arguments, daemon=True)  # type: ignore[attr-defined]
        with environment(ONE_THREAD):
            process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        logger.info("worker started", extra={"fields": {"workers": len(self._workers)}})
        return worker

    def _wait(self) -> None:
        with self._interrupts.allowed():
            ready: list[Any] = wait([worker.pipe for worker in self._workers], _POLL)
        for worker in list(self._workers):
            if worker.pipe in ready:
                self._hear(worker)
        now = time.monotonic()
        for worker in list(self._workers):
            if worker.overdue(now):
                self._bury(worker, late=True)

    def _hear(self, worker: _Worker) -> None:
        try:
            answer: Answer = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return
        if isinstance(answer, Ready):
            worker.since = time.monotonic()
            self._failed_starts = 0
        elif isinstance(answer, Entered):
            worker.stage = answer.stage
        elif isinstance(answer, Fault):
            raise answer.error
        else:
            task = worker.tasks.popleft()
            worker.since, worker.stage = time.monotonic(), ""
            worker.done += 1
            self._take(task, answer)
            if worker.done >= _TASKS_OF_A_WORKER and not worker.tasks:
                self._workers.remove(worker)
                worker.pipe.close()  # which ends it
                worker.process.join(5)

    def _take(self, task: Task, result: ChunkResult) -> None:
        if task.part is None:
            self._finished[task.number] = result
            return
        parts = self._parts[task.number]
        parts[task.part] = result
        if len(parts) == self._sizes[task.number]:
            self._finished[task.number] = join_parts(parts[i] for i in sorted(parts))
            del self._parts[task.number], self._sizes[task.number]

    def _bury(self, worker: _Worker, *, late: bool = False) -> None:
        """A worker died or is held up. What it worked on is tried document by document, then put aside."""
        if late:
            worker.process.kill()
        worker.process.join(5)
        worker.process.kill()
        worker.pipe.close()
        self._workers.remove(worker)
        tasks = list(worker.tasks)
        fields = {"exit": worker.process.exitcode, "late": late, "chunk": tasks[0].number if tasks else None}
        logger.warning("worker ended", extra={"fields": fields})
        if worker.since is None:
            self._failed_starts += 1
            if self._failed_starts == _STARTS:
                raise RunError(
                    f"workers end before they are ready ({_describe(worker.process.exitcode)})",
                    hint="try `--workers 1`, which works in this process and shows what is wrong",
                )
        elif tasks:
            suspect = tasks.pop(0)
            if suspect.part is None:
                self._split(suspect)
            else:
                failure = self._failure(suspect, worker, late)
                logger.warning("document put aside", extra={"fields": {"path": failure.path, "what": failure.what}})
                self._take(suspect, ChunkResult((DocumentResult(failure.path, failure),)))
        self._waiting.extendleft(reversed(tasks))

    def _split(self, task: Task) -> None:
        self._parts[task.number], self._sizes[task.number] = {}, len(task.items)
        alone = [
            replace(task, items=(item,), part=part, seconds=self._limits.seconds)
            for part, item in enumerate(task.items)
        ]
        self._waiting.extendleft(reversed(alone))

    def task_seconds(self, documents: int) -> float:
        """When the work on a chunk is given up: it may hold a few slow documents."""
        return self._limits.seconds * min(documents, 4)

    def _failure(self, task: Task, worker: _Worker, late: bool) -> ReadFailure:
        (item,) = task.items
        code = worker.process.exitcode
        stage = worker.stage or ("reading" if isinstance(item, InputFile) else "extraction")
        if late or (hasattr(signal, "SIGALRM") and code == -signal.SIGALRM):
            what = f"takes longer than {self._limits.seconds:g} seconds"
            return ReadFailure(name_of(item), stage, "EndlessInput", what, "`--time-limit` sets the bound")
        if code == OUT_OF_MEMORY:
            what = f"needs more than {self._limits.memory >> 20} MB of memory"
            return ReadFailure(name_of(item), stage, "OversizedInput", what, "`--memory-limit` sets the bound")
        what = f"ends the process that works on it ({_describe(code)})"
        return ReadFailure(name_of(item), stage, "CrashingInput", what, "report this document")


def _describe(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def start_context(order: WorkOrder, *, preload: bool) -> BaseContext:
    """How processes are started: forked from a server that has the models and no threads, or anew where there is none.

    A server that runs already, started by whoever uses this library, is used as it is.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver, resource_tracker

    resource_tracker.ensure_running()  # unblocks SIGINT when it starts
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["jdextract.batch.worker", "jdextract.batch.preload"])
    # Apple's libraries do not outlive a fork, so there each worker loads the models for itself.
    settings = order.config.model_dump_json() if preload and sys.platform != "darwin" else ""
    with environment(ONE_THREAD | {VARIABLE: settings}), _unheard():
        forkserver.ensure_running()
    return context


@contextmanager
def _unheard() -> Iterator[None]:
    """SIGINT does not reach processes that are started in the block, nor their children: the parent ends them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
