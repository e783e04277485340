"""Which wording of a cluster stands for its duty: by rules, and where these hardly decide by whoever is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from jdextract.deduplication.duplicates import Cluster, Duplicates
from jdextract.deduplication.wordings import find_damage

SHORTEST = 6  # characters of a duty that says enough by itself
_RULES = "wording-rank"  # undamaged, in most documents, complete


@dataclass(frozen=True, slots=True)
class Wording:
    """Number of a variant of its cluster, and who chose it."""

    variant: int
    decided_by: str = _RULES


@dataclass(frozen=True, slots=True)
class CloseCall:
    """A cluster whose best wording the rules hardly tell. `texts`: its distinct wordings (normalised), best by the rules
    first; `numbers`: of their variants. No two texts are equal."""

    cluster: str
    texts: tuple[str, ...]
    numbers: tuple[int, ...]


# Cluster id -> (index into the texts, who chose it), of those that were decided.
Choose = Callable[[Sequence[CloseCall]], Mapping[str, tuple[int, str]]]


def rank_variants(found: Duplicates, cluster: Cluster) -> list[int]:
    """Numbers of the variants that occur in this run, the best wording first."""
    occurring = (n for n, variant in enumerate(cluster.variants) if variant.places)
    return sorted(occurring, key=lambda n: (*_merit(found, cluster, n), cluster.variants[n].text))


def _merit(found: Duplicates, cluster: Cluster, number: int) -> tuple[bool, int, int]:
    variant = cluster.variants[number]
    documents = len({found.occurrences.documents[n] for n in variant.places})
    return bool(find_damage(variant.text)), -documents, -len(variant.text)


def find_close_calls(found: Duplicates) -> list[CloseCall]:
    """Clusters of which another wording is in as many documents as the best one, or whose best one is damaged or short;
    those that occur most often first."""
    calls: list[tuple[int, CloseCall]] = []
    for cluster in found.clusters:
        ranked = rank_variants(found, cluster)
        distinct = {cluster.variants[n].text: n for n in reversed(ranked)}
        numbers = [n for n in ranked if distinct[cluster.variants[n].text] == n]
        if len(numbers) < 2:
            continue
        best, second = (_merit(found, cluster, n) for n in numbers[:2])
        text = cluster.variants[numbers[0]].text
        if best[:2] == second[:2] or best[0] or len(text) < SHORTEST:
            texts = tuple(cluster.variants[n].text for n in numbers)
            occurrences = sum(len(variant.places) for variant in cluster.variants)
            calls.append((occurrences, CloseCall(cluster.id, texts, tuple(numbers))))
    return [call for _, call in sorted(calls, key=lambda pair: (-pair[0], pair[1].cluster))]


def choose_wordings(found: Duplicates, choose: Choose) -> dict[str, Wording]:
    """What `choose` decides, by cluster. A wording is always one that occurs."""
    calls = {call.cluster: call for call in find_close_calls(found)}
    chosen = choose(list(calls.values()))
    return {id_: Wording(calls[id_].numbers[index], decided_by) for id_, (index, decided_by) in chosen.items()}
