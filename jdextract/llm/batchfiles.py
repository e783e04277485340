"""Files of the OpenAI batch API: requests out, results in. Half the price, answers within a day.

A request's `custom_id` is its key in the cache, so that an imported answer is found by the next run, which then asks
nothing of it. The bodies are those that the client would send.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from jdextract.config import LlmConfig
from jdextract.errors import ConfigError, DamagedInput, MissingInput
from jdextract.llm.cache import AnswerCache, Origin, Reply
from jdextract.llm.client import key_of, require_extra
from jdextract.llm.credentials import Key
from jdextract.llm.exchange import Answer, Request, Usage
from jdextract.llm.ledger import Ledger
from jdextract.llm.loop import LoopThread
from jdextract.llm.modes import Mode, Modes
from jdextract.llm.prices import Price
from jdextract.output import replacing

# What the providers take at most in one file: OpenAI 50,000 requests and 200 MB, DashScope as many and 500 MB.
MOST_REQUESTS = 50_000
MOST_BYTES = 190_000_000
_LONGEST_LINE = 8_000_000  # bytes of one result


@dataclass(slots=True)
class Exported:
    """What was written. `cached`: the cache answers it already, or an equal request stands in the file."""

    requests: int = 0
    cached: int = 0
    files: list[Path] = field(default_factory=list)


@dataclass(slots=True)
class Imported:
    """What was read. `known`: the cache had an answer already; `foreign`: not exported with this cache."""

    ledger: Ledger
    answers: int = 0
    known: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)  # custom_id and reason; these are asked by the next run
    foreign: int = 0


def export_requests(
    requests: Iterable[Request[Any]],
    path: Path,
    cache: AnswerCache,
    settings: LlmConfig,
    *,
    url: str = "/v1/chat/completions",
    most_requests: int = MOST_REQUESTS,
    most_bytes: int = MOST_BYTES,
) -> Exported:
    """Write the requests that the cache does not answer; into `batch-2.jsonl` and so on what one file can't take.

    `mode = auto` is the native JSON schema here: a file can't find out what the endpoint can do. Raises ConfigError,
    MissingExtra.
    """
    if settings.model is None:
        raise ConfigError("llm.model is not set", hint="give --llm MODEL, and --llm-base-url URL")
    exported, seen = Exported(), set[str]()
    with _Composer(settings) as composer:
        lines = _lines(requests, cache, settings, composer, url, exported, seen)
        waiting = next(lines, None)
        while waiting is not None or not exported.files:
            target = (
                path if not exported.files else path.with_name(f"{path.stem}-{len(exported.files) + 1}{path.suffix}")
            )
            written, noted = 0, list[tuple[str, Origin, str]]()
            with replacing(target) as stream:
                while waiting is not None and len(noted) < most_requests:
                    line, entry = waiting
                    if noted and written + len(line) > most_bytes:
                        break
                    stream.write(line)
                    written += len(line)
                    noted.append(entry)
                    waiting = next(lines, None)
                cache.note_exported(noted)  # first known, then there: a result always finds its origin
            exported.requests += len(noted)
            exported.files.append(target)
    return exported


def _lines(
    requests: Iterable[Request[Any]],
    cache: AnswerCache,
    settings: LlmConfig,
    composer: _Composer,
    url: str,
    exported: Exported,
    seen: set[str],
) -> Iterator[tuple[bytes, tuple[str, Origin, str]]]:
    mode = Modes(settings.mode).current
    for request in requests:
        key = key_of(request, settings)
        if key in seen or cache.find(key):
            exported.cached += 1
            continue
        seen.add(key)
        line = {"custom_id": key, "method": "POST", "url": url, "body": composer.compose(request, mode)}
        origin = Origin(settings.model or "", request.prompt, request.task, request.document)
        yield json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n", (key, origin, mode)


class _Composer:
    """Makes the bodies that the client would send, by letting it send them to nowhere."""

    def __init__(self, settings: LlmConfig) -> None:
        require_extra()
        from jdextract.llm.endpoint import Endpoint
        from jdextract.llm.transport import WritingTransport

        self._transport = WritingTransport()
        self._endpoint = Endpoint(settings, Key(""), self._transport)
        self._loop = LoopThread()

    def __enter__(self) -> _Composer:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.close(self._endpoint.close())

    def compose(self, request: Request[Any], mode: Mode) -> dict[str, Any]:
        """The body of one request."""
        self._loop.run(self._endpoint.exchange(request, mode))
        return {name: value for name, value in self._transport.body.items() if name != "stream"}


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Details(_Lenient):
    cached_tokens: int | None = None


class _Tokens(_Lenient):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None


class _Function(_Lenient):
    arguments: str = ""


class _Call(_Lenient):
    function: _Function = _Function()


class _Message(_Lenient):
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(_Lenient):
    message: _Message
    finish_reason: str | None = None


class _Body(_Lenient):
    choices: list[_Choice] = []
    usage: _Tokens | None = None


class _Response(_Lenient):
    status_code: int = 200
    body: _Body | None = None


class _Line(_Lenient):
    custom_id: str
    response: _Response | None = None
    error: Any = None


def import_answers(path: Path, cache: AnswerCache, price: Price | None = None, model: str = "") -> Imported:
    """Read a file of results, or of errors, into the cache, at the price of a batch. Reading it again changes nothing.

    Raises MissingInput; DamagedInput for a line that is no result, with all lines before it imported.
    """
    imported = Imported(ledger=Ledger(model, price))
    if not path.is_file():
        raise MissingInput("does not exist", where=str(path), hint="download the results of the batch")
    with path.open("rb") as stream:
        for number, text in _bounded_lines(stream, path):
            try:
                line = _Line.model_validate_json(text)
            except ValidationError as error:
                where, hint = f"{path}:{number}", "download the file again"
                raise DamagedInput("is no line of batch results", where=where, hint=hint) from error
            _import(line, cache, price, imported)
    return imported


def _bounded_lines(stream: BinaryIO, path: Path) -> Iterator[tuple[int, bytes]]:
    number = 0
    while text := stream.readline(_LONGEST_LINE + 1):
        number += 1
        if len(text) > _LONGEST_LINE:
            raise DamagedInput(f"has more than {_LONGEST_LINE:,} bytes", where=f"{path}:{number}", hint="leave it out")
        if text.strip():
            yield number, text


def _import(line: _Line, cache: AnswerCache, price: Price | None, imported: Imported) -> None:
    exported = cache.find_exported(line.custom_id)
    if exported is None:
        imported.foreign += 1
        return
    origin, mode = exported
    body = line.response.body if line.response else None
    if line.error or not line.response or line.response.status_code != 200 or not body or not body.choices:
        imported.failed.append((line.custom_id, _reason(line)))
        return
    tokens = body.usage or _Tokens()
    cached = (tokens.prompt_tokens_details and tokens.prompt_tokens_details.cached_tokens) or 0
    usage = Usage(max(0, tokens.prompt_tokens), max(0, tokens.completion_tokens), max(0, cached))
    choice = body.choices[0]
    calls = choice.message.tool_calls
    text = calls[0].function.arguments if calls else choice.message.content or ""
    cost = price.cost(usage, batch=True) if price else Decimal(0)
    reply = Reply(text, choice.finish_reason or "stop", usage, mode)
    currency = price.currency if price else ""
    if cache.find(line.custom_id) or not cache.add(
        line.custom_id, 0, origin, reply, cost=cost, currency=currency, batch=True
    ):
        imported.known += 1
        return
    imported.answers += 1
    answer: Answer[Any] = Answer(None, origin.model, usage=usage, cost=cost)
    imported.ledger.record(origin.task, origin.document, answer)


def _reason(line: _Line) -> str:
    if line.error:
        return str(line.error)[:200]
    return f"HTTP {line.response.status_code}" if line.response else "no response"
