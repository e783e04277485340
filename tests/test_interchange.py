"""Annotated documents and the formats of annotation tools carry the same information, exact to the code point."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.annotation import GoldDocument, GoldRecord, Labelled, parse_marks, write_marks
from jdextract.errors import ConfigError, JdextractError
from jdextract.interchange import FORMATS, Format, export_documents, import_documents, make_interface
from jdextract.interchange.docbin import GROUPS
from jdextract.interchange.regions import KINDS, WITH_ROLE
from jdextract.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
# What counts differently in code points, UTF-16 units, grapheme clusters and bytes, and what programs like to change.
ATOMS = (
    *(
        "售後",
        "客服",
        "負責",
        "瞭解",
        "台灣",
        "负责",
        "处理",
        "a",
        "1",
        ";",
        "。",
        ":",
        "|",
        "\\n",
        '"',
        "<b>",
        "&amp;",
    ),
    *("😀", "👨‍👩‍👧", "👍🏽", "🇹🇼", "𠮷野家", "𪚥", "葛\U000e0100", "e\u0301", "が", "か\u3099", "\u200b", "\ufeff"),
    *(" ", "\u3000", "\r\n", "\n", "\r", "\t", "\u2028", "\x85", "\x0b", "\x00"),
)
MIXED = (
    "\r\n😀急聘⟦T customer-service|售後客服👩🏽‍💻⟧⟦H|２⟧名\r\n1、⟦D aftersales-service|處理退換貨😀，安撫買家⟧；\n"
    "⟦R|會講臺語，𠮷日可上班⟧。⟦C|底薪5000元😀起⟧\r\n⟦N warehouse-keeper⟧ \n職責：⟦D warehouse-keeper|e\u0301清点入库⟧"
    "⟦T accountant|会计⟧"
)


def texts(smallest: int = 0) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(ATOMS), min_size=smallest, max_size=6).map("".join)


def bodies() -> st.SearchStrategy[str]:
    return texts(1).map(str.strip).filter(lambda body: bool(body) and body[-1] not in ";；。")


@st.composite
def documents(draw: st.DrawFn) -> GoldDocument:
    """Documents in the format of marks, with every kind of value in any order."""
    role = st.sampled_from(TAXONOMY.role_ids)
    parts = [draw(texts())]
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            parts.append(f"⟦T {draw(role)}|{draw(bodies())}⟧")
        else:
            parts.append(f"⟦N {draw(role)}⟧")
        values = draw(st.lists(st.sampled_from("DRC"), max_size=4))
        if draw(st.booleans()):
            values.insert(draw(st.integers(0, len(values))), "H")
        for kind in values:
            body = draw(st.sampled_from(["1", "20", "３"])) if kind == "H" else draw(bodies())
            head = f"D {draw(role)}" if kind == "D" else kind
            parts.append(f"{draw(texts())}⟦{head}|{body}⟧")
        parts.append("招" + draw(texts()))
    return parse_marks("".join(parts), "page")


def imported(data: bytes, form: Format, **options: Any) -> GoldDocument:
    """The only document of a file."""
    found = import_documents(data, form, TAXONOMY, where="file", **options)
    assert not found.failures, found.failures
    (document,) = found.documents
    return document


def failure(data: bytes, form: Format, **options: Any) -> JdextractError:
    """The only failure of a file without documents."""
    found = import_documents(data, form, TAXONOMY, where="file", **options)
    assert not found.documents
    (error,) = found.failures
    return error


@pytest.mark.parametrize("form", FORMATS)
def test_the_corpus_comes_back(form: Format, corpus_documents: list[GoldDocument]) -> None:
    """Every document of the corpus: text, spans, records in order, lost titles, headcounts."""
    found = import_documents(export_documents(corpus_documents, form, TAXONOMY), form, TAXONOMY)
    assert found.documents == tuple(corpus_documents)
    assert not found.failures


@pytest.mark.parametrize("form", FORMATS)
@settings(deadline=None)
@given(document=documents())
def test_any_document_comes_back(form: Format, document: GoldDocument) -> None:
    """Traditional text, emoji, rare Han, combining characters, CRLF, control characters."""
    back = imported(export_documents([document], form, TAXONOMY), form)
    assert back == document
    assert write_marks(back) == write_marks(document)


@settings(deadline=None)
@given(document=documents())
def test_both_units_come_back(document: GoldDocument) -> None:
    """Files that count code points and files that count UTF-16 units, when both sides say which."""
    for form in ("label-studio", "doccano"):
        for unit in ("code-point", "utf-16"):
            data = export_documents([document], form, TAXONOMY, unit)  # type: ignore[arg-type]
            assert imported(data, form, offsets=unit) == document  # type: ignore[arg-type]


def test_label_studio_offsets_are_code_points() -> None:
    """Python slices of the task's text are the values, also behind emoji and CRLF."""
    document = parse_marks(MIXED, "page")
    (task,) = json.loads(export_documents([document], "label-studio", TAXONOMY))
    text, results = task["data"]["text"], task["annotations"][0]["result"]
    found = {
        (r["value"]["labels"][0], text[r["value"]["start"] : r["value"]["end"]])
        for r in results
        if r["type"] == "labels"
    }
    assert ("title", "售後客服👩🏽‍💻") in found
    assert ("requirement", "會講臺語，𠮷日可上班") in found
    assert ("duty", "e\u0301清点入库") in found


