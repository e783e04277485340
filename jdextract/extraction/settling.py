"""What holds for a whole document, brought to the labels that the sequence model gave to single atoms."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jdextract.extraction.features import next_numbers
from jdextract.extraction.lists import fill_lists, fill_sections, finish_last_list, settle_lists
from jdextract.extraction.naming import (
    Name,
    believe_labels,
    choose_titles,
    find_lacking_titles,
    name_by_glued_headings,
    settle_posting,
)
from jdextract.extraction.sections import clear_sections, follow_headings, read_kind, read_sure_kind
from jdextract.extraction.segments import Atom
from jdextract.extraction.stretches import Stretch


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
    chosen = believe_labels(atoms, stretches, choose_titles(atoms, labels, chances, names))
    chosen = settle_lists(atoms, chosen, [name.whole_tier if name else "none" for name in names])
    chosen = name_by_glued_headings(folded, atoms, chosen)
    chosen = fill_sections(atoms, find_lacking_titles(folded, atoms, chosen, chances, names, stretches))
    chosen = fill_lists(atoms, follow_headings(atoms, chosen, stretches), list(map(read_kind, stretches)))
    chosen = join_items(atoms, clear_sections(folded, atoms, chosen), stretches)
    chosen = cut_at_blank_lines(folded, atoms, chosen, stretches)
    return finish_last_list(atoms, settle_posting(folded, atoms, chosen, chances))


# Enumerators of items; those of chapters (一、 第三条) have sections under them.
_ITEM_MARKS = frozenset({"digit", "circled", "digit-paren", "bullet", "dash", "letter", "section"})
_WEAK_CUTS = frozenset({"gap", "label", "dot", "tilde", "turn", "query", "art", "inline"})
_HARD_CUTS = frozenset({"line", "cell", "bracket", "heading"})


def join_items(atoms: Sequence[Atom], labels: Sequence[str], stretches: Sequence[Stretch]) -> list[str]:
    """One enumerated item is one value, however many sentences it has; it is cut only where its kind changes.

    A line break ends an item, unless the numbering goes on behind it; so do the words of the site (`相关文章`).
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
        elif in_item and kind and atom.before in _WEAK_CUTS and "site" not in stretches[i].signs:
            joined[i] = f"I-{kind}"
        else:
            kind = ""
    return joined


_BLANK_LINE = re.compile(r"\n\s*\n")


def cut_at_blank_lines(
    folded: str, atoms: Sequence[Atom], labels: Sequence[str], stretches: Sequence[Stretch]
) -> list[str]:
    """A value does not go on behind a blank line, unless its numbering does: what stands there is what its words say."""
    cut = list(labels)
    coming = next_numbers(atoms)
    number = ("", 0)
    for i in range(1, len(atoms)):
        number = (atoms[i - 1].mark, atoms[i - 1].number) if atoms[i - 1].number else number
        if labels[i][0] != "I" or not _BLANK_LINE.search(folded, atoms[i - 1].end, atoms[i].start):
            continue
        if coming[i] != (number[0], number[1] + 1):
            kind = read_sure_kind(stretches[i])
            cut[i] = f"B-{kind}" if kind in "DRC" else "O"
    return cut
