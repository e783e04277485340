"""Atoms -> zones: which stretches are titles, duties, requirements, pay, and which are none of these.

Two models, both trained on `corpus/`. The content model (words, logistic regression) says what a stretch is about by
itself. A linear-chain conditional random field (Lafferty, McCallum and Pereira, 2001) over the atoms of a document
weighs that against layout: enumerators, headings in force, neighbours. Its features are few and of kinds that do not
name words of single documents, so that it holds on pages of other sources.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jdextract.data import load_rules
from jdextract.extraction.content import CLASSES, ContentModel, Cut, read_words
from jdextract.extraction.lists import fill_sections, finish_last_list, settle_lists
from jdextract.extraction.segments import Atom, cut_atoms, heading_phrases
from jdextract.extraction.titles import (
    Tier,
    find_title,
    has_suffix,
    is_field,
    is_relation_label,
    is_title_label,
    is_whole,
    split_glued,
    tier,
)
from jdextract.records import Span

# Labels of the sequence model: B starts a value, I continues it.
LABELS = ("T", "B-D", "I-D", "B-R", "I-R", "B-C", "I-C", "H", "O")
_EDGE = " \n\t,，、。；;:：!！?？·.�-—~/|"


@dataclass(frozen=True, slots=True)
class Zoned:
    """One atom with its label, the probability of that label, and the position name that stands in it."""

    atom: Atom
    label: str
    score: float
    title: Span | None


def trim(folded: str, start: int, end: int) -> Span:
    """The span without separators at its edges; empty at `start` if nothing else is in it."""
    while start < end and folded[start] in _EDGE:
        start += 1
    while end > start and folded[end - 1] in _EDGE:
        end -= 1
    return start, end


def find_atoms(folded: str) -> list[Atom]:
    """All atoms of a document that hold something, in order."""
    atoms = split_glued(folded, cut_atoms(folded))
    return [atom for atom in atoms if folded[atom.start : atom.end].strip(_EDGE)]


@cache
def evidence() -> dict[str, re.Pattern[str]]:
    """{sign: pattern} of `data/evidence.yaml`."""
    return {name: re.compile(pattern, re.IGNORECASE) for name, pattern in load_rules("evidence").items()}


def _bucket(value: float, edges: Sequence[float]) -> int:
    return sum(value >= edge for edge in edges)


_CLOSERS = ";；。!，,:："
_LENGTHS = (3, 5, 8, 12, 18, 26, 40, 70, 120)
_SHARES = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)


@dataclass(slots=True)
class _View:
    """What one atom shows by itself, before its neighbours are looked at."""

    text: str
    features: list[str]
    key: list[str]  # the few that neighbours see too
    tier: Tier
    name: str  # tier and coverage of the position name in it
    title: Span | None
    behind: str  # the closing mark before it


def next_numbers(atoms: Sequence[Atom]) -> list[tuple[str, int] | None]:
    """For each atom the kind and number of the next numbered atom after it."""
    result: list[tuple[str, int] | None] = [None] * len(atoms)
    coming = None
    for i in range(len(atoms) - 1, -1, -1):
        result[i] = coming
        if atoms[i].number:
            coming = (atoms[i].mark, atoms[i].number)
    return result


def _next_headings(atoms: Sequence[Atom]) -> list[str]:
    """For each atom the next section heading within four atoms, and how far off it is."""
    result = []
    for i in range(len(atoms)):
        near = next((j for j in range(i + 1, min(i + 5, len(atoms))) if atoms[j].heading), None)
        result.append(f"{atoms[near].heading}:{near - i}" if near else "")
    return result


def _layout_shares(atoms: Sequence[Atom], views: Sequence[_View]) -> list[str]:
    """For each atom how many of those set off as it is (same enumerator, same separator) look like position names.

    Pages set all their titles off alike: `壹、總經理室` … `貳、門市部`.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for i, atom in enumerate(atoms):
        groups.setdefault((atom.mark, atom.before), []).append(i)
    result = [""] * len(atoms)
    for members in groups.values():
        named = sum(views[i].tier != "none" for i in members)
        text = f"{_bucket(len(members), (2, 4, 8, 16))}:{_bucket(named / len(members), (0.1, 0.3, 0.6, 0.9))}"
        for i in members:
            result[i] = text
    return result


