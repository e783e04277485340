"""What the headings of a document announce, for the stretches below them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from jdextract.extraction.content import CLASSES
from jdextract.extraction.segments import Atom, heading_phrases
from jdextract.extraction.stretches import STATEMENT, Stretch

# Sections that state no duties, whatever their sentences look like (deliverables, assessment, cases, glossary, rules).
_NO_DUTIES = frozenset({"deliverable", "assessment", "case", "glossary", "rule"})


def clear_sections(folded: str, atoms: Sequence[Atom], labels: Sequence[str]) -> list[str]:
    """Take duties out of the sections that hold none.

    Such a section ends at a title, at a heading of another kind, or where the numbering that its heading stands in
    goes on.
    """
    cleared = list(labels)
    inside, level, number = False, "", 0
    for i, atom in enumerate(atoms):
        heading = atom.heading or ("" if labels[i] == "T" else _chapter_zone(folded, atom))
        if heading in _NO_DUTIES:
            if not inside or atom.mark == level:
                level, number = atom.mark, atom.number
            inside = True
        elif heading in ("duty", "requirement") or labels[i] == "T" or (inside and _ends_section(atom, level, number)):
            inside = False
        if inside and labels[i] in ("B-D", "I-D"):
            cleared[i] = "O"
    return cleared


_LONGEST_CHAPTER = 24  # code points


@cache
def _chapter_phrases() -> re.Pattern[str]:
    """Phrases that name sections without duties, for chapter headings that say more than one (考核办法与评分说明)."""
    phrases = [phrase for phrase, zone in heading_phrases().items() if zone in _NO_DUTIES and len(phrase) >= 2]
    return re.compile("|".join(map(re.escape, sorted(phrases, key=len, reverse=True))))


def _chapter_zone(folded: str, atom: Atom) -> str:
    """Zone of a chapter heading (四、…) by a phrase inside it, "" without one."""
    if (
        atom.mark not in _CHAPTER_MARKS
        or atom.end - atom.start > _LONGEST_CHAPTER
        or atom.after not in ("line", "enum")
    ):
        return ""
    found = _chapter_phrases().search(folded, atom.start, atom.end)
    return heading_phrases()[found.group()] if found else ""


def _ends_section(atom: Atom, level: str, number: int) -> bool:
    """Whether an atom goes on with the numbering in which the heading of a section stands (`level`, `number`)."""
    return bool(atom.mark) and ((atom.mark == level and atom.number > number) if level else atom.mark in _CHAPTER_MARKS)


_CHAPTER_MARKS = frozenset({"han", "chapter", "formal", "label"})


# What these signs say is no duty, even right below a heading of duties or in a list of some.
_NO_DUTY_SIGNS = frozenset({"contact", "benefit", "place", "site", "company", "education", "headcount"})
_PAY_SHARE = 0.2  # from here on a sign of pay counts too; 员工薪资之发放 is a duty
_SHORTEST_DUTY = 4  # code points
_BELOW_HEADING = 0.65  # mean probability from which on the lines below a heading of duties are some


def read_kind(stretch: Stretch) -> str:
    """What the words of a stretch are about, "O" for duties with a sign of something else."""
    paid = "pay" in stretch.signs and stretch.shares[CLASSES.index("C")] > _PAY_SHARE
    return "O" if stretch.kind == "D" and (paid or not _NO_DUTY_SIGNS.isdisjoint(stretch.signs)) else stretch.kind


def read_sure_kind(stretch: Stretch) -> str:
    """The same, "O" for what is not likely."""
    return read_kind(stretch) if max(stretch.shares) >= STATEMENT else "O"


def follow_headings(atoms: Sequence[Atom], labels: Sequence[str], stretches: Sequence[Stretch]) -> list[str]:
    """What stands right below a heading of duties, and reads like duties, states them.

    For pages whose few lines show nothing else: no enumerator, no verb at the start (`工作内容⏎文件编号与发行`). A line
    with a list below it is a topic (`售后维护⏎1、…`).
    """
    filled = list(labels)
    below = False
    run: list[int] = []
    for i, (atom, stretch) in enumerate(zip(atoms, stretches, strict=True)):
        topic = atom.mark == "label" or (i + 1 < len(atoms) and atoms[i + 1].mark not in ("", atom.mark))
        if below and labels[i] in "OH" and not atom.heading and not topic:
            below = read_kind(stretch) == "D" and len(stretch.text) >= _SHORTEST_DUTY and not atom.label
            if below:
                run.append(i)
                continue
        elif atom.heading or labels[i] == "T":
            if atom.heading == "duty" and len(run) == 1:
                run.clear()  # 职责⏎快递管理⏎工作内容: a topic
            below = atom.heading == "duty"
        elif labels[i] not in ("B-D", "I-D") and not topic:
            below = False
        _fill(filled, run, stretches)
    _fill(filled, run, stretches)
    return filled


def _fill(labels: list[str], run: list[int], stretches: Sequence[Stretch]) -> None:
    """Make duties of the lines in `run` if together they read like some, and empty it."""
    shares = [stretches[i].shares[CLASSES.index("D")] for i in run]
    if run and sum(shares) >= _BELOW_HEADING * len(run):
        for i in run:
            labels[i] = "B-D"
    run.clear()
