"""Annotated documents beside what was found in them: counts of one document, and figures of many as measures.

By span a value is right as `extraction` says; by character every code point counts. Documents are what is drawn for an
interval, so counts are kept by document.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jdextract.annotation import GoldDocument, GoldRecord, Labelled
from jdextract.evaluation.extraction import ExtractionScore, match_spans, title_spans
from jdextract.evaluation.figures import f1_by_label
from jdextract.evaluation.measures import Measure, SumMeasure, divide, make_ratio
from jdextract.records import Duty, RoleRecord, Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Counts = tuple[int, int, int]  # hits, found, wanted

# What is found by span. `requirement` is compared by its text, as the reference scorer does.
SPANS = ("duty", "title", "requirement", "requirement_span", "pay")
ZONES = ("duty", "title", "requirement", "pay", "none")  # of a character; where values overlap the first one counts
PARTS = ("precision", "recall", "f1")

DOCUMENT_FIGURES = (
    *(f"{kind}.{part}" for kind in SPANS for part in PARTS),
    *(f"{zone}_characters.{part}" for zone in ZONES[:-1] for part in PARTS),
    "duty.attributed_to_right_title",
    "zoning.accuracy",
    "zoning.macro_f1",
)


@dataclass(frozen=True, slots=True)
class DocumentCounts:
    """What was counted in one document. Adds up over documents."""

    spans: dict[str, Counts]  # by kind of SPANS
    characters: dict[str, Counts]  # by zone, without `none`
    zones: tuple[tuple[int, ...], ...]  # [wanted][found] by zone: visible characters
    attributed: int  # found duties that stand under the right title
    bad_spans: int  # values whose span does not hold their text


@dataclass(frozen=True, slots=True)
class DocumentMatches:
    """Which gold value each found one is: pairs of gold and found."""

    duties: tuple[tuple[Labelled, Duty], ...]
    titled: tuple[tuple[GoldRecord, RoleRecord], ...]


def match_document(document: GoldDocument, found: Sequence[RoleRecord]) -> DocumentMatches:
    """Match duties and titled records one to one, by the overlap of their spans, in the order of the gold."""
    duties = [duty for record in found for duty in record.duties]
    wanted = [duty for record in document.records for duty in record.duties]
    by_duty = match_spans([duty.span for duty in duties], [[duty.span] for duty in wanted])
    titled = [(record, record.title.span) for record in found if record.title is not None]
    wanted_titled = [record for record in document.records if record.title is not None]
    by_title = match_spans([span for _, span in titled], [title_spans(document, record) for record in wanted_titled])
    return DocumentMatches(
        tuple((wanted[j], duties[i]) for i, j in sorted(by_duty.items(), key=lambda pair: pair[1])),
        tuple((wanted_titled[j], titled[i][0]) for i, j in sorted(by_title.items(), key=lambda pair: pair[1])),
    )


def count_document(document: GoldDocument, found: Sequence[RoleRecord]) -> DocumentCounts:
    """Count one document."""
    score = ExtractionScore()
    score.add(document, found)
    spans = {kind: (score.hits[kind], score.predicted[kind], score.gold[kind]) for kind in SPANS}
    wanted, given = _gold_spans(document, found), _found_spans(found)
    for kind, zone in (("requirement_span", "requirement"), ("pay", "pay")):
        hits = len(match_spans(given[zone], [[span] for span in wanted[zone]]))
        spans[kind] = (hits, len(given[zone]), len(wanted[zone]))
    characters = {}
    for zone in ZONES[:-1]:
        own, others = _cover(wanted[zone]), _cover(given[zone])
        characters[zone] = (len(own & others), len(others), len(own))
    return DocumentCounts(
        spans, characters, _count_zones(document.text, wanted, given), score.attributed, score.bad_spans
    )


def _gold_spans(document: GoldDocument, found: Sequence[RoleRecord]) -> dict[str, list[Span]]:
    records = document.records
    return {
        "duty": [duty.span for record in records for duty in record.duties],
        "title": _title_places(document, _cover([r.title.span for r in found if r.title])),
        "requirement": [value.span for record in records for value in record.requirements],
        "pay": [value.span for record in records for value in record.compensation],
    }


def _title_places(document: GoldDocument, found: set[int]) -> list[Span]:
    """One place for each gold title. Where several copies are right it is the one that was found, else the marked one."""
    places = []
    for record in document.records:
        if record.title is not None:
            marked = record.title.span
            copies = [marked, *(span for span in title_spans(document, record) if span != marked)]
            places.append(max(copies, key=lambda span: len(found & set(range(*span)))))
    return places


def _found_spans(found: Sequence[RoleRecord]) -> dict[str, list[Span]]:
    return {
        "duty": [duty.span for record in found for duty in record.duties],
        "title": [record.title.span for record in found if record.title is not None],
        "requirement": [value.span for record in found for value in record.requirements],
        "pay": [value.span for record in found for value in record.compensation],
    }


def _cover(spans: Iterable[Span]) -> set[int]:
    return {place for span in spans for place in range(*span)}


def _count_zones(text: str, wanted: dict[str, list[Span]], given: dict[str, list[Span]]) -> tuple[tuple[int, ...], ...]:
    counts = [[0] * len(ZONES) for _ in ZONES]
    sides = []
    for spans in (wanted, given):
        zones = [len(ZONES) - 1] * len(text)
        for number in reversed(range(len(ZONES) - 1)):
            for start, end in spans[ZONES[number]]:
                zones[start:end] = [number] * len(zones[start:end])  # a span may reach beyond the text
        sides.append(zones)
    for character, own, other in zip(text, *sides, strict=True):
        if not character.isspace():
            counts[own][other] += 1
    return tuple(map(tuple, counts))


def make_document_measures(counts: Sequence[DocumentCounts]) -> dict[str, Measure]:
    """Every figure of DOCUMENT_FIGURES as a measure, one row a document. Where nothing was found precision is undefined."""
    import numpy as np

    measures: list[Measure] = []
    for name, of in (
        *((kind, [each.spans[kind] for each in counts]) for kind in SPANS),
        *((f"{zone}_characters", [each.characters[zone] for each in counts]) for zone in ZONES[:-1]),
    ):
        hits, found, wanted = np.array(of, dtype=np.float64).T
        measures += [
            make_ratio(f"{name}.precision", hits, found),
            make_ratio(f"{name}.recall", hits, wanted),
            make_ratio(f"{name}.f1", 2 * hits, found + wanted),
        ]
    attributed = [each.attributed for each in counts]
    zones = np.array([[n for row in each.zones for n in row] for each in counts], dtype=np.float64)
    measures += [
        make_ratio("duty.attributed_to_right_title", attributed, [each.spans["duty"][0] for each in counts]),
        SumMeasure("zoning.accuracy", zones, _zone_accuracy),
        SumMeasure("zoning.macro_f1", zones, _zone_macro_f1),
    ]
    return {measure.name: measure for measure in measures}


def _zone_matrices(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return sums.reshape(len(sums), len(ZONES), len(ZONES))


def _zone_accuracy(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    matrices = _zone_matrices(sums)
    hits = matrices.diagonal(axis1=1, axis2=2).sum(axis=1)
    return divide(hits, matrices.sum(axis=(1, 2)), float("nan"))


def _zone_macro_f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean F1 over the zones that the gold has."""
    import numpy as np

    matrices = _zone_matrices(sums)
    hits: Any = matrices.diagonal(axis1=1, axis2=2)
    f1, support = f1_by_label(np.hstack([hits, matrices.sum(axis=2), matrices.sum(axis=1)]))
    return divide((f1 * (support > 0)).sum(axis=1), (support > 0).sum(axis=1), float("nan"))
