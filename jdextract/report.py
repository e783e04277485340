"""The HTML page of a run: each source text with its zones in colour beside the records that were found in it.

One file without network access. Scraped text goes in as escaped HTML only, never into a script, an attribute that is
run, or an address. Documents are rendered one by one into a temporary file, so that memory does not grow with the run.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, BinaryIO, get_args

from jdextract.htmlpage import load_part, load_templates, make_policy, make_visible
from jdextract.output import replacing
from jdextract.records import ReadFailure, Role, RoleRecord, Segment, SourceText, Span, Zone

if TYPE_CHECKING:
    import jinja2

    from jdextract.pipeline import Explained

SHOWN_DOCUMENTS = 200  # documents beyond are named
NAMED_DOCUMENTS = 2_000  # documents beyond are counted
SHOWN_CHARACTERS = 60_000  # of one document
SHOWN_FAILURES = 200
_LANGUAGES = {"hans": "zh-Hans", "hant": "zh-Hant"}  # script -> language tag

Labels = Mapping[str, tuple[str, str]]  # role id -> Chinese and English label


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of the text with one zone and one set of values; `keys` name the values, the first is linked."""

    text: str
    zone: str
    keys: tuple[str, ...] = ()
    starts: bool = False  # whether the first value starts here
    note: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """A title, duty, requirement or pay of a record, as the page shows it."""

    key: str
    zone: Zone
    text: str
    span: Span
    heading: str | None = None
    role: Role | None = None
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True)
class RecordView:
    """A record as the page shows it."""

    record: RoleRecord
    title: Value | None
    duties: tuple[Value, ...]
    requirements: tuple[Value, ...]
    compensation: tuple[Value, ...]

    @property
    def values(self) -> tuple[Value, ...]:
        return (*((self.title,) if self.title else ()), *self.duties, *self.requirements, *self.compensation)


class ReportPage:
    """Renders the page of a run, its parts one by one and then the whole.

    `labels` gives role ids a Chinese and an English name; a role without one is shown by its id.
    """

    def __init__(self, labels: Labels | None = None) -> None:
        self._templates = _templates(labels or {})

    def render(self, number: int, source: SourceText, explained: Explained) -> tuple[bytes, bytes]:
        """The entry and the article of one document, counted from 0; empty for one that is beyond what is shown."""
        if number >= NAMED_DOCUMENTS:
            return b"", b""
        records = view_records(number, explained.records)
        document = {
            "number": number,
            "source": source,
            "records": records,
            "lang": _LANGUAGES.get(explained.draft.script, "zh"),
            "shown": number < SHOWN_DOCUMENTS,
        }
        name = self._templates.get_template("name.html.j2").render(document).encode()
        if number >= SHOWN_DOCUMENTS:
            return name, b""
        template = self._templates.get_template("document.html.j2")
        runs = split_runs(source.text[:SHOWN_CHARACTERS], explained.draft.segments, records)
        article = template.render(document, draft=explained.draft, runs=runs, limit=SHOWN_CHARACTERS)
        return name, article.encode()

    def write(
        self,
        stream: BinaryIO,
        names: IO[bytes],
        documents: IO[bytes],
        counts: Mapping[str, int],
        failures: Sequence[ReadFailure],
    ) -> None:
        """Write the page from its rendered entries and articles.

        `counts`: documents, records, duties, failures. `failures`: the first of them.
        """
        style, script = (load_part(self._templates, name) for name in ("style.css", "script.js"))
        page = self._templates.get_template("page.html.j2").stream(
            counts=counts,
            names=_chunks(names),
            documents=_chunks(documents),
            failures=failures,
            zones=get_args(Zone),
            shown=SHOWN_DOCUMENTS,
            named=NAMED_DOCUMENTS,
            style=style,
            script=script,
            policy=make_policy(style, script),
        )
        page.dump(stream, encoding="utf-8")


