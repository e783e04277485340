"""`corpus/` -> the models of the package. Like the pipeline, this knows all stages; nothing but the CLI calls it.

Documents of the split `report` are never trained on, so that figures on them mean something.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from jdextract.annotation import GoldDocument, read_marked
from jdextract.config import Config
from jdextract.corpus import SPLITS, read_splits
from jdextract.extraction.content import read_words
from jdextract.extraction.extractor import Extractor
from jdextract.extraction.script import fold
from jdextract.extraction.training import Examples, gather_weak, prepare, train_zoning
from jdextract.records import ReadFailure
from jdextract.taxonomy import load_taxonomy

Tell = Callable[[str], None]


def training_documents(corpus: Path) -> list[GoldDocument]:
    """The annotated documents that models may see: all without a split file, else those that are not `report`."""
    folder = corpus / "documents"
    documents = list(read_marked(folder))
    if not (folder / SPLITS).is_file():
        return documents
    splits = read_splits(folder)
    return [d for d in documents if d.name not in splits or splits[d.name].split != "report"]


def _read_pages(pages: Iterable[str], config: Config) -> Iterator[str]:
    from jdextract.reading import read

    for item in read(pages, config.reading):
        if not isinstance(item, ReadFailure):
            yield item.text


def train_zones(corpus: Path, output: Path, pages: Iterable[str], config: Config, tell: Tell) -> dict[str, Any]:
    """Train the zoning models into `output`. `pages`: inputs with unlabelled text for weak supervision, may be empty.

    Returns the metrics that were written. The same inputs give the same models.
    """
    cut = Extractor(config.extraction, config.tokens).cut
    documents = [prepare(document, fold, cut) for document in training_documents(corpus)]
    tell(f"{len(documents)} annotated documents")
    duties = [
        json.loads(line)["text"]
        for path in sorted((corpus / "duties").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    extra = [Examples(tuple(read_words(fold(text), cut) for text in duties), ("D",) * len(duties), 1.0)]
    titles = [title for role in load_taxonomy(config.classification.taxonomy).roles for title in role.names]
    extra.append(Examples(tuple(read_words(fold(title), cut) for title in titles), ("T",) * len(titles), 1.0))
    weak = gather_weak(_read_pages(pages, config), fold, cut)
    if weak.words:
        tell(f"{len(weak.words)} items of pages without labels")
        extra.append(weak)
    note = "corpus and unlabelled pages" if weak.words else "corpus alone"
    return train_zoning(documents, extra, output, note)


def train_roles(corpus: Path, output: Path, settings: Path | None, config: Config, tell: Tell) -> dict[str, Any]:
    """Train the duty classifier into `output` and cross-validate it. Returns the metrics that were written."""
    from jdextract.classification.settings import Settings, load_settings
    from jdextract.classification.storage import save_model
    from jdextract.classification.training import read_corpus, train
    from jdextract.classification.validation import cross_validate, write_card

    extractor = Extractor(config.extraction, config.tokens)
    taxonomy = load_taxonomy(config.classification.taxonomy)
    numbers = load_settings(settings) if settings else Settings()
    documents = training_documents(corpus)
    examples = read_corpus(corpus, documents, taxonomy, extractor.normalize, numbers.training)
    tell(f"{len(examples)} sentences and phrases; cross-validating")
    metrics = {"corpus": cross_validate(examples, numbers, extractor.cut)}
    model = train(examples, documents, taxonomy, numbers, cut=extractor.cut)
    save_model(model, output, metrics, write_card(model, examples, metrics))
    return metrics