def test_doccano_offsets_are_utf16_units() -> None:
    """Slices as JavaScript makes them are the values, because the editor of doccano makes them so."""
    document = parse_marks(MIXED, "page")
    line = json.loads(export_documents([document], "doccano", TAXONOMY))
    units = line["text"].encode("utf-16-le")
    found = {(label, units[2 * start : 2 * end].decode("utf-16-le")) for start, end, label in line["label"]}
    assert ("title:customer-service", "售後客服👩🏽‍💻") in found
    assert ("requirement", "會講臺語，𠮷日可上班") in found
    assert ("duty:warehouse-keeper", "e\u0301清点入库") in found
    assert len(line["text"]) < len(units) // 2


def test_spacy_reads_the_docbin() -> None:
    """A blank Chinese pipeline sees the text and the span groups, with roles as labels and records as ids."""
    import spacy
    from spacy.tokens import DocBin

    document = parse_marks(MIXED, "page")
    (doc,) = DocBin().from_bytes(export_documents([document], "spacy", TAXONOMY)).get_docs(spacy.blank("zh").vocab)
    assert doc.text == document.text
    assert [(s.text, s.label_, s.id_) for s in doc.spans["titles"]] == [
        ("售後客服👩🏽‍💻", "customer-service", "1"),
        ("会计", "accountant", "3"),
    ]
    assert [(s.text, s.label_, s.id_) for s in doc.spans["duties"]] == [
        ("處理退換貨😀，安撫買家", "aftersales-service", "1"),
        ("e\u0301清点入库", "warehouse-keeper", "2"),
    ]
    assert [s.text for s in doc.spans["headcounts"]] == ["２"]
    assert [(s.start_char, s.label_) for s in doc.spans["untitled"]] == [
        (document.records[1].start, "warehouse-keeper")
    ]


def test_spans_of_other_tokens_are_read() -> None:
    """A DocBin whose tokens are words and whose spans carry no ids gives the same gold."""
    from spacy.tokens import Doc, DocBin, Span
    from spacy.vocab import Vocab

    doc = Doc(Vocab(), words=["😀", "会计", "负责", "做账"], spaces=[True, True, True, False])
    doc.spans["titles"] = [Span(doc, 1, 2, label="accountant")]
    doc.spans["duties"] = [Span(doc, 2, 4, label="accountant")]
    doc.user_data["name"] = "page"
    document = imported(DocBin(store_user_data=True, docs=[doc]).to_bytes(), "spacy")
    assert write_marks(document) == "😀 ⟦T accountant|会计⟧ ⟦D accountant|负责 做账⟧"


