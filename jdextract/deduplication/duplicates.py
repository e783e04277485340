"""Occurrences of texts -> clusters with one representative each, also against an index of earlier runs."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from jdextract.collector import paused_collector
from jdextract.deduplication.clustering import Keys, cluster
from jdextract.deduplication.grains import GRAINS, Grain, GrainName, get_grain
from jdextract.deduplication.wordings import Wording, find_damage, fold, to_plain
from jdextract.records import Duplicate, RoleRecord

if TYPE_CHECKING:
    from jdextract.config import DeduplicationConfig


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One text in one place."""

    place: str  # `record_id#index`, id of a record or of a document
    document: str
    source: str
    text: str  # normalised
    name: str = ""  # of the position, for records


@dataclass(frozen=True, slots=True)
class Known:
    """A text that the index holds."""

    wording: Wording
    text: str
    place: str
    cluster: str
    age: int  # of the cluster: the lower, the older
    leads: bool  # whether it is the representative


class Index(Protocol):
    """Where texts of earlier runs are found."""

    def find_texts(self, grain: GrainName, plain: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Known]:
        """The texts that the index holds among these (plain, name)."""

    def find_candidates(self, grain: GrainName, keys: Keys) -> Sequence[Known]:
        """Texts that share a key with one of these, and the representatives of their clusters."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One distinct text of a cluster."""

    wording: Wording
    text: str
    place: str  # the first one: the index's, else the smallest of this run, whatever the order of the input
    places: tuple[int, ...]  # occurrences of this run, by number
    duplicate: Duplicate | None  # None: the representative
    known: bool  # whether the index held it before this run


@dataclass(frozen=True, slots=True)
class Cluster:
    """Texts that say the same. The first variant is the representative."""

    id: str
    variants: tuple[Variant, ...]
    absorbed: tuple[str, ...] = ()  # ids of clusters of the index that turned out to be the same


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What was found at one grain."""

    grain: GrainName
    occurrences: Occurrences
    clusters: tuple[Cluster, ...]


class Occurrences:
    """Texts of a run with their places; each distinct text is held once."""

    def __init__(self) -> None:
        self.texts: list[str] = []  # of each distinct text: how it was first written
        self.keys: list[tuple[str, str]] = []  # (plain, name) of each distinct text
        self._numbers: dict[tuple[str, str], int] = {}
        self.text_of = array("q")  # distinct text of each occurrence
        self.places: list[str] = []
        self.documents = array("q")
        self.sources = array("q")
        self.document_names = _Names()
        self.source_names = _Names()

    def __len__(self) -> int:
        return len(self.places)

    def add(self, occurrence: Occurrence) -> None:
        """Take in one text."""
        key = (to_plain(occurrence.text), occurrence.name)
        number = self._numbers.setdefault(key, len(self.texts))
        if number == len(self.texts):
            self.texts.append(occurrence.text)
            self.keys.append(key)
        elif occurrence.text < self.texts[number]:
            self.texts[number] = occurrence.text  # of texts that differ in punctuation one, whatever came first
        self.text_of.append(number)
        self.places.append(occurrence.place)
        self.documents.append(self.document_names.number(occurrence.document))
        self.sources.append(self.source_names.number(source_of(occurrence.source)))


class _Names:
    """Strings by number."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        found = self._numbers.setdefault(name, len(self.names))
        if found == len(self.names):
            self.names.append(name)
        return found


@lru_cache(maxsize=4_096)
def source_of(source: str) -> str:
    """Where a document comes from: the host of a URL, the table of a row, the folder of a file."""
    url = urlsplit(source) if "://" in source else None
    if url and url.netloc:
        return url.netloc
    table, mark, _ = source.partition("#")
    return table if mark else source.rpartition("/")[0]


