"""What a site writes on every page."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jdextract.config import Config, DeduplicationConfig
from jdextract.deduplication.boilerplate import (
    Boilerplate,
    blank,
    find_boilerplate,
    load_boilerplate,
    write_boilerplate,
)
from jdextract.errors import DamagedInput, MissingInput
from jdextract.pipeline import Pipeline
from jdextract.records import SourceText

NOTICE = "本页内容由网友上传，仅供学习参考，如有侵权请联系站方删除"
PAGES = [
    f"{job}岗位职责\n1、{one}；\n2、{two}。\n{NOTICE}\n"
    for job, one, two in (
        ("仓管员", "每日核对出入库单据", "按库位摆放货品"),
        ("客服专员", "解答买家咨询", "登记退换货申请"),
        ("美工", "设计商品主图", "制作活动页面"),
        ("采购员", "比较供应商报价", "跟踪到货进度"),
        ("出纳", "登记银行日记账", "办理报销付款"),
        ("招聘专员", "筛选简历并安排面试", "维护招聘渠道"),
    )
]


def sources(pages: list[str], place: str = "https://site.example/{}") -> list[SourceText]:
    return [SourceText(f"{i:016}", place.format(i), text) for i, text in enumerate(pages)]


def test_repeated_lines_are_found() -> None:
    """A line on every page of a source is boilerplate; the duties, each on one page, are not."""
    (line,) = find_boilerplate(sources(PAGES))
    assert (line.text, line.source, line.documents, line.share) == (NOTICE, "site.example", 6, 1.0)


def test_flattened_pages() -> None:
    """The same in pages that were flattened to one line."""
    flat = [page.replace("\n", "") + "上一页" for page in PAGES]
    found = find_boilerplate(sources([page.replace(NOTICE, f"。{NOTICE}。") for page in flat]))
    assert [line.text for line in found] == [NOTICE]
    spans = Boilerplate([NOTICE]).find_spans(flat[0])
    assert [flat[0][slice(*span)] for span in spans] == [NOTICE]


def test_few_pages_and_copies_say_nothing() -> None:
    """Four pages are too few, copies of one page count once, and a line of half of one site says nothing of another."""
    assert find_boilerplate(sources(PAGES[:4])) == []
    assert find_boilerplate(sources([PAGES[0]] * 50)) == []
    others = [page.replace(NOTICE, "") for page in PAGES]
    found = find_boilerplate([*sources(PAGES), *sources(others, "https://other.example/{}")])
    assert {line.source for line in found} == {"site.example"}


@given(
    st.lists(
        st.sampled_from([NOTICE, "负责采购\r\n", "😀", "İ", "本页 内容 由网友上传仅供学习参考如有侵权请联系站方删除！"])
    )
)
def test_blanking_keeps_every_place(parts: list[str]) -> None:
    """What is left out becomes white space of the same length; all other characters stay where they were."""
    text = "".join(parts)
    spans = Boilerplate([NOTICE]).find_spans(text)
    blanked = blank(text, spans)
    assert len(blanked) == len(text)
    inside = {i for start, end in spans for i in range(start, end)}
    assert all(blanked[i] in "\n " if i in inside else blanked[i] == text[i] for i in range(len(text)))
    assert len(spans) == sum("学习参考" in part for part in parts)


def test_extraction_leaves_it_out(tmp_path: Path, pipeline: Pipeline) -> None:
    """With a file of lines no record holds the notice, spans still hold, and the explanation says what was left out."""
    file = tmp_path / "lines.jsonl"
    file.write_bytes(b"".join(write_boilerplate(find_boilerplate(sources(PAGES)))))
    config = Config(deduplication=DeduplicationConfig(boilerplate=file))
    page = PAGES[1].replace("登记退换货申请。\n", "登记退换货申请")
    explained = Pipeline(config).explain(SourceText("0" * 16, "page", page))
    (record,) = explained.records
    assert [duty.text for duty in record.duties] == ["解答买家咨询", "登记退换货申请"]
    assert [page[slice(*duty.span)] for duty in record.duties] == [duty.text for duty in record.duties]
    assert [
        page[slice(*drop.span)] for drop in explained.draft.dropped if drop.span and "boilerplate" in drop.reason
    ] == [NOTICE]


def test_files_that_do_not_fit(tmp_path: Path) -> None:
    """A missing file and one of another kind are told."""
    with pytest.raises(MissingInput):
        load_boilerplate(tmp_path / "none")
    (tmp_path / "x").write_text("[1]\n", encoding="utf-8")
    with pytest.raises(DamagedInput):
        load_boilerplate(tmp_path / "x")
