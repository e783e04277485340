"""`corpus/` -> a duty model. The same corpus, taxonomy, settings and library versions give the same model."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jdextract.annotation import GoldDocument
from jdextract.classification.features import Cut, fold_duty, make_features, read_texts
from jdextract.classification.learned import Learned
from jdextract.classification.model import PAGE_TEXT, REQUIREMENT, DutyModel, roles_of
from jdextract.errors import ModelError
from jdextract.taxonomy import OTHER, Taxonomy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jdextract.classification.settings import Settings, TrainingSettings

Normalize = Callable[[str], str]

_PHRASE_ENDS = re.compile("[：:、，。；;（）()]")
_LINE_ENDS = re.compile("[\n。;；！!?？|]")
_LINE_EDGES = " 、,，.:：()（）[]【】0123456789一二三四五六七八九十"
_SHORTEST_LINE = 4  # what is shorter is mostly a heading, which may be a topic
_PRIOR_SMOOTHING = 0.5  # duties added to each pair of roles before shares are taken


@dataclass(frozen=True, slots=True)
class Example:
    """A normalised, folded text with its role. `weight` is against 1.0 for a labelled sentence."""

    text: str
    role: str
    weight: float = 1.0
    origin: str = ""  # duties, documents, taxonomy, titles, no duty, teacher, weak


def read_corpus(
    corpus: Path,
    documents: Iterable[GoldDocument],
    taxonomy: Taxonomy,
    normalize: Normalize,
    settings: TrainingSettings,
) -> list[Example]:
    """Every labelled text: `corpus/duties/*.jsonl`, duties of annotated documents, names and scopes of the
    taxonomy, titles of the documents; and the lines of the documents that are no duties.

    Raises ModelError for a row whose role the taxonomy does not have, and for a corpus without sentences.
    """
    documents, known = list(documents), set(taxonomy.role_ids)
    found = [(text, role, 1.0, "duties") for text, role in _read_duties(corpus / "duties")]
    found += [(d.text, str(d.role), 1.0, "documents") for doc in documents for r in doc.records for d in r.duties]
    if not found:
        raise ModelError(
            "holds no labelled duties", where=str(corpus), hint="it needs duties/*.jsonl or documents/*.mark"
        )
    found += [(phrase, role, settings.phrase_weight, "taxonomy") for phrase, role in describe_roles(taxonomy)]
    titles = {(r.title.text, r.role): None for doc in documents for r in doc.records if r.title}
    found += [(title, role, settings.phrase_weight, "titles") for title, role in titles]
    for text, role, _, _ in found:
        if role not in known:
            raise ModelError(f"role {role!r} of {text[:30]!r} is not in the taxonomy", where=str(corpus))
    examples = [Example(fold_duty(normalize(text)), role, weight, origin) for text, role, weight, origin in found]
    taken = {example.text for example in examples}
    lines = {(fold_duty(normalize(text)), kind): None for text, kind in find_non_duties(documents)}
    return examples + [Example(text, kind, 1.0, "no duty") for text, kind in lines if text and text not in taken]


def find_non_duties(documents: Iterable[GoldDocument]) -> Iterator[tuple[str, str]]:
    """(line, kind) of all that annotated documents hold beside titles and duties, kinds as in NO_DUTY."""
    for document in documents:
        spans = []
        for record in document.records:
            spans += [value.span for value in (record.title, *record.duties) if value]
            spans += [value.span for value in (*record.requirements, *record.compensation)]
            yield from ((value.text, REQUIREMENT) for value in (*record.requirements, *record.compensation))
        end = 0
        for start, stop in sorted([*spans, (len(document.text), len(document.text))]):
            lines = (line.strip(_LINE_EDGES) for line in _LINE_ENDS.split(document.text[end:start]))
            yield from ((line, PAGE_TEXT) for line in lines if len(line) >= _SHORTEST_LINE)
            end = max(end, stop)


def _read_duties(folder: Path) -> Iterable[tuple[str, str]]:
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                row = json.loads(line)
                yield row["text"], row["role"]
            except (ValueError, KeyError, TypeError) as error:
                raise ModelError(f"is not a row with text and role ({error})", where=f"{path.name}:{number}") from error


def describe_roles(taxonomy: Taxonomy) -> list[tuple[str, str]]:
    """(phrase, role): the names of each role and the phrases of its scope. The scope of `other` only says what it is not."""
    result = []
    for role in taxonomy.roles:
        scope = role.scope if role.id != OTHER else ""
        phrases = [*role.names, *(p for p in map(str.strip, _PHRASE_ENDS.split(scope)) if len(p) > 1)]
        result += [(phrase, role.id) for phrase in dict.fromkeys(phrases) if phrase != role.zh or role.id != OTHER]
    return result


def fit(examples: Sequence[Example], settings: TrainingSettings, cut: Cut, unlabelled: Sequence[str] = ()) -> Any:
    """A trained scikit-learn pipeline: texts (n, 2) -> decision values (n, roles), float32 weights.

    `unlabelled`: folded duties of real pages that tell, with the examples, how rare each n-gram is.
    """
    import numpy as np
    from sklearn.pipeline import Pipeline
    from sklearn.svm import LinearSVC

    learner = LinearSVC(C=settings.regularization, class_weight="balanced", random_state=settings.seed)
    features = make_features(settings.characters, settings.words, settings.fewest)
    pipeline = Pipeline([("features", features), ("roles", learner)])
    texts = read_texts([example.text for example in examples], cut)
    weights = np.array([example.weight for example in examples])
    features.fit(texts)
    if unlabelled:
        _weigh_rarity(features, np.concatenate([texts, read_texts(unlabelled, cut)]))
    learner.fit(features.transform(texts), np.array([example.role for example in examples]), sample_weight=weights)
    learner.coef_ = learner.coef_.astype(np.float32)
    learner.intercept_ = learner.intercept_.astype(np.float32)
    return pipeline


def _weigh_rarity(features: Any, texts: NDArray[np.object_]) -> None:
    """Count the documents of every n-gram of a fitted transformer anew, in these texts; the vocabulary stays."""
    import numpy as np
    from sklearn.feature_extraction.text import CountVectorizer

    for name, vectorizer, column in features.transformers_:
        counter = CountVectorizer(
            analyzer=vectorizer.analyzer,
            token_pattern=vectorizer.token_pattern,
            ngram_range=vectorizer.ngram_range,
            lowercase=False,
            binary=True,
            vocabulary=vectorizer.vocabulary_,
        )
        documents = np.asarray(counter.transform(texts[:, column]).sum(axis=0)).ravel()
        features.named_transformers_[name].idf_ = (np.log((1 + len(texts)) / (1 + documents)) + 1).astype(np.float32)


def count_prior(documents: Iterable[GoldDocument], roles: Sequence[str]) -> NDArray[np.float64]:
    """(roles, roles): log P(role of a duty | role of the title above it) in annotated documents, smoothed."""
    import numpy as np

    index = {role: i for i, role in enumerate(roles)}
    counts = np.full((len(roles), len(roles)), _PRIOR_SMOOTHING)
    for document in documents:
        for record in document.records:
            if record.title is not None and record.role in index:
                for duty in record.duties:
                    counts[index[record.role], index[str(duty.role)]] += 1
    result: NDArray[np.float64] = np.log(counts / counts.sum(axis=1, keepdims=True))
    return result


def train(
    examples: Sequence[Example],
    documents: Iterable[GoldDocument],
    taxonomy: Taxonomy,
    settings: Settings,
    *,
    cut: Cut,
    unlabelled: Sequence[str] = (),
) -> DutyModel:
    """Train on labelled (and weakly labelled) examples; `documents` tell how duties go with titles. Raises ModelError."""
    try:
        pipeline = fit(examples, settings.training, cut, unlabelled)
    except ValueError as error:
        raise ModelError(f"can't be trained ({error})", hint="it needs sentences of two roles or more") from error
    prior = count_prior(documents, roles_of(pipeline))
    version = name_version(examples, taxonomy, settings, unlabelled)
    return DutyModel(Learned.read(pipeline), taxonomy, settings, prior, version, cut, lambda: pipeline)


def name_version(
    examples: Sequence[Example], taxonomy: Taxonomy, settings: Settings, unlabelled: Sequence[str] = ()
) -> str:
    """`base-…` or `adapted-…` with a digest of all that went in."""
    digest = hashlib.sha256(f"{taxonomy.stamp}\n{settings.model_dump_json()}\n".encode())
    for example in examples:
        digest.update(f"{example.role}\t{example.weight}\t{example.text}\n".encode())
    for text in unlabelled:
        digest.update(f"{text}\n".encode())
    kind = "adapted" if any(example.origin in ("weak", "teacher") for example in examples) else "base"
    return f"{kind}-{digest.hexdigest()[:10]}"
