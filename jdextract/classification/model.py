"""Duty sentence -> probabilities of all roles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from jdextract.classification.features import Cut, fold_duty, read_texts
from jdextract.classification.memory import Memory
from jdextract.classification.vectors import FastFeatures
from jdextract.records import Evidence, Role

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jdextract.classification.learned import Learned
    from jdextract.classification.settings import Settings
    from jdextract.taxonomy import Taxonomy

# What a line is when it is no duty at all. The model knows them as classes; no Role ever names them.
REQUIREMENT, PAGE_TEXT = "~requirement", "~page-text"
_NO_DUTY = "~"

_BATCH = 4_096  # sentences at once: bounds the memory of their sparse features
_REMEMBERED = 16_384  # sentences whose probabilities are kept, or twice as many: some 20 MB


def roles_of(pipeline: Any) -> tuple[str, ...]:
    """Role ids that a trained pipeline knows, in the order of its classes."""
    return name_roles(pipeline.classes_)


def name_roles(classes: NDArray[np.str_]) -> tuple[str, ...]:
    """The classes that are roles."""
    return tuple(str(name) for name in classes if not name.startswith(_NO_DUTY))


class DutyModel:
    """What a pipeline learned, with its taxonomy and its numbers.

    Deterministic: what a sentence gets depends, to the last bit, on nothing but the sentence, not on the others of a call
    nor on what was read before. Lately read sentences are remembered.
    """

    def __init__(
        self,
        learned: Learned,
        taxonomy: Taxonomy,
        settings: Settings,
        prior: NDArray[np.float64],
        version: str,
        cut: Cut,
        load_pipeline: Callable[[], Any],
    ) -> None:
        """`load_pipeline`: gives the scikit-learn pipeline, for the few things that need it."""
        self.learned, self.taxonomy, self.settings, self.version = learned, taxonomy, settings, version
        self.prior = prior  # (roles, roles): log P(role of a duty | role of its title), in the order of `roles`
        self.roles = name_roles(learned.classes)
        self._cut, self._load_pipeline = cut, load_pipeline
        self._fast = FastFeatures.make(learned, cut)
        self._memory = Memory[bytes](_REMEMBERED)  # folded sentence -> its row of log-probabilities

    @cached_property
    def pipeline(self) -> Any:
        """The trained scikit-learn pipeline: for saving, and for features that are none of this package. Raises ModelError."""
        return self._load_pipeline()

    def log_probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Normalised sentences -> (sentences, roles + 1), natural logarithms; the last column: no duty at all.

        Each distinct sentence is read once.
        """
        import numpy as np

        folded = [fold_duty(text) for text in texts]
        rows = {text: self._memory.get(text) for text in folded}
        unread = [text for text, row in rows.items() if row is None]
        for start in range(0, len(unread), _BATCH):
            batch = unread[start : start + _BATCH]
            for text, logs in zip(batch, self._read(batch), strict=True):
                rows[text] = row = logs.tobytes()
                self._memory.keep(text, row)
        joined = bytearray().join(
            [rows[text] or b"" for text in folded]
        )  # unlike bytes, an array that can be written to
        return np.frombuffer(joined, dtype=np.float64).reshape(len(folded), len(self.roles) + 1)

    def find_evidence(self, texts: Sequence[str], roles: Sequence[str], top: int) -> list[tuple[Evidence, ...]]:
        """The n-grams of each sentence whose linear contributions to its role, against the next best one, are largest.

        `roles`: the role of each sentence. A contribution is feature times difference of weights, in decision values.
        """
        import numpy as np

        features = self._features([fold_duty(text) for text in texts])
        weights, grams = self.learned.weights, [*self.learned.words.grams, *self.learned.characters.grams]
        decisions = features @ weights + self.learned.intercepts
        classes = self.learned.classes.tolist()
        result = []
        for i, role in enumerate(roles):
            own = classes.index(role)
            row = features.getrow(i)
            rival = next(j for j in np.argsort(-decisions[i]) if j != own)
            parts = row.data * (weights[row.indices, own] - weights[row.indices, rival])
            order = np.argsort(-np.abs(parts), kind="stable")[:top]
            found = [(grams[row.indices[k]], float(parts[k])) for k in order]
            result.append(tuple(Evidence(text=gram, weight=round(weight, 4)) for gram, weight in found))
        return result

    def _features(self, folded: list[str]) -> Any:
        if self._fast is None:
            return self.pipeline.named_steps["features"].transform(read_texts(folded, self._cut)).tocsr()
        return self._fast.transform(folded)

    def _read(self, folded: list[str]) -> NDArray[np.float64]:
        # The product of the pipeline's own learner without the checks of its input, which take longer than itself.
        decisions = self._features(folded) @ self.learned.weights + self.learned.intercepts
        return share_out(decisions, self.learned.classes, self.settings)


def share_out(decisions: NDArray[Any], classes: NDArray[np.str_], settings: Settings) -> NDArray[np.float64]:
    """Decision values (rows, classes) -> log-probabilities (rows, roles + 1); the last column: no duty at all."""
    import numpy as np

    no_duty = np.char.startswith(classes.astype(str), _NO_DUTY)
    logs = log_softmax(settings.scale * decisions + settings.no_duty_bias * no_duty)
    last = np.log(np.exp(logs[:, no_duty]).sum(axis=1, keepdims=True).clip(min=1e-12))
    result: NDArray[np.float64] = np.hstack([logs[:, ~no_duty], last])
    return result


def log_softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Logits (rows, roles) -> log-probabilities that sum to one in each row."""
    import numpy as np

    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def make_roles(
    logs: NDArray[np.float64],
    roles: Sequence[str],
    taxonomy: Taxonomy,
    threshold: float,
    top: int,
    decided_by: str | Sequence[str],
) -> list[Role]:
    """Log-probabilities -> one Role a row: the best if its score reaches `threshold`, else an abstention.

    `logs`: (rows, roles), or with one column more for what is no duty, on which a row that has its most there abstains.
    An abstention still names the best role. `top`: how many alternatives each Role lists. `decided_by`: of all rows, or
    one for each row.
    """
    import numpy as np

    if not len(logs):
        return []
    top = min(top, len(roles) - 1)
    order = _pick_best(logs[:, : len(roles)], top + 1)
    scores = np.exp(np.take_along_axis(logs, order, axis=1)).clip(0, 1).round(6)
    assigned = (scores[:, 0] >= threshold) & (logs.argmax(axis=1) < len(roles))
    named = [(role, taxonomy.family_of(role)) for role in roles]
    deciders = [decided_by] * len(logs) if isinstance(decided_by, str) else decided_by
    result = []
    for ids, row, sure, by in zip(order.tolist(), scores.tolist(), assigned.tolist(), deciders, strict=True):
        every = [{"id": named[i][0], "family": named[i][1], "score": score} for i, score in zip(ids, row, strict=True)]
        status = "assigned" if sure else "abstained"
        result.append({**every[0], "status": status, "alternatives": every[1:], "decided_by": by})
    return _role_list().validate_python(result)  # all at once: several times as fast as one by one


def _pick_best(logs: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Columns of the largest values of each row, the largest first, of equal ones the first; a few cost less than all sorted."""
    import numpy as np

    left, rows = logs.copy(), np.arange(len(logs))
    columns = np.empty((len(logs), count), dtype=np.intp)
    for place in range(count):
        columns[:, place] = left.argmax(axis=1)
        left[rows, columns[:, place]] = -np.inf
    return columns


@cache
def _role_list() -> TypeAdapter[list[Role]]:
    return TypeAdapter(list[Role])
