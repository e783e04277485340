"""Postings without end, made of our own texts, that repeat as much as real ones.

    python -m tests.benchmarks.generator 1000000 -o POSTINGS.jsonl [--seed 1]

Titles, requirements, pay and page furniture are those of `corpus/documents`, duties those of `corpus/duties`. How much is
repeated follows what `tests.benchmarks.repetition` measures on scraped job boards in the order of the crawl: reposts with
another header, sections pasted from another posting, sentences that many use. Sentences that nobody wrote are put together
from clauses of two sentences and numbers, so that the number of different ones has no bound.

Every posting is a function of the seed and of its number. A repost is made again from the number of its original, so that
nothing is held but the corpus.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from json.encoder import encode_basestring as encode
from operator import add
from pathlib import Path

import opencc

CORPUS = Path(__file__).parents[2] / "corpus"

# Chosen so that 27,500 postings repeat as much as the 27,500 of five crawls that `repetition` was run on: 4.3 % reposts,
# 27 % of the sentences stood before, 30 % of the postings share half of their sentences.
REPOSTS = 0.055
EDITED = 0.14  # postings that are another one but for a duty
PASTED = 0.04  # postings with the duties of another one, or with its requirements
_NEAR = 0.5  # share of the originals that stand shortly before
_NEAR_MEAN = 20.0  # postings
# Which sentence of a pool comes next: number k of the pool with P(K >= k) = (1 + k / head) ** -_TAIL. Fitted to the shares.
_DUTY_HEAD = 4_500.0  # each role and script has a pool of its own
_REQUIREMENT_HEAD = 45_000.0
_TAIL = 0.75
_LENGTHS = (0, 2, 3, 4, 5, 6, 6, 7, 8, 8, 9, 9, 10, 10, 11, 12, 13, 14, 16, 19, 40)  # sentences at each 5 %
_DUTIES = 0.5  # share of duties among the sentences
_OWN_ROLE = 0.8  # duties of the posting's own role
_TRADITIONAL = 0.26  # as in the corpus
_HEADER = 0.3
_FURNITURE = 0.1

_NUMBERS = (
    "，每月不少于{}次", "，覆盖{}家门店", "，服务{}家客户", "，日均处理{}单", "，管理{}个品类", "，跟进{}个项目", "，带{}人小组",
    "，响应时间不超过{}分钟", "，对接{}个渠道", "，年度预算{}万元", "，核对{}份单据", "，负责{}号线", "，准确率达到{}‰", "，每批{}件",
)  # fmt: skip
_HEADINGS = (
    ("岗位职责：", "任职要求："),
    ("工作内容：", "任职资格："),
    ("职位描述", "岗位要求"),
    ("【工作职责】", "【任职条件】"),
)
_LAYOUTS = tuple(  # what stands between lines, and what before each
    (between, [form.format(i) for i in range(1, 60)])
    for between, form in (("\n", "{}、"), ("；", "{}、"), (" ", "{}、"), ("\n", "- "), ("\n", "{}."))
)
_CITIES = ("杭州", "广州", "深圳", "上海", "义乌", "成都", "武汉", "厦门", "台北", "苏州", "青岛", "长沙")
_CLAUSE = re.compile(r"[，,；;。]")
_MARK = re.compile(r"⟦([TRC])(?: ([a-z-]+))?\|([^⟦⟧\n]+)⟧")
_STRIDE = 1 << 40  # between the numbers of two seeds


class Pool:
    """An endless list of sentences: those that were written, then those that are put together of their clauses."""

    def __init__(self, sentences: Sequence[str], numbers: Sequence[str]) -> None:
        self._written = list(dict.fromkeys(sentences))
        clauses = [[c.strip() for c in _CLAUSE.split(one) if len(c.strip()) > 3] for one in self._written]
        self._starts = list(dict.fromkeys(found[0] for found in clauses if found))
        self._ends = list(dict.fromkeys("，" + c for found in clauses for c in found[1:])) or [""]
        self._numbers = [form.split("{}") for form in numbers]
        self._sizes = len(self._written), len(self._starts), len(self._ends), len(numbers)

    def __getitem__(self, k: int) -> str:
        written, starts, ends, forms = self._sizes
        if k < written:
            return self._written[k]
        k -= written
        start, k = k % starts, k // starts
        # Neighbours get other ends, and no two k the same pair.
        text = self._starts[start] + self._ends[(k + start * 7) % ends]
        k //= ends
        if not k:
            return text
        before, after = self._numbers[k % forms]
        return f"{text}{before}{k // forms + 2}{after}"


@dataclass(frozen=True)
class Script:
    """All texts in one script."""

    duties: dict[str, Pool]
    titles: dict[str, list[str]]
    requirements: Pool
    pay: list[str]
    furniture: list[str]
    headings: list[tuple[str, str]]
    cities: list[str]
    header: str


@dataclass(frozen=True)
class _Content:
    """What a repost has of its original."""

    script: Script
    role: str
    title: str
    duties: list[str]
    requirements: list[str]
    style: float


class Generator:
    """`rows(count)` gives the JSON lines of the first `count` postings of a seed."""

    def __init__(self, seed: int = 1) -> None:
        self._base = seed * _STRIDE
        self._random = random.Random()
        self._hans, self._hant = _load_scripts()
        self._roles = sorted(self._hans.duties)

    def rows(self, count: int) -> Iterator[str]:
        """Lines with line ends: `{id, title, text}`, ids `g-0`, `g-1` … in order."""
        for number in range(count):
            title, text = self.posting(number)
            yield f'{{"id": "g-{number}", "title": {encode(title)}, "text": {encode(text)}}}\n'

    def posting(self, number: int) -> tuple[str, str]:
        """Title and text of one posting."""
        self._start(number)
        kind = self._random.random()
        if not number or kind >= REPOSTS + EDITED + PASTED:
            return self._lay_out(self._draw())
        earlier = self._earlier(number)
        if kind < REPOSTS + EDITED:
            content = self._content(earlier)
            self._start(number)  # for a header of its own
            if kind >= REPOSTS:
                content = self._edit(content)
        else:
            other, content = self._content(earlier), self._content(number)
            if other.script is not content.script:
                pass  # nobody pastes what would have to be converted
            elif kind < REPOSTS + EDITED + PASTED * _DUTIES:
                content = replace(content, role=other.role, title=other.title, duties=other.duties)
            else:
                content = replace(content, requirements=other.requirements)
        return self._lay_out(content)

    def _edit(self, content: _Content) -> _Content:
        """The content with one duty that is new."""
        draw = self._random.random
        duties = list(content.duties)
        duties[int(draw() * len(duties))] = content.script.duties[content.role][int(draw() * _STRIDE)]
        return replace(content, duties=duties)

    def _start(self, number: int) -> None:
        self._random.seed(self._base + number)

    def _content(self, number: int) -> _Content:
        """What the posting of this number would say, were it neither a repost nor pasted."""
        self._start(number)
        self._random.random()  # the kind
        return self._draw()

    def _earlier(self, number: int) -> int:
        """Number of an earlier posting: shortly before, or any."""
        draw = self._random.random
        if draw() < _NEAR:
            return max(0, number - 1 - int(-_NEAR_MEAN * math.log(1.0 - draw())))
        return int(draw() * number)

    def _draw(self) -> _Content:
        draw = self._random.random
        script = self._hant if draw() < _TRADITIONAL else self._hans
        roles = self._roles
        role = roles[int(draw() ** 1.5 * len(roles))]
        titles = script.titles[role]
        title = titles[int(draw() * len(titles))]
        step, rest = divmod(draw() * 20, 1.0)
        low, high = _LENGTHS[int(step)], _LENGTHS[int(step) + 1]
        count = max(1, round(low + (high - low) * rest))
        duties = round(count * _DUTIES) or 1
        own, power = script.duties[role], -1.0 / _TAIL
        texts = []
        for _ in range(duties):
            pool = own if draw() < _OWN_ROLE else script.duties[roles[int(draw() * len(roles))]]
            texts.append(pool[int(_DUTY_HEAD * ((1.0 - draw()) ** power - 1.0))])
        pool = script.requirements
        wanted = [pool[int(_REQUIREMENT_HEAD * ((1.0 - draw()) ** power - 1.0))] for _ in range(count - duties)]
        return _Content(script, role, title, texts, wanted, draw())

    def _lay_out(self, content: _Content) -> tuple[str, str]:
        """The header is the posting's own, the body follows from the content."""
        draw, script, style = self._random.random, content.script, content.style
        title = f"{content.title}（{script.cities[int(draw() * len(script.cities))]}）"
        parts = []
        if style < _HEADER:
            number = int(draw() * 1e9)
            parts.append(script.header.format(number % 12 + 1, number % 28 + 1, number, 4 + number % 30))
        duties, requirements = script.headings[int(style * 97) % len(script.headings)]
        between, marks = _LAYOUTS[int(style * 31) % len(_LAYOUTS)]
        parts.append(duties)
        parts += map(add, marks, content.duties)
        if content.requirements:
            parts.append(requirements)
            parts += map(add, marks, content.requirements)
        if 0.4 < style < 0.6:
            parts.append(script.pay[int(style * 1e6) % len(script.pay)])
        if style > 1 - _FURNITURE:
            place = int(style * 1e6) % len(script.furniture)
            parts += script.furniture[place : place + 4]
        return title, between.join(parts)


