"""spaCy: a DocBin (`.spacy`) with the regions in `doc.spans`.

Groups are `titles`, `untitled`, `duties`, `requirements`, `compensation` and `headcounts`. The label of a span is its role,
or the kind where it has none; its `id_` is the number of its record. The name of the document is `doc.user_data["name"]`.

Every code point is a token, as in spaCy's own blank Chinese pipeline, so that every span has edges to stand on and no
version of a dictionary changes them. Files with other tokens are read too: only the places of their spans count.

    docs = DocBin().from_disk("gold.spacy").get_docs(spacy.blank("zh").vocab)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from jdextract.interchange.regions import WITH_ROLE, InterchangeError, Kind, Page, Region

if TYPE_CHECKING:
    from spacy.tokens import Doc, Span
    from spacy.vocab import Vocab

GROUPS: dict[str, Kind] = {
    "titles": "title",
    "untitled": "untitled",
    "duties": "duty",
    "requirements": "requirement",
    "compensation": "compensation",
    "headcounts": "headcount",
}


def write_docs(pages: Iterable[Page]) -> bytes:
    """A file with one Doc a page."""
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    vocab = Vocab()
    docs = [_make_doc(page, vocab) for page in pages]
    return DocBin(attrs=["ORTH"], store_user_data=True, docs=docs).to_bytes()


def _make_doc(page: Page, vocab: Vocab) -> Doc:
    from spacy.tokens import Doc, Span

    doc = Doc(vocab, words=list(page.text), spaces=[False] * len(page.text))
    doc.user_data["name"] = page.name
    for group, kind in GROUPS.items():
        doc.spans[group] = [
            Span(doc, *region.span, label=region.role or kind, span_id=region.record)
            for region in page.regions
            if region.kind == kind
        ]
    return doc


def split_docs(data: bytes, where: str) -> Iterator[tuple[str, Any]]:
    """(place, Doc) for every document of a file. Raises InterchangeError for another file."""
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    try:
        docs = list(DocBin().from_bytes(data).get_docs(Vocab()))
    except Exception as error:  # spaCy checks nothing: a wrong file fails anywhere in it, with any error
        raise InterchangeError(
            f"is no DocBin ({error})", where=where, hint="a file that DocBin.to_disk wrote"
        ) from error
    for number, doc in enumerate(docs, 1):
        yield f"{where} document {number}", doc


def read_doc(doc: Doc, where: str) -> Page:
    """The regions of one Doc. Raises InterchangeError with the place of what does not fit."""
    name = doc.user_data.get("name")
    if not isinstance(name, str):
        raise InterchangeError('no doc.user_data["name"]', where=where, hint="write it with store_user_data=True")
    where = f"{where} ({name})"
    if doc.has_unknown_spaces:
        raise InterchangeError("its text is not known, because its tokens do not say where spaces are", where=where)
    regions = []
    for group, spans in doc.spans.items():
        if group not in GROUPS:
            raise InterchangeError(f"unknown span group {group!r}", where=where, hint=f"groups are {', '.join(GROUPS)}")
        regions += [_read_span(span, group, where) for span in spans]
    return Page(name, doc.text, tuple(regions), where)


def _read_span(span: Span, group: str, where: str) -> Region:
    kind, label = GROUPS[group], span.label_
    place = (span.start_char, span.end_char)
    if kind in WITH_ROLE:
        return Region(kind, place, label, span.id_)
    if label != kind:
        raise InterchangeError(f"unknown label {label!r}", where=f"{where}: {group} {place[0]}-{place[1]}", hint=kind)
    return Region(kind, place, None, span.id_)
