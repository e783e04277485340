"""`corpus/` -> the models of the package. Like the pipeline, this knows all stages; nothing but the CLI calls it.

Documents of the split `report` are never trained on, so that figures on them mean something.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jdextract.annotation import GoldDocument, read_marked
from jdextract.config import Config
from jdextract.corpus import SPLITS, read_splits
from jdextract.errors import ModelError
from jdextract.extraction.content import read_words
from jdextract.extraction.extractor import Extractor
from jdextract.extraction.script import fold
from jdextract.extraction.training import Examples, cut_copies, gather_weak, prepare, train_zoning
from jdextract.records import ReadFailure, SourceText
from jdextract.taxonomy import Taxonomy, load_taxonomy

if TYPE_CHECKING:
    from jdextract.classification.adaptation import Gain
    from jdextract.classification.model import DutyModel
    from jdextract.classification.settings import Settings
    from jdextract.classification.training import Example

Tell = Callable[[str], None]


def training_documents(corpus: Path) -> list[GoldDocument]:
    """The annotated documents that models may see: all without a split file, else those that are not `report`."""
    folder = corpus / "documents"
    documents = list(read_marked(folder))
    if not (folder / SPLITS).is_file():
        return documents
    splits = read_splits(folder)
    return [d for d in documents if d.name not in splits or splits[d.name].split != "report"]


def _read_pages(pages: Iterable[str], config: Config, tell: Tell) -> Iterator[SourceText]:
    """The documents of the inputs; what can't be read is told and left out."""
    from jdextract.reading import read

    for item in read(pages, config.reading):
        if isinstance(item, ReadFailure):
            tell(f"failed: {item.path}: {item.what}")
        else:
            yield item


