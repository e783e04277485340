"""Long documents in overlapping windows, each of which fits one request."""

from __future__ import annotations

from jdextract.llm.assistance import WindowNumbers
from jdextract.records import Span

# What a window rather ends behind, the best first: an empty line, a line, a sentence.
_ENDS = ("\n\n", "\n", "。", "；", ";", " ")


def cut_windows(text: str, numbers: WindowNumbers) -> list[Span]:
    """Spans of a text that overlap and together cover it; none for a blank text and for one that needs too many.

    A window is at most `characters` long and begins `overlap` before the end of the one before. It ends behind a line or
    a sentence if one ends in its last `overlap` code points.
    """
    if not text.strip():
        return []
    windows: list[Span] = []
    start = 0
    while len(windows) < numbers.most:
        end = _end(text, start, numbers)
        windows.append((start, end))
        if end == len(text):
            return windows
        start = max(end - numbers.overlap, start + 1)
    return []


def _end(text: str, start: int, numbers: WindowNumbers) -> int:
    limit = start + numbers.characters
    if limit >= len(text):
        return len(text)
    for mark in _ENDS:
        at = text.rfind(mark, max(limit - numbers.overlap, start), limit)
        if at >= 0:
            return at + len(mark)
    return limit
