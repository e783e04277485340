"""HTML -> text with its block structure, one line a block, list numbers and table cells kept.

Read with selectolax (Lexbor), which builds the tree that browsers build out of broken markup. Extractors of "main
content" such as trafilatura are left aside on purpose: on duty pages they drop headings, list numbers and short list
items, which is what this project reads; boilerplate is told apart later, by zoning, with a reason.
The tree is walked without recursion, so nesting of any depth is read.
"""

from __future__ import annotations

import re
from typing import Any

from jdextract.errors import EmptyInput

_DROPPED = frozenset(
    {"script", "style", "noscript", "template", "head", "svg", "iframe", "object", "select", "textarea"}
)
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "title",
        "tr",
        "ul",
        "caption",
        "summary",
        "details",
    ]
)
_CELLS = frozenset({"td", "th"})
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_-]{2,20})""", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
DEEPEST = 5_000  # start tags that are open at once; deeper ones are closed before the parser sees them


def find_charset(data: bytes) -> str | None:
    """The charset that a page states of itself."""
    match = _META.search(data[:4096])
    return match.group(1).decode("ascii").lower() if match else None


def extract_html(markup: str) -> str:
    """Text of a page: one line a block, `1. ` and `- ` before list items, ` | ` between table cells.

    Raises EmptyInput for a page without visible text.
    """
    from selectolax.lexbor import LexborHTMLParser

    root = LexborHTMLParser(_flatten(markup)).root
    lines = _Lines()
    if root is not None:
        _walk(root, lines)
    text = lines.finish()
    if not text:
        raise EmptyInput("has no visible text", hint="pages that a script builds must be saved after it has run")
    return text


_LONG_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]{0,20})[^<>]{5000,}>")
_OPTION = re.compile(r"</?(?:option|optgroup)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*>")


def _flatten(markup: str) -> str:
    """Take out start tags beyond the deepest nesting: hostile pages nest to exhaust a parser."""
    # The parser takes time in the square of the attributes of one tag and of the options of one form.
    markup = _OPTION.sub(" ", _LONG_TAG.sub(r"<\1>", markup))
    if markup.count("<") < DEEPEST:
        return markup
    depth = 0
    parts: list[str] = []
    end = 0
    for tag in _TAG.finditer(markup):
        depth += -1 if tag.group(1) else 1
        if depth > DEEPEST and not tag.group(1):
            parts.append(markup[end : tag.start()])
            end = tag.end()
            depth -= 1
        depth = max(depth, 0)
    return "".join(parts) + markup[end:]


class _Lines:
    """Collects text into lines."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._parts: list[str] = []

    def add(self, text: str) -> None:
        self._parts.append(text)

    def end_line(self) -> None:
        line = " ".join("".join(self._parts).split())
        self._parts = []
        if line.strip(" |"):
            self._lines.append(line.removesuffix(" |").removeprefix("| "))

    def finish(self) -> str:
        self.end_line()
        return "\n".join(self._lines)


def _walk(root: Any, lines: _Lines) -> None:
    counters: list[int] = []  # of the ordered lists that are open, 0: an unordered one
    stack: list[tuple[Any, bool]] = [(root, True)]
    while stack:
        node, opening = stack.pop()
        tag = node.tag
        if tag == "-text":
            # Line breaks in the markup are white space, those in the text of `pre` were blocks already.
            lines.add(node.text_content or "")
            continue
        if not opening:
            _leave(tag, lines, counters)
            continue
        if tag in _DROPPED or tag in ("-comment", "!doctype") or _is_hidden(node):
            continue
        _enter(node, tag, lines, counters)
        stack.append((node, False))
        children = []
        child = node.child
        while child is not None:
            children.append(child)
            child = child.next
        stack.extend((child, True) for child in reversed(children))


def _is_hidden(node: Any) -> bool:
    attributes = node.attributes or {}
    return "hidden" in attributes or bool(_HIDDEN.search(attributes.get("style") or ""))


def _enter(node: Any, tag: str, lines: _Lines, counters: list[int]) -> None:
    if tag == "br" or (tag in _BLOCKS and tag not in _CELLS):
        lines.end_line()
    if tag == "ol":
        start = (node.attributes or {}).get("start") or "1"
        counters.append(int(start) - 1 if start.isdecimal() and len(start) < 6 else 0)
    elif tag == "ul":
        counters.append(-1)
    elif tag == "li" and counters:
        if counters[-1] < 0:
            lines.add("- ")
        else:
            counters[-1] += 1
            lines.add(f"{counters[-1]}. ")


def _leave(tag: str, lines: _Lines, counters: list[int]) -> None:
    if tag in _CELLS:
        lines.add(" | ")
    elif tag in _BLOCKS:
        lines.end_line()
    if tag in ("ol", "ul") and counters:
        counters.pop()
