"""Label errors of the corpus: `duties/*.jsonl` -> findings, each settled by one decision of a reviewer.

Like the pipeline, this knows several stages. Roles come from the duty model, trained on the other folds (confident
learning: Northcutt et al., 2021, as in cleanlab), repeats from deduplication.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jdextract.classification.features import fold_duty, make_features, read_texts
from jdextract.classification.model import share_out
from jdextract.classification.settings import Settings
from jdextract.classification.training import Example, describe_roles, fit
from jdextract.config import DeduplicationConfig
from jdextract.deduplication.duplicates import Occurrence, Occurrences, find_duplicates
from jdextract.dutyfile import LINT, LabelledRow
from jdextract.errors import ConfigError, MissingExtra, ModelError
from jdextract.extraction.extractor import Extractor
from jdextract.taxonomy import Taxonomy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Tell = Callable[[str], None]
Kind = Literal["near-duplicate", "label-error", "outlier"]

# Of cleanlab's seven filters this one has the best F1 on labels flipped to any role (0.87) and within their family (0.83);
# on flips to the role that the model thinks next best, low_normalized_margin is ahead (0.66 against 0.61).
# Measured by tests/benchmarks/audit.py, as is the fence.
FILTER = "low_self_confidence"
_NEIGHBOURS = 10  # rows of its role that tell how far from it a row is
_FEWEST = 20  # rows of a role from which their mean and their quartiles say something
# Interquartile ranges under the first quartile of its role. 1.5 is usual (Tukey, 1977), but finds a fifth of planted
# requirements, page text and shuffled sentences; 1.0 finds five sixths of them.
FENCE = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Rows that one decision settles: those of a near-duplicate cluster, mostly a single one.

    `score`: 1 minus the out-of-fold probability of the given role, of the row where that is lowest.
    """

    kind: Kind
    ids: tuple[str, ...]
    texts: tuple[str, ...]  # these and the given roles in the order of the ids
    given: tuple[str, ...]
    suggested: str | None  # None for an outlier: no role is near
    score: float


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found in labelled sentences, what settles most rows first, then by score."""

    rows: int
    agreement: float  # share of rows whose role the model of the other folds gives as well
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What models of the other folds say of labelled sentences."""

    roles: tuple[str, ...]  # of the taxonomy, in the order of the columns
    labels: NDArray[np.int64]  # (rows,): column of the given role
    shares: NDArray[np.float64]  # (rows, roles): probabilities
    clusters: tuple[int, ...]  # number of the near-duplicate cluster of each row
    folded: tuple[str, ...]  # texts as the model reads them


def audit(
    rows: Sequence[LabelledRow],
    taxonomy: Taxonomy,
    *,
    folds: int = 5,
    seed: int = 0,
    settings: Settings | None = None,
    extractor: Extractor | None = None,
    tell: Tell = lambda line: None,
) -> Audit:
    """Likely wrong labels, near duplicates with different labels, and outliers among labelled sentences.

    The same rows, seed, settings and library versions give the same findings. Two nearly equal rows with different roles
    are no finding when the corpus marks both as a contrast pair. Raises MissingExtra without cleanlab, ConfigError for
    fewer clusters of rows than folds or an unknown role, ModelError where nothing can be learned.
    """
    _load_cleanlab()  # before minutes of training
    settings, extractor = settings or Settings(), extractor or Extractor()
    known = estimate(rows, taxonomy, folds=folds, seed=seed, settings=settings, extractor=extractor, tell=tell)
    agreement = float((known.shares.argmax(axis=1) == known.labels).mean())
    return Audit(len(rows), round(agreement, 4), find(rows, known, settings, extractor))


