"""The corpus: how the annotated documents are split, and what must hold for the labelled sentences."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from jdextract.errors import JdextractError
from jdextract.taxonomy import Taxonomy

Split = Literal["build", "tune", "report"]
SPLITS = "splits.csv"


@dataclass(frozen=True, slots=True)
class DocumentSplit:
    """What a document is used for: models are built on `build`, settings are chosen on `tune`, `report` is only scored."""

    name: str
    shape: str
    hand: str
    split: Split
    sample: bool


def read_splits(folder: Path) -> dict[str, DocumentSplit]:
    """{document name: its split}. Raises JdextractError for a wrong row."""
    path = folder / SPLITS
    result: dict[str, DocumentSplit] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            if row["split"] not in ("build", "tune", "report"):
                raise JdextractError(f"split {row['split']!r}", where=f"{path}:{number}", hint="build, tune or report")
            result[row["name"]] = DocumentSplit(
                row["name"], row["shape"], row["hand"], cast(Split, row["split"]), row["sample"] == "yes"
            )
    return result


SECOND_READING = "second-reading.csv"
_FIELDS = ("id", "role", "text", "script", "region", "register")
_LENGTHS = range(2, 151)  # code points


@dataclass(frozen=True, slots=True)
class DutyCheck:
    """What was found in a folder of labelled sentences. `problems`: one line each, with the place."""

    sentences: int
    by_role: dict[str, int]
    pairs: int  # sentences that are one of two nearly equal ones with different roles
    near_duplicate_share: float  # of sentences that a sentence before them nearly repeats (3-gram Jaccard >= 0.7)
    read_twice: int
    kappa: float | None  # Cohen's, between the labels and the second reading; None without one
    problems: tuple[str, ...]


def check_duties(folder: Path, taxonomy: Taxonomy) -> DutyCheck:
    """Check `*.jsonl` of labelled sentences and the second reading beside them, if there is one."""
    from jdextract.classification.features import fold_duty
    from jdextract.classification.validation import cluster

    problems: list[str] = []
    rows: dict[str, dict[str, Any]] = {}
    texts: dict[str, str] = {}
    for where, row in _read_rows(folder, problems):
        missing = [name for name in _FIELDS if not isinstance(row.get(name), str) or not row[name]]
        if missing:
            problems.append(f"{where}: no {', '.join(missing)}")
            continue
        if row["id"] in rows:
            problems.append(f"{where}: id {row['id']} stands twice")
        if row["text"] in texts:
            problems.append(f"{where}: the same text as {texts[row['text']]}")
        if row["role"] not in taxonomy.role_ids:
            problems.append(f"{where}: role {row['role']!r} is not in the taxonomy")
        if len(row["text"]) not in _LENGTHS:
            problems.append(f"{where}: {len(row['text'])} characters")
        rows[row["id"]] = row
        texts[row["text"]] = where
    clusters = set(cluster([fold_duty(text) for text in texts]).tolist()) if texts else set()
    first, second = _read_second(folder / SECOND_READING, rows, problems)
    return DutyCheck(
        len(rows),
        dict(Counter(row["role"] for row in rows.values()).most_common()),
        sum(row.get("note") == "pair" for row in rows.values()),
        round(1 - len(clusters) / len(texts), 4) if texts else 0.0,
        len(first),
        _kappa(first, second),
        tuple(problems),
    )


def _read_rows(folder: Path, problems: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                row = json.loads(line)
            except ValueError as error:
                problems.append(f"{path.name}:{number}: not JSON ({error})")
                continue
            if isinstance(row, dict):
                yield f"{path.name}:{number}", row
            else:
                problems.append(f"{path.name}:{number}: not an object")


def _read_second(path: Path, rows: dict[str, dict[str, Any]], problems: list[str]) -> tuple[list[str], list[str]]:
    first: list[str] = []
    second: list[str] = []
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                if row["id"] not in rows:
                    problems.append(f"{path.name}:{number}: no sentence {row['id']}")
                else:
                    first.append(rows[row["id"]]["role"])
                    second.append(row["role"])
    return first, second


def _kappa(first: list[str], second: list[str]) -> float | None:
    from sklearn.metrics import cohen_kappa_score

    return round(float(cohen_kappa_score(first, second)), 4) if first else None
