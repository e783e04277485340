"""Personal data in job text: telephone numbers, addresses, accounts, identity numbers and names of contacts.

Scraped pages carry the contact of whoever posted the job. The rules are data (`data/privacy.yaml`); this module folds
the text, applies them, and checks the numbers that have a check digit.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from jdextract.data import load_rules
from jdextract.records import Span

_MARK = "\ue000"  # stands for the code points of a label; patterns do not reach across it
_NAMED = re.compile(r"\{([a-z_]+)\}")
_WIDTHS = ((0xFE50, 0xFE6B), (0xFF01, 0xFF5E), (0x1D400, 0x1D7FF))  # small, full-width and styled signs of ASCII
_FLAGS = re.ASCII | re.IGNORECASE


@dataclass(frozen=True, slots=True)
class PersonalDatum:
    """A place of a text that tells who someone is or how to reach them; `span` in code points of that text."""

    kind: str
    text: str
    span: Span


def find_personal_data(text: str) -> tuple[PersonalDatum, ...]:
    """The personal data of `text` in order, without overlap. Labels set by `redact` are none.

    Numbers that belong to the public (hotlines) are not reported.
    """
    rules = _rules()
    folded = rules.labels_pattern.sub(lambda label: _MARK * len(label[0]), text.translate(rules.folding))
    taken = bytearray(len(folded))
    found = []
    for rule in rules.rules:
        for start, end in rule.find(folded):
            if any(taken[start:end]):
                continue
            taken[start:end] = b"\x01" * (end - start)
            if rule.kind in rules.labels:
                found.append(PersonalDatum(rule.kind, text[start:end], (start, end)))
    return tuple(sorted(found, key=lambda datum: datum.span))


def redact(text: str) -> str:
    """`text` with a label such as 【手机号】 in the place of each personal datum.

    Nothing personal is found in the result, so a second call changes nothing.
    """
    labels = _rules().labels
    # Once is enough but for texts made to resist: where a number goes, the one glued to it may stand free.
    while data := find_personal_data(text):
        pieces, position = [], 0
        for datum in data:
            start, end = datum.span
            pieces += [text[position:start], labels[datum.kind]]
            position = end
        text = "".join([*pieces, text[position:]])
    return text


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: str
    needs: re.Pattern[str] | None  # a quick look whether the rule is worth a run
    pattern: re.Pattern[str]
    contexts: tuple[re.Pattern[str] | None, re.Pattern[str] | None]  # before and after: one must be there
    barred: tuple[re.Pattern[str] | None, re.Pattern[str] | None]  # before and after: none may be there
    windows: tuple[int, int]  # code points before and after
    check: Callable[[str], bool]
    stops: tuple[str, ...]

    def find(self, text: str) -> Iterator[Span]:
        """Places of the folded `text` that fit the rule."""
        if self.needs and not self.needs.search(text):
            return
        group = "value" if "value" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(text):
            start, end = match.span(group)
            if self._accepts(text, start, end):
                yield start, end

    def _accepts(self, text: str, start: int, end: int) -> bool:
        value = text[start:end]
        if value.lower().startswith(self.stops) or not self.check(value):
            return False
        around = _around(text, start, end, self.windows)
        if _any_found(self.barred, around):
            return False
        return self.contexts == (None, None) or _any_found(self.contexts, around)


def _around(text: str, start: int, end: int, windows: tuple[int, int]) -> tuple[str, str]:
    """The text before and after a place in lower case, as far as the next label and one sign of it."""
    before, after = text[max(0, start - windows[0]) : start].lower(), text[end : end + windows[1]].lower()
    stop = after.find(_MARK)
    return before[max(0, before.rfind(_MARK)) :], after if stop < 0 else after[: stop + 1]


def _any_found(patterns: tuple[re.Pattern[str] | None, ...], around: tuple[str, str]) -> bool:
    return any(pattern and pattern.search(text) for pattern, text in zip(patterns, around, strict=True))


@dataclass(frozen=True, slots=True)
class _Rules:
    labels: Mapping[str, str]
    labels_pattern: re.Pattern[str]
    folding: Mapping[int, str]
    rules: tuple[_Rule, ...]


@cache
def _rules() -> _Rules:
    data = load_rules("privacy")
    fragments = {str(name): _any_of(words) for name, words in data["words"].items()} | data["fragments"]
    windows = (int(data["windows"]["before"]), int(data["windows"]["after"]))
    return _Rules(
        labels=data["labels"],
        labels_pattern=re.compile("|".join(map(re.escape, data["labels"].values()))),
        folding=_folding(data["folded"]),
        rules=tuple(_rule(rule, fragments, data["stops"], windows) for rule in data["rules"]),
    )


def _rule(
    rule: Mapping[str, str], fragments: Mapping[str, str], stops: Mapping[str, Any], windows: tuple[int, int]
) -> _Rule:
    def compiled(name: str, flags: int = _FLAGS) -> re.Pattern[str] | None:
        return re.compile(_filled(rule[name], fragments), flags) if name in rule else None

    pattern = compiled("pattern")
    assert pattern is not None
    return _Rule(
        kind=rule["kind"],
        needs=compiled("needs", re.ASCII),
        pattern=pattern,
        contexts=(compiled("before", re.ASCII), compiled("after", re.ASCII)),
        barred=(compiled("not_before", re.ASCII), compiled("not_after", re.ASCII)),
        windows=windows,
        check=_CHECKS[rule["check"]] if "check" in rule else lambda _: True,
        stops=tuple(stops[rule["stops"]]) if "stops" in rule else (),
    )


def _filled(pattern: str, fragments: Mapping[str, str]) -> str:
    """`pattern` with the fragments in the place of their names."""
    return _NAMED.sub(lambda name: _filled(fragments[name[1]], fragments), pattern)


def _any_of(words: list[str]) -> str:
    """A pattern for any of the words, the longest first."""
    ordered = sorted({str(word) for word in words}, key=lambda word: (-len(word), word))
    letters = [word for word in ordered if len(word) == 1]
    longer = [re.escape(word) for word in ordered if len(word) > 1]
    if letters:  # as one class, which is faster
        longer.append(f"[{re.escape(''.join(letters))}]")
    return f"(?:{'|'.join(longer)})"


def _folding(variants: Mapping[str, str]) -> Mapping[int, str]:
    """{code point: plain sign}, one for one, so that offsets stay."""
    table = {ord(sign): plain for plain, signs in variants.items() for sign in signs}
    for first, last in _WIDTHS:
        for code in range(first, last + 1):
            plain = unicodedata.normalize("NFKC", chr(code))
            if len(plain) == 1 and plain.isascii():
                table[code] = plain
    return table


def _is_mainland_id(value: str) -> bool:
    """GB 11643-1999: 17 digits and a check digit by ISO 7064 MOD 11-2, where X is ten."""
    digits = value.replace(" ", "").replace("-", "")
    weighted = sum((10 if d in "xX" else int(d)) * pow(2, 17 - i, 11) for i, d in enumerate(digits))
    return weighted % 11 == 1 and _is_date(digits[6:14])


def _is_old_mainland_id(value: str) -> bool:
    return _is_date("19" + value[6:12])


def _is_date(digits: str) -> bool:
    """Whether YYYYMMDD is a day."""
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


def _is_taiwan_id(value: str) -> bool:
    """The letter counts as two digits of its own order; weights 1, 9, 8 … 1, 1."""
    letter = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(value[0]) + 10
    digits = [letter // 10, letter % 10, *map(int, value[1:])]
    return sum(d * w for d, w in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 == 0


def _is_hong_kong_id(value: str) -> bool:
    """Letters count from 10, a lacking first letter 36; weights 9 … 1, modulus 11."""
    signs = re.sub(r"[\s()]", "", value).rjust(9)
    order = string.digits + string.ascii_uppercase + " "
    return sum(order.index(sign) * (9 - i) for i, sign in enumerate(signs)) % 11 == 0


def _is_luhn(value: str) -> bool:
    """Luhn's algorithm (ISO/IEC 7812-1). A row of one digit is no number of a card."""
    digits = [int(d) for d in value if d.isdigit()]
    doubled = sum(sum(divmod(2 * d, 10)) for d in digits[-2::-2])
    return len(set(digits)) > 1 and (sum(digits[::-2]) + doubled) % 10 == 0


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "mainland_id": _is_mainland_id,
    "old_mainland_id": _is_old_mainland_id,
    "taiwan_id": _is_taiwan_id,
    "hong_kong_id": _is_hong_kong_id,
    "luhn": _is_luhn,
}
