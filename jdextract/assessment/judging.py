"""Gold beside what a model makes of it, row by row: documents through the pipeline, sentences through the classifier."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jdextract.assessment.gold import NO_DUTY, Gold, GoldPage, LabelledSentence
from jdextract.assessment.measurement import TOP, JudgedRow
from jdextract.config import Config
from jdextract.evaluation.documents import match_document
from jdextract.pipeline import Pipeline
from jdextract.records import Role, RoleRecord, Span

if TYPE_CHECKING:
    from jdextract.config import DeduplicationConfig

Track = Callable[[Sequence[Any], str], Iterable[Any]]  # shows the progress through some items
Rows = dict[str, list[JudgedRow]]  # by name of the set

NO_DUTY_SET = "no_duty"
WORST = 25  # confident errors that are looked at more closely
_GRAMS = 12  # n-grams of the model that are looked for in a sentence
_SHORTEST_GRAM = 2  # characters; single ones stand everywhere
_AROUND = 60  # code points of the document that are shown on each side of a duty


@dataclass(frozen=True, slots=True)
class ReadPage:
    """What the pipeline found in one document."""

    page: GoldPage
    records: tuple[RoleRecord, ...]
    script: str
    region: str


@dataclass(frozen=True, slots=True)
class ConfidentError:
    """A wrong row. `spans`: places in its text of the n-grams that spoke for the wrong role; none where it has a page."""

    row: JudgedRow
    spans: tuple[Span, ...] = ()


def make_pipeline(config: Config) -> Pipeline:
    """A pipeline whose roles list enough candidates to be evaluated."""
    top = max(TOP, config.classification.top)
    return Pipeline(config.model_copy(update={"classification": config.classification.model_copy(update={"top": top})}))


def read_pages(pages: Sequence[GoldPage], pipeline: Pipeline, track: Track) -> list[ReadPage]:
    """Every document through the pipeline."""
    read = []
    for page in track(pages, "documents"):
        explained = pipeline.explain(page.source)
        read.append(ReadPage(page, explained.records, explained.draft.script, explained.draft.region))
    return read


def judge(gold: Gold, read: Sequence[ReadPage], pipeline: Pipeline) -> Rows:
    """The rows of every set; those that are no duty are the set NO_DUTY_SET."""
    return {**_judge_sentences(gold.sentences, pipeline), **_judge_pages(read, pipeline)}


def _judge_pages(read: Sequence[ReadPage], pipeline: Pipeline) -> Rows:
    sets: Rows = {"gold_duty": [], "matched_duty": [], "matched_title": []}
    duties = [duty for each in read for record in each.page.document.records for duty in record.duties]
    alone = iter(pipeline.classify(" ".join(duty.text.split()) for duty in duties))
    for number, each in enumerate(read):
        group = str(number)
        for record in each.page.document.records:
            for duty in record.duties:
                sets["gold_duty"].append(_row_in_page(each, str(duty.role), next(alone).role, duty.span, group))
        matches = match_document(each.page.document, each.records)
        for own, found in matches.duties:
            sets["matched_duty"].append(_row_in_page(each, str(own.role), found.role, found.span, group))
        for wanted, titled in matches.titled:
            if titled.title is not None:
                sets["matched_title"].append(_row_in_page(each, wanted.role, titled.role, titled.title.span, group))
    return sets


def _row_in_page(read: ReadPage, truth: str, role: Role, span: Span, group: str) -> JudgedRow:
    text, (start, end) = read.page.source.text, span
    parts: Mapping[str, str | None] = {"source": read.page.origin, "script": read.script, "region": read.region}
    return JudgedRow(
        f"{read.page.document.name}:{start}",
        text[start:end],
        truth,
        role,
        group,
        read.page.document.name,
        before=text[max(0, start - _AROUND) : start],
        after=text[end : end + _AROUND],
        parts=parts,
    )


def _judge_sentences(sentences: Sequence[LabelledSentence], pipeline: Pipeline) -> Rows:
    if not sentences:
        return {}
    classified = list(pipeline.classify(row.text for row in sentences))
    groups = find_templates([each.normalized for each in classified], pipeline.config.deduplication)
    rows = [
        _row_of_sentence(row, each.role, group) for row, each, group in zip(sentences, classified, groups, strict=True)
    ]
    titled = [
        _row_of_sentence(row, role, group)
        for row, role, group in _read_with_titles(sentences, [each.normalized for each in classified], groups, pipeline)
    ]
    return {
        "sentence": [row for row in rows if row.truth != NO_DUTY],
        "sentence_with_title": titled,
        NO_DUTY_SET: [row for row in rows if row.truth == NO_DUTY],
    }


def _read_with_titles(
    sentences: Sequence[LabelledSentence], normalized: Sequence[str], groups: Sequence[str], pipeline: Pipeline
) -> Iterator[tuple[LabelledSentence, Role, str]]:
    for row, text, group in zip(sentences, normalized, groups, strict=True):
        if row.title and row.role != NO_DUTY:
            title = pipeline.classifier.role_of_title(pipeline.extractor.normalize(row.title))
            (role,) = pipeline.classifier.classify_in_context([text], [None], title)
            yield row, role, group


def _row_of_sentence(row: LabelledSentence, role: Role, group: str) -> JudgedRow:
    from jdextract.extraction.script import detect

    script, region = detect(row.text)
    parts = {
        "source": row.source,
        "script": row.script or script,
        "region": row.region or region,
        "register": row.register,
        "industry": row.industry,
    }
    return JudgedRow(row.id, row.text, row.role, role, group, row.place, row.title, parts=parts)


def find_worst(rows: Sequence[JudgedRow], pipeline: Pipeline, count: int = WORST) -> tuple[ConfidentError, ...]:
    """The wrong rows with the highest scores, and what in a sentence without a page misled the model."""
    wrong = sorted((row for row in rows if not row.is_right), key=lambda row: (-row.role.score, row.id))[:count]
    texts = [pipeline.extractor.normalize(row.text) for row in wrong]
    evidence = pipeline.classifier.find_evidence(texts, [row.role for row in wrong], _GRAMS) if wrong else []
    errors = []
    for row, text, grams in zip(wrong, texts, evidence, strict=True):
        # Offsets of the normalised text are those of the sentence only where it has kept its length.
        folded = text.casefold()
        apart = row.before or row.after or len(folded) != len(row.text)
        found = [gram.text.replace(" ", "") for gram in grams if gram.weight > 0]
        errors.append(ConfidentError(row, () if apart else _find_spans(folded, found)))
    return tuple(errors)


def _find_spans(text: str, grams: Iterable[str]) -> tuple[Span, ...]:
    """Where the grams stand, spans that touch or overlap made one."""
    marked = [False] * (len(text) + 1)
    for gram in grams:
        at = text.find(gram) if len(gram) >= _SHORTEST_GRAM else -1
        while at >= 0:
            marked[at : at + len(gram)] = [True] * len(gram)
            at = text.find(gram, at + 1)
    spans, start = [], None
    for place, inside in enumerate(marked):
        if inside and start is None:
            start = place
        elif not inside and start is not None:
            spans.append((start, place))
            start = None
    return tuple(spans)


def find_templates(texts: Sequence[str], config: DeduplicationConfig) -> list[str]:
    """Cluster id of each normalised text: the same for near duplicates and for copies of one template."""
    from jdextract.deduplication.duplicates import Occurrence, Occurrences, find_duplicates

    occurrences = Occurrences()
    for number, text in enumerate(texts):
        occurrences.add(Occurrence(f"{number:08}", "", "", text))
    names = [""] * len(texts)
    for cluster in find_duplicates("duty", occurrences, config).clusters:
        for variant in cluster.variants:
            for number in variant.places:
                names[number] = cluster.id
    return names
