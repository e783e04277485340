"""Position names in folded text: how much a stretch looks like one, and where in it the name stands."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache, lru_cache
from string import ascii_letters
from typing import TYPE_CHECKING, Literal

from jdextract.data import load_rules
from jdextract.extraction.marks import HAN
from jdextract.extraction.segments import Atom
from jdextract.records import Span

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

Tier = Literal["strong", "weak", "department", "none"]

LONGEST_TITLE = 30  # code points


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    rules = load_rules("positions")

    def either(name: str) -> str:
        return "|".join(sorted(map(re.escape, rules[name]), key=len, reverse=True))

    latin = rf"(?<![a-z])(?:{either('latin')})(?![a-z])"
    return {
        "latin_end": re.compile(rf"{latin}$", re.IGNORECASE),
        "recruiting": re.compile(rf"(?:(?:{either('recruiting')})\s?[:]?\s?)+"),
        "generic": re.compile(rf"(?:{either('generic')})(?![{HAN}])"),
        "joined": re.compile("(?<=..)[与和及](?=..)"),
        "rank_end": re.compile(rf"(?:{either('generic')}|[员师长手工生者])$"),
        "no_name": re.compile(rf"(?:{either('no_names')})"),
        "label": re.compile(
            rf"\s*[【\[(]?(?:{either('labels')})[】\])]?\s*(?:[{'一二三四五六七八九十'}\d]{{1,2}})?\s*[:|]?\s*$",
            re.IGNORECASE,
        ),
        "relation": re.compile(
            rf"[\s【\[(]*(?:{either('relations')}|{'|'.join(rules['relation_patterns'])})[】\])\s:|]*$", re.IGNORECASE
        ),
        "glued_verb": re.compile(
            "负责|协助|制定|参与|管理|完成|根据|熟悉|执行|维护|处理|收集|分析|撰写|编写|审核|接待|提供|核对|监控|跟踪|策划|设计|拍摄|组织|统筹|对接|开发|办理"
        ),
        "suffix": re.compile(
            rf"\s?(?:{either('suffixes')})(?:篇?[一二三四五六七八九十\d]{{0,2}}|\([一二三四五六七八九十\d]{{1,2}}\))$"
        ),
        "suffix_start": re.compile(rf"\s?(?:{either('suffixes')})"),
        "lead_in": re.compile(rf"(?:{either('lead_ins')})[,:、的]?\s?"),
        "inner_suffix": re.compile(rf"(?:{either('suffixes')})"),
    }


def is_title_label(text: str) -> bool:
    """Whether folded `text` is a label such as 岗位名称: that has the name behind it."""
    return _patterns()["label"].match(text) is not None


def is_relation_label(text: str) -> bool:
    """Whether folded `text` is a label such as 直接上级: that has the name of another position behind it."""
    return _patterns()["relation"].match(text) is not None


# Where a name ends at the latest: what follows is detail (place, pay, urgency, English).
_STOP = re.compile(
    r"[,，。;；:!~?|★☆*\n\t(\[【<《{}]|\s{2,}|--+|——|…|[×xX]\s?\d|\d+\s?[名人位]|\d[\d,.]*\s?[kK元万]|薪|底薪|待遇|急聘|双休|包吃|包住|五险"
)
# 测试工程师是质量的守门员 / 產品經理 Product Manager: the name ends here if it is one.
_TURN = re.compile(
    rf"(?<=[{HAN}])(?:是|负责|从事|主要|作为|处在|须|需|\s?[/|]?\s?(?=[A-Za-z][A-Za-z-]{{3,}}(?:[\s.&/-]|$)))"
)
_TURN_SIGNS = frozenset("是负从主作处须需" + ascii_letters)
_OPENING = re.compile(
    r"^\s*(?:[^\w\s(\[【《「『（]+\s?|职缺[A-Z\d]\s|[oO#]?\d{1,2}(?:\.\d){0,3}\s+|[【\[(（「『《<][^】\])）」』》>\n]{1,30}[】\])）」』》>]\s?|[A-Z]{0,3}\.?\d{2,}[A-Za-z\d]*\s?[-_/—]\s?|[^\s\-_—/]{1,10}(?:类|部|处|所)\s?[-_—]\s?|[\"“'「\-—*~]+)+"
)
# Supply Chain Manager 供应链经理: the Chinese name is the title.
_ENGLISH = re.compile(rf"[A-Za-z][A-Za-z&/.,() -]{{5,}}\s(?=[{HAN}])")
_CLOSERS = " \t\n《》〈〉━─═-—_~·/、,，.。:：;；\"”'」』*+&"


@cache
def _endings() -> dict[Tier, tuple[str, ...]]:
    rules = load_rules("positions")
    return {
        "strong": tuple(word.lower() for word in rules["strong"]),
        "weak": tuple(word.lower() for word in rules["weak"]),
        "department": tuple(rules["department"]),
    }


@cache
def _verbs() -> tuple[str, ...]:
    return tuple(load_rules("positions")["verbs"])


@cache
def _no_positions() -> tuple[str, ...]:
    return tuple(load_rules("positions")["no_positions"])


_BREAKS = frozenset(",，。;；!")


@lru_cache(1 << 16)
def tier(text: str) -> Tier:
    """How much folded `text` as a whole looks like a position name."""
    text = text.strip(_CLOSERS)
    if (
        not 2 <= len(text) <= LONGEST_TITLE
        or not _BREAKS.isdisjoint(text)
        or (len(text) > 6 and text.startswith(_verbs()))
        or text.endswith(_no_positions())
    ):
        return "none"
    endings, low = _endings(), text.lower()
    if low.endswith(endings["strong"]) or (text[-1].isascii() and _patterns()["latin_end"].search(text)):
        return "strong"
    if low.endswith(endings["weak"]):
        return "weak"
    return "department" if text.endswith(endings["department"]) else "none"


def is_field(text: str) -> bool:
    """Whether text joins two fields of work and names no rank: 税务与审计, not 客服与售后专员."""
    patterns = _patterns()
    return patterns["joined"].search(text) is not None and patterns["rank_end"].search(text) is None


@cache
def _suffix_edges() -> tuple[frozenset[str], frozenset[str]]:
    """First and last characters of suffixes."""
    words = load_rules("positions")["suffixes"]
    return frozenset(word[0] for word in words), frozenset("一二三四五六七八九十0123456789)篇").union(
        w[-1] for w in words
    )


@cache
def _ending_words() -> AhoCorasick:
    from ahocorasick_rs import AhoCorasick, MatchKind

    rules = load_rules("positions")
    words = sorted({word.lower() for word in (*rules["strong"], *rules["latin"])})
    return AhoCorasick(words, matchkind=MatchKind.LeftmostLongest)


def _find_last_ending(name: str) -> int:
    """Where the last word that ends position names ends in `name`; 0 without one. Letters around Latin words are theirs."""
    low = name.lower()
    if len(low) != len(name):  # a letter whose small form is two
        low = name
    for _, start, end in reversed(_ending_words().find_matches_as_indexes(low)):
        behind = low[end : end + 1]
        before = low[start - 1 : start]
        glued = "a" <= behind <= "z" or ("a" <= low[start] <= "z" and "a" <= before <= "z")
        if not glued and (end - start > 1 or low[start] in "员师"):
            return end
    return 0


_LETTERS = re.compile(rf"[{HAN}A-Za-z]")
_NAMED = re.compile(rf"[{HAN}A-Za-z]{{2}}")


def find_title(text: str, *, posted: bool = False) -> tuple[Span, Tier] | None:
    """Span of the position name inside a folded stretch and how sure its form is, or None.

    The name is one part of it: openers (`【急聘】`, codes, 诚聘) and what follows it (岗位职责, brackets, head count, pay,
    place) are left out. `posted`: the stretch stands at the start of its document.
    """
    patterns = _patterns()
    start, end = 0, len(text)
    opening = _OPENING.match(text)
    if opening and _LETTERS.search(text, opening.end()):
        start = opening.end()
    if (lead_in := patterns["lead_in"].match(text, start)) and lead_in.end() < end - 1:
        start = lead_in.end()
    # The English name of a posted title, at the start, is a part of it.
    english = _ENGLISH.match(text, start) if start or not posted else None
    if english and tier(english.group()) == tier(_STOP.split(text[english.end() :])[0]) == "strong":
        start = english.end()
    if recruiting := patterns["recruiting"].match(text, start):
        rest = text[recruiting.end() :].strip(_CLOSERS)
        if _NAMED.match(rest) and not patterns["generic"].match(rest):
            start = recruiting.end()
    end = _find_stop(text, start)
    for cut in () if _TURN_SIGNS.isdisjoint(text) else _TURN.finditer(text, start, end):
        if cut.start() - start >= 2 and tier(text[start : cut.start()]) in ("strong", "weak"):
            end = cut.start()
            break
    start, end = _name_part(text, *_trim(text, start, end))
    starts, ends = _suffix_edges()
    while end > start and text[end - 1] in ends and (suffix := patterns["suffix"].search(text[start:end])):
        if suffix.start() < 2:
            break
        if suffix.group() == "岗" and tier(text[start : start + suffix.start()]) == "none":
            break
        start, end = _trim(text, start, start + suffix.start())
    if (
        not starts.isdisjoint(text)
        and (inner := patterns["inner_suffix"].search(text, start, end))
        and inner.start() - start >= 2
        and len(inner.group()) >= 4
    ):
        start, end = _trim(text, start, inner.start())
    if end - start > LONGEST_TITLE or end - start < 2:
        return None
    found = tier(text[start:end])
    if found == "none":
        # 大数据开发助理双休: cut behind the last word that ends names.
        last = _find_last_ending(text[start:end])
        if 0 < last < end - start and not patterns["no_name"].match(text, start + last, end):
            start, end = _trim(text, start, start + last)
            found = tier(text[start:end])
    return ((start, end), found) if end - start >= 2 else None


# 系统管理(资深)工程师: a bracket inside the name, with the end of the name behind it.
_INNER_BRACKET = re.compile(rf"\([^()\n]{{1,8}}\)(?=[{HAN}])")
_LONGEST_END = 6  # code points


def _find_stop(text: str, start: int) -> int:
    """Where the name ends at the latest: what stops it stands there, or nothing does."""
    stop = _STOP.search(text, start)
    if stop and (bracket := _INNER_BRACKET.match(text, stop.start())):
        behind = _STOP.search(text, bracket.end())
        end = behind.start() if behind else len(text)
        rest = text[bracket.end() : end].strip(_CLOSERS)
        if len(rest) <= _LONGEST_END and tier(text[start : stop.start()]) != "strong" and tier(rest) == "strong":
            return end
    return stop.start() if stop and stop.start() > start else len(text)


def has_suffix(text: str, title: Span) -> bool:
    """Whether a position name is followed by what only names a document about it: 客服专员`岗位职责`."""
    return _patterns()["suffix_start"].match(text, title[1]) is not None


def is_whole(text: str, title: Span) -> bool:
    """Whether a stretch is the position name with no more than a suffix and the name once again."""
    if title[0] > 0.1 * title[1] or title[1] == len(text):
        return title[0] <= 0.1 * title[1]
    name = text[slice(*title)]
    behind = _patterns()["suffix_start"].sub("", text[title[1] :], count=1).strip(_CLOSERS)
    rest = title[0] + (0 if behind == name else len(behind))
    return rest <= 0.1 * (title[1] - title[0] + rest)


_JOINTS = re.compile(r"[-_—–]+")
_DASHES = frozenset("-_—–")
_CODE_END = re.compile(r"[A-Z]{0,3}\d{3,}$|(?<=[员师人])[A-Z]\d$")


def _name_part(folded: str, start: int, end: int) -> Span:
    """The part between dashes that is the name: `蚂蚁集团-产品专家-杭州`, `PRD_SD_高级开发工程师`, but `SAP-ABAP顾问` whole."""
    if (
        end > start
        and folded[end - 1].isdecimal()
        and (code := _CODE_END.search(folded[start:end]))
        and code.start() >= 2
    ):
        end = start + code.start()
    if _DASHES.isdisjoint(folded[start:end]):
        return start, end
    parts, at = [], start
    for joint in _JOINTS.finditer(folded, start, end):
        parts.append((at, joint.start()))
        at = joint.end()
    parts.append((at, end))
    if len(parts) > 1:
        tiers = [tier(folded[first:last]) for first, last in parts]
        wanted = next((wanted for wanted in ("strong", "weak") if wanted in tiers), "none")
        for i, (first, last) in reversed(list(enumerate(parts))):
            if tiers[i] == wanted != "none":
                if (
                    i
                    and folded[first].isascii()
                    and folded[parts[i - 1][0] : parts[i - 1][1]].isascii()
                    and folded[first - 1] == "-"
                ):
                    first = parts[i - 1][0]
                return _trim(folded, first, last)
    return start, end


def _trim(folded: str, start: int, end: int) -> Span:
    text = folded[start:end].rstrip(_CLOSERS)
    end = start + len(text)
    return end - len(text.lstrip(_CLOSERS)), end


def split_glued(folded: str, atoms: list[Atom]) -> list[Atom]:
    """Cut a name off the statement that the scrape glued to it.

    `客服专员职责客服专员是…` is cut behind 职责, and behind an enumerator of chapters `五、文案撰写详情页…` before the verb.
    """
    patterns = _patterns()
    result = []
    for atom in atoms:
        cut = 0
        if (
            atom.heading is None
            and not atom.label
            and (atom.mark in _CHAPTERS or atom.before in ("line", "", "heading", "bracket"))
        ):
            window = folded[atom.start : min(atom.end, atom.start + 34)]
            suffix = patterns["inner_suffix"].search(window, 2)
            if suffix and patterns["generic"].match(window, suffix.end()):
                suffix = None  # 招聘 in 招聘专员 ends no name
            if suffix and tier(window[: suffix.start()]) != "none":
                cut = atom.start + suffix.end()
            elif (
                (
                    atom.mark in _CHAPTERS
                    and tier(_STOP.split(window)[0]) == "none"
                    and (verb := patterns["glued_verb"].search(window, 2))
                )
                and verb.start() <= 9
                and tier(window[: verb.start()]) in ("strong", "weak")
            ):
                cut = atom.start + verb.start()
        if not cut and atom.heading is None and (twice := _TWICE.match(folded, atom.start, atom.end)):
            cut = twice.end()
        if (
            not cut
            and atom.heading is None
            and (comma := _COMMA.search(folded, atom.start, min(atom.end, atom.start + 18)))
        ) and (
            comma.start() - atom.start >= 2
            and tier(_STOP.split(folded[atom.start : comma.start()])[0]) == "strong"
            and atom.before in ("", "line")
        ):
            cut = comma.end()
        if cut and len(folded[cut : atom.end].strip(_CLOSERS)) >= 4:
            result.append(replace(atom, end=cut, after="glued"))
            result.append(replace(atom, lead=cut, start=cut, mark="", number=0, before="glued"))
        else:
            result.append(atom)
    return result


# 运营专员(Operation Specialist)运营专员负责…
_TWICE = re.compile(r"(?P<name>[^\s()]{2,14})\s?\([A-Za-z][A-Za-z .&/-]+\)(?=(?P=name))")
_COMMA = re.compile(r"[,，+]")
_CHAPTERS = frozenset({"han", "han-paren", "chapter", "section", "formal", "stem", "label"})
