"""The steps of extraction as spaCy components, so that they mix with a user's own.

    import spacy
    nlp = spacy.blank("zh")                    # or jdextract.extraction.tokens.blank(), whose tokens fit exactly
    nlp.add_pipe("jdextract_segments")         # doc.spans["segments"], labelled with their zone
    nlp.add_pipe("jdextract_titles")           # doc.spans["titles"]
    nlp.add_pipe("jdextract_duties")           # doc.spans["duties"], ["requirements"], ["compensation"]

The first of them to see a document extracts it; what was found stands as plain data in `doc.user_data["jdextract"]`
(a DocBin keeps it) with spans in code points. Where a value starts or ends inside a token the token is split.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from jdextract.extraction.extractor import Extractor
from jdextract.extraction.spans import fit_span, split_tokens
from jdextract.records import Draft, SourceText

KEY = "jdextract"


@Language.factory("jdextract_segments")
def make_segments(nlp: Language, name: str) -> Component:
    """Factory of `jdextract_segments`."""
    return Component({"segments": lambda found: [(s["span"], s["zone"]) for s in found["segments"]]})


@Language.factory("jdextract_titles")
def make_titles(nlp: Language, name: str) -> Component:
    """Factory of `jdextract_titles`."""
    return Component(
        {"titles": lambda found: [(r["title"], "TITLE") for r in found["records"] if r["title"] is not None]}
    )


@Language.factory("jdextract_duties")
def make_duties(nlp: Language, name: str) -> Component:
    """Factory of `jdextract_duties`."""

    def group(kind: str, label: str) -> Any:
        return lambda found: [(span, label) for record in found["records"] for span in record[kind]]

    return Component(
        {
            "duties": group("duties", "DUTY"),
            "requirements": group("requirements", "REQUIREMENT"),
            "compensation": group("compensation", "PAY"),
        }
    )


class Component:
    """Sets span groups of a Doc from what extraction found in it."""

    def __init__(self, groups: dict[str, Any], extractor: Extractor | None = None) -> None:
        self._groups = groups
        self._extractor = extractor or _shared()

    def __call__(self, doc: Doc) -> Doc:
        """Extract the document if no component before has, and set the span groups."""
        if KEY not in doc.user_data:
            draft = self._extractor.extract(SourceText("", "", doc.text))
            doc.user_data[KEY] = describe(draft)
        # Each time: a component in between (merge_entities) may have joined tokens again.
        split_tokens(doc, _offsets(doc.user_data[KEY]))
        for name, pick in self._groups.items():
            doc.spans[name] = [fit_span(doc, (*span, label)) for span, label in pick(doc.user_data[KEY])]
        return doc


@cache
def _shared() -> Extractor:
    """One extractor for the components of a process: its models are read-only."""
    return Extractor()


def describe(draft: Draft) -> dict[str, Any]:
    """A draft as plain data: lists, strings and numbers only."""
    return {
        "script": draft.script,
        "region": draft.region,
        "segments": [{"span": list(s.span), "zone": s.zone, "score": s.score} for s in draft.segments],
        "records": [
            {
                "title": list(r.title.span) if r.title else None,
                "headcount": r.headcount,
                "duties": [list(d.span) for d in r.duties],
                "requirements": [list(q.span) for q in r.requirements],
                "compensation": [list(c.span) for c in r.compensation],
            }
            for r in draft.records
        ],
    }


def _offsets(found: dict[str, Any]) -> set[int]:
    offsets = {edge for segment in found["segments"] for edge in segment["span"]}
    for record in found["records"]:
        values = [*record["duties"], *record["requirements"], *record["compensation"]]
        offsets.update(edge for span in values for edge in span)
        offsets.update(record["title"] or ())
    return offsets
