"""Answers about annotated documents, made the way language models answer, with the true place of every text.

A model that reads a page returns its texts; some come back in the other script, with other marks, without their white
space, with a wrong character, glued together of two, or from nowhere. The same seed makes the same answers.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from jdextract.annotation import GoldDocument, Labelled
from jdextract.extraction.script import detect

Kind = Literal["title", "duty", "requirement", "pay"]
Span = tuple[int, int]
CHANGES = ("verbatim", "repeated", "script", "width", "white space", "character", "spliced", "invented")
NOWHERE = ("spliced", "invented")  # changes that leave no true place

CHUNK = 1_000  # code points of a document in one answer: the default of langextract
_LONGEST = {"title": 60, "duty": 600, "requirement": 600, "pay": 600}  # what our schema allows
_SHARES = {"verbatim": 0.4, "script": 0.15, "width": 0.15, "white space": 0.1, "character": 0.2}
_MADE_UP = 0.1  # share of the values behind which one more is invented, and one more spliced
_EDGE = " \n\t\r\u3000;；。，,、:：."  # at either end of a span these make no difference
_WRONG = "甲乙丙丁戊己庚辛壬癸"
_INVENTED = (
    "负责月面基地氧气循环装置的日常巡检与更换滤芯",
    "每季度组织潜水员检查海底电缆并提交影像资料",
    "協助天文台維護望遠鏡並記錄每晚的觀測條件",
    "为马戏团的大象安排饮食并登记体重变化",
    "校对古籍抄本中的避讳字并编写凡例",
    "操作热气球搭载游客并与塔台保持联络",
    "依照潮汐表調整養殖浮台的繫泊纜繩",
    "持有深海焊接证书三年以上",
)
_TO_HALF = str.maketrans("，；：（）！？％０１２３４５６７８９", ",;:()!?%0123456789")
_TO_FULL = str.maketrans(",;:()!?%0123456789", "，；：（）！？％０１２３４５６７８９")
_BETWEEN = re.compile(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[\u4e00-\u9fff])")


@dataclass(frozen=True, slots=True)
class Said:
    """One returned text. `truth`: the spans of the chunk that it may be given, none for what is not there."""

    position: int
    kind: Kind
    text: str
    change: str
    truth: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a document and the answer about it, in the order of the document."""

    text: str
    script: str
    said: tuple[Said, ...]


def cut_chunks(document: GoldDocument, size: int = CHUNK) -> list[tuple[Span, list[tuple[int, Kind, Labelled]]]]:
    """Stretches of about `size` code points, cut behind a value, and their (record, kind, value) in order."""
    values: list[tuple[int, Kind, Labelled]] = []
    for number, record in enumerate(document.records):
        kinds: tuple[tuple[Kind, Sequence[Labelled]], ...] = (
            ("title", [record.title] if record.title else []),
            ("duty", record.duties),
            ("requirement", record.requirements),
            ("pay", record.compensation),
        )
        values += [(number, kind, value) for kind, some in kinds for value in some]
    chunks: list[tuple[Span, list[tuple[int, Kind, Labelled]]]] = []
    start = end = 0
    part: list[tuple[int, Kind, Labelled]] = []
    for each in sorted(values, key=lambda each: each[2].span):
        low, high = each[2].span
        if low < end or len(each[2].text) > _LONGEST[each[1]]:
            continue
        if part and high - start > size:
            chunks.append(((start, end), part))
            start, part = end, []
        part.append(each)
        end = high
    if part:
        chunks.append(((start, len(document.text)), part))
    return chunks


def record_answers(document: GoldDocument, seed: int, size: int = CHUNK) -> list[Chunk]:
    """The chunks of a document with answers; equal arguments give equal answers."""
    made = []
    script = detect(document.text)[0]
    for number, ((start, end), values) in enumerate(cut_chunks(document, size)):
        source = random.Random(f"{seed} {document.name} {number}")
        text = document.text[start:end]
        said: list[Said] = []
        for at, (record, kind, value) in enumerate(values):
            said.append(_say(source, text, record, kind, value, value.span[0] - start))
            if kind != "title":
                said += _make_up(source, text, record, kind, [v.text for _, k, v in values if k == kind], at)
        made.append(Chunk(text, script, tuple(said)))
    return made


