"""Records against gold: precision, recall and F1 of duties, titles and requirements.

A predicted span matches a gold span when their intersection over union is at least 0.8, each gold span once, best
overlap first. A heading printed several times before the first duty is right in each of its copies. Requirements are
compared by their text, without closing marks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from jdextract.annotation import GoldDocument, GoldRecord
from jdextract.records import RoleRecord, Span

IOU = 0.8
_CLOSING = "；;。 \n"


def intersection_over_union(one: Span, other: Span) -> float:
    """Shared code points over all code points of two spans, 0.0 for spans apart."""
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return shared / (max(one[1], other[1]) - min(one[0], other[0])) if shared > 0 else 0.0


def match_spans(predicted: Sequence[Span], gold: Sequence[Sequence[Span]]) -> dict[int, int]:
    """{index of predicted: index of gold}, one to one, best overlap first; each gold item lists the spans it accepts."""
    scored = [
        (max(intersection_over_union(span, wanted) for wanted in accepted), i, j)
        for i, span in enumerate(predicted)
        for j, accepted in enumerate(gold)
    ]
    matches: dict[int, int] = {}
    taken: set[int] = set()
    for overlap, i, j in sorted(scored, key=lambda pair: (-pair[0], pair[1])):
        if overlap >= IOU and i not in matches and j not in taken:
            matches[i] = j
            taken.add(j)
    return matches


@dataclass(slots=True)
class ExtractionScore:
    """Counts that add up over documents."""

    hits: Counter[str] = field(default_factory=Counter)
    predicted: Counter[str] = field(default_factory=Counter)
    gold: Counter[str] = field(default_factory=Counter)
    attributed: int = 0
    roles_right: int = 0
    bad_spans: int = 0

    def add(self, document: GoldDocument, records: Iterable[RoleRecord]) -> None:
        """Count one document."""
        found = list(records)
        self.bad_spans += sum(
            document.text[slice(*value.span)] != value.text
            for r in found
            for value in (r.title, *r.duties, *r.requirements, *r.compensation)
            if value is not None
        )
        duties = [(duty, r) for r in found for duty in r.duties]
        wanted = [(duty, r) for r in document.records for duty in r.duties]
        matches = match_spans([d.span for d, _ in duties], [[d.span] for d, _ in wanted])
        self._count("duty", len(matches), len(duties), len(wanted))
        titled = [r for r in found if r.title is not None]
        gold_titled = [r for r in document.records if r.title is not None]
        spans = [r.title.span for r in titled if r.title is not None]
        self._count(
            "title",
            len(match_spans(spans, [title_spans(document, r) for r in gold_titled])),
            len(titled),
            len(gold_titled),
        )
        for i, j in matches.items():
            self.attributed += _same_title(document, duties[i][1], wanted[j][1])
            self.roles_right += duties[i][0].role.id == wanted[j][0].role
        texts = Counter(q.text.strip(_CLOSING) for r in found for q in r.requirements)
        gold_texts = Counter(q.text.strip(_CLOSING) for r in document.records for q in r.requirements)
        self._count("requirement", (texts & gold_texts).total(), texts.total(), gold_texts.total())

    def _count(self, kind: str, hits: int, predicted: int, gold: int) -> None:
        self.hits[kind] += hits
        self.predicted[kind] += predicted
        self.gold[kind] += gold

    def figures(self) -> dict[str, float]:
        """All figures by name, shares rounded to 4 digits."""
        result: dict[str, float] = {}
        for kind in ("duty", "title", "requirement"):
            precision = self.hits[kind] / self.predicted[kind] if self.predicted[kind] else 0.0
            recall = self.hits[kind] / self.gold[kind] if self.gold[kind] else 0.0
            result[f"{kind}.precision"] = round(precision, 4)
            result[f"{kind}.recall"] = round(recall, 4)
            both = precision + recall
            result[f"{kind}.f1"] = round(2 * precision * recall / both, 4) if both else 0.0
        matched = self.hits["duty"] or 1
        result["duty.attributed_to_right_title"] = round(self.attributed / matched, 4)
        result["matched_duty.role_accuracy"] = round(self.roles_right / matched, 4)
        result["spans_that_do_not_hold"] = self.bad_spans
        return result


def title_spans(document: GoldDocument, record: GoldRecord) -> list[Span]:
    """Every place where the title of a record is right: its mark, and its other copies up to the first duty."""
    assert record.title is not None
    name, size = record.title.text, len(record.title.text)
    previous = [
        value.span[1]
        for other in document.records
        if other.start < record.start
        for value in (*other.duties, *([other.title] if other.title else []))
    ]
    start = max(previous, default=0)
    end = record.duties[0].span[0] if record.duties else record.title.span[1]
    spans = []
    at = document.text.find(name, start)
    while at >= 0 and at + size <= max(end, record.title.span[1]):
        spans.append((at, at + size))
        at = document.text.find(name, at + size)
    return spans or [record.title.span]


def _same_title(document: GoldDocument, found: RoleRecord, wanted: GoldRecord) -> bool:
    if found.title is None or wanted.title is None:
        return found.title is None and wanted.title is None
    return max(intersection_over_union(found.title.span, span) for span in title_spans(document, wanted)) >= IOU
