"""What asking a language model is worth: accuracy of roles against the number of duties asked about, and the cost.

The duties that extraction found and the gold knows are asked about from the least certain on, through the task
*adjudicate* as a run would do it; every point of the curve is the same set of duties with the first so many decisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from jdextract.assessment.asking import Asked, GoldDuty, ask_all, know_gold, list_duties
from jdextract.assessment.curvefile import (
    ConfidenceCheck,
    CostCurve,
    CurveAsker,
    CurveGold,
    CurvePoint,
    CurvePrice,
    Tokens,
)
from jdextract.assessment.gold import Gold
from jdextract.assessment.judging import ReadPage, Track, read_pages
from jdextract.assessment.measurement import Draws
from jdextract.errors import EmptyInput
from jdextract.llm.assistance import Assistance, load_assistance
from jdextract.llm.client import Client
from jdextract.llm.prices import Price, find_price
from jdextract.llm.prompts import load_prompt
from jdextract.llm.simulation import SimulatedTeacher, read_accuracy
from jdextract.llm.tasks.adjudicate import count_reasons
from jdextract.pipeline import Pipeline
from jdextract.taxonomy import Taxonomy

if TYPE_CHECKING:
    from jdextract.evaluation.intervals import Interval, Resamples
    from jdextract.evaluation.predictions import Predictions

SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)  # of the duties, asked about


def draw_points(asked: Sequence[Asked], taxonomy: Taxonomy, draws: Draws, price: Price | None) -> list[CurvePoint]:
    """The points of SHARES, and one for all duties on which the classifier abstained."""
    resamples = draws.of([each.duty.page for each in asked])
    families = {role: taxonomy.family_of(role) for role in taxonomy.role_ids}
    offline = _predict(asked, 0, families)
    abstained = sum(each.duty.role.status == "abstained" for each in asked)
    counts = {round(share * len(asked)): "" for share in SHARES} | {abstained: "all abstentions"}
    figures = {
        count: _measure(_predict(asked, count, families), offline, resamples, draws.level) for count in sorted(counts)
    }
    best = max(gain.value or 0.0 for _, _, gain in figures.values())
    made = []
    for count, (accuracy, macro_f1, gain) in figures.items():
        spent = asked[:count]
        made.append(
            CurvePoint(
                share=count / len(asked),
                duties=count,
                name=counts[count],
                calls=sum(each.called for each in spent),
                settled=sum(each.decision.role is not None for each in spent),
                not_offered=sum(not each.offered for each in spent),
                tokens=_add_tokens(spent),
                cost=float(sum((each.cost for each in spent), Decimal(0))) if price else None,
                accuracy=accuracy,
                macro_f1=macro_f1,
                gain=gain if count else _nothing(gain),
                of_best_gain=(gain.value or 0.0) / best if best > 0 else None,
            )
        )
    return made


def _nothing(gain: Interval) -> Interval:
    """Where nobody was asked nothing is gained, for certain."""
    return replace(gain, value=0.0, low=0.0, high=0.0)


def _predict(asked: Sequence[Asked], count: int, families: Mapping[str, str]) -> Predictions:
    from jdextract.evaluation.predictions import make_predictions

    predicted = [each.role if i < count else each.duty.role.id for i, each in enumerate(asked)]
    return make_predictions([each.duty.truth for each in asked], predicted, families)


def _measure(
    new: Predictions, offline: Predictions, resamples: Resamples, level: float
) -> tuple[Interval, Interval, Interval]:
    """Accuracy, macro-F1, and by how much accuracy is above that of the classifier alone (paired)."""
    from jdextract.evaluation.figures import make_measures
    from jdextract.evaluation.intervals import find_interval
    from jdextract.evaluation.measures import Difference

    own, base = make_measures(new), make_measures(offline)
    measures = (own["accuracy"], own["macro_f1"], Difference(base["accuracy"], own["accuracy"]))
    accuracy, macro_f1, gain = (find_interval(measure, resamples, level) for measure in measures)
    return accuracy, macro_f1, gain


def _add_tokens(asked: Sequence[Asked]) -> Tokens:
    return Tokens(
        input=sum(each.usage.input_tokens for each in asked),
        output=sum(each.usage.output_tokens for each in asked),
        estimated_calls=sum(each.called and each.estimated for each in asked),
    )


def check_confidence(asked: Sequence[Asked], draws: Draws, numbers: Assistance) -> list[ConfidenceCheck]:
    """How often an answer is right, by how sure the model says that it is, beside what the numbers take it for."""
    from jdextract.evaluation.intervals import bootstrap

    checks = []
    for stated, constant in numbers.confidence.items():
        rows = [
            (each.answer.output.role == each.duty.truth, each.duty.page)
            for each in asked
            if each.answer.output is not None and each.answer.output.confidence == stated
        ]
        right = (
            bootstrap(
                [float(hit) for hit, _ in rows],
                [page for _, page in rows],
                draws=draws.count,
                seed=draws.seed,
                level=draws.level,
            )
            if rows
            else None
        )
        checks.append(ConfidenceCheck(stated=stated, constant=constant, answers=len(rows), right=right))
    return checks


@dataclass(frozen=True, slots=True)
class Sitting:
    """What a curve is measured with."""

    gold: Gold
    pipeline: Pipeline
    taxonomy: Taxonomy
    inputs: Sequence[str]
    draws: Draws
    track: Track


def measure_simulated(sitting: Sitting, given: str) -> CostCurve:
    """The curve of a simulated teacher, `simulated:0.9`, its draws by the seed of the sitting. Nothing is sent.

    Its calls cost what the model of the settings costs, if there is one. Raises ConfigError, and EmptyInput where no found
    duty stands in the gold.
    """
    settings = sitting.pipeline.config.llm
    accuracy = read_accuracy(given)
    price = find_price(settings.model or "", settings.base_url, settings.price)
    read, duties = _read(sitting)
    teacher = SimulatedTeacher(know_gold(duties, sitting.taxonomy), accuracy, seed=sitting.draws.seed)
    asked = ask_all(duties, teacher, sitting.taxonomy, _threshold(sitting), price, sitting.track)
    about = CurveAsker(
        kind="simulated",
        model=teacher.model,
        prompt=load_prompt("adjudicate").version,
        accuracy=accuracy,
        seed=sitting.draws.seed,
        price=_describe_price(price),
        priced_as=settings.model if price else None,
    )
    return make_curve(sitting, read, asked, about, price)


def measure_model(sitting: Sitting) -> CostCurve:
    """The curve of the model of the settings. Raises ConfigError without one, and EmptyInput as `measure_simulated`."""
    with Client(sitting.pipeline.config.llm) as client:
        read, duties = _read(sitting)
        asked = ask_all(duties, client, sitting.taxonomy, _threshold(sitting), client.price, sitting.track)
        about = CurveAsker(
            kind="model",
            model=client.model,
            prompt=load_prompt("adjudicate").version,
            accuracy=None,
            seed=None,
            price=_describe_price(client.price),
            priced_as=client.model if client.price else None,
        )
        return make_curve(sitting, read, asked, about, client.price)


def _read(sitting: Sitting) -> tuple[list[ReadPage], list[GoldDuty]]:
    read = read_pages(sitting.gold.pages, sitting.pipeline, sitting.track)
    duties = list_duties(read)
    if not duties:
        raise EmptyInput("no duty of the gold was found", hint="give annotated documents with duties")
    return read, duties


def _threshold(sitting: Sitting) -> float:
    chosen = sitting.pipeline.config.classification.threshold
    return sitting.pipeline.classifier.model.settings.threshold if chosen is None else chosen


def _describe_price(price: Price | None) -> CurvePrice | None:
    if price is None:
        return None
    return CurvePrice(
        input=float(price.input), output=float(price.output), currency=price.currency, source=price.source
    )


def make_curve(
    sitting: Sitting, read: Sequence[ReadPage], asked: Sequence[Asked], asker: CurveAsker, price: Price | None
) -> CostCurve:
    """The whole file."""
    from jdextract import __version__

    gold, draws, taxonomy = sitting.gold, sitting.draws, sitting.taxonomy
    wanted = sum(len(record.duties) for each in read for record in each.page.document.records)
    return CostCurve(
        jdextract_version=__version__,
        taxonomy=taxonomy.stamp,
        model=sitting.pipeline.classifier.model.version,
        asker=asker,
        gold=CurveGold(
            inputs=tuple(sitting.inputs),
            digest=gold.digest(),
            documents=len(read),
            gold_duties=wanted,
            duties=len(asked),
            left_out=gold.left_out,
        ),
        draws=draws.count,
        seed=draws.seed,
        level=draws.level,
        points=tuple(draw_points(asked, taxonomy, draws, price)),
        not_offered=sum(not each.offered for each in asked) / len(asked),
        outcomes=dict(sorted(count_reasons([each.decision for each in asked]).items())),
        confidence=tuple(check_confidence(asked, draws, load_assistance())),
    )
