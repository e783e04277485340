"""The normal form of values against its plain definition: every rule tried on every value, without any shortcut."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from jdextract.data import load_rules
from jdextract.extraction.repairs import repair

HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
CHINESE = "\u2e80-\u9fff\uf900-\ufaff\uff01-\uffe5“”‘’…—\U00020000-\U000323af"
TO_WIDE, TO_ASCII = str.maketrans(",;:?!()", "，；：？！（）"), str.maketrans("，；：？！（）", ",;:?!()")
RULES = load_rules("repairs")
SIGNS = sorted(
    {sign for kind in ("damage", "punctuation", "swapped") for rule in RULES[kind] for sign in rule["signs"]}
)
VALUES = st.lists(
    st.sampled_from(
        [
            *SIGNS,
            *RULES["censored"],
            *",;:?!()，；：？！（）。、 \t\u3000'3~",
            *("1,000", "10：30", "https：//", "客*服", "Java", "Python 3", "e____cel", "span", "<br />", "&nbsp;"),
            *(
                "负责",
                "采购",
                "电商",
                "前端",
                "工程师",
                "每",
                "号",
                "系统",
                "按时",
                "发货",
                "成木",
                "平合",
                "品台",
                "定单",
                "登陆",
                "暴光",
                "开辟",
                "e\u0301",
                "\u0301",
                "豈",
            ),
        ]
    ),
    max_size=14,
).map("".join)


def apply_all(text: str, kinds: list[str]) -> str:
    for rule in [rule for kind in kinds for rule in RULES[kind]]:
        if ("when" in rule and not re.search(rule["when"], text)) or (
            "unless" in rule and re.search(rule["unless"], text)
        ):
            continue
        text = re.sub(rule["pattern"], rule["replacement"], text)
    return text


def repair_plainly(text: str) -> str:
    """The definition of the normal form, six rounds at most."""
    for _ in range(6):
        before = text
        text = apply_all(" ".join(unicodedata.normalize("NFC", text).split()), ["damage"])
        for word in RULES["censored"]:
            if "*" in text or "_" in text:  # without one the word is only set in its own letters
                text = re.sub(r"[*_]*".join(map(re.escape, word)), word, text, flags=re.IGNORECASE)
        if HAN.search(text):
            text = re.sub(rf"(?<=[{CHINESE}])\s+|\s+(?=[{CHINESE}])", "", text)
            text = re.sub(
                r"\s*[,;:?!()，；：？！（）]\s*", lambda match: match.group().strip().translate(TO_WIDE), text
            )
            text = re.sub(r"(?<=\d)[，：](?=\d)|：(?=//)", lambda match: match.group().translate(TO_ASCII), text)
            text = apply_all(text, ["punctuation", "swapped"]).strip(" ；。")
        else:
            text = text.translate(TO_ASCII).strip(" ;。")
        if text == before:
            break
    return text


@settings(max_examples=1_000, deadline=None)
@given(VALUES)
@example("负责?，采购")
@example("采购 , Java , Python 3")
def test_shortcuts_change_nothing(text: str) -> None:
    """Signs, early ends and faster expressions give what all rules give when each is tried in every round."""
    assert repair(text) == repair_plainly(text)


def test_shortcuts_change_nothing_in_the_corpus() -> None:
    """The same for 2,000 duties of the corpus, with marks of both widths."""
    folder = Path(__file__).parents[2] / "corpus" / "duties"
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines[:: max(1, len(lines) // 2_000)]:
        text = json.loads(line)["text"]
        for form in (text, text.translate(TO_ASCII), text.translate(TO_WIDE)):
            assert repair(form) == repair_plainly(form)


def test_signs_do_not_overlap() -> None:
    """No character of a sign of several characters stands in another sign: each is then found wherever it stands."""
    words = {sign for sign in SIGNS if len(sign) > 1}
    assert words
    for word in words:
        assert not [other for other in SIGNS if other != word and set(other) & set(word)]
