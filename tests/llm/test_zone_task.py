"""Task *zone*: a model's positions become a draft with exact places, or the offline reading stays."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from jdextract.annotation import GoldDocument, gold_json
from jdextract.extraction.extractor import Extractor
from jdextract.llm.assistance import load_assistance
from jdextract.llm.exchange import Answer
from jdextract.llm.forms import make_form
from jdextract.llm.positions import FoundPosition, Read, join_windows
from jdextract.llm.prompts import load_prompt
from jdextract.llm.tasks.zone import Rezoned, ZonedPosition, Zoning, ask_zone, read_zone
from jdextract.llm.windows import cut_windows
from jdextract.records import Draft, Dropped, SourceText

PAGE = (
    "首页 > 招聘\n网店运营专员岗位职责\n一、店铺维护\n1、负责店铺日常上下架；\n2、跟踪活动报名进度。\n"
    "任职要求：\n1、两年以上经验；\n仓库管理员 2名\n1、每日清点库存；\n2、登记出入库台账。\n底薪4500元\n版权所有 翻印必究"
)
OPERATOR = ZonedPosition(
    title="网店运营专员",
    duties=["负责店铺日常上下架", "跟踪活动报名进度"],
    requirements=["两年以上经验"],
    pay=[],
)
KEEPER = ZonedPosition(
    title="仓库管理员", duties=["1、每日清点库存；", "登记出入库台账"], requirements=[], pay=["底薪4500元"]
)


def make_draft(extractor: Extractor, text: str) -> Draft:
    return extractor.extract(SourceText("d" * 16, "pages/d.txt", text))


def read(draft: Draft, *positions: ZonedPosition) -> Rezoned:
    return read_zone(draft, [Answer(Zoning(positions=list(positions)), "teacher")])


def check(draft: Draft) -> None:
    """Every value is the source at its span, spans and segments do not overlap, and all that is visible is covered."""
    text = draft.source.text
    pieces = [
        piece
        for record in draft.records
        for piece in (
            *([record.title] if record.title else []),
            *record.duties,
            *record.requirements,
            *record.compensation,
        )
    ]
    assert all(text[slice(*piece.span)] == piece.text for piece in pieces)
    for spans in (sorted(piece.span for piece in pieces), [segment.span for segment in draft.segments]):
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))
    covered = {place for segment in draft.segments for place in range(*segment.span)}
    assert all(place in covered for place, char in enumerate(text) if char.isalnum())


def test_positions_become_records(extractor: Extractor) -> None:
    """Titles, duties, requirements, pay, headings and headcounts come out with their places, enumerators left out."""
    result = read(make_draft(extractor, PAGE), OPERATOR, KEEPER)
    assert result.kept == ""
    assert result.grounded.total() == 8
    assert not result.rejected
    check(result.draft)
    operator, keeper = result.draft.records
    assert operator.title
    assert keeper.title
    assert (operator.title.text, keeper.title.text) == ("网店运营专员", "仓库管理员")
    assert [duty.text for duty in keeper.duties] == ["每日清点库存", "登记出入库台账"]
    assert [duty.heading for duty in operator.duties] == ["店铺维护", "店铺维护"]
    assert [piece.text for piece in keeper.compensation] == ["底薪4500元"]
    assert keeper.headcount == 2
    decided = {segment.decided_by for segment in result.draft.segments if segment.record is not None}
    assert decided == {"llm:teacher:zone-1"}


def test_traditional_source(extractor: Extractor) -> None:
    """Output in Simplified gives values in the script of the source, normalised as ever."""
    text = "倉管人員\n1、每日盤點庫存；\n2、登記出入庫臺賬。"
    position = ZonedPosition(title="仓管人员", duties=["每日盘点库存", "登记出入库台账"], requirements=[], pay=[])
    result = read(make_draft(extractor, text), position)
    (record,) = result.draft.records
    assert [duty.text for duty in record.duties] == ["每日盤點庫存", "登記出入庫臺賬"]
    assert record.duties[0].normalized == "每日盘点库存"
    check(result.draft)


def test_invented_and_copied_texts_are_counted(extractor: Extractor) -> None:
    """What is not in the source reaches no record; copies of the prompt's example are told from inventions."""
    position = OPERATOR.model_copy(
        update={"duties": [*OPERATOR.duties, "制定集团五年战略", "按时给海獭投喂蛤蜊并称体重"], "pay": ["月薪六千贝币"]}
    )
    result = read(make_draft(extractor, PAGE), position, KEEPER)
    assert result.rejected == {"invented": 1, "example": 2}
    assert [duty.text for duty in result.draft.records[0].duties] == list(OPERATOR.duties)
    check(result.draft)


