"""`jdextract corpus …`: annotated documents between inline marks, gold files and the formats of annotation tools; checks."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jdextract.cli.agreement import agreement
from jdextract.cli.console import Status, complain, visible
from jdextract.cli.settings import TaxonomyFile
from jdextract.errors import ConfigError, EmptyInput, ReadError

if TYPE_CHECKING:
    from jdextract.taxonomy import Taxonomy

app = typer.Typer(no_args_is_help=True, help="Convert and check annotated documents.")
app.command()(agreement)

Out = Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="Folder to write to.")]


class ToolFormat(StrEnum):
    """Values of `--format`."""

    LABEL_STUDIO = "label-studio"
    DOCCANO = "doccano"
    SPACY = "spacy"


class Unit(StrEnum):
    """Values of `--offsets`."""

    CODE_POINT = "code-point"
    UTF_16 = "utf-16"


FormatName = Annotated[
    ToolFormat, typer.Option("--format", help="Label Studio tasks (JSON), doccano JSONL, or a spaCy DocBin.")
]
Offsets = Annotated[
    Unit | None,
    typer.Option(
        "--offsets",
        help="What offsets in the file count, where characters outside the basic plane (emoji, rare Han) tell it apart. "
        "Otherwise what the tool counts: code points in Label Studio, UTF-16 units in doccano.",
    ),
]


@app.command()
def render(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder with *.mark files.")],
    output: Out,
) -> None:
    """Turn *.mark files into OUT/documents/NAME.txt and OUT/NAME.json.

    Example: jdextract corpus render corpus/documents -o out/gold
    """
    from jdextract.annotation import gold_json, parse_marks

    (output / "documents").mkdir(parents=True, exist_ok=True)
    paths = _files(folder, "*.mark")
    for path in paths:
        document = parse_marks(_read(path), path.stem)
        _write(output / "documents" / f"{document.name}.txt", document.text)
        _write(output / f"{document.name}.json", json.dumps(gold_json(document), ensure_ascii=False, indent=1) + "\n")
    print(f"{len(paths)} documents in {output}", file=sys.stderr)


@app.command()
def mark(
    documents: Annotated[Path, typer.Argument(metavar="DOCS", help="Folder with NAME.txt files.")],
    gold: Annotated[Path, typer.Argument(metavar="GOLD", help="Folder with NAME.json files.")],
    output: Out,
) -> None:
    """Turn texts and gold files into *.mark files, the way back from `render`.

    A document whose gold is not found in its text is named and left out (exit code 3).

    Example: jdextract corpus mark out/gold/documents out/gold -o marked
    """
    from jdextract.alignment import align
    from jdextract.annotation import AnnotationError, write_marks

    output.mkdir(parents=True, exist_ok=True)
    done = failed = 0
    for path in _files(gold, "*.json"):
        entry = json.loads(_read(path))
        try:
            document = align(_read(documents / entry["doc"]), entry)
        except AnnotationError as error:
            complain(error.what, where=error.where, hint=error.hint)
            failed += 1
            continue
        _write(output / f"{document.name}.mark", write_marks(document))
        done += 1
    print(f"{done} documents in {output}, {failed} failures", file=sys.stderr)
    if failed:
        raise typer.Exit(Status.PARTLY_DONE if done else Status.NOTHING_DONE)


@app.command("export")
def export_marks(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder with *.mark files.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="File to write.")],
    form: FormatName,
    offsets: Offsets = None,
    taxonomy: TaxonomyFile = None,
) -> None:
    """Turn *.mark files into one file for an annotation tool or for spaCy; `import` is the way back.

    For Label Studio, the labelling interface is written beside it (tasks.json: tasks-interface.xml). A doccano project
    needs "Allow overlapping spans" and must not count grapheme clusters.

    Example: jdextract corpus export corpus/documents -o tasks.json --format label-studio
    """
    from jdextract.annotation import parse_marks
    from jdextract.interchange import export_documents, make_interface
    from jdextract.taxonomy import load_taxonomy

    roles = load_taxonomy(taxonomy)
    documents = [parse_marks(_read(path), path.stem) for path in _files(folder, "*.mark")]
    data = export_documents(documents, form.value, roles, offsets.value if offsets else None)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(data)
    beside = ""
    if form is ToolFormat.LABEL_STUDIO:
        interface = output.with_name(f"{output.stem}-interface.xml")
        _write(interface, make_interface(roles))
        beside = f", its labelling interface in {interface}"
    print(f"{len(documents)} documents in {output}{beside}", file=sys.stderr)


@app.command("import")
def import_marks(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What the tool exported.")],
    output: Out,
    form: FormatName,
    offsets: Offsets = None,
    taxonomy: TaxonomyFile = None,
) -> None:
    """Turn a file that an annotation tool or spaCy wrote into *.mark files.

    A region belongs to the record whose title stands last before it. A document with a region that does not fit (past the
    end, an unknown label or role, before the first title) is named and left out (exit code 3).

    Example: jdextract corpus import project-1.json -o marked --format label-studio
    """
    from jdextract.annotation import write_marks
    from jdextract.interchange import import_documents
    from jdextract.taxonomy import load_taxonomy

    found = import_documents(
        _read_bytes(file), form.value, load_taxonomy(taxonomy), offsets.value if offsets else None, where=str(file)
    )
    if not (found.documents or found.failures):
        raise EmptyInput("no documents in it", where=str(file), hint="check the file")
    for error in found.failures:
        complain(error.what, where=error.where, hint=error.hint)
    if found.documents:
        output.mkdir(parents=True, exist_ok=True)
    for document in found.documents:
        _write(output / f"{document.name}.mark", write_marks(document))
    print(f"{len(found.documents)} documents in {output}, {len(found.failures)} failures", file=sys.stderr)
    if found.failures:
        raise typer.Exit(Status.PARTLY_DONE if found.documents else Status.NOTHING_DONE)


@app.command()
def lint(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A corpus, or a folder with *.mark or *.jsonl files.")
    ] = Path("corpus"),
    most_near: Annotated[
        float, typer.Option("--most-near-duplicates", min=0, max=1, help="Share of nearly equal duties to allow.")
    ] = 0.03,
    taxonomy: TaxonomyFile = None,
) -> None:
    """Check a corpus: marks that are well formed and come back the same; duties with known roles, ids and texts only once,
    few near duplicates; the agreement of the second reading.

    Example: jdextract corpus lint corpus
    """
    documents = next((f for f in (folder / "documents", folder) if any(f.glob("*.mark"))), None)
    duties = next((f for f in (folder / "duties", folder) if any(f.glob("*.jsonl"))), None)
    if documents is None and duties is None:
        raise EmptyInput("no *.mark or *.jsonl in it", where=str(folder), hint="check the folder")
    wrong = _lint_documents(documents) if documents else 0
    wrong += _lint_duties(duties, taxonomy, most_near) if duties else 0
    if wrong:
        raise typer.Exit(Status.NOTHING_DONE)


@app.command()
def audit(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A corpus, or a folder with *.jsonl of duties.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="SHEET", help="CSV to write, for a reviewer.")
    ] = None,
    fix: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Reviewed sheet: carry its decisions into FOLDER first; all of them, or none."
        ),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Parts that are judged by a model of the others.")] = 5,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="How duties are drawn into parts.")] = 0,
    taxonomy: TaxonomyFile = None,
) -> None:
    """Find label errors among labelled duties: likely wrong roles, near duplicates with different roles, and outliers.

    What settles most rows stands first, then what is least likely right. A reviewer writes a role id, or `drop`, into the
    column `decision`, and the sheet goes back with --fix. Needs the extra `audit`.

    Example: jdextract corpus audit corpus -o sheet.csv
    """
    from jdextract.corrections import apply_fixes
    from jdextract.taxonomy import load_taxonomy

    if output is None and fix is None:
        raise ConfigError("nothing to do", hint="give -o SHEET to audit, --fix FILE to carry decisions into the corpus")
    roles = load_taxonomy(taxonomy)
    if fix is not None:
        done = apply_fixes(folder, fix, roles)
        where = f" in {', '.join(done.files)}" if done.files else ""
        print(visible(f"{done.changed} roles changed, {done.dropped} rows dropped{where}"), file=sys.stderr)
    if output is not None:
        _audit(folder, output, roles, folds, seed)


def _audit(folder: Path, output: Path, roles: Taxonomy, folds: int, seed: int) -> None:
    from collections import Counter

    from jdextract.audit import audit
    from jdextract.corrections import write_sheet
    from jdextract.dutyfile import read_rows

    found = audit(read_rows(folder), roles, folds=folds, seed=seed, tell=lambda line: print(line, file=sys.stderr))
    write_sheet(found.findings, output)
    kinds = Counter(finding.kind for finding in found.findings)
    print(
        f"{found.rows} duties, {found.agreement:.1%} with the role that a model of the others gives; {kinds['label-error']}"
        f" likely wrong roles, {kinds['near-duplicate']} near duplicates with different roles, {kinds['outlier']} outliers"
        f" in {output}",
        file=sys.stderr,
    )


def _lint_documents(folder: Path) -> int:
    from jdextract.annotation import AnnotationError, parse_marks, write_marks

    wrong = 0
    paths = _files(folder, "*.mark")
    for path in paths:
        marked = _read(path)
        try:
            same = write_marks(parse_marks(marked, path.stem)) == marked
            problem = "" if same else "does not come back the same: values overlap or carry a role twice"
        except AnnotationError as error:
            problem = error.what
        if problem:
            print(visible(f"{path}: {problem}"))
            wrong += 1
    print(f"{len(paths)} documents, {wrong} wrong", file=sys.stderr)
    return wrong


def _lint_duties(folder: Path, taxonomy: Path | None, most_near: float) -> int:
    from jdextract.corpus import check_duties
    from jdextract.taxonomy import load_taxonomy

    found = check_duties(folder, load_taxonomy(taxonomy))
    for problem in found.problems:
        print(visible(f"{folder}/{problem}"))
    wrong = len(found.problems)
    if found.near_duplicate_share > most_near:
        print(f"{folder}: {found.near_duplicate_share:.2%} near duplicates, more than {most_near:.2%}")
        wrong += 1
    fewest = min(found.by_role.items(), key=lambda pair: pair[1], default=("-", 0))
    print(
        f"{found.sentences} duties of {len(found.by_role)} roles, fewest {fewest[0]} {fewest[1]}; {found.pairs} in contrast"
        f" pairs; near duplicates {found.near_duplicate_share:.2%}; read twice {found.read_twice}, kappa {found.kappa};"
        f" {wrong} wrong",
        file=sys.stderr,
    )
    return wrong


def _files(folder: Path, pattern: str) -> list[Path]:
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise EmptyInput(f"no {pattern} in it", where=str(folder), hint="check the folder")
    return paths


def _read(path: Path) -> str:
    """Line ends as they are, because offsets count them."""
    try:
        return _read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReadError("is not UTF-8", where=str(path), hint="convert it first") from error


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReadError(f"cannot be opened ({error.strerror})", where=str(path), hint="check the path") from error


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))
