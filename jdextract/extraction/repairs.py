"""One form for values in Simplified: one width, one kind of punctuation, certain damage repaired, words of one region.

The rules are data: `repairs.yaml` (characters, damage, words that site filters swap) and `words.yaml` (words of Taiwan
and Hong Kong that OpenCC leaves, or changes where it should not).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from jdextract.data import load_rules
from jdextract.records import Region

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
# One repair can uncover another (客?*服); more rounds than this were never needed.
_ROUNDS = 6


@cache
def _characters() -> list[int | str | None]:
    """Full-width signs and radicals -> plain ones, spaces and controls -> space; format and half characters go."""
    table: dict[int, str | None] = {}
    forms = (*range(0x2E80, 0x2FE0), *range(0xFE50, 0xFE6C), *range(0xFF01, 0xFF66), *range(0xFFE0, 0xFFE7))
    for code in forms:
        plain = unicodedata.normalize("NFKC", chr(code))
        if len(plain) == 1 and plain != chr(code):
            table[code] = plain
    for code in (*range(0x3400), *range(0xD800, 0xE000), *range(0xFE00, 0x10000)):
        category = unicodedata.category(chr(code))
        if category in ("Cc", "Zs", "Zl", "Zp"):
            table[code] = " "
        elif category in ("Cf", "Cs"):
            table[code] = None
    rules = load_rules("repairs")["characters"]
    table.update({ord(c): plain for plain, variants in rules["same"].items() for c in variants})
    table.update(dict.fromkeys(map(ord, rules["dropped"])))
    return [table.get(code, code) for code in range(0x10000)]


def unify_characters(text: str) -> str:
    """Each character in its plain, composed form, whatever the script; white space stays where it is."""
    return unicodedata.normalize("NFC", text.translate(_characters()))


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    replacement: str
    signs: frozenset[str]
    when: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None


def _compile(rule: dict[str, Any]) -> _Rule:
    when, unless = (re.compile(rule[key]) if key in rule else None for key in ("when", "unless"))
    return _Rule(re.compile(rule["pattern"]), rule["replacement"], frozenset(rule["signs"]), when, unless)


class _Rules:
    """Rules in their order. Most values hold no sign of any of them, which one search tells."""

    def __init__(self, rules: Iterable[_Rule]) -> None:
        self._rules = tuple(rules)
        self._by_sign: dict[str, list[int]] = {}
        for number, rule in enumerate(self._rules):
            for sign in rule.signs:
                self._by_sign.setdefault(sign, []).append(number)
        self.find_signs = re.compile("|".join(map(re.escape, sorted(self._by_sign)))).findall

    def apply(self, text: str, signs: Iterable[str], first: int = 0) -> str:
        """`text`, which holds these signs, after the rules from number `first` on; each sees what those before it made."""
        for number in sorted({n for sign in set(signs) for n in self._by_sign[sign] if n >= first}):
            rule = self._rules[number]
            if (rule.when and not rule.when.search(text)) or (rule.unless and rule.unless.search(text)):
                continue
            repaired = rule.pattern.sub(rule.replacement, text)
            if repaired != text:
                return self.apply(repaired, self.find_signs(repaired), number + 1)
        return text


@cache
def _damage() -> _Rules:
    rules = load_rules("repairs")
    censored = (
        _Rule(re.compile(r"[*_]*".join(map(re.escape, word)), re.IGNORECASE), word, frozenset("*_"))
        for word in rules["censored"]
    )
    return _Rules([*map(_compile, rules["damage"]), *censored])


@cache
def _forms() -> _Rules:
    rules = load_rules("repairs")
    return _Rules(map(_compile, [*rules["punctuation"], *rules["swapped"]]))


@dataclass(frozen=True, slots=True)
class _Words:
    any: re.Pattern[str]  # any word that may be replaced, the longest first
    everywhere: dict[str, str]
    in_context: dict[str, list[tuple[re.Pattern[str], str]]]

    def choose(self, match: re.Match[str]) -> str:
        """What stands for a word in its context."""
        word = match.group()
        if word in self.everywhere:
            return self.everywhere[word]
        for pattern, same in self.in_context[word]:
            if pattern.match(match.string, match.start()):
                return same
        return word


@cache
def _words(region: Region) -> _Words:
    rules = load_rules("words")
    everywhere: dict[str, str] = rules["everywhere"] | {word: word for word in rules["protected"]}
    in_context: dict[str, list[tuple[re.Pattern[str], str]]] = {}
    for rule in rules["in_context"]:
        if region in rule.get("regions", [region]):
            in_context.setdefault(rule["word"], []).append((re.compile(rule["pattern"]), rule["same"]))
    words = sorted({*everywhere, *in_context}, key=lambda word: (-len(word), word))
    return _Words(re.compile("|".join(map(re.escape, words))), everywhere, in_context)


def replace_words(text: str, region: Region) -> str:
    """Words of Taiwan and Hong Kong, in Simplified characters -> words of the mainland.

    For text that was Traditional only: the mainland has its own 资料, 程序 and 支援.
    """
    words = _words(region)
    return words.any.sub(words.choose, text)


# Marks that have a Chinese and an ASCII form; between two digits (`1,000`, `10:30`) and before `//` it is the latter.
_ASCII, _WIDE = ",;:?!()", "，；：？！（）"
_FORMS = tuple(zip(_ASCII, _WIDE, strict=True))
_ASCII_MARK = re.compile(f"[{re.escape(_ASCII)}]")
_TO_ASCII = str.maketrans(_WIDE, _ASCII)
_NUMBER_MARK = re.compile(r"[，：](?:(?<=\d.)(?=\d)|(?<=：)(?=//))")
# White space at one of these is the page's layout; between words of other scripts it is kept.
_CHINESE = "\u2e80-\u9fff\uf900-\ufaff\uff01-\uffe5“”‘’…—\U00020000-\U000323af"
_SPACE = re.compile(rf" (?:(?<=[{_CHINESE}] ) *| *(?=[{_CHINESE}]))")  # begins with what is rare: fast to look for


def _set_marks(text: str) -> str:
    """Chinese forms of the marks, and no space beside them. The only white space in `text` is the space."""
    if _ASCII_MARK.search(text):
        for plain, wide in _FORMS:
            text = text.replace(plain, wide)  # `translate` takes five times as long
    if " " in text:
        text = _SPACE.sub("", text)
    return _NUMBER_MARK.sub(lambda match: match.group().translate(_TO_ASCII), text)


def _repair_once(text: str) -> tuple[str, bool]:
    """The text after one round, and whether it is settled: without a space and any sign of a rule one round is enough."""
    text = " ".join(unicodedata.normalize("NFC", text).split())
    damage, forms = _damage(), _forms()
    damaged = damage.find_signs(text)
    if damaged:
        text = damage.apply(text, damaged)
    if not _HAN.search(text):
        return text.translate(_TO_ASCII).strip(" ;。"), False
    marked = _set_marks(text)
    signs = forms.find_signs(marked)
    settled = not (damaged or signs or " " in text)
    return (forms.apply(marked, signs) if signs else marked).strip(" ；。"), settled


def repair(text: str) -> str:
    """`text` (Simplified, characters unified) in its normal form. Idempotent."""
    for _ in range(_ROUNDS):
        repaired, settled = _repair_once(text)
        if settled or repaired == text:
            return repaired
        text = repaired
    return text
