"""Predictions drawn at random, for the tests of this folder."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from jdextract.evaluation.predictions import Predictions, make_predictions

FAMILIES = {"buyer": "supply", "keeper": "supply", "planner": "supply", "seller": "market", "writer": "market"}
ROLES = tuple(sorted(FAMILIES))


def draw_predictions(rows: int, seed: int, skill: float = 0.7, roles: tuple[str, ...] = ROLES) -> Predictions:
    """Rows whose probabilities point at the truth with some skill."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, len(roles), rows)
    scores = generator.gumbel(size=(rows, len(roles)))
    scores[np.arange(rows), truth] += 6 * (generator.random(rows) < skill) * generator.random(rows)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    families = {role: FAMILIES.get(role, role[:2]) for role in roles}
    return make_predictions([roles[i] for i in truth], None, families, roles=roles, probabilities=shares)


def pairs(most: int = 40) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Lists of (truth, predicted); a predicted id may lie outside the families."""
    return st.lists(st.tuples(st.sampled_from(ROLES), st.sampled_from([*ROLES, "stranger"])), min_size=1, max_size=most)


def sure_rows(most: int = 30) -> st.SearchStrategy[list[tuple[bool, float]]]:
    """Lists of (right, confidence), with equal confidences and bin edges among them."""
    confidence = st.one_of(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 1.0]), st.floats(0, 1))
    return st.lists(st.tuples(st.booleans(), confidence), min_size=1, max_size=most)


def from_sure_rows(rows: list[tuple[bool, float]]) -> Predictions:
    """Predictions that are right and sure as told."""
    predicted = ["buyer" if right else "keeper" for right, _ in rows]
    return make_predictions(["buyer"] * len(rows), predicted, FAMILIES, confidence=[sure for _, sure in rows])