def test_an_export_of_label_studio_is_read() -> None:
    """What the tool adds is left alone: ids, users, a skipped annotation, predictions; results in any order; line breaks
    of a region written as backslash and n, spaces run together."""
    text = "😀诚聘\r\n会计\r\n负责  做账，\n报税。"
    at = text.index("负责")
    region = {"start": at, "end": at + 10, "text": "负责 做账，\\n报税"}
    common = {"to_name": "text", "origin": "manual"}
    result = [
        {
            "value": {**region, "choices": ["accountant"]},
            "id": "Xy_1",
            "from_name": "role",
            "type": "choices",
            **common,
        },
        {"value": {**region, "labels": ["duty"]}, "id": "Xy_1", "from_name": "label", "type": "labels", **common},
        {"value": {"start": 5, "end": 7, "labels": ["title"]}, "id": "b", "from_name": "label", "type": "labels"},
        {"value": {"start": 5, "end": 7, "choices": ["accountant"]}, "id": "b", "from_name": "role", "type": "choices"},
    ]
    task = {
        "id": 7,
        "annotations": [
            {"id": 1, "completed_by": 1, "result": [], "was_cancelled": True},
            {"id": 2, "completed_by": 1, "result": result, "was_cancelled": False, "lead_time": 3.2},
        ],
        "predictions": [{"result": [{"type": "labels"}]}],
        "data": {"text": text, "name": "page", "source": "web"},
        "project": 1,
    }
    document = imported(json.dumps([task]).encode(), "label-studio")
    assert write_marks(document) == "😀诚聘\r\n⟦T accountant|会计⟧\r\n⟦D accountant|负责  做账，\n报税⟧。"


def test_wrong_units_are_found_by_the_text_of_regions() -> None:
    """A Label Studio file that counts UTF-16 units is not read as code points, and the message says what to do."""
    document = parse_marks("😀⟦T accountant|会计⟧：⟦D accountant|负责做账⟧，月结。", "page")
    data = export_documents([document], "label-studio", TAXONOMY, "utf-16")
    error = failure(data, "label-studio")
    assert "计：" in error.what
    assert error.hint.endswith("--offsets utf-16")
    assert imported(data, "label-studio", offsets="utf-16") == document


def test_an_export_with_entities_is_read() -> None:
    """doccano projects with relations export `entities`; other keys are metadata. U+2028 ends no line."""
    line = {
        "id": 3,
        "name": "page",
        "text": "😀会计\u2028负责做账",
        "entities": [
            {"id": 9, "label": "duty:accountant", "start_offset": 5, "end_offset": 9},
            {"id": 8, "label": "title:accountant", "start_offset": 2, "end_offset": 4},
        ],
        "relations": [],
        "Comments": [],
    }
    document = imported(json.dumps(line, ensure_ascii=False).encode() + b"\n\n", "doccano")
    assert write_marks(document) == "😀⟦T accountant|会计⟧\u2028⟦D accountant|负责做账⟧"


def test_the_interface_has_every_label_and_role() -> None:
    """Labels are the kinds, choices are the roles of the taxonomy by id, shown once each; names are those of the results."""
    view = ElementTree.fromstring(make_interface(TAXONOMY))
    assert [label.get("value") for label in view.iter("Label")] == list(KINDS)
    choices = list(view.iter("Choice"))
    assert [choice.get("alias") for choice in choices] == list(TAXONOMY.role_ids)
    assert len({choice.get("value") for choice in choices}) == len(choices)
    (shown,) = (v for v in view.iter("View") if v.get("visibleWhen"))
    assert (shown.get("whenLabelValue") or "").split(",") == list(WITH_ROLE)
    (task,) = json.loads(export_documents([parse_marks(MIXED, "page")], "label-studio", TAXONOMY))
    named = {(tag.get("name"), tag.get("toName")) for tag in view.iter() if tag.get("toName")}
    assert {(r["from_name"], r["to_name"]) for r in task["annotations"][0]["result"]} == named
    (text,) = view.iter("Text")
    assert (text.get("name"), text.get("value")) == ("text", "$text")
    assert set(GROUPS.values()) == set(KINDS)


