"""Word segmentation by jieba's algorithm and dictionary, and spaCy documents that carry its words.

The engine is a setting: `rjieba` (jieba in Rust) or `jieba`, the reference. Neither touches the global state of the
other or of a program that uses jieba itself.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, Protocol

from jdextract.config import TokensConfig
from jdextract.errors import ConfigError
from jdextract.extraction.offsets import Simplified

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

TOKENIZER = "jdextract.SourceTokenizer.v1"
_FREQUENCY, _TAG = 2000, "n"  # of dictionary lines that name none: enough to keep a word of the domain whole
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Segmenter(Protocol):
    """Cuts text into words; joined, the words are the text again."""

    def cut(self, text: str) -> list[str]:
        """Words of `text`, in order."""


def segmenter(config: TokensConfig) -> Segmenter:
    """The segmenter that the settings name, with the words of the domain and of the user added.

    Raises ConfigError for a user dictionary that can't be read or has a line that does not fit.
    """
    engine, cut = _load_rjieba() if config.engine == "rjieba" else _load_jieba()
    for word, frequency, tag in _read_words(config):
        engine.add_word(word, frequency, tag)
    return _Whole(cut)


def _load_rjieba() -> tuple[Any, Callable[[str], list[str]]]:
    import rjieba

    engine = rjieba.Jieba()
    return engine, engine.cut


def _load_jieba() -> tuple[Any, Callable[[str], list[str]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in its patterns, pkg_resources
        import jieba

    engine = jieba.Tokenizer()
    # What `initialize` does, without its cache file in the temporary folder and its lines on standard error.
    engine.FREQ, engine.total = engine.gen_pfdict(engine.get_dict_file())
    engine.initialized = True
    return engine, engine.lcut


class _Whole:
    """Both engines drop nothing, but neither takes half characters, which UTF-8 can't hold."""

    def __init__(self, cut: Callable[[str], list[str]]) -> None:
        self._cut = cut

    def cut(self, text: str) -> list[str]:
        if not _LONE_SURROGATE.search(text):
            return list(self._cut(text)) if text else []
        words, start = [], 0
        for word in self._cut(_LONE_SURROGATE.sub("\ufffd", text)):
            words.append(text[start : start + len(word)])
            start += len(word)
        return words


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
        frequency = parts[1] if len(parts) > 1 else str(_FREQUENCY)
        if not (frequency.isascii() and frequency.isdecimal() and int(frequency)):
            raise ConfigError(f"frequency {frequency!r}", where=f"{where}:{number}", hint="word frequency tag")
        yield parts[0], int(frequency), parts[2] if len(parts) > 2 else _TAG


class SourceTokenizer:
    """spaCy tokenizer: words of the simplified text, laid on the source, so that `doc.text` is the source itself.

    `token.norm_` is the simplified form (half-width, lower case), which is what patterns should match on. A word that
    simplification makes of several (使用者 -> 用户) is one token of the source.
    """

    def __init__(self, vocab: Any, config: TokensConfig) -> None:
        self.vocab, self._config = vocab, config
        self._segmenter = segmenter(config)

    def __call__(self, text: str) -> Doc:
        """Tokenize one text."""
        return self.make_doc(text)

    def make_doc(self, text: str, cuts: Sequence[int] = (), simplified: Simplified | None = None) -> Doc:
        """A Doc of `text`; every offset (code points) in `cuts` is a token boundary too.

        `simplified` is the text's `script.simplify` where it is known already. A space that stands alone behind a word
        belongs to that word as its `whitespace_`, as everywhere in spaCy.
        """
        from spacy.tokens import Doc

        from jdextract.extraction.script import fold, simplify

        simple = simplified or simplify(text)
        folded = fold(simple.text)
        words: list[str] = []
        spaces: list[bool] = []
        norms: list[tuple[int, str]] = []
        start = 0
        for end in _lay_ends(self._segmenter.cut(folded), simple, len(text), cuts):
            word = text[start:end]
            if word == " " and words and not spaces[-1]:
                spaces[-1] = True
            else:
                norm = folded[slice(*simple.text_span(start, end))] if simple.blocks else folded[start:end]
                if norm != word:
                    norms.append((len(words), norm.lower()))
                words.append(word)
                spaces.append(False)
            start = end
        doc = Doc(self.vocab, words=words, spaces=spaces)
        for index, norm in norms:
            doc[index].norm_ = norm
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


def _lay_ends(words: Sequence[str], simple: Simplified, length: int, cuts: Sequence[int]) -> list[int]:
    """Ends of the words in the source, with the cuts, in order. Ends inside a block of the alignment are left out."""
    ends: list[int] = []
    position = 0
    if not simple.blocks:
        for word in words:
            position += len(word)
            ends.append(position)
    else:
        inside = {place for _, _, t0, t1 in simple.blocks for place in range(t0 + 1, t1)}
        for word in words:
            position += len(word)
            if position not in inside:
                ends.append(simple.source_span(position - 1, position)[1])
    if not cuts:
        return ends
    return sorted({*ends, *(cut for cut in cuts if 0 < cut < length)})


def blank(config: TokensConfig | None = None) -> Language:
    """A spaCy pipeline for Chinese without components, whose tokenizer is ours and not spaCy's own jieba."""
    import spacy

    register()
    settings = (config or TokensConfig()).model_dump(mode="json")
    # zh's own defaults would load spaCy's tokenizer first; the config replaces it.
    return spacy.blank("zh", config={"nlp": {"tokenizer": {"@tokenizers": TOKENIZER, **settings}}})


def create_tokenizer(engine: str = "rjieba", user_dictionary: str | None = None) -> Callable[[Any], SourceTokenizer]:
    """What spaCy calls for `@tokenizers = "jdextract.SourceTokenizer.v1"`, the settings being those of `[tokens]`."""
    config = TokensConfig.model_validate({"engine": engine, "user_dictionary": user_dictionary})
    return lambda nlp: SourceTokenizer(nlp.vocab, config)


def register() -> None:
    """Make the tokenizer known to spaCy by its name, for checkouts without the package's entry points."""
    from spacy.util import registry

    if TOKENIZER not in registry.tokenizers.get_all():
        registry.tokenizers.register(TOKENIZER, func=create_tokenizer)
