"""Two readings of the same sentences."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from jdextract.errors import JdextractError
from jdextract.evaluation.agreement import SHEET_COLUMNS, compare_readings, make_sheet, merge_readings, read_sheet
from jdextract.output import defuse

LABELS = ("buyer", "keeper", "seller")
FIRST = {"a": "buyer", "b": "buyer", "c": "keeper", "d": "seller", "e": "seller", "x": "buyer"}
SECOND = {"a": "buyer", "b": "keeper", "c": "keeper", "d": "seller", "e": "buyer", "y": "seller"}

readings = st.dictionaries(st.sampled_from([f"s{i}" for i in range(12)]), st.sampled_from(LABELS))
# Ids and labels that a spreadsheet would take for formulas, and what looks like them after they were made harmless.
nasty = st.text(st.sampled_from("=+-@'＝ab1"), min_size=1, max_size=4)


def through_csv(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Written to a CSV file and read again."""
    file = io.StringIO()
    writer = csv.DictWriter(file, SHEET_COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return list(csv.DictReader(io.StringIO(file.getvalue())))


def test_agreement_by_hand() -> None:
    """Five shared rows, three agreed; expected agreement (2*2 + 1*2 + 2*1) / 25."""
    found = compare_readings(FIRST, SECOND)
    assert (found.rows, found.agreed, found.interval) == (5, 3, None)
    assert found.kappa == pytest.approx((0.6 - 8 / 25) / (1 - 8 / 25))
    assert [(row.id, row.first, row.second) for row in found.disagreements] == [
        ("b", "buyer", "keeper"),
        ("e", "seller", "buyer"),
    ]
    assert (found.first_only, found.second_only) == (("x",), ("y",))
    keeper = found.labels[1]
    assert (keeper.label, keeper.first, keeper.second, keeper.both) == ("keeper", 1, 2, 1)
    assert keeper.kappa == pytest.approx((0.8 - (2 + 12) / 25) / (1 - (2 + 12) / 25))
    json.dumps(found.to_dict(), allow_nan=False)


@settings(deadline=None)
@given(readings, readings)
def test_kappa_is_that_of_scikit_learn(first: dict[str, str], second: dict[str, str]) -> None:
    """Kappa overall and of each label against the rest agrees with scikit-learn; every row is in exactly one list."""
    found = compare_readings(first, second)
    shared = sorted(first.keys() & second.keys())
    one, other = [first[i] for i in shared], [second[i] for i in shared]
    if len({*one, *other}) > 1:
        assert found.kappa == pytest.approx(cohen_kappa_score(one, other))
        for label in found.labels:
            ours = [name == label.label for name in one], [name == label.label for name in other]
            assert label.kappa == pytest.approx(cohen_kappa_score(*ours))
    else:
        assert found.kappa is None
        assert all(label.kappa is None for label in found.labels)
    assert found.agreed + len(found.disagreements) == found.rows == len(shared)
    assert {*shared, *found.first_only, *found.second_only} == {*first, *second}


def test_interval_of_kappa() -> None:
    """With groups kappa gets an interval around it, wider where rows of a group agree or disagree together."""
    first = {f"r{i}": LABELS[i % 3] for i in range(120)}
    second = {i: (LABELS[0] if number // 6 % 5 == 0 else label) for number, (i, label) in enumerate(first.items())}
    rows = compare_readings(first, second, {i: i for i in first})
    documents = compare_readings(first, second, {i: str(number // 6) for number, i in enumerate(first)})
    assert rows.kappa == pytest.approx(documents.kappa)
    assert rows.interval is not None
    assert documents.interval is not None
    assert rows.interval.value == pytest.approx(rows.kappa)
    assert documents.interval.groups == 20
    assert documents.interval.low < rows.interval.low
    with pytest.raises(JdextractError, match="no group for"):
        compare_readings(first, second, {})


def test_sheet_and_merge() -> None:
    """A sheet lists the disagreements; what is settled in it joins what both agree on, the rest is told apart."""
    agreement = compare_readings(FIRST, SECOND)
    rows = through_csv(make_sheet(agreement, {"b": "验收到货", "e": "=cmd()"}))
    assert [row["id"] for row in rows] == ["b", "e"]
    assert tuple(rows[0]) == SHEET_COLUMNS
    assert (rows[0]["text"], rows[1]["text"]) == ("验收到货", "'=cmd()")
    rows[0]["settled"] = " keeper "
    settled = read_sheet(rows, agreement, LABELS)
    assert settled == {"b": "keeper"}
    merged = merge_readings(FIRST, SECOND, settled)
    assert merged.labels == {"a": "buyer", "b": "keeper", "c": "keeper", "d": "seller"}
    assert merged.unsettled == ("e",)
    assert merged.read_once == {"x": "buyer", "y": "seller"}
    json.dumps(merged.to_dict(), allow_nan=False)


@settings(deadline=None)
@given(st.dictionaries(nasty, st.tuples(nasty, nasty), max_size=6), st.booleans(), st.data())
def test_sheets_come_back_from_a_spreadsheet(
    pairs: dict[str, tuple[str, str]], dropped: bool, data: st.DataObject
) -> None:
    """No cell starts a formula, and ids and labels come back as they were, also if the apostrophe was dropped."""
    first, second = {i: one for i, (one, _) in pairs.items()}, {i: other for i, (_, other) in pairs.items()}
    agreement = compare_readings(first, second)
    labels = sorted({*first.values(), *second.values()})
    ids = [row.id for row in agreement.disagreements]
    if any(defuse(name) in names and defuse(name) != name for names in (ids, labels) for name in names):
        with pytest.raises(JdextractError, match="are the same in a sheet"):
            read_sheet([], agreement, labels)
        return
    rows = through_csv(make_sheet(agreement, {}))
    assert all(cell == defuse(cell) for row in rows for cell in row.values())
    wanted = {}
    for row, apart in zip(rows, agreement.disagreements, strict=True):
        wanted[apart.id] = data.draw(st.sampled_from([apart.first, apart.second]))
        row["settled"] = wanted[apart.id] if dropped else defuse(wanted[apart.id])
        if dropped:
            row |= {"id": apart.id, "first": apart.first, "second": apart.second}
    assert read_sheet(rows, agreement, labels) == wanted
    assert merge_readings(first, second, wanted).labels == {i: wanted.get(i, first[i]) for i in first}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"id": "a"}, "sheet:3: id 'a' is no disagreement"),
        ({"id": "b"}, "sheet:3: id 'b' stands twice"),
        ({"first": "keeper"}, "sheet:3: other readings of 'e'"),
        ({"settled": "boss"}, "sheet:3: settled label 'boss'"),
        ({"settled": None}, "sheet:3: no column 'settled'"),
    ],
)
def test_damaged_sheets(changes: dict[str, str], what: str) -> None:
    """A row that doesn't belong to the readings, or a label that doesn't exist, is told with its line."""
    agreement = compare_readings(FIRST, SECOND)
    rows = make_sheet(agreement, {})
    rows[1] |= changes
    with pytest.raises(JdextractError, match=what):
        read_sheet(rows, agreement, LABELS)


def test_ids_that_a_sheet_would_mix_up() -> None:
    """Two ids that look the same in a spreadsheet are refused, not mixed up."""
    first, second = {"=a": "buyer", "'=a": "buyer"}, {"=a": "keeper", "'=a": "keeper"}
    with pytest.raises(JdextractError, match="are the same in a sheet"):
        make_sheet(compare_readings(first, second), {})


def test_only_disagreements_are_settled() -> None:
    """A settled label of a row that both agree on, or that one lacks, is refused."""
    for row in ("a", "x"):
        with pytest.raises(JdextractError, match="is no disagreement"):
            merge_readings(FIRST, SECOND, {row: "buyer"})


def test_nothing_shared() -> None:
    """Without shared rows there is no kappa and nothing to settle."""
    found = compare_readings({"a": "buyer"}, {"b": "buyer"}, {})
    assert (found.rows, found.kappa, found.interval, found.labels) == (0, None, None, ())
    assert make_sheet(found, {}) == []
