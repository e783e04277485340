"""Atoms -> zones: which stretches are titles, duties, requirements, pay, and which are none of these.

Two models, both trained on `corpus/`. The content model (words, logistic regression) says what a stretch is about by
itself. A linear-chain conditional random field (Lafferty, McCallum and Pereira, 2001) over the atoms of a document
weighs that against layout: enumerators, headings in force, neighbours. Its features are few and of kinds that do not
name words of single documents, so that it holds on pages of other sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from jdextract.extraction.content import ContentModel, Cut
from jdextract.extraction.features import PARTS, Part, find_parts, spell
from jdextract.extraction.naming import Name, rule_out
from jdextract.extraction.segments import Atom, cut_atoms
from jdextract.extraction.settling import settle
from jdextract.extraction.stretches import Key, Stretch, StretchReader
from jdextract.extraction.titles import split_glued
from jdextract.records import Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jdextract.extraction.crf import SequenceModel

# Labels of the sequence model: B starts a value, I continues it.
LABELS = ("T", "B-D", "I-D", "B-R", "I-R", "B-C", "I-C", "H", "O")
_EDGE = " \n\t,，、。；;:：!！?？·.�-—~/|"
_REMEMBERED = 100_000  # parts


@dataclass(frozen=True, slots=True)
class Zoned:
    """One atom with its label, the probability of that label, and the position name that stands in it."""

    atom: Atom
    label: str
    score: float
    title: Span | None
    span: Span  # of the stretch, which is the atom without separators at its edges
    stretch: Stretch


def trim(folded: str, start: int, end: int) -> Span:
    """The span without separators at its edges; empty at `start` if nothing else is in it."""
    text = folded[start:end].rstrip(_EDGE)
    end = start + len(text)
    return end - len(text.lstrip(_EDGE)), end


def find_atoms(folded: str) -> list[Atom]:
    """All atoms of a document that hold something, in order."""
    atoms = split_glued(folded, cut_atoms(folded))
    return [atom for atom in atoms if folded[atom.start : atom.end].strip(_EDGE)]


def find_spans(folded: str, atoms: Sequence[Atom]) -> list[Span]:
    """The trimmed span of each atom."""
    return [trim(folded, atom.start, atom.end) for atom in atoms]


def find_keys(folded: str, spans: Sequence[Span]) -> list[Key]:
    """The stretch of each span, and whether it stands at the start of the document."""
    return [(folded[start:end], start == 0) for start, end in spans]


def describe(folded: str, atoms: Sequence[Atom], stretches: Sequence[Stretch]) -> list[list[str]]:
    """The features of each atom as the sequence model names them, for training."""
    return [[name for part in parts for name in spell(part)] for parts in find_parts(folded, atoms, stretches)]


@dataclass(slots=True)
class _Document:
    folded: str
    atoms: list[Atom]
    spans: list[Span]
    stretches: list[Stretch]


class ZoningModel:
    """The two models of a folder: `content.npz`, `zones.crfsuite`. Neither runs code when it is loaded.

    What was computed for a stretch or a part is remembered, up to a bound; results do not depend on it.
    """

    def __init__(self, content: ContentModel, sequence: SequenceModel, cut: Cut, version: str) -> None:
        self._reader, self._sequence, self.version = StretchReader(content, cut), sequence, version
        self._number = {label: k for k, label in enumerate(sequence.labels)}
        self._forget()

    def _forget(self) -> None:
        import numpy as np

        self._places: dict[Part, int] = {}
        self._sums = np.zeros((1024, len(self._sequence.labels)))  # doubled when it is full

    @classmethod
    def load(cls, folder: Path, cut: Cut) -> ZoningModel:
        """Raises ModelError when the folder does not hold the two files or one of them is not what it should be."""
        from jdextract.extraction.storage import load_zoning

        content, sequence, version = load_zoning(folder)
        return cls(content, sequence, cut, version)

    def zone(self, folded: str) -> list[Zoned]:
        """Label every atom of a document, in order."""
        return self.zone_many([folded])[0]

    def zone_many(self, texts: Sequence[str]) -> list[list[Zoned]]:
        """`zone` of each document: the same as one by one, many times as fast."""
        documents = self._read(texts)
        lengths = [len(document.atoms) for document in documents]
        scores = self._score(documents)
        labels, chances = self._sequence.decode(scores, lengths)
        result, end = [], 0
        for document, length in zip(documents, lengths, strict=True):
            start, end = end, end + length
            result.append(self._settle(document, labels[start:end], chances[start:end]))
        return result

    def _read(self, texts: Sequence[str]) -> list[_Document]:
        documents = []
        keys: list[Key] = []
        for folded in texts:
            atoms = find_atoms(folded)
            spans = find_spans(folded, atoms)
            keys += find_keys(folded, spans)
            documents.append(_Document(folded, atoms, spans, []))
        stretches, end = self._reader.read(keys), 0
        for document in documents:
            start, end = end, end + len(document.atoms)
            document.stretches = stretches[start:end]
        return documents

    def _score(self, documents: Sequence[_Document]) -> NDArray[np.float64]:
        """(atoms, labels): the summed weights of the features of every atom."""
        import numpy as np

        if len(self._places) > _REMEMBERED:
            self._forget()
        rows = [find_parts(document.folded, document.atoms, document.stretches) for document in documents]
        parts = list(chain.from_iterable(chain.from_iterable(rows)))
        known = map(self._places.get, parts)
        found = [self._add(part) if place is None else place for part, place in zip(parts, known, strict=True)]
        if not found:
            return np.zeros((0, len(self._sequence.labels)))
        scores: NDArray[np.float64] = self._sums[found].reshape(-1, PARTS, len(self._sequence.labels)).sum(axis=1)
        return scores

    def _add(self, part: Part) -> int:
        import numpy as np

        place = self._places[part] = len(self._places)
        if place == len(self._sums):
            self._sums = np.concatenate([self._sums, np.zeros_like(self._sums)])
        self._sums[place] = self._sequence.sum_weights(spell(part))
        return place

    def _settle(self, document: _Document, best: Sequence[int], chances: NDArray[np.float64]) -> list[Zoned]:
        names = self._sequence.labels
        labels = [names[k] for k in best]
        atoms, stretches = document.atoms, document.stretches
        held: list[Name] = [s if s.title and not a.heading else None for a, s in zip(atoms, stretches, strict=True)]
        rows: list[list[float]] = chances.tolist()
        titles = [row[self._number["T"]] for row in rows]
        settled = settle(document.folded, atoms, stretches, labels, titles, rule_out(held, labels))
        result = []
        for i, (atom, span, stretch, label) in enumerate(zip(atoms, document.spans, stretches, settled, strict=True)):
            title = None
            if held[i] and stretch.title:
                title = (span[0] + stretch.title[0], span[0] + stretch.title[1])
            result.append(Zoned(atom, label, rows[i][self._number[label]], title, span, stretch))
        return result
