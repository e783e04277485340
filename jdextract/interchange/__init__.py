"""Annotated documents to and from the formats of annotation tools, exact to the code point.

data = export_documents(documents, "label-studio", taxonomy)
imported = import_documents(data, "label-studio", taxonomy)
assert imported.documents == tuple(documents)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from jdextract.annotation import GoldDocument
from jdextract.errors import ConfigError
from jdextract.interchange import docbin, doccano, label_studio
from jdextract.interchange.label_studio import make_interface
from jdextract.interchange.regions import InterchangeError, OffsetUnit, Page, build_document, make_page
from jdextract.taxonomy import Taxonomy

__all__ = [
    "FORMATS",
    "Format",
    "Imported",
    "InterchangeError",
    "OffsetUnit",
    "export_documents",
    "import_documents",
    "make_interface",
]

Format = Literal["label-studio", "doccano", "spacy"]
FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True, slots=True)
class Imported:
    """Documents of a file in its order, and one error for each that does not fit."""

    documents: tuple[GoldDocument, ...]
    failures: tuple[InterchangeError, ...]


def export_documents(
    documents: Iterable[GoldDocument], form: Format, taxonomy: Taxonomy, offsets: OffsetUnit | None = None
) -> bytes:
    """The content of a file. `offsets`: the unit that they count, else what the tool counts.

    Raises InterchangeError for a document that would not come back the same, ConfigError for a unit that has no place.
    """
    pages = [make_page(document, taxonomy) for document in documents]
    if form == "label-studio":
        return label_studio.write_tasks(pages, offsets or "code-point")
    if form == "doccano":
        return doccano.write_lines(pages, offsets or "utf-16")
    _refuse_unit(offsets)
    return docbin.write_docs(pages)


def import_documents(
    data: bytes, form: Format, taxonomy: Taxonomy, offsets: OffsetUnit | None = None, where: str = ""
) -> Imported:
    """Gold from the content of a file; `where` names the file in errors.

    A document that does not fit becomes a failure that says where and why. Raises InterchangeError for a file that is not
    of this format, ConfigError for a unit that has no place.
    """
    documents: dict[str, GoldDocument] = {}
    failures: list[InterchangeError] = []
    for place, entry in _split_file(data, form, where):
        try:
            page = _read_entry(entry, place, form, offsets)
            if page.name in documents:
                raise InterchangeError(f"a second document named {page.name!r}", where=page.where)
            documents[page.name] = build_document(page, taxonomy)
        except InterchangeError as error:
            failures.append(error)
    return Imported(tuple(documents.values()), tuple(failures))


def _split_file(data: bytes, form: Format, where: str) -> Iterator[tuple[str, Any]]:
    if form == "label-studio":
        return label_studio.split_tasks(data, where)
    if form == "doccano":
        return doccano.split_lines(data, where)
    return docbin.split_docs(data, where)


def _read_entry(entry: Any, where: str, form: Format, offsets: OffsetUnit | None) -> Page:
    if form == "label-studio":
        return label_studio.read_task(entry, where, offsets or "code-point")
    if form == "doccano":
        return doccano.read_line(entry, where, offsets or "utf-16")
    _refuse_unit(offsets)
    return docbin.read_doc(entry, where)


def _refuse_unit(offsets: OffsetUnit | None) -> None:
    if offsets:
        raise ConfigError("a DocBin counts tokens", where="offsets", hint="leave --offsets out")
