"""The order of the stages. The only module that knows all of them.

bytes ─ reading ─> SourceText ─ extraction ─> Draft ─ classification ─> RoleRecord* ─ deduplication ─> marked RoleRecord*
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from jdextract.collector import paused_collector
from jdextract.config import Config
from jdextract.records import (
    ClassifiedDuty,
    Draft,
    DraftDuty,
    DraftRecord,
    Dropped,
    Piece,
    ReadFailure,
    RoleRecord,
    SourceText,
    Span,
)

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from jdextract.classification.classifier import Classifier, RecordRoles
    from jdextract.classification.titles import TitleParts
    from jdextract.deduplication.boilerplate import Boilerplate
    from jdextract.deduplication.index import DuplicateIndex
    from jdextract.extraction.extractor import Extractor

_GROUP = 64  # documents whose sentences are read together: many enough for their number not to matter any more

_Item = TypeVar("_Item")
_Value = TypeVar("_Value", Piece, DraftDuty)


@dataclass(frozen=True, slots=True)
class Explained:
    """One document with all that was decided about it: every segment with its zone, and the records."""

    draft: Draft
    records: tuple[RoleRecord, ...]


class Pipeline:
    """Everything between decoded text and role records, models loaded once.

    `Pipeline().extract_one(source)` is a pure function of the source and the configuration, so that a process pool, a
    cluster or a notebook can call it in any order. What was read lately is remembered, which changes nothing but the time.
    """

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()
        self._index: DuplicateIndex | None = None

    @cached_property
    def extractor(self) -> Extractor:
        from jdextract.extraction.extractor import Extractor

        return Extractor(self.config.extraction, self.config.tokens)

    @cached_property
    def boilerplate(self) -> Boilerplate | None:
        from jdextract.deduplication.boilerplate import load_boilerplate

        path = self.config.deduplication.boilerplate
        return load_boilerplate(path) if path else None

    @cached_property
    def classifier(self) -> Classifier:
        from jdextract import classification

        return classification.load(self.config.classification, self.extractor.cut)

    def explain(self, source: SourceText) -> Explained:
        """Extract one document and keep the trail of decisions."""
        return self.explain_many([source])[0]

    def explain_many(self, sources: Sequence[SourceText]) -> list[Explained]:
        """`explain` of each document, in order: the same as one by one, many times as fast.

        Memory grows with the number of documents; within, they are worked on in groups.
        """
        explained: list[Explained] = []
        for start in range(0, len(sources), _GROUP):
            with paused_collector():
                explained += self.explain_drafts(self._make_drafts(sources[start : start + _GROUP]))
        return explained

    def explain_drafts(self, drafts: Sequence[Draft]) -> list[Explained]:
        """Drafts with their records: what is left to do behind extraction, for one that was corrected too."""
        return list(map(Explained, drafts, self._make_records(drafts)))

    def _make_drafts(self, sources: Sequence[SourceText]) -> list[Draft]:
        """What extraction finds beside known boilerplate."""
        if self.boilerplate is None:
            return self.extractor.extract_many(sources)
        from jdextract.deduplication.boilerplate import blank

        known = [self.boilerplate.find_spans(source.text) for source in sources]
        seen = [
            replace(source, text=blank(source.text, spans)) if spans else source
            for source, spans in zip(sources, known, strict=True)
        ]
        drafts = self.extractor.extract_many(seen)
        return [
            _restore(draft, source, spans) if spans else draft
            for draft, source, spans in zip(drafts, sources, known, strict=True)
        ]

    def extract_one(self, source: SourceText) -> tuple[RoleRecord, ...]:
        """Role records of one document, in document order."""
        return self.explain(source).records

    def extract(
        self, inputs: Iterable[str], *, assist: Callable[[Sequence[Explained]], list[Explained]] | None = None
    ) -> Iterator[tuple[SourceText, Explained] | ReadFailure]:
        """Read and extract files, folders, globs or `-`, in a stable order; what can't be read comes as a ReadFailure.

        Exact duplicates among the duties of the run are marked with `duplicate_of`. `assist` corrects documents before
        that, such as `jdextract.llm.assist.Assistant.assist`.
        """
        from jdextract.deduplication.exact import FirstSeen
        from jdextract.reading import read

        with FirstSeen() as first_seen:
            for group in _group(read(inputs, self.config.reading)):
                explained_group = self.explain_many([item for item in group if isinstance(item, SourceText)])
                found = iter(assist(explained_group) if assist else explained_group)
                for item in group:
                    if isinstance(item, ReadFailure):
                        yield item
                        continue
                    explained = next(found)
                    marked = tuple(first_seen.mark(record) for record in self._name_duties(explained.records))
                    yield item, Explained(explained.draft, marked)

    def _name_duties(self, records: tuple[RoleRecord, ...]) -> tuple[RoleRecord, ...]:
        """The records with `canonical_duty` set where the index of the configuration holds the duty."""
        path = self.config.deduplication.index
        if path is None or not records:
            return records
        from jdextract.deduplication.index import DuplicateIndex
        from jdextract.deduplication.marking import name_duties

        if self._index is None:
            self._index = DuplicateIndex(path, create=False)
        return name_duties(records, self._index, self.config.deduplication)

    def classify(self, texts: Iterable[str], *, why: int = 0) -> Iterator[ClassifiedDuty]:
        """Canonical role of single duty sentences, in order. `why`: how many n-grams that moved each decision to list."""
        batch: list[str] = []
        for text in texts:
            batch.append(text)
            if len(batch) == 512:
                yield from self._classify_batch(batch, why)
                batch = []
        yield from self._classify_batch(batch, why)

    def _classify_batch(self, texts: list[str], why: int) -> Iterator[ClassifiedDuty]:
        normalized = [self.extractor.normalize(text) for text in texts]
        roles = self.classifier.classify(normalized)
        evidence = self.classifier.find_evidence(normalized, roles, why) if why and texts else [None] * len(texts)
        for text, clean, role, grams in zip(texts, normalized, roles, evidence, strict=True):
            yield ClassifiedDuty(text=text, normalized=clean, role=role, why=grams)

    def _make_records(self, drafts: Sequence[Draft]) -> Iterator[tuple[RoleRecord, ...]]:
        """The records of each draft, their roles found in one go."""
        found = self.classifier.read_records([record for draft in drafts for record in draft.records])
        roles = iter(found)
        rows = [
            _lay_out(draft, number, record, next(roles))
            for draft in drafts
            for number, record in enumerate(draft.records)
        ]
        records = iter(_record_list().validate_python(rows))  # all at once: several times as fast as one by one
        return (tuple(itertools.islice(records, len(draft.records))) for draft in drafts)


def _group(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """The items in groups, the first of one item, so that who waits for it does not wait for more; then twice as many each."""
    left, size = iter(items), 1
    while group := list(itertools.islice(left, size)):
        yield group
        size = min(2 * size, _GROUP)


def _restore(draft: Draft, source: SourceText, spans: Sequence[Span]) -> Draft:
    """A draft of a page whose boilerplate was blanked, with the words that its values have in the source."""

    def whole(piece: _Value) -> _Value:
        return replace(piece, text=source.text[slice(*piece.span)])

    records = tuple(
        replace(
            record,
            title=whole(record.title) if record.title else None,
            duties=tuple(map(whole, record.duties)),
            requirements=tuple(map(whole, record.requirements)),
            compensation=tuple(map(whole, record.compensation)),
        )
        for record in draft.records
    )
    dropped = tuple(Dropped(source.source, "deduplication", "boilerplate of the site", span) for span in spans)
    return replace(draft, source=source, records=records, dropped=(*draft.dropped, *dropped))


@cache
def _record_list() -> TypeAdapter[list[RoleRecord]]:
    from pydantic import TypeAdapter

    return TypeAdapter(list[RoleRecord])


def _lay_out(draft: Draft, number: int, record: DraftRecord, roles: RecordRoles) -> dict[str, Any]:
    """The fields of a RoleRecord."""
    source = draft.source
    place = record.title.span if record.title else _first_span(record)
    identity = f"{source.id}:{number}:{place}"
    return {
        "record_id": f"{source.id}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}",
        "document": {
            "id": source.id,
            "source": source.source,
            "script": draft.script,
            "region": draft.region,
            "encoding": source.encoding,
            "media_type": source.media_type,
        },
        "title": _lay_out_title(record.title, roles.title) if record.title and roles.title else None,
        "role": roles.role,
        "role_mix": roles.mix,
        "headcount": record.headcount,
        "duties": tuple(
            {"text": d.text, "normalized": d.normalized, "span": d.span, "heading": d.heading, "role": role}
            for d, role in zip(record.duties, roles.duties, strict=True)
        ),
        "requirements": tuple(map(_lay_out_value, record.requirements)),
        "compensation": tuple(map(_lay_out_value, record.compensation)),
    }


def _lay_out_title(piece: Piece, parts: TitleParts) -> dict[str, Any]:
    details = tuple({"kind": kind, "text": text} for kind, text in parts.details)
    return {**_lay_out_value(piece), "name": parts.name, "details": details}


def _lay_out_value(piece: Piece) -> dict[str, Any]:
    return {"text": piece.text, "normalized": piece.normalized, "span": piece.span}


def _first_span(record: DraftRecord) -> tuple[int, int]:
    spans = [duty.span for duty in record.duties] + [p.span for p in (*record.requirements, *record.compensation)]
    return min(spans)
