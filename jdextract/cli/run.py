"""One run of `jdextract extract`: what it says on the way and at its end."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jdextract.batch import Limits, Options, Outcome, Targets, run_batch
from jdextract.batch.results import DocumentResult
from jdextract.batch.tally import Tally
from jdextract.cli.console import Status, console, failure_line, visible
from jdextract.cli.progress import Meter
from jdextract.config import Config

_FAILURES_SHOWN = 50  # on standard error; the file of errors has them all
_STAGES = ("loading", "reading", "extraction", "classification", "marking", "writing")
_ASSISTED_STAGES = ("planning", "assistance")  # with a language model
# Failures that another run may not meet; the others are a model's answers, or limits that were asked for.
_NO_ANSWER = ("refused", "unreachable", "circuit-open", "not-recorded")

__all__ = ["Limits", "Options", "Sayings", "Targets", "plan", "run"]


@dataclass(frozen=True, slots=True)
class Sayings:
    """What a run says, and where."""

    summary: bool = False  # a table of the first documents at the end
    quiet: bool = False
    log: Path | None = None  # JSON Lines
    profile: Path | None = None  # seconds by stage as JSON


class _Watch:
    """Passes what happens to the meter."""

    def __init__(self, meter: Meter, *, errors: bool) -> None:
        self._meter, self._errors, self._failures = meter, errors, 0

    def begin(self, tally: Tally) -> None:
        """The run begins, or goes on."""
        self._meter.begin(tally.documents + tally.failed, tally.failed)
        if tally.documents + tally.failed:
            self._meter.say(f"going on after {tally.documents + tally.failed} documents")

    def see(self, result: DocumentResult) -> None:
        """One document or one failed input was written."""
        self._meter.advance(result.source, failed=result.failure is not None)
        if result.failure is None:
            return
        self._failures += 1
        if self._failures <= _FAILURES_SHOWN:
            self._meter.say(failure_line(result.failure))
        elif self._failures == _FAILURES_SHOWN + 1:
            more = "; the file of errors has them all" if self._errors else ""
            self._meter.say("more failures are not shown here" + more)

    def remark(self, text: str) -> None:
        """Something that takes a while begins or has come out."""
        self._meter.say(text)


def plan(settings: Config, inputs: Sequence[str], options: Options, requests: Path | None, *, quiet: bool) -> None:
    """Print what a language model would be asked; write the requests if a file is given for them."""
    from jdextract.batch.planning import collect_requests, plan_questions
    from jdextract.batch.run import make_crew, make_order

    order, crew = make_order(settings), make_crew(settings, options)
    planned = plan_questions(inputs, order, crew, again=requests is not None)
    found = planned.as_dict()
    if requests:
        found["requests"] = collect_requests(inputs, order, crew, planned.cutoff, requests)
    print(json.dumps(found, ensure_ascii=False, indent=1))
    if not quiet:
        print(planned.describe(), file=sys.stderr)


def run(settings: Config, inputs: Sequence[str], targets: Targets, options: Options, sayings: Sayings) -> Status:
    """Extract the inputs into the targets. With no document read, the targets but the errors stay as they were."""
    started = time.monotonic()
    stream = None if targets.records else sys.stdout.buffer
    with _logging_to(sayings.log), Meter(inputs, quiet=sayings.quiet) as meter:
        watch = _Watch(meter, errors=targets.errors is not None)
        try:
            outcome = run_batch(inputs, targets, settings, options, observer=watch, stream=stream)
        except KeyboardInterrupt:
            if targets.records and meter.documents:
                meter.say("what is done is kept: the same command with --resume goes on")
            raise
        if not outcome.tally.documents:
            meter.say("error: no document was read")
    _end(outcome, targets, sayings, time.monotonic() - started)
    if not outcome.tally.documents:
        return Status.NOTHING_DONE
    return Status.PARTLY_DONE if outcome.tally.failed or _unanswered(outcome) else Status.DONE


def _unanswered(outcome: Outcome) -> int:
    """Questions that a language model gave no answer to."""
    asked = outcome.summary["llm"]
    if not asked:
        return 0
    return sum(ends["failed"].get(kind, 0) for ends in asked["outcomes"].values() for kind in _NO_ANSWER)


def _end(outcome: Outcome, targets: Targets, sayings: Sayings, seconds: float) -> None:
    tally = outcome.tally
    if not sayings.quiet:
        line = (
            f"{tally.documents} documents, {tally.counts['records']} records, {tally.counts['duties']} duties, "
            f"{tally.failed} failures, {seconds:.1f} seconds"
        )
        print(line, file=sys.stderr)
        if outcome.summary["llm"]:
            _print_assistance(outcome.summary["llm"])
    if sayings.summary and tally.documents:
        _print_summary(outcome, stderr=targets.records is None)
    if sayings.profile:
        profile = _profile(outcome)
        sayings.profile.parent.mkdir(parents=True, exist_ok=True)
        sayings.profile.write_text(json.dumps(profile, indent=1) + "\n", encoding="utf-8")
        if not sayings.quiet:
            _print_profile(profile)


def _print_assistance(asked: dict[str, Any]) -> None:
    ends = Counter[str]()
    for task in asked["outcomes"].values():
        ends["asked"] += task["asked"]
        ends["applied"] += task["applied"]
        for end in ("kept", "rejected", "failed"):
            ends[end] += sum(task[end].values())
    ledger = asked["ledger"]
    cost = f", {ledger['spent']:.4f} {ledger['currency']}" if ledger["cost_known"] else ""
    calls = f"{ledger['calls'] + ledger['earlier']['calls']} calls"
    print(
        f"{asked['model']}: {ends['asked']} doubts, {ends['applied']} settled, {ends['kept']} kept, "
        f"{ends['rejected']} rejected, {ends['failed']} failed; {calls}{cost}",
        file=sys.stderr,
    )
    if asked["limit_reached"]:
        option = {"budget": "--llm-budget", "calls": "--llm-max-calls"}[asked["limit_reached"]]
        print(f"{option} was reached; the rest stayed as without a model", file=sys.stderr)
    for kind, reason in asked["reasons"].items():
        print(visible(f"first failure, {kind}: {reason}"), file=sys.stderr)


def _profile(outcome: Outcome) -> dict[str, Any]:
    seconds, documents = outcome.tally.seconds, max(outcome.tally.documents, 1)
    shown = (*_STAGES, *(stage for stage in _ASSISTED_STAGES if stage in seconds))
    stages = {stage: seconds.get(stage, 0.0) for stage in shown}
    return {
        "documents": outcome.tally.documents,
        "workers": outcome.summary["workers"],
        "elapsed": outcome.summary["elapsed"],
        "seconds": {stage: round(value, 4) for stage, value in stages.items()},
        "milliseconds_a_document": {stage: round(1000 * value / documents, 4) for stage, value in stages.items()},
        "cpu": round(seconds.get("cpu", 0.0), 4),
        "memory": outcome.summary["memory"],
    }


def _print_profile(profile: dict[str, Any]) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("stage", "seconds", "ms a document"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for stage, seconds in profile["seconds"].items():
        table.add_row(stage, f"{seconds:.2f}", f"{profile['milliseconds_a_document'][stage]:.3f}")
    console(stderr=True).print(table)


def _print_summary(outcome: Outcome, *, stderr: bool) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("document", "records", "duties", "requirements", "first titles"):
        table.add_column(name, justify="left" if name in ("document", "first titles") else "right", overflow="fold")
    for row in outcome.rows:
        table.add_row(*map(visible, row))
    if outcome.tally.documents > len(outcome.rows):
        table.add_row(f"… and {outcome.tally.documents - len(outcome.rows)} more")
    console(stderr=stderr).print(table)


class _JsonLines(logging.Formatter):
    """One JSON object a line: time, level, event and the fields of the event."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one event."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        event = {
            "time": f"{at}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line = json.dumps(event | getattr(record, "fields", {}), ensure_ascii=False)
        return line.encode("utf-8", "backslashreplace").decode()


@contextmanager
def _logging_to(path: Path | None) -> Iterator[None]:
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_JsonLines())
    logger = logging.getLogger("jdextract")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
        handler.close()
