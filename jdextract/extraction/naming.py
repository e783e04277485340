"""Which atoms are titles, by what holds for a whole document: its form labels, its layout, where a title is lacking."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import cache

from jdextract.data import load_rules
from jdextract.extraction.content import CLASSES
from jdextract.extraction.marks import HAN
from jdextract.extraction.segments import Atom, heading_phrases
from jdextract.extraction.stretches import STATEMENT, Stretch
from jdextract.extraction.titles import LONGEST_TITLE, Tier

# The position name that an atom holds, by its stretch; None without one.
Name = Stretch | None


def rule_out(names: Sequence[Name], labels: Sequence[str]) -> list[Name]:
    """The position names without those whose words state a duty or a requirement (`运营企业微信社群`).

    Only the sequence model, which sees more, may make a title of such a stretch; the rules for whole documents may not.
    """
    return [
        name if name and (label == "T" or not _states(name)) else None
        for name, label in zip(names, labels, strict=True)
    ]


def _states(stretch: Stretch) -> bool:
    return stretch.shares[CLASSES.index("D")] + stretch.shares[CLASSES.index("R")] > STATEMENT


# A missing title costs more than a false one: all duties below it go to the position before.
_TITLE_CHANCE = 0.3
_ALIKE_SHARE = 0.5


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


def believe_labels(atoms: Sequence[Atom], stretches: Sequence[Stretch], labels: Sequence[str]) -> list[str]:
    """Titles as the labels of a form have it: `岗位名称：店长` names the position, `直接上级：店长` and the label itself do not.

    Behind a title with its label and before its first value, what other labels and departments name is no position;
    behind any title an abbreviation alone (`BI`) is a field of work.
    """
    believed = list(labels)
    titled = announced = False
    for i, (atom, stretch) in enumerate(zip(atoms, stretches, strict=True)):
        before = stretches[i - 1] if i else None
        if labels[i][0] in "BI":
            announced = False
        elif before and _names_position(before, atom, stretch) and labels[i] in "OHT":
            believed[i], titled, announced = "T", True, True
        elif labels[i] == "T":
            related = stretch.relation_label or (before and before.relation_label)
            field = titled and _ABBREVIATION.fullmatch(stretch.text)
            if related or field or (announced and (atom.before == "label" or stretch.tier == "department")):
                believed[i] = "O"
            else:
                titled, announced = True, False
    return believed


_ABBREVIATION = re.compile(r"[A-Za-z/]{1,4}")
_SHORTEST_LABEL = 4  # code points: 岗位名称, not 招聘 and other words that do without a label


def _names_position(before: Stretch, atom: Atom, stretch: Stretch) -> bool:
    """Whether a stretch is the position name that the label before it announces, in the same line or in a cell below."""
    if not before.title_label or atom.heading or atom.label or atom.mark or stretch.relation_label:
        return False
    if atom.before == "label":
        return stretch.tier in ("strong", "weak")
    return atom.before in ("line", "cell") and len(before.text) >= _SHORTEST_LABEL and stretch.whole_tier == "strong"


# A title that is lacking is looked for among the atoms that could be one.
_FALLBACK_CHANCE = 0.04


def find_lacking_titles(
    folded: str,
    atoms: Sequence[Atom],
    labels: list[str],
    chances: Sequence[float],
    names: Sequence[Name],
    stretches: Sequence[Stretch],
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
                _name_by_first_line(folded, atoms, chosen, names, stretches, i)
        start = max(start, i, 1)
    return chosen


def _tier_of(name: Name) -> Tier:
    return name.tier if name else "none"


def _name_by_first_line(
    folded: str,
    atoms: Sequence[Atom],
    labels: list[str],
    names: Sequence[Name],
    stretches: Sequence[Stretch],
    first_value: int,
) -> None:
    line_end = folded.find("\n", atoms[0].start)
    line = [i for i in range(first_value) if line_end < 0 or atoms[i].start < line_end]
    for wanted in ("strong", "weak"):
        for i in line:
            if _tier_of(names[i]) == wanted:
                labels[i] = "T"
                return
    # 用户研究: no word that names end in, but a line of its own that reads like one.
    if len(line) == 1 and line[0] == 0 and stretches[0].kind == "T" and len(stretches[0].text) <= LONGEST_TITLE:
        labels[0] = "T"


def name_by_glued_headings(folded: str, atoms: Sequence[Atom], labels: Sequence[str]) -> list[str]:
    """A short word that a heading of duties is glued to names a position, though it ends like none (`宿管岗位职责`)."""
    named = list(labels)
    for i, (atom, following) in enumerate(itertools.pairwise(atoms)):
        if following.heading != "duty" or following.start != atom.end or folded[atom.end] in " (":
            continue
        free = labels[i] in "OH" and not atom.heading and atom.before in _HEADS_LINE
        name = folded[atom.start : atom.end]
        if free and name not in heading_phrases() and _glued_name().fullmatch(name):
            named[i] = "T"
    return named


_HEADS_LINE = frozenset({"", "line", "enum", "heading", "bracket"})


@cache
def _glued_name() -> re.Pattern[str]:
    others = "|".join(map(re.escape, load_rules("positions")["no_glued_names"]))
    return re.compile(
        rf"(?!(?:{others})$)(?![本该各此])[{HAN}]{{2,8}}(?<![各的与和及等])(?<!范围|内容|定位|说明|描述|介绍)"
    )


LONGEST_POSTING = 2_500  # code points
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
        len(folded) > LONGEST_POSTING
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