def test_repeats_are_placed_in_order(extractor: Extractor) -> None:
    """A duty that two positions share is placed in each of them, and so is a title that stands in a list above."""
    text = "目录：店员 收银员\n店员\n1、打扫卖场；\n2、整理货架。\n收银员\n1、打扫卖场；\n2、收款找零。"
    clerk = ZonedPosition(title="店员", duties=["打扫卖场", "整理货架"], requirements=[], pay=[])
    cashier = ZonedPosition(title="收银员", duties=["打扫卖场", "收款找零"], requirements=[], pay=[])
    result = read(make_draft(extractor, text), clerk, cashier)
    one, other = result.draft.records
    assert one.title
    assert other.title
    assert (one.title.span[0], other.title.span[0]) == (text.index("\n店员") + 1, text.rindex("收银员"))
    assert [r.duties[0].span[0] for r in (one, other)] == [text.index("打扫"), text.rindex("打扫")]
    check(result.draft)


def test_worse_readings_are_refused(extractor: Extractor) -> None:
    """The offline draft stays if few texts are grounded, sure duties are left out, sure titles are lost, or no answer came."""
    draft = make_draft(extractor, PAGE)
    fantasy = OPERATOR.model_copy(
        update={"duties": ["统治世界", "征服月球", "发射火箭", "收购太阳"], "requirements": []}
    )
    assert read(draft, fantasy).kept == "ungrounded"
    little = OPERATOR.model_copy(update={"duties": [], "requirements": ["两年以上经验"]})
    assert read(draft, little).kept == "coverage"
    assert read(draft).kept == "coverage"
    untitled = [p.model_copy(update={"title": None}) for p in (OPERATOR, KEEPER)]
    assert read(draft, *untitled).kept == "titles"
    failed = read_zone(draft, [Answer(None, "teacher", "budget")])
    assert failed.kept == "failed:budget"
    assert failed.draft is draft
    with pytest.raises(ValueError, match="0 answers for 1 windows"):
        read_zone(draft, [])


def test_values_left_out_are_told(extractor: Extractor) -> None:
    """An offline value that the model does not keep is in `dropped`, and its text in a segment."""
    draft = make_draft(extractor, PAGE)
    keeper = KEEPER.model_copy(update={"pay": []})
    before = [piece for record in draft.records for piece in record.compensation]
    result = read(draft, OPERATOR, keeper)
    dropped = [PAGE[slice(*d.span)] for d in result.draft.dropped if d.stage == "llm" and d.span]
    assert [piece.text for piece in before] == dropped == ["底薪4500元"]
    check(result.draft)


def test_boilerplate_is_not_shown(extractor: Extractor) -> None:
    """Known boilerplate of the site is not put before the model, and no value reaches into it."""
    start = PAGE.index("版权所有")
    draft = make_draft(extractor, PAGE)
    draft = replace(draft, dropped=(Dropped("d", "deduplication", "boilerplate of the site", (start, len(PAGE))),))
    (request,) = ask_zone(draft)
    assert "版权所有" not in request.material
    bad = KEEPER.model_copy(update={"pay": ["底薪4500元 版权所有"]})
    result = read(draft, OPERATOR, bad)
    assert result.rejected == {"invented": 1}
    assert Dropped("d", "deduplication", "boilerplate of the site", (start, len(PAGE))) in result.draft.dropped


def test_windows_cover_and_join(extractor: Extractor) -> None:
    """A long page read window by window, each window perfectly, gives each duty once, in the position it stands in."""
    names = ("店员", "收银员", "仓管员", "配送员")
    text = "\n".join(
        f"{name}\n" + "\n".join(f"{i}、{name}负责第{i}号区域的巡查并登记{name}台账；" for i in range(1, 13))
        for name in names
    )
    numbers = load_assistance()
    small = numbers.windows.model_copy(update={"characters": 300, "overlap": 90})
    numbers = numbers.model_copy(update={"windows": small})
    draft = make_draft(extractor, text)
    windows = cut_windows(text, small)
    assert len(ask_zone(draft, numbers)) == len(windows) > 3
    answers = [Answer(Zoning(positions=list(perfect(text[slice(*window)], names))), "teacher") for window in windows]
    result = read_zone(draft, answers, numbers)
    assert result.kept == ""
    assert [record.title.text for record in result.draft.records if record.title] == list(names)
    duties = [[duty.text for duty in record.duties] for record in result.draft.records]
    assert duties == [[f"{name}负责第{i}号区域的巡查并登记{name}台账" for i in range(1, 13)] for name in names]
    check(result.draft)


