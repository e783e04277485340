"""From what a model wrote to the typed output: thinking, code fences and words around the JSON do no harm."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import ValidationError

from jdextract.llm.exchange import Output

_END_OF_THINKING = ("</think>", "</thinking>", "◁/think▷")
_STARTS = 5  # opening braces in running text that are tried
_COMPLAINTS = 5  # errors of a schema that the model is told
_COMPLAINT_CHARACTERS = 200  # of one error


def read_output(text: str, schema: type[Output]) -> Output | str:
    """The output, or what is wrong with the text in words that the model can be told. Nothing of the text is in them."""
    complaint = "there is no JSON object in it"
    for candidate in _candidates(_without_thinking(text)):
        try:
            return schema.model_validate_json(candidate)
        except ValidationError as error:
            complaint = _describe(error)
    return complaint


def holds_object(text: str) -> bool:
    """Is there anything like a JSON object in the text? An endpoint that ignores the schema answers in prose."""
    return "{" in _without_thinking(text)


def _without_thinking(text: str) -> str:
    for mark in _END_OF_THINKING:
        text = text.rpartition(mark)[2]
    return text.strip().lstrip("\ufeff")


def _candidates(text: str) -> Iterator[str]:
    """The object that is the whole text first, then those inside it; the last complaint is of the most complete one."""
    decoder = json.JSONDecoder()
    start = -1
    found: list[str] = []
    for _ in range(_STARTS):
        start = text.find("{", start + 1)
        if start < 0:
            break
        try:
            _, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        found.append(text[start:end])
        start = end - 1
    if found:
        yield from found
    elif "{" in text:
        yield text[text.index("{") :]  # half a JSON: its complaint says where it stops


def _describe(error: ValidationError) -> str:
    parts = []
    for each in error.errors(include_input=False, include_url=False, include_context=False)[:_COMPLAINTS]:
        where = ".".join(str(part) if isinstance(part, int) else str(part)[:40] for part in each["loc"]) or "answer"
        parts.append(f"{where}: {each['msg']}"[:_COMPLAINT_CHARACTERS])
    return "; ".join(parts)
