"""Writers of role records."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jdextract.errors import ConfigError
from jdextract.output import CSV_COLUMNS, defuse, open_writer, parquet_schema, replacing
from jdextract.records import AssistanceNote, Duplicate, RoleRecord, RoleShare, TitleDetail
from tests.samples import HANS, HANT, MIXED, explain_marked, explained


@pytest.fixture(scope="module")
def records() -> list[RoleRecord]:
    return [record for name in (HANS, HANT, MIXED) for record in explained(name)[1].records]


def write(target: Path, records: list[RoleRecord]) -> None:
    with open_writer(target) as writer:
        for record in records:
            writer.write(record)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def as_json(record: RoleRecord) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(record.model_dump_json())
    return loaded


def test_json_lines_hold_the_contract(tmp_path: Path, records: list[RoleRecord]) -> None:
    """One object a line, in order, and each validates as a RoleRecord again."""
    write(tmp_path / "r.jsonl", records)
    lines = (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()
    assert [RoleRecord.model_validate_json(line) for line in lines] == records


def test_parquet_gives_back_every_record(tmp_path: Path, records: list[RoleRecord]) -> None:
    """Parquet has the structure of the contract, both scripts unharmed."""
    write(tmp_path / "r.parquet", records)
    frame = pl.read_parquet(tmp_path / "r.parquet")
    assert frame.schema == parquet_schema()
    assert frame.to_dicts() == [as_json(record) for record in records]


def test_parquet_joins_its_parts(tmp_path: Path, records: list[RoleRecord], monkeypatch: pytest.MonkeyPatch) -> None:
    """More records than fit into one part come out in order, and no part is left behind."""
    monkeypatch.setattr("jdextract.output.RECORDS_PER_PART", 2)
    write(tmp_path / "r.parquet", records * 3)
    ids = pl.read_parquet(tmp_path / "r.parquet")["record_id"].to_list()
    assert ids == [record.record_id for record in records * 3]
    assert [path.name for path in tmp_path.iterdir()] == ["r.parquet"]


def test_parquet_schema_does_not_depend_on_the_records(tmp_path: Path) -> None:
    """A run without records gives a file with the same columns."""
    write(tmp_path / "r.parquet", [])
    frame = pl.read_parquet(tmp_path / "r.parquet")
    assert frame.schema == parquet_schema()
    assert frame.height == 0


def test_parquet_schema_names_every_field_of_the_record(records: list[RoleRecord]) -> None:
    """A key added to the record can't be forgotten in Parquet."""

    def names(kind: Any) -> Any:
        if isinstance(kind, pl.List):
            return names(kind.inner)
        return {field.name: names(field.dtype) for field in kind.fields} if isinstance(kind, pl.Struct) else None

    def keys(value: Any) -> Any:
        if isinstance(value, list):
            return keys(value[0]) if value else None
        return {key: keys(part) for key, part in value.items()} if isinstance(value, dict) else None

    full = next(record for record in records if record.title and record.duties and record.requirements)
    assert full.title
    mix = (RoleShare(id=full.role.id, family=full.role.family, share=1.0),)
    title = full.title.model_copy(update={"details": (TitleDetail(kind="place", text="上海"),)})
    full = full.model_copy(update={"compensation": full.requirements, "title": title, "role_mix": mix})
    duplicate = {"duplicate": Duplicate(of="x", kind="near", similarity=0.9)}
    duties = tuple(duty.model_copy(update=duplicate) for duty in full.duties)
    full = full.model_copy(
        update={"duties": duties, "document": full.document.model_copy(update=duplicate)} | duplicate
    )
    note = AssistanceNote(task="adjudicate", duty=0, outcome="applied", by="llm:m:adjudicate-1")
    full = full.model_copy(update={"assistance": (note,)})
    assert {name: names(kind) for name, kind in parquet_schema().items()} == keys(as_json(full))


