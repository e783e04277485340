"""Gold and stand-in models for tests of the evaluation: roles are told by signs, documents are read by their marks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jdextract.annotation import GoldDocument
from jdextract.assessment import Assessment, assess
from jdextract.assessment.gold import Gold, GoldPage, LabelledSentence
from jdextract.assessment.measurement import Draws
from jdextract.pipeline import Pipeline
from jdextract.records import Evidence, Role, RoleCandidate
from jdextract.taxonomy import load_taxonomy
from tests.samples import HANS, HANT, MIXED, StandInClassifier, StandInExtractor, gold, source_of

TAXONOMY = load_taxonomy()
FAMILIES = {role: TAXONOMY.family_of(role) for role in TAXONOMY.role_ids}
DRAWS = Draws(100)
SIGNS = {"凭证": "accountant", "客户": "customer-service", "仓": "warehouse-keeper", "图": "visual-designer"}
# Every role a few times, two copies of one template, one sentence that the stand-in gets wrong and one that is no duty.
SENTENCES = [
    ("审核凭证并登记账簿", "accountant"),
    ("整理原始凭证", "accountant"),
    ("接待淘宝店铺的客户咨询", "customer-service"),
    ("接待京东店铺的客户咨询", "customer-service"),
    ("回访老客户", "user-operations"),
    ("清点仓内货物", "warehouse-keeper"),
    ("制作详情页图片", "visual-designer"),
    ("熟悉客户心理者优先", "none"),
]


class SignClassifier(StandInClassifier):
    """The role of the first sign that stands in a sentence; abstains without one, and where its score is low."""

    def __init__(self, signs: dict[str, str] = SIGNS, version: str = "signs-1") -> None:
        self.signs = signs
        self.model = SimpleNamespace(version=version)

    def classify(self, texts: Sequence[str]) -> list[Role]:
        return [self._role(text) for text in texts]

    def _role(self, text: str) -> Role:
        found = [role for sign, role in self.signs.items() if sign in text]
        best, *others = [*found, "other", "merchandising", "administrator"]
        return Role(
            id=best,
            family=FAMILIES[best],
            score=0.9 if found else 0.3,
            status="assigned" if found else "abstained",
            alternatives=tuple(RoleCandidate(id=id_, family=FAMILIES[id_], score=0.01) for id_ in others[:3]),
            decided_by="signs",
        )

    def find_evidence(self, texts: Sequence[str], roles: Sequence[Role], top: int) -> list[tuple[Evidence, ...]]:
        return [
            tuple(Evidence(text=" ".join(sign), weight=1.0) for sign, role in self.signs.items() if role == given.id)
            for given in roles
        ]


def make_sign_pipeline(*documents: GoldDocument, signs: dict[str, str] = SIGNS, version: str = "signs-1") -> Pipeline:
    """A pipeline that finds in documents what is marked there, and roles by signs."""
    pipeline = Pipeline()
    pipeline.__dict__["extractor"] = StandInExtractor({document.text: document for document in documents})
    pipeline.__dict__["classifier"] = SignClassifier(signs, version)
    return pipeline


def label(rows: Sequence[tuple[str, str]], **given: str | None) -> list[LabelledSentence]:
    return [
        LabelledSentence(f"s{i}", text, role, f"rows.jsonl:{i}", "rows", **given)  # type: ignore[arg-type]
        for i, (text, role) in enumerate(rows)
    ]


def assess_rows(rows: Sequence[tuple[str, str]] = SENTENCES, **given: Any) -> Assessment:
    return assess(Gold(sentences=label(rows)), make_sign_pipeline(), TAXONOMY, draws=DRAWS, **given)


def write_rows(path: Path, rows: Sequence[tuple[str, str]] = SENTENCES, **more: str) -> Path:
    lines = [json.dumps({"text": text, "role": role, **more}, ensure_ascii=False) for text, role in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def make_gold(*documents: GoldDocument) -> Gold:
    return Gold(pages=[GoldPage(d, source_of(d.text, f"{d.name}.txt"), "corpus") for d in documents])


@cache
def assess_all() -> Assessment:
    """Documents, sentences and a baseline at once."""
    documents = [gold(name) for name in (HANS, HANT, MIXED)]
    given = make_gold(*documents)
    given.sentences = label(SENTENCES, title="客户专员", industry="retail")
    return assess(
        given,
        make_sign_pipeline(*documents),
        TAXONOMY,
        baseline=make_sign_pipeline(*documents, signs={}, version="blind"),
        draws=DRAWS,
        inputs=["gold", "rows.jsonl"],
    )


def assess_around(text: str) -> Assessment:
    """Rows with this text in every value that a user's file can bring in."""
    row = LabelledSentence(
        id=f"i{text}",
        text=f"回访{text}客户",
        role="user-operations",
        place=f"p{text}",
        source=f"s{text}",
        title=f"t{text}",
        script=None,
        region=None,
        register=f"r{text}",
        industry=f"n{text}",
    )
    stray = replace(row, role="none", id="stray", text=f"熟悉{text}客户者优先")
    plain = replace(row, id="plain", source="rows", register="terse", industry="retail", role="customer-service")
    rows = [row, stray, plain]
    return assess(Gold(sentences=rows), make_sign_pipeline(), TAXONOMY, draws=DRAWS, inputs=[f"in{text}"])