def train_zones(corpus: Path, output: Path, pages: Iterable[str], config: Config, tell: Tell) -> dict[str, Any]:
    """Train the zoning models into `output`. `pages`: inputs with unlabelled text for weak supervision, may be empty.

    Returns the metrics that were written. The same inputs give the same models.
    """
    cut = Extractor(config.extraction, config.tokens).cut
    annotated = training_documents(corpus)
    documents = [prepare(document, fold, cut) for document in annotated]
    copies = [prepare(copy, fold, cut) for document in annotated for copy in cut_copies(document)]
    tell(f"{len(documents)} annotated documents, {len(copies)} parts of them")
    duties = [
        json.loads(line)["text"]
        for path in sorted((corpus / "duties").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    extra = [Examples(tuple(read_words(fold(text), cut) for text in duties), ("D",) * len(duties), 1.0)]
    titles = [title for role in load_taxonomy(config.classification.taxonomy).roles for title in role.names]
    extra.append(Examples(tuple(read_words(fold(title), cut) for title in titles), ("T",) * len(titles), 1.0))
    weak = gather_weak((page.text for page in _read_pages(pages, config, tell)), fold, cut)
    if weak.words:
        tell(f"{len(weak.words)} items of pages without labels")
        extra.append(weak)
    note = "corpus and unlabelled pages" if weak.words else "corpus alone"
    return train_zoning(documents, copies, extra, output, note, cut)


def train_roles(
    corpus: Path,
    output: Path,
    settings: Path | None,
    config: Config,
    tell: Tell,
    *,
    search: bool = False,
    teacher: Path | None = None,
    pages: Iterable[str] = (),
) -> dict[str, Any]:
    """Train the duty classifier into `output` and cross-validate it. Returns the metrics that were written.

    `search`: try training settings around the given ones first, in folds grouped by near duplicates, and take the best.
    `teacher`: labels that are learned as well (`teacher.read_labels`); those without texts are looked up in the duties of
    `pages`. What they gain or lose on the documents of the split `report` is told and written. Raises ModelError where
    none of them can be learned.
    """
    from jdextract.classification.settings import Settings, load_settings
    from jdextract.classification.storage import save_model
    from jdextract.classification.training import read_corpus, train
    from jdextract.classification.validation import cross_validate, search_settings, write_card

    extractor = Extractor(config.extraction, config.tokens)
    taxonomy = load_taxonomy(config.classification.taxonomy)
    numbers = load_settings(settings) if settings else Settings()
    documents = training_documents(corpus)
    examples = read_corpus(corpus, documents, taxonomy, extractor.normalize, numbers.training)
    if search:
        tried = search_settings(examples, numbers, extractor.cut)
        for training, macro_f1 in tried:
            tell(f"macro-F1 {macro_f1:.4f}  regularization {training.regularization:.3g}  fewest {training.fewest}")
        numbers = numbers.model_copy(update={"training": tried[0][0]})
    tell(f"{len(examples)} sentences and phrases; cross-validating")
    metrics: dict[str, Any] = {"corpus": cross_validate(examples, numbers, extractor.cut)}
    model = train(examples, documents, taxonomy, numbers, cut=extractor.cut)
    if teacher:
        report = _report_duties(corpus, extractor)
        pairs = list(_read_duties(_read_pages(pages, config, tell), extractor))
        taught = _find_taught(teacher, pairs, taxonomy, numbers, [text for text, _ in report])
        if not taught:
            hint = "give the labelled pages with --pages, or JSON lines with text and role"
            raise ModelError("no labelled duty is in the pages", where=str(teacher), hint=hint)
        tell(f"{len(taught)} duties labelled by the teacher")
        base, examples = model, [*examples, *taught]
        model = train(examples, documents, taxonomy, numbers, cut=extractor.cut)
        metrics |= _describe_gains(_compare(base, model, {"report": report}, tell))
    save_model(model, output, metrics, write_card(model, examples, metrics))
    return metrics


def _find_taught(
    teacher: Path, pairs: Sequence[tuple[str, str]], taxonomy: Taxonomy, numbers: Settings, held_out: Sequence[str]
) -> list[Example]:
    """What a teacher's labels give to learn from. `pairs`: (title, duty) of pages; `held_out`: texts that are not learned."""
    from jdextract.classification.teacher import find_taught_examples, read_labels

    return find_taught_examples(pairs, read_labels(teacher, taxonomy), numbers, held_out)


def _compare(
    base: DutyModel, other: DutyModel, sets: Mapping[str, Sequence[tuple[str, str]]], tell: Tell
) -> dict[str, Gain]:
    """What the other model gains or loses on each set of (text, role) that is not empty."""
    from jdextract.classification.adaptation import compare_models

    gains = {
        name: compare_models(base, other, [text for text, _ in rows], [role for _, role in rows])
        for name, rows in sets.items()
        if rows
    }
    for name, gain in gains.items():
        tell(
            f"{name}: accuracy {gain.base['accuracy']} -> {gain.adapted['accuracy']}, "
            f"macro-F1 {gain.base['macro_f1']} -> {gain.adapted['macro_f1']}"
        )
    return gains


def _describe_gains(gains: Mapping[str, Gain]) -> dict[str, Any]:
    return {
        name: {"base": gain.base, "adapted": gain.adapted, "change_of_f1": gain.by_role} for name, gain in gains.items()
    }


def adapt_roles(
    corpus: Path,
    pages: Iterable[str],
    output: Path,
    labelled: Sequence[Path],
    settings: Path | None,
    config: Config,
    tell: Tell,
    *,
    teacher: Path | None = None,
) -> dict[str, Gain]:
    """Train the duty classifier on the corpus and, by agreement with titles, on unlabelled `pages`; write it to `output`.

    `teacher`: labels that a language model or a person gave to duties, as in `train_roles`.

    The plain and the adapted model are compared on the documents of the split `report` and on every file of `labelled`
    (JSON lines with `text` and `role`), whose sentences are kept out of training. Raises ModelError, and writes nothing,
    when the adapted model is worse on one of them, and when the pages give nothing to learn from.
    """
    from jdextract.classification.adaptation import find_weak_examples
    from jdextract.classification.classifier import Classifier
    from jdextract.classification.features import fold_duty
    from jdextract.classification.settings import Settings, load_settings
    from jdextract.classification.storage import save_model
    from jdextract.classification.training import read_corpus, train
    from jdextract.classification.validation import cross_validate, write_card

    extractor = Extractor(config.extraction, config.tokens)
    taxonomy = load_taxonomy(config.classification.taxonomy)
    numbers = load_settings(settings) if settings else Settings()
    documents = training_documents(corpus)
    examples = read_corpus(corpus, documents, taxonomy, extractor.normalize, numbers.training)
    base = train(examples, documents, taxonomy, numbers, cut=extractor.cut)
    tell(f"{len(examples)} sentences and phrases; reading the pages")
    pairs = list(_read_duties(_read_pages(pages, config, tell), extractor))
    sets = {path.stem: _read_labelled(path, extractor) for path in labelled}
    sets["report"] = _report_duties(corpus, extractor)
    held_out = [text for rows in sets.values() for text, _ in rows]
    taught = _find_taught(teacher, pairs, taxonomy, numbers, held_out) if teacher else []
    weak = find_weak_examples(Classifier(base), pairs, [*held_out, *(example.text for example in taught)])
    if not weak and not taught:
        raise ModelError(
            f"{len(pairs)} duties below titles, but none that title and words agree on",
            hint="give pages with position titles, such as job postings",
        )
    tell(f"{len(pairs)} duties below titles, {len(weak)} of them learned, {len(taught)} labelled by the teacher")
    learned = [*examples, *taught, *weak]
    seen = sorted({fold_duty(text) for _, text in pairs})
    adapted = train(learned, documents, taxonomy, numbers, cut=extractor.cut, unlabelled=seen)
    gains = _compare(base, adapted, sets, tell)
    lost = [name for name, gain in gains.items() if gain.is_loss]
    if lost:
        raise ModelError(
            f"the adapted model is worse on {', '.join(lost)}; nothing was written",
            hint="give more pages, or pages of more trades",
        )
    metrics: dict[str, Any] = {"corpus": cross_validate(examples, numbers, extractor.cut)}
    metrics |= _describe_gains(gains)
    save_model(adapted, output, metrics, write_card(adapted, learned, metrics))
    return gains


def _read_duties(documents: Iterable[SourceText], extractor: Extractor) -> Iterator[tuple[str, str]]:
    """(title, duty), both normalised, of every titled record."""
    for document in documents:
        for record in extractor.extract(document).records:
            if record.title is not None:
                yield from ((record.title.normalized, duty.normalized) for duty in record.duties)


def _read_labelled(path: Path, extractor: Extractor) -> list[tuple[str, str]]:
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return [(extractor.normalize(row["text"]), row["role"]) for row in rows]
    except OSError as error:
        raise ModelError(f"cannot be opened ({error.strerror})", where=str(path), hint="check the path") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError("is not JSON lines with text and role", where=str(path)) from error


def _report_duties(corpus: Path, extractor: Extractor) -> list[tuple[str, str]]:
    folder = corpus / "documents"
    if not (folder / SPLITS).is_file():
        return []
    splits = read_splits(folder)
    kept = [d for d in read_marked(folder) if d.name in splits and splits[d.name].split == "report"]
    return [(extractor.normalize(x.text), str(x.role)) for d in kept for r in d.records for x in r.duties]
