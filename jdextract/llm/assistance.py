"""The numbers of language-model assistance, `data/assistance.yaml`: bounds, and guesses that can be measured."""

from __future__ import annotations

from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from jdextract.data import load_rules

Confidence = Literal["高", "中", "低"]


class _Numbers(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GroundingNumbers(_Numbers):
    """How far a returned text may be from what stands in the source. Characters are those that are compared."""

    edit_share: float = Field(ge=0, lt=0.5)
    most_edits: int = Field(ge=0)
    fuzzy_from: int = Field(ge=1)
    shortest: int = Field(ge=1)
    most_places: int = Field(ge=1)
    stretch: float = Field(ge=1)
    slack: int = Field(ge=0)

    def edits(self, length: int) -> int:
        """Edits that a text of this many compared characters may have."""
        return min(self.most_edits, int(length * self.edit_share)) if length >= self.fuzzy_from else 0


class WindowNumbers(_Numbers):
    """How a long document is cut, in code points."""

    characters: int = Field(gt=0)
    overlap: int = Field(ge=0)
    most: int = Field(ge=1)


class ZoneNumbers(_Numbers):
    """Score of a model's segments, and the measures by which the offline reading stays."""

    score: float = Field(ge=0, le=1)
    least_grounded: float = Field(ge=0, le=1)
    sure: float = Field(ge=0, le=1)
    least_covered: float = Field(ge=0, le=1)
    least_titles: float = Field(ge=0, le=1)


class LabelNumbers(_Numbers):
    samples: int = Field(ge=1)
    temperature: float = Field(ge=0)
    least_agreement: float = Field(gt=0, le=1)


class GainNumbers(_Numbers):
    """What an answer is worth, in duties put right."""

    adjudicated: float = Field(ge=0, le=1)
    record: float = Field(ge=0)
    rezoned: float = Field(ge=0, le=1)
    unsure: float = Field(ge=0, le=1)
    untitled: float = Field(ge=0)
    least: float = Field(ge=0)


class Assistance(_Numbers):
    grounding: GroundingNumbers
    windows: WindowNumbers
    zone: ZoneNumbers
    confidence: dict[Confidence, float]
    label: LabelNumbers
    gains: GainNumbers


@cache
def load_assistance() -> Assistance:
    """The numbers of the package."""
    return Assistance.model_validate(load_rules("assistance"))
