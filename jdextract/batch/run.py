"""One run from its inputs to its outputs: in this process or in several, from the start or from where it ended before."""

from __future__ import annotations

import datetime
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from jdextract.batch import finishing
from jdextract.batch.dispatch import Crew, extract_chunks
from jdextract.batch.extraction import BatchPipeline, WorkOrder
from jdextract.batch.finishing import Targets
from jdextract.batch.identity import describe_run, describe_versions, find_differences
from jdextract.batch.inputs import Chunk, cut_chunks, name_of
from jdextract.batch.interrupts import Interrupts
from jdextract.batch.journal import Journal, State
from jdextract.batch.limits import count_cores, peak_memory
from jdextract.batch.locks import locked
from jdextract.batch.pool import Limits
from jdextract.batch.results import ChunkResult, DocumentResult
from jdextract.batch.tally import Tally
from jdextract.batch.writing import RunWriter, Wishes
from jdextract.config import Config
from jdextract.errors import ConfigError, RunError
from jdextract.output import FORMATS
from jdextract.report import ReportPage
from jdextract.taxonomy import load_taxonomy

if TYPE_CHECKING:
    from jdextract.batch.assistance import Begun, RunAssistance

_MORE_WITH_TEXTS = 5  # times the patience, where a commit has to bring thousands of small files to the disk

logger = logging.getLogger("jdextract.batch")


class Observer(Protocol):
    """Is told what happens, in the order of the documents."""

    def begin(self, tally: Tally) -> None:
        """The run begins, or goes on after what is counted here."""

    def see(self, result: DocumentResult) -> None:
        """One document or one failed input was written."""

    def remark(self, text: str) -> None:
        """Something that takes a while begins or has come out."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a run works; nothing here changes what it writes."""

    workers: int | None = None  # processes; None: as many as there are cores; 1: none, all happens in this process
    resume: bool = False  # go on with an interrupted run, if there is one
    restart: bool = False  # forget an interrupted run
    limits: Limits = field(default_factory=Limits)  # of one document, in worker processes
    look_ahead: int = 4  # chunks a worker that may be under way
    patience: float = 2.0  # seconds of work that a crash may cost
    rows: bool = False  # keep rows for a table of the first documents
    setup: Callable[[], None] | None = None  # called in each worker before it begins; must be importable there


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did."""

    tally: Tally
    summary: dict[str, Any]  # what run.json holds
    rows: list[tuple[str, ...]]


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
    suffix = _check(inputs, targets)
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
            journal = _open_journal(folder, describe_run(inputs, targets.named(), config), options, str(target))
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


def folder_of(target: Path) -> Path:
    """The folder of a run, beside its output."""
    target = target.resolve()
    return target.with_name(f".{target.name}.run")


def _check(inputs: Sequence[str], targets: Targets) -> str:
    """Suffix of the records. Raises ConfigError for a target that is an input, written twice, a folder, of no known kind."""
    taken = {Path(name).resolve() for name in inputs if name != "-"}
    for path in targets.files.values():
        finishing.check_target(path)
        if path.resolve() in taken:
            raise ConfigError("is an input or is written twice", where=str(path), hint="give another output path")
        taken.add(path.resolve())
    if targets.records is None:
        return ".jsonl"
    suffix = targets.records.suffix.lower()
    if suffix not in FORMATS:
        raise ConfigError(
            f"no writer for {suffix or 'a name without suffix'}",
            where=str(targets.records),
            hint="end it in " + ", ".join(FORMATS),
        )
    return suffix


def _open_journal(folder: Path, identity: dict[str, Any], options: Options, where: str) -> Journal:
    """The journal of a new run or of the one to go on with. Raises RunError when it is not clear which."""
    if folder.exists() and options.restart:
        shutil.rmtree(folder)
    folder.mkdir(exist_ok=True)
    journal = Journal(folder)
    try:
        state, before = journal.state, journal.identity
        if before is None or not (state.chunks or state.moving):
            journal.begin(identity)
            return journal
        if not options.resume:
            raise RunError(
                f"an earlier run was interrupted after {state.tally.documents + state.tally.failed} documents",
                where=where,
                hint="go on with `--resume`, or begin anew with `--restart`",
            )
        differences = find_differences({k: v for k, v in before.items() if k != "format"}, identity)
        if differences:
            raise RunError(
                "the interrupted run had other " + "; ".join(differences),
                where=where,
                hint="give what it had, or begin anew with `--restart`",
            )
    except BaseException:
        journal.close()
        raise
    return journal


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
        self._started = datetime.datetime.now(datetime.UTC)
        self._clock = time.monotonic()
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
        summary = self._summarize(tally)
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

    def _summarize(self, tally: Tally) -> dict[str, Any]:
        """What run.json holds."""
        ended = datetime.datetime.now(datetime.UTC)
        counts = tally.counts
        return {
            "inputs": list(self._inputs),
            "outputs": {name: str(path) for name, path in self._targets.named().items()},
            "config": {"digest": self._config.digest(), "settings": self._config.model_dump(mode="json")},
            "versions": describe_versions(self._config),
            "counts": {
                "reading": {"documents": tally.documents + _of(tally, "extraction"), "failed": _of(tally, "reading")},
                "extraction": {
                    "documents": tally.documents,
                    "failed": _of(tally, "extraction"),
                    "records": counts["records"],
                    "duties": counts["duties"],
                },
                "classification": {"assigned": counts["assigned"], "abstained": counts["abstained"]},
                "marking": {"repeated": counts["repeated"], "named": counts["named"]},
                "writing": {"records": counts["records"], "failed": _of(tally, "writing")},
            },
            "dropped": dict(sorted(tally.dropped.items())),
            "failures": dict(sorted(tally.failures.items())),
            "seconds": {name: round(seconds, 3) for name, seconds in sorted(tally.seconds.items())},
            "llm": self._llm.summarize(counts) if self._llm else None,
            "workers": self._crew.used,
            "resumed": self._state.resumed,
            "memory": {"parent": peak_memory(), "largest_worker": tally.worker_memory},
            "started": self._started.isoformat(timespec="seconds"),
            "ended": ended.isoformat(timespec="seconds"),
            "elapsed": round(time.monotonic() - self._clock, 3),
        }


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


def _of(tally: Tally, stage: str) -> int:
    return sum(number for kind, number in tally.failures.items() if kind.startswith(f"{stage}: "))


def _labels(config: Config) -> dict[str, tuple[str, str]]:
    roles = load_taxonomy(config.classification.taxonomy).roles
    return {role.id: (role.zh, role.en) for role in roles}
