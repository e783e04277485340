"""Labels that a teacher (a language model, or a person) gave to duties of pages that are not part of the corpus.

A CSV file holds no text of those pages: a label is found by a digest of the folded duty, so that it can be published, and
used by whoever has the pages. JSON lines hold the texts, which are learned without any pages.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from jdextract.classification.features import fold_duty
from jdextract.classification.model import PAGE_TEXT
from jdextract.classification.settings import Settings
from jdextract.classification.training import Example
from jdextract.errors import ModelError
from jdextract.taxonomy import Taxonomy

NO_DUTY = "none"  # the label of a line that is no duty


def label_key(normalized: str) -> str:
    """16 hex digits that stand for a duty: a digest of its folded form."""
    return hashlib.blake2b(fold_duty(normalized).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class TeacherLabels:
    """`roles`: role or `none` by the key of a duty. `texts`: the duties themselves (normalised), where the file has them."""

    roles: Mapping[str, str]
    texts: tuple[str, ...] = ()


def read_labels(path: Path, taxonomy: Taxonomy | None = None) -> TeacherLabels:
    """Labels from CSV with `key` and `role` or JSON lines with `text` (normalised) and `role`.

    Raises ModelError for a file that can't be read or has other columns, and for a role that the taxonomy does not have.
    """
    texts: tuple[str, ...] = ()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix == ".csv":
                roles = {row["key"]: row["role"] for row in csv.DictReader(file)}
            else:
                rows = [json.loads(line) for line in file if line.strip()]
                roles = {label_key(row["text"]): row["role"] for row in rows}
                texts = tuple(row["text"] for row in rows)
    except OSError as error:
        raise ModelError(f"cannot be opened ({error.strerror})", where=str(path), hint="check the path") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"has no labels ({error})", where=str(path), hint="CSV with key and role, or JSON lines with text and role"
        ) from error
    known = {*taxonomy.role_ids, NO_DUTY} if taxonomy else set(roles.values())
    wrong = sorted({str(role) for role in roles.values() if role not in known})
    if wrong:
        raise ModelError(
            f"role {wrong[0][:60]!r} is not in the taxonomy",
            where=str(path),
            hint="give the taxonomy that the teacher was asked with: --taxonomy",
        )
    return TeacherLabels(roles, texts)


def find_taught_examples(
    segments: Iterable[tuple[str, str]], labels: TeacherLabels, settings: Settings, held_out: Collection[str] = ()
) -> list[Example]:
    """Examples from (title, duty) pairs, both normalised, whose duty has a label, and from the labels' own texts: each
    distinct duty once, by its text.

    `held_out`: normalised texts that must not be learned.
    """
    forbidden = {fold_duty(text) for text in held_out}
    found: dict[str, str] = {}
    for text in chain(labels.texts, (text for _, text in segments)):
        folded = fold_duty(text)
        role = labels.roles.get(label_key(text))
        if role and folded not in forbidden:
            found[folded] = PAGE_TEXT if role == NO_DUTY else role
    weight = settings.training.teacher_weight
    return [Example(text, role, weight, "teacher") for text, role in sorted(found.items())]
