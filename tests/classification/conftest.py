from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from jdextract.annotation import GoldDocument, parse_marks
from jdextract.classification.classifier import Classifier
from jdextract.classification.model import DutyModel
from jdextract.classification.settings import Settings, TrainingSettings
from jdextract.classification.training import Example, read_corpus, train
from jdextract.pipeline import Pipeline
from jdextract.taxonomy import Taxonomy, load_taxonomy

DRAFT = Path(__file__).parents[2] / "corpus" / "duties" / "draft.jsonl"
ROLES = ("accountant", "customer-service", "other", "software-engineer", "visual-designer", "warehouse-keeper")
MARKED = (
    "岗位职责\n⟦T accountant|会计⟧\n⟦D accountant|每月编制利润表⟧;⟦D accountant|审核报销凭证⟧。\n任职要求\n"
    "⟦R|大专以上学历,熟悉办公软件⟧\n⟦R|两年以上相关工作经验⟧\n⟦C|月薪6000元⟧\n本站文档均由会员上传,请勿转载"
)


def cut(text: str) -> list[str]:
    """Pairs of characters: a stand-in for a segmenter that needs no dictionary."""
    return [text[i : i + 2] for i in range(0, len(text), 2)]


@dataclass(frozen=True)
class Small:
    """A corpus of six roles, small enough to be trained on in a test."""

    folder: Path
    documents: list[GoldDocument]
    taxonomy: Taxonomy
    settings: Settings

    def examples(self) -> list[Example]:
        return read_corpus(self.folder, self.documents, self.taxonomy, str, self.settings.training)

    def train(self) -> DutyModel:
        return train(self.examples(), self.documents, self.taxonomy, self.settings, cut=cut)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "duties").mkdir()
    rows = [json.loads(line) for line in DRAFT.read_text(encoding="utf-8").splitlines()]
    kept = [row for role in ROLES for row in [r for r in rows if r["role"] == role and r["script"] == "hans"][:25]]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
    (folder / "duties" / "few.jsonl").write_text(lines, encoding="utf-8")
    whole = load_taxonomy()
    fewer = whole.model_copy(update={"roles": tuple(role for role in whole.roles if role.id in ROLES)})
    settings = Settings(training=TrainingSettings(fewest=2))
    return Small(folder, [parse_marks(MARKED, "page")], Taxonomy.model_validate(fewer.model_dump()), settings)


@pytest.fixture(scope="session")
def small_model(small: Small) -> DutyModel:
    return small.train()


@pytest.fixture(scope="session")
def shipped(pipeline: Pipeline) -> Classifier:
    """The classifier of the package."""
    return pipeline.classifier
