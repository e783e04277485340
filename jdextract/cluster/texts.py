"""What is done with the texts of records a batch at a time: plain values in, plain values out, no engine.

The stages of near-duplicate search as they stand in `deduplication`, each for the part of the texts that a worker holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jdextract.deduplication.clustering import Keys, cluster
from jdextract.deduplication.duplicates import Duplicates, Occurrence, Occurrences, find_duplicates, gather
from jdextract.deduplication.grains import Grain, GrainName, get_grain
from jdextract.deduplication.judges import Judge
from jdextract.deduplication.wordings import Wording, find_damage, fold, to_plain
from jdextract.records import RoleRecord

if TYPE_CHECKING:
    from jdextract.config import DeduplicationConfig

Row = Mapping[str, Any]
_UNSEEN = Wording("", "", "", "")


def list_texts(record: RoleRecord) -> Iterator[dict[str, Any]]:
    """The texts of one record at all grains. What comes for the document is the part of it that this record is."""
    for grain, found in gather([record]).items():
        for number, text in enumerate(found.text_of):
            plain, name = found.keys[text]
            yield {
                "grain": grain,
                "index": number,
                "place": found.places[number],
                "document": record.document.id,
                "source": record.document.source,
                "text": found.texts[text],
                "name": name,
                "key": text_key(grain, plain, name),
            }


def text_key(grain: str, plain: str, name: str) -> str:
    """32 hex digits that are equal for the occurrences of one distinct text."""
    return hashlib.blake2b(f"{grain}\t{name}\t{plain}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def join_documents(numbers: Sequence[int], texts: Sequence[str]) -> Iterator[tuple[list[int], str]]:
    """Runs of records that follow each other, each with the text of the document that they are.

    `numbers`: places of records in the run, all with one id and source of the document. The same file read twice is two
    documents, and two records that follow each other with one id and source are of one.
    """
    run: list[int] = []
    parts: list[str] = []
    for number, text in sorted(zip(numbers, texts, strict=True)):
        if run and number != run[-1] + 1:
            yield run, "。".join(parts)
            run, parts = [], []
        run.append(number)
        parts.append(text)
    if run:
        yield run, "。".join(parts)


def word(texts: Sequence[str], names: Sequence[str]) -> Iterator[tuple[bool, int, Wording]]:
    """Whether each distinct text is damaged, its length in code points, and its wording."""
    keys = [(to_plain(text), name) for text, name in zip(texts, names, strict=True)]
    for text, wording in zip(texts, fold(keys, texts), strict=True):
        yield bool(find_damage(text)), len(text), wording


def list_keys(grain: GrainName, wordings: Sequence[Wording]) -> list[list[int]]:
    """Keys of each wording by which near texts find each other, as signed integers of 64 bits."""
    import numpy as np

    keys = get_grain(grain).keys(wordings)
    found: list[list[int]] = [[] for _ in wordings]
    for text, value in zip(keys.texts.tolist(), keys.values.view(np.int64).tolist(), strict=True):
        found[text].append(value)
    return found


def judge_pairs(
    grain: GrainName, pairs: Sequence[tuple[Wording, Wording]], config: DeduplicationConfig
) -> list[float | None]:
    """Similarity of each pair of near duplicates, None for a pair that is none."""
    numbers: dict[Wording, int] = {}
    for pair in pairs:
        for wording in pair:
            numbers.setdefault(wording, len(numbers))
    judge = get_grain(grain).judge(list(numbers), config)
    return [judge.compare(numbers[one], numbers[other]) for one, other in pairs]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that were found near. `first`, `second`: representatives of their clusters so far."""

    one: int
    other: int
    similarity: float
    first: int
    second: int


class _Remembering:
    """A judge that does not compare again what was compared on other workers."""

    def __init__(self, judge: Judge, known: Mapping[tuple[int, int], float]) -> None:
        self._judge, self._known = judge, known

    def compare(self, one: int, other: int) -> float | None:
        return self._known[(one, other)]

    def may_stand_together(self, one: int, other: int) -> bool:
        return self._judge.may_stand_together(one, other)

    def contradict(self, one: int, other: int) -> bool:
        return self._judge.contradict(one, other)


def unite(
    grain: GrainName, pairs: Sequence[Pair], members: Mapping[int, Mapping[int, Wording]], config: DeduplicationConfig
) -> dict[int, int]:
    """One round of uniting within one component of near pairs: {representative so far: representative now}.

    `members`: of each cluster so far its first texts, the representative among them. The numbers are those of the whole
    run, or any that stand in the same order.
    """
    import numpy as np

    known = {number: wording for each in members.values() for number, wording in each.items()}
    numbers = sorted(known.keys() | {n for pair in pairs for n in (pair.one, pair.other)})
    place = {number: i for i, number in enumerate(numbers)}
    together = [(place[root], place[number]) for root, each in members.items() for number in each if number != root]
    for pair in pairs:
        together += [(place[pair.first], place[pair.one]), (place[pair.second], place[pair.other])]
    judge = get_grain(grain).judge([known.get(number, _UNSEEN) for number in numbers], config)
    similarities = {(place[pair.one], place[pair.other]): pair.similarity for pair in pairs}
    # A key of its own for each pair makes the local algorithm propose these pairs, in its first round, and no others.
    texts = np.array([number for pair in similarities for number in pair], dtype=np.int64)
    keys = Keys(texts, np.repeat(np.arange(len(similarities), dtype=np.uint64), 2))
    leaders = cluster(len(numbers), keys, _Remembering(judge, similarities), together)
    return {root: numbers[int(leaders[place[root]])] for root in members}


@dataclass(frozen=True, slots=True)
class SettledGrain(Grain):
    """A grain whose clusters are known: what is left for `find_duplicates` is to describe them."""

    cluster_of: Mapping[tuple[str, str], int]  # by (plain, name)

    def keys(self, wordings: Sequence[Wording]) -> Keys:
        """One key a text, that of its cluster."""
        import numpy as np

        values = [self.cluster_of[(wording.plain, wording.name)] for wording in wordings]
        return Keys(np.arange(len(values), dtype=np.int64), np.array(values, dtype=np.uint64))

    def judge(self, wordings: Sequence[Wording], config: DeduplicationConfig) -> Judge:
        """Takes every pair that it is asked about."""
        return _Agreeing()


class _Agreeing:
    def compare(self, one: int, other: int) -> float | None:
        return 1.0

    def may_stand_together(self, one: int, other: int) -> bool:
        return True

    def contradict(self, one: int, other: int) -> bool:
        return False


def describe_clusters(
    grain: GrainName, clusters: Iterable[Sequence[Occurrence]], config: DeduplicationConfig
) -> Duplicates:
    """Whole clusters as `find_duplicates` gives them: ids, representatives, kinds and similarities.

    Each cluster comes with all its occurrences, in the order of the run; occurrences are numbered as they come.
    """
    occurrences = Occurrences()
    cluster_of: dict[tuple[str, str], int] = {}
    for number, members in enumerate(clusters):
        for occurrence in members:
            occurrences.add(occurrence)
            cluster_of[occurrences.keys[occurrences.text_of[-1]]] = number
    plain = get_grain(grain)
    return find_duplicates(
        SettledGrain(plain.name, plain.sizes, plain.bands, plain.rows, cluster_of), occurrences, config
    )
