"""A teacher that knows the gold: for measuring what a model of a stated accuracy would be worth, without asking one.

It sees what a model sees, answers in JSON as a model does, and its answers are read as those of a model are.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping

from jdextract.errors import ConfigError
from jdextract.llm.answers import read_output
from jdextract.llm.exchange import Answer, Output, Request
from jdextract.llm.tasks.adjudicate import Adjudication
from jdextract.taxonomy import OTHER

_GIVEN = re.compile(r"simulated:(0(?:\.\d{1,6})?|1(?:\.0{1,6})?)")
_DUTY_LINE = re.compile(r"^要判断的(?:职责|职位名称)：(.*)$", re.MULTILINE)
_WORDS = 20  # code points that it copies

GoldKey = tuple[str, str]  # document and material of a request


def read_accuracy(given: str) -> float:
    """The accuracy in `simulated:0.9`. Raises ConfigError."""
    match = _GIVEN.fullmatch(given.strip())
    if match is None:
        raise ConfigError(
            f"{given[:40]!r} is no asker", hint="give --asker simulated:0.9, or --llm MODEL to ask a model"
        )
    return float(match[1])


class SimulatedTeacher:
    """Implements `Asker` for the task *adjudicate*.

    With the probability `accuracy` it gives the gold role, being sure of it; where that is not among the candidates it
    says `other` and that it can't tell. Else it gives another candidate, just as sure: a model that errs does not know.
    What it draws depends on the seed and the question alone, so that equal questions have equal answers in any order.
    """

    def __init__(self, gold: Mapping[GoldKey, str], accuracy: float, *, seed: int = 0) -> None:
        """`gold`: the role by document and material of each request. `accuracy`: a share."""
        self.model = f"simulated:{accuracy:g}"
        self._gold, self._accuracy, self._seed = gold, accuracy, seed

    def ask(self, requests: Iterable[Request[Output]]) -> Iterator[tuple[Request[Output], Answer[Output]]]:
        """See Asker. Raises ValueError for a task or a question that it has no gold for."""
        for request in requests:
            yield request, self._answer(request)

    def _answer(self, request: Request[Output]) -> Answer[Output]:
        gold = self._gold.get((request.document, request.material))
        if gold is None or not issubclass(request.schema, Adjudication):
            raise ValueError(f"no gold for a question of the task {request.task} about {request.document}")
        role, confidence = self._decide(request, gold, tuple(map(str, request.schema.choices)))
        shown = _DUTY_LINE.search(request.material)
        words = (shown[1] if shown else "").strip()[:_WORDS].strip()
        text = json.dumps({"role": role, "evidence": [words], "confidence": confidence}, ensure_ascii=False)
        output = read_output(text, request.schema)
        if isinstance(output, str):  # a duty without a word to copy
            return Answer(None, self.model, "schema", output)
        return Answer(output, self.model)

    def _decide(self, request: Request[Output], gold: str, candidates: tuple[str, ...]) -> tuple[str, str]:
        draw, pick = self._draw(request)
        others = [role for role in candidates if role != gold]
        if draw >= self._accuracy and others:
            return others[pick % len(others)], "高"
        return (gold, "高") if gold in candidates else (OTHER, "低")

    def _draw(self, request: Request[Output]) -> tuple[float, int]:
        """A number in [0, 1) and a large whole one."""
        told = f"{self._seed}\0{request.document}\0{request.material}".encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(told, digest_size=16).digest()
        return int.from_bytes(digest[:8]) / 2**64, int.from_bytes(digest[8:])