def gather(records: Iterable[RoleRecord]) -> dict[GrainName, Occurrences]:
    """The texts of a run at all three grains."""
    found = {grain: Occurrences() for grain in GRAINS}
    document: list[RoleRecord] = []
    for record in records:
        if document and not same_document(document[0], record):
            found["document"].add(_whole(document))
            document = []
        document.append(record)
        found["record"].add(
            Occurrence(
                record.record_id,
                record.document.id,
                record.document.source,
                _text_of(record),
                record.title.name if record.title else "",
            )
        )
        for index, duty in enumerate(record.duties):
            place = f"{record.record_id}#{index}"
            found["duty"].add(Occurrence(place, record.document.id, record.document.source, duty.normalized))
    if document:
        found["document"].add(_whole(document))
    return found


def same_document(one: RoleRecord, other: RoleRecord) -> bool:
    """Whether two records stand in one file or row; copies of a file have one id but two sources."""
    return (one.document.id, one.document.source) == (other.document.id, other.document.source)


def _text_of(record: RoleRecord) -> str:
    """All values but the title, which is compared by itself; the title alone where there is nothing else."""
    values = [value.normalized for value in (*record.duties, *record.requirements, *record.compensation)]
    return "。".join(values) or (record.title.normalized if record.title else "")


def _whole(records: Sequence[RoleRecord]) -> Occurrence:
    texts = [f"{record.title.normalized if record.title else ''}。{_text_of(record)}" for record in records]
    first = records[0].document
    return Occurrence(first.id, first.id, first.source, "。".join(texts))


def find_duplicates(
    grain: Grain | GrainName, occurrences: Occurrences, config: DeduplicationConfig, index: Index | None = None
) -> Duplicates:
    """Clusters of the texts of a run, and of those of the index that they fall together with.

    Without an index the clusters, their ids and their representatives depend on the texts alone, not on their order.
    """
    grain = get_grain(grain) if isinstance(grain, str) else grain
    with paused_collector():
        return _find_duplicates(grain, occurrences, config, index)


def _find_duplicates(
    grain: Grain, occurrences: Occurrences, config: DeduplicationConfig, index: Index | None
) -> Duplicates:
    texts = _rank(occurrences)
    wordings = list(
        fold(
            [occurrences.keys[number] for number in texts.order], [occurrences.texts[number] for number in texts.order]
        )
    )
    keys = grain.keys(wordings)
    own = {occurrences.keys[number]: i for i, number in enumerate(texts.order)}
    known = _ask(index, grain, own, wordings, keys) if index else []
    # Texts of the index that this run does not hold stand before all others: their clusters are older.
    foreign = [entry for entry in known if (entry.wording.plain, entry.wording.name) not in own]
    shift = len(foreign)
    place_of = {(e.wording.plain, e.wording.name): i for i, e in enumerate(foreign)}
    place_of |= {key: i + shift for key, i in own.items()}
    every = [*(entry.wording for entry in foreign), *wordings]
    if foreign:
        keys = grain.keys(every)
    together = _known_pairs(known, place_of)
    entries = {place_of[(e.wording.plain, e.wording.name)]: e for e in known}
    leaders = cluster(len(every), keys, grain.judge(every, config), together, entries)
    members: dict[int, list[int]] = {}
    for number, leader in enumerate(leaders.tolist()):
        members.setdefault(leader, []).append(number)
    view = _View(grain, occurrences, texts, every, shift, entries)
    return Duplicates(grain.name, occurrences, tuple(view.make(group) for group in members.values()))


@dataclass(frozen=True, slots=True)
class _Ranked:
    order: list[int]  # distinct texts, best first
    places: list[list[int]]  # occurrences of each distinct text


def _rank(occurrences: Occurrences) -> _Ranked:
    """Best first: undamaged, in most documents, longest; then by the text itself, so that the order is settled."""
    places: list[list[int]] = [[] for _ in occurrences.texts]
    for occurrence, number in enumerate(occurrences.text_of):
        places[number].append(occurrence)

    def rank(number: int) -> tuple[bool, int, int, tuple[str, str]]:
        documents = {occurrences.documents[i] for i in places[number]}
        text = occurrences.texts[number]
        return bool(find_damage(text)), -len(documents), -len(text), occurrences.keys[number]

    return _Ranked(sorted(range(len(occurrences.texts)), key=rank), places)


