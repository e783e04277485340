"""Decoding with a linear-chain conditional random field that CRFsuite trained: many sequences at once with NumPy.

CRFsuite looks up every feature of every element as a string. Here the weights of features that always come together are
summed once (`zoning` does that), so that an element costs a few additions; a test holds the labels and probabilities to
those of CRFsuite itself. The file is read as it is: a table of numbers and strings, nothing in it is run.

Sources: Lafferty, McCallum and Pereira 2001; Rabiner 1989 (scaled forward-backward); the layout of the file is that of
CRFsuite 0.12, `crf1d_model.c` and `cqdb.h`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HEADER = struct.Struct("<4sI4s9I")
_STATE = 0  # type of a feature between an attribute and a label; 1: between two labels
_ROWS = 20_000  # elements that are decoded at a time: bounds the memory of a batch


@dataclass(frozen=True, slots=True)
class SequenceModel:
    """`weights`: (attributes + 1, labels), the last row all zeros for what is unknown; `rows`: attribute -> row.

    `transitions`: (labels, labels), from the first to the second.
    """

    labels: tuple[str, ...]
    rows: dict[str, int]
    weights: NDArray[np.float64]
    transitions: NDArray[np.float64]

    @classmethod
    def load(cls, path: Path) -> SequenceModel:
        """Raises ValueError or OSError for a file that is not a model of CRFsuite."""
        import numpy as np

        data = path.read_bytes()
        try:
            magic, written, kind, _, _, count, size, at, labels_at, attributes_at, _, _ = _HEADER.unpack_from(data)
            if magic != b"lCRF" or kind != b"FOMC":
                raise ValueError("no model of CRFsuite")
            if written != len(data):
                raise ValueError(f"a model of CRFsuite with {len(data)} of its {written} bytes")
            labels = tuple(_strings(data, labels_at, count))
            rows = {name: row for row, name in enumerate(_strings(data, attributes_at, size))}
            stored = struct.unpack_from("<I", data, at + 8)[0]
            features = np.frombuffer(
                data, np.dtype([("type", "<u4"), ("from", "<u4"), ("to", "<u4"), ("weight", "<f8")]), stored, at + 12
            )
            weights, transitions = np.zeros((size + 1, count)), np.zeros((count, count))
            state = features[features["type"] == _STATE]
            weights[state["from"], state["to"]] = state["weight"]
            between = features[features["type"] != _STATE]
            transitions[between["from"], between["to"]] = between["weight"]
        except (struct.error, IndexError, UnicodeDecodeError) as error:
            raise ValueError(f"a damaged model of CRFsuite ({error})") from error
        return cls(labels, rows, weights, transitions)

    def sum_weights(self, features: Sequence[str]) -> NDArray[np.float64]:
        """(labels,): what the features of one element add up to."""
        unknown = len(self.weights) - 1
        total: NDArray[np.float64] = self.weights[[self.rows.get(name, unknown) for name in features]].sum(axis=0)
        return total

    def decode(self, scores: NDArray[np.float64], lengths: Sequence[int]) -> tuple[list[int], NDArray[np.float64]]:
        """Best label of every element and the probabilities (elements, labels) of all.

        `scores`: (elements, labels), the sequences one behind the other; `lengths`: of the sequences. A sequence has the
        same result beside any others.
        """
        import numpy as np

        best = np.zeros(len(scores), dtype=np.intp)
        chances = np.zeros_like(scores)
        ends = np.cumsum(lengths)
        order = sorted((k for k in range(len(lengths)) if lengths[k]), key=lengths.__getitem__)
        for batch in _batches(order, lengths):
            sizes = np.array([lengths[k] for k in batch])
            steps = np.arange(sizes.max())
            inside = steps < sizes[:, None]
            places = np.where(inside, (ends[batch] - sizes)[:, None] + steps, 0)
            block = scores[places]
            kept = places[inside]
            best[kept] = _find_best(block, sizes, self.transitions)[inside]
            chances[kept] = _find_chances(block, inside, self.transitions)[inside]
        return best.tolist(), chances


def _batches(order: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Sequences of about one length together, so that little is padded."""
    batch: list[int] = []
    for k in order:
        if batch and (lengths[k] > 2 * lengths[batch[0]] + 8 or (len(batch) + 1) * lengths[k] > _ROWS):
            yield batch
            batch = []
        batch.append(k)
    if batch:
        yield batch


def _strings(data: bytes, at: int, count: int) -> Iterator[str]:
    """The strings of a constant quark database, by their numbers."""
    if data[at : at + 4] != b"CQDB":
        raise ValueError("no table of names")
    backward = struct.unpack_from("<I", data, at + 20)[0]
    for offset in struct.unpack_from(f"<{count}I", data, at + backward):
        size = struct.unpack_from("<I", data, at + offset + 4)[0]
        yield data[at + offset + 8 : at + offset + 8 + size - 1].decode()


def _find_best(block: NDArray[np.float64], sizes: NDArray[np.intp], between: NDArray[np.float64]) -> NDArray[np.intp]:
    """Viterbi. `block`: (sequences, steps, labels), padded behind `sizes`. -> (sequences, steps)"""
    import numpy as np

    count, steps, labels = block.shape
    every = np.arange(count)
    back = np.zeros((steps, count, labels), dtype=np.intp)
    score = block[:, 0]
    ended = np.where((sizes == 1)[:, None], score, 0.0)
    for t in range(1, steps):
        paths = score[:, :, None] + between
        back[t] = paths.argmax(axis=1)
        score = np.take_along_axis(paths, back[t][:, None, :], axis=1)[:, 0] + block[:, t]
        last = sizes == t + 1
        ended[last] = score[last]
    best = np.zeros((count, steps), dtype=np.intp)
    label = ended.argmax(axis=1)
    for t in range(steps - 1, -1, -1):
        # Beyond the end of a sequence the label stays the one of its end.
        best[:, t] = label
        label = np.where(t < sizes, back[t][every, label], label) if t else label
    return best


def _find_chances(
    block: NDArray[np.float64], inside: NDArray[np.bool_], between: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Forward-backward, scaled at each step. -> (sequences, steps, labels), probabilities"""
    import numpy as np

    count, steps, labels = block.shape
    state = np.exp(block - block.max(axis=2, keepdims=True))
    move = np.exp(between - between.max())
    forward = np.empty_like(state)
    forward[:, 0] = state[:, 0] / state[:, 0].sum(axis=1, keepdims=True)
    for t in range(1, steps):
        step = _advance(forward[:, t - 1], move) * state[:, t]
        forward[:, t] = step / step.sum(axis=1, keepdims=True)
    backward = np.ones((count, labels))
    chances: NDArray[np.float64] = np.empty_like(state)
    for t in range(steps - 1, -1, -1):
        product = forward[:, t] * backward
        chances[:, t] = product / product.sum(axis=1, keepdims=True)
        if t:
            step = _advance(state[:, t] * backward, move.T)
            step /= step.sum(axis=1, keepdims=True)
            backward = np.where(inside[:, t, None], step, 1.0)
    return chances


def _advance(row: NDArray[np.float64], move: NDArray[np.float64]) -> NDArray[np.float64]:
    """`row @ move` for each sequence by itself: the sum of BLAS may depend on how many rows there are."""
    moved: NDArray[np.float64] = (row[:, :, None] * move).sum(axis=1)
    return moved
