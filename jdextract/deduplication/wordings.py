"""Wordings: what is left of a duty when everything is taken away that two copies of it may differ in.

`plain` is equal for exact repeats (width, case, punctuation, white space, enumerators), `masked` for the texts of one
template (slots such as the platform, the city or a number are masked), `folded` also leaves fillers out and brings
synonyms together; near duplicates are compared by it.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from jdextract.data import load_rules

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

_NO_WORDING = re.compile(r"[\W_]+")
_BREAK = "|"  # between the clauses of a folded text
_FIRST_MARK = 0xE000  # slots are masked by characters of the private use area, which no page has after reading
_MARKS = "\ue000-\ue0ff"
# Latin words become one character each, in plane 15: letters of Latin are too few to tell texts apart by pairs of them.
_LATIN = re.compile(r"[a-z\u00df-\u00ff][a-z0-9\u00df-\u00ff+#]+")
_FIRST_WORD, _WORDS = 0xF0000, 0xFFFE
_BETWEEN_WORDS = re.compile(r"(?<=[\U000f0000-\U000ffffd])[ '&.-]+(?=[\U000f0000-\U000ffffd])")
_CLAUSE_END = re.compile(r"[^\S\n]*[,，;；。.、:：!！?？/()（）…\t \u3000|]+")
_NO_LETTER = re.compile(rf"[^\w{_MARKS}\U000f0000-\U000ffffd|\n]|_")
_NO_LETTER_NOR_BREAK = re.compile(rf"[^\w{_MARKS}\n]|_")
_SUSPECT = re.compile(r"[\ufffd()（）\[\]【】《》“”\x00-\x08\x0b-\x1f]|\?\?")
_ROWS = 20_000  # texts that are folded as one string


@dataclass(frozen=True, slots=True)
class Wording:
    """One distinct duty in the forms that are compared."""

    plain: str
    masked: str
    folded: str  # clauses joined by `|`, Latin words as one character each
    name: str = ""  # of the position, for records and documents: two names, two positions


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of a template that changes from page to page."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class _Rules:
    kinds: tuple[str, ...]
    patterns: re.Pattern[str]
    words: AhoCorasick
    # For each word of `words`: what takes its place in the masked and in the folded text; None: stays as it is.
    masked: tuple[str | None, ...]
    folded: tuple[str, ...]
    kind_of: tuple[str | None, ...]
    place: re.Pattern[str]  # of a firm, before its mark
    firm: str
    enumerator: re.Pattern[str]
    unfinished: tuple[str, ...]


@lru_cache(maxsize=1)
def _rules() -> _Rules:
    from ahocorasick_rs import AhoCorasick, MatchKind

    slots, wordings = load_rules("slots"), load_rules("wordings")
    patterns, tails = slots.pop("patterns"), slots.pop("city_tail")
    kinds = tuple(dict.fromkeys((*slots, *patterns)))
    marks = {kind: chr(_FIRST_MARK + number) for number, kind in enumerate(kinds)}
    # word -> (masked, folded, kind); what stands further down does not replace what stands above.
    table: dict[str, tuple[str | None, str, str | None]] = {}
    for kind, words in slots.items():
        for word in words:
            for full in [word] + ([word + tail for tail in tails] if kind == "city" else []):
                table.setdefault(full, (marks[kind], marks[kind], kind))
    for same in load_rules("synonyms"):
        for word in same:
            table.setdefault(word, (None, same[0], None))
    for word in wordings["fillers"]:
        table.setdefault(word, (None, "", None))
    alternatives = "|".join(f"(?P<{kind}>{'|'.join(found)})" for kind, found in patterns.items())
    masked, folded, kind_of = zip(*table.values(), strict=True)
    return _Rules(
        kinds=kinds,
        patterns=re.compile(alternatives),
        words=AhoCorasick(list(table), matchkind=MatchKind.LeftmostLongest),
        masked=masked,
        folded=folded,
        kind_of=kind_of,
        place=re.compile(f"{marks['city']}+(?:[^的与和为对在向,，、。\n]{{2,8}}?)?{marks['company']}"),
        firm=marks["company"],
        enumerator=re.compile(wordings["enumerator"]),
        unfinished=tuple(wordings["unfinished"]),
    )


def to_plain(normalized: str) -> str:
    """Letters and digits in lower case, without a leading enumerator."""
    bare = normalized[_rules().enumerator.match(normalized).end() :]  # type: ignore[union-attr]  # it matches nothing too
    return _NO_WORDING.sub("", bare).lower() or _NO_WORDING.sub("", normalized).lower()


def wording_key(normalized: str) -> bytes:
    """16 bytes that are equal for exact repeats: script (the text is Simplified), width, punctuation, enumerator, space."""
    return hashlib.blake2b(to_plain(normalized).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def fold(keys: Sequence[tuple[str, str]], texts: Sequence[str]) -> Iterator[Wording]:
    """Wordings of normalised texts (Simplified, half width), in order. `keys`: plain text and name of each."""
    rules = _rules()
    for start in range(0, len(texts), _ROWS):
        some = texts[start : start + _ROWS]
        bare = [text[rules.enumerator.match(text).end() :] or text for text in some]  # type: ignore[union-attr]
        joined = "\n".join(text.replace("\n", " ") for text in bare).lower()
        masked, folded = (
            rules.place.sub(rules.firm, side) for side in _replace(rules.patterns.sub(_mask_of, joined), rules)
        )
        masked = _NO_LETTER_NOR_BREAK.sub("", masked)
        folded = _BETWEEN_WORDS.sub("", _LATIN.sub(_word_mark, folded))
        folded = _NO_LETTER.sub("", _CLAUSE_END.sub(_BREAK, folded))
        some_keys = keys[start : start + _ROWS]
        for (plain, name), mask, clauses in zip(some_keys, masked.split("\n"), folded.split("\n"), strict=True):
            clauses = clauses.strip(_BREAK)
            yield Wording(plain, mask, clauses or mask, name)


def _mask_of(match: re.Match[str]) -> str:
    return chr(_FIRST_MARK + _rules().kinds.index(match.lastgroup or ""))


def _word_mark(match: re.Match[str]) -> str:
    """A character that stands for a Latin word; two words share one by chance in one of 65,534 pairs."""
    return chr(_FIRST_WORD + zlib.crc32(match[0].encode()) % _WORDS)


def _replace(text: str, rules: _Rules) -> tuple[str, str]:
    masked: list[str] = []
    folded: list[str] = []
    last = 0
    for word, start, end in rules.words.find_matches_as_indexes(text):
        between = text[last:start]
        masked += (between, text[start:end] if rules.masked[word] is None else rules.masked[word])  # type: ignore[arg-type]
        folded += (between, rules.folded[word])
        last = end
    return "".join([*masked, text[last:]]), "".join([*folded, text[last:]])


def find_slots(normalized: str) -> tuple[Slot, ...]:
    """What `masked` hides in a text, in order."""
    rules = _rules()
    found: list[tuple[int, Slot]] = []
    text = normalized[rules.enumerator.match(normalized).end() :].lower()  # type: ignore[union-attr]
    # A slot that a pattern found is blanked by as many marks, so that places stay.
    for match in rules.patterns.finditer(text):
        found.append((match.start(), Slot(match.lastgroup or "", match[0].strip())))
    blanked = rules.patterns.sub(lambda match: chr(_FIRST_MARK) * len(match[0]), text)
    for word, start, end in rules.words.find_matches_as_indexes(blanked):
        kind = rules.kind_of[word]
        if kind:
            found.append((start, Slot(kind, blanked[start:end])))
    return tuple(slot for _, slot in sorted(found, key=lambda pair: pair[0]))


def show_masked(masked: str) -> str:
    """A masked text with its slots by name: 负责[platform]的运营."""
    kinds = _rules().kinds
    return "".join(f"[{kinds[ord(c) - _FIRST_MARK]}]" if 0 <= ord(c) - _FIRST_MARK < len(kinds) else c for c in masked)


def find_damage(normalized: str) -> tuple[str, ...]:
    """What is wrong with a text as an example of its template: `replacement` characters, `brackets` without partner,
    `unfinished` ends, `controls`."""
    if not _SUSPECT.search(normalized) and not normalized.rstrip("。；;.").endswith(_rules().unfinished):
        return ()
    flags = []
    if "\ufffd" in normalized or "??" in normalized:
        flags.append("replacement")
    if any(normalized.count(a) != normalized.count(b) for a, b in ("()", "（）", "[]", "【】", "《》", "“”")):
        flags.append("brackets")
    if normalized.rstrip("。；;.").endswith(_rules().unfinished):
        flags.append("unfinished")
    if any(ord(char) < 0x20 and char not in "\n\t" for char in normalized):
        flags.append("controls")
    return tuple(flags)
