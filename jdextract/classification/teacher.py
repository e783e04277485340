"""Labels that a teacher (a language model, or a person) gave to duties of pages that are not part of the corpus.

The file holds no text of those pages: a label is found by a digest of the folded duty, so that it can be published, and
used by whoever has the pages.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from jdextract.classification.features import fold_duty
from jdextract.classification.model import PAGE_TEXT
from jdextract.classification.settings import Settings
from jdextract.classification.training import Example
from jdextract.errors import ModelError

NO_DUTY = "none"  # the label of a line that is no duty


def label_key(normalized: str) -> str:
    """16 hex digits that stand for a duty: a digest of its folded form."""
    return hashlib.blake2b(fold_duty(normalized).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def read_labels(path: Path) -> dict[str, str]:
    """{key of a duty: role or `none`}, from CSV with `key` and `role` or JSON lines with `text` (normalised) and `role`.

    Raises ModelError for a file that can't be read or has other columns.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            if path.suffix == ".csv":
                return {row["key"]: row["role"] for row in csv.DictReader(file)}
            rows = [json.loads(line) for line in file if line.strip()]
        return {label_key(row["text"]): row["role"] for row in rows}
    except OSError as error:
        raise ModelError(f"cannot be opened ({error.strerror})", where=str(path), hint="check the path") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"has no labels ({error})", where=str(path), hint="CSV with key and role, or JSON lines with text and role"
        ) from error


def find_taught_examples(
    segments: Iterable[tuple[str, str]], labels: Mapping[str, str], settings: Settings, held_out: Collection[str] = ()
) -> list[Example]:
    """Examples from (title, duty) pairs, both normalised, whose duty has a label: each distinct duty once, by its text.

    `held_out`: normalised texts that must not be learned.
    """
    forbidden = {fold_duty(text) for text in held_out}
    found: dict[str, str] = {}
    for _, text in segments:
        folded = fold_duty(text)
        role = labels.get(label_key(text))
        if role and folded not in forbidden:
            found[folded] = PAGE_TEXT if role == NO_DUTY else role
    weight = settings.training.teacher_weight
    return [Example(text, role, weight, "teacher") for text, role in sorted(found.items())]
