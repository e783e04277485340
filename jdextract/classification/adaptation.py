"""Unlabelled duties with their titles -> weakly labelled examples for a second training, and what that gains or loses.

Self-training on agreement: a duty counts for the role that the sentence and the title of its record together make probable.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from jdextract.classification.classifier import Classifier
from jdextract.classification.context import read_in_context
from jdextract.classification.features import fold_duty
from jdextract.classification.model import DutyModel
from jdextract.classification.training import Example
from jdextract.classification.validation import score

_TOLERANCE = 0.005

_LENGTHS = range(5, 151)  # code points: shorter ones are headings, longer ones are several duties in one


def find_weak_examples(
    base: Classifier, segments: Iterable[tuple[str, str]], held_out: Collection[str] = ()
) -> list[Example]:
    """Weak examples from (title, duty) pairs, both normalised: each distinct duty once, in an order that only texts decide.

    Of one role at most `weak_limit` are taken, so that a pile of postings of one trade does not shift the model.
    `held_out`: normalised texts that must not be learned, such as those that settings are chosen on.
    """
    import numpy as np

    model, settings = base.model, base.model.settings.training
    forbidden = {fold_duty(text) for text in held_out}
    by_title: dict[str, dict[str, None]] = {}
    seen: set[str] = set()
    for title, text in segments:
        folded = fold_duty(text)
        if folded not in seen and folded not in forbidden and len(folded) in _LENGTHS:
            seen.add(folded)
            by_title.setdefault(title, {})[folded] = None
    found: list[tuple[str, str]] = []
    for title, texts in by_title.items():
        role = base.role_of_title(title)
        if role is None or role.id not in model.roles:
            continue
        logs = model.log_probabilities(list(texts))
        scores = np.exp(read_in_context(logs, [role] * len(logs), model)) * (
            1 - np.exp(logs[:, -1:])
        )  # sure, and sure to be a duty
        sure = zip(texts, scores.argmax(axis=1).tolist(), scores.max(axis=1).tolist(), strict=True)
        found += [(text, model.roles[best]) for text, best, score in sure if score >= settings.weak_score]
    taken: Counter[str] = Counter()
    examples = []
    for text, id_ in sorted(found, key=lambda pair: hashlib.sha256(pair[0].encode()).digest()):
        taken[id_] += 1
        if taken[id_] <= settings.weak_limit:
            examples.append(Example(text, id_, settings.weak_weight, "weak"))
    return examples


@dataclass(frozen=True, slots=True)
class Gain:
    """What an adapted model does to one set of labelled sentences."""

    base: dict[str, float]  # as `validation.score` gives them
    adapted: dict[str, float]
    by_role: dict[str, float]  # change of F1, largest gain first

    @property
    def is_loss(self) -> bool:
        """Whether accuracy or macro-F1 fell by more than what a change of a few sentences makes."""
        return any(self.adapted[name] < self.base[name] - _TOLERANCE for name in ("accuracy", "macro_f1"))


def compare_models(base: DutyModel, adapted: DutyModel, texts: Sequence[str], truth: Sequence[str]) -> Gain:
    """Read labelled sentences (normalised) with both models. Roles that the taxonomy does not have are left out."""
    import numpy as np
    from sklearn.metrics import f1_score

    pairs = [(text, role) for text, role in zip(texts, truth, strict=True) if role in base.roles]
    kept, right = [text for text, _ in pairs], [role for _, role in pairs]
    names = sorted(set(right))
    scores, f1 = [], []
    for model in (base, adapted):
        logs = model.log_probabilities(kept)
        best = np.array(model.roles)[logs[:, :-1].argmax(axis=1)]
        scores.append(score(logs, model.roles, right, model.settings.threshold))
        f1.append(f1_score(right, best, average=None, labels=names, zero_division=0))
    change = {name: round(float(b - a), 4) for name, a, b in zip(names, *f1, strict=True)}
    return Gain(scores[0], scores[1], dict(sorted(change.items(), key=lambda pair: -pair[1])))
