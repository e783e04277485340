"""Boilerplate of sites: lines that stand on many pages of one source, whatever the pages are about.

They are found by counting, without a list of known ones, and left out before anything else reads the page, also where a
page was flattened to one line.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jdextract.deduplication.duplicates import source_of
from jdextract.errors import DamagedInput, MissingInput
from jdextract.records import SourceText, Span

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

_PIECE_ENDS = re.compile(r"[\n\r\t|。；;！!？?]+|\s{2,}")
_LETTER = re.compile(r"[^\W_]")
_SHORTEST = 8  # letters of a line; what is shorter says too little (岗位职责) to be cut out wherever it stands
_MOST_DOCUMENTS = 2_000  # of a source that are counted: what stands on a third of the pages shows among these
_FEWEST = 5  # documents with the line
# Share of the documents of a source from which on a line is boilerplate. A third of all duties are repeats, but none
# stands on every second page of a site.
_SHARE = 0.5
_SHARE_OF_MANY = 0.25  # with 50 documents or more that have it
_MANY = 50


@dataclass(frozen=True, slots=True)
class BoilerplateLine:
    """A repeated line and where it stands. `documents`: of the source, distinct ones; `share`: of those counted."""

    text: str
    source: str
    documents: int
    share: float


def find_boilerplate(documents: Iterable[SourceText]) -> list[BoilerplateLine]:
    """Lines that stand on many pages of one source, most frequent first. Copies of a page count once.

    Memory: the lines of at most 2,000 documents a source.
    """
    counts: dict[str, Counter[str]] = {}
    texts: dict[str, str] = {}
    seen: dict[str, set[int]] = {}
    for document in documents:
        source = source_of(document.source)
        whole = hash(_letters(document.text))
        known = seen.setdefault(source, set())
        if whole in known or len(known) >= _MOST_DOCUMENTS:
            continue
        known.add(whole)
        lines = {_letters(piece): piece.strip() for piece in _PIECE_ENDS.split(document.text)}
        lines = {letters: piece for letters, piece in lines.items() if len(letters) >= _SHORTEST}
        counts.setdefault(source, Counter()).update(list(lines))
        for letters, piece in lines.items():
            texts.setdefault(letters, piece)
    found = [
        BoilerplateLine(texts[letters], source, count, round(count / len(seen[source]), 4))
        for source, counter in counts.items()
        for letters, count in counter.items()
        if count >= _FEWEST and count >= len(seen[source]) * (_SHARE_OF_MANY if count >= _MANY else _SHARE)
    ]
    return sorted(found, key=lambda line: (-line.documents, line.source, line.text))


def _letters(text: str) -> str:
    return "".join(_LETTER.findall(text)).lower()


class Boilerplate:
    """Finds known lines in texts."""

    def __init__(self, lines: Sequence[str]) -> None:
        from ahocorasick_rs import AhoCorasick, MatchKind

        plain = sorted({letters for letters in map(_letters, lines) if len(letters) >= _SHORTEST})
        self._search: AhoCorasick = AhoCorasick(plain, matchkind=MatchKind.LeftmostLongest)

    def find_spans(self, text: str) -> list[Span]:
        """Places of known lines in code points, punctuation and spaces within them included, in order."""
        places = [match.start() for match in _LETTER.finditer(text)]
        letters = "".join(text[place] for place in places).lower()
        if len(letters) != len(places):  # a letter whose lower case has two characters
            letters = "".join(c if len(c) == 1 else "\ufffd" for c in (text[place].lower() for place in places))
        return [(places[start], places[end - 1] + 1) for _, start, end in self._search.find_matches_as_indexes(letters)]


def blank(text: str, spans: Iterable[Span]) -> str:
    """The text with line breaks and spaces in the place of the spans; every other character stays where it is."""
    parts: list[str] = []
    last = 0
    for start, end in spans:
        parts += (text[last:start], "\n" + " " * (end - start - 2) + "\n" if end - start > 1 else "\n")
        last = end
    return "".join([*parts, text[last:]])


def write_boilerplate(lines: Iterable[BoilerplateLine]) -> Iterator[bytes]:
    """One JSON object a line."""
    for line in lines:
        yield (json.dumps(asdict(line), ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")


def load_boilerplate(path: Path) -> Boilerplate:
    """Lines of a file that `find_boilerplate` gave: JSON objects with `text`. Raises MissingInput, DamagedInput."""
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return Boilerplate([str(row["text"]) for row in rows])
    except OSError as error:
        raise MissingInput(f"cannot be opened ({error.strerror})", where=str(path), hint="check the path") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedInput(
            "is not JSON lines with text", where=str(path), hint="make it with `jdextract boilerplate`"
        ) from error
