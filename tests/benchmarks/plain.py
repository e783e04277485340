"""The plain composition: OpenCC, jieba, spaCy's blank `zh`, TF-IDF and logistic regression, as a tutorial puts them together.

    python -m tests.benchmarks.plain train MODEL
    python -m tests.benchmarks.plain extract ROWS.jsonl -o OUT.jsonl --model MODEL [--batched]

It is what one would write in an afternoon without jdextract: each sentence of each posting gets a role and a score. It looks for
no sections, positions or requirements, keeps no offsets and marks no repeats. Sentences are cut by one regular expression, and
the words of the classifier are those of the spaCy Doc, so that jieba runs once. `--batched` classifies 1,000 sentences at a time
and uses `nlp.pipe`; without it the loop goes posting by posting.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

DUTIES = Path(__file__).parents[2] / "corpus" / "duties"
_SENTENCE_END = re.compile(r"[\n\r。；;！!？?]+")
_BATCH = 1_000  # sentences

Sentence = tuple[str, str]  # id of the posting, text


def train(target: Path, most: int | None = None) -> None:
    """Fit the classifier on the labelled sentences of the corpus (on the first `most` of each file) and save it."""
    import joblib
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    composition = Composition()
    sentences, roles = [], []
    for path in sorted(DUTIES.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines()[:most]:
            row = json.loads(line)
            sentences.append(composition.words(composition.simplify(row["text"])))
            roles.append(row["role"])
    model = make_pipeline(TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2)), LogisticRegression(max_iter=1000))
    model.fit(sentences, roles)
    joblib.dump(model, target)


class Composition:
    """The converter and the tokenizer, loaded once."""

    def __init__(self) -> None:
        import opencc
        import spacy

        self.simplify = opencc.OpenCC("t2s").convert
        self.nlp = spacy.blank("zh", config={"nlp": {"tokenizer": {"segmenter": "jieba"}}})

    def words(self, sentence: str) -> str:
        """The words of a sentence with spaces between."""
        return " ".join(token.text for token in self.nlp(sentence))

    def sentences(self, row: dict[str, Any]) -> list[str]:
        """The sentences of a posting, in Simplified."""
        text = self.simplify(f"{row['title']}\n{row['text']}")
        return [sentence.strip() for sentence in _SENTENCE_END.split(text) if sentence.strip()]


def extract(rows: Path, target: Path, model_path: Path) -> None:
    """Posting by posting."""
    import joblib

    composition, model = Composition(), joblib.load(model_path)
    with rows.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as out:
        for line in lines:
            row = json.loads(line)
            sentences = composition.sentences(row)
            if not sentences:
                continue
            probabilities = model.predict_proba([composition.words(sentence) for sentence in sentences])
            _write(out, [(row["id"], sentence) for sentence in sentences], probabilities, model.classes_)


def extract_batched(rows: Path, target: Path, model_path: Path) -> None:
    """A thousand sentences at a time."""
    import joblib

    composition, model = Composition(), joblib.load(model_path)
    with rows.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as out:
        for batch in _batches(_read_sentences(lines, composition)):
            docs = composition.nlp.pipe([sentence for _, sentence in batch], batch_size=_BATCH)
            words = [" ".join(token.text for token in doc) for doc in docs]
            _write(out, batch, model.predict_proba(words), model.classes_)


def _read_sentences(lines: Iterable[str], composition: Composition) -> Iterator[Sentence]:
    for line in lines:
        row = json.loads(line)
        for sentence in composition.sentences(row):
            yield row["id"], sentence


def _batches(sentences: Iterable[Sentence]) -> Iterator[list[Sentence]]:
    batch: list[Sentence] = []
    for sentence in sentences:
        batch.append(sentence)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _write(out: Any, sentences: list[Sentence], probabilities: Any, roles: Any) -> None:
    best = probabilities.argmax(axis=1)
    scores = probabilities.max(axis=1)
    for (identity, sentence), number, score in zip(sentences, best, scores, strict=True):
        told = {"id": identity, "sentence": sentence, "role": str(roles[number]), "score": round(float(score), 4)}
        out.write(json.dumps(told, ensure_ascii=False) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("model", type=Path)
    training.add_argument("--most", type=int, help="sentences of each file, for a quick try")
    extraction = commands.add_parser("extract")
    extraction.add_argument("rows", type=Path)
    extraction.add_argument("-o", dest="out", type=Path, required=True)
    extraction.add_argument("--model", type=Path, required=True)
    extraction.add_argument("--batched", action="store_true")
    given = parser.parse_args()
    if given.command == "train":
        train(given.model, given.most)
    else:
        (extract_batched if given.batched else extract)(given.rows, given.out, given.model)


if __name__ == "__main__":
    main()
