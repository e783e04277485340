"""Two versions of a dataset: which canonical duties came, went, merged, split, or changed their role."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jdextract.errors import MissingInput


@dataclass(frozen=True, slots=True)
class Change:
    """One duty of the version before or after. `ids`: where its wordings are in the other version, most of them first."""

    id: str
    text: str
    ids: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()  # before and after, of a duty that moved


@dataclass(frozen=True, slots=True)
class Difference:
    """All that changed; each tuple by id."""

    added: tuple[Change, ...]  # none of its wordings was there before
    gone: tuple[Change, ...]  # none of its wordings is there now
    merged: tuple[Change, ...]  # of the version before: its wordings are part of an older duty now
    split: tuple[Change, ...]  # of the version before: its wordings are in several duties now
    moved: tuple[Change, ...]  # the same id with another role
    kept: int  # duties with the same id and role

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Version:
    texts: dict[str, str]  # {id: canonical wording}
    roles: dict[str, str]
    ids_of: dict[str, str]  # {wording: id}
    wordings: dict[str, list[str]]  # {id: wordings}


def compare_datasets(old: Path, new: Path) -> Difference:
    """Compare two dataset folders by the wordings of their duties. Raises MissingInput."""
    before, after = _read(old), _read(new)
    gone, merged, split, moved = [], [], [], []
    kept = 0
    for id_, text in sorted(before.texts.items()):
        places = Counter(after.ids_of[w] for w in before.wordings[id_] if w in after.ids_of)
        ids = tuple(sorted(places, key=lambda name: (-places[name], name)))
        if id_ in after.texts:
            if before.roles[id_] != after.roles[id_]:
                moved.append(Change(id_, text, roles=(before.roles[id_], after.roles[id_])))
            else:
                kept += 1
        elif ids:
            merged.append(Change(id_, text, ids))
        else:
            gone.append(Change(id_, text))
        if len(ids) > 1:
            split.append(Change(id_, text, ids))
    added = [
        Change(id_, text)
        for id_, text in sorted(after.texts.items())
        if id_ not in before.texts and not any(w in before.ids_of for w in after.wordings[id_])
    ]
    return Difference(tuple(added), tuple(gone), tuple(merged), tuple(split), tuple(moved), kept)


def _read(folder: Path) -> _Version:
    import polars as pl

    duties, instances = folder / "canonical_duties.parquet", folder / "duty_instances.parquet"
    for path in (duties, instances):
        if not path.is_file():
            raise MissingInput("no such file", where=str(path), hint="give the folder of a dataset")
    rows = pl.read_parquet(duties, columns=["id", "text", "role"]).rows()
    pairs = pl.scan_parquet(instances).select("duty_id", "normalized").unique().collect().rows()
    wordings: dict[str, list[str]] = {id_: [] for id_, _, _ in rows}
    for id_, text in pairs:
        wordings[id_].append(text)
    return _Version(
        {id_: text for id_, text, _ in rows},
        {id_: role for id_, _, role in rows},
        {text: id_ for id_, text in pairs},
        wordings,
    )