def estimate(
    rows: Sequence[LabelledRow],
    taxonomy: Taxonomy,
    *,
    folds: int,
    seed: int,
    settings: Settings,
    extractor: Extractor,
    tell: Tell,
) -> Estimate:
    """Probabilities of all roles for each row, by a model that saw neither the row nor a near duplicate of it.

    The names and scopes of the taxonomy are always trained on. Raises ConfigError and ModelError as `audit` does.
    """
    import numpy as np

    unknown = next((row for row in rows if row.role not in taxonomy.role_ids), None)
    if unknown:
        raise ConfigError(f"role {unknown.role!r} is not in the taxonomy", where=unknown.id, hint=LINT)
    normalized = [extractor.normalize(row.text) for row in rows]
    folded = [fold_duty(text) for text in normalized]
    clusters = _cluster([row.id for row in rows], normalized)
    parts = _split(clusters, folds, seed)
    tell(f"{len(rows)} duties in {len(set(clusters))} clusters of near duplicates")
    roles = tuple(sorted(taxonomy.role_ids))
    shares = np.zeros((len(rows), len(roles)))
    phrases = [Example(fold_duty(extractor.normalize(text)), role) for text, role in describe_roles(taxonomy)]
    for number, (kept, held) in enumerate(parts, 1):
        tell(f"training without fold {number} of {len(parts)}")
        examples = [*(Example(folded[i], rows[i].role) for i in kept), *phrases]
        shares[held] = _predict(examples, [folded[i] for i in held], roles, settings, extractor)
    labels = np.array([roles.index(row.role) for row in rows])
    return Estimate(roles, labels, shares, tuple(clusters), tuple(folded))


def find(rows: Sequence[LabelledRow], known: Estimate, settings: Settings, extractor: Extractor) -> tuple[Finding, ...]:
    """The findings of an audit, in its order. Raises MissingExtra."""
    import numpy as np

    sure = known.shares[np.arange(len(rows)), known.labels] >= settings.threshold
    wrong = _find_wrong(known)
    far = find_far(read_texts(known.folded, extractor.cut), known.labels, settings) & ~sure
    found = (_make(group, rows, known, wrong, far) for group in _group(rows, known.clusters))
    return tuple(sorted((one for one in found if one), key=lambda one: (-len(one.ids), -one.score, one.ids)))


def _find_wrong(known: Estimate) -> NDArray[np.bool_]:
    """Which rows have a likely wrong label.

    cleanlab counts the errors by the mean probability that the rows of a role give it. Of a few rows, perhaps all wrong,
    that says nothing: then nearly every row would pass for one of that role. Such rows are judged by themselves.
    """
    import numpy as np

    wrong: NDArray[np.bool_] = known.shares.argmax(axis=1) != known.labels
    common = np.flatnonzero(np.bincount(known.labels, minlength=len(known.roles)) >= _FEWEST)
    rows = np.flatnonzero(np.isin(known.labels, common))
    if len(common) > 1:
        shares = known.shares[np.ix_(rows, common)]
        labels = np.searchsorted(common, known.labels[rows])
        shares /= shares.sum(axis=1, keepdims=True)
        wrong[rows] = _load_cleanlab()(labels, shares, filter_by=FILTER, n_jobs=1)
    return wrong


def _load_cleanlab() -> Callable[..., NDArray[np.bool_]]:
    try:
        from cleanlab.filter import find_label_issues
    except ImportError as error:
        raise MissingExtra("the audit needs cleanlab", hint="pip install 'jdextract[audit]'") from error
    found: Callable[..., NDArray[np.bool_]] = find_label_issues
    return found


def _cluster(ids: Sequence[str], normalized: Sequence[str]) -> list[int]:
    """Number of the near-duplicate cluster of each duty."""
    occurrences = Occurrences()
    for id_, text in zip(ids, normalized, strict=True):
        occurrences.add(Occurrence(id_, id_, "", text))
    numbers = [0] * len(ids)
    for number, cluster in enumerate(find_duplicates("duty", occurrences, DeduplicationConfig()).clusters):
        for variant in cluster.variants:
            for place in variant.places:
                numbers[place] = number
    return numbers


def _split(clusters: Sequence[int], folds: int, seed: int) -> list[tuple[list[int], list[int]]]:
    """(rows to train on, rows held out) of each fold; near duplicates stay together, so none gives its role to another."""
    from sklearn.model_selection import GroupKFold

    if not 2 <= folds <= len(set(clusters)):
        raise ConfigError(
            f"{len(set(clusters))} different duties can't be split into {folds} folds", hint="2 to 10 folds, more rows"
        )
    splitter = GroupKFold(folds, shuffle=True, random_state=seed)
    return [(kept.tolist(), held.tolist()) for kept, held in splitter.split(clusters, groups=clusters)]