@cache
def _load_scripts() -> tuple[Script, Script]:
    """The texts of the corpus in Simplified and in Traditional."""
    duties: dict[str, list[str]] = {}
    for path in sorted((CORPUS / "duties").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            duties.setdefault(row["role"], []).append(row["text"].rstrip("；;。"))
    titles: dict[str, list[str]] = {}
    requirements: list[str] = []
    pay: list[str] = []
    furniture: list[str] = []
    for path in sorted((CORPUS / "documents").glob("*.mark")):
        marked = path.read_text(encoding="utf-8")
        for kind, role, text in _MARK.findall(marked):
            if kind == "T":
                titles.setdefault(role, []).append(text)
            elif kind in "RC":
                (requirements if kind == "R" else pay).append(text)
        furniture += [line for line in marked.splitlines() if "⟦" not in line and 6 <= len(line) <= 40]
    random.Random(0).shuffle(requirements)
    return tuple(  # type: ignore[return-value]
        _convert(opencc.OpenCC(name).convert, duties, titles, requirements, pay, furniture) for name in ("t2s", "s2tw")
    )


def _convert(
    convert: Callable[[str], str],
    duties: dict[str, list[str]],
    titles: dict[str, list[str]],
    requirements: list[str],
    pay: list[str],
    furniture: list[str],
) -> Script:
    numbers = [convert(form) for form in _NUMBERS]
    return Script(
        {role: Pool(_convert_all(convert, texts), numbers) for role, texts in duties.items()},
        {role: _convert_all(convert, titles.get(role) or ["专员"]) for role in duties},
        Pool(_convert_all(convert, requirements), numbers),
        _convert_all(convert, pay),
        _convert_all(convert, furniture),
        [(convert(one), convert(other)) for one, other in _HEADINGS],
        _convert_all(convert, _CITIES),
        convert("发布日期：2024-{:02d}-{:02d}　职位编号：{:09d}　月薪：{}千"),
    )


def _convert_all(convert: Callable[[str], str], texts: Sequence[str]) -> list[str]:
    return convert("\n".join(texts)).split("\n")


def write(count: int, target: Path, seed: int = 1) -> None:
    """Write `count` postings to a file of JSON Lines."""
    with target.open("w", encoding="utf-8") as out:
        out.writelines(Generator(seed).rows(count))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("count", type=int)
    parser.add_argument("-o", dest="out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    write(given.count, given.out, given.seed)


if __name__ == "__main__":
    main()
