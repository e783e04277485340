"""What is compared: single duties, records and whole documents. One way through all three, with other numbers."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from jdextract.deduplication.clustering import Keys
from jdextract.deduplication.judges import SIZES, DutyJudge, Judge, TextJudge
from jdextract.deduplication.shingles import band_keys, jaccard, shingle_set
from jdextract.deduplication.wordings import Wording
from jdextract.records import DuplicateKind

if TYPE_CHECKING:
    from jdextract.config import DeduplicationConfig

GrainName = Literal["duty", "record", "document"]
GRAINS: tuple[GrainName, ...] = ("duty", "record", "document")
_BEGINNING = 8  # characters of a folded duty that a cut copy still has
_CLAUSE = 5  # characters from which a clause proposes records of one name
_SHORT = 10  # characters up to which a folded duty is also looked up without any one of them


@dataclass(frozen=True, slots=True)
class Grain:
    """How texts of one kind are shingled, banded and judged."""

    name: GrainName
    sizes: tuple[int, ...]
    bands: int
    rows: int

    def keys(self, wordings: Sequence[Wording]) -> Keys:
        """Keys by which near texts find each other: of the bands, of the masked text, of the clauses in any order; of
        records with a name also of each longer clause with it; of duties also of the beginning, which a cut copy still has, and of short ones without any one character, where a
        typo leaves too few shingles (as in SymSpell: W. Garbe, 2012)."""
        import numpy as np

        owners, values = array("q"), array("Q")
        for number, wording in enumerate(wordings):
            for key in self._exact_keys(wording):
                owners.append(number)
                values.append(key)
        bands = band_keys([w.folded for w in wordings], self.sizes, self.bands, self.rows)
        rows, columns = np.nonzero(bands)
        return Keys(
            np.concatenate([np.frombuffer(owners, dtype=np.int64), rows]) if owners else rows,
            np.concatenate([np.frombuffer(values, dtype=np.uint64), bands[rows, columns]])
            if owners
            else bands[rows, columns],
        )

    def _exact_keys(self, wording: Wording) -> Iterator[int]:
        clauses = wording.folded.split("|")
        yield _digest("m", wording.masked)
        yield _digest("c", "|".join(sorted(clauses)))
        if self.name == "record" and wording.name:
            yield from (_digest("s", f"{wording.name}|{c}") for c in set(clauses) if len(c) >= _CLAUSE)
        if self.name == "duty":
            text = "".join(clauses)
            if len(text) > _BEGINNING:
                yield _digest("b", text[:_BEGINNING])
            if len(text) <= _SHORT:
                yield from {_digest("d", text), *(_digest("d", text[:i] + text[i + 1 :]) for i in range(len(text)))}

    def judge(self, wordings: Sequence[Wording], config: DeduplicationConfig) -> Judge:
        """A judge over these texts, by their numbers."""
        if self.name == "duty":
            return DutyJudge(wordings)
        least = config.record_similarity if self.name == "record" else config.document_similarity
        return TextJudge(wordings, least)

    def describe(self, one: Wording, other: Wording) -> tuple[DuplicateKind, float]:
        """Kind and similarity of two texts of one cluster; the similarity is that of the texts as they are."""
        if one.plain == other.plain:
            return "exact", 1.0
        similarity = jaccard(_plain_shingles(one.plain, self.sizes), shingle_set(other.plain, self.sizes))
        return ("template" if one.masked == other.masked else "near"), round(similarity, 4)


# The numbers of the bands. 12 bands of 5 propose pairs of similarity 0.5 in 32 %, 0.6 in 62 %, 0.7 in 89 %; the other keys
# find the rest: on planted duplicates 20 bands gain 0.1 point of recall and cost a quarter more. Records and documents have
# no other keys: 20 bands of 6 find 0.7 in 92 %, 0.8 in 99.8 %.
_SETTINGS: dict[GrainName, Grain] = {
    "duty": Grain("duty", SIZES, bands=12, rows=5),
    "record": Grain("record", TextJudge.SIZES, bands=20, rows=6),
    "document": Grain("document", TextJudge.SIZES, bands=20, rows=6),
}


def get_grain(name: GrainName) -> Grain:
    """The numbers of one grain."""
    return _SETTINGS[name]


@lru_cache(maxsize=16)
def _plain_shingles(plain: str, sizes: tuple[int, ...]) -> frozenset[str]:
    """Of a representative, with which all of its cluster are compared one after the other."""
    return shingle_set(plain, sizes)


def _digest(kind: str, text: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{kind}{text}".encode("utf-8", "surrogatepass"), digest_size=8).digest())
