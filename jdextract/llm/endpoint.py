"""One exchange with an OpenAI-compatible endpoint: what goes out, what comes back, and what each failure means.

Needs the extra `llm`. Instructions are the system message, the text in question is the user message, and nothing of the
text gets anywhere else. Tokens of chat templates inside the text (`<|im_start|>`) are broken where a server might read
them as such.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2
from openai import AsyncOpenAI
from pydantic_ai.direct import model_request
from pydantic_ai.exceptions import (
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelQuotaExceededError,
    UserError,
)
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIChatModelSettings
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider
from pydantic_ai.tools import ToolDefinition

from jdextract.config import LlmConfig
from jdextract.llm.breaker import read_retry_after
from jdextract.llm.cache import Reply
from jdextract.llm.credentials import Key
from jdextract.llm.exchange import Request, Usage
from jdextract.llm.faults import Fault
from jdextract.llm.modes import Mode
from jdextract.llm.transport import BoundedTransport, OversizedResponse

_OPENAI = ("api.openai.com", "openai.azure.com")  # know `max_completion_tokens`; the others know `max_tokens`
_REASON_CHARACTERS = 300
_MOST_TOKENS = 1_000_000_000  # a count beyond this is nonsense
_FINAL = (401, 402, 404)  # wrong key, no money, no such model
_OVERLOADED = (408, 409, 425, 429)
_MAYBE_BILLED = (502, 504, 524)  # a gateway gave up on a model that may have gone on
_MODE_REFUSED = (400, 415, 422, 501)

# What is known of endpoints that are not OpenAI's. Whether they can do a mode is found out by asking.
_PROFILE = OpenAIModelProfile(
    supports_json_schema_output=True,
    supports_json_object_output=False,  # `prompted` is the mode for those that refuse `response_format`
    native_output_requires_schema_in_instructions=True,  # local servers mask tokens, and the model does not see why
    openai_chat_supports_multiple_system_messages=False,
    openai_chat_supports_max_completion_tokens=False,
    may_tokenize_special_tokens_in_content=True,
)


class Endpoint:
    """Lives in one event loop."""

    def __init__(self, settings: LlmConfig, key: Key, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        """`settings.model` must be set. `transport` replaces the network."""
        self._settings, self._key = settings, key
        self._http = httpx2.AsyncClient(
            transport=transport or BoundedTransport(settings.max_response_bytes),
            timeout=httpx2.Timeout(settings.timeout, connect=min(10.0, settings.timeout)),
            follow_redirects=False,  # a key goes to the host that was named, and to no other
        )
        client = AsyncOpenAI(
            base_url=settings.base_url, api_key=key.reveal() or "none", http_client=self._http, max_retries=0
        )
        self._model = _make_model(settings, client)
        self._extra: dict[str, Any] = json.loads(settings.extra_body) if settings.extra_body else {}
        self._temperature = True  # until the endpoint refuses it
        self._proved = False  # has it answered anything yet?

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def exchange(self, request: Request[Any], mode: Mode, conversation: Sequence[tuple[str, str]] = ()) -> Reply:
        """Ask once. `conversation` holds earlier answers and what was wrong with each. Raises Fault."""
        with_temperature = self._temperature
        messages, parameters = _make_messages(request, conversation), _make_parameters(request, mode)
        try:
            async with asyncio.timeout(self._settings.timeout):
                response = await self._send(request, messages, parameters)
        except TimeoutError:
            raise Fault("again", f"no answer within {self._settings.timeout:g} s", lost=True) from None
        except Exception as error:
            fault = self._judge(error, mode)
            if with_temperature and fault.kind in ("mode", "refused") and "temperature" in fault.reason.lower():
                self._temperature = False
                return await self.exchange(request, mode, conversation)
            raise fault from None  # the library's error may hold headers
        self._proved = True
        return self._read(response, mode)

    async def _send(
        self, request: Request[Any], messages: list[ModelMessage], parameters: ModelRequestParameters
    ) -> ModelResponse:
        settings = OpenAIChatModelSettings(max_tokens=request.max_tokens + self._settings.thinking_tokens)
        if self._temperature:
            settings["temperature"] = request.temperature
        if self._extra:
            settings["extra_body"] = self._extra
        return await model_request(
            self._model,
            messages,
            model_settings=settings,
            model_request_parameters=parameters,
            instrument=False,
        )

    def _read(self, response: ModelResponse, mode: Mode) -> Reply:
        calls = [part.args_as_json_str() for part in response.parts if isinstance(part, ToolCallPart)]
        text = calls[0] if calls else "".join(p.content for p in response.parts if isinstance(p, TextPart))
        told = response.usage
        counts = (told.input_tokens, told.output_tokens, min(told.cache_read_tokens, told.input_tokens))
        usage = Usage(*(max(0, min(int(count), _MOST_TOKENS)) for count in counts))
        return Reply(self._key.black_out(text), response.finish_reason or "stop", usage, mode)

    def _judge(self, error: Exception, mode: Mode) -> Fault:
        if isinstance(error, ModelHTTPError):
            return self._judge_status(error, mode)
        causes = _causes(error)
        for cause in causes:
            if isinstance(cause, OversizedResponse):
                return Fault("refused", str(cause), lost=True)
        if isinstance(error, UserError):  # the library knows that this model has no such mode
            return Fault("mode", self._words(str(error)))
        if any(isinstance(cause, httpx2.TransportError | OSError) for cause in causes):
            last = causes[-1]
            unsent = any(isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout) for cause in causes)
            return Fault("again", self._words(f"{type(last).__name__}: {last}"), lost=not unsent)
        # What comes from an endpoint may break the library in any way, and must not break the run.
        reason = self._words(f"the response can't be read ({type(error).__name__}: {error})")
        return Fault("again", reason, lost=True)

    def _judge_status(self, error: ModelHTTPError, mode: Mode) -> Fault:
        status = error.status_code
        reason = self._words(f"HTTP {status}: {_message(error.body)}")
        if status in _FINAL or isinstance(error, ModelQuotaExceededError) or (status == 403 and not self._proved):
            return Fault("final", reason + _ADVICE.get(status, ""))
        if status in _OVERLOADED:
            return Fault("again", reason, wait=_wait(error), overloaded=True)
        if status >= 500 and status != 501:
            return Fault("again", reason, wait=_wait(error), lost=status in _MAYBE_BILLED)
        if status in _MODE_REFUSED and mode != "prompted" and not isinstance(error, ModelContextWindowExceededError):
            return Fault("mode", reason)
        return Fault("refused", reason)

    def _words(self, text: str) -> str:
        return self._key.black_out(" ".join(text.split()))[:_REASON_CHARACTERS]


_ADVICE = {
    401: " (check JDEXTRACT_LLM_API_KEY)",
    402: " (the account has no money left)",
    403: " (the key may not use this model)",
    404: " (check --llm and --llm-base-url)",
}


def _make_model(settings: LlmConfig, client: AsyncOpenAI) -> OpenAIChatModel:
    host = (urlsplit(settings.base_url).hostname or "").lower()
    name = settings.model or ""
    if any(host == known or host.endswith("." + known) for known in _OPENAI):
        return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client))
    provider = OpenAICompatibleProvider("endpoint", openai_client=client, profile=_PROFILE)
    return OpenAIChatModel(name, provider=provider)


def _make_messages(request: Request[Any], conversation: Sequence[tuple[str, str]]) -> list[ModelMessage]:
    messages: list[ModelMessage] = [
        ModelRequest(parts=[SystemPromptPart(request.instructions), UserPromptPart(_sendable(request.material))])
    ]
    for answer, complaint in conversation:
        messages.append(ModelResponse(parts=[TextPart(_sendable(answer) or "{}")]))
        messages.append(ModelRequest(parts=[UserPromptPart(complaint)]))
    return messages


def _sendable(text: str) -> str:
    """Halves of surrogate pairs can't be sent; each becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _make_parameters(request: Request[Any], mode: Mode) -> ModelRequestParameters:
    schema, name = request.schema.model_json_schema(), request.schema.__name__
    description = schema.pop("description", None)
    if mode == "tool":
        tool = ToolDefinition(name=name, parameters_json_schema=schema, description=description, kind="output")
        return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)
    output = OutputObjectDefinition(json_schema=schema, name=name, description=description)
    return ModelRequestParameters(output_mode=mode, output_object=output)


def _message(body: object) -> str:
    """The message of an error's body, wherever the endpoint puts it."""
    for key in ("error", "message"):
        if isinstance(body, dict) and body.get(key):
            body = cast(dict[str, object], body)[key]
    return str(body) if body else "no message"


def _wait(error: ModelHTTPError) -> float | None:
    return read_retry_after((error.headers or {}).get("retry-after"))


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    while error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__ or error
    return found
