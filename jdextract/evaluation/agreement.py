"""Two readings of the same sentences: how far they agree, and how their disagreements are settled.

The sheet for settling is a list of rows for a CSV file. A person fills the column `settled`; nothing else is read back but
what tells that the row still belongs to the two readings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from jdextract.errors import JdextractError
from jdextract.evaluation.figures import make_measures
from jdextract.evaluation.intervals import Interval, bootstrap
from jdextract.evaluation.predictions import make_predictions
from jdextract.output import defuse

SHEET_COLUMNS = ("id", "text", "first", "second", "settled", "note")


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """One label against all others. `kappa` is None where chance alone would agree on every row."""

    label: str
    first: int  # rows that the first reading gave it
    second: int
    both: int
    kappa: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One row with two labels."""

    id: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two readings compared on the rows that both have."""

    rows: int
    agreed: int
    kappa: float | None  # Cohen's; None without shared rows, and where chance alone would agree on every row
    interval: Interval | None  # of kappa; None without groups
    labels: tuple[LabelAgreement, ...]  # sorted by label
    disagreements: tuple[Disagreement, ...]  # sorted by labels, then id, so that like cases are settled together
    first_only: tuple[str, ...]  # sorted ids
    second_only: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Merged:
    """The result of both readings. `labels`: rows that both agree on or that were settled."""

    labels: dict[str, str]
    unsettled: tuple[str, ...]  # sorted ids
    read_once: dict[str, str]  # rows that only one reading has

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def compute_kappa(both: int, first: Mapping[str, int], second: Mapping[str, int]) -> float | None:
    """Cohen's kappa from the number of agreements and the counts of each reading; None where it is undefined."""
    rows = sum(first.values())
    chance = sum(count * second.get(label, 0) for label, count in first.items())  # times rows**2
    return (both * rows - chance) / (rows**2 - chance) if rows**2 != chance else None


def compare_readings(
    first: Mapping[str, str], second: Mapping[str, str], groups: Mapping[str, str] | None = None
) -> Agreement:
    """Compare two readings, id -> label. With `groups` (id -> document or template) kappa gets an interval.

    Raises JdextractError for a shared id without a group.
    """
    shared = sorted(first.keys() & second.keys())
    counts = Counter(first[i] for i in shared), Counter(second[i] for i in shared)
    both = Counter(first[i] for i in shared if first[i] == second[i])
    rows = len(shared)
    labels = []
    for label in sorted(counts[0].keys() | counts[1].keys()):
        one, other, agreed = counts[0][label], counts[1][label], both[label]
        kappa = compute_kappa(
            rows - one - other + 2 * agreed, {"it": one, "rest": rows - one}, {"it": other, "rest": rows - other}
        )
        labels.append(LabelAgreement(label, one, other, agreed, kappa))
    apart = [Disagreement(i, first[i], second[i]) for i in shared if first[i] != second[i]]
    return Agreement(
        rows,
        both.total(),
        compute_kappa(both.total(), *counts) if rows else None,
        None if groups is None or not rows else _find_interval(first, second, shared, groups),
        tuple(labels),
        tuple(sorted(apart, key=lambda row: (row.first, row.second, row.id))),
        tuple(sorted(first.keys() - second.keys())),
        tuple(sorted(second.keys() - first.keys())),
    )


def _find_interval(
    first: Mapping[str, str], second: Mapping[str, str], shared: list[str], groups: Mapping[str, str]
) -> Interval:
    missing = next((i for i in shared if i not in groups), None)
    if missing is not None:
        raise JdextractError(f"no group for {missing!r}", where="agreement", hint="give the group of every row")
    given, found = [first[i] for i in shared], [second[i] for i in shared]
    families = {label: label for label in (*given, *found)}
    measure = make_measures(make_predictions(given, found, families))["kappa"]
    return bootstrap(measure, [groups[i] for i in shared])


def make_sheet(agreement: Agreement, texts: Mapping[str, str]) -> list[dict[str, str]]:
    """Rows with SHEET_COLUMNS, one a disagreement, `settled` and `note` empty; no cell starts a formula.

    `texts`: id -> sentence, may lack some. Raises JdextractError where two ids can't be told apart in a spreadsheet.
    """
    _by_cell([row.id for row in agreement.disagreements], "id")
    return [
        {
            "id": defuse(row.id),
            "text": defuse(texts.get(row.id, "")),
            "first": defuse(row.first),
            "second": defuse(row.second),
            "settled": "",
            "note": "",
        }
        for row in agreement.disagreements
    ]


def read_sheet(rows: Iterable[Mapping[str, str]], agreement: Agreement, labels: Collection[str]) -> dict[str, str]:
    """Settled labels by id, from the rows of a sheet that was filled. Rows that are not settled yet are left out.

    Raises JdextractError, with the line of a CSV file, for a missing column, an id that is no disagreement or stands
    twice, readings other than those of the agreement, and a settled label outside `labels`.
    """
    apart = {row.id: row for row in agreement.disagreements}
    ids, known = _by_cell(list(apart), "id"), _by_cell(labels, "label")
    settled: dict[str, str] = {}
    seen: set[str] = set()
    for line, row in enumerate(rows, 2):
        missing = [name for name in ("id", "first", "second", "settled") if row.get(name) is None]
        if missing:
            raise _wrong(line, f"no column {missing[0]!r}", "keep the columns of the sheet")
        own = ids.get(row["id"].strip())
        if own is None or own in seen:
            raise _wrong(line, f"id {row['id']!r} {'stands twice' if own else 'is no disagreement'}", "keep the ids")
        seen.add(own)
        if any(row[name].strip() not in _cells(getattr(apart[own], name)) for name in ("first", "second")):
            raise _wrong(line, f"other readings of {own!r}", "make the sheet anew after a reading has changed")
        answer = row["settled"].strip()
        if answer and answer not in known:
            raise _wrong(line, f"settled label {answer!r}", f"one of {', '.join(sorted(labels))}")
        if answer:
            settled[own] = known[answer]
    return settled


def merge_readings(first: Mapping[str, str], second: Mapping[str, str], settled: Mapping[str, str]) -> Merged:
    """Agreed and settled labels, in the order of the first reading. Raises JdextractError for a settled id that both
    readings agree on or that one of them lacks."""
    apart = {i for i in first.keys() & second.keys() if first[i] != second[i]}
    wrong = sorted(settled.keys() - apart)
    if wrong:
        raise JdextractError(f"{wrong[0]!r} is no disagreement", where="agreement", hint="settle disagreements only")
    labels = {
        i: settled.get(i, label) for i, label in first.items() if i in second and (i not in apart or i in settled)
    }
    once = {i: label for one, other in ((first, second), (second, first)) for i, label in one.items() if i not in other}
    return Merged(labels, tuple(sorted(apart - settled.keys())), once)


def _cells(name: str) -> tuple[str, str]:
    """What a name looks like in a sheet, and what it looks like if a spreadsheet has dropped the apostrophe."""
    return defuse(name).strip(), name.strip()


def _by_cell(names: Collection[str], kind: str) -> dict[str, str]:
    """What stands in a cell -> the name itself."""
    cells: dict[str, str] = {}
    for name in names:
        for cell in _cells(name):
            if cells.setdefault(cell, name) != name:
                raise JdextractError(
                    f"{kind} {name!r} and {cells[cell]!r} are the same in a sheet",
                    where="agreement",
                    hint="rename one of them",
                )
    return cells


def _wrong(line: int, what: str, hint: str) -> JdextractError:
    return JdextractError(what, where=f"sheet:{line}", hint=hint)
