"""Chunks of work -> results: everything that costs time, in whatever process it runs."""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jdextract.batch.inputs import InputFile, Item, is_of_document, name_of, unforeseen
from jdextract.batch.limits import peak_memory
from jdextract.batch.results import ChunkResult, Detail, DocumentResult
from jdextract.batch.splicing import Form, cut_records
from jdextract.config import Config
from jdextract.deduplication.exact import list_keys, list_places
from jdextract.deduplication.wordings import wording_key
from jdextract.errors import JdextractError, ModelError
from jdextract.pipeline import Explained, Pipeline
from jdextract.reading import read_path
from jdextract.records import ReadFailure, RoleRecord, SourceText

if TYPE_CHECKING:
    from jdextract.classification.classifier import Classifier
    from jdextract.llm.doubts import Doubt


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """What the work of a run is: the same for all its chunks."""

    config: Config
    form: Form
    texts: Path | None = None  # folder for the text of each document
    unfinished: Path | None = None  # folder, on the same disk, for texts that are being written
    cutoff: float | None = None  # value per token from which doubts are told; None: no language model is asked
    planning: bool = False  # tell the doubts, write nothing


class _Timed:
    """Calls its subject and counts the seconds that each call takes."""

    def __init__(self, subject: object) -> None:
        self._subject = subject
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._subject, name)
        if not callable(value):
            return value

        def call(*arguments: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return value(*arguments, **named)
            finally:
                self.seconds += time.perf_counter() - start

        setattr(self, name, call)
        return call


class BatchPipeline(Pipeline):
    """A pipeline whose classifier is timed, and that can load its models before the first document."""

    @cached_property
    def classifier(self) -> Classifier:
        return cast("Classifier", _Timed(super().classifier))

    @property
    def classification_seconds(self) -> float:
        """Seconds inside the classifier so far."""
        classifier = self.__dict__.get("classifier")
        return classifier.seconds if isinstance(classifier, _Timed) else 0.0

    def load(self) -> None:
        """Load the models, and nothing that starts threads. Raises ModelError and TaxonomyError."""
        _ = self.classifier, self.boilerplate, wording_key("")
        self.extractor.load()

    def name_duties(self, records: tuple[RoleRecord, ...]) -> tuple[RoleRecord, ...]:
        """The records with `canonical_duty` set where the index of the configuration holds the duty."""
        return self._name_duties(records)


class ChunkExtractor:
    """Turns chunks into results. The only place where any exception of a document is caught.

    Among millions of scraped pages one that no rule foresaw must not end the run: it becomes a ReadFailure. What is wrong
    with the installation (a missing file, a model that does not load) is the same for every document and is raised.
    """

    def __init__(self, order: WorkOrder, pipeline: BatchPipeline | None = None, *, isolated: bool = False) -> None:
        """`isolated`: this process may be ended when memory runs out, which is then raised."""
        self._order = order
        self._pipeline = pipeline or BatchPipeline(order.config)
        self._isolated = isolated
        self._loading = 0.0  # seconds, not reported yet
        self._warm = False
        self._seconds: dict[str, float] = defaultdict(float)

    def warm_up(self) -> None:
        """Load all that the first document would load. Raises JdextractError."""
        if self._warm:
            return
        start = time.perf_counter()
        try:
            self._pipeline.load()
            (found,) = self._pipeline.explain_many([SourceText("0" * 16, "", "岗位职责：\n1、负责采购。")])
            self._name(found)
            self._render(found)
        except (OSError, ImportError) as error:
            raise ModelError(str(error), hint="install jdextract again") from error
        self._loading, self._warm = time.perf_counter() - start, True

    def extract(
        self, items: Sequence[Item], *, detail: bool, enter: Callable[[str], None] | None = None
    ) -> ChunkResult:
        """The results of the items, in order. `detail`: with source and explanation. `enter` is told each stage.

        Raises JdextractError for a faulty installation, OSError when a text can't be saved, MemoryError if isolated.
        """
        self._seconds = defaultdict(float)
        enter = enter or (lambda stage: None)
        cpu = time.process_time()
        enter("reading")
        with self._stage("reading"):
            read = [self._read(item) for item in items]
        enter("extraction")
        sources = [item for item in read if isinstance(item, SourceText)]
        explained = iter(self._explain(sources))
        counts: Counter[str] = Counter()
        dropped: Counter[str] = Counter()
        documents = []
        for item in read:
            found = item if isinstance(item, ReadFailure) else next(explained)
            if isinstance(found, Explained) and not self._order.planning:
                found = self._name(found)
            if isinstance(found, ReadFailure):
                documents.append(DocumentResult(found.path, found))
                continue
            result = self._finish(found, detail=detail)
            documents.append(result)
            if result.failure is None:
                counts.update(count_duties(found))
                dropped.update(count_dropped(found))
        self._seconds["cpu"] = time.process_time() - cpu
        return ChunkResult(tuple(documents), counts, dropped, dict(self._seconds), peak_memory())

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] += time.perf_counter() - start

    def _read(self, item: Item) -> SourceText | ReadFailure:
        if not isinstance(item, InputFile):
            return item
        try:
            return next(iter(read_path(Path(item.path), self._order.config.reading)))
        except BaseException as error:
            return self._fail(name_of(item), "reading", error)

    def _explain(self, sources: Sequence[SourceText]) -> list[Explained | ReadFailure]:
        if not sources:
            return []
        self.warm_up()
        self._seconds["loading"], self._loading = self._loading, 0.0
        before = self._pipeline.classification_seconds
        start = time.perf_counter()
        try:
            return list(self._pipeline.explain_many(sources))
        except BaseException as error:
            self._fail("", "extraction", error)  # one of them broke it: which?
            return [self._explain_alone(source) for source in sources]
        finally:
            inside = self._pipeline.classification_seconds - before
            self._seconds["classification"] += inside
            self._seconds["extraction"] += time.perf_counter() - start - inside

    def _explain_alone(self, source: SourceText) -> Explained | ReadFailure:
        try:
            return self._pipeline.explain(source)
        except JdextractError:
            raise
        except (OSError, ImportError) as error:
            raise ModelError(str(error), hint="install jdextract again") from error
        except BaseException as error:
            return self._fail(source.source, "extraction", error)

    def _finish(self, found: Explained, *, detail: bool) -> DocumentResult:
        source = found.draft.source
        try:
            doubts = self._find_doubts(found)
        except BaseException as error:
            return DocumentResult(source.source, self._fail(source.source, "assistance", error))
        if self._order.planning:
            return DocumentResult(source.source, doubts=doubts)
        result = self._render(found)
        if isinstance(result, ReadFailure):
            return DocumentResult(source.source, result)
        if self._order.texts:
            with self._stage("writing"):
                save_text(source, self._order.texts, self._order.unfinished or self._order.texts)
        return result._replace(detail=Detail(source, found), doubts=doubts) if detail or doubts else result

    def _find_doubts(self, found: Explained) -> tuple[Doubt, ...]:
        cutoff = self._order.cutoff
        if cutoff is None:
            return ()
        from jdextract.llm.doubts import find_doubts

        return tuple(doubt for doubt in find_doubts(found) if doubt.rate >= cutoff)

    def render(self, found: Explained) -> DocumentResult | ReadFailure:
        """The result of a document whose records were changed, with all its detail; its text was saved before."""
        named = self._name(found)
        result = self._render(named) if isinstance(named, Explained) else named
        if isinstance(result, ReadFailure) or isinstance(named, ReadFailure):
            return result
        return result._replace(detail=Detail(found.draft.source, named))

    def _render(self, found: Explained) -> DocumentResult | ReadFailure:
        source = found.draft.source.source
        stage = "deduplication"
        try:
            with self._stage("marking"):
                keys, places = list_keys(found.records), list_places(found.records)
            stage = "writing"
            with self._stage("writing"):
                pieces = cut_records(found.records, self._order.form)
        except BaseException as error:
            return self._fail(source, stage, error)
        return DocumentResult(source, None, len(found.records), pieces, tuple(keys), tuple(places))

    def _name(self, found: Explained) -> Explained | ReadFailure:
        """With `canonical_duty` set where the index of the configuration holds the duty."""
        if self._order.config.deduplication.index is None:
            return found
        try:
            with self._stage("marking"):
                return Explained(found.draft, self._pipeline.name_duties(found.records))
        except JdextractError:
            raise
        except BaseException as error:
            return self._fail(found.draft.source.source, "deduplication", error)

    def _fail(self, where: str, stage: str, error: BaseException) -> ReadFailure:
        """The failure of a document, unless the error is none of a document: then it is raised again."""
        if not is_of_document(error) or (self._isolated and isinstance(error, MemoryError)):
            raise error
        return unforeseen(where, stage, error)


def count_duties(found: Explained) -> Counter[str]:
    """Duties that are assigned, abstained, named."""
    counts: Counter[str] = Counter()
    for record in found.records:
        for duty in record.duties:
            counts[duty.role.status] += 1
            counts["named"] += duty.canonical_duty is not None
    return counts


def count_dropped(found: Explained) -> Counter[str]:
    """Stage and reason -> stretches of text."""
    return Counter(f"{drop.stage}: {drop.reason}" for drop in found.draft.dropped)


def save_text(source: SourceText, folder: Path, unfinished: Path) -> None:
    """As bytes, because spans count line ends as they are. The file appears complete or not at all."""
    part = unfinished / f"{source.id}.{os.getpid()}"
    part.write_bytes(source.text.encode("utf-8", "surrogatepass"))
    os.replace(part, folder / f"{source.id}.txt")