def perfect(window: str, names: tuple[str, ...]) -> list[ZonedPosition]:
    """What a perfect model would say of a window alone: items that the window cuts are returned as they stand there."""
    positions: list[tuple[str | None, list[str]]] = [(None, [])]
    for line in window.split("\n"):
        if line in names:
            positions.append((line, []))
        elif line:
            positions[-1][1].append(line)
    return [ZonedPosition(title=t, duties=d, requirements=[], pay=[]) for t, d in positions if d]


def test_windows_meet_in_their_overlap() -> None:
    """Of an item that one window cuts the whole is taken from the other; an untitled beginning goes on with what is before."""
    first = Read([FoundPosition((0, 4), [((10, 20), "duty"), ((94, 100), "duty")])])
    second = Read(
        [
            FoundPosition(None, [((80, 86), "duty"), ((94, 110), "duty")]),
            FoundPosition((120, 124), [((130, 140), "pay")]),
        ]
    )
    joined = join_windows([first, second], [(0, 100), (80, 180)])
    assert joined == [
        FoundPosition((0, 4), [((10, 20), "duty"), ((94, 110), "duty")]),
        FoundPosition((120, 124), [((130, 140), "pay")]),
    ]


def test_windows_are_bounded() -> None:
    """Windows overlap, cover the text, and are none where more would be needed than the bound."""
    numbers = load_assistance().windows
    text = "负责打包。" * 2_000
    windows = cut_windows(text, numbers)
    assert windows[0][0] == 0
    assert windows[-1][1] == len(text)
    assert all(b[0] == a[1] - numbers.overlap for a, b in itertools.pairwise(windows))
    assert all(end - start <= numbers.characters for start, end in windows)
    assert cut_windows("好" * 50_000, numbers) == []
    assert cut_windows(" \n", numbers) == []


def test_request(extractor: Extractor) -> None:
    """A request holds the text of its document in the material only, and bounds all lists and texts by its schema."""
    (request,) = ask_zone(make_draft(extractor, PAGE))
    assert request.instructions == load_prompt("zone").instructions
    assert "每日清点库存" in request.material
    assert (request.task, request.prompt, request.document) == ("zone", "zone-1", "d" * 16)
    schema = request.schema.model_json_schema()
    assert schema["properties"]["positions"]["maxItems"] == 40
    duties = schema["$defs"]["ZonedPosition"]["properties"]["duties"]
    assert (duties["maxItems"], duties["items"]["maxLength"]) == (80, 600)
    assert schema["additionalProperties"] is False


def test_example_of_the_prompt(extractor: Extractor) -> None:
    """The answer in the prompt's own example is what grounding makes of the example's page."""
    page, answer = load_prompt("zone").examples.split("输出：\n")
    text = page.strip().removeprefix("资料：\n")
    positions = [ZonedPosition.model_validate(p) for p in json.loads(answer)["positions"]]
    result = read(make_draft(extractor, text), *positions)
    assert not result.rejected
    assert make_form(answer.strip()).text.count("海獭饲养员") == 1


def test_annotated_documents(extractor: Extractor, corpus_documents: list[GoldDocument]) -> None:
    """With the annotation for an answer, every duty and requirement comes out at its annotated place, nearly all titles too."""
    titles = right = refused = 0
    for document in corpus_documents[::6]:
        records = gold_json(document)["records"]
        positions = [
            ZonedPosition(
                title=record["title"],
                duties=[duty["text"] for duty in record["duties"]],
                requirements=record["requirements"],
                pay=record["compensation"],
            )
            for record in records
        ]
        draft = make_draft(extractor, document.text)
        result = read(draft, *positions) if len(ask_zone(draft)) == 1 else None
        if result is None or result.kept:
            refused += 1
            continue
        check(result.draft)
        for field in ("duties", "requirements"):
            found = [piece.span for record in result.draft.records for piece in getattr(record, field)]
            assert found == [value.span for record in document.records for value in getattr(record, field)]
        wanted = {record.title.span for record in document.records if record.title}
        titles += len(wanted)
        right += len(wanted & {record.title.span for record in result.draft.records if record.title})
    assert refused <= 2
    assert right >= 0.95 * titles > 100