Spans = list[list[Any]]
LINE = {"name": "page", "text": "会计：负责做账，出纳：付款。招2人"}
GOOD: Spans = [[0, 2, "title:accountant"], [3, 7, "duty:accountant"], [8, 10, "title:cashier-settlement"]]


def as_doccano(spans: Spans, **fields: Any) -> bytes:
    return json.dumps({**LINE, "label": spans, **fields}).encode()


def as_label_studio(spans: Spans, **fields: Any) -> bytes:
    results = []
    for number, (start, end, label) in enumerate(spans):
        kind, _, role = label.partition(":")
        value = {"start": start, "end": end}
        results.append({"id": f"r{number}", "type": "labels", "value": {**value, "labels": [kind]}})
        if role:
            results.append({"id": f"r{number}", "type": "choices", "value": {**value, "choices": [role]}})
    return json.dumps([{"data": {**LINE, **fields}, "annotations": [{"result": results}]}]).encode()


@pytest.mark.parametrize("write", [as_doccano, as_label_studio])
@pytest.mark.parametrize(
    ("spans", "what", "place"),
    [
        ([*GOOD, [11, 18, "duty:accountant"]], "past the end, 17", ""),
        ([*GOOD, [11, 11, "duty:accountant"]], "empty", ""),
        ([*GOOD, [-1, 3, "duty:accountant"]], "empty or past", ""),
        ([*GOOD, [11, 13, "task:accountant"]], "unknown label 'task", ""),
        ([*GOOD, [11, 13, "duty:astronaut"]], "'astronaut' is not in the taxonomy", "duty 11-13 '付款'"),
        ([*GOOD, [11, 13, "duty"]], "no role", "duty 11-13 '付款'"),
        ([*GOOD, [11, 13, "requirement:accountant"]], "has a role", "requirement 11-13 '付款'"),
        (GOOD[1:], "before the first record", "duty 3-7 '负责做账'"),
        ([*GOOD, [5, 9, "duty:accountant"]], "overlaps", "duty 5-9"),
        ([*GOOD, [4, 5, "untitled:accountant"]], "overlaps", "untitled 4-5"),
        ([*GOOD, [8, 9, "untitled:accountant"]], "where another one starts", "title 8-10"),
        ([*GOOD, [11, 14, "duty:accountant"]], "closing mark", "付款。"),
        ([*GOOD, [15, 16, "headcount"], [16, 17, "headcount"]], "second headcount", "headcount 16-17 '人'"),
        ([*GOOD, [16, 17, "headcount"]], "digits only", "人"),
    ],
)
def test_a_region_that_does_not_fit_is_named(
    write: Callable[[Spans], bytes], spans: Spans, what: str, place: str
) -> None:
    """What is wrong, in which file, document and region; nothing is made of the document."""
    form: Format = "doccano" if write is as_doccano else "label-studio"
    assert len(imported(write(GOOD), form).records) == 2
    error = failure(write(spans), form)
    assert what in str(error)
    assert error.where.startswith("file")
    assert "page" in error.where
    assert place in error.where


@pytest.mark.parametrize("form", ["doccano", "label-studio"])
def test_half_an_emoji_is_no_place(form: Format) -> None:
    """An offset between the two units of one character."""
    write = as_doccano if form == "doccano" else as_label_studio
    error = failure(write([[0, 2, "title:accountant"]], text="会😀计"), form, offsets="utf-16")
    assert "cuts a character in two" in error.what


