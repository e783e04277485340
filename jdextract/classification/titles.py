"""Position name -> canonical role: first the names that the taxonomy lists, then the model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from jdextract.data import load_rules
from jdextract.records import TitleDetailKind
from jdextract.taxonomy import fold_title

Match = Literal["exact", "contained"]
_PATTERNS: tuple[TitleDetailKind, ...] = ("pay", "headcount", "code", "mark")


@dataclass(frozen=True, slots=True)
class TitleParts:
    """A position name without what was posted around it."""

    name: str
    details: tuple[tuple[TitleDetailKind, str], ...] = ()  # what was stripped, in the order of removal

    @property
    def seniority(self) -> tuple[str, ...]:
        return tuple(text for kind, text in self.details if kind == "seniority")


def _either(words: list[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


class TitleNormalizer:
    """Strips brackets, level, urgency, place, pay and codes. Rules: `jdextract/data/titles.yaml`."""

    def __init__(self) -> None:
        rules = load_rules("titles")
        pairs = [f"{re.escape(a)}[^{re.escape(a + b)}]*{re.escape(b)}" for a, b in rules["brackets"]]
        self._bracket = re.compile("|".join(pairs))
        self._drops: list[tuple[TitleDetailKind, re.Pattern[str]]] = [
            ("bracket", self._bracket),
            *((kind, re.compile(rules["patterns"][kind], re.IGNORECASE)) for kind in _PATTERNS),
            ("suffix", re.compile(rf"(?:{_either(rules['suffixes'])})$")),
        ]
        self._separators = re.compile(_either(rules["separators"]))
        edge = rf"[\s{re.escape('-_/|,:·+—')}]*"

        def around(words: str) -> re.Pattern[str]:
            return re.compile(rf"^(?:{words}){edge}|{edge}(?:{words})$", re.IGNORECASE)

        self._around: list[tuple[TitleDetailKind, re.Pattern[str]]] = [
            ("urgency", around(_either(rules["urgency"]))),
            ("place", around(_either(rules["places"]))),
            ("seniority", around(_either(rules["levels"]))),
        ]
        self._rank = re.compile(rf"(?:{_either(rules['ranks'])})$")
        self._assistant = re.compile(rf"(?:{_either(rules['assistants'])})$")

    def normalize(self, title: str) -> TitleParts:
        """The last step of a path (`岗位职责表 > 客服专员`), without what is not the name. Never empty for a non-empty title."""
        text = unicodedata.normalize("NFKC", title).casefold()
        steps = [step for step in re.split(r"[>›»\n]", text) if step.strip()]
        text = _trim(steps[-1] if steps else text)
        details: list[tuple[TitleDetailKind, str]] = []
        for kind, pattern in self._drops:
            text = _drop(pattern, text, kind, details)
        before = ""
        while text != before:
            before = text
            for kind, pattern in self._around:
                # 招聘专员 is a name of its own, 招聘 客服专员 is not
                if pattern.search(text) and not self.is_rank(pattern.sub("", text)):
                    text = _drop(pattern, text, kind, details)
        return TitleParts(text, tuple(details))

    def is_rank(self, name: str) -> bool:
        """Whether nothing but a noun of rank is there: 主管, 高级专员."""
        return not name or self._rank.fullmatch(name) is not None

    def shorten(self, name: str) -> Iterator[str]:
        """The name, and what is left of it as its nouns of rank go one after the other."""
        yield name
        shorter = self._assistant.sub("", name)
        while True:
            if shorter != name and len(shorter) > 1:
                yield shorter
            cut = self._rank.sub("", shorter)
            if cut == shorter or len(cut) < 2:
                return
            shorter = cut

    def split(self, name: str) -> list[str]:
        """The parts of a double name, in order; the name alone when it has one part."""
        return [part for part in map(_trim, self._separators.split(name)) if len(part) > 1] or [name]


def _trim(text: str) -> str:
    return text.strip(" \t\r\n-_/|,:;·+—、。；，：")


def _drop(
    pattern: re.Pattern[str], text: str, kind: TitleDetailKind, details: list[tuple[TitleDetailKind, str]]
) -> str:
    """`text` without the matches, which go to `details`; unchanged when nothing would be left."""
    found = [match.group() for match in pattern.finditer(text)]
    if not found:
        return text
    rest = _trim(re.sub(r"\s{2,}", " ", pattern.sub(" ", text)))
    if not rest:
        return text
    details.extend((kind, _trim(piece)) for piece in found)
    return rest


def match_title(
    name: str, titles: Mapping[str, str], normalizer: TitleNormalizer, longest: int | None = None
) -> tuple[str, Match] | None:
    """(role, how) of a normalised name by folded alternative titles, or None.

    `longest`: code points of the longest title, for callers that know it.
    The whole name, with and without its rank; then each part of a double name; then the longest alternative title
    that it contains, the later of two equally long (营销文案: 文案).
    """
    whole = fold_title(name)
    parts = normalizer.split(name)
    for part in (whole, *(map(fold_title, parts) if parts != [name] else ())):
        for form in normalizer.shorten(part):
            if form in titles:
                return titles[form], "exact"
    longest = max(map(len, titles)) if longest is None else longest
    contained = _longest_inside(whole, titles, normalizer, longest)
    return (titles[contained], "contained") if contained else None


def _longest_inside(whole: str, titles: Mapping[str, str], normalizer: TitleNormalizer, longest: int) -> str | None:
    ranks: list[str] = []
    for size in range(min(len(whole), longest), 1, -1):
        for start in range(len(whole) - size, -1, -1):
            piece = whole[start : start + size]
            if piece in titles and _stands_alone(whole, start, size):
                if not normalizer.is_rank(piece):
                    return piece
                ranks.append(piece)  # 客诉处理专员 is about 客诉, not any 专员
    return ranks[0] if ranks else None


def _stands_alone(text: str, start: int, size: int) -> bool:
    """Whether a Latin name is not a part of a longer word: `bi` in `mobile`."""
    before, after = text[start - 1 : start], text[start + size : start + size + 1]
    first, last = text[start], text[start + size - 1]
    return not (_latin(first) and _latin(before)) and not (_latin(last) and _latin(after))


def _latin(character: str) -> bool:
    return character.isascii() and character.isalpha()
