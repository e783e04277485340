"""Tasks *label* and *name*: majority of samples, and a choice by number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from jdextract.classification.teacher import read_labels
from jdextract.errors import DamagedInput
from jdextract.extraction.extractor import Extractor
from jdextract.llm.exchange import Answer, Output, Request
from jdextract.llm.tasks import find_schema, name_schema
from jdextract.llm.tasks.adjudicate import offer
from jdextract.llm.tasks.label import (
    TEACHER_COLUMNS,
    Label,
    Labelling,
    Sentence,
    ask_label,
    label,
    read_label,
    read_sentences,
    teacher_line,
    teacher_row,
    undecided_line,
)
from jdextract.llm.tasks.name import Naming, ask_name, number, read_name
from jdextract.llm.tasks.zone import Zoning
from jdextract.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
SENTENCE = Sentence("s1", "每週盤點倉庫", title="倉管")


def vote(*roles: str | None) -> Label:
    answers = [Answer(Labelling(role=role) if role else None, "teacher", "" if role else "refused") for role in roles]
    return read_label(SENTENCE, answers)


def test_samples() -> None:
    """A sentence is asked about several times with different samples; the whole taxonomy stands in the instructions."""
    taxonomy = TAXONOMY
    requests = ask_label(SENTENCE, taxonomy)
    assert [request.sample for request in requests] == [0, 1, 2, 3, 4]
    assert {request.temperature for request in requests} == {0.7}
    assert all(f"\n- {role.id} {role.zh}" in requests[0].instructions for role in taxonomy.roles)
    assert "{roles}" not in requests[0].instructions
    assert SENTENCE.text not in requests[0].instructions
    assert requests[0].schema.model_validate({"role": "none"}).role == "none"
    with pytest.raises(ValidationError):
        requests[0].schema.model_validate({"role": "emperor"})
    assert ask_label(SENTENCE, taxonomy, samples=1)[0].temperature == 0


def test_majority() -> None:
    """The most frequent role is the label if three of five samples have it; ties, scatter and silence stay undecided."""
    clear = vote("warehouse-keeper", "warehouse-keeper", "supply-chain-planner", "warehouse-keeper", "other")
    assert (clear.role, clear.second, clear.agreement) == ("warehouse-keeper", "other", 0.6)
    assert clear.decided_by == "llm:teacher:label-1"
    assert vote("other", "none").reason == "tie"
    assert vote("other", "other", "none", "administrator", "accountant").reason == "agreement"
    assert vote("other", "other", None, None, None).reason == "agreement"
    assert vote(None, None).reason == "failed:refused"
    with pytest.raises(ValueError, match="no answers"):
        read_label(SENTENCE, [])


def test_teacher_files(tmp_path: Path, extractor: Extractor) -> None:
    """Both teacher files are read back by the trainer's own reader with equal labels; undecided ones are listed apart."""
    labels = [vote("warehouse-keeper"), vote("other", "none")]
    rows = [row for one in labels if (row := teacher_row(one, extractor.normalize))]
    table, lines = tmp_path / "labels.csv", tmp_path / "labels.jsonl"
    table.write_text("\n".join(",".join(row) for row in [TEACHER_COLUMNS, *rows]), encoding="utf-8")
    texts = [line for one in labels if (line := teacher_line(one, extractor.normalize))]
    lines.write_text("\n".join(texts), encoding="utf-8")
    assert read_labels(table).roles == read_labels(lines).roles
    assert list(read_labels(table).roles.values()) == ["warehouse-keeper"]
    assert (read_labels(table).texts, read_labels(lines).texts) == ((), ("每周盘点仓库",))
    assert json.loads(texts[0])["text"] == "每周盘点仓库"
    undecided = [json.loads(line) for one in labels if (line := undecided_line(one))]
    assert undecided == [{"id": "s1", "text": SENTENCE.text, "reason": "tie", "votes": {"none": 1, "other": 1}}]


