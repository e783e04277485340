"""Whether two texts that were proposed as near duplicates are: exact Jaccard similarity, and what the difference says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from jdextract.data import load_rules
from jdextract.deduplication.shingles import jaccard, shingle_set
from jdextract.deduplication.wordings import Wording

SIZES = (1, 2)  # single characters and pairs: a duty of four characters has seven shingles


class Judge(Protocol):
    """Compares two texts by their numbers."""

    def compare(self, one: int, other: int) -> float | None:
        """Similarity from 0 to 1 of two near duplicates, None for two texts that are none."""

    def may_stand_together(self, one: int, other: int) -> bool:
        """Whether two texts may represent one cluster, when a third one is near to both."""

    def contradict(self, one: int, other: int) -> bool:
        """Whether two texts must not be in one cluster, whatever is near to both."""


@dataclass(frozen=True, slots=True)
class _Differences:
    opposites: Mapping[str, str]  # character -> its opposites
    changers: tuple[str, ...]
    changer_starts: frozenset[str]


@lru_cache(maxsize=1)
def _differences() -> _Differences:
    rules = load_rules("wordings")
    opposites: dict[str, str] = {}
    for one, other in rules["opposites"]:
        opposites[one] = opposites.get(one, "") + other
        opposites[other] = opposites.get(other, "") + one
    words = tuple(rules["changers"])
    return _Differences(
        opposites,
        words,
        frozenset(char for word in words for char in word),
    )


class DutyJudge:
    """Duties, 4 to some hundred characters, by their folded wordings.

    A similarity alone can't tell a typo from another duty: 售前咨询 and 售后咨询 differ less than two copies of a longer
    duty do. So the characters that only one of the two has are looked at: opposites and words that name other work keep
    two duties apart; one character that leaves no word is a typo; a text that ends inside the other was cut.
    """

    def __init__(self, wordings: Sequence[Wording]) -> None:
        self._wordings = wordings
        self._cached = lru_cache(maxsize=50_000)(self._parts)

    def _parts(self, number: int) -> tuple[str, frozenset[str], frozenset[str]]:
        text = self._wordings[number].folded
        joined = text.replace("|", "")
        return joined, shingle_set(text, SIZES), frozenset(joined)

    def compare(self, one: int, other: int) -> float | None:
        """See `Judge`. The similarity is that of the folded wordings."""
        a, shingles_a, chars_a = self._cached(one)
        b, shingles_b, chars_b = self._cached(other)
        similarity = jaccard(shingles_a, shingles_b)
        if similarity < _LEAST:
            return None
        only_a, only_b = chars_a - chars_b, chars_b - chars_a
        if _are_opposites(only_a, only_b):
            return None
        if (not only_a and not only_b and similarity >= _LEAST_MOVED) or _is_cut(a, b):
            return similarity  # the clauses stand in another order, or the end is missing
        # A typo may hide a synonym, so the texts before synonyms were brought together are looked at as well.
        if _is_slip(a, b) or _is_slip(self._wordings[one].masked, self._wordings[other].masked):
            return similarity
        if self._says_other_work(a, b, only_a, only_b):
            return None
        shorter = min(len(a), len(b))
        if only_a and only_b:
            changed = max(len(only_a), len(only_b))
            same = similarity >= _LEAST_REPLACED or (changed == 1 and shorter >= _VERY_LONG)
        else:
            same = similarity >= _least_similarity(shorter)
        return similarity if same else None

    def may_stand_together(self, one: int, other: int) -> bool:
        """See `Judge`."""
        a, shingles_a, chars_a = self._cached(one)
        b, shingles_b, chars_b = self._cached(other)
        if jaccard(shingles_a, shingles_b) < _LEAST_IN_CLUSTER:
            return False
        only_a, only_b = chars_a - chars_b, chars_b - chars_a
        return not _are_opposites(only_a, only_b) and not self._says_other_work(a, b, only_a, only_b)

    def contradict(self, one: int, other: int) -> bool:
        """See `Judge`."""
        chars_a, chars_b = self._cached(one)[2], self._cached(other)[2]
        return _are_opposites(chars_a - chars_b, chars_b - chars_a)

    def _says_other_work(self, a: str, b: str, only_a: frozenset[str], only_b: frozenset[str]) -> bool:
        rules = _differences()
        if rules.changer_starts.isdisjoint(only_a) and rules.changer_starts.isdisjoint(only_b):
            return False
        return any((word in a) != (word in b) for word in rules.changers)


def _are_opposites(only_a: frozenset[str], only_b: frozenset[str]) -> bool:
    # Another tool, language or system: Java and PHP, Excel and Photoshop.
    if max(only_a, default="") >= _FIRST_WORD and max(only_b, default="") >= _FIRST_WORD:
        return True
    opposites = _differences().opposites
    return any(y in only_b for x in only_a & opposites.keys() for y in opposites[x])


_LEAST = 0.38  # similarity under which nothing more is looked at
_LEAST_IN_CLUSTER = 0.35
_LEAST_MOVED = 0.5  # of two texts with the same characters
_LEAST_REPLACED = 0.85  # where each text has characters that the other one has not: another word, mostly other work
_VERY_LONG = 24  # characters from which one changed character leaves the duty the same whatever it says
_SHORTEST_SLIP = 4  # characters of the shorter text
_SHORTEST_CUT = 10  # characters that are left of a duty that was cut
_MOST_CUT = 0.55  # share of a duty that may be missing


def _least_similarity(length: int) -> float:
    """From which similarity on a duty is the same with words added; the shorter one has `length` characters."""
    return 0.8 if length < 8 else 0.72 if length < 16 else 0.66


def _is_slip(a: str, b: str) -> bool:
    """Two texts with one character exchanged, added or left out: whether that leaves no word in one of them.

    A slot in the place of a slot of another kind (a shop on a platform, a shop on a medium) is no slip of a word either.
    """
    if abs(len(a) - len(b)) > 1 or min(len(a), len(b)) < _SHORTEST_SLIP:
        return False
    place = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    if longer[place + 1 :] != shorter[place + (len(a) == len(b)) :]:
        return False
    if len(a) == len(b) and _FIRST_MARK <= a[place] <= _LAST_MARK and _FIRST_MARK <= b[place] <= _LAST_MARK:
        return len(a) >= _SHORTEST_CUT

    import rjieba

    # What is left where a character was taken out is the word before the gap.
    gap = place - (len(a) != len(b))
    return not (_in_word(rjieba.cut(longer, False), place) and _in_word(rjieba.cut(shorter, False), gap))


_FIRST_MARK, _LAST_MARK = "\ue000", "\ue0ff"
_FIRST_WORD = "\U000f0000"  # of Latin words, which stand as one character each


def _in_word(words: Sequence[str], place: int) -> bool:
    end = 0
    for word in words:
        end += len(word)
        if place < end:
            return len(word) > 1 or word >= _FIRST_WORD
    return False


def _is_cut(a: str, b: str) -> bool:
    """Whether the shorter text is the beginning of the longer one, and long enough to tell; one character may differ."""
    small, large = (a, b) if len(a) <= len(b) else (b, a)
    if len(small) < _SHORTEST_CUT or len(small) < len(large) * (1 - _MOST_CUT):
        return False
    if large.startswith(small):
        return True
    beginning = large[: len(small)]
    return sum(x != y for x, y in zip(small, beginning, strict=True)) == 1 and _is_slip(small, beginning)


_LEAST_INSIDE = 0.8  # share of the smaller record that stands in the other one
_LEAST_OF_COPIES = 0.4  # their similarity
_FEWEST_INSIDE = 16  # 3-grams of the smaller record


class TextJudge:
    """Records and documents: Jaccard similarity of character 3-grams; two names of positions keep records apart.

    A copy that lost its end, or took in a line from elsewhere, is told by the name that it has in common and by the
    overlap: the share of the smaller text that stands in the other one (Szymkiewicz-Simpson).
    """

    SIZES = (3,)

    def __init__(self, wordings: Sequence[Wording], least: float) -> None:
        self._wordings, self._least = wordings, least
        self._cached = lru_cache(maxsize=2_000)(lambda number: shingle_set(wordings[number].folded, self.SIZES))

    def compare(self, one: int, other: int) -> float | None:
        """See `Judge`."""
        if not self._same_name(one, other):
            return None
        a, b = self._cached(one), self._cached(other)
        similarity = jaccard(a, b)
        if similarity >= self._least:
            return similarity
        if not self._wordings[one].name or not self._wordings[other].name:
            return None
        smaller = min(len(a), len(b))
        inside = smaller >= _FEWEST_INSIDE and len(a & b) >= smaller * _LEAST_INSIDE
        return similarity if inside and similarity >= _LEAST_OF_COPIES else None

    def may_stand_together(self, one: int, other: int) -> bool:
        """See `Judge`."""
        return self._same_name(one, other)

    def contradict(self, one: int, other: int) -> bool:
        """See `Judge`."""
        return not self._same_name(one, other)

    def _same_name(self, one: int, other: int) -> bool:
        a, b = self._wordings[one].name, self._wordings[other].name
        return a == b or not a or not b
