"""The form in which returned text and source are compared: what script, width, case and white space may differ in.

It is made character by character, so that each of its characters knows the code point of the source it came from.
"""

from __future__ import annotations

import unicodedata
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache

from jdextract.extraction.script import fold
from jdextract.records import Span

# Nothing to be seen, though Unicode counts them as letters or marks: fillers of Hangul, the joiner, variation selectors.
INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(code) for code in (*range(0x180B, 0x180E), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}
# Marks that models put for one another.
_SAME = {
    **dict.fromkeys("“”„‟「」『』＂〝〞", '"'),
    **dict.fromkeys("‘’‚‛`´", "'"),
    **dict.fromkeys("‐‑‒–—―−─", "-"),
    **dict.fromkeys("·•・‧∙", "·"),
}


@dataclass(frozen=True, slots=True)
class Form:
    """Compared characters, and the code point of the source behind each. Places never fall."""

    text: str
    places: array[int]

    def span(self, start: int, end: int) -> Span:
        """The stretch of the source behind `text[start:end]`, which must not be empty."""
        return self.places[start], self.places[end - 1] + 1

    def gap(self, index: int) -> bool:
        """Whether white space or what can't be seen stands in the source before a compared character."""
        return index > 0 and self.places[index] - self.places[index - 1] > 1

    def index(self, place: int) -> int:
        """The first compared character at or behind a code point of the source."""
        return bisect_left(self.places, place)


@lru_cache(maxsize=50_000)
def _plain(char: str) -> str:
    """What stands for one folded character; "" for what can't be seen."""
    if char in _SAME:
        return _SAME[char]
    category = unicodedata.category(char)
    if category == "Cs":
        return "\ufffd"
    if category in ("Cc", "Cf", "Zs", "Zl", "Zp") or char in INVISIBLE:
        return ""
    lower = unicodedata.normalize("NFKC", char).casefold()
    return "".join(_SAME.get(c, c) for c in lower if not c.isspace())


def make_form(text: str) -> Form:
    """The compared form of a text."""
    parts: list[str] = []
    places = array("q")
    for place, char in enumerate(fold(text)):
        plain = _plain(char)
        if len(plain) == 1:
            parts.append(plain)
            places.append(place)
        elif plain:
            parts.append(plain)
            places.extend([place] * len(plain))
    return Form("".join(parts), places)
