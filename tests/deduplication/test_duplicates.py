"""Clusters at three grains, whatever the order of the input."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.config import DeduplicationConfig
from jdextract.deduplication.duplicates import gather, source_of
from jdextract.deduplication.marking import find_all, mark
from jdextract.records import RoleRecord
from tests.records import make_record

CONFIG = DeduplicationConfig()
DUTIES = [
    "负责淘宝店铺的日常运营",
    "负责京东店铺的日常运营",
    "负责淘宝店铺日常运营。",
    "1、负责淘宝店铺的日常运营",
    "负责淘宝店铺的日常运赢",
    "审核订单并安排仓库发货",
    "审核订单，安排仓库发货",
    "商品入库登记",
    "商品出库登记",
    "售前咨询接待",
    "售后咨询接待",
    "编制月度财务报表",
    "",
    "。",
    "盘点",
]


def clusters_of(records: list[RoleRecord]) -> set[tuple[str, frozenset[str], str]]:
    found = find_all(records, CONFIG)["duty"]
    places = found.occurrences.places
    return {
        (cluster.id, frozenset(places[n] for v in cluster.variants for n in v.places), cluster.variants[0].place)
        for cluster in found.clusters
    }


runs = st.lists(st.lists(st.sampled_from(DUTIES), max_size=4), min_size=1, max_size=8)


@settings(deadline=None, max_examples=60)
@given(runs, st.randoms(use_true_random=False))
def test_clusters_do_not_depend_on_the_order(run: list[list[str]], shuffler: random.Random) -> None:
    """The same records in another order give the same clusters, ids and representatives."""
    records = [make_record(duties, document=f"d{i}") for i, duties in enumerate(run)]
    other = records[:]
    shuffler.shuffle(other)
    assert clusters_of(records) == clusters_of(other)


@settings(deadline=None, max_examples=60)
@given(runs)
def test_every_cluster_has_one_representative(run: list[list[str]]) -> None:
    """Of the duties of a cluster exactly one repeats nothing, the others name it; nothing is dropped."""
    records = [make_record(duties, document=f"d{i}") for i, duties in enumerate(run)]
    marked = list(mark(records, find_all(records, CONFIG)))
    assert [[d.text for d in r.duties] for r in marked] == run
    places: dict[str, list[str]] = {}
    for record in marked:
        for index, duty in enumerate(record.duties):
            assert duty.cluster
            if duty.duplicate is None:
                places.setdefault(duty.cluster, []).append(f"{record.record_id}#{index}")
            assert duty.duplicate_of == (duty.duplicate.of if duty.duplicate else None)
    assert all(len(found) == 1 for found in places.values())
    for record in marked:
        for duty in record.duties:
            if duty.duplicate:
                assert duty.duplicate.of == places[duty.cluster or ""][0]


def test_copies_of_a_file_have_one_representative() -> None:
    """Two files with the same bytes have the same ids; still one duty of them is the first."""
    records = [make_record(["审核订单"], document="d", source=f"{folder}/d.txt") for folder in "ab"]
    marked = list(mark(records, find_all(records, CONFIG)))
    assert [record.duties[0].duplicate is None for record in marked] == [True, False]
    assert [record.document.duplicate is None for record in marked] == [True, False]


def test_kinds() -> None:
    """A repeat is exact, of one template, or near; the similarity says how near."""
    texts = ["负责淘宝店铺的日常运营", "负责淘宝店铺的日常运营；", "负责京东店铺的日常运营", "负责淘宝店铺的日常运赢"]
    records = [make_record([text], document=f"d{i}") for i, text in enumerate(texts)]
    marked = list(mark(records, find_all(records, CONFIG)))
    found = [record.duties[0].duplicate for record in marked]
    assert len({record.duties[0].cluster for record in marked}) == 1
    assert found[0] is None
    assert [d.kind for d in found if d] == ["exact", "template", "near"]
    assert found[1]
    assert found[1].similarity == 1.0
    assert all(0 < d.similarity < 1 for d in found[2:] if d)


def test_records_and_documents() -> None:
    """A document that was copied with another header repeats record by record; another position does not."""
    duties = ["审核订单并安排仓库发货，跟踪物流异常", "每周盘点库存并编制差异报告，提交主管", "维护商品资料与价格"]
    first = make_record(duties, document="a", title="仓库主管")
    copy = make_record(["转载请注明出处", *duties], document="b", title="仓库主管")
    other = make_record(duties, document="c", title="仓管员")
    marked = list(mark([first, copy, other], find_all([first, copy, other], CONFIG)))
    assert marked[0].cluster == marked[1].cluster != marked[2].cluster
    assert marked[0].document.cluster == marked[1].document.cluster == marked[2].document.cluster
    assert sum(record.duplicate is None for record in marked) == 2
    assert sum(record.document.duplicate is None for record in marked) == 1


def test_other_systems_stay_apart() -> None:
    """Two systems are not brought together by a duty that names neither."""
    texts = ["负责MES系统的开发与维护", "负责ERP系统的开发与维护", "负责系统的开发与维护"]
    records = [make_record([text], document=text) for text in texts]
    clusters = [record.duties[0].cluster for record in mark(records, find_all(records, CONFIG))]
    assert clusters[0] != clusters[1]


def test_a_record_that_was_cut() -> None:
    """A copy that lost its end is the same record under the same name, and another one under another name."""
    duties = [
        "审核订单并安排仓库发货，跟踪物流异常",
        "每周盘点库存并编制差异报告，提交主管",
        "维护商品资料与价格，上架新品",
    ]
    whole, cut, other, loose = (
        make_record(duties[:count], document=name, title=title)
        for count, name, title in ((3, "a", "仓库主管"), (2, "b", "仓库主管"), (2, "c", "仓管员"), (1, "d", "仓库主管"))
    )
    records = [whole, cut, other, loose]
    clusters = [record.cluster for record in mark(records, find_all(records, CONFIG))]
    assert clusters[0] == clusters[1]
    assert len(set(clusters)) == 3


def test_source_of_a_document() -> None:
    """The host of a URL, the table of a row, the folder of a file."""
    assert source_of("https://example.org/a/b.html") == "example.org"
    assert source_of("data/posts.csv#17") == "data/posts.csv"
    assert source_of("pages/site/a.txt") == "pages/site"
    assert source_of("a.txt") == ""


def test_gather_counts_every_text() -> None:
    """Every duty, record and document of a run is an occurrence."""
    records = [
        make_record(["盘点", "盘点"], document="a"),
        make_record(["发货"], document="a", number=1),
        make_record([], document="b", title="店长"),
    ]
    found = gather(records)
    assert {grain: len(each) for grain, each in found.items()} == {"duty": 3, "record": 3, "document": 2}
    assert found["duty"].texts == ["盘点", "发货"]
