"""Canonical wordings that a language model chooses among those that occur, where the rules hardly decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from jdextract.llm.exchange import Asker
from jdextract.llm.tasks.name import ask_name, read_name


class Cluster(Protocol):
    """A cluster and its distinct wordings (normalised), the best by the rules first."""

    @property
    def cluster(self) -> str: ...
    @property
    def texts(self) -> tuple[str, ...]: ...


def name_clusters(
    clusters: Sequence[Cluster], asker: Asker, outcomes: Counter[str] | None = None
) -> dict[str, tuple[int, str]]:
    """{cluster: (index of the chosen wording, who chose it)}; a cluster without a good answer is left out.

    `outcomes` counts what came of the questions: `chosen`, or why nothing was.
    """
    asked = {each.cluster: each.texts for each in clusters}
    requests = (request for id_, texts in asked.items() if (request := ask_name(id_, texts)))
    chosen: dict[str, tuple[int, str]] = {}
    for request, answer in asker.ask(requests):
        choice = read_name(asked[request.document], answer)
        if choice.variant is not None:
            chosen[request.document] = (choice.variant, choice.decided_by)
        if outcomes is not None:
            outcomes["chosen" if choice.variant is not None else choice.reason] += 1
    return chosen
