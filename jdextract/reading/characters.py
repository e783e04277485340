"""How plausible a text is as Chinese: what encodings that accept the same bytes are told apart by.

The measure is surprise, minus the logarithm of a probability: a small model gives every character a
probability by its class (ASCII, Chinese punctuation, the most used characters of a script, the first and
second level of its national standard, anything rarer). Two readings of the same bytes compare directly,
and any of them compares with `RANDOM_BYTE`, the surprise of a byte that is mere chance.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from functools import cache

from jdextract.data import load_rules

RANDOM_BYTE = math.log(256)  # nats

# Nats a character: what its class holds of a text, shared among the members of the class.
_ASCII = 4.0
_COMMON = 6.6  # 0.75 of a text, 600 members
_PUNCTUATION = 6.5
_LETTER = 9.0  # of Latin-1, Greek and Cyrillic
_KANA = 10.0
_FAR_LETTER = 11.0  # of alphabets that a Chinese page seldom quotes
_FIRST_LEVEL = 9.8  # 0.2, 3,700 to 5,400 members
_SECOND_LEVEL = 12.6  # 0.01, 3,000 to 7,600 members
_SYMBOL = 14.0
_RARE_HAN = 14.0
_NEVER = 18.0  # control, private use, unassigned, the replacement character

_PUNCTUATION_RANGES = (
    ("\u3000", "\u303f"),
    ("\uff01", "\uff65"),
    ("\u2010", "\u2027"),
    ("\u2160", "\u217f"),
    ("\u2460", "\u24ff"),
    ("\u25a0", "\u2606"),
    ("\u00b7", "\u00b7"),
    ("\u00d7", "\u00d7"),
    ("\ufe30", "\ufe4f"),
)
_LETTER_RANGES = {
    _LETTER: (("\u00c0", "\u00ff"), ("\u0370", "\u03ff"), ("\u0400", "\u045f")),
    _KANA: (("\u3040", "\u312f"),),
    _FAR_LETTER: (("\u0100", "\u017f"), ("\u0530", "\u07ff"), ("\uac00", "\ud7a3")),
}
# Lead bytes of the first level in the standard of each script.
_LEVELS = {"hans": ("gb2312", 0xB0, 0xD7), "hant": ("big5", 0xA4, 0xC6)}


@cache
def common_characters() -> dict[str, frozenset[str]]:
    """{"hans" or "hant": its most used characters}."""
    rules = load_rules("characters")
    return {script: frozenset("".join(rules[script].split())) for script in _LEVELS}


def surprise(text: str) -> float:
    """Nats of `text` as Simplified or as Traditional Chinese, whichever is less."""
    han, others = Counter[str](), 0.0
    for character, count in Counter(text).items():
        if "\u4e00" <= character <= "\u9fff":
            han[character] = count
        else:
            others += count * _of_other(character)
    return others + min(
        sum(count * _of_han(character, script) for character, count in han.items()) for script in _LEVELS
    )


def _of_han(character: str, script: str) -> float:
    if character in common_characters()[script]:
        return _COMMON
    codec, first, last = _LEVELS[script]
    try:
        lead = character.encode(codec)[0]
    except UnicodeEncodeError:
        return _RARE_HAN
    return _FIRST_LEVEL if first <= lead <= last else _SECOND_LEVEL


def _of_other(character: str) -> float:
    if character < "\x80":
        return _ASCII if character.isprintable() or character in "\t\n\r" else _NEVER
    if character == "\ufffd" or unicodedata.category(character) in {"Cc", "Cn", "Co", "Cs"}:
        return _NEVER
    if any(first <= character <= last for first, last in _PUNCTUATION_RANGES):
        return _PUNCTUATION
    if "\u3400" <= character <= "\u4dbf" or character >= "\U00020000":
        return _RARE_HAN
    for cost, ranges in _LETTER_RANGES.items():
        if character.isalpha() and any(first <= character <= last for first, last in ranges):
            return cost
    return _SYMBOL
