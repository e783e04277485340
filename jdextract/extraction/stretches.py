"""What a stretch of text shows by itself, wherever it stands: its signs, the position name in it, what its words are about.

Pages repeat, so each distinct stretch is read once and remembered; what is new is read in batches.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jdextract.data import load_rules
from jdextract.extraction.content import CLASSES, ContentModel, Cut, read_words
from jdextract.extraction.titles import (
    Tier,
    find_title,
    has_suffix,
    is_field,
    is_relation_label,
    is_title_label,
    is_whole,
)
from jdextract.records import Span

if TYPE_CHECKING:
    import polars

_LONGEST_NAMED = 80  # code points; in longer stretches no position name is looked for
_REMEMBERED = 60_000  # stretches: some 50 MB
STATEMENT = 0.6  # probability from which on the words of a stretch state something
_LENGTHS = (3, 5, 8, 12, 18, 26, 40, 70, 120)
_SHARES = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)


def find_bucket(value: float, edges: Sequence[float]) -> int:
    """How many of the edges a value reaches."""
    return bisect_right(edges, value)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One trimmed stretch of folded text. Spans are code points of the stretch."""

    text: str
    title: Span | None  # of the position name in it
    tier: Tier  # of that name
    covered: float  # share of the stretch that the name is
    name: str  # tier and how much is covered: a feature
    whole: bool  # whether the name is all that it says
    field: bool  # whether the name could be a field of work (税务与审计)
    suffix: bool  # whether the name is followed by what only names a document about it (客服专员岗位职责)
    title_label: bool  # 岗位名称:
    relation_label: bool  # 直接上级:
    signs: tuple[str, ...]  # of `data/evidence.yaml`
    shares: tuple[float, ...]  # probabilities of `content.CLASSES`
    kind: str  # the likeliest of them
    buckets: tuple[int, ...]  # of the length and of each share

    @property
    def whole_tier(self) -> Tier:
        """How much the stretch as a whole, not only a part of it, looks like a position name."""
        if not self.whole:
            return "none"
        return "weak" if self.tier == "strong" and self.field else self.tier


Key = tuple[str, bool]  # text, and whether it stands at the start of its document


class StretchReader:
    """Reads stretches with the content model; remembers what it has read, up to a bound."""

    def __init__(self, content: ContentModel, cut: Cut) -> None:
        self._content, self._cut = content, cut
        self._known: dict[Key, Stretch] = {}

    def read(self, keys: Sequence[Key]) -> list[Stretch]:
        """Each stretch, in order; the same whatever was read before."""
        new = list(dict.fromkeys(key for key in keys if key not in self._known))
        if len(self._known) + len(new) > _REMEMBERED:
            self._known = {}
            new = list(dict.fromkeys(keys))
        if new:
            texts = [text for text, _ in new]
            shares = self._content.share([read_words(text, self._cut) for text in texts])
            self._known.update(zip(new, map(_make, new, find_signs(texts), shares), strict=True))
        known = self._known
        return [known[key] for key in keys]


def _make(key: Key, signs: tuple[str, ...], shares: Sequence[float]) -> Stretch:
    text, posted = key
    found = find_title(text, posted=posted) if len(text) <= _LONGEST_NAMED else None
    title, tier = found or (None, "none")
    covered = (title[1] - title[0]) / max(1, len(text)) if title else 0.0
    best = max(range(len(shares)), key=shares.__getitem__)
    return Stretch(
        text=text,
        title=title,
        tier=tier,
        covered=covered,
        name=f"{tier}:{find_bucket(covered, (0.3, 0.6, 0.9))}",
        whole=title is not None and is_whole(text, title),
        field=title is not None and is_field(text[slice(*title)]),
        suffix=title is not None and has_suffix(text, title),
        title_label=is_title_label(text),
        relation_label=is_relation_label(text),
        signs=signs,
        shares=tuple(shares),
        kind=CLASSES[best],
        buckets=(find_bucket(len(text), _LENGTHS), *(find_bucket(share, _SHARES) for share in shares)),
    )


@cache
def _patterns() -> dict[str, polars.Expr]:
    """{sign: expression} of `data/evidence.yaml`. The patterns run in Rust, over all texts at once: six times as fast."""
    import polars

    column = polars.col("text")
    rules: dict[str, Any] = load_rules("evidence")
    return {sign: column.str.contains(f"(?i){pattern}").alias(sign) for sign, pattern in rules.items()}


def find_signs(texts: Iterable[str]) -> list[tuple[str, ...]]:
    """The signs that each folded text shows, in the order of `data/evidence.yaml`."""
    import polars

    patterns = _patterns()
    # Half characters, which UTF-8 can't hold, are no sign of anything.
    column = [text.encode("utf-8", "replace").decode() if not text.isascii() else text for text in texts]
    table = polars.DataFrame({"text": column}, schema={"text": polars.String}).select(patterns.values())
    names = tuple(patterns)
    return [tuple(name for name, shown in zip(names, row, strict=True) if shown) for row in table.iter_rows()]
