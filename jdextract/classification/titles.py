"""Position name -> canonical role: first the names that the taxonomy lists, then the model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

from jdextract.taxonomy import fold_title

Match = Literal["exact", "contained"]


@dataclass(frozen=True, slots=True)
class TitleParts:
    """A position name without what was posted around it."""

    name: str
    seniority: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()  # brackets, pay, place, urgency, codes, in the order of removal


def _load_rules() -> Any:
    import yaml

    return yaml.safe_load((resources.files("jdextract") / "data" / "titles.yaml").read_text(encoding="utf-8"))


def _either(words: list[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


class TitleNormalizer:
    """Strips brackets, level, urgency, place, pay and codes. Rules: `jdextract/data/titles.yaml`."""

    def __init__(self) -> None:
        rules = _load_rules()
        pairs = [f"{re.escape(a)}[^{re.escape(a + b)}]*{re.escape(b)}" for a, b in rules["brackets"]]
        self._bracket = re.compile("|".join(pairs))
        self._drops = [
            re.compile(rules["patterns"][name], re.IGNORECASE) for name in ("pay", "headcount", "code", "marks")
        ]
        self._separators = re.compile(_either(rules["separators"]))
        edge = rf"[\s{re.escape('-_/|,:·+—')}]*"
        around = _either(rules["urgency"] + rules["places"])
        self._outside = re.compile(rf"^(?:{around}){edge}|{edge}(?:{around})$")
        self._level = re.compile(
            rf"^(?:{_either(rules['levels'])}){edge}|{edge}(?:{_either(rules['levels'])})$", re.IGNORECASE
        )
        self._suffix = re.compile(rf"(?:{_either(rules['suffixes'])})$")
        self._rank = re.compile(rf"(?:{_either(rules['ranks'])})$")
        self._assistant = re.compile(rf"(?:{_either(rules['assistants'])})$")

    def normalize(self, title: str) -> TitleParts:
        """The last step of a path (`岗位职责表 > 客服专员`), without what is not the name. Never empty for a non-empty title."""
        text = unicodedata.normalize("NFKC", title).casefold()
        steps = [step for step in re.split(r"[>›»\n]", text) if step.strip()]
        text = _trim(steps[-1] if steps else text)
        dropped: list[str] = []
        for pattern in (self._bracket, *self._drops):
            text = _drop(pattern, text, dropped)
        text = _drop(self._suffix, text, dropped)
        seniority: list[str] = []
        before = ""
        while text != before:
            before = text
            text = self._drop_around(self._outside, text, dropped)
            text = self._drop_around(self._level, text, seniority)
        return TitleParts(text, tuple(seniority), tuple(dropped))

    def _drop_around(self, pattern: re.Pattern[str], text: str, dropped: list[str]) -> str:
        rest = pattern.sub("", text)
        # 招聘专员 is a name of its own, 招聘 客服专员 is not
        return text if self.is_rank(rest) else _drop(pattern, text, dropped)

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


def _drop(pattern: re.Pattern[str], text: str, dropped: list[str]) -> str:
    """`text` without the matches, which go to `dropped`; unchanged when nothing would be left."""
    found = [match.group() for match in pattern.finditer(text)]
    rest = _trim(re.sub(r"\s{2,}", " ", pattern.sub(" ", text)))
    if not found or not rest:
        return text
    dropped.extend(_trim(piece) for piece in found)
    return rest


def match_title(name: str, titles: Mapping[str, str], normalizer: TitleNormalizer) -> tuple[str, Match] | None:
    """(role, how) of a normalised name by folded alternative titles, or None.

    The whole name, with and without its rank; then each part of a double name; then the longest alternative title
    that it contains, the later of two equally long (营销文案: 文案).
    """
    whole = fold_title(name)
    for part in (whole, *map(fold_title, normalizer.split(name))):
        for form in normalizer.shorten(part):
            if form in titles:
                return titles[form], "exact"
    contained = _longest_inside(whole, titles, normalizer)
    return (titles[contained], "contained") if contained else None


def _longest_inside(whole: str, titles: Mapping[str, str], normalizer: TitleNormalizer) -> str | None:
    ranks: list[str] = []
    for size in range(min(len(whole), max(map(len, titles))), 1, -1):
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
