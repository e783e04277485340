"""Word segmentation by jieba's algorithm and dictionary, and spaCy documents that carry its words.

The engine is a setting: `rjieba` (jieba in Rust) or `jieba`, the reference. Neither touches the global state of the
other or of a program that uses jieba itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, Protocol

from jdextract.config import TokensConfig
from jdextract.errors import ConfigError

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

TOKENIZER = "jdextract.SourceTokenizer.v1"


class Segmenter(Protocol):
    """Cuts text into words; joined, the words are the text again."""

    def cut(self, text: str) -> list[str]:
        """Words of `text`, in order."""


def segmenter(config: TokensConfig) -> Segmenter:
    """The segmenter that the settings name, with the words of the domain and of the user added."""
    words = list(_read_words(config))
    if config.engine == "rjieba":
        import rjieba

        engine = rjieba.Jieba()
        for word, frequency, tag in words:
            engine.add_word(word, frequency, tag)
        return _Whole(engine.cut)
    import logging

    import jieba

    logging.getLogger("jieba").setLevel(logging.WARNING)  # it announces its dictionary on standard error
    tokenizer = jieba.Tokenizer()
    tokenizer.initialize()
    for word, frequency, tag in words:
        tokenizer.add_word(word, frequency, tag)
    return _Whole(tokenizer.lcut)


class _Whole:
    """Both engines drop nothing but differ in what they do with an empty text."""

    def __init__(self, cut: Any) -> None:
        self._cut = cut

    def cut(self, text: str) -> list[str]:
        return list(self._cut(text)) if text else []


def _read_words(config: TokensConfig) -> Iterator[tuple[str, int, str]]:
    builtin = resources.files("jdextract.data").joinpath("user_dictionary.txt").read_text(encoding="utf-8")
    yield from _parse_words(builtin.splitlines(), "user_dictionary.txt")
    if config.user_dictionary:
        try:
            own = config.user_dictionary.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"can't be read ({error})", where=str(config.user_dictionary), hint="a UTF-8 file: word frequency tag"
            ) from error
        yield from _parse_words(own.splitlines(), str(config.user_dictionary))


def _parse_words(lines: Iterable[str], where: str) -> Iterator[tuple[str, int, str]]:
    for number, line in enumerate(lines, 1):
        parts = line.split()
        if not parts or line.startswith("#"):
            continue
        if len(parts) > 1 and not parts[1].isdecimal():
            raise ConfigError(f"frequency {parts[1]!r}", where=f"{where}:{number}", hint="word frequency tag")
        yield parts[0], int(parts[1]) if len(parts) > 1 else 2000, parts[2] if len(parts) > 2 else "n"


class SourceTokenizer:
    """spaCy tokenizer: words of the folded text, laid on the source, so that `doc.text` is the source itself.

    `token.norm_` is the folded form (Simplified, half-width), which is what patterns should match on.
    """

    def __init__(self, vocab: Any, config: TokensConfig) -> None:
        self.vocab, self._config = vocab, config
        self._segmenter = segmenter(config)

    def __call__(self, text: str) -> Doc:
        """Tokenize one text."""
        return self.make_doc(text)

    def make_doc(self, text: str, cuts: Sequence[int] = ()) -> Doc:
        """A Doc of `text`; every offset (code points) in `cuts` is a token boundary too."""
        from spacy.tokens import Doc

        from jdextract.extraction.script import fold

        folded = fold(text)
        ends = _token_ends(self._segmenter.cut(folded), sorted(set(cuts)))
        words: list[str] = []
        norms: list[str] = []
        spaces: list[bool] = []
        start = 0
        for end in ends:
            # A single space behind a word is carried by that word, as spaCy does.
            if text[start:end] == " " and words and not spaces[-1]:
                spaces[-1] = True
            else:
                words.append(text[start:end])
                norms.append(folded[start:end])
                spaces.append(False)
            start = end
        doc = Doc(self.vocab, words=words, spaces=spaces)
        for token, norm in zip(doc, norms, strict=True):
            if norm != token.text:
                token.norm_ = norm.lower()
        return doc

    def to_disk(self, path: Any, **_: Any) -> None:
        """Nothing to write: the settings stand in the pipeline's config."""

    def from_disk(self, path: Any, **_: Any) -> SourceTokenizer:
        """Nothing to read."""
        return self

    def to_bytes(self, **_: Any) -> bytes:
        """Nothing to write."""
        return b""

    def from_bytes(self, data: bytes, **_: Any) -> SourceTokenizer:
        """Nothing to read."""
        return self


def _token_ends(words: Sequence[str], cuts: Sequence[int]) -> list[int]:
    ends = set(cuts)
    position = 0
    for word in words:
        position += len(word)
        ends.add(position)
    return sorted(end for end in ends if 0 < end <= position)


def blank(config: TokensConfig | None = None) -> Language:
    """A spaCy pipeline for Chinese without components, whose tokenizer is ours and not spaCy's own jieba."""
    import spacy

    settings = (config or TokensConfig()).model_dump(mode="json")
    register()
    # zh's own defaults would load spaCy's tokenizer first; the config replaces it.
    return spacy.blank("zh", config={"nlp": {"tokenizer": {"@tokenizers": TOKENIZER, **settings}}})


def register() -> None:
    """Make the tokenizer known to spaCy's registry by its name."""
    from spacy.util import registry

    if TOKENIZER in registry.tokenizers.get_all():
        return

    def create(engine: str = "rjieba", user_dictionary: str | None = None) -> Any:
        config = TokensConfig.model_validate({"engine": engine, "user_dictionary": user_dictionary})
        return lambda nlp: SourceTokenizer(nlp.vocab, config)

    registry.tokenizers.register(TOKENIZER, func=create)
