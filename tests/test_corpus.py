"""The labelled sentences of the corpus."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from jdextract.corpus import SECOND_READING, check_duties
from jdextract.taxonomy import load_taxonomy

DUTIES = Path(__file__).parents[1] / "corpus" / "duties"
TAXONOMY = load_taxonomy()
ROW = {
    "id": "a1",
    "role": "accountant",
    "text": "每月编制利润表",
    "script": "hans",
    "region": "cn",
    "register": "terse",
}


def test_corpus_is_as_promised() -> None:
    """12,000 sentences, 250 of each role and 1,200 of `other`, under 3 % near duplicates, a tenth read twice with kappa."""
    found = check_duties(DUTIES, TAXONOMY)
    assert found.problems == ()
    assert found.sentences >= 12_000
    assert set(found.by_role) == set(TAXONOMY.role_ids)
    assert min(found.by_role.values()) >= 250
    assert found.by_role["other"] >= 1_200
    assert found.pairs >= 1_500
    assert found.near_duplicate_share < 0.03
    assert found.read_twice >= found.sentences // 10
    assert found.kappa is not None
    assert found.kappa > 0.9


def test_corpus_is_varied() -> None:
    """Both scripts, three regions, at least eight registers, and lengths from 4 to 80 characters and more."""
    rows = [
        json.loads(line)
        for path in sorted(DUTIES.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    scripts, registers = Counter(row["script"] for row in rows), Counter(row["register"] for row in rows)
    assert scripts["hant"] >= 0.2 * len(rows)
    assert {row["region"] for row in rows} == {"cn", "tw", "hk"}
    assert sum(count >= 100 for count in registers.values()) >= 8
    lengths = sorted(len(row["text"]) for row in rows)
    assert lengths[len(lengths) // 20] <= 8
    assert lengths[-len(lengths) // 20] >= 60


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([ROW, ROW | {"text": "审核报销凭证"}], "id a1 stands twice"),
        ([ROW, ROW | {"id": "a2"}], "the same text as"),
        ([ROW | {"role": "astronaut"}], "role 'astronaut' is not in the taxonomy"),
        ([ROW | {"region": ""}], "no region"),
        ([ROW | {"text": "账"}], "1 characters"),
        (["not a row"], "not an object"),
    ],
)
def test_problems_are_named(tmp_path: Path, rows: list[Any], problem: str) -> None:
    """A row that breaks a rule is named with its file and line."""
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (found,) = check_duties(tmp_path, TAXONOMY).problems
    assert found.startswith(f"x.jsonl:{len(rows)}: ")
    assert problem in found


def test_near_duplicates_and_agreement_are_counted(tmp_path: Path) -> None:
    """One of two nearly equal sentences counts as a near duplicate; kappa is of the rows that were read twice."""
    texts = [
        "负责每月编制资产负债表和利润表并报税",
        "负责每月编制资产负债表和利润表并申报",
        "接听顾客来电",
        "打印快递单",
    ]
    roles = ["accountant", "accountant", "customer-service", "order-fulfillment"]
    rows = [ROW | {"id": f"r{i}", "text": t, "role": r} for i, (t, r) in enumerate(zip(texts, roles, strict=True))]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / SECOND_READING).write_text("id,role\nr0,accountant\nr2,customer-service\nr3,warehouse-keeper\n")
    found = check_duties(tmp_path, TAXONOMY)
    assert (found.near_duplicate_share, found.read_twice) == (0.25, 3)
    assert found.kappa == pytest.approx(0.5714, abs=1e-3)
