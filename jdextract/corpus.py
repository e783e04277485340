"""The annotated documents of `corpus/documents` and how they are split."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from jdextract.errors import JdextractError

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
