"""Role records for tests that need no pipeline."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from jdextract.records import DocumentRef, Duty, Role, RoleRecord, TextSpan, Title

ROLE = Role(id="other", family="other", score=0.5, status="assigned", decided_by="test")


def make_record(
    duties: Sequence[str],
    *,
    document: str = "d",
    source: str | None = None,
    title: str | None = None,
    requirements: Iterable[str] = (),
    roles: Sequence[str] = (),
    script: str = "hans",
    number: int = 0,
) -> RoleRecord:
    """A record of one document; ids follow from document and number, roles are `other` unless given."""
    place = 0
    spans = []
    for text in duties:
        spans.append((place, place + len(text)))
        place += len(text) + 1
    digest = hashlib.sha256(document.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return RoleRecord(
        record_id=f"{digest}-{number:08}",
        document=DocumentRef(
            id=digest,
            source=source if source is not None else f"pages/{document}.txt",
            script=script,  # type: ignore[arg-type]
        ),
        title=Title(text=title, normalized=title, span=(0, len(title)), name=title) if title else None,
        role=ROLE,
        headcount=None,
        duties=tuple(
            Duty(
                text=text,
                normalized=text,
                span=span,
                heading=None,
                role=ROLE.model_copy(update={"id": roles[i]}) if i < len(roles) else ROLE,
            )
            for i, (text, span) in enumerate(zip(duties, spans, strict=True))
        ),
        requirements=tuple(TextSpan(text=t, normalized=t, span=(0, len(t))) for t in requirements),
        compensation=(),
    )
