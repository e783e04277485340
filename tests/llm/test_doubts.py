"""Doubts: what is worth asking, most valuable first."""

from __future__ import annotations

import time

from jdextract.llm.assistance import load_assistance
from jdextract.llm.doubts import find_doubts, measure_zones
from jdextract.pipeline import Explained, Pipeline
from jdextract.records import Draft, DraftDuty, DraftRecord, Role, RoleRecord, Segment, SourceText
from tests.records import make_record

LOST = Role(id="other", family="other", score=0.3, status="abstained", decided_by="test")


def make_draft(scores: list[float], untitled: int = 0) -> Draft:
    segments = tuple(Segment((10 * i, 10 * i + 8), "duty", "zoning:1", score, 0) for i, score in enumerate(scores))
    duties = tuple(DraftDuty("负责打包", "负责打包", (0, 4), None) for _ in range(untitled))
    records = (DraftRecord(None, None, duties, (), ()),) if untitled else ()
    return Draft(SourceText("d" * 16, "d", "负责打包" * 20), "hans", "cn", segments, records)


def with_roles(record: RoleRecord, roles: dict[int, Role]) -> RoleRecord:
    duties = [d.model_copy(update={"role": roles.get(i, d.role)}) for i, d in enumerate(record.duties)]
    return record.model_copy(update={"duties": tuple(duties)})


def test_sure_documents_raise_no_doubt() -> None:
    """A document whose segments are sure and whose roles are assigned has no doubt."""
    assert find_doubts(Explained(make_draft([0.99, 0.9, 1.0]), (make_record(["打包"], title="店员"),))) == []


def test_zoning_doubt_grows() -> None:
    """Less sure segments, overruled ones and duties without a title raise the value, and are named as signs."""
    values = []
    for scores, untitled in (([0.6] * 4, 0), ([0.4] * 4, 0), ([0.4] * 4, 4)):
        (doubt,) = find_doubts(Explained(make_draft(scores, untitled), ()))
        assert doubt.task == "zone"
        values.append(doubt.value)
    assert values == sorted(values)
    assert len(set(values)) == 3
    assert doubt.signs == ("overruled", "untitled")
    assert measure_zones(make_draft([0.6]), load_assistance().gains)["unsure"] == 0.4


def test_repeats_are_one_question() -> None:
    """Equal duties under equal titles are one doubt with the gain of all; one under another title is another."""
    records = (
        with_roles(make_record(["处理杂务", "打包", "处理杂务"], title="店员"), {0: LOST, 2: LOST}),
        with_roles(make_record(["处理杂务"], title="会计"), {0: LOST}),
    )
    first, second = find_doubts(Explained(make_draft([1.0]), records))
    assert first.places == ((0, 0), (0, 2))
    assert second.places == ((1, 0),)
    assert first.value == 2 * second.value == 1.1
    assert first.tokens > 0


def test_titles_are_worth_more() -> None:
    """A record that abstained counts as its stated number of duties; without a title there is nothing to ask."""
    record = make_record(["打包"], title="多面手").model_copy(update={"role": LOST})
    (doubt,) = find_doubts(Explained(make_draft([1.0]), (record,)))
    assert (doubt.places, doubt.value) == (((0, None),), 1.1)
    assert find_doubts(Explained(make_draft([1.0]), (record.model_copy(update={"title": None}),))) == []


def test_nothing_to_gain() -> None:
    """A role that is likelier right than the model would be raises no doubt, and a huge document no zoning doubt."""
    sure = LOST.model_copy(update={"score": 0.9})
    record = with_roles(make_record(["打包"], title="店员"), {0: sure})
    assert find_doubts(Explained(make_draft([1.0]), (record,))) == []
    huge = make_draft([0.4] * 9)
    huge = Draft(SourceText("d", "d", "好" * 100_000), "hans", "cn", huge.segments, ())
    assert find_doubts(Explained(huge, ())) == []


def test_real_documents(pipeline: Pipeline) -> None:
    """A page cut in its middle is doubted more than a tidy one, in a millisecond."""
    tidy = "仓库管理员岗位职责\n1、每日清点库存；\n2、登记出入库台账；\n3、定期盘点仓库。"
    cut = "等工作。\n4、整理资料 负责跟进\n美工\n处理上级交代事项，客户 图片\n6、其他"
    explained = [pipeline.explain(SourceText("d" * 16, "d", text)) for text in (tidy, cut)]
    worth = [sum(doubt.value for doubt in find_doubts(one)) for one in explained]
    assert worth[0] < worth[1]
    start = time.process_time()
    for _ in range(100):
        find_doubts(explained[1])
    assert time.process_time() - start < 0.2
