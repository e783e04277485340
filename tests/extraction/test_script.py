"""Scripts, regions and normalisation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import opencc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.extraction.script import detect, fold, normalize

CASES = json.loads((Path(__file__).parents[1] / "cases" / "normalize" / "repairs.json").read_text(encoding="utf-8"))
DUTIES = Path(__file__).parents[2] / "corpus" / "duties"


@settings(deadline=None)
@given(st.text())
def test_fold_keeps_the_length(text: str) -> None:
    """Folding changes characters one by one, so offsets in folded text are offsets in the source."""
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            c, id=c["text"], marks=[pytest.mark.xfail(reason="known failure")] if c["kind"] == "known-failures" else []
        )
        for c in CASES
    ],
)
def test_cases(case: dict[str, Any]) -> None:
    """Certain damage is repaired, a clean sentence passes unchanged."""
    assert normalize(case["text"], case["region"]) == case["normalized"]


@settings(deadline=None)
@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from([*"负责采购,;:?()·。 \n", "e____cel", "定单", "行銷", "1", "A"])).map("".join)
)
def test_idempotent(text: str) -> None:
    """Normalising twice changes nothing more."""
    once = normalize(text, "cn")
    assert normalize(once, "cn") == once


@pytest.mark.parametrize(
    ("text", "script", "region"),
    [
        ("负责仓库盘点与发货", "hans", "cn"),
        ("負責行銷企劃與軟體專案", "hant", "tw"),
        ("負責跟單，以電郵聯絡客人", "hant", "hk"),
        ("運營數據分析，提升用戶質量", "hant", "cn"),
        ("岗位职责並且臺灣門市", "mixed", "tw"),
        ("負責臺灣「简」牌門市的行銷企劃與顧客關係維護", "hant", "tw"),
        ("SEO 2024", "none", "unknown"),
        ("", "none", "unknown"),
    ],
)
def test_detection(text: str, script: str, region: str) -> None:
    """Script and region of short texts; a name in the other script does not make a text mixed."""
    assert detect(text) == (script, region)


def test_one_form_for_all_scripts() -> None:
    """A Simplified duty and its Traditional, Taiwan and Hong Kong forms are normalised alike in at least 99.5 %."""
    converters = [opencc.OpenCC(name) for name in ("s2t", "s2tw", "s2hk")]
    rows = [
        json.loads(line)
        for path in sorted(DUTIES.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    texts = [row["text"] for row in rows if row["script"] == "hans"]
    assert len(texts) > 1000
    for converter in converters:
        same = sum(normalize(text, "cn") == normalize(converter.convert(text), "unknown") for text in texts)
        assert same >= 0.995 * len(texts)
