"""The order of the stages. The only module that knows all of them.

bytes ─ reading ─> SourceText ─ extraction ─> Draft ─ classification ─> RoleRecord* ─ deduplication ─> marked RoleRecord*
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from jdextract.config import Config
from jdextract.records import (
    ClassifiedDuty,
    DocumentRef,
    Draft,
    DraftDuty,
    DraftRecord,
    Dropped,
    Duty,
    Piece,
    ReadFailure,
    RoleRecord,
    SourceText,
    TextSpan,
    Title,
    TitleDetail,
)

if TYPE_CHECKING:
    from jdextract.classification.classifier import Classifier
    from jdextract.deduplication.boilerplate import Boilerplate
    from jdextract.deduplication.index import DuplicateIndex
    from jdextract.extraction.extractor import Extractor

_Value = TypeVar("_Value", Piece, DraftDuty)


@dataclass(frozen=True, slots=True)
class Explained:
    """One document with all that was decided about it: every segment with its zone, and the records."""

    draft: Draft
    records: tuple[RoleRecord, ...]


class Pipeline:
    """Everything between decoded text and role records, models loaded once, no state between documents.

    `Pipeline().extract_one(source)` is a pure function of the source and the configuration, so that a process pool, a
    cluster or a notebook can call it in any order.
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
        draft = self._draft(source)
        records = tuple(self._record(draft, i, record) for i, record in enumerate(draft.records))
        return Explained(draft, records)

    def explain_many(self, sources: Sequence[SourceText]) -> list[Explained]:
        """`explain` of each document, in order."""
        return [self.explain(source) for source in sources]

    def _draft(self, source: SourceText) -> Draft:
        """What extraction finds beside known boilerplate. Values keep the words and the places that they have in the source."""
        from jdextract.deduplication.boilerplate import blank

        spans = self.boilerplate.find_spans(source.text) if self.boilerplate else []
        if not spans:
            return self.extractor.extract(source)
        draft = self.extractor.extract(replace(source, text=blank(source.text, spans)))

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

    def extract_one(self, source: SourceText) -> tuple[RoleRecord, ...]:
        """Role records of one document, in document order."""
        return self.explain(source).records

    def extract(self, inputs: Iterable[str]) -> Iterator[tuple[SourceText, Explained] | ReadFailure]:
        """Read and extract files, folders, globs or `-`, in a stable order; what can't be read comes as a ReadFailure.

        Exact duplicates among the duties of the run are marked with `duplicate_of`.
        """
        from jdextract.deduplication.exact import FirstSeen
        from jdextract.reading import read

        with FirstSeen() as first_seen:
            for item in read(inputs, self.config.reading):
                if isinstance(item, ReadFailure):
                    yield item
                    continue
                explained = self.explain(item)
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

    def _record(self, draft: Draft, number: int, record: DraftRecord) -> RoleRecord:
        source = draft.source
        title_role = self.classifier.role_of_title(record.title.normalized) if record.title else None
        roles = self.classifier.classify_in_context(
            [duty.normalized for duty in record.duties], [duty.heading for duty in record.duties], title_role
        )
        place = record.title.span if record.title else _first_span(record)
        identity = f"{source.id}:{number}:{place}"
        return RoleRecord(
            record_id=f"{source.id}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}",
            document=DocumentRef(
                id=source.id,
                source=source.source,
                script=draft.script,
                region=draft.region,
                encoding=source.encoding,
                media_type=source.media_type,
            ),
            title=self._title(record.title) if record.title else None,
            role=self.classifier.role_of_record(title_role, roles),
            role_mix=self.classifier.mix_roles(roles),
            headcount=record.headcount,
            duties=tuple(
                Duty(text=d.text, normalized=d.normalized, span=d.span, heading=d.heading, role=role)
                for d, role in zip(record.duties, roles, strict=True)
            ),
            requirements=tuple(_text_span(piece) for piece in record.requirements),
            compensation=tuple(_text_span(piece) for piece in record.compensation),
        )

    def _title(self, piece: Piece) -> Title:
        parts = self.classifier.normalize_title(piece.normalized)
        details = tuple(TitleDetail(kind=kind, text=text) for kind, text in parts.details)
        return Title(text=piece.text, normalized=piece.normalized, span=piece.span, name=parts.name, details=details)


def _text_span(piece: Piece) -> TextSpan:
    return TextSpan(text=piece.text, normalized=piece.normalized, span=piece.span)


def _first_span(record: DraftRecord) -> tuple[int, int]:
    spans = [duty.span for duty in record.duties] + [p.span for p in (*record.requirements, *record.compensation)]
    return min(spans)
