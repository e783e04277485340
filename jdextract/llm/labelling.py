"""A file of sentences -> a teacher's labels, as `train --teacher` and `adapt --teacher` read them."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jdextract.classification.teacher import label_key
from jdextract.errors import ConfigError, DamagedInput, EmptyInput, MissingInput
from jdextract.llm.tasks.label import (
    TEACHER_COLUMNS,
    Label,
    Sentence,
    read_sentences,
    teacher_line,
    teacher_row,
    undecided_line,
)
from jdextract.output import replacing

Normalize = Callable[[str], str]
_HINT = "give a text file with one sentence a line, or JSON lines with text"


@dataclass(slots=True)
class LabelCounts:
    """What became of the sentences. `agreement`: sum of the agreement of those that were answered."""

    sentences: int = 0
    undecided: Counter[str] = field(default_factory=Counter)  # by reason
    roles: Counter[str] = field(default_factory=Counter)  # of the labelled ones
    answered: int = 0
    unanimous: int = 0
    agreement: float = 0.0

    def add(self, label: Label) -> None:
        """Count one sentence."""
        self.sentences += 1
        if label.role is None:
            self.undecided[label.reason] += 1
        else:
            self.roles[label.role] += 1
        if label.votes:
            self.answered += 1
            self.agreement += label.agreement
            self.unanimous += label.agreement == 1

    def summary(self) -> dict[str, Any]:
        """For JSON. `agreement`: mean share of the samples that have the label, of the sentences that were answered;
        `unanimous`: share of them whose samples are all equal."""
        answered = max(1, self.answered)
        return {
            "sentences": self.sentences,
            "labelled": self.roles.total(),
            "undecided": dict(sorted(self.undecided.items())),
            "agreement": round(self.agreement / answered, 4) if self.answered else None,
            "unanimous": round(self.unanimous / answered, 4) if self.answered else None,
            "roles": dict(sorted(self.roles.items(), key=lambda pair: (-pair[1], pair[0]))),
        }


def load_sentences(path: Path, normalize: Normalize) -> tuple[list[Sentence], int]:
    """The sentences of a file, each distinct one once (with the title of its first place), and how many repeat one.

    Raises MissingInput, DamagedInput, and EmptyInput for a file without a sentence.
    """
    if not path.is_file():
        raise MissingInput("no such file", where=str(path), hint=_HINT)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DamagedInput("is not UTF-8", where=str(path), hint="convert it first") from error
    found: dict[str, Sentence] = {}
    total = 0
    for sentence in read_sentences(io.StringIO(text, newline=None), path.name):
        if sentence.text.strip():
            total += 1
            found.setdefault(label_key(normalize(sentence.text)), sentence)
    if not found:
        raise EmptyInput("holds no sentences", where=str(path), hint=_HINT)
    return list(found.values()), total - len(found)


def check_output(path: Path) -> None:
    """Raises ConfigError for a name that is neither CSV nor JSON Lines."""
    if path.suffix not in (".csv", ".jsonl"):
        raise ConfigError(
            f"no teacher file ends in {path.suffix!r}", where=str(path), hint="give -o FILE.csv or .jsonl"
        )


def undecided_path(output: Path) -> Path:
    """The file beside the labels for the sentences without one."""
    return output.with_name(f"{output.stem}-undecided.jsonl")


def write_labels(labels: Iterable[Label], output: Path, normalize: Normalize) -> LabelCounts:
    """Write labels as they come: CSV without texts or JSON Lines with them, by the name; undecided ones beside it.

    Both files appear complete or not at all. Raises ConfigError for another name, and EmptyInput when no sentence was
    answered.
    """
    check_output(output)
    counts = LabelCounts()
    lines = _csv_lines if output.suffix == ".csv" else _json_lines
    with ExitStack() as stack:
        decided, undecided = (stack.enter_context(replacing(path)) for path in (output, undecided_path(output)))

        def counted() -> Iterator[Label]:
            for label in labels:
                counts.add(label)
                line = undecided_line(label)
                if line is not None:
                    undecided.write(line.encode("utf-8", "replace") + b"\n")
                yield label

        for line in lines(counted(), normalize):
            decided.write(line.encode("utf-8", "replace") + b"\n")
        if not counts.answered:
            raise EmptyInput(
                f"no sentence was answered ({json.dumps(counts.undecided)}); nothing was written",
                where=str(output),
                hint="see --llm-base-url, the key, --llm-budget and --llm-max-calls",
            )
    return counts


def _csv_lines(labels: Iterable[Label], normalize: Normalize) -> Iterator[str]:
    yield ",".join(TEACHER_COLUMNS)
    for label in labels:
        row = teacher_row(label, normalize)
        if row is not None:
            cells = io.StringIO()
            csv.writer(cells, lineterminator="").writerow(row)
            yield cells.getvalue()


def _json_lines(labels: Iterable[Label], normalize: Normalize) -> Iterator[str]:
    return (line for label in labels if (line := teacher_line(label, normalize)) is not None)