def test_csv_has_one_row_a_duty(tmp_path: Path, records: list[RoleRecord]) -> None:
    """Both readers, Python's and polars, give back every duty with its place and role."""
    write(tmp_path / "r.csv", records)
    rows = read_csv(tmp_path / "r.csv")
    duties = [(record.record_id, str(i), duty.text) for record in records for i, duty in enumerate(record.duties)]
    assert [(row["record_id"], row["duty_index"], row["duty"]) for row in rows if row["duty_index"]] == duties
    assert tuple(rows[0]) == CSV_COLUMNS
    frame = pl.read_csv(tmp_path / "r.csv")
    assert frame.columns == list(CSV_COLUMNS)
    assert frame["start"].to_list() == [duty.span[0] for record in records for duty in record.duties]


def test_csv_starts_with_a_byte_order_mark(tmp_path: Path, records: list[RoleRecord]) -> None:
    """Excel reads Chinese only from a file that says that it is UTF-8."""
    write(tmp_path / "r.csv", records)
    assert (tmp_path / "r.csv").read_bytes().startswith(b"\xef\xbb\xbfrecord_id,")


def test_csv_keeps_a_record_without_duties(tmp_path: Path) -> None:
    """A title alone is a row with empty duty cells."""
    write(tmp_path / "r.csv", list(explain_marked("招聘⟦T store-operations|店长⟧⟦H|2⟧名")[1].records))
    (row,) = read_csv(tmp_path / "r.csv")
    assert (row["title"], row["headcount"], row["duty_index"], row["duty"]) == ("店长", "2", "", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_csv_holds_no_formula(tmp_path: Path, start: str) -> None:
    """What a spreadsheet would run is text with an apostrophe in front, in every column of scraped text."""
    record = explain_marked("⟦T store-operations|店长⟧\n⟦D store-operations|负责运营⟧")[1].records[0]
    attack = start + 'HYPERLINK("http://x","y")'
    duty = record.duties[0].model_copy(update={"text": attack, "normalized": attack, "heading": attack})
    assert record.title
    record = record.model_copy(
        update={
            "duties": (duty,),
            "title": record.title.model_copy(update={"text": attack}),
            "document": record.document.model_copy(update={"source": attack}),
        }
    )
    write(tmp_path / "r.csv", [record])
    (row,) = read_csv(tmp_path / "r.csv")
    for column in ("source", "title", "duty", "normalized", "heading"):
        assert row[column] == "'" + attack


@given(st.text())
def test_defused_text_never_starts_like_a_formula(text: str) -> None:
    """Whatever was scraped; and other text is left as it is."""
    assert not defuse(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert defuse(text).removeprefix("'") == text.removeprefix("'")


def test_csv_keeps_line_ends_quotes_and_commas_inside_a_cell(tmp_path: Path) -> None:
    """A newline in a duty does not make a row."""
    record = explain_marked('⟦T store-operations|店长⟧\n⟦D store-operations|负责"运营",\r\n日常;管理\n店铺⟧')[
        1
    ].records[0]
    write(tmp_path / "r.csv", [record])
    (row,) = read_csv(tmp_path / "r.csv")
    assert row["duty"] == '负责"运营",\r\n日常;管理\n店铺'
    assert pl.read_csv(tmp_path / "r.csv").height == 1


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_a_run_that_breaks_leaves_the_old_file(tmp_path: Path, suffix: str, records: list[RoleRecord]) -> None:
    """A target appears complete or not at all, and nothing is left beside it."""
    target = tmp_path / f"r{suffix}"
    target.write_text("old")

    def break_off() -> None:
        with open_writer(target) as writer:
            writer.write(records[0])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_folders_are_made_and_links_stay_links(tmp_path: Path, records: list[RoleRecord]) -> None:
    """A target in a folder that is not there yet, and one behind a link."""
    real = tmp_path / "a" / "b" / "r.jsonl"
    write(real, records[:1])
    link = tmp_path / "link.jsonl"
    link.symlink_to(real)
    write(link, records[:2])
    assert link.is_symlink()
    assert len(real.read_text(encoding="utf-8").splitlines()) == 2


def test_an_unknown_suffix_is_a_config_error(tmp_path: Path) -> None:
    """The message lists what there is."""
    with pytest.raises(ConfigError) as caught:
        open_writer(tmp_path / "r.xlsx")
    assert ".parquet" in caught.value.hint


def test_a_folder_is_no_target(tmp_path: Path) -> None:
    """Said before anything is written."""
    with pytest.raises(ConfigError, match="is a folder"), replacing(tmp_path):
        pass
