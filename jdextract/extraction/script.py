"""Scripts: which one a text is in, where it comes from, and one form for all of them.

Zoning works on `fold`ed text, which has the length of the source. `simplify` converts words too (網際網路 -> 互联网)
and keeps an offset map; `normalize` is for single values and also repairs certain damage.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache

from jdextract.data import load_rules
from jdextract.extraction.offsets import Simplified, align
from jdextract.extraction.repairs import repair, replace_words, unify_characters
from jdextract.records import Region, Script

# OpenCC configuration of each region: characters only. Words are `words.yaml`, because OpenCC's own (`tw2sp`) are made
# for software and spoil job text: 指標 -> 指针, 執行 -> 运行, 建立 -> 创建, 小程序 -> 小进程.
_CONFIGURATIONS: dict[Region, str] = {"tw": "tw2s", "hk": "hk2s", "cn": "t2s", "unknown": "t2s"}
# Values whose normal form is kept, as pages of one site repeat their sentences, and code points of the longest of them.
_REMEMBERED, _LONGEST = 16_384, 200
_HAN_BLOCKS = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00))
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@cache
def _converter(configuration: str) -> Callable[[str], str]:
    """A conversion of OpenCC. Half characters, which UTF-8 can't hold, become U+FFFD: the length stays.

    Some configurations drop what stands behind U+0000, so that parts between are converted by themselves.
    """
    import opencc

    convert: Callable[[str], str] = opencc.OpenCC(configuration).convert

    def convert_all(text: str) -> str:
        if "\0" in text:
            return "\0".join(map(convert_all, text.split("\0")))
        try:
            return convert(text)
        except UnicodeEncodeError:
            return convert(_LONE_SURROGATE.sub("\ufffd", text))

    return convert_all


@cache
def _map_characters(configuration: str) -> dict[int, str]:
    """{code point: character} of what a configuration makes of single Han characters, where it changes them."""
    characters = [chr(code) for start, end in _HAN_BLOCKS for code in range(start, end)]
    converted = _converter(configuration)("\n".join(characters)).split("\n")
    return {ord(c): new for c, new in zip(characters, converted, strict=True) if new != c and len(new) == 1}


@cache
def _radicals() -> dict[int, str]:
    """Radical signs that PDF extraction puts for the characters (⽤戶 for 用戶)."""
    signs = ((code, unicodedata.normalize("NFKC", chr(code))) for code in range(0x2E80, 0x2FE0))
    return {code: plain for code, plain in signs if len(plain) == 1 and plain != chr(code)}


@cache
def _simple_characters() -> dict[int, str]:
    """Traditional -> Simplified by character, variants of regions (衞 枱) and radical signs included.

    著 stays, because 着 is its other form only at times.
    """
    table = dict(_map_characters("t2s"))
    simple = frozenset(table.values())
    for configuration in ("tw2s", "hk2s"):
        more = _map_characters(configuration).items()
        table.update({code: new for code, new in more if code not in table and chr(code) not in simple})
    table.pop(ord("著"), None)
    return table | {code: table.get(ord(plain), plain) for code, plain in _radicals().items()}


# Lists of the first 65,536 code points: `str.translate` is twice as fast with them as with a dict, and leaves what is
# beyond a list as it is.
_Table = list[int | str]


def _tabulate(changes: Mapping[int, str]) -> _Table:
    return [changes.get(code, code) for code in range(0x10000)]


@cache
def _character_table() -> _Table:
    return _tabulate(_simple_characters())


@cache
def _fold_table() -> _Table:
    table = dict(_simple_characters())
    for code in (*range(0xFF01, 0xFF5F), *range(0xFF61, 0xFF66), *range(0xFE50, 0xFE6C), *range(0xFFE0, 0xFFE7)):
        plain = unicodedata.normalize("NFKC", chr(code))
        if len(plain) == 1:
            table[code] = plain
    for code in (*range(0x3400), *range(0xFE00, 0x10000)):
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Zs", "Zl", "Zp") and code not in (0x09, 0x0A, 0x20):
            table[code] = " "
    return _tabulate(table)


def fold(text: str) -> str:
    """`text` in Simplified and half-width, code point by code point: the result has the length of the text.

    Odd spaces, control and format characters (zero width) become spaces, except line breaks and tabs.
    """
    return text.translate(_fold_table())


@cache
def _telling() -> tuple[frozenset[str], frozenset[str]]:
    """Characters that stand in Simplified text only, and in Traditional text only."""
    shared = frozenset(load_rules("regions")["both_scripts"])
    traditional = {chr(code) for code in _map_characters("t2s")} - shared
    return frozenset({chr(code) for code in _map_characters("s2t")} - shared - traditional), frozenset(traditional)


# A share of the other script below this, or fewer and less varied characters, is a name or a quotation.
_MIXED_SHARE, _MIXED_CHARACTERS = 0.15, 3
_QUOTED = re.compile(r"「[^」\n]{1,40}」|『[^』\n]{1,40}』|“[^”\n]{1,40}”|《[^》\n]{1,40}》|\"[^\"\n]{1,40}\"")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")


def detect(text: str) -> tuple[Script, Region]:
    """Script of a text, and the region that its words come from.

    `none` without Han characters; `hans` where no character tells; `mixed` only if both scripts have a substantial
    part, as on half-converted pages. Traditional text with the words of the mainland is of region `cn`.
    """
    if not _HAN.search(text):
        return "none", "unknown"
    script = _judge(_QUOTED.sub("", text)) or _judge(text) or "hans"
    return script, "cn" if script == "hans" else _find_region(text)


def _judge(text: str) -> Script | None:
    simplified, traditional = _telling()
    counts = Counter(text)
    ones = {c: counts[c] for c in simplified.intersection(counts)}
    others = {c: counts[c] for c in traditional.intersection(counts)}
    one, other = sum(ones.values()), sum(others.values())
    if not one and not other:
        return None
    less = min(ones, others, key=lambda found: sum(found.values()))
    if len(less) >= _MIXED_CHARACTERS and min(one, other) >= _MIXED_SHARE * (one + other):
        return "mixed"
    return "hant" if other > one else "hans"


@cache
def _region_words() -> tuple[tuple[Region, tuple[tuple[str, int], ...]], ...]:
    rules = load_rules("regions")["words"]
    regions: tuple[Region, ...] = ("tw", "hk", "cn")
    return tuple(
        (r, tuple((str(w), int(weight)) for weight, words in rules[r].items() for w in words)) for r in regions
    )


def _find_region(text: str) -> Region:
    """The region with the most points, each word counted once; `unknown` without a lead."""
    scores = {region: sum(weight for word, weight in words if word in text) for region, words in _region_words()}
    first, second = sorted(scores, key=lambda region: -scores[region])[:2]
    return first if scores[first] > scores[second] else "unknown"


@cache
def _triggers() -> frozenset[str]:
    """Characters that conversion would change and would not make itself (薴 -> 苧)."""
    table = _simple_characters()
    own = frozenset(table.values()) | frozenset(map(chr, _radicals()))
    return (frozenset(map(chr, table)) - own) | frozenset(load_rules("regions")["in_words"])


@cache
def _trigger() -> re.Pattern[str]:
    """Any of the triggers: searching is several times as fast as looking each character up."""
    return _any_of(_triggers())


@cache
def _variants() -> tuple[re.Pattern[str], dict[int, str]]:
    """Variants of regions that the configuration of unknown regions leaves (衞 枱): any of them, and all."""
    known = _map_characters("t2s")
    variants = {code: simple for code, simple in _simple_characters().items() if code not in known}
    return _any_of(map(chr, variants)), variants


def _any_of(characters: Iterable[str]) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(''.join(sorted(characters)))}]")


def _convert_characters(text: str, configuration: str) -> str:
    converted = _converter(configuration)(text)
    some, variants = _variants()
    return converted.translate(variants) if some.search(text) else converted


def _convert(text: str, region: Region) -> str:
    return replace_words(_convert_characters(text, _CONFIGURATIONS[region]), region)


def _convert_traditional(text: str, region: Region) -> str | None:
    """What `text` becomes, None if it holds no Traditional: the words of a region (线上) are Simplified words too."""
    characters = _convert_characters(text, "t2s")
    if characters == text:
        return None
    if _CONFIGURATIONS[region] != "t2s":
        characters = _convert_characters(text, _CONFIGURATIONS[region])
    return replace_words(characters, region)


def simplify(text: str, region: Region | None = None) -> Simplified:
    """`text` in Simplified with the words of the mainland (網際網路 -> 互联网), and its alignment with the source.

    Characters by the OpenCC configuration of the region (None: found from the text), words by `words.yaml`. Text that
    holds no Traditional is left as it is, but for radical signs, which become characters first.
    """
    signs = set(text)
    plain = text if _radicals().keys().isdisjoint(map(ord, signs)) else text.translate(_radicals())
    if plain is text and _triggers().isdisjoint(signs):
        return Simplified(text)
    place: Region = region or detect(plain)[1]
    converted = _convert_traditional(plain, place)
    if converted is None:
        return Simplified(plain)
    charwise = plain.translate(_character_table())
    return Simplified(converted, align(plain, charwise, converted, lambda part: _convert(part, place)))


def normalize(text: str, region: Region) -> str:
    """One value in Simplified, one width, white space collapsed, certain damage repaired. Idempotent.

    In a value with Han characters punctuation is full-width (but `1,000` and `10:30`) and white space is kept between
    Latin words only; in other values punctuation is ASCII. The rules are `repairs.yaml` and `words.yaml`.
    """
    return _remember(text, region) if len(text) <= _LONGEST else _normalize(text, region)


def _normalize(text: str, region: Region) -> str:
    plain = unify_characters(text)
    converted = _convert_traditional(plain, region) if _trigger().search(plain) else None
    return repair(plain if converted is None else converted)


_remember = lru_cache(maxsize=_REMEMBERED)(_normalize)