def _ask(
    index: Index,
    grain: Grain,
    own: Mapping[tuple[str, str], int],
    wordings: Sequence[Wording],
    keys: Keys,
) -> list[Known]:
    """Entries of the index that have to do with this run, in an order that does not depend on the run."""
    same = index.find_texts(grain.name, list(own))
    found = {**{(k.wording.plain, k.wording.name): k for k in index.find_candidates(grain.name, keys)}, **same}
    return [found[key] for key in sorted(found)]


def _known_pairs(known: Sequence[Known], place_of: Mapping[tuple[str, str], int]) -> list[tuple[int, int]]:
    """Pairs of neighbours in clusters of the index."""
    last: dict[str, int] = {}
    pairs = []
    for entry in known:
        number = place_of[(entry.wording.plain, entry.wording.name)]
        if entry.cluster in last:
            pairs.append((last[entry.cluster], number))
        last[entry.cluster] = number
    return pairs


@dataclass(frozen=True, slots=True)
class _View:
    """Numbers of clustered texts -> what they stand for."""

    grain: Grain
    occurrences: Occurrences
    texts: _Ranked
    wordings: Sequence[Wording]
    shift: int
    entries: Mapping[int, Known]

    def make(self, numbers: Sequence[int]) -> Cluster:
        """A cluster of texts; with entries of the index among them it keeps the id of the oldest cluster."""
        if len(numbers) == 1 and numbers[0] not in self.entries:
            return self._single(numbers[0])
        ages = {self.entries[n].cluster: self.entries[n].age for n in numbers if n in self.entries}
        ids = sorted(ages, key=lambda id_: ages[id_])
        leader = self._leader(numbers, ids[0] if ids else None)
        head = self.wordings[leader]
        variants = []
        for number in sorted(numbers, key=lambda n: n != leader):
            kind, similarity = self.grain.describe(head, self.wordings[number])
            of = None if number == leader else Duplicate(of=self._place(leader), kind=kind, similarity=similarity)
            places = self._places(number)
            text = self.entries[number].text if number in self.entries else self._text(number)
            known = number in self.entries
            variants.append(Variant(self.wordings[number], text, self._place(number), places, of, known))
        return Cluster(ids[0] if ids else _name(self.grain, head), tuple(variants), tuple(ids[1:]))

    def _single(self, number: int) -> Cluster:
        wording = self.wordings[number]
        variant = Variant(wording, self._text(number), self._place(number), self._places(number), None, False)
        return Cluster(_name(self.grain, wording), (variant,))

    def _leader(self, numbers: Sequence[int], cluster: str | None) -> int:
        """The representative: that of the oldest cluster of the index, else the best text."""
        for number in numbers:
            entry = self.entries.get(number)
            if entry and entry.leads and entry.cluster == cluster:
                return number
        return min(numbers)

    def _places(self, number: int) -> tuple[int, ...]:
        return tuple(self.texts.places[self.texts.order[number - self.shift]]) if number >= self.shift else ()

    def _text(self, number: int) -> str:
        return self.occurrences.texts[self.texts.order[number - self.shift]]

    def _place(self, number: int) -> str:
        if number in self.entries:
            return self.entries[number].place
        return min(self.occurrences.places[i] for i in self._places(number))


def _name(grain: Grain, wording: Wording) -> str:
    """Id of a new cluster: a digest of its representative."""
    digest = hashlib.blake2b(f"{wording.name}\t{wording.plain}".encode("utf-8", "surrogatepass"), digest_size=8)
    return f"{grain.name}-{digest.hexdigest()}"
