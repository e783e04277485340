"""What a duty model can do on its own corpus, sentence by sentence, by random and by grouped splits; and its card."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jdextract.classification.features import Cut, read_texts
from jdextract.classification.model import DutyModel, roles_of, share_out
from jdextract.classification.settings import Settings, TrainingSettings
from jdextract.classification.training import Example, fit
from jdextract.taxonomy import OTHER

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALIKE = 0.7  # Jaccard share of character 3-grams from which two sentences are near duplicates
_ROWS = 1_000


def cluster(texts: Sequence[str], alike: float = ALIKE) -> NDArray[np.int_]:
    """Number of the near-duplicate cluster of each text: chains of pairs whose 3-gram sets share at least `alike`."""
    import numpy as np
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from sklearn.feature_extraction.text import CountVectorizer

    # The blanks around let texts of one or two characters have a 3-gram as well.
    grams = CountVectorizer(analyzer="char", ngram_range=(3, 3), binary=True, lowercase=False, dtype=np.int32)
    matrix = grams.fit_transform([f"\u0002{text}\u0003" for text in texts])
    sizes = np.asarray(matrix.sum(axis=1)).ravel()
    pairs: list[tuple[Any, Any]] = []
    for start in range(0, len(texts), _ROWS):
        shared = (matrix[start : start + _ROWS] @ matrix.T).tocoo()
        rows = shared.row + start
        near = shared.data >= alike * (sizes[rows] + sizes[shared.col] - shared.data)
        pairs.append((rows[near], shared.col[near]))
    rows, columns = (np.concatenate(side) for side in zip(*pairs, strict=True))
    links = coo_matrix((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(len(texts), len(texts)))
    labels: NDArray[np.int_] = connected_components(links, directed=False)[1]
    return labels


def score(logs: NDArray[np.float64], roles: Sequence[str], truth: Sequence[str], threshold: float) -> dict[str, float]:
    """Accuracy, macro-F1 over the roles in `truth`, calibration error (10 bins), and what `threshold` gives.

    `logs`: (sentences, roles) or one column more, as `DutyModel.log_probabilities` gives them.
    """
    import numpy as np
    from sklearn.metrics import f1_score

    right_roles = np.array(truth)
    own = logs[:, : len(roles)]
    best = np.array(roles)[own.argmax(axis=1)]
    sure, right = np.exp(own.max(axis=1)), best == right_roles
    bins = np.minimum(9, (sure * 10).astype(int))
    error = sum(abs(sure[bins == i].sum() - right[bins == i].sum()) for i in range(10)) / len(right)
    kept = (sure >= threshold) & (logs.argmax(axis=1) < len(roles))
    values = {
        "sentences": len(right),
        "accuracy": right.mean(),
        "macro_f1": f1_score(right_roles, best, average="macro", labels=np.unique(right_roles), zero_division=0),
        "calibration_error": error,
        "assigned_share": kept.mean(),
        "accuracy_when_assigned": right[kept].mean() if kept.any() else 0.0,
    }
    return {name: round(float(value), 4) for name, value in values.items()}


def score_scope(
    logs: NDArray[np.float64], roles: Sequence[str], truth: Sequence[str], threshold: float
) -> dict[str, float]:
    """How well lines outside the taxonomy (`other` if it has that, and lines that are no duties) are told from those inside.

    `auroc`: of P(other) + P(no duty) as a sign of being outside. `false_assignments`: share of the lines outside that are
    assigned to another role than `other` at `threshold`.
    """
    import numpy as np
    from sklearn.metrics import roc_auc_score

    outside = np.array([role == OTHER or role.startswith("~") for role in truth])
    shares = np.exp(logs)
    sign = shares[:, -1] + (shares[:, roles.index(OTHER)] if OTHER in roles else 0.0)
    best = shares[:, :-1].argmax(axis=1)
    assigned = (shares[:, :-1].max(axis=1) >= threshold) & (logs.argmax(axis=1) < len(roles))
    wrong = assigned & (np.array(roles)[best] != OTHER)
    return {
        "lines_outside": int(outside.sum()),
        "auroc": round(float(roc_auc_score(outside, sign)), 4),
        "false_assignments": round(float(wrong[outside].mean()), 4),
    }


def cross_validate(examples: Sequence[Example], settings: Settings, cut: Cut, folds: int = 5) -> dict[str, Any]:
    """Scores of the labelled sentences, and of lines that are no duties, in folds that were not trained on.

    `grouped` keeps near duplicates in one fold, `random` does not. What is no sentence is always trained on. The learning
    curve trains on growing shares of the other folds and scores the first one.
    """
    import numpy as np
    from sklearn.model_selection import GroupKFold, KFold

    labelled = [example for example in examples if example.origin in ("duties", "documents", "no duty")]
    always = [example for example in examples if example.origin in ("taxonomy", "titles")]
    groups = cluster([example.text for example in labelled])
    result: dict[str, Any] = {
        "folds": folds,
        "near_duplicate_share": round(1 - len(set(groups.tolist())) / len(labelled), 4),
    }

    def read(kept: Sequence[int], held: Sequence[int]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        pipeline = fit([*(labelled[i] for i in kept), *always], settings.training, cut)
        texts = read_texts([labelled[i].text for i in held], cut)
        return share_out(pipeline.decision_function(texts), pipeline.classes_, settings), roles_of(pipeline)

    def rate(logs: NDArray[np.float64], roles: tuple[str, ...], held: Sequence[int]) -> dict[str, float]:
        truth = [labelled[i].role for i in held]
        own = [k for k, role in enumerate(truth) if role in roles]
        return score(logs[own], roles, [truth[k] for k in own], settings.threshold)

    for name, splitter in (
        ("grouped", GroupKFold(folds)),
        ("random", KFold(folds, shuffle=True, random_state=settings.training.seed)),
    ):
        splits = list(splitter.split(labelled, groups=groups if name == "grouped" else None))
        parts = [read(kept, held) for kept, held in splits]
        every, order = np.concatenate([logs for logs, _ in parts]), [int(i) for _, held in splits for i in held]
        result[name] = rate(every, parts[0][1], order)
        if name == "grouped":
            truth = [labelled[i].role for i in order]
            result["scope"] = score_scope(every, parts[0][1], truth, settings.threshold)
            kept, held = splits[0]
            shuffled = np.random.default_rng(settings.training.seed).permutation(kept)
            result["learning_curve"] = {
                str(size): rate(*read(shuffled[:size].tolist(), held.tolist()), held.tolist())["accuracy"]
                for size in (len(kept) // 8, len(kept) // 4, len(kept) // 2, len(kept))
            }
    return result


def search_settings(
    examples: Sequence[Example], settings: Settings, cut: Cut, folds: int = 3
) -> list[tuple[TrainingSettings, float]]:
    """Training settings around those given with their macro-F1, the best first; near duplicates stay in one fold.

    Settings that suit written sentences need not suit real ones: compare the best few on real labelled text as well.
    """
    import numpy as np
    from sklearn.model_selection import GroupKFold

    labelled = [example for example in examples if example.origin in ("duties", "documents")]
    always = [example for example in examples if example.origin not in ("duties", "documents")]
    splits = list(GroupKFold(folds).split(labelled, groups=cluster([example.text for example in labelled])))
    tried = []
    for factor, fewest in itertools.product((1 / 3, 1.0, 3.0), (2, settings.training.fewest)):
        numbers = settings.training.model_copy(
            update={"regularization": settings.training.regularization * factor, "fewest": fewest}
        )
        parts, truth = [], []
        roles: tuple[str, ...] = ()
        for kept, held in splits:
            pipeline = fit([*(labelled[i] for i in kept), *always], numbers, cut)
            texts = read_texts([labelled[i].text for i in held], cut)
            parts.append(share_out(pipeline.decision_function(texts), pipeline.classes_, settings))
            truth += [labelled[i].role for i in held]
            roles = roles_of(pipeline)
        tried.append((numbers, score(np.concatenate(parts), roles, truth, settings.threshold)["macro_f1"]))
    return sorted(tried, key=lambda pair: -pair[1])


def write_card(model: DutyModel, examples: Sequence[Example], metrics: Mapping[str, Any]) -> str:
    """The model card in Markdown: what it is, what it was trained on, how good it is, what not to use it for."""
    counts: dict[str, int] = {}
    for example in examples:
        counts[example.origin] = counts.get(example.origin, 0) + 1
    origins = {
        "duties": "labelled sentences of `corpus/duties`, written for the project",
        "documents": "duties of the annotated documents of `corpus/documents`, written for the project",
        "taxonomy": "names and scope phrases of the taxonomy",
        "titles": "titles of the annotated documents",
        "no duty": "lines of the annotated documents that are no duties: requirements, pay, page text",
        "teacher": "duties of job postings, labelled by a language model that read each with its title; their weights alone"
        " are in the model, no sentence is",
        "weak": "duties of unlabelled job postings, each with the role that a model of the rest was sure of in context;"
        " their weights alone are in the model, no sentence is",
    }
    rows = [f"| {counts[key]:,} | {text} |" for key, text in origins.items() if counts.get(key)]
    tables = "\n".join(_table(name, values) for name, values in metrics.items() if isinstance(values, Mapping))
    return _CARD.format(
        version=model.version,
        taxonomy=model.taxonomy.stamp,
        roles=len(model.roles),
        origins="\n".join(rows),
        scores=tables,
        threshold=model.settings.threshold,
    )


def _table(name: str, values: Mapping[str, Any]) -> str:
    lines = [f"| {key} | {value} |" for key, value in values.items() if not isinstance(value, Mapping)]
    inner = "\n".join(_table(f"{name}, {key}", value) for key, value in values.items() if isinstance(value, Mapping))
    own = f"\n### {name}\n\n| measure | value |\n|---|---|\n" + "\n".join(lines) + "\n" if lines else ""
    return own + inner


_CARD = """# Duty role model `{version}`

Reads one Chinese duty sentence, normalised to Simplified, and gives probabilities of {roles} canonical roles
(taxonomy `{taxonomy}`). TF-IDF of words and character n-grams, a linear SVM with balanced classes, and one
temperature that turns its decision values into probabilities. Stored with skops: data only.
Two more classes, requirements and page text, take the share of lines that are no duties; no role ever names them.

A score under {threshold} abstains; the best candidate is still named.

## Trained on

| texts | what |
|---|---|
{origins}

The temperature, the threshold and the weights of context were chosen on real sentences that the model never read.

## Scores
{scores}
Scores on the project's own corpus are of written, prototypical text: real pages score lower. `sentences`, where given, are
real segments that the settings were chosen on, so their figures are optimistic: not a held-out test. `scope` and
`learning_curve` are of the grouped folds; `base` is the model without, `adapted` with unlabelled pages.

## Not for

- Decisions about persons. It says which work a sentence describes, not who did it or how well.
- Finding duties in a page. It abstains on most lines that are no duties (requirements, slogans), not on all.
"""
