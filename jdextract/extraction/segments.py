"""Folded text -> atoms: the smallest stretches that zoning may tell apart.

Scraped text has lost its line breaks, so every mark that can separate two statements is a cut: line ends, sentence
ends, enumerators, table cells, wide gaps, brackets, section headings, `label:`. Too many cuts do little harm, since
zoning joins atoms again; a missing one can't be made good. The marks are data (`marks.yaml`, `headings.yaml`).

All offsets are code points of the source. Cutting works on folded text (`script.fold`), which has the length of the
source, so that one set of rules serves both scripts and both widths.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from jdextract.data import load_rules
from jdextract.extraction.marks import HAN, NUMERALS, mark_finder

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

_SERIES = (
    "一二三四五六七八九十",
    "壹贰参肆伍陆柒捌玖拾",
    "甲乙丙丁戊己庚辛壬癸",
    "abcdefghij",
    "①②③④⑤⑥⑦⑧⑨⑩",
    "⑴⑵⑶⑷⑸⑹⑺⑻⑼⑽",
)
_VALUES = {char: value for series in _SERIES for value, char in enumerate(series, 1)} | {"叁": 3}
_BOUNDARY = frozenset("。；;!:：?？,，、 \n\t】]》〗)>|…”\"'/·")


@dataclass(frozen=True, slots=True)
class Atom:
    """One stretch `[start, end)` without its enumerator and closing marks, and how it is set off.

    `lead` is where its enumerator begins (equal to `start` without one), `mark` the kind of enumerator or "", `number`
    its value (0: none), `before` and `after` the kind of separator on either side ("" at the edges of the text),
    `heading` the zone that it announces as a section heading, `label` whether it ends in a colon.
    """

    lead: int
    start: int
    end: int
    mark: str
    number: int
    before: str
    after: str
    heading: str | None = None
    label: bool = False


@dataclass(frozen=True, slots=True)
class _Mark:
    start: int
    end: int
    kind: str  # kind of the separator or enumerator; "heading"
    number: int = -1  # of an enumerator, from 0; -1: a separator or heading
    zone: str | None = None  # of a heading
    # Only a heading keeps its text as an atom; every other mark is what stands between atoms.


def _squeeze(text: str) -> str:
    return "".join(text.lower().split())


@cache
def heading_phrases() -> dict[str, str]:
    """{heading phrase in Simplified, lower case, without spaces: zone that it announces}."""
    rules = load_rules("headings")
    return {_squeeze(str(phrase)): zone for zone in rules if zone != "glued" for phrase in rules[zone]}


@cache
def _glued_headings() -> frozenset[str]:
    return frozenset(load_rules("headings")["glued"])


# 主要岗位职责如下: what may stand around a heading phrase and still leave it one.
_AROUND = (
    r"(?:(?:本|该|其|您的|你的|我们的|对你的)?(?:岗位|职位|部门|公司|主要|具体|相关|核心|基本|日常|详细|其他|其它|以下|任职|应聘|招聘|聘用|进用|录用|应考|报考|报名|甄选|附加|必须)?的?)",
    r"(?:(?:主要|具体|内容)?(?:包括但不限于|包括|包含|涵盖|涵括|如下|有|为|是|清单|一览|概要|说明|描述|详情|部分|方面|介绍|及要求|与步骤|及步骤|与展开|与规范|与定义)?)",
)


@cache
def _heading_pattern() -> re.Pattern[str]:
    phrases = sorted({str(p) for group in load_rules("headings").values() for p in group}, key=len, reverse=True)
    body = "|".join(r"\s?".join(re.escape(part) for part in phrase.split()) for phrase in phrases)
    first_item = rf"[pP]?\(?\d{{1,2}}\s?(?:[、.,)]|:(?!\d))|[{NUMERALS}]、|[①⑴●◆■•?]|\([{NUMERALS}]\)|-\s?[{HAN}]"  # 任职要求1、…
    return re.compile(
        rf"(?P<open>[【\[《〖(<]?) ?(?P<whole>{_AROUND[0]}(?P<phrase>{body})){_AROUND[1]} ?"
        rf"(?:(?P<close>[】\]》〗)>] ?[:]?)|(?P<colon>[:]+)|(?P<off>(?=\s|\Z|{first_item})))?",
        re.IGNORECASE,
    )


@cache
def _heading_words() -> tuple[AhoCorasick, frozenset[str]]:
    """The first words of all heading phrases, and the characters that may stand between the start of a heading and them."""
    from ahocorasick_rs import AhoCorasick

    words = sorted({str(p).split()[0].lower() for group in load_rules("headings").values() for p in group})
    return AhoCorasick(words), frozenset(re.sub(r"[(?:|)]", "", _AROUND[0])) | frozenset("【[《〖(< ")


_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}  # the length stays
_FURTHEST = 16  # code points from the start of a heading to its phrase, at most


def _find_headings(folded: str) -> list[re.Match[str]]:
    """Every match of the heading pattern, at whatever place it starts; few places hold a phrase, so few are tried."""
    phrases, around = _heading_words()
    pattern = _heading_pattern()
    starts = set()
    low = folded.lower()  # several times as fast as a table
    if len(low) != len(folded):  # a letter whose small form is two
        low = folded.translate(_LOWER)
    for _, start, _ in phrases.find_matches_as_indexes(low, overlapping=True):
        starts.add(start)
        for place in range(start - 1, max(-1, start - _FURTHEST), -1):
            if folded[place] not in around:
                break
            starts.add(place)
    return [match for start in sorted(starts) if (match := pattern.match(folded, start))]


_NUMBER = re.compile(r"\d+")


def _number(text: str) -> int:
    """Value of an enumerator, 0 when it has none."""
    if digits := _NUMBER.findall(text):
        return int(digits[-1])
    values = [_VALUES[c] for c in text.lower() if c in _VALUES]
    if not values:
        return 0
    if values[0] == 10 and len(values) > 1:  # 十二
        return 10 + values[1]
    if len(values) > 1 and values[1] == 10:  # 二十三
        return 10 * values[0] + (values[2] if len(values) > 2 else 0)
    return values[0]


def _find_marks(folded: str) -> list[_Mark]:
    """Every mark that holds, in order, without overlap; where a heading and another mark compete the heading wins."""
    others = mark_finder()
    phrases = heading_phrases()
    headings = _find_headings(folded)
    starts = [match.start() for match in headings]
    marks: list[_Mark] = []
    numbers: dict[str, int] = {}  # last number of each kind of enumerator
    edge = 0

    def next_heading(position: int) -> re.Match[str] | None:
        place = bisect_left(starts, position)
        return headings[place] if place < len(headings) else None

    next_other = others.find(folded)
    heading, other = next_heading(0), next_other(0)
    while heading or other:
        if heading and (other is None or heading.start() <= other.start()):
            start = heading.start()
            at_boundary = start == edge or folded[start - 1] in _BOUNDARY
            if _heading_holds(folded, heading, edge, at_boundary):
                if not at_boundary and heading["whole"].startswith(_OF_TITLE):
                    start = heading.start("phrase")
                zone = phrases.get(_squeeze(heading["whole"])) or phrases[_squeeze(heading["phrase"])]
                marks.append(_Mark(start, heading.end(), "heading", zone=zone))
                edge = heading.end()
                if other and other.start() < edge:
                    other = next_other(edge)
            heading = next_heading(max(edge, start + 1))
            continue
        assert other is not None
        start, name = other.start(), other.lastgroup or ""
        found: _Mark | None = _Mark(start, other.end(), name)
        if name in others.kinds:
            found = _enumerator(folded, other, others.kinds[name], numbers, edge, marks[-1].kind if marks else "line")
        if found and found.end > start:
            marks.append(found)
            edge = found.end
            if heading and heading.start() < edge:
                heading = next_heading(edge)
        other = next_other(max(edge, start + 1))
    return marks


_LISTS = frozenset({"digit", "han", "letter", "roman", "formal", "stem"})
_GLUED = {"digit": r"2\s?\?{0,2}[、.,:)]", "han": r"二\s?[、.,:)]", "letter": r"b\s?[、.)]"}


def _goes_on(folded: str, match: re.Match[str], kind: str) -> bool:
    """Whether the second item of a list follows within 400 characters of the first."""
    return re.search(_GLUED[kind], folded[match.end() : match.end() + 400], re.IGNORECASE) is not None


def _enumerator(
    folded: str, match: re.Match[str], rule: tuple[str, bool], numbers: dict[str, int], edge: int, behind: str
) -> _Mark | None:
    """The enumerator, or None where it is a number or a dash inside a statement.

    `numbers` holds the last number of each kind and is brought up to date; `edge` is the end of the mark before and
    `behind` its kind.
    """
    kind, anywhere = rule
    start, number = match.start(), _number(match.group())
    series = {"bare-digit": "digit", "han-bare": "han"}.get(kind, kind)
    last = numbers.get(series, 0)
    follows = number > 1 and last > 0 and 0 < number - last <= 2
    at_boundary = start == edge or folded[start - 1] in _BOUNDARY
    if kind == "han-bare":
        holds = follows or (number == 1 and re.search(r"\n二", folded[start : start + 400]) is not None)
    elif kind == "bare-digit":
        first = start == edge and behind in ("line", "end", "heading") and (number == 1 or match.group()[0] == "0")
        holds = first or (follows and (at_boundary or "\u4e00" <= folded[start - 1] <= "\u9fff"))
    elif (
        kind in _LISTS
        and start > edge
        and (folded[start - 1] in ",，、/" or (folded[start - 1].isascii() and folded[start - 1].isalnum()))
    ):
        holds = follows  # not in 第2、3条; A、B两类; Vue3.
    else:
        # A list glued to its title (网页美工1、…2、…) is believed when it goes on.
        holds = anywhere or follows or at_boundary or (number == 1 and kind in _GLUED and _goes_on(folded, match, kind))
    if not holds:
        return None
    numbers[series] = number
    return _Mark(start, match.end(), series, number)


def _heading_holds(folded: str, match: re.Match[str], edge: int, at_boundary: bool) -> bool:
    """Whether a heading phrase is set off from the text around it."""
    set_off = bool(match["colon"] or match["close"]) or match["off"] is not None
    if at_boundary:
        # With nothing behind it (任职要求一年以上经验) only a full phrase is taken, and only where a sentence starts.
        return set_off or (
            len(match["whole"]) >= 4 and (match.start() == edge or folded[match.start() - 1] in "。；;\n")
        )
    # Glued to a short text before it (客服专员职责描述:), which then is a title.
    whole = match["whole"]
    if match["colon"] or match["close"]:
        return len(whole) >= 4 or match.start() - edge <= 24
    return (
        set_off and match.start() - edge <= 24 and _GLUED_END.search(whole) is not None
    ) or whole in _glued_headings()


# 电商部门岗位职责: glued to a name, this belongs to the name and not to the heading.
_OF_TITLE = ("部门", "公司")
# 客服专员岗位职责 and 店长职责 are a name with a heading; 硕士以上学历 is not.
_GLUED_END = re.compile(
    r"职责|职能|工作内容|(?:职位|岗位|工作|职务)(?:描述|说明|范围)|(?:任职|岗位|职位|招聘|应聘)(?:要求|资格|条件)"
)


_EDGE = " \n\t,，、。；;:：!?？·.�"


def cut_atoms(folded: str) -> list[Atom]:
    """Cut folded text into atoms, in order. The atoms and the marks between them cover the text.

    An enumerator belongs to the atom that it starts; a heading is an atom of its own; a short `label:` is cut from
    what follows it.
    """
    atoms: list[Atom] = []
    lead, mark, number, before, position = 0, "", 0, "", 0

    def close(end: int, after: str) -> None:
        nonlocal lead, mark, number, before
        for start, stop, is_label in _split_labels(folded, position, end):
            atoms.append(
                Atom(
                    lead if start == position else start,
                    start,
                    stop,
                    mark if start == position else "",
                    number if start == position else 0,
                    before if start == position else "label",
                    after if stop == end else "label",
                    label=is_label,
                )
            )

    for found in [*_find_marks(folded), _Mark(len(folded), len(folded), "")]:
        if folded[position : found.start].strip(_EDGE):
            close(found.start, "enum" if found.number >= 0 else found.kind)
            lead, mark, number, before = found.start, "", 0, found.kind
        elif found.number < 0 and found.kind and found.kind not in ("gap", "query", "inline") and not mark:
            # A block tag behind a sentence end is a lost line break.
            if found.kind == "art" and before == "end":
                before = "line"
            elif found.kind != "end" or not before:
                before = found.kind
            lead = found.start
        if found.kind in ("heading", "bracket"):
            inner = (found.start, found.end) if found.kind == "heading" else (found.start + 1, found.end - 1)
            atoms.append(Atom(lead if mark else found.start, *inner, mark, number, before, found.kind, found.zone))
            lead, mark, number, before = found.end, "", 0, found.kind
        elif found.number >= 0:
            if not mark:
                lead = found.start
            mark, number = found.kind, found.number
            before = before or "enum"
        position = found.end
    return atoms


_LABEL = re.compile(rf"(?=[^\n]*[{HAN}a-zA-Z])[^,，。；;:\n]{{1,24}}?:(?![/\d])")


def _split_labels(folded: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """(start, end, is label) of the parts of one stretch; a label keeps its colon."""
    match = _LABEL.match(folded, start, end)
    if match and folded[match.end() : end].strip(_EDGE):
        yield start, match.end(), True
        yield match.end(), end, False
    else:
        yield start, end, bool(match)