def _say(source: random.Random, text: str, record: int, kind: Kind, value: Labelled, start: int) -> Said:
    own = trim(text, (start, start + len(value.text)))
    copies = _find_all(text, text[slice(*own)])
    if len(copies) > 1:
        return Said(record, kind, value.text, "repeated", tuple(copies))
    (change,) = source.choices(list(_SHARES), list(_SHARES.values()))
    changed = _CHANGE[change](source, value.text)
    if changed == value.text or changed in text:
        return Said(record, kind, value.text, "verbatim", (own,))
    return Said(record, kind, changed, change, (own,))


def _make_up(source: random.Random, text: str, record: int, kind: Kind, others: Sequence[str], at: int) -> list[Said]:
    """What a model adds of its own: a value from nowhere, and the half of one value with the half of another."""
    made = []
    if source.random() < _MADE_UP:
        made.append(Said(record, kind, source.choice(_INVENTED), "invented", ()))
    long = [other for other in others if len(other) >= 12]
    if source.random() < _MADE_UP and len(set(long)) > 1:
        first, second = source.sample(sorted(set(long)), 2)
        spliced = first[: len(first) // 2] + second[len(second) // 2 :]
        if spliced not in text:
            made.append(Said(record, kind, spliced, "spliced", ()))
    return made


def trim(text: str, span: Span) -> Span:
    """The span without marks and white space at its ends."""
    start, end = span
    while start < end and text[start] in _EDGE:
        start += 1
    while start < end and text[end - 1] in _EDGE:
        end -= 1
    return start, end


def _find_all(text: str, part: str) -> list[Span]:
    return [(match.start(), match.end()) for match in re.finditer(re.escape(part), text)] if part else []


def _other_script(source: random.Random, text: str) -> str:
    simple = str(_converter("t2s")(text))
    return simple if simple != text else str(_converter("s2t")(text))


@cache
def _converter(name: str) -> Callable[[str], str]:
    import opencc

    convert: Callable[[str], str] = opencc.OpenCC(name).convert
    return convert


def _other_width(source: random.Random, text: str) -> str:
    half = text.translate(_TO_HALF)
    return half if half != text else text.translate(_TO_FULL)


def _other_space(source: random.Random, text: str) -> str:
    bare = "".join(text.split())
    return bare if bare != text else _BETWEEN.sub(" ", text)


def _wrong_character(source: random.Random, text: str) -> str:
    places = [i for i, char in enumerate(text) if char.isalpha() and char not in _WRONG]
    if len(text) < 4 or not places:
        return text
    at = source.choice(places)
    return text[:at] + source.choice(_WRONG) + text[at + 1 :]


_CHANGE: dict[str, Callable[[random.Random, str], str]] = {
    "verbatim": lambda source, text: text,
    "script": _other_script,
    "width": _other_width,
    "white space": _other_space,
    "character": _wrong_character,
}


def write_positions(chunk: Chunk) -> str:
    """The answer as our schema has it: positions with their values."""
    fields = {"duty": "duties", "requirement": "requirements", "pay": "pay"}
    positions: dict[int, dict[str, Any]] = {}
    for said in chunk.said:
        empty: dict[str, Any] = {"title": None, "duties": [], "requirements": [], "pay": []}
        position = positions.setdefault(said.position, empty)
        if said.kind == "title":
            position["title"] = said.text
        else:
            position[fields[said.kind]].append(said.text)
    return json.dumps({"positions": list(positions.values())}, ensure_ascii=False)


def write_extractions(chunk: Chunk) -> str:
    """The answer as langextract has it: extractions with their class, in the order of the document."""
    return json.dumps({"extractions": [{said.kind: said.text} for said in chunk.said]}, ensure_ascii=False)


Outcome = Literal["exact", "edges", "elsewhere", "missing", "rejected"]


def judge(chunk: Chunk, spans: Sequence[Span | None]) -> list[Outcome]:
    """What became of each text. `spans`: where each was placed, in the chunk.

    `exact`: its place, marks at the ends aside; of equal texts each must have a copy of its own. `edges`: it overlaps its
    place. `elsewhere`: any other span. `missing`: none, though it is there; `rejected`: none, and rightly.
    """
    outcomes: list[Outcome] = []
    taken: set[Span] = set()
    for said, found in zip(chunk.said, spans, strict=True):
        span = trim(chunk.text, found) if found else None
        if span is None:
            outcomes.append("missing" if said.truth else "rejected")
        elif span in said.truth and span not in taken:
            taken.add(span)
            outcomes.append("exact")
        else:
            near = any(span[0] < end and start < span[1] for start, end in said.truth)
            outcomes.append("edges" if near and span not in taken else "elsewhere")
    return outcomes
