"""Spans of code points in a spaCy Doc: tokens are split so that they fit, and nothing set before loses its place."""

from __future__ import annotations

from collections.abc import Iterable

from spacy.tokens import Doc, Span

from jdextract.extraction.script import fold
from jdextract.records import Span as Offsets

Place = tuple[int, int, str]  # start and end in code points, label


def split_tokens(doc: Doc, offsets: Iterable[int]) -> None:
    """Split the tokens of `doc` that have one of the offsets (code points) inside.

    spaCy forgets the places of spans when tokens are split, so span groups and entities are set again.
    """
    inside = _cuts(doc, offsets)
    if not inside:
        return
    groups = {key: [_place(span) for span in group] for key, group in doc.spans.items()}
    entities = [_place(span) for span in doc.ents]
    lengths = {token.idx: len(token.text) for token in doc}
    with doc.retokenize() as retokenizer:
        for index, cuts in inside.items():
            text = doc[index].text
            pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
            retokenizer.split(doc[index], pieces, heads=[(doc[index], i) for i in range(len(pieces))])
    for token in doc:
        if lengths.get(token.idx) != len(token.text):
            token.norm_ = fold(token.text).lower()
    for key, places in groups.items():
        doc.spans[key] = [fit_span(doc, place) for place in places]
    doc.set_ents([fit_span(doc, place) for place in entities])


def fit_span(doc: Doc, place: Place) -> Span:
    """The span of a place whose edges are edges of tokens. Raises ValueError for another one."""
    start, end, label = place
    span = doc.char_span(start, end, label=label)
    if span is None:
        raise ValueError(f"no token starts at {start} or none ends at {end}")
    return span


def _place(span: Span) -> Place:
    return span.start_char, span.end_char, span.label_


def _cuts(doc: Doc, offsets: Iterable[int]) -> dict[int, list[int]]:
    """{index of a token: where in it to cut}."""
    inside: dict[int, list[int]] = {}
    spans: list[Offsets] = [(token.idx, token.idx + len(token.text)) for token in doc]
    wanted = sorted(set(offsets))
    position = 0
    for index, (start, end) in enumerate(spans):
        while position < len(wanted) and wanted[position] <= start:
            position += 1
        while position < len(wanted) and wanted[position] < end:
            inside.setdefault(index, []).append(wanted[position] - start)
            position += 1
    return inside
