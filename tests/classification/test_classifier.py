from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jdextract.classification.classifier import Classifier
from jdextract.classification.model import DutyModel
from jdextract.classification.titles import TitleNormalizer, match_title
from jdextract.records import Role
from jdextract.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
NORMALIZER = TitleNormalizer()
CASES: list[dict[str, Any]] = [
    case
    for path in sorted((Path(__file__).parents[1] / "cases" / "titles").glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))
]


def role(id_: str, score: float = 0.9) -> Role:
    return Role(id=id_, family=TAXONOMY.family_of(id_), score=score, status="assigned")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_title_cases(case: dict[str, Any]) -> None:
    """Each case: what is left of a title, its level, and the role that the taxonomy gives for it."""
    parts = NORMALIZER.normalize(case["title"])
    match = match_title(parts.name, TAXONOMY.titles, NORMALIZER)
    assert parts.name == case["name"]
    assert list(parts.seniority) == case.get("seniority", [])
    assert (match[0] if match else None) == case["role"]


@pytest.mark.parametrize("title", ["急聘", "5K-8K", "【】", "(编号:123)", "★★"])
def test_never_empty(title: str) -> None:
    """A title that holds nothing but trimmings keeps something to show."""
    assert NORMALIZER.normalize(title).name


def test_model_behind_the_table(small_model: DutyModel) -> None:
    """A position name that the taxonomy does not list is read by the model; a blank one has no role."""
    classifier = Classifier(small_model)
    found = classifier.role_of_title("记账报税岗")
    assert found is not None
    assert found.decided_by.startswith("title:duty-role:")
    assert classifier.role_of_title("  ") is None
    listed = classifier.role_of_title("会计")
    assert listed is not None
    assert (listed.id, listed.decided_by) == ("accountant", "title:exact")


def test_record_takes_its_title(small_model: DutyModel) -> None:
    """The role of a record with a title is that of the title, whatever its duties."""
    title = role("accountant", 0.4)
    assert Classifier(small_model).role_of_record(title, [role("other")] * 3) is title


def test_record_takes_most_duties(small_model: DutyModel) -> None:
    """With no title it is the role of most duties; on a tie, of the surer ones; with none it abstains."""
    record = Classifier(small_model).role_of_record
    most = record(None, [role("other"), role("accountant"), role("other")])
    assert (most.id, most.score) == ("other", 0.6)
    assert record(None, [role("other", 0.5), role("accountant", 0.8)]).id == "accountant"
    assert record(None, []).status == "abstained"


def test_context_moves_towards_the_title(small_model: DutyModel) -> None:
    """The title's role gains probability in every duty of its record, and a trusted title moves more than a doubtful one."""
    classifier = Classifier(small_model, top=10)
    texts = ["整理每日单据", "拍照上传资料", "做好日常登记"]

    def shares(title: Role | None) -> list[float]:
        found = classifier.classify_in_context(texts, [None] * 3, title)
        return [next(c.score for c in (r, *r.alternatives) if c.id == "accountant") for r in found]

    alone, doubtful, trusted = shares(None), shares(role("accountant", 0.3)), shares(role("accountant", 1.0))
    assert all(a < b < c for a, b, c in zip(alone, doubtful, trusted, strict=True))


def test_headings_must_fit(small_model: DutyModel) -> None:
    """A list of headings of another length is refused."""
    with pytest.raises(ValueError, match="1 headings for 2 texts"):
        Classifier(small_model).classify_in_context(["a", "b"], [None], None)
