"""Where each stretch of a converted text stands in its source, when the conversion changed lengths.

OpenCC tells no alignment. It is found from one fact: a cut of the source is a true one when both sides, converted on
their own, give what the whole became. What lies between two true cuts is one block (使用者 -> 用户), and positions
inside a block have no counterpart: a span that touches one covers it whole.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jdextract.records import Span

Block = tuple[int, int, int, int]  # start and end in the source, start and end in the converted text

# Longer stretches are halved before every cut of them is tried; longer than any phrase of OpenCC's dictionaries.
_SHORT = 24


@dataclass(frozen=True, slots=True)
class Simplified:
    """A text in Simplified and its alignment with the source.

    `blocks` are the stretches whose positions do not correspond one to one, in order, without overlap, none of them
    empty on either side; everything between them has the same length on both sides.
    """

    text: str
    blocks: tuple[Block, ...] = ()

    def source_span(self, start: int, end: int) -> Span:
        """The stretch of the source that `text[start:end]` came from. Monotone in both arguments."""
        return _carry(start, end, self.blocks, 2, 0)

    def text_span(self, start: int, end: int) -> Span:
        """The stretch of `text` that `source[start:end]` became. Monotone in both arguments."""
        return _carry(start, end, self.blocks, 0, 2)


def _carry(start: int, end: int, blocks: tuple[Block, ...], a: int, b: int) -> Span:
    """Carry a span from side `a` of the blocks to side `b` (0: source, 2: text); what touches a block covers it."""
    before = bisect_right(blocks, start, key=lambda block: block[a]) - 1
    low = start
    if before >= 0:
        block = blocks[before]
        low = block[b] if start < block[a + 1] else start - block[a + 1] + block[b + 1]
    if start == end:
        return low, low
    before = bisect_left(blocks, end, key=lambda block: block[a]) - 1
    high = end
    if before >= 0:
        block = blocks[before]
        high = block[b + 1] if end <= block[a + 1] else end - block[a + 1] + block[b + 1]
    return low, high


def align(source: str, charwise: str, target: str, convert: Callable[[str], str]) -> tuple[Block, ...]:
    """Blocks between `source` and `target == convert(source)`.

    `charwise` is the source converted character by character, as long as the source. Lines are aligned one by one, as
    no phrase of a conversion holds a line break; a line that kept its length and differs from `charwise` in runs of at
    most two characters (软体 -> 软件) needs no block.
    """
    if charwise == target:
        return ()
    blocks: list[Block] = []
    at, to = 0, 0
    lines = zip(source.split("\n"), charwise.split("\n"), target.split("\n"), strict=True)
    for line, simple, converted in lines:
        if simple != converted and not _is_positional(simple, converted):
            blocks.extend(_align_line(line, simple, converted, at, to, convert))
        at += len(line) + 1
        to += len(converted) + 1
    return tuple(blocks)


def _is_positional(simple: str, converted: str) -> bool:
    """Whether both have one length and differ in short runs only, so that positions correspond one to one."""
    if len(simple) != len(converted):
        return False
    run = 0
    for one, other in zip(simple, converted, strict=True):
        run = run + 1 if one != other else 0
        if run > 2:
            return False
    return True


def _align_line(
    source: str, simple: str, target: str, at: int, to: int, convert: Callable[[str], str]
) -> Iterator[Block]:
    """Blocks of one stretch that begins at `at` in the source and `to` in the converted text."""
    if simple == target or _is_positional(simple, target):
        return
    if len(source) <= _SHORT:
        yield from _align_short(source, simple, target, at, to, convert)
        return
    middle = len(source) // 2
    for step in range(_SHORT):
        cut = middle + (step // 2 if step % 2 else -(step // 2))
        left = convert(source[:cut])
        if target.startswith(left) and left + convert(source[cut:]) == target:
            yield from _align_line(source[:cut], simple[:cut], left, at, to, convert)
            yield from _align_line(source[cut:], simple[cut:], target[len(left) :], at + cut, to + len(left), convert)
            return
    yield at, at + len(source), to, to + len(target)


def _align_short(
    source: str, simple: str, target: str, at: int, to: int, convert: Callable[[str], str]
) -> Iterator[Block]:
    """Try every cut, all in one call of the converter (a line each), and give the blocks between the true ones."""
    cuts = range(1, len(source))
    if not cuts:
        yield at, at + 1, to, to + len(target)
        return
    parts = convert("\n".join([*(source[:cut] for cut in cuts), *(source[cut:] for cut in cuts)])).split("\n")
    true = [(0, 0)]
    for cut, left, right in zip(cuts, parts[: len(cuts)], parts[len(cuts) :], strict=True):
        if left + right == target and true[-1][1] < len(left) < len(target):
            true.append((cut, len(left)))
    true.append((len(source), len(target)))
    for (s0, t0), (s1, t1) in itertools.pairwise(true):
        if s1 - s0 != t1 - t0 or not _is_positional(simple[s0:s1], target[t0:t1]):
            yield at + s0, at + s1, to + t0, to + t1
