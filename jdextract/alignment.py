"""Gold without offsets -> annotated document: finds where the values of a gold file stand in the text.

Gold lists the titles, duties, requirements and pay of each record verbatim and in document order, so each is looked for
behind the one before it.
"""

from __future__ import annotations

import re
from typing import Any

from jdextract.annotation import (
    AnnotationError,
    GoldDocument,
    GoldRecord,
    Labelled,
    gold_json,
    parse_marks,
    write_marks,
)
from jdextract.records import Span

_HAN = re.compile(r"[\u3400-\u9fff]")
_HEADCOUNT_BEHIND = 40  # characters that a headcount may stand behind the last value of its record
_BEHIND_TITLE = re.compile(
    r"\s*(?:岗位|崗位|职位|職位|工作|主要|的)*\s*(?:职责|職責|职务|職務|说明|說明|内容|內容|描述|[\n:：(（|])"
)
_NUMBER = re.compile(r"(?<!\d)\d+(?![\d.、．)）%])")


def align(text: str, gold: dict[str, Any]) -> GoldDocument:
    """Place the values of `gold` (the form of `annotation.gold_json`) in `text`.

    Raises AnnotationError naming the first value that is not found in its order. Writing the marks of the result and
    parsing them gives `gold` again.
    """
    name = str(gold["doc"]).removesuffix(".txt")
    records = []
    cursor = 0
    for entry in gold["records"]:
        record, cursor = _align_record(text, entry, cursor, name)
        records.append(record)
    document = GoldDocument(name, text, tuple(records))
    if gold_json(parse_marks(write_marks(document), name))["records"] != gold["records"]:
        raise AnnotationError(
            "records stand inside each other, marks can't tell them apart", where=name, hint="mark it by hand"
        )
    return document


def _align_record(text: str, entry: dict[str, Any], cursor: int, name: str) -> tuple[GoldRecord, int]:
    """The record and where it ends."""
    title = entry["title"]
    start = cursor if title is None else _find(text, title, cursor, [], name)
    behind_title = start + len(title or "")
    taken: list[Span] = []
    duties = [
        Labelled(duty["text"], span, duty["role"])
        for duty, span in zip(
            entry["duties"],
            _find_all(text, [duty["text"] for duty in entry["duties"]], behind_title, taken, name),
            strict=True,
        )
    ]
    others = [
        [
            Labelled(value, span)
            for value, span in zip(entry[kind], _find_all(text, entry[kind], behind_title, taken, name), strict=True)
        ]
        for kind in ("requirements", "compensation")
    ]
    first = min((span[0] for span in taken), default=None)
    record = GoldRecord(None, entry["role"], start)
    if title is None:
        record.start = start if first is None else first
    else:
        record.start = _title_place(text, title, start, first)
        record.title = Labelled(title, (record.start, record.start + len(title)), entry["role"])
        taken.append(record.title.span)
    record.duties, record.requirements, record.compensation = duties, *others
    end = max((high for _, high in taken), default=record.start)
    if entry["headcount"] is not None:
        bounds = (cursor, end + _HEADCOUNT_BEHIND)
        record.headcount = _find_headcount(text, entry["headcount"], bounds, (record.start, end), taken, name)
        if record.headcount.span[0] < record.start:
            _move_before(record, text, cursor, name)
        end = max(end, record.headcount.span[1])
    return record, end


def _move_before(record: GoldRecord, text: str, cursor: int, name: str) -> None:
    """Start the record before its headcount, because a mark belongs to the record that was started last."""
    assert record.headcount is not None
    start = record.headcount.span[0]
    if record.title is not None:
        start = text.rfind(record.title.text, cursor, start)
        if start < 0:
            raise AnnotationError("the headcount stands before the title", where=name, hint="write this mark by hand")
        record.title = Labelled(record.title.text, (start, start + len(record.title.text)), record.role)
    record.start = start


def _find_all(text: str, values: list[str], cursor: int, taken: list[Span], name: str) -> list[Span]:
    """Spans of values that follow each other; they are added to `taken`."""
    spans = []
    for value in values:
        start = _find(text, value, cursor, taken, name)
        cursor = start + len(value)
        spans.append((start, cursor))
        taken.append((start, cursor))
    return spans


def _find(text: str, value: str, cursor: int, taken: list[Span], name: str) -> int:
    at = text.find(value, cursor)
    while at >= 0 and any(start < at + len(value) and at < end for start, end in taken):
        at = text.find(value, at + 1)
    if at < 0:
        raise AnnotationError(
            f"{value[:40]!r} is not in the text behind character {cursor}",
            where=name,
            hint="values stand verbatim and in document order",
        )
    return at


def _title_place(text: str, title: str, start: int, first: int | None) -> int:
    """Where the title stands between `start`, its first place, and `first`, the first value of its record.

    Titles are named in lists of posts before, and in sentences behind, the place where they stand as a title. So the
    last place counts that does not stand in the middle of a sentence, rather one with a heading behind it.
    """
    if first is None:
        return start
    places = [start + match.start() for match in re.finditer(re.escape(title), text[start:first])]
    return max(
        places,
        key=lambda at: (
            at == 0 or not _HAN.match(text[at - 1]),
            bool(_BEHIND_TITLE.match(text, at + len(title))),
            at,
        ),
    )


def _find_headcount(text: str, number: int, bounds: Span, record: Span, taken: list[Span], name: str) -> Labelled:
    """The first such number inside the record, else the last one before it, else the first one behind it.

    Never one that counts items (`3、`).
    """
    start, end = record
    places = [
        Labelled(match.group(), match.span())
        for match in _NUMBER.finditer(text, *bounds)
        if int(match.group()) == number and not any(low < match.end() and match.start() < high for low, high in taken)
    ]
    if not places:
        raise AnnotationError(f"headcount {number} is not in the text", where=name, hint="a headcount is digits only")
    inside = [place for place in places if start <= place.span[0] < end]
    before = [place for place in places if place.span[0] < start]
    return (inside or before[::-1] or places)[0]
