"""Bytes to text: which encoding, and what is done with broken bytes.

Order of the decision: the encoding asked for; a byte order mark; strict UTF-8; then whichever of UTF-8 (with
breaks), GB18030, Big5-HKSCS and UTF-16 spells the most plausible Chinese (`characters.surprise`). Statistical
detectors made for web pages need some hundred bytes and mistake short Chinese; this decides from one word on.
"""

from __future__ import annotations

import codecs
import re

from jdextract.errors import ConfigError, DamagedInput
from jdextract.reading.characters import RANDOM_BYTE, surprise

# What browsers do: pages that say GB2312 hold GBK, pages that say Big5 hold the Hong Kong characters.
SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "cp936": "gb18030", "big5": "big5hkscs", "cp950": "big5hkscs"}

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_CANDIDATES = ("utf-8", "gb18030", "big5hkscs", "utf-16-le", "utf-16-be")
_SAMPLE = 65_536  # bytes, from the first that is not ASCII: enough to decide, and bounded for large files
_FOREIGN = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f-\xff]")
_BEYOND_ALPHABETS = re.compile("[\u0800-\U0010ffff]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_MARGIN = 6.0  # nats by which a reading of valid UTF-8 as something else must be better
_BROKEN_SHARE, _BROKEN_FEW = 0.02, 3  # of the characters may be broken; so many always may
_CONTROL_SHARE = 0.05


def decode(data: bytes, encoding: str | None = None) -> tuple[str, str]:
    """Return (text, name of the encoding: "utf-8", "gb18030", "big5hkscs", "utf-16-le", "utf-16-be" or as given).

    A leading byte order mark is removed and "\\r\\n" and "\\r" become "\\n"; nothing else is changed.
    A few broken bytes, as where a scrape was cut inside a character, become U+FFFD each and the encoding is still
    named after the rest. GB2312 and GBK are read as GB18030, Big5 as Big5-HKSCS, of which they are parts.
    Raises DamagedInput when more than 2 % (and more than 3) of the characters are broken, or when no reading is
    likelier than random bytes; ConfigError when there is no encoding of the name `encoding`.
    """
    if encoding is not None:
        return _decode_as(data, name_encoding(encoding))
    name = marked_encoding(data)
    if name is None and not (name := _valid_utf8(data)):
        name = detect(data)
    return _decode_as(data, name)


def name_encoding(encoding: str) -> str:
    """The encoding that `encoding` is read as. Raises ConfigError for an unknown name."""
    try:
        b"".decode(encoding)
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:  # ValueError: a null character in the name
        hint = "give utf-8, gb18030, big5hkscs, utf-16 or another encoding that Python knows"
        raise ConfigError(f"unknown encoding {encoding!r}", where="reading.encoding", hint=hint) from error
    return SUPERSETS.get(name, name)


def marked_encoding(data: bytes) -> str | None:
    """The encoding that a byte order mark at the start of `data` tells, or None."""
    return next((name for mark, name in _MARKS if data.startswith(mark)), None)


def detect(data: bytes) -> str:
    """The encoding in which `data` spells the most plausible Chinese.

    Only the first 64 KB from the first byte that is not ASCII on are looked at; plain ASCII is "utf-8".
    Raises DamagedInput when `data` is no likelier in any of them than random bytes.
    """
    found = _FOREIGN.search(data)
    if found is None:
        return "utf-8"
    # Even, so that UTF-16 stays in step; from the start of a line, so that the others do too.
    start = max(data.rfind(b"\n", 0, found.start()) + 1, found.start() - _SAMPLE) & ~1
    sample = data[start : start + _SAMPLE]
    best, name = min((surprise(sample.decode(name, "replace")), name) for name in _CANDIDATES)
    if best >= RANDOM_BYTE * len(sample):
        raise DamagedInput("is neither text nor a known format (random bytes?)", hint="check the download")
    return name


def normalize_newlines(text: str) -> str:
    """`text` with "\\r\\n" and "\\r" as "\\n"."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def check_breaks(text: str, broken: int) -> None:
    """Raise DamagedInput when `broken` characters are too many for `text` to be read with holes."""
    if broken > max(_BROKEN_FEW, _BROKEN_SHARE * len(text)):
        what = f"{broken} of {len(text)} characters are broken bytes"
        raise DamagedInput(what, hint="give its encoding with --encoding, or convert it to UTF-8")


def _valid_utf8(data: bytes) -> str | None:
    """ "utf-8" if `data` is that beyond doubt. GBK words such as 目录 are valid UTF-8 too, spelling Ŀ¼."""
    if b"\0" in data:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if _BEYOND_ALPHABETS.search(text) or (text.isascii() and not _CONTROL.search(text[:_SAMPLE])):
        return "utf-8"
    other = detect(data)
    sample = data[:_SAMPLE]
    better = surprise(sample.decode(other, "replace")) + _MARGIN < surprise(sample.decode("utf-8", "replace"))
    return other if better else "utf-8"


def _decode_as(data: bytes, name: str) -> tuple[str, str]:
    try:
        text = data.decode(name)
    except UnicodeDecodeError:
        text = data.decode(name, "replace")
        # A replacement character that stands in the source is none of our breaks.
        own = data.count("\ufffd".encode(name)) if name.startswith(("utf", "gb18030")) else 0
        check_breaks(text, text.count("\ufffd") - own)
    text = normalize_newlines(text.removeprefix("\ufeff"))
    for part in (text[:_SAMPLE], text[-_SAMPLE:]):
        if len(_CONTROL.findall(part)) > _CONTROL_SHARE * len(part):
            raise DamagedInput("is full of control characters, so it is no text", hint="check the download")
    return text, name
