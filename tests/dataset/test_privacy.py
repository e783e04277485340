"""Personal data in job text: what is found, what is left alone, and what redaction promises.

All numbers, accounts, names and addresses of the cases are invented.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.data import load_rules
from jdextract.dataset import privacy
from jdextract.dataset.privacy import PersonalDatum, find_personal_data, redact

CASES = Path(__file__).parents[1] / "cases" / "privacy"
LABEL_OF = load_rules("privacy")["labels"]
LABELS = frozenset(LABEL_OF.values())


def read_cases(kind: str) -> list[Any]:
    cases = json.loads((CASES / f"{kind}.json").read_text(encoding="utf-8"))
    marks = [pytest.mark.xfail(strict=True)] if kind == "known-failures" else []
    return [pytest.param(case, id=f"{kind}: {case['name']}", marks=marks) for case in cases]


def substituted(text: str, data: tuple[PersonalDatum, ...]) -> str:
    """`text` with labels in the place of `data`, from the last to the first."""
    for datum in reversed(data):
        text = text[: datum.span[0]] + LABEL_OF[datum.kind] + text[datum.span[1] :]
    return text


@pytest.mark.parametrize("case", [c for k in ("synthetic", "negative", "known-failures") for c in read_cases(k)])
def test_cases(case: dict[str, Any]) -> None:
    """Each case holds exactly the personal data that it names: kind, text and order."""
    assert [[datum.kind, datum.text] for datum in find_personal_data(case["text"])] == case["found"]


@pytest.mark.parametrize("case", read_cases("synthetic"))
def test_redaction_replaces_what_is_found_and_nothing_else(case: dict[str, Any]) -> None:
    """The redacted text is the text with labels in the place of its data, and holds none any more."""
    text = case["text"]
    redacted = redact(text)
    assert redacted == substituted(text, find_personal_data(text))
    assert all(value not in redacted for _, value in case["found"])
    assert find_personal_data(redacted) == ()


@pytest.mark.parametrize("case", read_cases("negative"))
def test_redaction_leaves_other_text_alone(case: dict[str, Any]) -> None:
    """A text without personal data comes back as it is."""
    assert redact(case["text"]) == case["text"]


@pytest.mark.parametrize("case", read_cases("synthetic") + read_cases("negative"))
def test_width_does_not_count(case: dict[str, Any]) -> None:
    """The full-width form of a text has the same data at the same places."""
    text = case["text"]
    wide = "".join(
        chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else "\u3000" if sign == " " else sign for sign in text
    )
    assert [(d.kind, d.span) for d in find_personal_data(wide)] == [(d.kind, d.span) for d in find_personal_data(text)]


@pytest.mark.parametrize("case", read_cases("synthetic"))
def test_data_are_found_inside_a_page(case: dict[str, Any]) -> None:
    """Lines of a posting around a text change nothing in it."""
    head, tail = "岗位职责：\n1、负责门店的日常经营；\n", "\n任职要求：\n1、大专及以上学历。"
    moved = [(d.kind, d.text, d.span[0] - len(head)) for d in find_personal_data(head + case["text"] + tail)]
    assert moved == [(d.kind, d.text, d.span[0]) for d in find_personal_data(case["text"])]


@pytest.mark.parametrize(
    "number",
    ["110101190001011236", "44030019991231001X", "A123456789", "Z100000002", "A123456(3)", "AB987654(3)"],
)
def test_one_wrong_digit_is_no_identity_number(number: str) -> None:
    """Of the numbers that differ in one digit of the row only the right one is reported as an identity number."""
    assert [d.kind for d in find_personal_data(f"证件 {number}")] == ["id-card"]
    place = max(i for i, sign in enumerate(number[:-3]) if sign.isdigit())
    for digit in set("0123456789") - {number[place]}:
        wrong = number[:place] + digit + number[place + 1 :]
        assert "id-card" not in [d.kind for d in find_personal_data(f"证件 {wrong}")], wrong


@pytest.mark.parametrize("number", ["4111111111111111", "5555555555554444", "6222000000000000004"])
def test_one_wrong_digit_is_no_bank_card(number: str) -> None:
    """Luhn's digit tells the wrong digit anywhere in the number of a card."""
    assert [d.kind for d in find_personal_data(f"银行卡号：{number}")] == ["bank-card"]
    for place, right in enumerate(number):
        wrong = number[:place] + str((int(right) + 1) % 10) + number[place + 1 :]
        assert find_personal_data(f"银行卡号：{wrong}") == (), wrong


