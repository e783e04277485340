"""Clusters of duties with all their occurrences -> rows of the tables of a dataset, a batch of clusters at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from jdextract.cluster.texts import describe_clusters
from jdextract.dataset.splits import SPLITS, Split, split_of
from jdextract.dataset.tables import DutyTables
from jdextract.deduplication.duplicates import Cluster, Duplicates, Occurrence, Occurrences, Variant
from jdextract.deduplication.wordings import Wording
from jdextract.errors import DamagedInput
from jdextract.records import DocumentRef, Duty, Role, RoleRecord

if TYPE_CHECKING:
    from jdextract.config import DeduplicationConfig
    from jdextract.taxonomy import Taxonomy

Unit = Literal["source", "document", "cluster"]  # what stands on one side of a split as a whole
_NO_ROLE = Role(id="", family="", score=0.0, status="abstained")


@dataclass(frozen=True, slots=True)
class Instance:
    """One duty of a marked record, with its place in the run."""

    number: int  # of the record in the run
    index: int  # in the record
    record_id: str
    document: DocumentRef
    duty: Duty


@dataclass(slots=True)
class Tabulated:
    """Rows of the tables for one cluster."""

    duty_id: str
    canonical: dict[str, Any]
    split: Split
    texts: list[dict[str, Any]] = field(default_factory=list)  # of the table of its split
    instances: list[dict[str, Any]] = field(default_factory=list)


def tabulate(
    clusters: Sequence[Sequence[Instance]], taxonomy: Taxonomy, unit: Unit, config: DeduplicationConfig
) -> list[Tabulated]:
    """Rows of whole clusters, each with all its instances in the order of the run.

    Raises DamagedInput for instances that were not marked together.
    """
    found = describe_clusters("duty", [list(map(_occurrence, each)) for each in clusters], config)
    _check_marks(found, [instance for each in clusters for instance in each])
    tables = DutyTables({"duty": found, "document": _documents(clusters)}, taxonomy)
    tables.splits = [_split(found, cluster, unit) for cluster in found.clusters]
    made = {
        cluster.id: Tabulated(cluster.id, {}, split)
        for cluster, split in zip(found.clusters, tables.splits, strict=True)
    }
    for each in clusters:
        for instance in each:
            for row in tables.add(_record(instance)):
                made[row["duty_id"]].instances.append(row | {"index": instance.index})
    for row in tables.canonical_rows():
        made[row["id"]].canonical = row
    for split in SPLITS:
        for row in tables.split_rows(split):
            made[row["duty_id"]].texts.append(row)
    return list(made.values())


def _occurrence(instance: Instance) -> Occurrence:
    place = f"{instance.record_id}#{instance.index}"
    return Occurrence(place, instance.document.id, instance.document.source, instance.duty.normalized)


def _check_marks(found: Duplicates, instances: Sequence[Instance]) -> None:
    """The id of a cluster follows from its texts, so another id tells marks of another run."""
    for cluster in found.clusters:
        for variant in cluster.variants:
            for number in variant.places:
                if instances[number].duty.cluster != cluster.id:
                    raise DamagedInput(
                        f"is marked {instances[number].duty.cluster}, but its texts make it {cluster.id}",
                        where=found.occurrences.places[number],
                        hint="mark all records of the dataset in one run of `jdextract cluster dedup`",
                    )


def _documents(clusters: Sequence[Sequence[Instance]]) -> Duplicates:
    """The clusters of the documents of these instances, as far as the tables ask for them: which document is in which."""
    occurrences = Occurrences()
    members: dict[str, list[int]] = {}
    for name, document in {i.document.id: i.document for each in clusters for i in each}.items():
        members.setdefault(document.cluster or name, []).append(len(occurrences))
        occurrences.add(Occurrence(name, name, document.source, ""))
    wording = Wording("", "", "")
    found = (Cluster(id_, (Variant(wording, "", "", tuple(n), None, False),)) for id_, n in members.items())
    return Duplicates("document", occurrences, tuple(found))


def _split(found: Duplicates, cluster: Cluster, unit: Unit) -> Split:
    names = found.occurrences
    places = [number for variant in cluster.variants for number in variant.places]
    units: Mapping[Unit, set[str]] = {
        "source": {names.source_names.names[names.sources[number]] for number in places},
        "document": {names.document_names.names[names.documents[number]] for number in places},
        "cluster": {cluster.id},
    }
    sides = {split_of(name) for name in units[unit]}
    return next(split for split in SPLITS if split in sides)


def _record(instance: Instance) -> RoleRecord:
    """A record with this duty alone: the tables read no more of it."""
    return RoleRecord(
        record_id=instance.record_id,
        document=instance.document,
        title=None,
        role=_NO_ROLE,
        headcount=None,
        duties=(instance.duty,),
        requirements=(),
        compensation=(),
    )
