"""Compliance flags: conditions in a recruitment text that recruitment law restricts, with the reason and the provision.

The rules are `compliance.yaml`. A flag says where to look and what stands there; it is no legal opinion, because a text
says nothing about the exceptions of the law. `force` tells a ban by name from a general duty and from mere guidance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from jdextract.data import load_rules
from jdextract.records import Region, Span

Force = Literal["ban", "limit", "guideline"]


@dataclass(frozen=True, slots=True)
class ComplianceFlag:
    """One condition that a rule found. `text` is `normalized[start:end]`, in code points of the given text."""

    rule: str
    kind: str  # age, gender, marriage-birth, household, …
    text: str
    span: Span
    provision: str  # by its official name, in the script of the region; several are joined by `；`
    reason: str  # one line, English
    reason_zh: str  # the same in Chinese
    force: Force  # a law forbids it by name; a general duty reaches it; guidance without the force of law


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    kind: str
    reason: str
    reason_zh: str
    provisions: Mapping[str, tuple[Force, str]]  # by region
    signs: tuple[str, ...]
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None
    unless_in_text: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules of one region."""

    sign: re.Pattern[str]  # without it in the text no rule can match
    rules: tuple[_Rule, ...]


# Widths and cases that differ between pages; code point by code point, so that offsets stay.
_FOLD = (
    {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | {0x3000: 0x20, 0xA0: 0x20}
    | {ord(c): ord(c) + 32 for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    | {code: code - 0xFEE0 + 32 for code in range(0xFF21, 0xFF3B)}
)
_TERM = re.compile(r"\{([a-z]+)\}")  # a quantifier such as {0,8} has no letters


def find_flags(normalized: str, region: Region) -> tuple[ComplianceFlag, ...]:
    """Flags of a text in Simplified characters, in order of their place; spans are code points of `normalized`.

    `normalized` is a value as `extraction.script.normalize` gives it: one requirement or one duty. Longer texts work too,
    but words that excuse a condition are looked for in the whole of it. Region `unknown` gets the rules of `cn`. A flag
    inside another of its kind is left out.
    """
    place = "cn" if region == "unknown" else region
    rules = _rules(place)
    if not rules.sign.search(normalized.lower()):
        return ()
    folded = normalized.translate(_FOLD)
    found = [(rule, span) for rule in rules.rules for span in _find_spans(rule, folded)]
    found.sort(key=lambda hit: (hit[1][0], -hit[1][1]))
    flags: list[ComplianceFlag] = []
    reached: dict[str, int] = {}  # the furthest end of a flag, by kind
    for rule, (start, end) in found:
        if end <= reached.get(rule.kind, -1):
            continue
        reached[rule.kind] = end
        force, provision = rule.provisions[place]
        text = normalized[start:end]
        flags.append(
            ComplianceFlag(rule.id, rule.kind, text, (start, end), provision, rule.reason, rule.reason_zh, force)
        )
    return tuple(flags)


def _find_spans(rule: _Rule, folded: str) -> Iterator[Span]:
    """Where a rule matches, without the clause marks around it and without what `unless` excuses."""
    if not any(sign in folded for sign in rule.signs):
        return
    hits = [_trim(folded, *match.span()) for match in rule.pattern.finditer(folded)]
    if not hits or any(word in folded for word in rule.unless_in_text):
        return
    excuses = [match.span() for match in rule.unless.finditer(folded)] if rule.unless else []
    passed = 0  # excuses that end before the hit; both lists are in order
    for start, end in hits:
        while passed < len(excuses) and excuses[passed][1] <= start:
            passed += 1
        if passed == len(excuses) or excuses[passed][0] >= end:
            yield start, end


_EDGE = re.compile(r"[\s,.;。:、(]*(?:\d{1,2}[.、)]\s?)?")


def _trim(folded: str, start: int, end: int) -> Span:
    """The hit without the mark or the number of the list item before it, and without a mark behind it."""
    edge = _EDGE.match(folded, start, end)
    start = edge.end() if edge else start
    while end > start + 1 and folded[end - 1] in " ,.;。:、":
        end -= 1
    return start, end


@cache
def _rules(region: str) -> _Rules:
    rules = tuple(rule for rule in _load() if region in rule.provisions)
    signs = sorted({sign for rule in rules for sign in rule.signs}, key=lambda sign: (-len(sign), sign))
    return _Rules(re.compile("|".join(map(re.escape, signs))), rules)


@cache
def _load() -> tuple[_Rule, ...]:
    data = load_rules("compliance")
    terms, laws = data["terms"], data["laws"]
    return tuple(_make_rule(entry, terms, laws) for entry in data["rules"])


def _make_rule(entry: Mapping[str, Any], terms: Mapping[str, str], laws: Mapping[str, str]) -> _Rule:
    def compile_any(patterns: list[str]) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{_expand(pattern, terms)})" for pattern in patterns))

    return _Rule(
        id=entry["id"],
        kind=entry["kind"],
        reason=entry["reason"]["en"],
        reason_zh=entry["reason"]["zh"],
        provisions={
            region: (given["force"], "；".join(laws[key] for key in given["laws"]))
            for region, given in entry["regions"].items()
        },
        signs=tuple(entry["signs"]),
        pattern=compile_any(entry["patterns"]),
        unless=compile_any(entry["unless"]) if "unless" in entry else None,
        unless_in_text=tuple(entry.get("unless_in_text", ())),
    )


def _expand(pattern: str, terms: Mapping[str, str]) -> str:
    """A pattern with its `{terms}` put in; terms hold terms only one level deep."""
    for _ in range(2):
        pattern = _TERM.sub(lambda match: terms[match[1]], pattern)
    return pattern
