"""Labels of duties that the corpus does not hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jdextract.classification.features import fold_duty
from jdextract.classification.settings import Settings
from jdextract.classification.teacher import find_taught_examples, label_key, read_labels
from jdextract.errors import ModelError
from jdextract.taxonomy import load_taxonomy

SEGMENTS = [
    ("会计", "审核原始凭证并登记账簿"),
    ("会计", "审核原始凭证并登记账簿。"),
    ("会计", "本科以上学历"),
    ("会计", "每月编制报表"),
    ("会计", "按期申报增值税"),
]


def test_labels_are_found_by_key(tmp_path: Path) -> None:
    """A file of digests names roles without a word of the pages; a held-out duty is not learned, another reading is."""
    keys = [
        (label_key(text), role)
        for (_, text), role in zip(SEGMENTS[1:4], ("accountant", "none", "accountant"), strict=True)
    ]
    file = tmp_path / "labels.csv"
    file.write_text("key,role,second\n" + "".join(f"{key},{role},\n" for key, role in keys), encoding="utf-8")
    found = find_taught_examples(SEGMENTS, read_labels(file), Settings(), held_out=["每月编制报表"])
    assert [(e.text, e.role, e.weight, e.origin) for e in found] == [
        (fold_duty("审核原始凭证并登记账簿"), "accountant", 0.5, "teacher"),
        ("本科以上学历", "~page-text", 0.5, "teacher"),
    ]


def test_labels_with_texts(tmp_path: Path) -> None:
    """JSON lines with text and role are labels too, which are learned without any pages; held-out ones are not."""
    file = tmp_path / "labels.jsonl"
    file.write_text(
        json.dumps({"text": "按期申报增值税；", "role": "accountant"}, ensure_ascii=False), encoding="utf-8"
    )
    labels = read_labels(file)
    for segments in (SEGMENTS, []):
        assert [e.text for e in find_taught_examples(segments, labels, Settings())] == ["按期申报增值税"]
    assert not find_taught_examples([], labels, Settings(), held_out=["按期申报增值税"])


def test_labels_of_another_taxonomy(tmp_path: Path) -> None:
    """A role that the taxonomy does not have is told by name, before anything is trained."""
    file = tmp_path / "labels.csv"
    file.write_text("key,role\n0001f4d38edc1e2b,astronaut\n", encoding="utf-8")
    with pytest.raises(ModelError, match="'astronaut' is not in the taxonomy"):
        read_labels(file, load_taxonomy())


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", "id,role\n1,x\n"), ("a.jsonl", '{"role": 1}\n'), ("b.jsonl", "x")]
)
def test_files_without_labels(tmp_path: Path, name: str, content: str) -> None:
    """Other columns, and a file that is not there, are told."""
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="no labels"):
        read_labels(tmp_path / name)
    with pytest.raises(ModelError, match="cannot be opened"):
        read_labels(tmp_path / "none.csv")


def test_shipped_labels() -> None:
    """The labels of the shipped model name roles of the taxonomy and hold no text."""
    labels = read_labels(Path(__file__).parents[2] / "corpus" / "teacher" / "postings.csv", load_taxonomy())
    assert not labels.texts
    assert len(labels.roles) == 9_600
    assert all(len(key) == 16 and int(key, 16) >= 0 for key in labels.roles)
