"""Train the zoning models on annotated documents, labelled duties and, if given, unlabelled pages.

The sequence model must not trust the content model more than it deserves on new pages, so it is trained on content
probabilities of documents that the content model has not seen (cross-fitting by document).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jdextract.annotation import GoldDocument, GoldRecord, Labelled
from jdextract.extraction.content import CLASSES, ContentModel, Cut, read_words
from jdextract.extraction.segments import Atom
from jdextract.extraction.storage import CONTENT, METRICS, ZONES
from jdextract.extraction.stretches import StretchReader
from jdextract.extraction.titles import find_title
from jdextract.extraction.zoning import describe, find_atoms, find_keys, find_spans, trim
from jdextract.records import Span

Fold = Callable[[str], str]

FOLDS = 5
# Heading zone of a page without labels -> content class of the enumerated items below it.
_WEAK_CLASS = {
    "duty": "D",
    "requirement": "R",
    "pay": "C",
    "benefit": "O",
    "introduction": "O",
    "contact": "O",
    "condition": "O",
    "rule": "O",
}
_WEAK_WEIGHT = 0.3
# Items this far (in atoms) below their heading are no longer sure to belong to it.
_WEAK_REACH = {"D": 14, "R": 14, "C": 2, "O": 5}
_LONGEST_POSTED = 20  # code points; longer first lines hold more than a title
_WEAK_SHARE = {"R": 0.45}  # postings hold far more requirements than duties


@dataclass(frozen=True, slots=True)
class TrainingDocument:
    """A document cut into atoms, with the label of each (zoning.LABELS) and its words for the content model."""

    name: str
    folded: str
    atoms: tuple[Atom, ...]
    labels: tuple[str, ...]
    words: tuple[list[str], ...]


@dataclass(frozen=True, slots=True)
class Examples:
    """Words of stretches with their content class and weight."""

    words: tuple[list[str], ...]
    classes: tuple[str, ...]
    weight: float


def label_atoms(document: GoldDocument, folded: str, atoms: Sequence[Atom]) -> list[str]:
    """The right label of every atom by the annotation; all copies of a title before its first value are titles."""
    spans: list[tuple[Span, str]] = []
    for record in document.records:
        if record.title:
            spans.append((record.title.span, "T"))
        for kind, values in (("D", record.duties), ("R", record.requirements), ("C", record.compensation)):
            spans += [(value.span, kind) for value in values]
    spans.sort()
    labels: list[str] = []
    used: set[int] = set()
    for atom in atoms:
        start, end = trim(folded, atom.start, atom.end)
        overlaps = [(min(end, span[1]) - max(start, span[0]), -k) for k, (span, _) in enumerate(spans)]
        size, best = max(overlaps, default=(0, 0))
        best = -best
        outside = "H" if atom.heading else "O"
        if size <= 0 or (spans[best][1] != "T" and 2 * size < end - start) or (spans[best][1] == "T" and best in used):
            labels.append(outside)
            continue
        kind = spans[best][1]
        labels.append("T" if kind == "T" else f"{'I' if best in used else 'B'}-{kind}")
        used.add(best)
    _label_copies(document, folded, atoms, labels)
    return labels


def _label_copies(document: GoldDocument, folded: str, atoms: Sequence[Atom], labels: list[str]) -> None:
    """Pages print a title twice above its duties; either copy is right, so both are learned as titles."""
    last = 0
    for record in document.records:
        values = [v.span for v in (*record.duties, *record.requirements, *record.compensation)]
        first = min((span[0] for span in values), default=record.start)
        if record.title:
            name = _squeeze(folded[slice(*record.title.span)])
            for i, atom in enumerate(atoms):
                near = last <= atom.start < first and abs(atom.start - record.title.span[0]) < 120
                if not near or labels[i] not in "OH" or atom.heading or "是" in folded[atom.start : atom.end]:
                    continue
                start, end = trim(folded, atom.start, atom.end)
                text = folded[start:end]
                found = find_title(text, posted=start == 0)
                if found and _squeeze(text[slice(*found[0])]) == name and atom.end - atom.start <= len(name) + 10:
                    labels[i] = "T"
        last = max([first, *(span[1] for span in values)])


def _squeeze(text: str) -> str:
    return "".join(text.split()).lower()


def prepare(document: GoldDocument, fold: Fold, cut: Cut) -> TrainingDocument:
    """Cut and label one annotated document."""
    folded = fold(document.text)
    atoms = find_atoms(folded)
    words = tuple(read_words(folded[slice(*trim(folded, a.start, a.end))], cut) for a in atoms)
    return TrainingDocument(document.name, folded, tuple(atoms), tuple(label_atoms(document, folded, atoms)), words)


def cut_copies(document: GoldDocument) -> list[GoldDocument]:
    """Up to two parts of a document, each one position from its title to the end of a list: of duties, of requirements.

    Annotated pages end in words of their site, postings end in their last item: without such copies the model learns that
    what stands last on a page is no value. Copies with duties alone would teach it that what stands last is a duty. Which
    lists are taken depends on the name only. A copy keeps the name of its document, so that it falls in the same fold.
    """
    lists: dict[str, list[Span]] = {"D": [], "R": []}
    for record in document.records:
        kinds = (("D", record.duties), ("R", record.requirements), ("C", record.compensation))
        values = sorted((value.span, kind) for kind, found in kinds for value in found)
        for k, (span, kind) in enumerate(values):
            last = k + 1 == len(values) or values[k + 1][1] != kind
            if kind in lists and last and span[0] >= record.start:  # values may stand above their title
                lists[kind].append((record.start, span[1]))
    return [
        _take_part(document, *found[int(_chance(f"{document.name} {kind}") * len(found))])
        for kind, found in lists.items()
        if found
    ]


def _take_part(document: GoldDocument, start: int, end: int) -> GoldDocument:
    """The part of a document between two places, and the mark that closes its last value; the marks wholly in it stay."""

    def move(values: Iterable[Labelled | None]) -> list[Labelled]:
        inside = [v for v in values if v and start <= v.span[0] and v.span[1] <= end]
        return [Labelled(v.text, (v.span[0] - start, v.span[1] - start), v.role) for v in inside]

    records = [
        GoldRecord(
            next(iter(move([record.title])), None),
            record.role,
            record.start - start,
            next(iter(move([record.headcount])), None),
            move(record.duties),
            move(record.requirements),
            move(record.compensation),
        )
        for record in document.records
        if start <= record.start < end
    ]
    closing = 1 if document.text[end : end + 1] in tuple("。;；") else 0
    return GoldDocument(document.name, document.text[start : end + closing], tuple(records))


def gather_weak(texts: Iterable[str], fold: Fold, cut: Cut) -> Examples:
    """Examples from pages without labels: an enumerated item counts for the section whose heading stands above it.

    The first line of a posting is its title. Only pages that head requirements are believed. Each distinct item is taken
    once.
    """
    words: list[list[str]] = []
    classes: list[str] = []
    seen: set[str] = set()
    for text in texts:
        folded = fold(text[:3000])
        atoms = find_atoms(folded)
        if not any(a.heading == "requirement" for a in atoms):
            continue
        first = folded[slice(*trim(folded, 0, folded.find("\n") + 1))]
        if 2 <= len(first) <= _LONGEST_POSTED and first not in seen:
            seen.add(first)
            words.append(read_words(first, cut))
            classes.append("T")
        kind, since = None, 0
        for atom in atoms:
            if atom.heading:
                kind, since = _WEAK_CLASS.get(atom.heading), 0
                continue
            since += 1
            item = folded[slice(*trim(folded, atom.start, atom.end))]
            if kind is None or since > _WEAK_REACH[kind] or len(item) < 4 or item in seen:
                continue
            if kind in "DR" and not atom.mark and atom.before not in ("end", "line"):
                continue
            seen.add(item)
            if _chance(item) < _WEAK_SHARE.get(kind, 1.0):
                words.append(read_words(item, cut))
                classes.append(kind)
    return Examples(tuple(words), tuple(classes), _WEAK_WEIGHT)


def _chance(text: str) -> float:
    """A number in [0, 1) that depends on the text only, so that a sample is the same on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest()) / 2**32


