"""The curve of cost against accuracy, and the simulated teacher."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal

import pytest

from jdextract.assessment.asking import Asked, GoldDuty, ask_all, know_gold
from jdextract.assessment.curve import Sitting, check_confidence, draw_points, measure_simulated
from jdextract.assessment.curvefile import CostCurve
from jdextract.assessment.gold import load_gold
from jdextract.assessment.judging import make_pipeline
from jdextract.assessment.measurement import Draws
from jdextract.config import Config
from jdextract.errors import ConfigError, EmptyInput
from jdextract.llm.assistance import load_assistance
from jdextract.llm.exchange import Answer, Asker, Output, Request
from jdextract.llm.prices import Price
from jdextract.llm.simulation import SimulatedTeacher, read_accuracy
from jdextract.llm.tasks.adjudicate import ask_role
from jdextract.records import Role, RoleCandidate
from tests.conftest import ROOT, SHARED
from tests.judged import DRAWS, FAMILIES, TAXONOMY, make_gold, make_sign_pipeline
from tests.records import make_record
from tests.samples import HANS, HANT, MIXED, gold

PRICE = Price(Decimal(1), Decimal(10), Decimal(1), None, "EUR", "test", "")
FULL = Draws(200)


_CANDIDATES = ("warehouse-keeper", "order-fulfillment", "logistics-coordinator", "procurement-specialist")


@pytest.fixture(scope="module")
def duties() -> list[GoldDuty]:
    """180 duties of 30 documents, the least certain first. The gold role is mostly the best candidate, often another one,
    and of every tenth duty none of them."""
    found = []
    for page in range(30):
        record = make_record(
            [f"负责第{page}库区的第{n}项盘点工作" for n in range(6)], document=f"d{page}", title="仓管"
        )
        numbers = [page * 6 + n for n in range(6)]
        roles = [_make_role((37 * number % 180) / 200) for number in numbers]
        duties = tuple(d.model_copy(update={"role": r}) for d, r in zip(record.duties, roles, strict=True))
        record = record.model_copy(update={"duties": duties})
        for n, number in enumerate(numbers):
            truth = "accountant" if number % 10 == 9 else _CANDIDATES[number % 5 % 4]
            found.append(GoldDuty(str(page), record, n, truth))
    return sorted(found, key=lambda duty: duty.role.score)


def _make_role(score: float) -> Role:
    best, *others = _CANDIDATES
    return Role(
        id=best,
        family=FAMILIES[best],
        score=score,
        status="assigned" if score >= 0.65 else "abstained",
        alternatives=tuple(RoleCandidate(id=id_, family=FAMILIES[id_], score=0.01) for id_ in others),
    )


def ask(duties: list[GoldDuty], asker: Asker, price: Price | None = None) -> list[Asked]:
    return ask_all(duties, asker, TAXONOMY, 0.65, price, lambda items, _: items)


def teach(duties: list[GoldDuty], accuracy: float, seed: int = 0) -> list[Asked]:
    return ask(duties, SimulatedTeacher(know_gold(duties, TAXONOMY), accuracy, seed=seed))


@pytest.mark.parametrize("path", ["corpus", pytest.param("gold", marks=pytest.mark.shared)])
def test_a_simulated_teacher_shows_the_curve(path: str) -> None:
    """A teacher with gold labels of which 10 % are wrong: with 20 % of the duties asked about, accuracy is above that of
    the offline model by most of what is to gain, and asking about the sure ones as well makes it worse again."""
    given = load_gold([ROOT / "corpus" if path == "corpus" else SHARED / "gold"], TAXONOMY)
    sitting = Sitting(given, make_pipeline(Config()), TAXONOMY, [path], FULL, lambda items, _: items)
    curve = measure_simulated(sitting, "simulated:0.9")
    (point,) = (p for p in curve.points if round(p.share, 2) == 0.2)
    assert point.gain.value is not None
    assert point.gain.value > 0.01
    assert point.of_best_gain is not None
    assert point.of_best_gain > 0.6
    everything = curve.points[-1]
    assert everything.share == 1
    assert (everything.gain.value or 0) < point.gain.value
    assert everything.calls <= everything.duties == curve.gold.duties
    stated = {check.stated: check for check in curve.confidence}
    assert stated["高"].right is not None
    assert stated["高"].right.value == pytest.approx(0.9, abs=0.03)


def test_the_teacher_is_as_good_as_it_says(duties: list[GoldDuty]) -> None:
    """A teacher without errors gives every role that is offered; one of 0.6 errs that often with one of the candidates; the
    one that never is right never gives the gold role."""
    offered = [each for each in teach(duties, 1.0) if each.offered]
    assert offered
    assert all(each.role == each.duty.truth for each in offered)
    shares = []
    for seed in range(10):
        rows = [each for each in teach(duties, 0.6, seed) if each.offered]
        shares.append(sum(each.role == each.duty.truth for each in rows) / len(rows))
    assert sum(shares) / len(shares) == pytest.approx(0.6, abs=0.03)
    assert all(each.decision.role is None or each.role != each.duty.truth for each in teach(duties, 0.0))


def test_what_is_not_offered_is_other_without_confidence(duties: list[GoldDuty]) -> None:
    """Where the gold role is not among the candidates the teacher can't tell, so nothing is settled and it is counted."""
    missing = [each for each in teach(duties, 1.0) if not each.offered]
    assert missing
    for each in missing:
        assert each.answer.output
        assert (each.answer.output.role, each.answer.output.confidence) == ("other", "低")
        assert (each.decision.role, each.decision.reason) == (None, "unsure")
    points = draw_points(teach(duties, 1.0), TAXONOMY, DRAWS, None)
    assert points[-1].not_offered == len(missing)