@pytest.mark.parametrize("write", [as_doccano, as_label_studio])
@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"name": "../../etc/passwd"}, "can't be a file name"),
        ({"name": ".."}, "can't be a file name"),
        ({"name": "a\x1b[31m"}, "can't be a file name"),
        ({"name": None}, "name: Input should be a valid string"),
        ({"text": "会计：负责做账，出纳\ud83d付款"}, "half characters"),
        ({"text": "会计：负责做账，出纳⟦D a"}, "a broken mark"),
        ({"text": "会计：负责做账，出纳⟦R|b⟧"}, "the text itself has marks"),
    ],
)
def test_a_page_that_does_not_fit_is_named(write: Callable[..., bytes], fields: dict[str, Any], what: str) -> None:
    """Names that leave the folder, texts that marks or UTF-8 can't hold."""
    form: Format = "doccano" if write is as_doccano else "label-studio"
    assert what in str(failure(write(GOOD, **fields), form))


def change_task(**changes: Any) -> bytes:
    (task,) = json.loads(as_label_studio(GOOD))
    task["annotations"][0]["result"] += changes.pop("more", [])
    return json.dumps([{**task, **changes}]).encode()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (change_task(annotations=[]), "0 annotations"),
        (change_task(annotations=[{"result": []}, {"result": []}]), "2 annotations"),
        (change_task(annotations=[{"result": [], "was_cancelled": True}]), "0 annotations"),
        (change_task(more=[{"type": "relation", "from_id": "r0", "to_id": "r1"}]), "type 'relation'"),
        (change_task(more=[{"id": "n", "type": "textarea", "value": {"text": ["?"]}}]), "type 'textarea'"),
        (change_task(more=[{"id": "n", "type": "choices", "value": {"choices": ["other"]}}]), "without its region"),
        (change_task(more=[{"id": "r0", "type": "choices", "value": {"choices": ["other"]}}]), "a second role"),
        (
            change_task(more=[{"id": "n", "type": "labels", "value": {"start": 11, "end": 13, "labels": []}}]),
            "0 values instead of one",
        ),
        (
            change_task(more=[{"id": "r0", "type": "labels", "value": {"start": 0, "end": 2, "labels": ["duty"]}}]),
            "two",
        ),
        (change_task(more=[{"id": "n", "type": "labels", "value": {"start": "0", "end": 2}}]), "valid integer"),
        (b'[{"id": 1, "text": "x", "name": "y", "label": [], "role": []}]', "data: Field required"),
    ],
)
def test_a_task_that_does_not_fit_is_named(data: bytes, what: str) -> None:
    """What Label Studio can hold and gold can't, and the export that has lost half of it."""
    error = failure(data, "label-studio")
    assert what in str(error)
    assert error.where.startswith("file task 1")


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"relations": [{"from_id": 1, "to_id": 2, "type": "x"}]}, "1 relations"),
        ({"entities": []}, "either `label` or `entities`"),
        ({"label": None}, "either `label` or `entities`"),
        ({"label": [[0, 2]]}, "label.0"),
    ],
)
def test_a_line_that_does_not_fit_is_named(fields: dict[str, Any], what: str) -> None:
    """Relations, both forms or none, half a span."""
    assert what in str(failure(as_doccano(GOOD, **fields), "doccano"))


def change_doc(change: Callable[[Any, Any], None]) -> bytes:
    from spacy.tokens import DocBin, Span
    from spacy.vocab import Vocab

    document = parse_marks("⟦T accountant|会计⟧做账。⟦D accountant|报税⟧⟦T other|保安⟧⟦R|本科⟧", "page")
    (doc,) = DocBin().from_bytes(export_documents([document], "spacy", TAXONOMY)).get_docs(Vocab())
    change(doc, Span)
    return DocBin(attrs=["ORTH"], store_user_data=True, docs=[doc]).to_bytes()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda doc, span: doc.user_data.clear(), "user_data"),
        (lambda doc, span: doc.spans.update(sc=[span(doc, 2, 4, label="duty")]), "unknown span group 'sc'"),
        (lambda doc, span: doc.spans.update(requirements=[span(doc, 9, 11, label="skill")]), "unknown label 'skill'"),
        (lambda doc, span: doc.spans.update(duties=[span(doc, 2, 4, label="skill")]), "'skill' is not in the taxonomy"),
        (lambda doc, span: doc.spans.update(titles=[]), "before the first record"),
        (lambda doc, span: doc.spans.update(duties=[span(doc, 2, 2, label="other")]), "is empty"),
        (
            lambda doc, span: doc.spans.update(duties=[span(doc, 5, 7, label="other", span_id="2")]),
            "names record '2' but stands in another one",
        ),
        (
            lambda doc, span: doc.spans.update(
                titles=[span(doc, 0, 2, label="other", span_id="1"), span(doc, 7, 9, label="other")],
                requirements=[span(doc, 9, 11, label="requirement", span_id="1")],
            ),
            "names record '1' but stands in another one",
        ),
    ],
)
def test_a_doc_that_does_not_fit_is_named(change: Callable[[Any, Any], None], what: str) -> None:
    """Groups, labels, places and record ids that do not go together."""
    error = failure(change_doc(change), "spacy")
    assert what in str(error)
    assert error.where.startswith("file document 1")