# Pieces that make and break data when they meet by chance.
WORDS = "电话：,手机,微信号:,加微信,QQ:,LINE ID:,WhatsApp ,身份证,银行卡号:,联系人：,請洽,地址：,订单号,月薪"
NUMBERS = "13900001111,139-0000-1111,0912-345-678,+852 9123 4567,9123 4567,021-12345678,(02)2345-6789,2345 6789"
OTHERS = (
    "nobody@example.com,nobody（at）example.com,abc_1234,12345678,110101190001011236,A123456789,A123456(3),"
    "4111 1111 1111 1111,张三,李女士,Miss Chan,某某路100号8楼,400-800-1234,【手机号】,【姓名】,【QQ号】"
)
SIGNS = "- /.、，。\n()@#+1a王元转\u200b１：İ😀\ue000\ud800"
PIECES = [*WORDS.split(","), *NUMBERS.split(","), *OTHERS.split(","), *SIGNS, "86", ","]
TEXTS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.text(max_size=80))


@settings(deadline=None, max_examples=400)
@given(TEXTS)
def test_spans_are_inside_apart_and_in_order(text: str) -> None:
    """The span of a datum gives its text, and the next one starts where it ends or later."""
    data = find_personal_data(text)
    ends = [0, *(datum.span[1] for datum in data)]
    for end, datum in zip(ends, data, strict=False):
        start, stop = datum.span
        assert end <= start < stop <= len(text)
        assert text[start:stop] == datum.text
        assert not any(label in datum.text for label in LABELS)


@settings(deadline=None, max_examples=400)
@given(TEXTS)
def test_redaction_is_stable(text: str) -> None:
    """Nothing is found in a redacted text, so redacting it again changes nothing."""
    redacted = redact(text)
    assert find_personal_data(redacted) == ()
    assert redact(redacted) == redacted


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), st.sampled_from(["\n", "。"]))
def test_a_number_is_found_behind_anything(text: str, end: str) -> None:
    """Nothing before it hides a mobile number behind its label."""
    assert find_personal_data(f"{text}{end}手机：13900001111")[-1].text == "13900001111"


@pytest.mark.parametrize("joint", ["", "-", " ", ".", "/", "、", "@"])
def test_a_text_repeated_without_end_is_redacted_in_few_passes(joint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often data stand in a row, one of them never waits for the next to go."""
    passes = 0

    def counted(text: str) -> tuple[PersonalDatum, ...]:
        nonlocal passes
        passes += 1
        return find_personal_data(text)

    monkeypatch.setattr(privacy, "find_personal_data", counted)
    for param in read_cases("synthetic"):
        passes = 0
        redact((param.values[0]["text"] + joint) * 8)
        assert passes <= 4, param.values[0]["text"]


HOSTILE = {
    "digits": "1",
    "zeros": "0",
    "mobile numbers run together": "13900001111",
    "digits and spaces": "1 ",
    "digits and dashes": "13-",
    "at signs": "@",
    "letters and at signs": "a@",
    "letters and points": "a.",
    "letters": "a",
    "spaces": " ",
    "ideographic spaces": "\u3000",
    "line breaks": "\n",
    "brackets": "(",
    "plus signs": "+86",
    "telephone words": "电话",
    "labels of messengers": "微信:",
    "labels of contacts": "联系人",
    "surnames": "王",
    "labels of addresses": "地址:某路",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_texts_take_no_time(unit: str) -> None:
    """200,000 code points of one thing are searched in less than a second of processor time."""
    text = (unit * 200_000)[:200_000]
    find_personal_data("")  # the rules are compiled
    start = time.process_time()
    find_personal_data(text)
    assert time.process_time() - start < 1


def patterns() -> Iterator[re.Pattern[str]]:
    for rule in privacy._rules().rules:
        yield from filter(None, (rule.needs, rule.pattern, *rule.contexts, *rule.barred))


def repeats(node: Any) -> Iterator[Any]:
    """The upper bound of each repetition in a parsed pattern."""
    if isinstance(node, (list, tuple)) and len(node) == 2 and str(node[0]).endswith("_REPEAT"):
        yield node[1][1]
    if isinstance(node, (list, tuple)) or hasattr(node, "data"):
        for part in getattr(node, "data", node):
            yield from repeats(part)


def test_every_repetition_has_a_bound() -> None:
    """No pattern of the rules holds `*`, `+` or `{n,}`."""
    parse = re._parser.parse  # type: ignore[attr-defined]
    assert list(repeats(parse("(?:a|b+)c{2,}"))) == [re._constants.MAXREPEAT] * 2  # type: ignore[attr-defined]
    for pattern in patterns():
        assert all(bound <= 100 for bound in repeats(parse(pattern.pattern, pattern.flags))), pattern.pattern


def test_every_kind_is_known() -> None:
    """Each rule is of a kind that has a label, or is a hotline; each label belongs to a rule."""
    rules = load_rules("privacy")
    assert {rule["kind"] for rule in rules["rules"]} == {*rules["labels"], "hotline"}


def test_hotlines_are_no_personal_data() -> None:
    """A number of the public is not reported, and the number beside it is."""
    text = "投诉请拨12315，面试请拨13900001111，全国热线400-800-1234"
    assert redact(text) == "投诉请拨12315，面试请拨【手机号】，全国热线400-800-1234"
