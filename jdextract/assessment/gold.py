"""Gold for `jdextract evaluate`: annotated documents and labelled sentences, in whatever form they are kept.

a folder    *.json gold files with their texts in documents/ beside them, or *.mark files (also in its documents/);
            where a splits.csv lies beside the marks only the documents of its split `report` are read
*.mark      one document with inline marks
*.json      one gold file
*.jsonl     labelled sentences: text, role; optional id, title, source, script, region, register, industry.
            The role `none` says that a sentence is no duty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from jdextract.alignment import align
from jdextract.annotation import GoldDocument, parse_marks
from jdextract.config import ReadingConfig
from jdextract.corpus import SPLITS, read_splits
from jdextract.errors import DamagedInput, EmptyInput, JdextractError, MissingInput, TaxonomyError, UnsupportedInput
from jdextract.records import ReadFailure, SourceText
from jdextract.taxonomy import Taxonomy

NO_DUTY = "none"
_REPORT = "report"
_HINT = "give a folder with *.json or *.mark gold, a .mark, a gold .json, or a .jsonl of labelled sentences"


@dataclass(frozen=True, slots=True)
class GoldPage:
    """An annotated document and the text that it is about. `origin`: name of the folder that it came from."""

    document: GoldDocument
    source: SourceText
    origin: str


@dataclass(frozen=True, slots=True)
class LabelledSentence:
    """One labelled sentence. `place`: file and line."""

    id: str
    text: str
    role: str
    place: str
    source: str
    title: str | None = None
    script: str | None = None
    region: str | None = None
    register: str | None = None
    industry: str | None = None


@dataclass(slots=True)
class Gold:
    """All gold of a run, in the order given."""

    pages: list[GoldPage] = field(default_factory=list)
    sentences: list[LabelledSentence] = field(default_factory=list)
    failures: list[ReadFailure] = field(default_factory=list)
    left_out: int = 0  # documents of splits that models were built or tuned on

    @property
    def size(self) -> int:
        """How much was found so far, failures included."""
        return len(self.pages) + len(self.sentences) + len(self.failures)

    def digest(self) -> str:
        """16 hex digits that change with any text or label."""
        made = hashlib.sha256()
        for page in self.pages:
            made.update(
                f"{page.document.name}\0{page.source.text}\0{page.document.records!r}\n".encode(
                    "utf-8", "surrogatepass"
                )
            )
        for row in self.sentences:
            made.update(f"{row.title}\0{row.text}\0{row.role}\n".encode("utf-8", "surrogatepass"))
        return made.hexdigest()[:16]


class _Row(BaseModel):
    """A line of labelled sentences."""

    text: str = Field(min_length=1)
    role: str = Field(min_length=1)
    id: str | None = None
    title: str | None = None
    source: str | None = None
    script: str | None = None
    region: str | None = None
    register_name: str | None = Field(default=None, alias="register")
    industry: str | None = None


class _Duty(BaseModel):
    text: str
    role: str


class _Record(BaseModel):
    title: str | None
    role: str
    headcount: int | None = None
    duties: list[_Duty]
    requirements: list[str] = []
    compensation: list[str] = []


class _GoldFile(BaseModel):
    """What `annotation.gold_json` gives; other keys are left out."""

    doc: str
    records: list[_Record]


def load_gold(paths: Sequence[Path], taxonomy: Taxonomy, config: ReadingConfig | None = None) -> Gold:
    """Read all gold. A document or row that can't be read, or whose values are not in its text, becomes a failure.

    Raises MissingInput, UnsupportedInput and EmptyInput for a path without gold, and TaxonomyError for a role that the
    taxonomy does not have.
    """
    gold = Gold()
    for path in paths:
        before = gold.size
        if path.is_dir():
            _read_folder(path, gold, config)
        elif not path.is_file():
            raise MissingInput("no such file or folder", where=str(path), hint=_HINT)
        elif path.suffix in (".mark", ".json"):
            _add_page(path, path.parent.name, gold, config)
        elif path.suffix in (".jsonl", ".ndjson"):
            _read_sentences(path, gold)
        else:
            raise UnsupportedInput("is no gold", where=str(path), hint=_HINT)
        if gold.size == before:
            raise EmptyInput("holds no gold to report on", where=str(path), hint=_HINT)
    if not gold.pages and not gold.sentences:
        first = gold.failures[0]
        raise EmptyInput(f"nothing to evaluate: {first.what}", where=first.path, hint=first.hint)
    _check_roles(gold, taxonomy)
    return gold


def _read_folder(folder: Path, gold: Gold, config: ReadingConfig | None) -> None:
    marked = next((f for f in (folder, folder / "documents") if any(f.glob("*.mark"))), None)
    if marked is None:
        for path in sorted(folder.glob("*.json")):
            _add_page(path, folder.name, gold, config)
        return
    splits = read_splits(marked) if (marked / SPLITS).is_file() else {}
    for path in sorted(marked.glob("*.mark")):
        if path.stem in splits and splits[path.stem].split != _REPORT:
            gold.left_out += 1
        else:
            _add_page(path, folder.name, gold, config)


def _add_page(path: Path, origin: str, gold: Gold, config: ReadingConfig | None) -> None:
    try:
        document, source = _read_mark(path) if path.suffix == ".mark" else _read_gold_file(path, config)
    except JdextractError as error:
        _fail(gold, str(path), error)
    else:
        gold.pages.append(GoldPage(document, source, origin))


def _read_mark(path: Path) -> tuple[GoldDocument, SourceText]:
    data = path.read_bytes()
    document = parse_marks(_decode(data, path), path.stem)
    return document, SourceText(hashlib.sha256(data).hexdigest()[:16], f"{document.name}.txt", document.text)


def _read_gold_file(path: Path, config: ReadingConfig | None) -> tuple[GoldDocument, SourceText]:
    from jdextract.reading import read

    try:
        entry = _GoldFile.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise DamagedInput(f"is no gold file: {_describe(error)}", where=str(path), hint=_HINT) from error
    name = Path(entry.doc).name  # never a way out of the folder
    text = next((t for t in (path.parent / "documents" / name, path.parent / name) if t.is_file()), None)
    if text is None:
        raise MissingInput(f"its text {name!r} is not in documents/ beside it", where=str(path), hint="add the text")
    source = next(read([str(text)], config))
    if isinstance(source, ReadFailure):
        raise DamagedInput(f"its text {source.what}", where=str(path), hint=source.hint)
    return align(source.text, entry.model_dump()), source


def _read_sentences(path: Path, gold: Gold) -> None:
    for number, line in enumerate(_decode(path.read_bytes(), path).split("\n"), 1):
        if not line.strip():
            continue
        place = f"{path.name}:{number}"
        try:
            row = _Row.model_validate_json(line)
        except ValidationError as error:
            _fail(gold, place, DamagedInput(f"is no labelled sentence: {_describe(error)}", hint=_HINT))
            continue
        gold.sentences.append(
            LabelledSentence(
                row.id or place,
                row.text,
                row.role,
                place,
                row.source or path.stem,
                row.title,
                row.script,
                row.region,
                row.register_name,
                row.industry,
            )
        )


def _decode(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DamagedInput("is not UTF-8", where=str(path), hint="convert it first") from error


def _describe(error: ValidationError) -> str:
    first = error.errors(include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'line'}: {first['msg']}"


def _fail(gold: Gold, path: str, error: JdextractError) -> None:
    gold.failures.append(ReadFailure(path, "evaluation", type(error).__name__, error.what, error.hint))


def _check_roles(gold: Gold, taxonomy: Taxonomy) -> None:
    known = set(taxonomy.role_ids)
    for place, role in _list_roles(gold):
        if role not in known:
            raise TaxonomyError(
                f"role {role!r} is not in the taxonomy", where=place, hint="give the taxonomy of the gold: --taxonomy"
            )


def _list_roles(gold: Gold) -> Iterator[tuple[str, str]]:
    for page in gold.pages:
        for record in page.document.records:
            yield page.document.name, record.role
            yield from ((page.document.name, str(duty.role)) for duty in record.duties)
    yield from ((row.place, row.role) for row in gold.sentences if row.role != NO_DUTY)
