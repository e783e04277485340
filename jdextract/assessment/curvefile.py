"""What `jdextract llm curve` writes: the curve of cost against accuracy as JSON with fixed keys."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from jdextract.evaluation.intervals import Interval
from jdextract.llm.assistance import Confidence


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CurveGold(_Part):
    """What was asked about."""

    inputs: tuple[str, ...]
    digest: str = Field(description="16 hex digits that change with any text or label")
    documents: int
    gold_duties: int
    duties: int = Field(description="those of them that extraction found: what all shares are of")
    left_out: int = Field(description="documents of splits that models were built or tuned on")


class CurvePrice(_Part):
    """Price per million tokens."""

    input: float
    output: float
    currency: str
    source: str


class CurveAsker(_Part):
    """Who answered. `accuracy` and `seed` are of a simulated teacher."""

    kind: Literal["simulated", "model"]
    model: str
    prompt: str
    accuracy: float | None
    seed: int | None
    price: CurvePrice | None
    priced_as: str | None = Field(description="the model whose price is counted")


class Tokens(_Part):
    """Of the calls up to a point. `estimated_calls`: calls whose tokens no endpoint has counted."""

    input: int
    output: int
    estimated_calls: int


class CurvePoint(_Part):
    """The least certain duties asked about, the others as the classifier has them."""

    share: float = Field(description="of the duties, asked about")
    duties: int
    name: str = Field(description="'all abstentions' for the duties on which the classifier abstained, else empty")
    calls: int = Field(description="different questions that were sent")
    settled: int = Field(description="duties whose answer was taken")
    not_offered: int = Field(description="duties whose gold role was not among the candidates")
    tokens: Tokens
    cost: float | None = Field(description="in the currency of the price, null without one")
    accuracy: Interval
    macro_f1: Interval
    gain: Interval = Field(description="accuracy above that of the classifier alone, on the same duties")
    of_best_gain: float | None = Field(description="the gain as a share of that of the best point, null without one")


class ConfidenceCheck(_Part):
    """Answers by how sure the model says that it is. `constant`: what data/assistance.yaml takes it for."""

    stated: Confidence
    constant: float
    answers: int
    right: Interval | None


class CostCurve(_Part):
    """The whole file."""

    schema_version: Literal["1.0"] = "1.0"
    jdextract_version: str
    taxonomy: str
    model: str
    asker: CurveAsker
    gold: CurveGold
    draws: int
    seed: int
    level: float
    points: tuple[CurvePoint, ...]
    not_offered: float = Field(description="share of all duties whose gold role was not among the candidates")
    outcomes: dict[str, int] = Field(description="answers by what became of them")
    confidence: tuple[ConfidenceCheck, ...]
