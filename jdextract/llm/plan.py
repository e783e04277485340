"""What a run would ask, by value per token, and how far down that ranking its budget reaches.

Memory does not grow with the number of documents: doubts are counted in narrow classes of their value per token.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

from jdextract.config import LlmConfig
from jdextract.llm.assist import TASKS, AssistTask
from jdextract.llm.doubts import Doubt
from jdextract.llm.estimate import RULE
from jdextract.llm.prices import Price
from jdextract.llm.tasks.adjudicate import MAX_TOKENS as MOST_FOR_ROLE
from jdextract.llm.tasks.zone import MAX_TOKENS as MOST_FOR_ZONE

_CLASSES = 1_024  # in which value per token doubles
_MOST_TOKENS: dict[AssistTask, int] = {"zone": MOST_FOR_ZONE, "adjudicate": MOST_FOR_ROLE}  # of one answer
_BYTES = 3  # of a Chinese character: as many tokens are put aside for it when a request is sent


@dataclass(slots=True)
class Sums:
    """Of some doubts of one task. Tokens are estimated, but `output_at_most` is a bound."""

    doubts: int = 0
    questions: int = 0
    value: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    output_at_most: int = 0

    def add(self, other: Sums) -> None:
        """Add the sums of others."""
        for each in fields(Sums):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


@dataclass(slots=True)
class _Class:
    """Doubts of nearly the same rate. `lowest`: their lowest rate; `reserve`: tokens that one question needs at most."""

    lowest: float
    tasks: dict[AssistTask, Sums] = field(default_factory=dict)
    reserve: tuple[int, int] = (0, 0)


class Demand:
    """Counts the doubts of a run."""

    def __init__(self, thinking_tokens: int = 0) -> None:
        """`thinking_tokens`: room that the settings give to each answer."""
        self._thinking = thinking_tokens
        self._classes: dict[int, _Class] = {}
        self.documents = 0  # with a doubt

    def add(self, doubts: Iterable[Doubt]) -> None:
        """Count the doubts about one document."""
        doubts = list(doubts)
        self.documents += bool(doubts)
        for doubt in doubts:
            self._add(doubt)

    def _add(self, doubt: Doubt) -> None:
        rate = doubt.rate
        number = math.floor(math.log2(rate) * _CLASSES)
        entry = self._classes.setdefault(number, _Class(rate))
        entry.lowest = min(entry.lowest, rate)
        most = _MOST_TOKENS[doubt.task] + self._thinking
        asked = doubt.tokens - doubt.answer
        one = Sums(1, doubt.questions, doubt.value, asked, doubt.answer, doubt.questions * most)
        entry.tasks.setdefault(doubt.task, Sums()).add(one)
        entry.reserve = max(entry.reserve, (_BYTES * (asked // doubt.questions + 1), most))

    def ranked(self) -> Iterator[_Class]:
        """The classes, the highest rate first."""
        return (self._classes[number] for number in sorted(self._classes, reverse=True))


@dataclass(frozen=True, slots=True)
class Plan:
    """Which doubts are asked about: those whose value per token is `cutoff` or more."""

    cutoff: float
    asked: dict[AssistTask, Sums]
    left: dict[AssistTask, Sums]
    documents: int  # with a doubt
    price: Price | None
    one_question: Decimal | None  # what the most expensive of the best questions costs at most

    def describe(self) -> str:
        """In one line."""
        asked, left = (sum(sums.questions for sums in part.values()) for part in (self.asked, self.left))
        return f"{asked} questions planned, {left} left unasked, cutoff {self.cutoff:.3g} duties per token"

    def as_dict(self) -> dict[str, Any]:
        """For JSON. `cost` is estimated, `cost_at_most` counts every answer at its bound of tokens."""
        return {
            "cutoff": self.cutoff,
            "documents": self.documents,
            "asked": _describe(self.asked, self.price),
            "left": _describe(self.left, self.price),
            "currency": self.price.currency if self.price else None,
            "one_question_at_most": None if self.one_question is None else float(self.one_question),
            "rule": RULE,
        }


def make_plan(demand: Demand, price: Price | None, settings: LlmConfig) -> Plan:
    """The lowest cutoff whose doubts fit `budget` at their estimated cost, and `max_calls`.

    A cutoff that the settings give stays as it is. What the largest single question may cost at most stays free, so that the last one can still be sent. A budget without
    a price limits nothing: who makes the client has refused it.
    """
    asked: dict[AssistTask, Sums] = {task: Sums() for task in TASKS}
    left: dict[AssistTask, Sums] = {task: Sums() for task in TASKS}
    cutoff, full, reserve, first = 0.0, False, Decimal(0), None
    for entry in demand.ranked():
        if not full:
            total = {task: _plus(asked[task], entry.tasks.get(task)) for task in TASKS}
            bound = max(reserve, price.bound(*entry.reserve)) if price else Decimal(0)
            first = bound if first is None else first
            if _fits(total, bound, price, settings) if settings.cutoff is None else entry.lowest >= settings.cutoff:
                asked, cutoff, reserve = total, entry.lowest, bound
                continue
            # None fits: the cutoff is above the highest rate.
            full, cutoff = True, cutoff or math.nextafter(_highest(entry), math.inf)
        for task, sums in entry.tasks.items():
            left[task].add(sums)
    cutoff = (cutoff if full else 0.0) if settings.cutoff is None else settings.cutoff
    return Plan(cutoff, asked, left, demand.documents, price, first if price else None)


def _highest(entry: _Class) -> float:
    """A rate that no doubt of the class exceeds."""
    return entry.lowest * 2 ** (2 / _CLASSES)


def _fits(total: dict[AssistTask, Sums], bound: Decimal, price: Price | None, settings: LlmConfig) -> bool:
    if settings.max_calls is not None and sum(sums.questions for sums in total.values()) > settings.max_calls:
        return False
    if settings.budget is None or price is None:
        return True
    cost = sum(price.bound(sums.input_tokens, sums.output_tokens) for sums in total.values())
    return cost + bound <= settings.budget


def _plus(one: Sums, other: Sums | None) -> Sums:
    total = Sums()
    for sums in (one, other or Sums()):
        total.add(sums)
    return total


def _describe(sums: dict[AssistTask, Sums], price: Price | None) -> dict[str, Any]:
    total = Sums()
    for each in sums.values():
        total.add(each)
    return {
        "questions": total.questions,
        "value": round(total.value, 3),
        "input_tokens": total.input_tokens,
        "output_tokens": total.output_tokens,
        "output_tokens_at_most": total.output_at_most,
        "cost": float(price.bound(total.input_tokens, total.output_tokens)) if price else None,
        "cost_at_most": float(price.bound(total.input_tokens, total.output_at_most)) if price else None,
        "tasks": {
            task: {"doubts": each.doubts, "questions": each.questions, "value": round(each.value, 3)}
            for task, each in sums.items()
        },
    }
