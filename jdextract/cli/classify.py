"""`jdextract classify`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from jdextract.cli.settings import ConfigFile, EngineName, ModelFolder, TaxonomyFile, make_config

if TYPE_CHECKING:
    from jdextract.pipeline import Pipeline
    from jdextract.records import ClassifiedDuty

_LINES_AT_A_TIME = 512
_GRAMS = 10  # that --explain lists


def classify(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Default: standard input.")] = None,
    top: Annotated[int | None, typer.Option(min=0, metavar="K", help="How many alternatives a role lists.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Add the words and n-grams that moved each decision.")
    ] = False,
    encoding: Annotated[str, typer.Option(help="Encoding of the lines.")] = "utf-8",
    config: ConfigFile = None,
    taxonomy: TaxonomyFile = None,
    model: ModelFolder = None,
    engine: EngineName = None,
) -> None:
    """Find the canonical role of single duties: one sentence per line in, one JSON object per line out.

    With --explain each object has `why`: n-grams with what they add to the decision for the role against the next best.
    A blank line gives an object as well, with an abstained role that names nothing, so that line n belongs to line n.

    Example: echo 负责直通车的投放与优化 | jdextract classify --top 5
    """
    from jdextract.pipeline import Pipeline

    settings = make_config(
        config,
        {
            "classification": {"top": top, "taxonomy": taxonomy, "model": model},
            "tokens": {"engine": engine},
        },
    )
    pipeline = Pipeline(settings)
    out = sys.stdout.buffer
    for chunk in _chunks(file, encoding):
        for duty in _classify_lines(pipeline, chunk, _GRAMS if explain else 0):
            out.write(duty.model_dump_json(exclude_none=True).encode() + b"\n")
        out.flush()


def _classify_lines(pipeline: Pipeline, lines: list[str], why: int) -> Iterator[ClassifiedDuty]:
    from jdextract.records import ClassifiedDuty, Role

    nothing = Role(id="", family="", score=0.0, status="abstained", decided_by="blank line")
    classified = pipeline.classify((line for line in lines if line.strip()), why=why)
    for line in lines:
        yield next(classified) if line.strip() else ClassifiedDuty(text=line, normalized="", role=nothing)


def _chunks(file: Path | None, encoding: str) -> Iterator[list[str]]:
    """The lines in lists; a person who types gets an answer after each line."""
    size = 1 if file is None and sys.stdin.isatty() else _LINES_AT_A_TIME
    chunk: list[str] = []
    for line in _lines(file, encoding):
        chunk.append(line)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _lines(file: Path | None, encoding: str) -> Iterator[str]:
    from jdextract.errors import DamagedInput, ReadError

    where = str(file) if file else "standard input"
    _check_encoding(encoding)
    try:
        with _open(file, encoding) as stream:
            for line in stream:
                yield line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DamagedInput(f"is not {encoding}", where=where, hint="give --encoding gb18030 or big5") from error
    except OSError as error:
        if file is None or isinstance(error, BrokenPipeError):
            raise
        raise ReadError(f"cannot be opened ({error.strerror})", where=where, hint="check the path") from error


def _check_encoding(encoding: str) -> None:
    import codecs

    from jdextract.errors import ConfigError

    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise ConfigError(f"no such encoding: {encoding}", where="--encoding", hint="utf-8, gb18030, big5") from error


def _open(file: Path | None, encoding: str) -> TextIO:
    """Lines end at line feeds only: U+2028 and its like may stand inside a scraped sentence."""
    import io

    name = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    stream = file.open("rb") if file else sys.stdin.buffer
    return io.TextIOWrapper(stream, encoding=name, newline="\n")
