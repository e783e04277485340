"""Entities worth having in job text: platforms, tools, metrics, certificates, years of experience, education.

Patterns are data (`data/entities.yaml`). One regular expression per label is matched on the folded text, so that both
scripts and both widths are covered, and spans are exact in code points of the source.
"""

from __future__ import annotations

import re
from functools import cache

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import filter_spans

from jdextract.extraction.rules import load_rules
from jdextract.extraction.script import fold
from jdextract.records import Span

_EXPRESSIONS = ("EXPERIENCE", "EDUCATION")


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    patterns = {}
    for label, entries in load_rules("entities").items():
        if label in _EXPRESSIONS:
            body = "|".join(f"(?:{entry})" for entry in entries)
        else:
            words = sorted({fold(str(entry)) for entry in entries}, key=len, reverse=True)
            # A Latin word ends where no letter or digit follows: `ps` is not in `pspan`.
            body = "|".join(
                rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9+])" if word.isascii() else re.escape(word) for word in words
            )
        patterns[label] = re.compile(body, re.IGNORECASE)
    return patterns


def find_entities(text: str) -> list[tuple[Span, str]]:
    """(span in code points, label) of every entity, in order, without overlap; the longest wins."""
    folded = fold(text)
    found = [(match.span(), label) for label, pattern in _patterns().items() for match in pattern.finditer(folded)]
    found.sort(key=lambda item: (item[0][0], -item[0][1]))
    kept: list[tuple[Span, str]] = []
    for span, label in found:
        if span[0] < span[1] and (not kept or span[0] >= kept[-1][0][1]):
            kept.append((span, label))
    return kept


@Language.factory("jdextract_entities")
def make_entities(nlp: Language, name: str) -> EntityFinder:
    """Factory of the spaCy component `jdextract_entities`."""
    return EntityFinder()


class EntityFinder:
    """spaCy component: sets `doc.ents`, and `doc.spans["entities"]` where other entities are already set."""

    def __call__(self, doc: Doc) -> Doc:
        """Add the entities of one document."""
        spans = [doc.char_span(*span, label=label, alignment_mode="expand") for span, label in find_entities(doc.text)]
        whole = [span for span in spans if span is not None]
        doc.spans["entities"] = whole
        doc.set_ents(filter_spans([*doc.ents, *whole]))
        return doc
