"""`jdextract corpus render|mark|lint`: annotated documents between inline marks and gold files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from jdextract.cli.console import Status, complain, visible
from jdextract.errors import EmptyInput, ReadError

app = typer.Typer(no_args_is_help=True, help="Convert and check annotated documents.")

Out = Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="Folder to write to.")]


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


@app.command()
def lint(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder with *.mark files.")] = Path(
        "corpus/documents"
    ),
) -> None:
    """Check the marks of a folder: well formed, and the same after parsing and writing them again.

    Example: jdextract corpus lint corpus/documents
    """
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
    if wrong:
        raise typer.Exit(Status.NOTHING_DONE)


def _files(folder: Path, pattern: str) -> list[Path]:
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise EmptyInput(f"no {pattern} in it", where=str(folder), hint="check the folder")
    return paths


def _read(path: Path) -> str:
    """Line ends as they are, because offsets count them."""
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ReadError(f"cannot be opened ({error.strerror})", where=str(path), hint="check the path") from error
    except UnicodeDecodeError as error:
        raise ReadError("is not UTF-8", where=str(path), hint="convert it first") from error


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))
