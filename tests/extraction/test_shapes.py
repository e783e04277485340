"""Whole small documents in the shapes that scraped pages come in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jdextract.extraction.extractor import Extractor
from jdextract.records import SourceText

CASES = json.loads((Path(__file__).parents[1] / "cases" / "extraction" / "shapes.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            id=case["name"],
            marks=[pytest.mark.xfail(reason="known failure")] if case["kind"] == "known-failures" else [],
        )
        for case in CASES
    ],
)
def test_shape(case: dict[str, Any], extractor: Extractor) -> None:
    """Titles, duties, requirements and head counts are found as a careful reader would find them."""
    draft = extractor.extract(SourceText("0" * 16, "case", case["text"]))
    found = [
        {
            "title": r.title.text if r.title else None,
            "headcount": r.headcount,
            "duties": [d.text for d in r.duties],
            "requirements": [q.text for q in r.requirements],
        }
        for r in draft.records
    ]
    expected = [{"headcount": None, "requirements": []} | record for record in case["records"]]
    assert found == expected
