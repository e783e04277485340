"""spaCy users get our stages as components."""

from __future__ import annotations

import spacy
from spacy.tokens import DocBin

from jdextract.annotation import GoldDocument
from jdextract.extraction.tokens import blank

TEXT = "客服专员岗位职责：1、接听来电，用千牛回复买家；2、处理退货。任职要求：1、大专以上；2、一年以上客服经验。"
PIPES = ("jdextract_segments", "jdextract_titles", "jdextract_duties", "jdextract_entities")


def test_entry_points() -> None:
    """The components are found by name in any pipeline, ours and spaCy's own, and their spans are exact."""
    for nlp in (blank(), spacy.blank("xx")):
        for pipe in PIPES:
            nlp.add_pipe(pipe)
        doc = nlp(TEXT)
        assert [s.text for s in doc.spans["titles"]] == ["客服专员"]
        assert [s.text for s in doc.spans["duties"]] == ["接听来电，用千牛回复买家", "处理退货"]
        assert [s.text for s in doc.spans["requirements"]] == ["大专以上", "一年以上客服经验"]


def test_entities() -> None:
    """Platforms, tools, metrics, certificates, experience and education are found in both scripts."""
    nlp = blank()
    nlp.add_pipe("jdextract_entities")
    found = {
        (e.text, e.label_)
        for e in nlp("負責蝦皮與淘寶店鋪，熟Photoshop，提升轉化率與ROI，有健康證，三年以上工作經驗，本科以上學歷").ents
    }
    assert {
        ("蝦皮", "PLATFORM"),
        ("淘寶", "PLATFORM"),
        ("Photoshop", "TOOL"),
        ("轉化率", "METRIC"),
        ("ROI", "METRIC"),
    } <= found
    assert {("健康證", "CERTIFICATE"), ("三年以上工作經驗", "EXPERIENCE"), ("本科以上學歷", "EDUCATION")} <= found


def test_doc_bin_keeps_what_was_found() -> None:
    """A DocBin with user data gives back span groups and records."""
    nlp = blank()
    for pipe in PIPES:
        nlp.add_pipe(pipe)
    bin_ = DocBin(docs=[nlp(TEXT)], store_user_data=True)
    doc = next(iter(DocBin().from_bytes(bin_.to_bytes()).get_docs(nlp.vocab)))
    assert [s.text for s in doc.spans["duties"]] == ["接听来电，用千牛回复买家", "处理退货"]
    assert doc.user_data["jdextract"]["records"][0]["headcount"] is None


def test_every_span_fits(corpus_documents: list[GoldDocument]) -> None:
    """In documents of all shapes no span is lost for lying inside a token."""
    nlp = blank()
    for pipe in PIPES[:3]:
        nlp.add_pipe(pipe)
    for document in corpus_documents[::9]:
        doc = nlp(document.text)
        assert doc.text == document.text
        found = doc.user_data["jdextract"]["records"]
        assert len(doc.spans["duties"]) == sum(len(r["duties"]) for r in found)


def test_components_of_others_keep_their_spans() -> None:
    """Entities and span groups set before ours keep their text, and components that join tokens may stand between."""
    nlp = spacy.blank("xx")  # its tokens are whole clauses, so every one of ours splits some
    ruler = nlp.add_pipe("span_ruler", config={"spans_key": "mine", "annotate_ents": True})
    ruler.add_patterns([{"label": "CLAUSE", "pattern": [{"TEXT": {"REGEX": "退货"}}]}])  # type: ignore[attr-defined]
    nlp.add_pipe("jdextract_titles")
    nlp.add_pipe("merge_entities")
    nlp.add_pipe("jdextract_duties")
    doc = nlp("客服专员 岗位职责：1、接听来电 2、处理退货\n")
    assert [span.text for span in doc.spans["titles"]] == ["客服专员"]
    assert [span.text for span in doc.spans["duties"]] == ["接听来电", "处理退货"]
    assert [span.text for span in doc.spans["mine"]] == [ent.text for ent in doc.ents] == ["2、处理退货"]
