"""Scripts: which one a text is in, where it comes from, and one form for all of them.

Zoning works on `fold`ed text, which has the length of the source, so that conversions that change length
(網際網路 -> 互联网) never touch an offset; they are left to `normalize`, which each value passes by itself.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

from jdextract.extraction.rules import load_rules
from jdextract.records import Region, Script

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
# OpenCC configuration of each region: words of Taiwan and Hong Kong are converted too, not only characters.
_CONFIGURATIONS = {"tw": "tw2sp", "hk": "hk2sp", "cn": "t2s", "unknown": "t2s"}
# A share of the other script below this is a quotation or a name, not a second script.
_MIXED_SHARE = 0.15


@cache
def _converter(configuration: str) -> Any:
    import opencc

    return opencc.OpenCC(configuration)


@cache
def _fold_table() -> dict[int, str]:
    """Traditional -> Simplified by character, full width -> half width, odd spaces and controls -> space."""
    converter = _converter("t2s")
    table: dict[int, str] = {}
    for start, end in ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00)):
        for code in range(start, end):
            simple = converter.convert(chr(code))
            if len(simple) == 1 and simple != chr(code):
                table[code] = simple
    for code in range(0xFF01, 0xFF5F):
        table[code] = chr(code - 0xFEE0)
    odd = (
        *range(0x20),
        *range(0x7F, 0xA1),
        0x3000,
        *range(0x2000, 0x2010),
        0x2028,
        0x2029,
        0x202F,
        0x205F,
        0xFEFF,
    )
    table.update({code: " " for code in odd if code not in (0x09, 0x0A)})
    return table


def fold(text: str) -> str:
    """`text` in Simplified and half-width, code point by code point: the result has the same length."""
    return text.translate(_fold_table())


@cache
def _telling() -> tuple[frozenset[str], frozenset[str]]:
    """Characters that stand in Simplified text only, and in Traditional text only."""
    to_traditional = _converter("s2t")
    traditional = frozenset(chr(code) for code in _fold_table() if 0x3400 <= code < 0xA000)
    han = (chr(code) for code in range(0x4E00, 0xA000))
    simplified = frozenset(c for c in han if c not in traditional and to_traditional.convert(c) != c)
    # 后 里 台 … are characters of both scripts.
    return simplified - frozenset(
        c for c in simplified if c in "后里台只干面松云准斗才表冲丑合回家姜借据历困么谷几卜秋千叶于余御愿岳征致制志注"
    ), traditional


def detect(text: str) -> tuple[Script, Region]:
    """Script of a text, and the region that its words come from.

    `none` without Han characters; `mixed` only if both scripts have a substantial part, as on half-converted pages.
    """
    if not _HAN.search(text):
        return "none", "unknown"
    simplified, traditional = _telling()
    ones, others = sum(c in simplified for c in text), sum(c in traditional for c in text)
    script: Script
    if ones and others and min(ones, others) >= _MIXED_SHARE * (ones + others):
        script = "mixed"
    else:
        script = "hant" if others > ones else "hans"
    return script, ("cn" if script == "hans" else _find_region(text))


@cache
def _regions() -> dict[str, list[str]]:
    return {str(region): [str(word) for word in words] for region, words in load_rules("regions").items()}


def _find_region(text: str) -> Region:
    scores = {region: sum(word in text for word in words) for region, words in _regions().items()}
    best = max(scores, key=scores.__getitem__)
    if scores[best] == 0:
        return "unknown"
    return "tw" if best == "tw" else "hk" if best == "hk" else "cn"


@cache
def _repairs() -> list[tuple[re.Pattern[str], str, re.Pattern[str] | None]]:
    return [
        (
            re.compile(rule["pattern"]),
            rule["replacement"],
            re.compile(rule["unless"]) if "unless" in rule else None,
        )
        for rule in load_rules("repairs")
    ]


_LATIN_WIDTH = re.compile(r"(?<![0-9A-Za-z])[,;:?!]|[,;:?!](?![0-9A-Za-z])")
_WIDE = str.maketrans(",;:?!", "，；：？！")
_CHINESE = "\u2e80-\u9fff\uf900-\ufaff\uff01-\uffe5“”‘’…—"  # characters and punctuation
_SPACE_AT_HAN = re.compile(rf"(?<=[{_CHINESE}])\s+|\s+(?=[{_CHINESE}])")


def _squeeze(text: str) -> str:
    """Line breaks and spaces between Han characters come from the page's layout, not from its wording."""
    return _SPACE_AT_HAN.sub("", " ".join(text.split()))


def _repair(text: str) -> str:
    for pattern, replacement, unless in _repairs():
        if unless is None or not unless.search(text):
            text = pattern.sub(replacement, text)
    return _squeeze(text)


def normalize(text: str, region: Region) -> str:
    """One value in Simplified, one width, white space collapsed, certain damage repaired. Idempotent.

    Letters and digits become half-width, punctuation full-width in Chinese text except between letters or digits.
    """
    text = unicodedata.normalize("NFKC", text)
    text = _converter(_CONFIGURATIONS[region]).convert(text)
    if region != "cn":
        text = _converter("t2s").convert(text)
    text = _squeeze(text)
    # One repair can open the way for another; three rounds are more than any text needed.
    for _ in range(3):
        repaired = _repair(text)
        if repaired == text:
            break
        text = repaired
    if _HAN.search(text):
        text = _LATIN_WIDTH.sub(lambda m: m.group().translate(_WIDE), text)
        text = text.replace("(", "（").replace(")", "）")
    return unicodedata.normalize("NFC", text).strip(" ;；。")
