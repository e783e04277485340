"""What the sequence model is trained on besides whole documents."""

from __future__ import annotations

from jdextract.annotation import GoldDocument, gold_json, parse_marks
from jdextract.extraction.extractor import Extractor
from jdextract.extraction.script import fold
from jdextract.extraction.training import cut_copies, find_fold, prepare

MARKED = """示例公司岗位说明
下载本文档
⟦T cashier-settlement|出纳⟧
岗位职责:
1.⟦D cashier-settlement|办理现金收付⟧。
2.⟦D cashier-settlement|核对银行账户余额⟧。
任职要求:
1.⟦R|会计专业⟧;
2.⟦R|做事细致⟧
⟦C|月薪6000元⟧
版权归原作者所有"""


def test_copies_end_behind_a_list() -> None:
    """One copy ends behind the duties and one behind the requirements; both begin with the title, later marks are gone."""
    duties, requirements = cut_copies(parse_marks(MARKED, "made-up"))
    assert duties.text == "出纳\n岗位职责:\n1.办理现金收付。\n2.核对银行账户余额。"
    assert requirements.text == duties.text + "\n任职要求:\n1.会计专业;\n2.做事细致"
    (record,) = gold_json(duties)["records"]
    assert (record["title"], len(record["duties"])) == ("出纳", 2)
    assert not record["requirements"]
    (record,) = gold_json(requirements)["records"]
    assert record["requirements"] == ["会计专业", "做事细致"]
    assert not record["compensation"]


def test_copies_of_the_corpus(corpus_documents: list[GoldDocument]) -> None:
    """Copies are parts of their document, end in a value, hold their marks at the right places, and share its fold."""
    copied = 0
    for document in corpus_documents:
        for copy in cut_copies(document):
            copied += 1
            values = [v for r in copy.records for v in (r.title, *r.duties, *r.requirements, *r.compensation) if v]
            assert copy.text in document.text
            assert len(copy.text) - max(value.span[1] for value in values) <= 1
            assert all(copy.text[slice(*value.span)] == value.text for value in values)
            assert find_fold(copy.name) == find_fold(document.name)
        assert cut_copies(document) == cut_copies(document)
    assert copied > len(corpus_documents)


def test_last_atom_of_a_copy_is_a_value(corpus_documents: list[GoldDocument]) -> None:
    """The sequence model sees values at the end of pages: hardly a copy ends in an atom without one."""
    cut = Extractor().cut
    copies = [copy for document in corpus_documents[::8] for copy in cut_copies(document)]
    last = [prepare(copy, fold, cut).labels[-1] for copy in copies]
    assert sum(label[-1] in "DR" for label in last) > 0.95 * len(last)
