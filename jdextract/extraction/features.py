"""Features of atoms for the sequence model.

Features come in parts: what always goes together is one part, a tuple of a few categories. Training spells every part
out as strings; decoding sums the weights of each distinct part once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jdextract.extraction.content import CLASSES
from jdextract.extraction.segments import Atom
from jdextract.extraction.stretches import Stretch, find_bucket

Part = tuple[Any, ...]  # name of its speller, then the categories

_CLOSERS = frozenset(";；。!，,:：")
PARTS = 13  # of each atom


def _spell_layout(mark: str, before: str, after: str, name: str, kind: str) -> list[str]:
    return [
        f"mark={mark}",
        f"before={before}",
        f"after={after}",
        f"tier={name}",
        f"tier={name}:mark={mark}:{after}",
        f"tier={name}:before={before}:{after}",
        f"tier={name}:content={kind}",
        f"content={kind}",
    ]


def _spell_words(length: int, *shares: int) -> list[str]:
    return [f"length={length}", *(f"p{name}={share}" for name, share in zip(CLASSES, shares, strict=True))]


def _spell_signs(name: str, signs: tuple[str, ...], latin: bool) -> list[str]:
    features = [f"sign={sign}" for sign in signs] or ["sign=none"]
    features.append(f"tier={name}:signs={'+'.join(signs[:2])}")
    return [*features, "latin-start"] if latin else features


def _spell_marks(name: str, after: str, suffix: bool, first: bool, label: str, heading: str | None) -> list[str]:
    features = ["suffix", f"suffix:tier={name}:{after}"] if suffix else []
    if first:
        features.append("first-item")
    if label:
        features += ["label", "title-label"] if label == "title" else ["label"]
    if heading:
        features += ["heading", f"heading={heading}"]
    return features


def _spell_section(section: str, kind: str, tier: str, since: int) -> list[str]:
    return [
        f"section={section}",
        f"section={section}:content={kind}",
        f"section={section}:tier={tier}",
        f"since={since}",
    ]


def _spell_item(item: str, atoms: int, before: str, level: int, mark: str, behind: str) -> list[str]:
    return [
        f"item={item}:{atoms}",
        f"open={bool(item)}:{before}",
        f"level={level}:{mark}",
        f"behind={behind}:{bool(item)}",
    ]


def _spell_place(
    numbered: bool | None, behind: str, start: str | None, end: bool, no_heading: bool, repeat: str, labelled: bool
) -> list[str]:
    features = [] if numbered is None else [f"inside-numbered={numbered}:{behind}"]
    if start is not None:
        features += ["document-start", f"document-start:{start}"]
    if end:
        features.append("document-end")
    if no_heading:
        features.append("no-duty-heading")
    if repeat:
        features.append(f"repeat={repeat}")
    return [*features, "behind-title-label"] if labelled else features


def _spell_neighbour(offset: int, mark: str, kind: str, tier: str, heading: str, before: str, label: bool) -> list[str]:
    features = [
        f"{offset}:mark={mark}",
        f"{offset}:content={kind}",
        f"{offset}:tier={tier}",
        f"{offset}:heading={heading}",
    ]
    return [*features, f"{offset}:before={before}:{label}"] if offset in (-1, 1) else features


def _spell_edge(offset: int) -> list[str]:
    return [f"{offset}:edge"]


def _spell_ahead(name: str, ahead: str, layout: str) -> list[str]:
    return [f"ahead={ahead}", f"{name}:ahead={ahead}", f"layout={layout}", f"{name}:layout={layout}"]


def _spell_next(name: str, own_mark: str, level: int, mark: str, kind: str, heading: str) -> list[str]:
    return [
        f"{name}:next=mark={mark}",
        f"{name}:next=content={kind}",
        f"{name}:next=heading={heading}",
        f"{name}:{own_mark}:level={level}:next=mark={mark}",
    ]


def _spell_last(name: str) -> list[str]:
    return [f"{name}:next=edge"]


_SPELLERS: dict[str, Callable[..., list[str]]] = {
    "layout": _spell_layout,
    "words": _spell_words,
    "signs": _spell_signs,
    "marks": _spell_marks,
    "section": _spell_section,
    "item": _spell_item,
    "place": _spell_place,
    "neighbour": _spell_neighbour,
    "edge": _spell_edge,
    "ahead": _spell_ahead,
    "next": _spell_next,
    "last": _spell_last,
}


def spell(part: Part) -> list[str]:
    """The features of a part as the sequence model names them."""
    return _SPELLERS[part[0]](*part[1:])


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
    result = [""] * len(atoms)
    near: int | None = None
    for i in range(len(atoms) - 1, -1, -1):
        if near is not None and near - i <= 4:
            result[i] = f"{atoms[near].heading}:{near - i}"
        if atoms[i].heading:
            near = i
    return result


def _layout_shares(atoms: Sequence[Atom], tiers: Sequence[str]) -> list[str]:
    """For each atom how many of those set off as it is (same enumerator, same separator) look like position names.

    Pages set all their titles off alike: `壹、總經理室` … `貳、門市部`.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for i, atom in enumerate(atoms):
        groups.setdefault((atom.mark, atom.before), []).append(i)
    result = [""] * len(atoms)
    for members in groups.values():
        named = sum(tiers[i] != "none" for i in members)
        shared = find_bucket(named / len(members), (0.1, 0.3, 0.6, 0.9))
        text = f"{find_bucket(len(members), (2, 4, 8, 16))}:{shared}"
        for i in members:
            result[i] = text
    return result