def _predict(
    examples: Sequence[Example], folded: Sequence[str], roles: Sequence[str], settings: Settings, extractor: Extractor
) -> NDArray[np.float64]:
    """(sentences, roles): probabilities by a model of the examples. Their phrases name every role of the taxonomy."""
    import numpy as np

    try:
        pipeline = fit(examples, settings.training, extractor.cut)
    except ValueError as error:
        raise ModelError(f"can't be trained ({error})", hint="it needs more sentences") from error
    decisions = pipeline.decision_function(read_texts(folded, extractor.cut))
    if decisions.ndim == 1:  # of two roles scikit-learn gives the second one only
        decisions = np.stack([-decisions, decisions], axis=1)
    columns = [roles.index(str(name)) for name in pipeline.classes_]
    shares = np.zeros((len(folded), len(roles)))
    shares[:, columns] = np.exp(share_out(decisions, pipeline.classes_, settings)[:, :-1])
    return shares


def find_far(
    texts: NDArray[np.object_], labels: NDArray[np.int64], settings: Settings, fence: float = FENCE
) -> NDArray[np.bool_]:
    """Which rows are far from their role: the mean cosine similarity of their TF-IDF to the nearest rows of the role lies
    `fence` interquartile ranges under the first quartile of the role. Rows of roles under 20 rows are never far.

    Similarity to the rows of all roles tells little: a text of another trade is near to something.
    """
    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    features = make_features(settings.training.characters, settings.training.words, 1).fit_transform(texts)
    far = np.zeros(len(labels), dtype=bool)
    for role in np.unique(labels):
        own = np.flatnonzero(labels == role)
        if len(own) < _FEWEST:
            continue
        search = NearestNeighbors(n_neighbors=_NEIGHBOURS, metric="cosine").fit(features[own])
        near = 1 - search.kneighbors()[0].mean(axis=1)
        first, third = np.quantile(near, [0.25, 0.75])
        far[own] = near < first - fence * (third - first)
    return far


def _group(rows: Sequence[LabelledRow], clusters: Sequence[int]) -> Iterator[list[int]]:
    """Rows that stand or fall together: those of a cluster, but of a contrast pair each side by itself."""
    members: dict[int, list[int]] = {}
    for number, cluster in enumerate(clusters):
        members.setdefault(cluster, []).append(number)
    for group in members.values():
        if _contradict([rows[i] for i in group]):
            yield group
        else:
            roles = dict.fromkeys(rows[i].role for i in group)
            yield from ([i for i in group if rows[i].role == role] for role in roles)


def _contradict(rows: Sequence[LabelledRow]) -> bool:
    """Whether near duplicates have different roles, and not because they are a contrast pair or repeat one side of it."""
    pairs = {row.role for row in rows if row.pair}
    others = {row.role for row in rows if not row.pair}
    return len(others) > 1 or bool(others and pairs and not others <= pairs)


def _make(
    group: Sequence[int],
    rows: Sequence[LabelledRow],
    known: Estimate,
    wrong: NDArray[np.bool_],
    far: NDArray[np.bool_],
) -> Finding | None:
    """What is to be said of rows that stand or fall together, None if nothing is."""
    numbers, given = list(group), tuple(rows[i].role for i in group)
    mean = dict(zip(known.roles, known.shares[numbers].mean(axis=0).tolist(), strict=True))
    kind: Kind
    suggested: str | None
    if len(set(given)) > 1:
        kind, suggested = "near-duplicate", max(sorted(set(given)), key=mean.__getitem__)
    elif wrong[numbers].any():
        kind, suggested = "label-error", max((role for role in known.roles if role != given[0]), key=mean.__getitem__)
    elif far[numbers].any():
        kind, suggested = "outlier", None
    else:
        return None
    score = round(1 - float(known.shares[numbers, known.labels[numbers]].min()), 4)
    return Finding(kind, tuple(rows[i].id for i in group), tuple(rows[i].text for i in group), given, suggested, score)
