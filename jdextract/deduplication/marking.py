"""Records of a run, marked with the clusters of their duties, of themselves and of their documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from jdextract.deduplication.duplicates import Duplicates, find_duplicates, gather, same_document
from jdextract.deduplication.grains import GRAINS, GrainName
from jdextract.records import Duplicate, RoleRecord

if TYPE_CHECKING:
    from jdextract.config import DeduplicationConfig
    from jdextract.deduplication.index import DuplicateIndex

Found = Mapping[GrainName, Duplicates]
Mark = tuple[str, Duplicate | None]  # id of the cluster, and which text of it this one repeats


def find_all(
    records: Iterable[RoleRecord], config: DeduplicationConfig, index: DuplicateIndex | None = None
) -> dict[GrainName, Duplicates]:
    """Clusters of duties, records and documents of a run, held against an index if there is one."""
    occurrences = gather(records)
    return {grain: find_duplicates(grain, occurrences[grain], config, index) for grain in GRAINS}


def mark(records: Iterable[RoleRecord], found: Found) -> Iterator[RoleRecord]:
    """The same records, in the same order as `find_all` saw them, with `cluster` and `duplicate` set at all grains.

    `duplicate_of` of a duty names what it repeats in whatever way, so that the duties without it are one a cluster.
    """
    marks = {grain: iter(list_marks(found[grain])) for grain in GRAINS}
    before: RoleRecord | None = None
    document_mark: Mark = ("", None)
    for record in records:
        if before is None or not same_document(before, record):
            document_mark = next(marks["document"])
        before = record
        cluster, duplicate = next(marks["record"])
        duties = []
        for duty in record.duties:
            name, of = next(marks["duty"])
            update = {"cluster": name, "duplicate": of, "duplicate_of": of.of if of else None}
            duties.append(duty.model_copy(update=update))
        whole = record.document.model_copy(update={"cluster": document_mark[0], "duplicate": document_mark[1]})
        yield record.model_copy(
            update={"duties": tuple(duties), "document": whole, "cluster": cluster, "duplicate": duplicate}
        )


def list_marks(found: Duplicates) -> list[Mark]:
    """What to write beside each occurrence, in the order of the run."""
    marks: list[Mark] = [("", None)] * len(found.occurrences)
    for cluster in found.clusters:
        head = cluster.variants[0]
        # Copies of a file have the same ids; the first of them counts. A representative that the index holds may stand in
        # an earlier run: all here then repeat it.
        first = next((n for n in head.places if found.occurrences.places[n] == head.place), None)
        again = Duplicate(of=head.place, kind="exact", similarity=1.0)
        for variant in cluster.variants:
            for number in variant.places:
                marks[number] = (cluster.id, None if number == first else variant.duplicate or again)
    return marks


def name_duties(
    records: Sequence[RoleRecord], index: DuplicateIndex, config: DeduplicationConfig
) -> tuple[RoleRecord, ...]:
    """The records with `canonical_duty` set to the id of the cluster of the index that a duty falls into, if there is one."""
    found = find_duplicates("duty", gather(records)["duty"], config, index)
    names: list[str | None] = [None] * len(found.occurrences)
    for cluster in found.clusters:
        if any(variant.known for variant in cluster.variants):
            for variant in cluster.variants:
                for number in variant.places:
                    names[number] = cluster.id
    left = iter(names)
    return tuple(
        record.model_copy(
            update={"duties": tuple(d.model_copy(update={"canonical_duty": next(left)}) for d in record.duties)}
        )
        for record in records
    )
