"""How much near copies flatter a model: folds that keep template clusters together, beside random ones, and the gap.

Both splits score every sentence once, so the gap is a paired difference on the same sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jdextract.assessment.judging import find_templates
from jdextract.assessment.measurement import Draws, make_role_measures
from jdextract.assessment.metricsfile import CrossValidation, LearningPoint
from jdextract.evaluation.comparison import MeasuredDifference, compare_measures
from jdextract.evaluation.intervals import bootstrap_all
from jdextract.records import Role

if TYPE_CHECKING:
    from jdextract.classification.model import DutyModel
    from jdextract.classification.training import Example
    from jdextract.pipeline import Pipeline
    from jdextract.taxonomy import Taxonomy

FOLDS = 5
FIGURES = ("role_accuracy", "role_macro_f1", "family_accuracy", "expected_calibration_error", "aurc")
_CURVE = (8, 4, 2, 1)  # the learning curve trains on these parts of the other folds: 1/8, 1/4, …
_HELD_OUT = ("duties", "documents", "no duty")  # origins that are split; names and phrases are always trained on


@dataclass(frozen=True, slots=True)
class _Folds:
    """What is split, what is not, and with what models are trained."""

    labelled: list[Example]
    always: list[Example]
    model: DutyModel
    cut: Callable[[str], list[str]]

    def read(self, kept: Sequence[int], held: Sequence[int]) -> list[Role]:
        """Train on some of the labelled examples and read others."""
        from jdextract.classification.features import read_texts
        from jdextract.classification.model import make_roles, roles_of, share_out
        from jdextract.classification.training import fit

        settings = self.model.settings
        pipeline = fit([*(self.labelled[i] for i in kept), *self.always], settings.training, self.cut)
        texts = read_texts([self.labelled[i].text for i in held], self.cut)
        logs = share_out(pipeline.decision_function(texts), pipeline.classes_, settings)
        return make_roles(logs, roles_of(pipeline), self.model.taxonomy, settings.threshold, 3, "fold")


def cross_validate(
    corpus: Path,
    pipeline: Pipeline,
    taxonomy: Taxonomy,
    draws: Draws,
    *,
    folds: int = FOLDS,
    tell: Callable[[str], None] = lambda _: None,
) -> CrossValidation:
    """Train on folds of `corpus`, with the settings of the pipeline's model, and score what was held out.

    Documents of the split `report` stay out. Minutes on a corpus of ten thousand sentences. `tell` is called before each
    training. Raises ModelError for a corpus without labelled duties.
    """
    from sklearn.model_selection import GroupKFold, KFold

    parts = _read_corpus(corpus, pipeline, taxonomy)
    clusters = find_templates([example.text for example in parts.labelled], pipeline.config.deduplication)
    own = [i for i, example in enumerate(parts.labelled) if example.role in set(taxonomy.role_ids)]
    truth, groups = [parts.labelled[i].role for i in own], [clusters[i] for i in own]
    families = {role: taxonomy.family_of(role) for role in taxonomy.role_ids}
    resamples = draws.of(groups)
    found = {}
    splits: dict[str, list[Any]] = {}
    for name, splitter in (
        ("grouped", GroupKFold(folds)),
        ("random", KFold(folds, shuffle=True, random_state=draws.seed)),
    ):
        splits[name] = list(splitter.split(parts.labelled, groups=clusters if name == "grouped" else None))
        roles: dict[int, Role] = {}
        for number, (kept, held) in enumerate(splits[name], 1):
            tell(f"{name} fold {number} of {folds}")
            roles |= dict(zip(held.tolist(), parts.read(kept.tolist(), held.tolist()), strict=True))
        measures = make_role_measures(truth, [roles[i] for i in own], families)
        found[name] = {figure: measures[figure] for figure in FIGURES}
    gap = tuple(
        compare_measures(found["grouped"][name], found["random"][name], resamples, draws.level) for name in FIGURES
    )
    return CrossValidation(
        folds=folds,
        sentences=len(own),
        clusters=len(set(groups)),
        grouped=bootstrap_all(found["grouped"], resamples, draws.level),
        random=bootstrap_all(found["random"], resamples, draws.level),
        gap=gap,
        gap_in_words=describe_gap(next(each for each in gap if each.name == "role_macro_f1")),
        learning_curve=_learn(parts, splits["grouped"][0], clusters, set(own), families, draws, tell),
    )


def _read_corpus(corpus: Path, pipeline: Pipeline, taxonomy: Taxonomy) -> _Folds:
    from jdextract.classification.training import read_corpus
    from jdextract.training import training_documents

    model, extractor = pipeline.classifier.model, pipeline.extractor
    examples = read_corpus(corpus, training_documents(corpus), taxonomy, extractor.normalize, model.settings.training)
    return _Folds(
        [example for example in examples if example.origin in _HELD_OUT],
        [example for example in examples if example.origin not in _HELD_OUT],
        model,
        extractor.cut,
    )


def _learn(
    parts: _Folds,
    split: Any,
    clusters: Sequence[str],
    own: set[int],
    families: dict[str, str],
    draws: Draws,
    tell: Callable[[str], None],
) -> tuple[LearningPoint, ...]:
    """Scores of the first grouped fold, by how much of the others was trained on."""
    import numpy as np

    kept, held = split
    order = np.random.default_rng(draws.seed).permutation(kept).tolist()
    scored = [i for i in held.tolist() if i in own]
    resamples = draws.of([clusters[i] for i in scored])
    points = []
    for part in _CURVE:
        some = order[: len(order) // part]
        tell(f"learning curve: {len(some)} sentences")
        measures = make_role_measures([parts.labelled[i].role for i in scored], parts.read(some, scored), families)
        found = bootstrap_all(
            {name: measures[name] for name in ("role_accuracy", "role_macro_f1")}, resamples, draws.level
        )
        points.append(LearningPoint(sentences=len(some), **found))
    return tuple(points)


def describe_gap(gap: MeasuredDifference) -> str:
    """The gap between random and grouped folds in one sentence."""
    interval = gap.difference
    if interval.value is None or interval.low is None or interval.high is None:
        return "The gap between random and grouped folds is undefined."
    size = (
        f"{100 * interval.value:+.2f} points of macro-F1 [{100 * interval.low:+.2f}, {100 * interval.high:+.2f}], "
        "random minus grouped"
    )
    if gap.verdict == "better":
        return f"Random folds flatter the model: {size}. Near copies of what is held out were trained on."
    if gap.verdict == "worse":
        return f"Random folds score lower: {size}. Near copies do not flatter the model."
    return f"No gap can be told: {size}. Near copies do not flatter the model measurably."