def test_answers_depend_on_seed_and_question_alone(duties: list[GoldDuty]) -> None:
    """Another order changes no answer, another seed does; a question without gold is refused loudly."""
    first, turned = teach(duties, 0.5), teach(duties[::-1], 0.5)[::-1]
    assert [each.answer for each in first] == [each.answer for each in turned]
    assert [each.answer for each in first] != [each.answer for each in teach(duties, 0.5, seed=1)]
    with pytest.raises(ValueError, match="no gold"):
        ask(duties, SimulatedTeacher({}, 0.9))


def test_a_question_that_stands_twice_is_paid_once(duties: list[GoldDuty]) -> None:
    """Equal questions are one call; the cost is that of the tokens by the price, and grows with the points."""
    doubled = [duty for duty in duties for _ in range(2)]
    teacher = SimulatedTeacher(know_gold(doubled, TAXONOMY), 0.9)
    points = draw_points(ask(doubled, teacher, PRICE), TAXONOMY, DRAWS, PRICE)
    assert (points[-1].duties, points[-1].calls) == (2 * len(duties), len(duties))
    for point in points:
        assert point.cost == pytest.approx((point.tokens.input + 10 * point.tokens.output) / 1e6)
        assert point.tokens.estimated_calls == point.calls
    assert sorted(costs := [point.cost or 0 for point in points]) == costs
    assert costs[0] == 0 < costs[-1]
    assert draw_points(ask(doubled, teacher), TAXONOMY, DRAWS, None)[-1].cost is None


def test_points(duties: list[GoldDuty]) -> None:
    """The least certain duties come first, the first point is the classifier alone, one point is all abstentions."""
    asked = teach(duties, 1.0)
    scores = [each.duty.role.score for each in asked]
    assert scores == sorted(scores)
    points = draw_points(asked, TAXONOMY, DRAWS, None)
    offline = sum(each.duty.role.id == each.duty.truth for each in asked) / len(asked)
    assert points[0].accuracy.value == pytest.approx(offline)
    assert (points[0].gain.low, points[0].gain.high, points[0].calls) == (0, 0, 0)
    abstained = sum(each.duty.role.status == "abstained" for each in asked)
    assert [point.duties for point in points if point.name == "all abstentions"] == [abstained]
    right = sum(each.role == each.duty.truth for each in asked) / len(asked)
    assert points[-1].accuracy.value == pytest.approx(right)
    assert points[-1].gain.value == pytest.approx(right - offline)
    assert max(point.of_best_gain or 0 for point in points) == 1


