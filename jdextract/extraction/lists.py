"""Numbered lists in a page, and what holds for all items of one: either all of them name positions, or none does."""

from __future__ import annotations

from collections.abc import Sequence

from jdextract.extraction.segments import Atom
from jdextract.extraction.titles import Tier

_MOST = 0.6  # share of items from which on a list is one of positions
_FEW = 0.5  # share up to which its items are topics, though single ones look like names
_ITEMS = 3  # shorter lists say little
_LONGEST_TOPIC = 16  # code points
_LONGEST_NAME = 12
_CHAPTERS = frozenset({"han", "han-paren", "chapter", "section", "formal", "stem", "label"})
_BEHIND_NAMES = frozenset({"enum", "label", "line"})


def find_lists(atoms: Sequence[Atom]) -> list[list[int]]:
    """Index of the first atom of every item, list by list. An inner list ends where the outer one goes on."""
    lists: list[list[int]] = []
    open_lists: dict[str, list[int]] = {}  # kind of enumerator -> its list, outermost first
    for i, atom in enumerate(atoms):
        if not atom.number:
            continue
        current = open_lists.get(atom.mark)
        if current is not None and 0 < atom.number - atoms[current[-1]].number <= 2:
            kinds = list(open_lists)
            for inner in kinds[kinds.index(atom.mark) + 1 :]:
                del open_lists[inner]
            current.append(i)
        elif atom.number == 1 or current is None:
            open_lists.pop(atom.mark, None)
            open_lists[atom.mark] = [i]
            lists.append(open_lists[atom.mark])
    return lists


def settle_lists(atoms: Sequence[Atom], labels: Sequence[str], names: Sequence[Tier]) -> list[str]:
    """Titles and topics by their lists. `names[i]`: how much atom i as a whole looks like a position name.

    Where most items of a list are position names all such items are titles (`1. 店长:…2. 美工:…`); where few are,
    names that could be topics too are topics (`二、产品推广 三、数据分析` of one position). An item with a list of its
    own below it is a topic, not a duty.
    """
    settled = list(labels)
    for items in find_lists(atoms):
        named = [i for i in items if names[i] == "strong" and not atoms[i].heading]
        if len(items) >= _ITEMS and len(named) >= _MOST * len(items):
            for i in items:
                if i in named or (atoms[i].end - atoms[i].start <= _LONGEST_NAME and atoms[i].after in _BEHIND_NAMES):
                    settled[i] = "T"
        titles = [i for i in items if settled[i] == "T"]
        if not named and any(_is_topic(atoms, settled, i) for i in items):
            # 一、售后处理 1、… of one position, so 二、数据分析 is a topic as well.
            for i in titles:
                if names[i] == "weak":
                    settled[i] = "O"
            titles = [i for i in titles if settled[i] == "T"]
        few = len({*titles, *named}) <= _FEW * len(items)
        if len(items) >= _ITEMS and titles and (few or (not named and _stands_below_title(settled, names, items[0]))):
            for i in titles:
                if names[i] not in ("strong", "department"):
                    settled[i] = "O"
    _settle_labels(atoms, settled, names)
    for i, atom in enumerate(atoms):
        # 岗位职责 and below it a word that could be either: a topic of the duties.
        if settled[i] == "T" and i and atoms[i - 1].heading == "duty" and names[i] == "weak" and not atom.mark:
            settled[i] = "O"
    for i, atom in enumerate(atoms):
        short = atom.end - atom.start <= _LONGEST_TOPIC
        if (
            settled[i] == "B-D"
            and atom.mark
            and short
            and atom.after in ("enum", "line", "gap")
            and _heads_list(atoms, i)
        ):
            settled[i] = "O"
    return settled


def _is_topic(atoms: Sequence[Atom], labels: Sequence[str], i: int) -> bool:
    """Whether an item is no value and no title, is short, and has a list of its own below it."""
    short = atoms[i].end - atoms[i].start <= _LONGEST_TOPIC
    return labels[i] == "O" and not atoms[i].heading and short and _heads_list(atoms, i)


def _heads_list(atoms: Sequence[Atom], i: int) -> bool:
    """Whether a list of another kind of enumerator begins right behind an atom."""
    return i + 1 < len(atoms) and atoms[i + 1].number == 1 and atoms[i + 1].mark != atoms[i].mark


