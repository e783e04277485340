"""Every record that one stage hands to the next, in pipeline order.

Offsets are Unicode code points of the decoded source text, `[start, end)`, and
`source.text[start:end] == text` holds for every value with a span.

Records inside the pipeline are frozen dataclasses (made once a segment, so they must be cheap);
what leaves it (`RoleRecord` and its parts) is pydantic and follows the output contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = "1.0"

Span = tuple[int, int]
Script = Literal["hans", "hant", "mixed", "none"]
Region = Literal["cn", "tw", "hk", "unknown"]
Status = Literal["assigned", "abstained"]
# How one text repeats another: word for word; as one template with other slots (platform, city, number); nearly.
DuplicateKind = Literal["exact", "template", "near"]
# What stands in a posted title beside the name of the position.
TitleDetailKind = Literal["seniority", "place", "urgency", "pay", "headcount", "code", "bracket", "mark", "suffix"]

# What a stretch of the source is. The first four are kept in records, the others are shown by `explain`.
Zone = Literal[
    "title",
    "duty",
    "requirement",
    "pay",
    "headcount",
    "heading",
    "benefit",
    "deliverable",
    "assessment",
    "case",
    "glossary",
    "introduction",
    "contact",
    "condition",
    "rule",
    "boilerplate",
    "noise",
]


# ---- reading


@dataclass(frozen=True, slots=True)
class SourceText:
    """One document, decoded. For HTML, DOCX and PDF `text` is the extracted text."""

    id: str  # 16 hex digits, a digest of the source bytes and the row key
    source: str  # path or URI as given; for a table row path plus row key
    text: str
    encoding: str = "utf-8"  # of the bytes; "" where the format has its own
    media_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """An input that could not be read: one line of `errors.jsonl`."""

    path: str
    stage: str
    error: str  # class name in jdextract.errors
    what: str
    hint: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """Text that was left out on the way, and why."""

    source: str
    stage: str
    reason: str
    span: Span | None = None


# ---- extraction


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the source with its zone. The segments of a document cover all of its visible characters."""

    span: Span
    zone: Zone
    decided_by: str  # name of the rule or of the model
    score: float  # probability of the zone, 1.0 for a rule
    record: int | None = None  # number of the record that it went into, from 0


@dataclass(frozen=True, slots=True)
class Piece:
    """A value with its place."""

    text: str
    normalized: str
    span: Span


@dataclass(frozen=True, slots=True)
class DraftDuty:
    text: str
    normalized: str
    span: Span
    heading: str | None


@dataclass(frozen=True, slots=True)
class DraftRecord:
    """One position as it stands in the document, before its roles are known."""

    title: Piece | None
    headcount: int | None
    duties: tuple[DraftDuty, ...]
    requirements: tuple[Piece, ...]
    compensation: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """All that extraction found in one document."""

    source: SourceText
    script: Script
    region: Region
    segments: tuple[Segment, ...]
    records: tuple[DraftRecord, ...]
    dropped: tuple[Dropped, ...] = ()


# ---- the output contract


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RoleCandidate(_Out):
    """Another role that was considered, with its calibrated probability."""

    id: str
    family: str
    score: float


class Role(_Out):
    """The canonical role, or an abstention with its candidates.

    On an abstention `id` and `family` still name the best candidate, so that a reader may overrule it.
    """

    id: str
    family: str
    score: Annotated[float, Field(ge=0, le=1)]
    status: Status
    alternatives: tuple[RoleCandidate, ...] = ()
    decided_by: str = ""


class TextSpan(_Out):
    """A value verbatim, in Simplified with certain damage repaired, and its place in the source."""

    text: str
    normalized: str
    span: Span


class TitleDetail(_Out):
    """Something that was stripped from a title on the way to its name: 高级 is `seniority`, (急聘) a `bracket`."""

    kind: TitleDetailKind
    text: str


class Title(TextSpan):
    """`name`: the title in lower case without its details, as it is looked up in the taxonomy."""

    name: str
    details: tuple[TitleDetail, ...] = ()


class RoleShare(_Out):
    """Share of the duties of a record that are of one role (each duty counts for its best role)."""

    id: str
    family: str
    share: Annotated[float, Field(ge=0, le=1)]


class Duplicate(_Out):
    """Which text this one repeats. `of`: `record_id#index` of a duty, id of a record or of a document."""

    of: str
    kind: DuplicateKind
    similarity: Annotated[float, Field(ge=0, le=1)]  # Jaccard, of the character shingles of both


class Duty(TextSpan):
    heading: str | None
    role: Role
    canonical_duty: str | None = None
    duplicate_of: str | None = None
    # Set by deduplication; `duplicate` is None for the representative of a cluster.
    cluster: str | None = None
    duplicate: Duplicate | None = None


class DocumentRef(_Out):
    id: str
    source: str
    script: Script
    region: Region = "unknown"
    encoding: str = "utf-8"
    media_type: str = "text/plain"
    cluster: str | None = None
    duplicate: Duplicate | None = None


class AssistanceNote(_Out):
    """What a language model was asked about a record, and what became of it.

    `outcome`: `applied`; `kept:<reason>`, the offline reading is no worse or the model is not sure; `rejected:<reason>`, the
    answer does not hold; `failed:<kind>`, there is no answer. `by`: `llm:<model>:<prompt version>`.
    """

    task: Literal["zone", "adjudicate"]
    duty: int | None = (
        None  # index of the duty that was asked about; None: the role of the record, or the whole document
    )
    outcome: str
    by: str


class RoleRecord(_Out):
    """One position described in one place of one document."""

    schema_version: str = SCHEMA_VERSION
    record_id: str
    document: DocumentRef
    title: Title | None
    role: Role
    role_mix: tuple[RoleShare, ...] = ()  # the largest share first
    headcount: int | None
    duties: tuple[Duty, ...]
    requirements: tuple[TextSpan, ...]
    compensation: tuple[TextSpan, ...]
    cluster: str | None = None
    duplicate: Duplicate | None = None
    assistance: tuple[AssistanceNote, ...] = ()


class Evidence(_Out):
    """A word or character n-gram and what it adds to the decision value of the role against the next best one."""

    text: str
    weight: float


class ClassifiedDuty(_Out):
    """One line of `jdextract classify`. `why` is there when an explanation was asked for."""

    text: str
    normalized: str
    role: Role
    why: tuple[Evidence, ...] | None = None