def _view(folded: str, atom: Atom, content: Sequence[float]) -> _View:
    start, end = trim(folded, atom.start, atom.end)
    text = folded[start:end]
    found = find_title(folded, start, end) if atom.heading is None and len(text) <= 80 else None
    suffix = found is not None and has_suffix(folded, found[0], end)
    covered = (found[0][1] - found[0][0]) / max(1, len(text)) if found else 0.0
    whole: Tier = found[1] if found else "none"
    best = max(range(len(content)), key=content.__getitem__)
    kind = CLASSES[best]
    name = f"{whole}:{_bucket(covered, (0.3, 0.6, 0.9))}"
    features = [
        f"mark={atom.mark}",
        f"before={atom.before}",
        f"after={atom.after}",
        f"length={_bucket(len(text), _LENGTHS)}",
        f"tier={name}",
        f"tier={name}:mark={atom.mark}:{atom.after}",
        f"tier={name}:before={atom.before}:{atom.after}",
        f"tier={name}:content={kind}",
        f"content={kind}",
        *(f"p{name}={_bucket(share, _SHARES)}" for name, share in zip(CLASSES, content, strict=True)),
    ]
    if suffix:
        features += ["suffix", f"suffix:tier={name}:{atom.after}"]
    if atom.number == 1:
        features.append("first-item")
    if atom.label:
        features.append("label")
        if is_title_label(text):
            features.append("title-label")
    if atom.heading:
        features += ["heading", f"heading={atom.heading}"]
    behind = folded[atom.lead - 1] if atom.lead and folded[atom.lead - 1] in _CLOSERS else atom.before
    signs = [name for name, pattern in evidence().items() if pattern.search(text)]
    features += [f"sign={name}" for name in signs]
    if not signs:
        features.append("sign=none")
    features.append(f"tier={name}:signs={'+'.join(signs[:2])}")
    if text[:1].isascii():
        features.append("latin-start")
    key = [
        f"mark={atom.mark}",
        f"content={kind}",
        f"tier={whole if covered > 0.6 else 'none'}",
        f"heading={atom.heading or ''}",
    ]
    return _View(text, features, key, whole if covered > 0.3 else "none", name, found[0] if found else None, behind)


