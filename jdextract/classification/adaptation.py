"""Unlabelled duties with their titles -> weakly labelled examples for a second training.

Self-training on agreement: a duty counts for the role that the sentence and the title of its record together make probable.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable

from jdextract.classification.classifier import Classifier
from jdextract.classification.context import read_in_context
from jdextract.classification.features import fold_duty
from jdextract.classification.training import Example

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
        scores = np.exp(read_in_context(logs, role, model)) * (1 - np.exp(logs[:, -1:]))  # sure, and sure to be a duty
        sure = zip(texts, scores.argmax(axis=1).tolist(), scores.max(axis=1).tolist(), strict=True)
        found += [(text, model.roles[best]) for text, best, score in sure if score >= settings.weak_score]
    taken: Counter[str] = Counter()
    examples = []
    for text, id_ in sorted(found, key=lambda pair: hashlib.sha256(pair[0].encode()).digest()):
        taken[id_] += 1
        if taken[id_] <= settings.weak_limit:
            examples.append(Example(text, id_, settings.weak_weight, "weak"))
    return examples