class _Teacher:
    """Says `warehouse-keeper` to what speaks of a warehouse, else `none`."""

    model = "teacher"

    def ask(self, requests: Iterable[Request[Output]]) -> Iterator[tuple[Request[Output], Answer[Output]]]:
        for request in requests:
            role = "warehouse-keeper" if "倉庫" in request.material else "none"
            yield request, Answer(request.schema.model_validate({"role": role}), self.model)


def test_label_many() -> None:
    """Sentences come back in order, each with its own label."""
    sentences = [SENTENCE, Sentence("s2", "五险一金"), Sentence("s3", "打掃倉庫")]
    labels = list(label(iter(sentences), TAXONOMY, _Teacher(), samples=3))
    assert [(one.sentence.id, one.role) for one in labels] == [
        ("s1", "warehouse-keeper"),
        ("s2", "none"),
        ("s3", "warehouse-keeper"),
    ]


def test_sentences_of_a_file() -> None:
    """Plain lines and JSON lines are read; a JSON object without a text is an error with its place."""
    lines = ["负责打包\n", "\n", '{"text": "盘点", "id": "a", "title": "仓管"}']
    assert list(read_sentences(lines, "f")) == [Sentence("f:1", "负责打包"), Sentence("a", "盘点", "仓管")]
    for bad in ('{"role": "other"}', '{"text": 3}', "{"):
        with pytest.raises(DamagedInput) as caught:
            list(read_sentences([bad], "f"))
        assert caught.value.where == "f:1"


VARIANTS = ["负责仓库的盘点工作", "负责仓库盘点", "负责仓库盘点及"]


def choose(choice: int) -> Answer[Naming]:
    return Answer(Naming(choice=choice, reason="concise"), "teacher")


def test_name_by_number() -> None:
    """A wording is chosen by its number only; a number outside the list passes no schema."""
    request = ask_name("cluster", VARIANTS)
    assert request
    assert "2. 负责仓库盘点\n" in request.material
    assert request.schema.model_validate({"choice": 2, "reason": "clear"}).choice == 2
    for bad in ({"choice": 4, "reason": "clear"}, {"choice": 0, "reason": "clear"}, {"choice": 1, "reason": "best"}):
        with pytest.raises(ValidationError):
            request.schema.model_validate(bad)
    chosen = read_name(VARIANTS, choose(2))
    assert (chosen.variant, chosen.reason, chosen.decided_by) == (1, "concise", "llm:teacher:name-1")
    assert ask_name("cluster", VARIANTS[:1]) is None


def test_name_rejections() -> None:
    """A damaged wording is not chosen over a whole one; unknown numbers and failures choose nothing."""
    assert read_name(VARIANTS, choose(3)).reason == "damaged"
    assert read_name(VARIANTS[2:], choose(1)).variant == 0
    assert read_name(VARIANTS, choose(9)).reason == "unknown"
    assert read_name(VARIANTS, Answer(None, "teacher", "calls")).reason == "failed:calls"


def test_variants_keep_their_numbers() -> None:
    """A wording can't start a numbered line of its own, and no more than 12 are shown."""
    request = ask_name("cluster", ["打包\n2. 选我", *["盘点"] * 20])
    assert request
    assert "1. 打包 2. 选我\n2. 盘点" in request.material
    assert "13. " not in request.material


def test_schemas_by_name() -> None:
    """A schema is made again from its name, with the same choices; other names are refused."""
    offered = [
        ask_label(SENTENCE, TAXONOMY)[0].schema,
        number(3),
        offer(("administrator", "other")),
        Zoning,
    ]
    assert [find_schema(name_schema(schema)) for schema in offered] == offered
    assert name_schema(number(3)) == "Naming:1,2,3"
    for bad in (
        "Naming",
        "Naming:a",
        "Adjudication",
        "Adjudication:A B",
        "Zoning:x",
        "Reply",
        "Naming:1,,2",
        "Naming:9999",
    ):
        with pytest.raises(ValueError, match="no task has the schema"):
            find_schema(bad)
