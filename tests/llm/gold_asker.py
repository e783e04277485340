"""A model that knows the annotation of the corpus and answers as well as can be, as an asker and behind an endpoint."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from jdextract.annotation import GoldDocument
from jdextract.llm.assistance import load_assistance
from jdextract.llm.exchange import Answer, Output, Request, Task
from jdextract.llm.forms import make_form
from jdextract.llm.prompts import load_prompt
from jdextract.llm.windows import cut_windows
from jdextract.records import SourceText
from jdextract.taxonomy import OTHER
from tests.llm.fake_server import Scripted, says
from tests.samples import source_of

_WINDOW = re.compile(r"资料第 (\d+) 段")
_JUDGED = re.compile("^要判断的(?:职责|职位名称)：(.*)$", re.MULTILINE)
_CANDIDATE = re.compile("^- ([a-z0-9-]+) ", re.MULTILINE)
_MARGIN = 30  # code points of a page's beginning by which a request is told from others


class GoldAsker:
    """Implements `Asker`; `asked` holds the requests. It knows the documents by id, `sources` gives them these ids."""

    model = "gold"

    def __init__(self, documents: Sequence[GoldDocument]) -> None:
        self.sources = [source_of(document.text, f"{document.name}.txt") for document in documents]
        self._known = {source.id: gold for source, gold in zip(self.sources, documents, strict=True)}
        self._roles = {
            make_form(value.text).text: value.role
            for document in documents
            for record in document.records
            for value in (*record.duties, *([record.title] if record.title else []))
        }
        self.asked: list[Request[Any]] = []

    def ask(self, requests: Iterable[Request[Output]]) -> Iterator[tuple[Request[Output], Answer[Output]]]:
        for request in requests:
            self.asked.append(request)
            content = self.answer(request.task, request.material, request.document)
            try:
                yield request, Answer(request.schema.model_validate(content), self.model)
            except ValidationError as error:
                yield request, Answer(None, self.model, "schema", str(error))

    def answer(self, task: Task, material: str, document: str) -> dict[str, Any]:
        """What it says to one question."""
        return self._zone(material, self._known[document]) if task == "zone" else self._adjudicate(material)

    def _zone(self, material: str, gold: GoldDocument) -> dict[str, Any]:
        match = _WINDOW.search(material)
        assert match
        start, end = cut_windows(gold.text, load_assistance().windows)[int(match[1]) - 1]

        def inside(values: Sequence[Any]) -> list[str]:
            return [value.text for value in values if start <= value.span[0] and value.span[1] <= end]

        positions = [
            {
                "title": next(iter(inside([record.title] if record.title else [])), None),
                "duties": inside(record.duties),
                "requirements": inside(record.requirements),
                "pay": inside(record.compensation),
            }
            for record in gold.records
        ]
        return {"positions": [p for p in positions if p["duties"] or p["requirements"] or p["pay"]]}

    def _adjudicate(self, material: str) -> dict[str, Any]:
        match = _JUDGED.search(material)
        assert match
        role = self._roles.get(make_form(match[1]).text)
        candidates = _CANDIDATE.findall(material)
        if role not in candidates:
            return {"role": OTHER, "evidence": [match[1][:8]], "confidence": "低"}
        return {"role": role, "evidence": [match[1][:8]], "confidence": "高"}

    def serve(self, body: dict[str, Any], number: int) -> Scripted:
        """Script of a FakeServer: the same answers over HTTP."""
        system, user = (message["content"] for message in body["messages"][:2])
        zone = load_prompt("zone").instructions in system
        if not zone:
            return says(self.answer("adjudicate", user, ""), tokens=(1_500, 60))
        return says(self.answer("zone", user, self._find(user)), tokens=(2_500, 700))

    def _find(self, material: str) -> str:
        """Which document a window is of: an endpoint is not told."""
        inside = make_form(material).text
        for id_, gold in self._known.items():
            if any(
                make_form(gold.text[start : start + _MARGIN]).text in inside
                and make_form(gold.text[max(start, end - _MARGIN) : end]).text in inside
                for start, end in cut_windows(gold.text, load_assistance().windows)
            ):
                return id_
        raise AssertionError("no document has this window")


def as_lines(sources: Sequence[SourceText]) -> str:
    """A table of documents, a JSON object a line."""
    return "".join(
        json.dumps({"id": source.source, "text": source.text}, ensure_ascii=False) + "\n" for source in sources
    )