class _Hesitant:
    """Says what it is told to say of its confidence; every third question fails, one for lack of money."""

    model = "hesitant"

    def __init__(self, gold: dict[tuple[str, str], str], stated: list[str]) -> None:
        self.gold, self.stated = gold, stated

    def ask(self, requests: Iterable[Request[Output]]) -> Iterator[tuple[Request[Output], Answer[Output]]]:
        for number, request in enumerate(requests):
            role = self.gold[request.document, request.material]
            stated = self.stated[number % len(self.stated)]
            if stated in ("budget", "refused"):
                yield request, Answer(None, self.model, stated)  # type: ignore[arg-type]
                continue
            words = request.material.split("要判断的职责：")[1].splitlines()[0]
            wrong = next(one for one in request.schema.choices if one != role)  # type: ignore[attr-defined]
            given = {"role": wrong if stated == "中" else role, "confidence": stated, "evidence": [words[:20]]}
            yield request, Answer(request.schema.model_construct(**given), self.model)


def test_confidence_is_measured(duties: list[GoldDuty]) -> None:
    """The share of right answers stands beside each stated confidence; failures are none, and only sent ones are calls."""
    known = [duty for duty in duties if duty.truth in _CANDIDATES]
    asked = ask(known, _Hesitant(know_gold(known, TAXONOMY), ["高", "中", "budget", "refused"]))
    checks = {check.stated: check for check in check_confidence(asked, DRAWS, load_assistance())}
    assert checks["高"].right is not None
    assert checks["中"].right is not None
    assert (checks["高"].right.value, checks["中"].right.value, checks["低"].right) == (1.0, 0.0, None)
    assert checks["高"].constant == load_assistance().confidence["高"]
    assert checks["高"].answers + checks["中"].answers == sum(each.answer.output is not None for each in asked)
    assert [each.called for each in asked[:4]] == [True, True, False, True]


def test_settings() -> None:
    """An accuracy outside 0 to 1 is told; so is gold without a duty that was found."""
    assert read_accuracy("simulated:0.85") == 0.85
    for bad in ("simulated", "simulated:1.1", "simulated:-1", "gpt-4.1-mini", "simulated:0.9;"):
        with pytest.raises(ConfigError):
            read_accuracy(bad)
    documents = [gold(HANS)]
    sitting = Sitting(make_gold(*documents), make_sign_pipeline(), TAXONOMY, [], DRAWS, lambda items, _: items)
    with pytest.raises(EmptyInput):
        measure_simulated(sitting, "simulated:0.9")


def test_evidence_goes_the_way_of_a_model(duties: list[GoldDuty]) -> None:
    """The teacher copies words of the duty that it was shown; where the duty holds none that can be found, its answer is
    rejected like any model's."""
    teacher = SimulatedTeacher(know_gold(duties, TAXONOMY), 1.0)
    first = duties[0]
    ((_, answer),) = teacher.ask([ask_role(first.record, first.number, TAXONOMY)])
    assert answer.output
    assert answer.output.evidence[0] in first.record.duties[first.number].text
    blank = make_record(["……"]).model_copy()
    bare = [GoldDuty("0", blank, 0, "other")]
    assert teach(bare, 1.0)[0].decision.reason == "evidence:blank"


def test_file_round_trip() -> None:
    """The file reads back as what was written, and its keys are those of the documented layout."""
    documents = [gold(name) for name in (HANS, HANT, MIXED)]
    pipeline = make_sign_pipeline(*documents)
    pipeline.config = Config.model_validate({"classification": {"threshold": 0.65}, "llm": {"price": "1/10 EUR"}})
    sitting = Sitting(make_gold(*documents), pipeline, TAXONOMY, ["gold"], DRAWS, lambda items, _: items)
    curve = measure_simulated(sitting, "simulated:0.9")
    text = curve.model_dump_json()
    assert CostCurve.model_validate_json(text) == curve
    written = json.loads(text)
    assert written["asker"]["price"]["currency"] == "EUR"
    assert (written["schema_version"], written["gold"]["documents"]) == ("1.0", 3)
