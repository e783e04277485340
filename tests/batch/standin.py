"""A pipeline without models for runs in several processes, documents for it, and a program that runs it.

A document is lines of duties. Some lines break the process that works on them.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from jdextract.batch import Limits, Options, Targets, identity, run_batch
from jdextract.batch.extraction import BatchPipeline
from jdextract.config import Config
from jdextract.pipeline import Explained
from jdextract.records import DocumentRef, Draft, Dropped, Duty, Role, RoleRecord, SourceText, TextSpan, Title

ABORT, ENDLESS, MEMORY, UNFORESEEN = "ABORT", "ENDLESS", "MEMORY", "UNFORESEEN"
WORDS = ("采购", "验收", "盘点", "比价", "跟单", "退换", "直播", '"duplicate_of":null', "a,b", "=1+1")
ROLE = Role(id="other", family="other", score=0.5, status="assigned")
PAUSE = "JDEXTRACT_TEST_PAUSE"  # seconds a document, in the environment


def install() -> None:
    """Every pipeline of this process is the stand-in."""
    BatchPipeline.explain_many = explain_many  # type: ignore[method-assign]
    BatchPipeline.explain = explain_one  # type: ignore[method-assign]
    BatchPipeline.load = lambda self: None  # type: ignore[method-assign]


def explain_many(self: BatchPipeline, sources: Sequence[SourceText]) -> list[Explained]:
    """One record a document, one duty a line."""
    time.sleep(float(os.environ.get(PAUSE, "0")) * len(sources))
    return [explain(source) for source in sources]


def explain_one(self: BatchPipeline, source: SourceText) -> Explained:
    """One document alone."""
    return explain(source)


def explain(source: SourceText) -> Explained:
    """What the stand-in finds in one document."""
    if ABORT in source.text:
        os.abort()
    if MEMORY in source.text:
        print(len(bytearray(1 << 40)), file=sys.stderr)
    if UNFORESEEN in source.text:
        raise RuntimeError("unforeseen page")
    while ENDLESS in source.text:
        pass
    duties, start = [], 0
    for line in source.text.split("\n"):
        span = (start, start + len(line))
        duties.append(Duty(text=line, normalized=line.strip(), span=span, heading=None, role=ROLE))
        start += len(line) + 1
    first = duties[0]
    record = RoleRecord(
        record_id=f"{source.id}-0",
        document=DocumentRef(id=source.id, source=source.source, script="hans"),
        title=Title(text=first.text, normalized=first.normalized, span=first.span, name=first.text),
        role=ROLE,
        headcount=len(duties) % 3 or None,
        duties=tuple(duties[1:]),
        requirements=(TextSpan(text=first.text, normalized=first.text, span=first.span),),
        compensation=(),
    )
    draft = Draft(source, "hans", "cn", (), (), (Dropped(source.source, "extraction", "noise", (0, 1)),))
    return Explained(draft, (record,))


def text_of(number: int) -> str:
    """A document of one to seven lines, some of them those of other documents."""
    lines = [f"第{number}份"] + [
        f"负责{WORDS[(number * 7 + i * 3) % 10]}{(number * i) % 50}" for i in range(number % 7)
    ]
    return "\n".join(lines)


def write_table(path: Path, documents: int, special: dict[int, str] | None = None) -> Path:
    """A table of documents in JSON Lines; `special` gives those of some numbers another text."""
    rows = [{"id": str(n), "text": (special or {}).get(n) or text_of(n)} for n in range(documents)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def targets_in(folder: Path, suffix: str = ".jsonl", *, texts: bool = True) -> Targets:
    """All outputs of a run, in one folder."""
    return Targets(
        folder / f"r{suffix}",
        folder / "r.html",
        folder / "texts" if texts else None,
        folder / "errors.jsonl",
        folder / "run.json",
    )


def main() -> None:
    """`python -m tests.batch.standin FOLDER SUFFIX WORKERS INPUT…`, with `--resume` as last argument or without."""
    folder, suffix, workers, *inputs = sys.argv[1:]
    resume = inputs[-1] == "--resume"
    install()
    identity._digest_code = lambda: "code"  # type: ignore[assignment]  # it may be edited while the tests run
    options = Options(
        int(workers), resume=resume, limits=Limits(1.0, 256 << 20), patience=0.0, rows=True, setup=install, look_ahead=2
    )
    run_batch([name for name in inputs if name != "--resume"], targets_in(Path(folder), suffix), Config(), options)


if __name__ == "__main__":
    main()
