"""The dataset of canonical duties."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from jdextract.config import Config
from jdextract.dataset.build import build_dataset
from jdextract.dataset.checks import check_dataset, redact_dataset
from jdextract.dataset.compare import compare_datasets
from jdextract.dataset.splits import assign_splits, split_of
from jdextract.errors import ConfigError, EmptyInput, MissingInput
from jdextract.records import RoleRecord
from jdextract.taxonomy import load_taxonomy
from tests.records import make_record

TAXONOMY = load_taxonomy()
RECORDS = [
    make_record(
        ["负责淘宝店铺的日常运营", "审核订单并安排仓库发货"],
        document="a",
        source="https://one.example/a",
        title="店长",
        roles=("store-operations", "order-fulfillment"),
        requirements=("限男性，35岁以下",),
    ),
    make_record(
        ["负责京东店铺的日常运营", "审核订单，安排仓库发货", "审核订单并安排仓库发"],
        document="b",
        source="https://two.example/b",
        title="运营",
        roles=("store-operations", "order-fulfillment", "warehouse-keeper"),
    ),
    make_record(
        ["負責淘寶店鋪的日常運營", "盘点"],
        document="c",
        source="https://two.example/c",
        roles=("store-operations", "warehouse-keeper"),
        script="hant",
    ),
]
# What extraction would give as the normalised text of the Traditional document.
RECORDS[2] = RECORDS[2].model_copy(
    update={
        "duties": (
            RECORDS[2].duties[0].model_copy(update={"normalized": "负责淘宝店铺的日常运营"}),
            RECORDS[2].duties[1],
        )
    }
)


def build(records: Sequence[RoleRecord], folder: Path, **options: Any) -> Path:
    build_dataset(lambda: records, folder, TAXONOMY, Config(), **options)
    return folder


def read(folder: Path, name: str = "canonical_duties") -> list[dict[str, Any]]:
    return pl.read_parquet(folder / f"{name}.parquet").to_dicts()


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_canonical_duties(tmp_path: Path) -> None:
    """One row a duty with its best wording, role, support, template and slots; every occurrence names it."""
    folder = build(RECORDS, tmp_path / "duties")
    rows = {row["text"]: row for row in read(folder)}
    assert set(rows) == {"负责淘宝店铺的日常运营", "审核订单并安排仓库发货", "盘点"}
    shop = rows["负责淘宝店铺的日常运营"]
    assert (shop["role"], shop["family"], shop["role_share"]) == ("store-operations", "operations", 1.0)
    assert (shop["occurrences"], shop["documents"], shop["sources"], shop["variants"]) == (3, 3, 2, 2)
    assert shop["template"] == "负责[platform]店铺的[period]运营"
    assert {s["kind"]: s["values"] for s in shop["slots"]} == {"platform": ["京东", "淘宝"], "period": ["日常"]}
    assert (shop["text_hant"], shop["hant_origin"]) == ("負責淘寶店鋪的日常運營", "source")
    order = rows["审核订单并安排仓库发货"]
    assert (order["text_hant"], order["hant_origin"]) == ("審覈訂單並安排倉庫發貨", "converted")
    assert (order["role"], order["role_share"]) == ("order-fulfillment", round(2 / 3, 4))
    assert "short" in rows["盘点"]["quality"]
    instances = read(folder, "duty_instances")
    assert len(instances) == 7
    assert {row["duty_id"] for row in instances} == {row["id"] for row in rows.values()}
    assert {row["kind"] for row in instances if row["duty_id"] == shop["id"]} == {"exact", "template"}
    for row in read(folder, "records"):
        assert all(duty["canonical_duty"] == duty["cluster"] for duty in row["duties"])


def test_compliance_flags(tmp_path: Path) -> None:
    """A requirement that recruitment law restricts is flagged with its provision and the words that say so."""
    flags = read(build(RECORDS, tmp_path / "d"), "compliance_flags")
    assert {flag["kind"] for flag in flags} == {"gender", "age"}
    for flag in flags:
        assert flag["normalized"][flag["found_start"] : flag["found_end"]] == flag["found"]
        assert flag["provision"]
        assert (flag["field"], flag["index"]) == ("requirements", 0)


def test_the_same_bytes(tmp_path: Path) -> None:
    """Building twice gives the same bytes, in another folder and again in the same one."""
    first = files(build(RECORDS, tmp_path / "one" / "duties"))
    assert files(build(RECORDS, tmp_path / "two" / "duties")) == first
    assert files(build(RECORDS, tmp_path / "one" / "duties")) == first


def test_the_same_ids_in_another_order(tmp_path: Path) -> None:
    """The order of the input makes no difference to the canonical duties and their splits."""
    shuffled = RECORDS[:]
    random.Random(3).shuffle(shuffled)
    assert shuffled != RECORDS
    assert read(build(shuffled, tmp_path / "two")) == read(build(RECORDS, tmp_path / "one"))


def test_a_new_document_changes_no_id(tmp_path: Path) -> None:
    """Built again in its folder, or from the version before, a dataset keeps every id."""
    before = read(build(RECORDS, tmp_path / "duties"))
    more = make_record(
        ["负责拼多多店铺的日常运营与维护", "审核全部订单并安排仓库发货", "剪辑短视频"], document="z", title="店长"
    )
    build([*RECORDS, more], tmp_path / "next", previous=tmp_path / "duties")
    build([more, *RECORDS], tmp_path / "duties")
    for folder in (tmp_path / "duties", tmp_path / "next"):
        after = {row["id"]: row for row in read(folder)}
        assert {row["id"] for row in before} <= set(after)
        assert len(after) > len(before)
        by_text = {row["text"]: row["id"] for row in before}
        for row in read(folder, "duty_instances"):
            if row["normalized"] in by_text:
                assert row["duty_id"] == by_text[row["normalized"]]


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of pandas, by mlcroissant
def test_it_loads_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hugging Face datasets, polars, DuckDB and mlcroissant read the folder as it is."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    mlcroissant = pytest.importorskip("mlcroissant")
    many = [make_record([f"核对第{i}批{'商品图书家具'[i % 5]}质量"], document=f"m{i}") for i in range(60)]
    folder = build([*RECORDS, *many], tmp_path / "duties")
    rows = pl.read_parquet(folder / "canonical_duties.parquet")
    loaded = datasets.load_dataset(str(folder), "canonical_duties", cache_dir=str(tmp_path / "cache"))
    assert loaded["train"]["id"][:] == rows["id"].to_list()
    splits = datasets.load_dataset(str(folder), "classification", cache_dir=str(tmp_path / "cache"))
    assert sum(len(split) for split in splits.values()) == rows["variants"].sum()
    (counted,) = duckdb.sql(f"SELECT sum(occurrences) FROM '{folder / 'canonical_duties.parquet'}'").fetchall()[0]
    assert counted == len(read(folder, "duty_instances"))
    description = mlcroissant.Dataset(str(folder / "croissant.json"))
    assert not description.metadata.ctx.issues.errors
    record = next(iter(description.records("canonical_duties")))
    assert record["canonical_duties/id"].decode() == rows["id"][0]


def test_splits_share_no_source() -> None:
    """Each source is of one split, a cluster that spans several is on one side, and few sources give way to documents."""
    sources = [f"s{i}" for i in range(60)]
    groups = [{sources[i % 60], sources[(i * 7) % 60]} for i in range(400)]
    splits = assign_splits([f"c{i}" for i in range(400)], groups, groups)
    assert set(splits) == {"train", "validation", "test"}
    for split, group in zip(splits, groups, strict=True):
        if split == "test":
            assert {split_of(name) for name in group} == {"test"}
    one_source = assign_splits([f"c{i}" for i in range(400)], [{"s"}] * 400, [{f"d{i}"} for i in range(400)])
    assert set(one_source) == {"train", "validation", "test"}


def test_checks(tmp_path: Path) -> None:
    """A fresh dataset has no problem; a changed file, a lost one, a wrong id and a leak are found."""
    folder = build(RECORDS, tmp_path / "duties")
    assert list(check_dataset(folder)) == []
    duties = pl.read_parquet(folder / "canonical_duties.parquet")
    instances = pl.read_parquet(folder / "duty_instances.parquet")
    duties.with_columns(occurrences=pl.col("occurrences") + 1).write_parquet(folder / "canonical_duties.parquet")
    instances.with_columns(split=pl.Series(["train", *["test"] * 6])).write_parquet(folder / "duty_instances.parquet")
    (folder / "README.md").unlink()
    found = list(check_dataset(folder))
    assert {finding.problem for finding in found} == {"files", "ids", "leakage"}
    assert {f.where for f in found if f.problem == "files"} == {
        "README.md",
        "canonical_duties.parquet",
        "duty_instances.parquet",
    }
    duties.drop("role").write_parquet(folder / "canonical_duties.parquet")
    assert any(f.problem == "schema" and f.where.endswith(":role") for f in check_dataset(folder))
    with pytest.raises(MissingInput):
        list(check_dataset(tmp_path))


def test_personal_data_is_found_and_redacted(tmp_path: Path) -> None:
    """Telephone numbers and addresses in any text are told with their place, and gone after redaction; all else holds."""
    records = [
        make_record(["有意者请致电13800138000或发送简历至hr@shop.example"], document="p", title="店长"),
        *RECORDS,
    ]
    folder = build(records, tmp_path / "duties")
    found = [f for f in check_dataset(folder) if f.problem == "personal-data"]
    assert {finding.what.split()[0] for finding in found} == {"mobile", "email"}
    assert not any("13800138000" in f.what + f.where for f in found)
    assert {f.where.split(":")[0] for f in found} >= {
        "canonical_duties.parquet",
        "duty_instances.parquet",
        "records.parquet",
    }
    assert redact_dataset(folder) > 0
    assert not [f for f in check_dataset(folder) if f.problem in ("files", "schema", "ids")]
    left = b"".join(pl.read_parquet(path).write_json().encode() for path in folder.rglob("*.parquet"))
    left += b"".join(files(folder).values())
    assert b"13800138000" not in left
    assert b"hr@shop" not in left


def test_differences(tmp_path: Path) -> None:
    """Duties added, gone, and moved to another role are named."""
    old = build(RECORDS, tmp_path / "old")
    moved = make_record(["盘点"], document="c2", roles=("accountant",))
    new = build([*RECORDS[:2], moved, make_record(["剪辑短视频"], document="n")], tmp_path / "new", previous=old)
    found = compare_datasets(old, new)
    assert [change.text for change in found.added] == ["剪辑短视频"]
    assert [change.roles for change in found.moved] == [("warehouse-keeper", "accountant")]
    assert found.gone == found.merged == found.split == ()
    back = compare_datasets(new, old)
    assert [change.text for change in back.gone] == ["剪辑短视频"]
    assert json.dumps(found.to_json())
    with pytest.raises(MissingInput):
        compare_datasets(old, tmp_path)


def test_folders_that_do_not_fit(tmp_path: Path) -> None:
    """Nothing but a dataset is replaced, and a run without records leaves the folder as it was."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigError):
        build(RECORDS, tmp_path / "notes")
    assert files(tmp_path / "notes") == {"mine.txt": b"x"}
    folder = build(RECORDS, tmp_path / "duties")
    before = files(folder)
    with pytest.raises(EmptyInput):
        build([], folder)
    assert files(folder) == before
    with pytest.raises(ConfigError):
        build(RECORDS, tmp_path / "x", previous=tmp_path / "notes")