def _document_features(atoms: Sequence[Atom], views: Sequence[_View]) -> list[list[str]]:
    """Features that need the document: the section in force, the open item, repeats, neighbours."""
    rows: list[list[str]] = []
    section, since, item, item_atoms = "none", 0, "", 0
    seen: dict[str, int] = {}
    has_duty_heading = any(a.heading == "duty" for a in atoms)
    levels: list[str] = []  # kinds of enumerators in force, outermost first
    coming, ahead, shares = next_numbers(atoms), _next_headings(atoms), _layout_shares(atoms, views)
    number = 0
    for i, (atom, view) in enumerate(zip(atoms, views, strict=True)):
        if atom.heading:
            section, since = atom.heading, 0
        else:
            since += 1
        if atom.mark:
            item, item_atoms, number = atom.mark, 0, atom.number
            if atom.mark in levels:
                del levels[levels.index(atom.mark) + 1 :]
            else:
                levels.append(atom.mark)
        elif atom.before in ("line", "cell") or atom.heading:
            item = ""
        else:
            item_atoms += 1
        row = [
            *view.features,
            f"section={section}",
            f"section={section}:{view.key[1]}",
            f"section={section}:tier={view.tier}",
            f"since={_bucket(since, (1, 2, 3, 6, 12))}",
            f"item={item}:{min(item_atoms, 3)}",
            f"open={bool(item)}:{atom.before}",
            f"level={len(levels)}:{atom.mark}",
            f"behind={view.behind}:{bool(item)}",
        ]
        if item and not atom.mark and number:
            row.append(f"inside-numbered={coming[i] == (item, number + 1)}:{view.behind}")
        if i == 0:
            row += ["document-start", f"document-start:{view.tier}:{atom.after}"]
        if i == len(atoms) - 1:
            row.append("document-end")
        if not has_duty_heading:
            row.append("no-duty-heading")
        if len(view.text) > 1 and view.text in seen:
            row.append(f"repeat={'next' if i - seen[view.text] <= 2 else 'far'}")
        seen[view.text] = i
        for offset in (-2, -1, 1, 2):
            j = i + offset
            if 0 <= j < len(atoms):
                row += [f"{offset}:{feature}" for feature in views[j].key]
                if offset in (-1, 1):
                    row.append(f"{offset}:before={atoms[j].before}:{atoms[j].label}")
            else:
                row.append(f"{offset}:edge")
        row += [f"ahead={ahead[i]}", f"{view.name}:ahead={ahead[i]}"]
        row += [f"layout={shares[i]}", f"{view.name}:layout={shares[i]}"]
        following = views[i + 1] if i + 1 < len(atoms) else None
        row += [f"{view.name}:next={following.key[0]}" if following else f"{view.name}:next=edge"]
        if following:
            row += [f"{view.name}:next={following.key[1]}", f"{view.name}:next={following.key[3]}"]
            row.append(f"{view.name}:{atom.mark}:level={len(levels)}:next={following.key[0]}")
        if i and atoms[i - 1].label and is_title_label(views[i - 1].text):
            row.append("behind-title-label")
        rows.append(row)
    return rows


def describe(
    folded: str, atoms: Sequence[Atom], content: Sequence[Sequence[float]]
) -> tuple[list[list[str]], list[Span | None]]:
    """(features of each atom for the sequence model, position name in each atom). `content`: a row of shares an atom."""
    views = [_view(folded, atom, shares) for atom, shares in zip(atoms, content, strict=True)]
    return _document_features(atoms, views), [view.title for view in views]


class ZoningModel:
    """The two models of a folder: `content.npz`, `zones.crfsuite`. Neither runs code when it is loaded."""

    def __init__(self, content: ContentModel, tagger: Any, cut: Cut, version: str) -> None:
        self._content, self._tagger, self._cut, self.version = content, tagger, cut, version

    @classmethod
    def load(cls, folder: Path, cut: Cut) -> ZoningModel:
        """Raises ModelError when the folder does not hold the two files or one of them is not what it should be."""
        from jdextract.extraction.storage import load_zoning

        content, tagger, version = load_zoning(folder)
        return cls(content, tagger, cut, version)

    def share_content(self, folded: str, atoms: Sequence[Atom]) -> list[list[float]]:
        """For each atom the probabilities of `content.CLASSES` by its words alone."""
        return self._content.share([read_words(folded[slice(*trim(folded, a.start, a.end))], self._cut) for a in atoms])

    def zone(self, folded: str) -> list[Zoned]:
        """Label every atom of a document, in order."""
        atoms = find_atoms(folded)
        if not atoms:
            return []
        content = self.share_content(folded, atoms)
        rows, titles = describe(folded, atoms, content)
        labels = self._tagger.tag(rows)
        chances = [self._tagger.marginal("T", i) for i in range(len(atoms))]
        labels = settle(folded, atoms, labels, chances, rule_out(titles, labels, content))
        return [
            Zoned(atom, label, self._tagger.marginal(label, i), title)
            for i, (atom, label, title) in enumerate(zip(atoms, labels, titles, strict=True))
        ]


_STATEMENT = 0.6


def rule_out(
    titles: Sequence[Span | None], labels: Sequence[str], content: Sequence[Sequence[float]]
) -> list[Span | None]:
    """The position names without those whose words state a duty or a requirement (`运营企业微信社群`).

    Only the sequence model, which sees more, may make a title of such a stretch; the rules for whole documents may not.
    """
    stated = [shares[CLASSES.index("D")] + shares[CLASSES.index("R")] > _STATEMENT for shares in content]
    return [
        title if label == "T" or not statement else None
        for title, label, statement in zip(titles, labels, stated, strict=True)
    ]