class ReportWriter:
    """Takes documents one by one and writes the page when its block ends. `labels` as in ReportPage."""

    def __init__(self, path: Path, labels: Labels | None = None) -> None:
        self._path = path
        self._page = ReportPage(labels)
        self._stack = ExitStack()
        self._documents: IO[bytes]
        self._names: IO[bytes]
        self._failures: list[ReadFailure] = []
        self._counts = {"documents": 0, "records": 0, "duties": 0, "failures": 0}

    def __enter__(self) -> ReportWriter:
        self._documents = self._stack.enter_context(tempfile.TemporaryFile())
        self._names = self._stack.enter_context(tempfile.TemporaryFile())
        return self

    def add(self, source: SourceText, explained: Explained) -> None:
        """Add one document."""
        name, article = self._page.render(self._counts["documents"], source, explained)
        self._names.write(name)
        self._documents.write(article)
        self._counts["documents"] += 1
        self._counts["records"] += len(explained.records)
        self._counts["duties"] += sum(len(record.duties) for record in explained.records)

    def add_failure(self, failure: ReadFailure) -> None:
        """Name an input that could not be read."""
        self._counts["failures"] += 1
        if len(self._failures) < SHOWN_FAILURES:
            self._failures.append(failure)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._stack:
            if kind is None:
                with replacing(self._path) as stream:
                    self._page.write(stream, self._names, self._documents, self._counts, self._failures)


def write_report(
    items: Iterable[tuple[SourceText, Explained] | ReadFailure], path: Path, labels: Labels | None = None
) -> None:
    """Write the page of all documents to `path`."""
    with ReportWriter(path, labels) as report:
        for item in items:
            if isinstance(item, ReadFailure):
                report.add_failure(item)
            else:
                report.add(*item)


def view_records(document: int, records: Iterable[RoleRecord]) -> list[RecordView]:
    """Records with a key for each value, unique on the page."""
    views = []
    for number, record in enumerate(records):
        prefix = f"{document}-{number}"
        title = Value(f"{prefix}-t", "title", record.title.text, record.title.span) if record.title else None
        views.append(
            RecordView(
                record,
                title,
                tuple(
                    Value(f"{prefix}-d{i}", "duty", d.text, d.span, d.heading, d.role, d.duplicate_of)
                    for i, d in enumerate(record.duties)
                ),
                tuple(
                    Value(f"{prefix}-r{i}", "requirement", v.text, v.span) for i, v in enumerate(record.requirements)
                ),
                tuple(Value(f"{prefix}-p{i}", "pay", v.text, v.span) for i, v in enumerate(record.compensation)),
            )
        )
    return views


def split_runs(text: str, segments: Iterable[Segment], records: Iterable[RecordView]) -> Iterator[Run]:
    """The whole text in stretches that no segment and no value begins or ends within."""
    zones = sorted((s for s in segments if s.span[0] < s.span[1]), key=lambda segment: segment.span)
    values = sorted((v for view in records for v in view.values if v.span[0] < v.span[1]), key=lambda value: value.span)
    cuts = {0, len(text)}
    for low, high in (*(s.span for s in zones), *(v.span for v in values)):
        cuts.update((min(low, len(text)), min(high, len(text))))
    places = sorted(cuts)
    open_values: list[Value] = []
    next_zone = next_value = 0
    for low, high in pairwise(places):
        while next_zone < len(zones) and zones[next_zone].span[1] <= low:
            next_zone += 1
        while next_value < len(values) and values[next_value].span[0] <= low:
            open_values.append(values[next_value])
            next_value += 1
        open_values = [value for value in open_values if value.span[1] > low]
        inside = next_zone < len(zones) and zones[next_zone].span[0] <= low
        yield _run(text[low:high], low, zones[next_zone] if inside else None, open_values)


def _run(text: str, low: int, segment: Segment | None, values: list[Value]) -> Run:
    note = f"{segment.zone} · {segment.decided_by} · {segment.score:.2f}" if segment else ""
    zone = values[0].zone if values else segment.zone if segment else ""
    keys = tuple(value.key for value in values)
    return Run(text, zone, keys, bool(values) and values[0].span[0] == low, note)


def _templates(labels: Labels) -> jinja2.Environment:
    made = load_templates("report")
    made.filters["role_name"] = lambda role: tuple(map(make_visible, labels.get(role.id, (role.id, ""))))
    return made


def _chunks(spool: IO[bytes]) -> Iterator[Any]:
    """What was rendered, in pieces that fit into memory."""
    from markupsafe import Markup

    spool.seek(0)
    text = io.TextIOWrapper(spool, encoding="utf-8", newline="")
    while piece := text.read(1 << 16):
        yield Markup(piece)
    text.detach()