def find_fold(name: str) -> int:
    """The fold of a document and of its copies, 0 to FOLDS - 1."""
    return int(_chance(name) * FOLDS)


def fit_content(documents: Sequence[TrainingDocument], extra: Sequence[Examples]) -> ContentModel:
    """Fit the content model on labelled documents and further examples."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = [w for d in documents for w in d.words]
    classes = [label[-1] if label[-1] in CLASSES else "O" for d in documents for label in d.labels]
    weights = [1.0] * len(words)
    for examples in extra:
        words += examples.words
        classes += examples.classes
        weights += [examples.weight] * len(examples.words)
    model = make_pipeline(
        TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), min_df=2, sublinear_tf=True, lowercase=False),
        LogisticRegression(C=8, max_iter=400),
    )
    model.fit([" ".join(stretch) for stretch in words], classes, logisticregression__sample_weight=weights)
    return ContentModel.take_over(model)


def train_zoning(
    documents: Sequence[TrainingDocument],
    copies: Sequence[TrainingDocument],
    extra: Sequence[Examples],
    folder: Path,
    note: str,
    cut: Cut,
) -> dict[str, Any]:
    """Fit both models and write them to `folder`. Returns the metrics that were written beside them.

    `copies`: parts of the documents (`cut_copies`), for the sequence model only: they hold no words that are new to the
    content model. The same input gives the same models: folds go by document name, both learners are deterministic.
    """
    import pycrfsuite

    folder.mkdir(parents=True, exist_ok=True)
    trainer = pycrfsuite.Trainer(verbose=False)
    for number in range(FOLDS):
        held_out = [d for d in (*documents, *copies) if find_fold(d.name) == number]
        model = fit_content([d for d in documents if find_fold(d.name) != number], extra)
        for document in held_out:
            stretches = StretchReader(model, cut).read(
                find_keys(document.folded, find_spans(document.folded, document.atoms))
            )
            rows = describe(document.folded, document.atoms, stretches)
            trainer.append(rows, list(document.labels))
    trainer.set_params(
        {"c1": 0.05, "c2": 0.5, "max_iterations": 150, "feature.possible_transitions": True, "feature.minfreq": 2}
    )
    trainer.train(str(folder / ZONES))
    fit_content(documents, extra).save(folder / CONTENT)
    digest = hashlib.sha256()
    for document in sorted((*documents, *copies), key=lambda d: d.name):
        digest.update(repr((document.name, document.labels, document.words)).encode())
    metrics = {
        "version": digest.hexdigest()[:8],
        "documents": len(documents),
        "atoms": sum(len(d.atoms) for d in documents),
        "copies": len(copies),
        "weak_examples": sum(len(e.words) for e in extra),
        "note": note,
    }
    (folder / METRICS).write_text(json.dumps(metrics, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return metrics
