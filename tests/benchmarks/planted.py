"""Near-duplicates of known truth: duties of the corpus, changed as scraped copies are, among duties that look alike.

What they are changed by (synonyms, typos, slots) and the hard negatives stand in `planted.yaml`, which was written without
a look at the rules of the package.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

HERE = Path(__file__).parent
CORPUS = HERE.parent.parent / "corpus" / "duties"
CHANGES = ("script", "punctuation", "enumerator", "typo", "synonym", "slot", "truncation", "order")
_NUMERALS = ("{}、", "{}.", "({})", "（{}）", "{})")


@dataclass(frozen=True)
class Planted:
    texts: list[str]
    truth: list[int]  # number of the original of each text
    change: list[str]  # what was done to it, "" for an original
    hard: list[tuple[int, int]]  # rows of pairs that must stay apart


@dataclass(frozen=True)
class Score:
    """Pairs of rows in one cluster against pairs of one original."""

    precision: float
    recall: float
    f1: float
    rand: float  # adjusted Rand index
    lost: float  # share of rows in a cluster whose most frequent original is another one
    hard_merged: float  # share of the hard negative pairs in one cluster

    def row(self) -> list[str]:
        return [
            f"{value:.4f}" for value in (self.precision, self.recall, self.f1, self.rand, self.lost, self.hard_merged)
        ]


@cache
def _data() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((HERE / "planted.yaml").read_text(encoding="utf-8"))
    return loaded


def plant(rows: int, seed: int = 0) -> Planted:
    """`rows` texts: originals, each with copies (none to eleven, many have none), and the hard negatives."""
    rng = random.Random(seed)
    data = _data()
    corpus = [
        json.loads(line)["text"] for path in sorted(CORPUS.glob("*.jsonl")) for line in path.open(encoding="utf-8")
    ]
    rng.shuffle(corpus)
    said = {_letters(text) for pair in data["hard_negatives"] for text in pair}
    corpus = [text for text in corpus if not (_letters(text) in said or said.add(_letters(text)))]  # type: ignore[func-returns-value]
    texts: list[str] = []
    truth: list[int] = []
    change: list[str] = []
    hard = []
    for one, other in data["hard_negatives"]:
        hard.append((len(texts), len(texts) + 1))
        for text in (one, other):
            _add(rng, texts, truth, change, text, rng.choice((0, 0, 1, 3)))
            if text == one:
                hard[-1] = (hard[-1][0], len(texts))
    templates = data["templates"]
    # Copies grow with the rows once the corpus is used up, as repetition does in scraped pages.
    scale = max(1.0, rows / (2.7 * (len(corpus) + len(templates))))
    for number in range(rows):
        if len(texts) >= rows:
            break
        # Templates are as a hundredth of the originals, with more copies each.
        if number % 100 == 0 and number // 100 < len(templates):
            copies = int(rng.choice((3, 6, 12, 25)) * scale)
            _add(rng, texts, truth, change, templates[number // 100], copies, template=True)
        elif number < len(corpus):
            _add(rng, texts, truth, change, corpus[number], int(rng.choice((0, 0, 0, 1, 1, 2, 3, 6)) * scale))
        else:
            _add(rng, texts, truth, change, rng.choice(corpus), 0)
    order = list(range(len(texts)))
    rng.shuffle(order)
    place = {old: new for new, old in enumerate(order)}
    return Planted(
        [texts[i] for i in order],
        [truth[i] for i in order],
        [change[i] for i in order],
        [(place[a], place[b]) for a, b in hard],
    )


def _letters(text: str) -> str:
    """Equal for originals that say the same with the same characters: 起草合同 and 合同起草。"""
    return "".join(sorted(char for char in _converter("t2s")(text).lower() if char.isalnum()))


def _add(
    rng: random.Random,
    texts: list[str],
    truth: list[int],
    change: list[str],
    text: str,
    copies: int,
    *,
    template: bool = False,
) -> None:
    number = len(texts)
    original = _fill(rng, text) if template else text
    texts.append(original)
    truth.append(number)
    change.append("")
    for _ in range(copies):
        names = rng.sample(CHANGES, rng.choice((1, 1, 2)))
        copy, done = original, []
        if template:
            copy = _fill(rng, text)
            done.append("slot")
        for name in sorted(
            names, key=CHANGES.index, reverse=True
        ):  # the script last, because the tables are Simplified
            changed = _CHANGE[name](rng, copy) if name != "slot" else copy
            if changed != copy:
                copy = changed
                done.append(name)
        texts.append(copy)
        truth.append(number)
        change.append("+".join(done) or "same")


def _fill(rng: random.Random, template: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: str(rng.choice(_data()["slots"][match[1]])), template)


def _script(rng: random.Random, text: str) -> str:
    return _converter(rng.choice(("s2t", "s2tw", "s2hk")))(text)


@cache
def _converter(name: str) -> Any:
    import opencc

    return opencc.OpenCC(name).convert


def _punctuation(rng: random.Random, text: str) -> str:
    table = rng.choice((("，", ","), ("，", " "), ("、", ","), ("，", "；"), ("。", ""), ("、", "，")))
    changed = text.replace(*table)
    return changed if changed != text else text + rng.choice(("。", "；", ";", " "))


def _enumerator(rng: random.Random, text: str) -> str:
    return rng.choice(_NUMERALS).format(rng.choice((rng.randint(1, 20), "一二三四五六七"[rng.randrange(7)]))) + text


def _replace_one(rng: random.Random, text: str, pairs: Sequence[Sequence[str]]) -> str:
    here = [(a, b) for a, b in pairs if a in text]
    if not here:
        return text
    old, new = rng.choice(here)
    place = rng.choice([m.start() for m in re.finditer(re.escape(old), text)])
    return text[:place] + new + text[place + len(old) :]


def _typo(rng: random.Random, text: str) -> str:
    return _replace_one(rng, text, _data()["typos"])


def _synonym(rng: random.Random, text: str) -> str:
    return _replace_one(rng, text, _data()["synonyms"])


def _truncation(rng: random.Random, text: str) -> str:
    return text[: -max(1, int(len(text) * rng.uniform(0.08, 0.3)))] if len(text) >= 14 else text


def _order(rng: random.Random, text: str) -> str:
    clauses = [clause for clause in re.split("[，；]", text.rstrip("。；")) if clause]
    if len(clauses) < 2:
        return text
    rng.shuffle(clauses)
    return "，".join(clauses)


_CHANGE = {
    "script": _script,
    "punctuation": _punctuation,
    "enumerator": _enumerator,
    "typo": _typo,
    "synonym": _synonym,
    "truncation": _truncation,
    "order": _order,
}


def score(planted: Planted, clusters: Sequence[int]) -> Score:
    """`clusters`: any label for each row."""
    from sklearn.metrics import adjusted_rand_score

    def pairs(sizes: Sequence[int]) -> int:
        return sum(size * (size - 1) // 2 for size in sizes)

    both = Counter(zip(planted.truth, clusters, strict=True))
    shared = pairs(list(both.values()))
    found = pairs(list(Counter(clusters).values()))
    right = pairs(list(Counter(planted.truth).values()))
    precision, recall = shared / max(1, found), shared / max(1, right)
    most: dict[int, tuple[int, int]] = {}
    for (truth, label), count in sorted(both.items()):
        most[label] = max(most.get(label, (0, -1)), (count, truth))
    lost = sum(1 for truth, label in zip(planted.truth, clusters, strict=True) if most[label][1] != truth)
    merged = sum(clusters[a] == clusters[b] for a, b in planted.hard)
    return Score(
        precision,
        recall,
        2 * precision * recall / max(1e-9, precision + recall),
        float(adjusted_rand_score(planted.truth, np.array(clusters))),
        lost / len(clusters),
        merged / max(1, len(planted.hard)),
    )
