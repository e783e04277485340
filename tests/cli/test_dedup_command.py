"""`jdextract dedup`, `boilerplate` and `dataset`, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from jdextract.output import open_writer
from jdextract.records import RoleRecord
from tests.cli.conftest import Run
from tests.records import make_record

RECORDS = [
    make_record(["负责淘宝店铺的日常运营", "审核订单并安排仓库发货"], document="a", title="店长"),
    make_record(["负责京东店铺的日常运营", "审核订单，安排仓库发货"], document="b", title="运营"),
]


def write(records: list[RoleRecord], path: Path) -> Path:
    with open_writer(path) as writer:
        for record in records:
            writer.write(record)
    return path


def read(path: Path) -> list[RoleRecord]:
    return [RoleRecord.model_validate_json(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_marked_records_and_clusters(run: Run, tmp_path: Path) -> None:
    """Marked records say what each duty repeats; clusters have their count, sources and variants; a table is printed."""
    source = write(RECORDS, tmp_path / "r.jsonl")
    result = run("dedup", source, "-o", tmp_path / "m.jsonl", "--clusters", tmp_path / "c.jsonl")
    assert result.exit_code == 0
    assert "largest clusters: duty" in result.stdout
    assert "4 duties: 2 clusters; repeats: 0 exact, 1 template, 1 near" in result.stderr
    first, second = read(tmp_path / "m.jsonl")
    kinds = {d.duplicate.kind for d in (*first.duties, *second.duties) if d.duplicate}
    assert kinds == {"template", "near"}
    clusters = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(c["grain"], c["occurrences"], len(c["variants"]), c["sources"]) for c in clusters] == [
        ("duty", 2, 2, ["pages"]),
        ("duty", 2, 2, ["pages"]),
        ("document", 2, 2, ["pages"]),
    ]


def test_parquet_goes_both_ways(run: Run, tmp_path: Path) -> None:
    """Records in Parquet are read, and marked ones written."""
    source = write(RECORDS, tmp_path / "r.parquet")
    assert run("dedup", source, "-q", "-o", tmp_path / "m.parquet").exit_code == 0
    rows = pl.read_parquet(tmp_path / "m.parquet").to_dicts()
    assert sum(duty["duplicate_of"] is not None for row in rows for duty in row["duties"]) == 2


def test_batches(run: Run, tmp_path: Path) -> None:
    """A second batch names its matches in the first one through the index."""
    one, two = (write([record], tmp_path / f"{i}.jsonl") for i, record in enumerate(RECORDS))
    assert run("dedup", one, "-q", "--index", tmp_path / "ix", "--batch", "spring").exit_code == 0
    result = run("dedup", two, "-q", "--index", tmp_path / "ix", "-o", tmp_path / "m.jsonl")
    assert "2 clusters are in the index" in result.stderr
    (record,) = read(tmp_path / "m.jsonl")
    assert [duty.duplicate_of for duty in record.duties] == [f"{RECORDS[0].record_id}#{i}" for i in range(2)]


def test_rows_that_are_no_records(run: Run, tmp_path: Path) -> None:
    """A bad line is told with its place and the run goes on, with exit code 3; nothing but bad lines is exit code 1."""
    source = write(RECORDS, tmp_path / "r.jsonl")
    with source.open("a", encoding="utf-8") as file:
        file.write('{"record_id": 1}\nnot json\n')
    result = run("dedup", source, "-q", "-o", tmp_path / "m.jsonl")
    assert result.exit_code == 3
    assert f"{source}:3" in result.stderr
    assert f"{source}:4" in result.stderr
    assert len(read(tmp_path / "m.jsonl")) == 2
    (tmp_path / "bad.jsonl").write_text("{}\n", encoding="utf-8")
    assert run("dedup", tmp_path / "bad.jsonl").exit_code == 1
    assert run("dedup", tmp_path / "none.jsonl").exit_code == 1
    assert run("dedup", source, "-o", source).exit_code == 1
    (tmp_path / "x.parquet").write_bytes(b"nothing")
    assert "Parquet" in run("dedup", tmp_path / "x.parquet").stderr


def test_dataset_commands(run: Run, tmp_path: Path) -> None:
    """Build, check, compare and redact from the command line."""
    source = write(RECORDS, tmp_path / "r.jsonl")
    assert run("dataset", "build", source, "-o", tmp_path / "d").exit_code == 0
    assert run("dataset", "check", tmp_path / "d").exit_code == 0
    more = make_record(["请电话联系13800138000", "盘点库存"], document="c")
    both = write([*RECORDS, more], tmp_path / "r2.jsonl")
    result = run("dataset", "build", both, "-o", tmp_path / "d2", "--previous", tmp_path / "d", "--name", "duties")
    assert result.exit_code == 0
    assert "# duties" in (tmp_path / "d2" / "README.md").read_text(encoding="utf-8")
    shown = run("dataset", "diff", tmp_path / "d", tmp_path / "d2")
    assert "added: 2" in shown.stdout
    assert "kept: 2" in shown.stdout
    assert json.loads(run("dataset", "diff", tmp_path / "d", tmp_path / "d2", "--json").stdout)["kept"] == 2
    found = run("dataset", "check", tmp_path / "d2")
    assert found.exit_code == 1
    assert "personal-data" in found.stdout
    assert "13800138000" not in found.stdout
    assert run("dataset", "check", tmp_path / "d2", "--redact").exit_code == 0


def test_extract_names_canonical_duties(run: Run, pages: Path, stand_in: None, tmp_path: Path) -> None:
    """`extract --index` names the duty of a dataset that each duty is."""
    assert run("extract", pages, "-q", "-o", tmp_path / "r.jsonl").exit_code == 0
    assert run("dataset", "build", tmp_path / "r.jsonl", "-o", tmp_path / "d").exit_code == 0
    assert run("extract", pages, "-q", "-o", tmp_path / "n.jsonl", "--index", tmp_path / "d").exit_code == 0
    known = set(pl.read_parquet(tmp_path / "d" / "canonical_duties.parquet")["id"])
    named = [duty.canonical_duty for record in read(tmp_path / "n.jsonl") for duty in record.duties]
    assert named
    assert set(named) <= known
    assert run("extract", pages, "-q", "-o", tmp_path / "n.jsonl", "--index", tmp_path).exit_code == 1


def test_boilerplate_command(run: Run, tmp_path: Path) -> None:
    """Lines on every page of a folder are written to a file; pages that can't be read are exit code 3."""
    folder = tmp_path / "site"
    folder.mkdir()
    for number, job in enumerate(["采购", "仓储", "客服", "美工", "财务", "人事"]):
        text = f"{job}岗位职责\n1、负责{job}工作\n本文由用户上传，版权归原作者所有\n"
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    result = run("boilerplate", folder, "-o", tmp_path / "b.jsonl")
    assert result.exit_code == 0
    (line,) = (tmp_path / "b.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["documents"] == 6
    (folder / "x.txt").write_bytes(b"")
    assert run("boilerplate", folder, "-o", tmp_path / "b.jsonl").exit_code == 3
    assert run("boilerplate", tmp_path / "none", "-o", tmp_path / "b.jsonl").exit_code == 1
