"""A pipeline without models that has doubts, documents for it, the model that it asks, and a program that runs it.

A document is a title and lines of duties. Where the title says 混 its lines were read with little confidence, and a line
with ｜ holds two duties that the offline reading does not tell apart; a duty with 其他 gets no role offline.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jdextract.batch as batch
from jdextract.batch.extraction import BatchPipeline
from jdextract.config import Config
from jdextract.records import Draft, DraftDuty, DraftRecord, Piece, Role, RoleShare, Segment, SourceText
from jdextract.taxonomy import load_taxonomy
from tests.llm.fake_server import Scripted, says
from tests.samples import StandInClassifier

_SEALED = re.compile(r"<<<资料 \w+\n(.*)\n资料 \w+>>>", re.DOTALL)
_JUDGED = re.compile("^要判断的职责：(.*)$", re.MULTILINE)
_ENUMERATOR = re.compile(r"^\d+、")
ANSWER = (900, 50)  # tokens of each exchange
UNSURE, UNKNOWN = 8, 5  # each eighth document has a structure in doubt, each fifth a role


class Extractor:
    """The offline reading."""

    def load(self) -> None:
        pass

    def normalize(self, text: str) -> str:
        return text.strip()

    def extract_many(self, sources: Sequence[SourceText]) -> list[Draft]:
        return [self.extract(source) for source in sources]

    def extract(self, source: SourceText) -> Draft:
        score = 0.4 if "混" in source.text else 1.0
        segments, pieces, place = [], [], 0
        for number, line in enumerate(source.text.split("\n")):
            mark = _ENUMERATOR.match(line)
            span = (place + (mark.end() if mark else 0), place + len(line))
            pieces.append(Piece(source.text[slice(*span)], source.text[slice(*span)], span))
            segments.append(Segment(span, "duty" if number else "title", "stand-in", score if number else 1.0, 0))
            place += len(line) + 1
        duties = tuple(DraftDuty(piece.text, piece.normalized, piece.span, None) for piece in pieces[1:])
        return Draft(source, "hans", "cn", tuple(segments), (DraftRecord(pieces[0], None, duties, (), ()),))


class Classifier(StandInClassifier):
    """With what assistance needs of the real one."""

    model = SimpleNamespace(taxonomy=load_taxonomy())
    threshold = 0.65

    def mix_roles(self, roles: Sequence[Role]) -> tuple[RoleShare, ...]:
        return ()


def install() -> None:
    """Every run of this process uses the stand-in."""
    BatchPipeline.extractor = Extractor()  # type: ignore[assignment]
    BatchPipeline.classifier = Classifier()  # type: ignore[assignment]


def text_of(number: int) -> str:
    """One document."""
    lines = [f"第{number}号{'混' if number % UNSURE == 0 else ''}店员"]
    lines += [f"1、清点第{number}号货架｜补齐第{number}号价签", f"2、打扫第{number}号卖场"]
    lines += [f"3、完成第{number}号店长交办的其他工作"] if number % UNKNOWN == 0 else []
    return "\n".join(lines)


def write_table(path: Path, documents: int) -> Path:
    """A table of documents in JSON Lines."""
    rows = [{"id": str(n), "text": text_of(n)} for n in range(documents)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def count_doubts(documents: int) -> tuple[int, int]:
    """How many of these documents are doubted: structures, roles."""
    return len(range(0, documents, UNSURE)), len(range(0, documents, UNKNOWN))


def answer(material: str) -> dict[str, Any]:
    """What the model says."""
    judged = _JUDGED.search(material)
    if judged:
        return {"role": "merchandising", "evidence": [judged[1][-4:]], "confidence": "高"}
    sealed = _SEALED.search(material)
    assert sealed
    title, *lines = sealed[1].split("\n")
    duties = [duty for line in lines for duty in _ENUMERATOR.sub("", line).split("｜")]
    return {"positions": [{"title": title, "duties": duties, "requirements": [], "pay": []}]}


def script(seconds: float = 0.0) -> Callable[[dict[str, Any], int], Scripted]:
    """For a FakeServer; each answer takes so long."""
    return lambda body, number: says(answer(body["messages"][1]["content"]), tokens=ANSWER, seconds=seconds)


def targets_in(folder: Path, suffix: str = ".jsonl") -> batch.Targets:
    """The outputs of a run."""
    return batch.Targets(folder / f"r{suffix}", folder / "r.html", None, folder / "errors.jsonl", folder / "run.json")


def main() -> None:
    """`python -m tests.llm.standin FOLDER INPUT WORKERS SETTINGS`: settings of the section `[llm]` as JSON; resumes."""
    folder, table, workers, settings = sys.argv[1:]
    install()
    config = Config.model_validate({"llm": json.loads(settings)})
    options = batch.Options(int(workers), resume=True, patience=0.0, rows=True, setup=install, look_ahead=1)
    batch.run_batch([table], targets_in(Path(folder)), config, options)


if __name__ == "__main__":
    main()
