"""The prompts of the four tasks, and how untrusted text is put before a model.

A prompt is a file `data/prompts/{task}-{number}.md`; a change of its text is a new number. Instructions hold nothing of
any document; text of a document stands in the material only, sealed.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources

from jdextract.llm.exchange import Task
from jdextract.llm.forms import INVISIBLE

_EXAMPLES = re.compile(r"^## 示例\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
# Marks of chat templates that a server may take for its own, in a page. `<|…|>` is met by the angle brackets.
_TEMPLATE = re.compile(r"\[(/?(?:INST|SYS|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS))\]", re.IGNORECASE)
_ANGLES = str.maketrans({"<": "＜", ">": "＞"})
_LINES = re.compile("\r\n?|[\u0085\u2028\u2029\x0b\x0c]")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One version of a prompt. `examples`: the part of the instructions that a model might copy into its answer."""

    version: str
    instructions: str
    examples: str


@cache
def load_prompt(task: Task, number: int = 1) -> Prompt:
    """Raises FileNotFoundError for a version that the package does not carry."""
    version = f"{task}-{number}"
    file = resources.files("jdextract.data").joinpath("prompts", f"{version}.md")
    text = file.read_text(encoding="utf-8").replace("\r\n", "\n").strip() + "\n"
    return Prompt(version, text, "\n".join(_EXAMPLES.findall(text)))


def show(text: str) -> str:
    """What a reader of the page would see, in a form that can close no mark of ours.

    Invisible characters are left out (zero width, direction, tags of plane 14), half characters become U+FFFD, and `<` `>`
    become full width, so that every ASCII angle bracket of a request is ours; so do the brackets of chat templates.
    Grounding folds all of this, so a copy of what is shown is found in the source.
    """
    plain = _LINES.sub("\n", text)
    if not plain.isascii():
        plain = "".join(_visible(char) for char in plain)
    else:
        plain = "".join(char for char in plain if char in "\n\t" or char.isprintable())
    return _TEMPLATE.sub(r"［\1］", plain).translate(_ANGLES)


def _visible(char: str) -> str:
    if char in "\n\t":
        return char
    category = unicodedata.category(char)
    if category == "Cs":
        return "\ufffd"
    return "" if category in ("Cc", "Cf") or char in INVISIBLE else char


def show_line(text: str, most: int) -> str:
    """`show` on one line, so that no text can begin a field of its own; cut behind `most` code points."""
    line = " ".join(show(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def seal(shown: str) -> str:
    """Shown text between two marks that it does not hold.

    They carry a digest of the text, so that equal questions are equal and no page can know the mark that it stands in.
    """
    digest = hashlib.blake2b(
        shown.encode("utf-8", "surrogatepass"), digest_size=12, person=b"jdextract-seal"
    ).hexdigest()
    return f"<<<资料 {digest}\n{shown}\n资料 {digest}>>>"
