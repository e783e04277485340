"""The index of earlier batches."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from jdextract.config import DeduplicationConfig
from jdextract.deduplication.index import FILE, DuplicateIndex
from jdextract.deduplication.marking import find_all, mark, name_duties
from jdextract.errors import DamagedInput, MissingInput
from jdextract.records import RoleRecord
from tests.records import make_record

CONFIG = DeduplicationConfig()
FIRST = ["负责淘宝店铺的日常运营", "审核订单并安排仓库发货", "编制月度财务报表并上报"]
SECOND = ["负责京东店铺的日常运营", "审核订单，安排仓库发货", "拍摄商品短视频"]


def add(folder: Path, *batches: list[RoleRecord]) -> list[list[RoleRecord]]:
    marked = []
    with DuplicateIndex(folder) as index:
        for number, records in enumerate(batches):
            found = find_all(records, CONFIG, index)
            marked.append(list(mark(records, found)))
            index.add(list(found.values()), f"batch {number}")
    return marked


def test_a_batch_finds_its_matches(tmp_path: Path) -> None:
    """Duties of a later batch join the clusters of the earlier one and name its places; new ones make new clusters."""
    (first,), (second,) = add(tmp_path, [make_record(FIRST, document="a")], [make_record(SECOND, document="b")])
    assert [d.cluster for d in second.duties[:2]] == [d.cluster for d in first.duties[:2]]
    assert [d.duplicate_of for d in second.duties] == [f"{first.record_id}#0", f"{first.record_id}#1", None]
    assert second.duties[2].cluster not in {d.cluster for d in first.duties}


def test_ids_stay(tmp_path: Path) -> None:
    """Whatever comes later, a duty that was there keeps its cluster."""
    batches = [[make_record([text], document=f"d{i}")] for i, text in enumerate([*FIRST, *SECOND, *FIRST])]
    marked = add(tmp_path, *batches)
    again = add(tmp_path, [make_record([*FIRST, *SECOND], document="again")])
    once = {r.duties[0].text: r.duties[0].cluster for records in marked for r in records}
    assert {d.text: d.cluster for d in again[0][0].duties} == once


def test_a_seen_batch_changes_nothing(tmp_path: Path) -> None:
    """Documents count once: adding them again leaves the file as it is, byte for byte."""
    add(tmp_path, [make_record(FIRST, document="a")])
    before = (tmp_path / FILE).read_bytes()
    add(tmp_path, [make_record(FIRST, document="a")])
    assert (tmp_path / FILE).read_bytes() == before


def test_merges_are_recorded(tmp_path: Path) -> None:
    """A text that is near to two clusters makes one of them; the younger id leads to the older one."""
    one = "整理客户档案资料并定期更新维护系统内的信息"
    other = "整理客户档案资料并定期更新，核对维护系统内的信息，编制月度清单上报"
    between = "整理客户档案资料并定期更新，核对维护系统内的信息"
    with DuplicateIndex(tmp_path) as index:
        ids = []
        for number, text in enumerate((one, other, between)):
            records = [make_record([text], document=f"d{number}")]
            found = find_all(records, CONFIG, index)
            index.add(list(found.values()), "")
            ids.append(next(iter(mark(records, found))).duties[0].cluster)
        assert ids[0] != ids[1]
        assert ids[2] == ids[0]
        assert {k: v for k, v in index.merges().items() if k.startswith("duty")} == {ids[1]: ids[0]}
        summary = index.summary(ids[0] or "")
        assert summary["occurrences"] == summary["documents"] == 3
        assert {variant["text"] for variant in summary["variants"]} == {one, other, between}
        # What was absorbed is found under the older id from now on.
        records = [make_record([other], document="later")]
        assert next(iter(mark(records, find_all(records, CONFIG, index)))).duties[0].cluster == ids[0]


def test_sources_and_first_batch_are_kept(tmp_path: Path) -> None:
    """A cluster knows its sources with their documents, its batch, and where it was first seen."""
    records = [make_record(["盘点库存"], document=f"d{i}", source=f"https://site{i % 2}.example/{i}") for i in range(3)]
    with DuplicateIndex(tmp_path) as index:
        index.add(list(find_all(records, CONFIG, index).values()), "autumn")
        found = find_all(records, CONFIG, index)["duty"]
        summary = index.summary(found.clusters[0].id)
    assert summary["sources"] == {"site0.example": 2, "site1.example": 1}
    assert summary["first_batch"] == "autumn"
    assert summary["first_seen"] == min(f"{record.record_id}#0" for record in records)


def test_canonical_duties_are_named(tmp_path: Path) -> None:
    """Duties that the index holds, or that are near to one, get its id; others get none; the index stays as it is."""
    ((first,),) = add(tmp_path, [make_record(FIRST, document="a")])
    before = (tmp_path / FILE).read_bytes()
    with DuplicateIndex(tmp_path, create=False) as index:
        (named,) = name_duties([make_record(SECOND, document="b")], index, CONFIG)
    ids = [d.cluster for d in first.duties]
    assert [d.canonical_duty for d in named.duties] == [ids[0], ids[1], None]
    assert (tmp_path / FILE).read_bytes() == before


def test_what_is_no_index(tmp_path: Path) -> None:
    """A folder without index, a file of something else and another format are told, not written over."""
    with pytest.raises(MissingInput):
        DuplicateIndex(tmp_path, create=False)
    (tmp_path / FILE).write_bytes(b"something else, long enough to be read as a header " * 4)
    with pytest.raises(DamagedInput):
        DuplicateIndex(tmp_path)
    (tmp_path / FILE).unlink()
    DuplicateIndex(tmp_path).__exit__(None, None, None)
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("UPDATE about SET value = 'x'")
    db.close()
    with pytest.raises(DamagedInput, match="another version"):
        DuplicateIndex(tmp_path)


def test_a_failed_batch_leaves_the_index(tmp_path: Path) -> None:
    """A batch is taken in completely or not at all."""
    add(tmp_path, [make_record(FIRST, document="a")])
    records = [make_record(SECOND, document="b")]
    with DuplicateIndex(tmp_path) as index:
        found = find_all(records, CONFIG, index)
        index._db.execute("CREATE TRIGGER no BEFORE INSERT ON documents BEGIN SELECT RAISE(ABORT, 'full'); END")
        with pytest.raises(sqlite3.IntegrityError):
            index.add(list(found.values()), "")
        index._db.execute("DROP TRIGGER no")
        assert index.unseen([records[0].document.id]) == {records[0].document.id}
        assert not index.find_texts("duty", [("拍摄商品短视频", "")])
