"""What holds for a whole document, brought to the labels that the sequence model gave to single atoms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from jdextract.extraction.content import CLASSES
from jdextract.extraction.features import next_numbers
from jdextract.extraction.lists import fill_sections, finish_last_list, settle_lists
from jdextract.extraction.segments import Atom, heading_phrases
from jdextract.extraction.stretches import Stretch
from jdextract.extraction.titles import Tier

# The position name that an atom holds, by its stretch; None without one.
Name = Stretch | None

_STATEMENT = 0.6


def rule_out(names: Sequence[Name], labels: Sequence[str]) -> list[Name]:
    """The position names without those whose words state a duty or a requirement (`运营企业微信社群`).

    Only the sequence model, which sees more, may make a title of such a stretch; the rules for whole documents may not.
    """
    return [
        name if name and (label == "T" or not _states(name)) else None
        for name, label in zip(names, labels, strict=True)
    ]


def _states(stretch: Stretch) -> bool:
    return stretch.shares[CLASSES.index("D")] + stretch.shares[CLASSES.index("R")] > _STATEMENT


# A missing title costs more than a false one: all duties below it go to the position before.
_TITLE_CHANCE = 0.3
_ALIKE_SHARE = 0.5


def settle(
    folded: str,
    atoms: Sequence[Atom],
    stretches: Sequence[Stretch],
    labels: Sequence[str],
    chances: Sequence[float],
    names: Sequence[Name],
) -> list[str]:
    """The labels of the sequence model, brought in line with what holds for a whole document.

    `chances`: probability of each atom to be a title; `names`: the stretch of each atom where it holds a position name.
    """
    chosen = choose_titles(atoms, labels, chances, names)
    for i in range(1, len(atoms)):
        if chosen[i] == "T" and stretches[i - 1].relation_label:
            chosen[i] = "O"
    chosen = settle_lists(atoms, chosen, [name.whole_tier if name else "none" for name in names])
    chosen = fill_sections(atoms, find_lacking_titles(folded, atoms, chosen, chances, names))
    chosen = join_items(atoms, clear_sections(folded, atoms, chosen))
    return finish_last_list(atoms, settle_posting(folded, atoms, chosen, chances))


_LONGEST_POSTING = 2_500  # code points
_SURE = 0.95
_FEW_LATE = 2


def settle_posting(folded: str, atoms: Sequence[Atom], labels: Sequence[str], chances: Sequence[float]) -> list[str]:
    """In the posting of one position, other names below its title name no further position.

    A short page with a title above its first value and at most one heading of duties is such a posting. One or two later
    names are believed only when they are sure, enumerated, or announce duties.
    """
    settled = list(labels)
    first = next((i for i, label in enumerate(labels) if label[0] in "BI"), 0)
    late = [i for i in range(first, len(atoms)) if labels[i] == "T"]
    if (
        len(folded) > _LONGEST_POSTING
        or "T" not in labels[:first]
        or not 0 < len(late) <= _FEW_LATE
        or sum(atom.heading == "duty" for atom in atoms) > 1
    ):
        return settled
    for i in late:
        announces = i + 1 < len(atoms) and atoms[i + 1].heading == "duty"
        if chances[i] < _SURE and not atoms[i].mark and not announces:
            settled[i] = "O"
    return settled


# A title that is lacking is looked for among the atoms that could be one.
_FALLBACK_CHANCE = 0.04


def find_lacking_titles(
    folded: str, atoms: Sequence[Atom], labels: list[str], chances: Sequence[float], names: Sequence[Name]
) -> list[str]:
    """Where values stand with no title above them, take the likeliest position name between them and what is before.

    That is the case before the first value of a page, and before a heading of duties that follows a finished position.
    A page whose first value has no other title above it is a posting: its first line is the posted title.
    """
    chosen = list(labels)
    start = 0
    for i, atom in enumerate(atoms):
        first = chosen[i][0] in "BI" and start == 0
        again = atom.heading == "duty" and start > 0 and any(chosen[j][0] in "BI" for j in range(start, i))
        if not first and not again:
            continue
        behind = next((j + 1 for j in range(i - 1, start - 1, -1) if chosen[j][0] in "BI"), start)
        between = [j for j in range(behind, i) if not atoms[j].heading and _tier_of(names[j]) != "none"]
        if not any(chosen[j] == "T" for j in range(behind, i)):
            best = max(between, key=lambda j: chances[j], default=None)
            if best is not None and chances[best] > _FALLBACK_CHANCE:
                chosen[best] = "T"
            elif first:
                _name_by_first_line(folded, atoms, chosen, names, i)
        start = max(start, i, 1)
    return chosen


def _tier_of(name: Name) -> Tier:
    return name.tier if name else "none"


def _name_by_first_line(
    folded: str, atoms: Sequence[Atom], labels: list[str], names: Sequence[Name], first_value: int
) -> None:
    line_end = folded.find("\n", atoms[0].start)
    line = [i for i in range(first_value) if line_end < 0 or atoms[i].start < line_end]
    for wanted in ("strong", "weak"):
        for i in line:
            if _tier_of(names[i]) == wanted:
                labels[i] = "T"
                return


# Enumerators of items; those of chapters (一、 第三条) have sections under them.
_ITEM_MARKS = frozenset({"digit", "circled", "digit-paren", "bullet", "dash", "letter", "section"})
_WEAK_CUTS = frozenset({"gap", "label", "dot", "tilde", "turn", "query", "art", "inline"})


def join_items(atoms: Sequence[Atom], labels: Sequence[str]) -> list[str]:
    """One enumerated item is one value, however many sentences it has; it is cut only where its kind changes.

    A line break ends an item, unless the numbering goes on behind it.
    """
    joined = list(labels)
    coming = next_numbers(atoms)
    in_item, kind, number = False, "", ("", 0)
    several_lines = ""  # kind of the list whose items are known to run over several lines
    for i, atom in enumerate(atoms):
        label = joined[i]
        goes_on = number[1] > 0 and coming[i] == (number[0], number[1] + 1)
        if in_item and goes_on and not atom.mark and atom.before == "line" and label == f"B-{kind}":
            several_lines = number[0]
        goes_on = goes_on or (number[1] > 1 and several_lines == number[0] and atom.before == "line")
        if atom.mark and atom.number == 1:
            several_lines = ""
        if atom.mark:
            in_item, number = atom.mark in _ITEM_MARKS, (atom.mark, atom.number)
            kind = label[-1] if label[0] in "BI" else ""
        elif atom.heading or label in ("T", "H") or (atom.before in _HARD_CUTS and not goes_on):
            in_item = False
        elif in_item and label[0] in "BI":
            if label == f"B-{kind}":
                joined[i] = f"I-{kind}"
            kind = label[-1]
        elif in_item and kind and atom.before in _WEAK_CUTS:
            joined[i] = f"I-{kind}"
        else:
            kind = ""
    return joined


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
_HARD_CUTS = frozenset({"line", "cell", "bracket", "heading"})


def choose_titles(
    atoms: Sequence[Atom], labels: Sequence[str], chances: Sequence[float], names: Sequence[Name]
) -> list[str]:
    """Settle which atoms are titles, given the probability of that for each.

    Pages set all titles off alike, so where half of the name-like atoms with one layout are titles, the others are.
    """
    chosen = ["T" if chance > _TITLE_CHANCE else label for label, chance in zip(labels, chances, strict=True)]
    alike: dict[tuple[str, str, bool, bool], list[int]] = {}
    for i, (atom, name) in enumerate(zip(atoms, names, strict=True)):
        if name and name.whole and name.tier != "none" and not atom.heading:
            alike.setdefault((atom.mark, atom.before, atom.label, name.tier == "department"), []).append(i)
    for members in alike.values():
        free = [i for i in members if chosen[i] in ("O", "H", "T")]
        named = sum(chosen[i] == "T" for i in members)
        if named >= 2 and named >= _ALIKE_SHARE * len(free):
            for i in free:
                if chances[i] > 0.02:
                    chosen[i] = "T"
    return chosen
