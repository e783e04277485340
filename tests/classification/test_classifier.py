from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.classification.classifier import Classifier
from jdextract.classification.features import fold_duty, read_texts
from jdextract.classification.model import DutyModel
from jdextract.classification.titles import TitleNormalizer, match_title
from jdextract.records import DraftDuty, DraftRecord, Piece, Role
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


def test_record_weighs_title_and_duties(small_model: DutyModel) -> None:
    """A title that the taxonomy lists decides; a title that the model only guessed gives way to duties that agree."""
    classifier = Classifier(small_model)
    listed = role("accountant", 0.98).model_copy(update={"decided_by": "title:exact"})
    assert classifier.role_of_record(listed, [role("other")] * 3) is listed
    guessed = role("accountant", 0.3).model_copy(update={"decided_by": "title:duty-role:x"})
    together = classifier.role_of_record(guessed, [role("other", 0.95)] * 3)
    assert (together.id, together.decided_by) == ("other", "record:title:duty-role:x+duties")
    assert [c.id for c in together.alternatives] == ["accountant"]
    assert classifier.role_of_record(role("accountant", 0.9), [role("other")] * 3).id == "accountant"
    assert classifier.role_of_record(guessed, []) is guessed


def test_role_mix(small_model: DutyModel) -> None:
    """Shares of the duties by role, the largest first; they add up to one."""
    mix = Classifier(small_model).mix_roles([role("other"), role("accountant"), role("other"), role("other")])
    assert [(share.id, share.share) for share in mix] == [("other", 0.75), ("accountant", 0.25)]
    assert Classifier(small_model).mix_roles([]) == ()


def test_evidence_adds_up(small_model: DutyModel) -> None:
    """The contributions of all n-grams are the difference of decision values between the role and the next best one."""
    text = "每月编制利润表，审核报销凭证"
    (found,) = Classifier(small_model).classify([text])
    (evidence,) = small_model.find_evidence([text], [found.id], 10_000)
    decisions = small_model.pipeline.decision_function(read_texts([fold_duty(text)], small_model._cut))[0]
    classes = small_model.pipeline.classes_.tolist()
    own = classes.index(found.id)
    rival = max((i for i in range(len(classes)) if i != own), key=decisions.__getitem__)
    bias = small_model.pipeline.named_steps["roles"].intercept_
    wanted = decisions[own] - decisions[rival] - (bias[own] - bias[rival])
    assert sum(gram.weight for gram in evidence) == pytest.approx(wanted, abs=2e-3)
    weights = [abs(gram.weight) for gram in evidence]
    assert weights == sorted(weights, reverse=True)
    assert all(gram.text.replace(" ", "") in fold_duty(text).replace(" ", "") for gram in evidence)


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


DRAFTS = st.builds(
    lambda title, duties: DraftRecord(
        title=Piece(title, title, (0, 1)) if title is not None else None,
        headcount=None,
        duties=tuple(DraftDuty(text, text, (0, 1), heading) for text, heading in duties),
        requirements=(),
        compensation=(),
    ),
    st.sampled_from([None, "会计", "会计助理", "记账报税岗", "高级客服专员(急聘)", "软件小组带头人", "*"]),
    st.lists(
        st.tuples(st.sampled_from(["整理每日单据", "拍照上传资料", "核对账目", ""]), st.sampled_from([None, "报税"])),
        max_size=4,
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(DRAFTS, max_size=6), st.booleans())
def test_many_records_and_one(small_model: DutyModel, records: list[DraftRecord], fresh: bool) -> None:
    """Records read together get what the methods for single titles, duties and records give, remembered or not."""
    classifier = Classifier(small_model)
    one = Classifier(small_model) if fresh else classifier
    for record, found in zip(records, classifier.read_records(records), strict=True):
        title = one.role_of_title(record.title.normalized) if record.title else None
        texts, headings = [d.normalized for d in record.duties], [d.heading for d in record.duties]
        duties = one.classify_in_context(texts, headings, title)
        assert found.duties == tuple(duties)
        assert found.role == one.role_of_record(title, duties)
        assert found.mix == one.mix_roles(duties)
        assert found.title == (NORMALIZER.normalize(record.title.normalized) if record.title else None)


def test_headings_and_titles_are_told(small_model: DutyModel) -> None:
    """What decided stands behind each duty: the model, the title where it has a role, headings where the record has some."""
    titled = DraftRecord(
        Piece("会计", "会计", (0, 2)), None, (DraftDuty("核对账目", "核对账目", (3, 7), "账务"),), (), ()
    )
    bare = DraftRecord(None, None, (DraftDuty("核对账目", "核对账目", (3, 7), None),), (), ())
    first, second = Classifier(small_model).read_records([titled, bare])
    assert first.duties[0].decided_by == f"duty-role:{small_model.version}+title+heading"
    assert second.duties[0].decided_by == f"duty-role:{small_model.version}"


def test_headings_must_fit(small_model: DutyModel) -> None:
    """A list of headings of another length is refused."""
    with pytest.raises(ValueError, match="1 headings for 2 texts"):
        Classifier(small_model).classify_in_context(["a", "b"], [None], None)
