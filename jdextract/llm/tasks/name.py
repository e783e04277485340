"""Task *name*: which wording of a cluster stands for the duty. A model picks a number; it writes no wording.

The wordings come from many pages. One that tries to be chosen can only put itself forward, as one of the wordings that
were grouped with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jdextract.deduplication.wordings import find_damage
from jdextract.llm.exchange import Answer, Request
from jdextract.llm.prompts import load_prompt, seal, show_line
from jdextract.llm.tasks import Reply, name_decider, restrict

MOST_VARIANTS = 12
_VARIANT = 200  # code points that are shown
_MAX_TOKENS = 60


class Naming(Reply):
    """A choice. The schema of a request allows the numbers of its variants only (`number`)."""

    chosen = "choice"
    choice: int
    reason: Literal["complete", "clear", "general", "concise"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Index of a variant, from 0, and the model's reason; or None and why: `failed:<kind>`, `unknown`, `damaged`."""

    variant: int | None
    reason: str
    decided_by: str = ""


def number(variants: int) -> type[Naming]:
    """The schema whose choice is a number from 1 to `variants`."""
    return restrict(Naming, tuple(range(1, variants + 1)))


def ask_name(cluster: str, variants: Sequence[str]) -> Request[Naming] | None:
    """The question about a cluster by its normalised wordings, best first by the rules; None for fewer than two.

    The first 12 are shown.
    """
    shown = variants[:MOST_VARIANTS]
    if len(shown) < 2:
        return None
    prompt = load_prompt("name")
    lines = [f"{i}. {show_line(text, _VARIANT)}" for i, text in enumerate(shown, 1)]
    return Request(
        task="name",
        prompt=prompt.version,
        instructions=prompt.instructions,
        material=seal("\n".join(lines)),
        schema=number(len(shown)),
        document=cluster,
        max_tokens=_MAX_TOKENS,
    )


def read_name(variants: Sequence[str], answer: Answer[Naming]) -> Chosen:
    """The variant that was chosen, unless it is damaged and another one is not.

    A variant that was cut for showing counts as chosen whole.
    """
    if answer.output is None:
        return Chosen(None, f"failed:{answer.failure}")
    shown = variants[:MOST_VARIANTS]
    at = answer.output.choice - 1
    if not 0 <= at < len(shown):
        return Chosen(None, "unknown")
    if find_damage(shown[at]) and not all(map(find_damage, shown)):
        return Chosen(None, "damaged")
    return Chosen(at, answer.output.reason, name_decider(answer.model, load_prompt("name").version))
