"""Documents for tests that need records but no model: marked samples of the corpus, read by a stand-in pipeline."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jdextract.annotation import GoldDocument, GoldRecord, Labelled, parse_marks
from jdextract.classification.classifier import RecordRoles
from jdextract.classification.titles import TitleParts
from jdextract.pipeline import Explained, Pipeline
from jdextract.records import (
    Draft,
    DraftDuty,
    DraftRecord,
    Piece,
    Role,
    RoleCandidate,
    Script,
    Segment,
    SourceText,
    Zone,
)

CORPUS = Path(__file__).parents[1] / "corpus" / "documents"
HANT = "c01-java-hant"
HANS = "a21-analyst-short-posting"
MIXED = "d22-hk-marketing-officer"
CRASH = "CRASH"  # a document with this text breaks the stand-in extractor


def gold(name: str) -> GoldDocument:
    """One annotated document of the corpus."""
    return parse_marks((CORPUS / f"{name}.mark").read_text(encoding="utf-8"), name)


def source_of(text: str, name: str = "page.txt") -> SourceText:
    return SourceText(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16], name, text)


@dataclass(frozen=True)
class StandInExtractor:
    """Reads inline marks where a document has them in the corpus; finds nothing elsewhere."""

    known: dict[str, GoldDocument]

    def load(self) -> None:
        pass

    def normalize(self, text: str) -> str:
        return text.strip()

    def extract_many(self, sources: Sequence[SourceText]) -> list[Draft]:
        return [self.extract(source) for source in sources]

    def extract(self, source: SourceText) -> Draft:
        if CRASH in source.text:
            raise RuntimeError("unforeseen page")
        document = self.known.get(source.text)
        script: Script = "hant" if "職" in source.text else "hans"
        return draft_of(source, document.records if document else (), script)


class StandInClassifier:
    """The role `store-operations` for everything; a duty with 其他 in it gets an abstention."""

    def classify(self, texts: Sequence[str]) -> list[Role]:
        return [role_of(abstained="其他" in text) for text in texts]

    def classify_in_context(
        self, texts: Sequence[str], headings: Sequence[str | None], title: Role | None
    ) -> list[Role]:
        return self.classify(texts)

    def read_records(self, records: Sequence[DraftRecord]) -> list[RecordRoles]:
        return [self._read(record) for record in records]

    def _read(self, record: DraftRecord) -> RecordRoles:
        title = self.role_of_title(record.title.normalized) if record.title else None
        duties = tuple(self.classify([duty.normalized for duty in record.duties]))
        parts = TitleParts(record.title.normalized) if record.title else None
        return RecordRoles(parts, duties, self.role_of_record(title, duties), ())

    def role_of_title(self, title: str) -> Role | None:
        return role_of()

    def role_of_record(self, title_role: Role | None, roles: Sequence[Role]) -> Role:
        return title_role or role_of(abstained=True)


class StandInPipeline(Pipeline):
    """A pipeline without models."""

    def __init__(self, *documents: GoldDocument) -> None:
        super().__init__()
        self.__dict__["extractor"] = StandInExtractor({document.text: document for document in documents})
        self.__dict__["classifier"] = StandInClassifier()


def role_of(*, abstained: bool = False) -> Role:
    return Role(
        id="store-operations",
        family="operations",
        score=0.31 if abstained else 0.93,
        status="abstained" if abstained else "assigned",
        alternatives=(RoleCandidate(id="merchandising", family="operations", score=0.04),),
        decided_by="stand-in",
    )


def draft_of(source: SourceText, records: Sequence[GoldRecord], script: Script = "hans") -> Draft:
    """What extraction would give for annotated records: their values as segments, in text order."""
    segments: list[Segment] = []
    drafts = []
    for number, record in enumerate(records):
        marked: list[tuple[Labelled, Zone]] = [
            *([(record.title, "title")] if record.title else []),  # type: ignore[list-item]
            *((duty, "duty") for duty in record.duties),
            *((value, "requirement") for value in record.requirements),
            *((value, "pay") for value in record.compensation),
            *([(record.headcount, "headcount")] if record.headcount else []),
        ]
        segments += [Segment(value.span, zone, "mark", 1.0, number) for value, zone in marked]
        drafts.append(
            DraftRecord(
                title=_piece(record.title) if record.title else None,
                headcount=int(record.headcount.text) if record.headcount else None,
                duties=tuple(DraftDuty(d.text, d.text, d.span, None) for d in record.duties),
                requirements=tuple(map(_piece, record.requirements)),
                compensation=tuple(map(_piece, record.compensation)),
            )
        )
    return Draft(source, script, "unknown", tuple(sorted(segments, key=lambda s: s.span)), tuple(drafts))


def _piece(value: Labelled) -> Piece:
    return Piece(value.text, value.text, value.span)


def explained(name: str) -> tuple[SourceText, Explained]:
    """A corpus document and all that the stand-in finds in it."""
    document = gold(name)
    source = source_of(document.text, f"{name}.txt")
    return source, StandInPipeline(document).explain(source)


def explain_marked(marked: str, name: str = "page.txt") -> tuple[SourceText, Explained]:
    """A document written with inline marks in a test."""
    document = parse_marks(marked, name)
    source = source_of(document.text, name)
    return source, StandInPipeline(document).explain(source)
