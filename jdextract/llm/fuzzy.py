"""Approximate search: where a pattern stands in a text with at most so many edits (insert, delete, replace).

Myers' bit-parallel algorithm (1999), which computes a column of the edit distance table in a few operations on whole
numbers. A pattern with `k` edits, cut into `k + 1` parts, has one part unchanged, so only the surroundings of such parts
are read: what is nowhere near the text costs next to nothing, and nothing is missed (up to the bound on places).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_ENDS = 8


@dataclass(frozen=True, slots=True)
class Match:
    """`text[start:end]` is `distance` edits away from the pattern."""

    start: int
    end: int
    distance: int


def search(
    pattern: str, text: str, start: int, end: int, edits: int, most: int, gap: Callable[[int], bool] | None = None
) -> list[Match]:
    """The best match in every stretch of `text[start:end]` that may hold one, in order; at most `most`.

    Where matches overlap, the one with the fewest edits is given, then the first. Among equal edges of a match those that
    are set off are taken, by marks or where `gap` says that something was left out of the text before the character.
    """
    found: list[Match] = []
    for low, high in _surroundings(pattern, text, start, end, edits, most):
        best = _best(pattern, text[low:high], edits, _shift(gap, low))
        if best:
            found.append(Match(low + best.start, low + best.end, best.distance))
    return found


def _surroundings(pattern: str, text: str, start: int, end: int, edits: int, most: int) -> list[tuple[int, int]]:
    """Stretches that hold an unchanged part of the pattern, with room for the rest of it, joined where they touch."""
    size = len(pattern)
    cuts = [size * i // (edits + 1) for i in range(edits + 2)]
    spots: set[int] = set()  # where the pattern would begin
    for low, high in itertools.pairwise(cuts):
        at, left = text.find(pattern[low:high], start, end), most
        while at >= 0 and left:
            spots.add(at - low)
            at, left = text.find(pattern[low:high], at + 1, end), left - 1
    joined: list[tuple[int, int]] = []
    for spot in sorted(spots):
        low, high = max(start, spot - edits), min(end, spot + size + edits)
        if joined and low <= joined[-1][1] and spot - edits - joined[-1][0] < size // 2:
            joined[-1] = (joined[-1][0], max(joined[-1][1], high))
        else:
            joined.append((low, high))
    return joined[:most]


def _shift(gap: Callable[[int], bool] | None, low: int) -> Callable[[int], bool]:
    return (lambda at: gap(low + at)) if gap else (lambda _: False)


def _best(pattern: str, text: str, edits: int, gap: Callable[[int], bool]) -> Match | None:
    ends = [(distance, end) for end, distance in _distances(pattern, text, anchored=False) if distance <= edits]
    if not ends:
        return None
    least = min(distance for distance, _ in ends)
    # Of a text that repeats itself only so many ends are looked at, those that are set off first.
    close = sorted((_goes_on(text, end, end, gap), end) for distance, end in ends if distance == least)
    places = [place for _, end in close[: 2 * edits + _ENDS] for place in _starts(pattern, text, end, least, edits)]
    start, end = min(places, key=lambda place: (_demerits(pattern, text, place, gap), place))
    return Match(start, end, least)


def _starts(pattern: str, text: str, end: int, distance: int, edits: int) -> list[tuple[int, int]]:
    """Every (start, end) of a match with this distance that ends there."""
    backwards = _distances(pattern[::-1], text[:end][::-1][: len(pattern) + edits], anchored=True)
    return [(end - length, end) for length, found in backwards if found == distance]


def _demerits(pattern: str, text: str, place: tuple[int, int], gap: Callable[[int], bool]) -> tuple[int, int, int, int]:
    """What speaks against a place among others with as few edits, the gravest first: letters beside it; another length,
    as a wrong character is likelier than one too many; other characters at its ends than those of the pattern; marks there.
    """
    start, end = place
    goes_on = _goes_on(text, start - 1, start, gap) + _goes_on(text, end, end, gap)
    ends = ((text[start], pattern[0]), (text[end - 1], pattern[-1]))
    differ, marks = sum(own != other for own, other in ends), sum(not own.isalnum() for own, _ in ends)
    return goes_on, abs(end - start - len(pattern)), differ, marks


def _goes_on(text: str, outside: int, edge: int, gap: Callable[[int], bool]) -> bool:
    """Whether a letter or digit stands outside of an edge, with nothing between."""
    return 0 <= outside < len(text) and text[outside].isalnum() and not gap(edge)


def _distances(pattern: str, text: str, *, anchored: bool) -> Iterator[tuple[int, int]]:
    """(end, edits) for every end in the text: of the best stretch that ends there, or (`anchored`) of all up to there."""
    ones: dict[str, int] = {}
    for i, char in enumerate(pattern):
        ones[char] = ones.get(char, 0) | 1 << i
    full, last = (1 << len(pattern)) - 1, 1 << (len(pattern) - 1)
    plus, minus, distance = full, 0, len(pattern)
    for end, char in enumerate(text, 1):
        equal = ones.get(char, 0)
        vertical = equal | minus
        horizontal = (((equal & plus) + plus) ^ plus) | equal
        up = minus | (full & ~(horizontal | plus))
        down = plus & horizontal
        if up & last:
            distance += 1
        elif down & last:
            distance -= 1
        up = (up << 1 | anchored) & full
        down = down << 1 & full
        plus = down | (full & ~(vertical | up))
        minus = up & vertical
        yield end, distance
