"""One run from its inputs to its outputs: in this process or in several, from the start or from where it ended before."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from jdextract.batch import finishing
from jdextract.batch.dispatch import Crew, extract_chunks
from jdextract.batch.extraction import BatchPipeline, WorkOrder
from jdextract.batch.finishing import Targets
from jdextract.batch.identity import describe_run
from jdextract.batch.inputs import Chunk, cut_chunks, name_of
from jdextract.batch.interrupts import Interrupts
from jdextract.batch.journal import Journal, State
from jdextract.batch.limits import count_cores
from jdextract.batch.locks import locked
from jdextract.batch.opening import check_targets, folder_of, open_journal
from jdextract.batch.options import Observer, Options, Outcome
from jdextract.batch.results import ChunkResult
from jdextract.batch.summary import Clock, summarize
from jdextract.batch.writing import RunWriter, Wishes
from jdextract.config import Config
from jdextract.errors import ConfigError, RunError
from jdextract.report import ReportPage
from jdextract.taxonomy import load_taxonomy

if TYPE_CHECKING:
    from jdextract.batch.assistance import Begun, RunAssistance

_MORE_WITH_TEXTS = 5  # times the patience, where a commit has to bring thousands of small files to the disk

logger = logging.getLogger("jdextract.batch")


def run_batch(
    inputs: Sequence[str],
    targets: Targets,
    config: Config,
    options: Options | None = None,
    *,
    observer: Observer | None = None,
    stream: BinaryIO | None = None,
) -> Outcome:
    """Extract the inputs into the targets. With no document read, all targets but the errors stay as they were.

    `stream` takes the records when `targets.records` is None; such a run keeps no journal and can't be resumed.
    Raises ConfigError, RunError, ModelError, TaxonomyError, OSError.
    """
    options = options or Options()
    suffix = check_targets(inputs, targets)
    target = targets.records
    with ExitStack() as stack:
        journal = None
        if target is None or (target.exists() and not target.is_file()):
            if options.resume:
                raise ConfigError("a run into a stream can't be resumed", hint="give a file with `-o`")
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".jdextract-")))
            if target and suffix != ".parquet":  # a device or a pipe takes the records as they come
                stream, targets = stack.enter_context(target.open("wb")), replace(targets, records=None)
        else:
            target.resolve().parent.mkdir(parents=True, exist_ok=True)
            folder = folder_of(target)
            stream = None
            stack.enter_context(locked(folder.with_name(folder.name + ".lock"), str(target)))
            journal = open_journal(folder, describe_run(inputs, targets.named(), config), options, str(target))
            stack.enter_context(closing(journal))
        run = _Run(inputs, targets, config, options, folder, journal, "csv" if suffix == ".csv" else "json", stream)
        try:
            return stack.enter_context(run).complete(observer)
        except OSError as error:
            if journal is None:
                raise
            raise RunError(
                error.strerror or str(error),
                where=str(error.filename or target),
                hint="what is done is kept: the same command with `--resume` goes on",
            ) from error


class _Run:
    def __init__(
        self,
        inputs: Sequence[str],
        targets: Targets,
        config: Config,
        options: Options,
        folder: Path,
        journal: Journal | None,
        form: Any,
        stream: BinaryIO | None,
    ) -> None:
        self._inputs, self._targets, self._config, self._options = inputs, targets, config, options
        self._folder, self._journal = folder, journal
        self._page = ReportPage(_labels(config)) if targets.html else None
        self._wishes = Wishes(form, self._page, options.rows, targets.texts is not None)
        self._unfinished = targets.texts / folder.name if targets.texts else None
        self._order = WorkOrder(config, form, targets.texts, self._unfinished)
        self._stream = stream
        self._interrupts = Interrupts()
        self._crew = make_crew(config, options, self._interrupts)
        self._llm: RunAssistance | None = None
        self._clock = Clock()
        self._done = False

    def __enter__(self) -> _Run:
        if self._unfinished:
            self._unfinished.mkdir(parents=True, exist_ok=True)
        state = self._journal.state if self._journal else State()
        if state.chunks or state.moving:
            state = replace(state, resumed=state.resumed + 1)
        self._moved_before = (
            state if state.moving else None
        )  # nothing is left to write, some outputs are in their places
        if state.moving:
            return self
        self._writer = RunWriter(self._folder, self._wishes, state, self._journal, self._stream)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if self._moved_before is None:
            if not self._done:
                with suppress(OSError, RunError):  # what the last commit holds is left then
                    self._writer.commit(moving=self._state.moving)
            self._writer.close()
        if self._unfinished:
            shutil.rmtree(self._unfinished, ignore_errors=True)
        if self._journal and (self._done or not self._state.chunks):
            self._journal.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _state(self) -> State:
        return self._moved_before or self._writer.state

    def complete(self, observer: Observer | None) -> Outcome:
        """Do what is left to do."""
        fields = {"inputs": len(self._inputs), "workers": self._crew.workers, "chunks": self._state.chunks}
        logger.info("run begins", extra={"fields": fields})
        if observer:
            observer.begin(self._state.tally)
        if self._moved_before is None:
            with self._interrupts:
                self._work(observer)
        tally = self._state.tally
        summary = summarize(
            self._inputs,
            self._targets,
            self._config,
            tally,
            self._clock,
            workers=self._crew.used,
            resumed=self._state.resumed,
            assistance=self._llm.summarize(tally.counts) if self._llm else None,
        )
        rows = finishing.read_rows(self._folder)
        if not tally.documents:
            finishing.move_errors(self._folder, self._targets)
        else:
            if self._moved_before is None:
                finishing.build(self._folder, self._targets, self._page, tally, summary)
                self._writer.commit(moving=True)
            finishing.move(self._folder, self._targets)
        self._done = True
        logger.info("run ends", extra={"fields": {"documents": tally.documents, "failures": tally.failed}})
        return Outcome(tally, summary, rows)

    def _work(self, observer: Observer | None) -> None:
        with ExitStack() as stack:
            results = self._assist(stack, observer) if self._config.llm.model else self._extract(self._order)
            self._write(results, observer)

    def _write(self, results: Iterator[tuple[Chunk, ChunkResult]], observer: Observer | None) -> None:
        writer = self._writer
        patience = self._options.patience * (_MORE_WITH_TEXTS if self._wishes.texts else 1)
        for chunk, result in results:
            writer.write(chunk, result)
            if observer:
                for document in result.documents:
                    observer.see(document)
            self._log_failures(result)
            if self._llm:
                writer.state = replace(writer.state, lost=self._llm.lost)
            if writer.waited > patience:
                writer.commit()
                logger.info("kept", extra={"fields": {"documents": writer.state.tally.documents}})

    def _assist(self, stack: ExitStack, observer: Observer | None) -> Iterator[tuple[Chunk, ChunkResult]]:
        """As `_extract`, with a language model that is asked about what is in doubt."""
        from jdextract.batch.assistance import RunAssistance

        begun = self._begin_asking(observer)
        lost = self._state.lost if self._state.resumed else None
        llm = RunAssistance(begun, self._order, self._crew.pipeline, self._interrupts, lost)
        self._llm = stack.enter_context(llm)
        return llm.assist(self._extract(replace(self._order, cutoff=begun.cutoff)))

    def _begin_asking(self, observer: Observer | None) -> Begun:
        """From which value per token on is asked: as it was planned before the run was interrupted, or planned now."""
        from jdextract.batch.assistance import Begun, begin_now
        from jdextract.batch.planning import needs_plan, plan_questions

        kept = self._journal.assistance if self._journal and self._state.resumed else None
        if kept is not None:
            return Begun.from_json(kept)
        begun = begin_now(self._config.llm.cutoff or 0.0)
        if needs_plan(self._config.llm):
            start = time.perf_counter()
            if observer:
                observer.remark("planning what to ask: a first pass over the inputs")
            plan = plan_questions(self._inputs, self._order, self._crew)
            if observer:
                observer.remark(plan.describe())
            begun = begin_now(plan.cutoff, plan.as_dict())
            self._writer.add_seconds("planning", time.perf_counter() - start)
        if self._journal:
            self._journal.note_assistance(begun.to_json())
        return begun

    def _chunks(self) -> Iterator[Chunk]:
        """The chunks that are not done. Raises RunError when those that are done have changed."""
        done = self._journal.digests() if self._journal and self._writer.state.chunks else iter(())
        left = self._writer.state.chunks
        chunks = cut_chunks(self._inputs, self._config.reading)
        while True:
            start = time.perf_counter()
            with self._interrupts.allowed():
                chunk = next(chunks, None)
            self._writer.add_seconds("reading", time.perf_counter() - start)
            if chunk is None:
                break
            if not left:
                yield chunk
                continue
            left -= 1
            if next(done, None) != chunk.digest:
                raise RunError(
                    f"the inputs have changed, between {name_of(chunk.items[0])} and {name_of(chunk.items[-1])}",
                    where=str(self._targets.records),
                    hint="give the inputs that it had, or begin anew with `--restart`",
                )
        if left:
            raise RunError(
                "the inputs hold fewer documents than were read before",
                where=str(self._targets.records),
                hint="give the inputs that it had, or begin anew with `--restart`",
            )

    def _extract(self, order: WorkOrder) -> Iterator[tuple[Chunk, ChunkResult]]:
        """Chunks with their results, in order."""
        # A run that was interrupted may have been ended by a document: it goes on in a process of its own.
        isolated = self._options.resume
        return extract_chunks(
            order, self._chunks(), self._crew, detail=lambda: self._writer.wants_detail, isolated=isolated
        )

    @staticmethod
    def _log_failures(result: ChunkResult) -> None:
        for document in result.documents:
            if document.failure:
                fields = {"path": document.failure.path, "error": document.failure.error, "what": document.failure.what}
                logger.warning("failed", extra={"fields": fields})


def make_order(config: Config) -> WorkOrder:
    """The work of a run that writes nothing."""
    return WorkOrder(config, "json")


def make_crew(config: Config, options: Options, interrupts: Interrupts | None = None) -> Crew:
    """Who does the work that the options ask for."""
    workers = options.workers or count_cores()
    return Crew(
        workers,
        options.limits,
        options.look_ahead,
        options.setup,
        BatchPipeline(config),
        interrupts or Interrupts(),
    )


def _labels(config: Config) -> dict[str, tuple[str, str]]:
    roles = load_taxonomy(config.classification.taxonomy).roles
    return {role.id: (role.zh, role.en) for role in roles}