def test_a_doc_without_its_spaces_is_refused() -> None:
    """spaCy would put a space behind every token."""
    from spacy.tokens import Doc, DocBin
    from spacy.vocab import Vocab

    doc = Doc(Vocab(), words=["会", "计"])
    doc.user_data["name"] = "page"
    assert "spaces" in failure(DocBin(store_user_data=True, docs=[doc]).to_bytes(), "spacy").what


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("data", [b"\xff\x00", b"{", b'{"data": 1}\n{', b"[" * 100_000, b"\x80"])
def test_another_file_is_an_error(form: Format, data: bytes) -> None:
    """Bytes that are not of the format, also such as make parsers give up."""
    with pytest.raises(JdextractError, match="file"):
        import_documents(data, form, TAXONOMY, where="file")


def test_the_others_are_kept_and_names_stand_once() -> None:
    """One wrong line, one double name: two failures with their lines, one document."""
    data = b"\n".join([as_doccano(GOOD), as_doccano(GOOD[1:], name="other"), as_doccano(GOOD)])
    found = import_documents(data, "doccano", TAXONOMY, where="file")
    assert [document.name for document in found.documents] == ["page"]
    assert [error.where.split()[0] for error in found.failures] == ["file:2", "file:3"]
    assert "second document named 'page'" in found.failures[1].what


def gold(text: str, *records: GoldRecord) -> GoldDocument:
    return GoldDocument("page", text, records)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("document", "what"),
    [
        (gold("会计", GoldRecord(None, "accountant", 2)), "at the end of the text"),
        (gold("会计", GoldRecord(None, "accountant", 0), GoldRecord(None, "other", 0)), "where another one starts"),
        (gold("会计", GoldRecord(None, "astronaut", 0)), "'astronaut' is not in the taxonomy"),
        (gold("会计", GoldRecord(Labelled("会計", (0, 2), "accountant"), "accountant", 0)), "can't hold it"),
        (gold("会计", GoldRecord(Labelled("会计", (0, 2), "other"), "accountant", 0)), "can't hold it"),
        (gold("会计", GoldRecord(None, "other", 0, compensation=[Labelled("", (1, 1))])), "is empty"),
        (gold("会计", GoldRecord(None, "other", 0, requirements=[Labelled("会", (0, 1), "other")])), "has a role"),
        (gold("会计", GoldRecord(None, "other", 1, requirements=[Labelled("会", (0, 1))])), "before the first record"),
    ],
)
def test_what_would_not_come_back_is_not_exported(form: Format, document: GoldDocument, what: str) -> None:
    """The document is named, before any file is made."""
    with pytest.raises(JdextractError, match=what) as error:
        export_documents([document], form, TAXONOMY)
    assert "page" in error.value.where


def test_a_docbin_has_no_unit() -> None:
    """A unit of offsets is refused, not ignored."""
    data = export_documents([parse_marks(MIXED, "page")], "spacy", TAXONOMY)
    with pytest.raises(ConfigError, match="tokens"):
        export_documents([], "spacy", TAXONOMY, "utf-16")
    with pytest.raises(ConfigError, match="tokens"):
        import_documents(data, "spacy", TAXONOMY, "utf-16")
