"""Marked records -> the tables of a dataset: canonical duties, every occurrence of them, and the texts by split."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jdextract.dataset.compliance import find_flags
from jdextract.dataset.privacy import find_personal_data
from jdextract.dataset.splits import Split, assign_splits
from jdextract.dataset.wordings import SHORTEST, Wording, rank_variants
from jdextract.deduplication.duplicates import Cluster, Duplicates
from jdextract.deduplication.marking import Found
from jdextract.deduplication.wordings import find_damage, find_slots, show_masked
from jdextract.records import Duty, Region, RoleRecord, Script
from jdextract.taxonomy import Taxonomy

if TYPE_CHECKING:
    import polars

_NONE_CHOSEN: Mapping[str, Wording] = MappingProxyType({})
_ROWS = 20_000  # of a part of a table: what is held in memory


@dataclass(slots=True)
class _Votes:
    """What the occurrences of one canonical duty say."""

    roles: dict[str, float] = field(default_factory=dict)  # sum of the scores
    counts: Counter[str] = field(default_factory=Counter)
    assigned: int = 0
    regions: Counter[Region] = field(default_factory=Counter)
    traditional: dict[str, int] = field(default_factory=dict)  # wordings as they stand in Traditional documents

    def add(self, duty: Duty, script: Script, region: Region) -> None:
        self.roles[duty.role.id] = self.roles.get(duty.role.id, 0.0) + duty.role.score
        self.counts[duty.role.id] += 1
        self.assigned += duty.role.status == "assigned"
        self.regions[region] += 1
        if script == "hant":
            self.traditional[duty.text] = self.traditional.get(duty.text, 0) + 1


def flag_rows(record: RoleRecord) -> Iterator[dict[str, Any]]:
    """Rows of `compliance_flags` for the requirements and duties of one record; spans are code points of the source text
    for the whole value, and of `normalized` for what a rule found in it."""
    for field_name in ("duties", "requirements"):
        for index, value in enumerate(getattr(record, field_name)):
            for flag in find_flags(value.normalized, record.document.region):
                yield {
                    "record_id": record.record_id,
                    "document_id": record.document.id,
                    "field": field_name,
                    "index": index,
                    "start": value.span[0],
                    "end": value.span[1],
                    "normalized": value.normalized,
                    "rule": flag.rule,
                    "kind": flag.kind,
                    "found": flag.text,
                    "found_start": flag.span[0],
                    "found_end": flag.span[1],
                    "region": record.document.region,
                    "provision": flag.provision,
                    "reason": flag.reason,
                }


class DutyTables:
    """Takes the records of a run one by one, in the order in which the clusters were found."""

    def __init__(self, found: Found, taxonomy: Taxonomy, chosen: Mapping[str, Wording] = _NONE_CHOSEN) -> None:
        """`chosen`: another wording than that of the rules for some clusters, by id (`wordings.choose_wordings`)."""
        self._found, self._taxonomy = found["duty"], taxonomy
        # Clusters of the index without an occurrence in this run are no part of the dataset.
        self._clusters = [c for c in self._found.clusters if any(v.places for v in c.variants)]
        self._cluster_of = array("q", [0]) * len(self._found.occurrences)
        self._variant_of = array("q", [0]) * len(self._found.occurrences)
        for number, cluster in enumerate(self._clusters):
            for place, variant in enumerate(cluster.variants):
                for occurrence in variant.places:
                    self._cluster_of[occurrence] = number
                    self._variant_of[occurrence] = place
        self._votes = [_Votes() for _ in self._clusters]
        self._next = 0
        self.splits = self._split()
        self._best = [
            chosen.get(cluster.id) or Wording(rank_variants(self._found, cluster)[0]) for cluster in self._clusters
        ]
        self._distinct_documents = _distinct_documents(found["document"])

    def _split(self) -> list[Split]:
        names = self._found.occurrences
        groups: list[set[str]] = []
        fallback: list[set[str]] = []
        for cluster in self._clusters:
            places = [n for variant in cluster.variants for n in variant.places]
            groups.append({names.source_names.names[names.sources[n]] for n in places})
            fallback.append({names.document_names.names[names.documents[n]] for n in places})
        return assign_splits([cluster.id for cluster in self._clusters], groups, fallback)

    def add(self, record: RoleRecord) -> Iterator[dict[str, Any]]:
        """Rows of `duty_instances` for one record."""
        for index, duty in enumerate(record.duties):
            number = self._cluster_of[self._next]
            cluster, variant = self._clusters[number], self._variant_of[self._next]
            self._next += 1
            self._votes[number].add(duty, record.document.script, record.document.region)
            duplicate = cluster.variants[variant].duplicate
            yield {
                "duty_id": cluster.id,
                "record_id": record.record_id,
                "index": index,
                "document_id": record.document.id,
                "source": record.document.source,
                "script": record.document.script,
                "region": record.document.region,
                "start": duty.span[0],
                "end": duty.span[1],
                "text": duty.text,
                "normalized": duty.normalized,
                "kind": duplicate.kind if duplicate else "exact",
                "similarity": duplicate.similarity if duplicate else 1.0,
                "role": duty.role.id,
                "family": duty.role.family,
                "score": duty.role.score,
                "status": duty.role.status,
                "split": self.splits[number],
            }

    def canonical_rows(self) -> Iterator[dict[str, Any]]:
        """Rows of `canonical_duties`, by id; to be called when all records were added."""
        for number in sorted(range(len(self._clusters)), key=lambda n: self._clusters[n].id):
            yield self._canonical_row(number)

    def _canonical_row(self, number: int) -> dict[str, Any]:
        cluster, votes, best = self._clusters[number], self._votes[number], self._best[number].variant
        names = self._found.occurrences
        text = cluster.variants[best].text
        places = [n for variant in cluster.variants for n in variant.places]
        documents = {names.document_names.names[names.documents[n]] for n in places}
        sources = {names.source_names.names[names.sources[n]] for n in places}
        role = min(votes.roles, key=lambda id_: (-votes.roles[id_], id_))
        share = votes.counts[role] / votes.counts.total()
        traditional, origin = _traditional(text, votes)
        region = min(votes.regions, key=lambda name: (-votes.regions[name], name))
        return {
            "id": cluster.id,
            "text": text,
            "text_decided_by": self._best[number].decided_by,
            "text_hant": traditional,
            "hant_origin": origin,
            "role": role,
            "family": self._taxonomy.family_of(role),
            "role_share": round(share, 4),
            "role_score": round(votes.roles[role] / votes.counts[role], 4),
            "occurrences": len(places),
            "documents": len(documents),
            "distinct_documents": len({self._distinct_documents.get(name, name) for name in documents}),
            "sources": len(sources),
            "variants": sum(bool(variant.places) for variant in cluster.variants),
            "template": show_masked(cluster.variants[best].wording.masked),
            "slots": _slots(cluster, best),
            "first_seen": min(v.place for v in cluster.variants if v.places),
            "quality": self._quality(text, votes, share, len(sources)),
            "compliance": [
                {"rule": flag.rule, "kind": flag.kind, "text": flag.text} for flag in find_flags(text, region)
            ],
            "split": self.splits[number],
        }

    def _quality(self, text: str, votes: _Votes, share: float, sources: int) -> list[str]:
        flags = list(find_damage(text))
        if len(text) < SHORTEST:
            flags.append("short")
        if not votes.assigned:
            flags.append("role-unsure")
        if share < 0.5:
            flags.append("role-disputed")
        if sources == 1:
            flags.append("single-source")
        if find_personal_data(text):
            flags.append("personal-data")
        return flags

    def split_rows(self, split: Split) -> Iterator[dict[str, Any]]:
        """Distinct wordings of one split with the role of their canonical duty, by id."""
        for number in sorted(range(len(self._clusters)), key=lambda n: self._clusters[n].id):
            if self.splits[number] == split:
                votes, cluster = self._votes[number], self._clusters[number]
                role = min(votes.roles, key=lambda id_: (-votes.roles[id_], id_))
                for variant in cluster.variants:
                    if variant.places:
                        yield {
                            "duty_id": cluster.id,
                            "text": variant.text,
                            "role": role,
                            "family": self._taxonomy.family_of(role),
                            "occurrences": len(variant.places),
                        }


def _distinct_documents(found: Duplicates) -> Mapping[str, str]:
    """{id of a document: id of its cluster}: copies of a page count once."""
    return {
        found.occurrences.document_names.names[found.occurrences.documents[n]]: cluster.id
        for cluster in found.clusters
        for variant in cluster.variants
        for n in variant.places
    }


def _traditional(text: str, votes: _Votes) -> tuple[str, str]:
    """The wording in Traditional characters, and where it comes from: a `source`, or `converted` by OpenCC (s2t)."""
    if votes.traditional:
        return min(votes.traditional, key=lambda t: (-votes.traditional[t], t)), "source"
    return str(_converter()(text)), "converted"


@cache
def _converter() -> Any:
    import opencc

    return opencc.OpenCC("s2t").convert


def _slots(cluster: Cluster, best: int) -> list[dict[str, Any]]:
    """Kinds of slots of the canonical wording, each with the values that its template takes in this run."""
    values: dict[str, set[str]] = {slot.kind: set() for slot in find_slots(cluster.variants[best].text)}
    if values:
        for variant in cluster.variants:
            if variant.places:
                for slot in find_slots(variant.text):
                    if slot.kind in values:
                        values[slot.kind].add(slot.text)
    return [{"kind": kind, "values": sorted(found)} for kind, found in values.items()]


def schemas() -> dict[str, polars.Schema]:
    """Columns of each table of a dataset but the records."""
    from polars import DataType, Float64, Int64, List, Schema, String, Struct

    columns = dict[str, type[DataType] | DataType]
    text = Schema({"duty_id": String, "text": String, "role": String, "family": String, "occurrences": Int64})
    return {
        "canonical_duties": Schema(
            columns(
                dict.fromkeys(("id", "text", "text_decided_by", "text_hant", "hant_origin", "role", "family"), String)
            )
            | {
                "role_share": Float64,
                "role_score": Float64,
                **dict.fromkeys(("occurrences", "documents", "distinct_documents", "sources", "variants"), Int64),
                "template": String,
                "slots": List(Struct({"kind": String, "values": List(String)})),
                "first_seen": String,
                "quality": List(String),
                "compliance": List(Struct({"rule": String, "kind": String, "text": String})),
                "split": String,
            }
        ),
        "duty_instances": Schema(
            columns(dict.fromkeys(("duty_id", "record_id"), String))
            | {
                "index": Int64,
                **dict.fromkeys(("document_id", "source", "script", "region"), String),
                "start": Int64,
                "end": Int64,
                **dict.fromkeys(("text", "normalized", "kind"), String),
                "similarity": Float64,
                "role": String,
                "family": String,
                "score": Float64,
                "status": String,
                "split": String,
            }
        ),
        "compliance_flags": Schema(
            columns(dict.fromkeys(("record_id", "document_id", "field"), String))
            | dict.fromkeys(("index", "start", "end"), Int64)
            | dict.fromkeys(("normalized", "rule", "kind", "found"), String)
            | dict.fromkeys(("found_start", "found_end"), Int64)
            | dict.fromkeys(("region", "provision", "reason"), String)
        ),
        "train": text,
        "validation": text,
        "test": text,
    }


def chunks(rows: Iterable[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    """Rows in parts of bounded size; at least one part."""
    part: list[dict[str, Any]] = []
    empty = True
    for row in rows:
        part.append(row)
        if len(part) == _ROWS:
            yield part
            part, empty = [], False
    if part or empty:
        yield part