# A missing title costs more than a false one: all duties below it go to the position before.
_TITLE_CHANCE = 0.3
_ALIKE_SHARE = 0.5


def settle(
    folded: str, atoms: Sequence[Atom], labels: Sequence[str], chances: Sequence[float], titles: Sequence[Span | None]
) -> list[str]:
    """The labels of the sequence model, brought in line with what holds for a whole document."""
    chosen = choose_titles(folded, atoms, labels, chances, titles)
    for i in range(1, len(atoms)):
        if chosen[i] == "T" and is_relation_label(folded[atoms[i - 1].start : atoms[i - 1].end]):
            chosen[i] = "O"
    chosen = settle_lists(atoms, chosen, [_whole_tier(folded, a, t) for a, t in zip(atoms, titles, strict=True)])
    chosen = fill_sections(atoms, find_lacking_titles(folded, atoms, chosen, chances, titles))
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


def _whole_tier(folded: str, atom: Atom, title: Span | None) -> Tier:
    """How much an atom as a whole, not only a part of it, looks like a position name."""
    start, end = trim(folded, atom.start, atom.end)
    if not title or not is_whole(folded, title, start, end):
        return "none"
    found = _tier_of(folded, title)
    return "weak" if found == "strong" and is_field(folded[slice(*title)]) else found


# A title that is lacking is looked for among the atoms that could be one.
_FALLBACK_CHANCE = 0.04


def find_lacking_titles(
    folded: str, atoms: Sequence[Atom], labels: list[str], chances: Sequence[float], titles: Sequence[Span | None]
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
        between = [j for j in range(behind, i) if not atoms[j].heading and _tier_of(folded, titles[j]) != "none"]
        if not any(chosen[j] == "T" for j in range(behind, i)):
            best = max(between, key=lambda j: chances[j], default=None)
            if best is not None and chances[best] > _FALLBACK_CHANCE:
                chosen[best] = "T"
            elif first:
                _name_by_first_line(folded, atoms, chosen, titles, i)
        start = max(start, i, 1)
    return chosen


def _tier_of(folded: str, span: Span | None) -> Tier:
    return tier(folded[slice(*span)]) if span else "none"


def _name_by_first_line(
    folded: str, atoms: Sequence[Atom], labels: list[str], titles: Sequence[Span | None], first_value: int
) -> None:
    line_end = folded.find("\n", atoms[0].start)
    line = [i for i in range(first_value) if line_end < 0 or atoms[i].start < line_end]
    for wanted in ("strong", "weak"):
        for i in line:
            if _tier_of(folded, titles[i]) == wanted:
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
    folded: str, atoms: Sequence[Atom], labels: Sequence[str], chances: Sequence[float], titles: Sequence[Span | None]
) -> list[str]:
    """Settle which atoms are titles, given the probability of that for each.

    Pages set all titles off alike, so where half of the name-like atoms with one layout are titles, the others are.
    """
    chosen = ["T" if chance > _TITLE_CHANCE else label for label, chance in zip(labels, chances, strict=True)]
    alike: dict[tuple[str, str, bool, bool], list[int]] = {}
    for i, (atom, title) in enumerate(zip(atoms, titles, strict=True)):
        start, end = trim(folded, atom.start, atom.end)
        if title and not atom.heading and is_whole(folded, title, start, end):
            kind = tier(folded[slice(*title)])
            if kind != "none":
                alike.setdefault((atom.mark, atom.before, atom.label, kind == "department"), []).append(i)
    for members in alike.values():
        free = [i for i in members if chosen[i] in ("O", "H", "T")]
        named = sum(chosen[i] == "T" for i in members)
        if named >= 2 and named >= _ALIKE_SHARE * len(free):
            for i in free:
                if chances[i] > 0.02:
                    chosen[i] = "T"
    return chosen