def _settle_labels(atoms: Sequence[Atom], labels: list[str], names: Sequence[Tier]) -> None:
    """A `label:` among others that belong to duties does too, though it could be a name (`内容策划:…流量引入:…`)."""
    groups: dict[tuple[str, str], list[int]] = {}
    for i, atom in enumerate(atoms):
        if atom.label and not atom.heading:
            groups.setdefault((atom.mark, atom.before), []).append(i)
    for members in groups.values():
        of_duties = sum(labels[i] == "B-D" for i in members)
        for i in members:
            if labels[i] == "T" and names[i] != "strong" and of_duties > 0.5 * len(members):
                labels[i] = "B-D"
                if i + 1 < len(atoms) and labels[i + 1] == "B-D" and atoms[i + 1].before == "label":
                    labels[i + 1] = "I-D"


def _stands_below_title(labels: Sequence[str], names: Sequence[Tier], start: int) -> bool:
    """Whether the value-less text before atom `start` ends in a sure title, whose topics then follow."""
    for i in range(start - 1, -1, -1):
        if labels[i] == "T":
            return names[i] == "strong"
        if labels[i][0] in "BI":
            return False
    return False


_SECTION_LABEL = {"duty": "B-D", "requirement": "B-R"}


def fill_sections(atoms: Sequence[Atom], labels: Sequence[str]) -> list[str]:
    """Items of a list that a section heading announces are what it says (`岗位职责：1、审核凭证`), however short.

    Not those with a list of their own below them, which are topics, and not lists in which positions stand.
    """
    filled = list(labels)
    for items in find_lists(atoms):
        first = items[0]
        label = _SECTION_LABEL.get(atoms[first - 1].heading or "") if first else None
        if (
            label is None
            or atoms[first].number != 1
            or atoms[first].mark in _CHAPTERS
            or any(labels[i] == "T" for i in items)
        ):
            continue
        # Of a longer list the sequence model has seen enough to be believed.
        if len(items) > _ITEMS and any(labels[i][0] == "B" for i in items):
            continue
        for i in items:
            topic = _heads_list(atoms, i) or (i + 1 < len(atoms) and atoms[i + 1].heading)
            if (
                labels[i] == "O"
                and not topic
                and not atoms[i].label
                and atoms[i].after != "cell"
                and atoms[i].end - atoms[i].start >= 2
            ):
                filled[i] = label
    return filled


def fill_lists(atoms: Sequence[Atom], labels: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """Items are what most items of their list are, where their words say so too (`kinds`: content class of each atom).

    Of a page without any duty, a list whose words are those of duties states them. Not where a heading says something
    else (福利：1、培训学习).
    """
    filled = list(labels)
    nothing = not any(label == "B-D" for label in labels)
    sections: list[str | None] = []  # the heading in force at each atom
    for atom in atoms:
        sections.append(atom.heading or (sections[-1] if sections else None))
    for items in find_lists(atoms):
        of_values = sections[items[0]] in (None, "duty", "requirement")
        if len(items) < _ITEMS or not of_values or any(labels[i] == "T" for i in items):
            continue
        free = [i for i in items if labels[i] == "O" and not atoms[i].label and not _heads_list(atoms, i)]
        for kind in "DR":
            same = sum(labels[i] == f"B-{kind}" for i in items)
            alike = [i for i in free if kinds[i] == kind]
            whole = kind == "D" and nothing and len(alike) > _MOST * len(items)
            if alike and (2 * same >= len(items) - len(alike) > 0 or whole):
                for i in alike:
                    filled[i] = f"B-{kind}"
    return filled


def finish_last_list(atoms: Sequence[Atom], labels: Sequence[str]) -> list[str]:
    """The last item of a page is what the item before it in its list is.

    Annotated pages mostly end in boilerplate, so the sequence model distrusts the last stretch of a page; a posting
    ends in its list.
    """
    finished = list(labels)
    last = len(atoms) - 1
    if last < 1 or labels[last] != "O" or atoms[last].number < 2 or atoms[last].heading:
        return finished
    for i in range(last - 1, -1, -1):
        if labels[i] in ("T", "H"):
            break
        if atoms[i].mark == atoms[last].mark:
            if atoms[i].number == atoms[last].number - 1 and labels[i] in ("B-D", "B-R"):
                finished[last] = labels[i]
            break
    return finished