_NO_NAME = "none:0"


def find_parts(folded: str, atoms: Sequence[Atom], stretches: Sequence[Stretch]) -> list[list[Part]]:
    """The parts of each atom, `PARTS` of each: what it shows, the section and item it stands in, its neighbours."""
    # A section heading is not looked at as a name.
    names = [_NO_NAME if a.heading else s.name for a, s in zip(atoms, stretches, strict=True)]
    tiers = [s.tier if s.covered > 0.3 and not a.heading else "none" for a, s in zip(atoms, stretches, strict=True)]
    seen_by_others = [
        (a.mark, s.kind, "none" if a.heading or s.covered <= 0.6 else s.tier, a.heading or "", a.before, a.label)
        for a, s in zip(atoms, stretches, strict=True)
    ]
    has_duty_heading = any(a.heading == "duty" for a in atoms)
    coming, ahead, shares = next_numbers(atoms), _next_headings(atoms), _layout_shares(atoms, tiers)
    section, since, item, item_atoms, number = "none", 0, "", 0, 0
    seen: dict[str, int] = {}
    levels: list[str] = []  # kinds of enumerators in force, outermost first
    last = len(atoms) - 1
    rows: list[list[Part]] = []
    for i, (atom, stretch, name) in enumerate(zip(atoms, stretches, names, strict=True)):
        mark, before, after, heading = atom.mark, atom.before, atom.after, atom.heading
        if heading:
            section, since = heading, 0
        else:
            since += 1
        if mark:
            item, item_atoms, number = mark, 0, atom.number
            if mark in levels:
                del levels[levels.index(mark) + 1 :]
            else:
                levels.append(mark)
        elif before in ("line", "cell") or heading:
            item = ""
        else:
            item_atoms += 1
        text, kind, level = stretch.text, stretch.kind, len(levels)
        behind = folded[atom.lead - 1] if atom.lead and folded[atom.lead - 1] in _CLOSERS else before
        repeat = ""
        if len(text) > 1:
            if text in seen:
                repeat = "next" if i - seen[text] <= 2 else "far"
            seen[text] = i
        label = ("title" if stretch.title_label else "other") if atom.label else ""
        labelled = i > 0 and atoms[i - 1].label and stretches[i - 1].title_label
        following = seen_by_others[i + 1] if i < last else None
        rows.append(
            [
                ("layout", mark, before, after, name, kind),
                ("words", *stretch.buckets),
                ("signs", name, stretch.signs, text[:1].isascii()),
                ("marks", name, after, stretch.suffix and not heading, atom.number == 1, label, heading),
                ("section", section, kind, tiers[i], find_bucket(since, (1, 2, 3, 6, 12))),
                ("item", item, min(item_atoms, 3), before, level, mark, behind),
                (
                    "place",
                    coming[i] == (item, number + 1) if item and not mark and number else None,
                    behind,
                    f"{tiers[i]}:{after}" if i == 0 else None,
                    i == last,
                    not has_duty_heading,
                    repeat,
                    labelled,
                ),
                ("neighbour", -2, *seen_by_others[i - 2]) if i > 1 else ("edge", -2),
                ("neighbour", -1, *seen_by_others[i - 1]) if i else ("edge", -1),
                ("neighbour", 1, *following) if following else ("edge", 1),
                ("neighbour", 2, *seen_by_others[i + 2]) if i + 2 <= last else ("edge", 2),
                ("ahead", name, ahead[i], shares[i]),
                ("next", name, mark, level, *following[:2], following[3]) if following else ("last", name),
            ]
        )
    return rows
