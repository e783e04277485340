"""One run of `jdextract extract`: the pipeline's documents into every file that was asked for."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

from jdextract.cli.console import Status, console, failure_line, visible
from jdextract.cli.progress import Meter
from jdextract.config import Config
from jdextract.errors import ConfigError, JdextractError, ModelError
from jdextract.output import JsonLinesWriter, Writer, open_writer, replacing
from jdextract.pipeline import Explained, Pipeline
from jdextract.records import Draft, ReadFailure, SourceText
from jdextract.report import Labels, ReportWriter
from jdextract.taxonomy import load_taxonomy

_FAILURES_SHOWN = 50  # on standard error; the file of errors has them all
_SUMMARY_ROWS = 200


@dataclass(frozen=True, slots=True)
class Targets:
    """Where a run writes to; None for what was not asked for (records then go to standard output)."""

    records: Path | None
    html: Path | None
    texts: Path | None
    errors: Path | None


@dataclass(slots=True)
class Tally:
    """What was found so far."""

    documents: int = 0
    records: int = 0
    duties: int = 0
    failures: int = 0
    rows: list[tuple[str, ...]] = field(default_factory=list)  # of the summary, the first documents only
    started: float = field(default_factory=time.monotonic)

    def add(self, source: SourceText, explained: Explained) -> None:
        """Count one document."""
        records = explained.records
        duties = sum(len(record.duties) for record in records)
        self.documents += 1
        self.records += len(records)
        self.duties += duties
        if len(self.rows) < _SUMMARY_ROWS:
            titles = [record.title.text for record in records if record.title]
            shown = "、".join(titles[:3]) + (" …" if len(titles) > 3 else "")
            requirements = sum(len(record.requirements) for record in records)
            self.rows.append((source.source, str(len(records)), str(duties), str(requirements), shown))

    def line(self) -> str:
        """The last line of a run."""
        return (
            f"{self.documents} documents, {self.records} records, {self.duties} duties, "
            f"{self.failures} failures, {time.monotonic() - self.started:.1f} seconds"
        )

    @property
    def status(self) -> Status:
        if not self.documents:
            return Status.NOTHING_DONE
        return Status.PARTLY_DONE if self.failures else Status.DONE


class GuardedPipeline(Pipeline):
    """A pipeline that outlives a document which breaks it.

    The one place where any exception is caught: among millions of scraped pages one that no rule foresaw must not end
    the run. Such a document becomes a ReadFailure with stage `extraction`. What is wrong with the installation (a
    missing file, a model that does not load) is the same for every document and ends the run.
    """

    _broken: ReadFailure | None = None

    def explain(self, source: SourceText) -> Explained:
        """Extract one document, or nothing from one that breaks; `watch` then gives its failure."""
        try:
            return super().explain(source)
        except JdextractError:
            raise
        except (OSError, ImportError) as error:
            raise ModelError(str(error), hint="install jdextract again") from error
        except Exception as error:
            self._broken = ReadFailure(
                path=source.source,
                stage="extraction",
                error=type(error).__name__,
                what=str(error) or "no message",
                hint="report this document; `jdextract --debug explain FILE` shows the traceback",
            )
            return Explained(Draft(source, "none", "unknown", (), ()), ())

    def watch(self, inputs: Sequence[str]) -> Iterator[tuple[SourceText, Explained] | ReadFailure]:
        """`extract`, with a failure in the place of a document that broke."""
        for item in self.extract(inputs):
            broken, self._broken = self._broken, None
            yield broken or item


def run(settings: Config, inputs: Sequence[str], targets: Targets, *, summary: bool, quiet: bool) -> Status:
    """Extract the inputs into the targets. With no document read, the targets but the errors stay as they were."""
    _check_targets(inputs, targets)
    tally = Tally()
    with ExitStack() as stack:
        errors = stack.enter_context(replacing(targets.errors, keep_on_error=True)) if targets.errors else None
        meter = stack.enter_context(Meter(inputs, quiet=quiet))
        try:
            _fill(GuardedPipeline(settings), inputs, targets, tally, meter, errors)
        except _NothingRead:
            meter.say("error: no document was read")
    if not quiet:
        print(tally.line(), file=sys.stderr)
    if summary and tally.documents:
        _print_summary(tally, stderr=targets.records is None)
    return tally.status


class _NothingRead(Exception):
    """No document was read."""


def _fill(
    pipeline: GuardedPipeline,
    inputs: Sequence[str],
    targets: Targets,
    tally: Tally,
    meter: Meter,
    errors: BinaryIO | None,
) -> None:
    with ExitStack() as stack:
        writer: Writer
        if targets.records:
            writer = stack.enter_context(open_writer(targets.records))
        else:
            writer = JsonLinesWriter(sys.stdout.buffer)
        report = None
        if targets.html:
            report = stack.enter_context(ReportWriter(targets.html, _labels(pipeline.config)))
        if targets.texts:
            targets.texts.mkdir(parents=True, exist_ok=True)
        for item in pipeline.watch(inputs):
            meter.advance(item.path if isinstance(item, ReadFailure) else item[0].source)
            if isinstance(item, ReadFailure):
                _note_failure(item, tally, meter, errors)
                if report:
                    report.add_failure(item)
                continue
            source, explained = item
            for record in explained.records:
                writer.write(record)
            if report:
                report.add(source, explained)
            if targets.texts:
                _save_text(source, targets.texts)
            tally.add(source, explained)
        if not tally.documents:
            raise _NothingRead


def _check_targets(inputs: Sequence[str], targets: Targets) -> None:
    """Refuse to write over an input, or two things into one file. Raises ConfigError."""
    files = [path.resolve() for path in (targets.records, targets.html, targets.errors) if path]
    taken = {Path(name).resolve() for name in inputs if name != "-"}
    for path in files:
        if path in taken:
            raise ConfigError("is an input or is written twice", where=str(path), hint="give another output path")
        taken.add(path)


def _note_failure(failure: ReadFailure, tally: Tally, meter: Meter, errors: BinaryIO | None) -> None:
    tally.failures += 1
    if errors:
        line = json.dumps(asdict(failure), ensure_ascii=False) + "\n"
        # Half a surrogate pair, as in a file name that is not UTF-8, becomes the JSON escape of itself.
        errors.write(line.encode("utf-8", "backslashreplace"))
    if tally.failures <= _FAILURES_SHOWN:
        meter.say(failure_line(failure))
    elif tally.failures == _FAILURES_SHOWN + 1:
        meter.say("more failures are not shown here" + ("; the file of errors has them all" if errors else ""))


def _save_text(source: SourceText, folder: Path) -> None:
    """As bytes, because spans count line ends as they are."""
    (folder / f"{source.id}.txt").write_bytes(source.text.encode("utf-8", "surrogatepass"))


def _labels(config: Config) -> Labels:
    roles = load_taxonomy(config.classification.taxonomy).roles
    return {role.id: (role.zh, role.en) for role in roles}


def _print_summary(tally: Tally, *, stderr: bool) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("document", "records", "duties", "requirements", "first titles"):
        table.add_column(name, justify="left" if name in ("document", "first titles") else "right", overflow="fold")
    for row in tally.rows:
        table.add_row(*map(visible, row))
    if tally.documents > len(tally.rows):
        table.add_row(f"… and {tally.documents - len(tally.rows)} more")
    console(stderr=stderr).print(table)
