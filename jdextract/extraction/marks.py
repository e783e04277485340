"""Separators and enumerators in folded text, by the rules of `marks.yaml`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from jdextract.data import load_rules

HAN = "\u4e00-\u9fff\u3400-\u4dbf"
NUMERALS = "一二三四五六七八九十"
# What follows a quantity in running text: `3年`, `5人` are no enumerators.
_UNITS = "年月日天人个名位岁元级%‰小时分钟秒家次款条倍万千百亿号楼层季周类种台套件单页篇幅栋轮遍份点折寸米克斤公吨成多余至到~—/kKwWdDgG度期届本线代维班房厅室座吋"


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule of `marks.yaml`, filled in. `name` is its group in a pattern."""

    name: str
    first: re.Pattern[str]
    pattern: str


class MarkFinder:
    """Separators and enumerators, the first rule that matches at each place.

    A few characters begin a mark, and each of them only a few kinds: one class finds them, and a pattern of the rules
    for that character, made when it is first met, is tried there.
    """

    def __init__(self, rules: dict[str, Any]) -> None:
        names = {"{han_1}": f"[{HAN}]", "{han}": HAN, "{num}": NUMERALS, "{units}": _UNITS}

        def fill(pattern: str) -> str:
            for key, value in names.items():
                pattern = pattern.replace(key, value)
            return pattern

        enumerators = {f"e{i}": rule for i, rule in enumerate(rules["enumerators"])}
        separators = {rule["kind"]: rule for rule in rules["separators"]}
        early = {kind: separators.pop(kind) for kind in ("line", "art", "inline", "cell")}
        every = early | enumerators | separators
        self.kinds = {name: (str(rule["kind"]), bool(rule.get("anywhere"))) for name, rule in enumerators.items()}
        self._rules = [
            _Rule(name, re.compile(fill(rule["first"]), re.IGNORECASE), f"(?P<{name}>{fill(rule['pattern'])})")
            for name, rule in every.items()
        ]
        firsts = {(fill(rule["first"]), fill(rule.get("beside", ""))) for rule in every.values()}
        classes = "|".join(sorted({first for first, _ in firsts}))
        alone = "|".join(sorted(first for first, beside in firsts if not beside))
        told = "|".join(sorted(f"(?<={first})(?:{beside})" for first, beside in firsts if beside))
        # A class that stands at the very start is what `re` can look for quickly.
        self._first = re.compile(f"(?:{classes})(?:(?<={alone})|{told})", re.IGNORECASE)
        self._bodies: dict[str, re.Pattern[str]] = {}

    def find(self, folded: str) -> Callable[[int], re.Match[str] | None]:
        """A function that gives the next mark from a position on; positions must not go back.

        `lastgroup` of a mark is the name of its rule.
        """
        starts = (match.start() for match in self._first.finditer(folded))
        bodies = self._bodies

        def find_next(position: int) -> re.Match[str] | None:
            for start in starts:
                if start >= position:
                    char = folded[start]
                    body = bodies.get(char) or self._make_body(char)
                    if found := body.match(folded, start):
                        return found
            return None

        return find_next

    def _make_body(self, char: str) -> re.Pattern[str]:
        # Many characters begin the same kinds: `re` keeps what it compiled for the first of them.
        pattern = "|".join(rule.pattern for rule in self._rules if rule.first.match(char))
        body = self._bodies[char] = re.compile(pattern, re.IGNORECASE)
        return body


@cache
def mark_finder() -> MarkFinder:
    """The finder of the rules in the package."""
    return MarkFinder(load_rules("marks"))
