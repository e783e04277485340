"""Canonical wordings that someone else chooses where the rules hardly decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jdextract.config import Config
from jdextract.dataset.build import build_dataset
from jdextract.dataset.checks import check_dataset
from jdextract.dataset.wordings import CloseCall
from jdextract.records import RoleRecord
from jdextract.taxonomy import load_taxonomy
from tests.records import make_record

TAXONOMY = load_taxonomy()
LONG, SHORT = "审核订单，并安排仓库及时发货", "审核订单并安排仓库发货"
# One duty in two wordings, in one document each; one in two wordings of which one is in two documents; one in one wording.
RECORDS = [
    make_record([LONG, "负责淘宝店铺的日常运营工作", "盘点"], document="a", source="https://one.example/a"),
    make_record([SHORT, "负责淘宝店铺的日常运营工作"], document="b", source="https://two.example/b"),
    make_record(["负责淘宝店铺日常运营的工作"], document="c", source="https://two.example/c"),
]


def build(folder: Path, choose: Any = None, records: Sequence[RoleRecord] = RECORDS) -> dict[str, dict[str, Any]]:
    """The canonical duties by their wording."""
    build_dataset(lambda: records, folder, TAXONOMY, Config(), choose=choose)
    return {row["text"]: row for row in pl.read_parquet(folder / "canonical_duties.parquet").to_dicts()}


def last(calls: Sequence[CloseCall]) -> Mapping[str, tuple[int, str]]:
    return {call.cluster: (len(call.texts) - 1, "llm:teacher:name-1") for call in calls}


def test_only_close_calls_are_asked_about(tmp_path: Path) -> None:
    """Of wordings that are in as many documents somebody is asked, best by the rules first; of the others nobody is."""
    asked: list[CloseCall] = []

    def choose(calls: Sequence[CloseCall]) -> Mapping[str, tuple[int, str]]:
        asked.extend(calls)
        return {}

    rows = build(tmp_path / "duties", choose)
    assert [call.texts for call in asked] == [(LONG, SHORT)]
    assert set(rows) == {LONG, "负责淘宝店铺的日常运营工作", "盘点"}
    assert {row["text_decided_by"] for row in rows.values()} == {"wording-rank"}


def test_the_choice_is_one_of_the_wordings(tmp_path: Path) -> None:
    """The chosen wording stands for the duty under the same id, with who chose it; files and checksums fit, and the same
    choice gives the same bytes."""
    plain, chosen = build(tmp_path / "plain"), build(tmp_path / "chosen", last)
    assert set(chosen) == {SHORT, "负责淘宝店铺的日常运营工作", "盘点"}
    assert (chosen[SHORT]["id"], chosen[SHORT]["occurrences"]) == (plain[LONG]["id"], plain[LONG]["occurrences"])
    assert chosen[SHORT]["text_decided_by"] == "llm:teacher:name-1"
    assert chosen["盘点"] == plain["盘点"]
    assert list(check_dataset(tmp_path / "chosen")) == []
    assert "llm:teacher:name-1" in (tmp_path / "chosen" / "versions.json").read_text(encoding="utf-8")
    assert "llm:" not in (tmp_path / "plain" / "versions.json").read_text(encoding="utf-8")
    build(tmp_path / "again", last)
    for name in ("canonical_duties.parquet", "versions.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "chosen" / name).read_bytes()


@pytest.mark.parametrize(
    ("text", "other"), [("审核订单并安排仓库发货及（", "审核订单并安排仓库发货和（"), ("淘宝客服", "京东客服")]
)
def test_flagged_wordings_are_asked_about(tmp_path: Path, text: str, other: str) -> None:
    """A best wording that is damaged or says little is a close call although it is in most documents."""
    asked: list[CloseCall] = []
    records = [
        make_record([text], document="a", source="https://one.example/a"),
        make_record([text], document="b", source="https://two.example/b"),
        make_record([other], document="c", source="https://three.example/c"),
    ]
    build(tmp_path / "duties", lambda calls: asked.extend(calls) or {}, records)
    assert [call.texts[0] for call in asked] == [text]
