"""Words, and spaCy documents made of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin

from jdextract.annotation import GoldDocument
from jdextract.config import TokensConfig
from jdextract.errors import ConfigError
from jdextract.extraction.script import fold, simplify
from jdextract.extraction.tokens import SourceTokenizer, blank, segmenter

FAST, REFERENCE = segmenter(TokensConfig()), segmenter(TokensConfig(engine="jieba"))
NLP = blank()


@settings(deadline=None)
@given(st.text(max_size=60))
def test_words_are_the_text(text: str) -> None:
    """Joined, the words of either engine are the text again."""
    assert "".join(FAST.cut(text)) == text
    assert "".join(REFERENCE.cut(text)) == text


def test_engines_agree(corpus_documents: list[GoldDocument]) -> None:
    """jieba in Rust cuts at least 99 % of the corpus' duties as jieba does."""
    duties = [fold(d.text) for doc in corpus_documents for r in doc.records for d in r.duties]
    same = sum(FAST.cut(text) == REFERENCE.cut(text) for text in duties)
    assert same >= 0.99 * len(duties)


def test_half_characters_are_cut_too() -> None:
    """Half characters, which UTF-8 can't hold, come through both engines."""
    for engine in (FAST, REFERENCE):
        assert "".join(engine.cut("负责\ud800采购")) == "负责\ud800采购"


def test_reference_engine_is_quiet_and_private(tmp_path: Path) -> None:
    """jieba writes neither to standard error nor to the temporary folder, and its own global dictionary stays."""
    code = (
        "from jdextract.config import TokensConfig\n"
        "from jdextract.extraction.tokens import segmenter\n"
        "words = segmenter(TokensConfig(engine='jieba')).cut('负责千川投放')\n"
        "import jieba\n"
        "assert '千川' in words and not jieba.dt.initialized and '千川' not in jieba.dt.FREQ"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2]), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_domain_words_stay_whole() -> None:
    """Words of the domain dictionary are one token in both engines."""
    for engine in (FAST, REFERENCE):
        assert {"直通车", "千川", "小红书"} <= set(engine.cut("负责直通车、千川投放及小红书种草"))


@settings(deadline=None)
@given(st.text(max_size=60), st.lists(st.integers(1, 59), max_size=5))
def test_doc_is_the_source(text: str, cuts: list[int]) -> None:
    """A Doc's text is the source itself, and every wanted offset inside the text is a token boundary."""
    tokenizer = NLP.tokenizer
    assert isinstance(tokenizer, SourceTokenizer)
    doc = tokenizer.make_doc(text, cuts)
    assert doc.text == text
    edges = {t.idx for t in doc} | {t.idx + len(t.text) for t in doc}
    for cut in cuts:
        if cut < len(text) and not (text[cut - 1] == " " or text[cut : cut + 1] == " "):
            assert cut in edges


def test_norms_are_simplified() -> None:
    """`norm_` is the Simplified, half-width form, `text` the source."""
    doc = NLP("負責ＳＥＯ優化")
    assert "".join(t.norm_ for t in doc) == "负责seo优化"
    assert doc.text == "負責ＳＥＯ優化"


def test_words_of_a_region_are_one_token() -> None:
    """A word that conversion makes shorter is one token of the source, and its norm is the word of the mainland."""
    doc = NLP("聯繫使用者，維護網際網路軟體")
    norms = {t.text: t.norm_ for t in doc}
    assert norms["使用者"] == "用户"
    assert norms["網際網路"] == "互联网"
    assert norms["軟體"] == "软件"
    assert doc.text == "聯繫使用者，維護網際網路軟體"


def test_known_conversion_is_used() -> None:
    """A conversion that is known already gives the tokens that it would give by itself."""
    tokenizer = NLP.tokenizer
    assert isinstance(tokenizer, SourceTokenizer)
    text = "維護網際網路商城，支援使用者"
    assert [t.text for t in tokenizer.make_doc(text, simplified=simplify(text))] == [t.text for t in NLP(text)]


@pytest.mark.parametrize(
    "text", ["", " ", "  采购", "采购  验货 ", "\n\n采购\t\n", "a b  c\u3000d", "👩‍🚀采购\u200b验货", "\r\n"]
)
def test_white_space_and_odd_signs(text: str) -> None:
    """Leading, repeated and odd white space, emoji and zero width keep their places."""
    doc = NLP(text)
    assert doc.text == text
    assert all(text[t.idx : t.idx + len(t.text)] == t.text for t in doc)


def test_saved_pipeline(tmp_path: Path) -> None:
    """A pipeline comes back from disk with our tokenizer, and a DocBin keeps text and norms."""
    import spacy

    NLP.to_disk(tmp_path / "nlp")
    doc = spacy.load(tmp_path / "nlp")("負責採購，跟單")
    kept = next(iter(DocBin(docs=[doc], attrs=["NORM", "SPACY"]).get_docs(NLP.vocab)))
    assert [t.text for t in kept] == [t.text for t in doc]
    assert [t.norm_ for t in kept] == [t.norm_ for t in doc]


def test_a_wrong_dictionary_is_named(tmp_path: Path) -> None:
    """A user dictionary with a wrong frequency is an error with file and line."""
    path = tmp_path / "own.txt"
    path.write_text("千川 often n\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"own\.txt:1"):
        segmenter(TokensConfig(user_dictionary=path))
