"""Entities worth having in job text: platforms, tools, metrics, certificates, years of experience, education.

Patterns are data (`data/entities.yaml`). They are matched on the simplified, half-width text in a few passes, so that
one entry serves both scripts and all regions, and laid back on the source: spans are exact in its code points.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from spacy.language import Language
from spacy.tokens import Doc

from jdextract.data import load_rules
from jdextract.extraction.script import fold, simplify
from jdextract.extraction.spans import fit_span, split_tokens
from jdextract.records import Span as Offsets

GROUP = "entities"


@dataclass(frozen=True, slots=True)
class _Patterns:
    words: tuple[re.Pattern[str], ...]  # all words of all labels, the longest first: with Latin and with Han beginnings
    labels: dict[str, str]  # of words, without spaces
    expressions: tuple[tuple[str, re.Pattern[str]], ...]


_LATIN = re.compile(r"[a-z0-9.]")


def _join(words: list[str]) -> str:
    """One pattern for words; a Latin one must not go on as a longer one: `ps` is not in `pspan`, `c` not in `c++`."""
    ordered = sorted(words, key=lambda word: (-len(word), word))
    ends = (r"(?![a-z0-9+#])" if re.search(r"[a-z0-9+#]$", word) else "" for word in ordered)
    return "|".join(r"\s?".join(map(re.escape, w.split())) + end for w, end in zip(ordered, ends, strict=True))


@cache
def _patterns() -> _Patterns:
    rules = load_rules("entities")
    labels = {str(word).lower(): label for label, rule in rules.items() for word in rule.get("words", ())}
    latin = [word for word in labels if _LATIN.match(word)]
    others = [word for word in labels if not _LATIN.match(word)]
    return _Patterns(
        (re.compile(rf"(?=[a-z0-9.])(?<![a-z0-9])(?:{_join(latin)})"), re.compile(_join(others))),
        {"".join(word.split()): label for word, label in labels.items()},
        tuple((label, re.compile(pattern)) for label, rule in rules.items() for pattern in rule.get("patterns", ())),
    )


def _lower(text: str) -> str:
    """Lower case of the same length (İ has one of two characters)."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def find_entities(text: str) -> list[tuple[Offsets, str]]:
    """(span in code points, label) of every entity, in order, without overlap; of two that overlap the longer counts."""
    simple = simplify(text)
    folded = fold(simple.text)
    lower = _lower(folded)
    patterns = _patterns()
    found = [(match.span(), label) for label, pattern in patterns.expressions for match in pattern.finditer(folded)]
    for words in patterns.words:
        found += [(m.span(), patterns.labels["".join(m.group().split())]) for m in words.finditer(lower)]
    taken = bytearray(len(text))
    kept: list[tuple[Offsets, str]] = []
    for span, label in sorted(found, key=lambda entity: entity[0][0] - entity[0][1]):
        start, end = simple.source_span(*span)
        if start < end and not any(taken[start:end]):
            taken[start:end] = b"\1" * (end - start)
            kept.append(((start, end), label))
    return sorted(kept)


@Language.factory("jdextract_entities")
def make_entities(nlp: Language, name: str) -> EntityFinder:
    """Factory of the spaCy component `jdextract_entities`."""
    return EntityFinder()


class EntityFinder:
    """spaCy component: sets `doc.spans["entities"]` and adds to `doc.ents` what does not touch an entity set before.

    Where an entity starts or ends inside a token the token is split; other spans of the Doc keep their places.
    """

    def __call__(self, doc: Doc) -> Doc:
        """Add the entities of one document."""
        found = find_entities(doc.text)
        split_tokens(doc, {offset for span, _ in found for offset in span})
        spans = [fit_span(doc, (*span, label)) for span, label in found]
        doc.spans[GROUP] = spans
        free = [span for span in spans if not any(token.ent_type for token in span)]
        doc.set_ents(free, default="unmodified")
        return doc
