"""An endpoint on loopback that answers as it is told: for the faults that a real model does not make on demand.

    with FakeServer([status(500), says({"role": "sales"})]) as server:
        ... server.url ... server.requests ...

A script is a list of replies (the last one is repeated) or a function of the request's body and its number.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Scripted:
    """One reply: a status with a body, after some seconds, or a connection that breaks."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # before anything is sent
    drop: bool = False  # close the connection in the middle of the body


Script = Sequence[Scripted] | Callable[[dict[str, Any], int], Scripted]


def says(content: object, *, tokens: tuple[int, int] | None = (100, 10), finish: str = "stop", **more: Any) -> Scripted:
    """A completion whose content is the text, or the JSON of anything else; `tokens` None: it does not count them."""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    seconds = more.pop("seconds", 0.0)
    return _completion({"role": "assistant", "content": text, **more}, tokens, finish, seconds)


def calls_tool(name: str, arguments: object, *, tokens: tuple[int, int] | None = (100, 10)) -> Scripted:
    """A completion that calls a tool."""
    call = {"id": "call-1", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    return _completion({"role": "assistant", "content": None, "tool_calls": [call]}, tokens, "tool_calls", 0.0)


def _completion(message: dict[str, Any], tokens: tuple[int, int] | None, finish: str, seconds: float) -> Scripted:
    body: dict[str, Any] = {
        "id": "fake",
        "object": "chat.completion",
        "created": 1,
        "model": "fake",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }
    if tokens:
        body["usage"] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    return Scripted(body=json.dumps(body).encode(), headers={"Content-Type": "application/json"}, seconds=seconds)


def status(code: int, message: str = "no", **headers: str) -> Scripted:
    """An error; `retry_after="1"` becomes the header `Retry-After`."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    body = json.dumps({"error": {"message": message}}).encode()
    return Scripted(code, body, {"Content-Type": "application/json", **named})


class FakeServer:
    """A context manager; `requests` holds the bodies that came, `headers` their headers by lower-case names, `times` when (monotonic)."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> FakeServer:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def _next(self, body: dict[str, Any], headers: dict[str, str]) -> Scripted:
        with self._lock:
            number = len(self.requests)
            self.requests.append(body)
            self.headers.append(headers)
            self.times.append(time.monotonic())
        if callable(self._script):
            return self._script(body, number)
        return self._script[min(number, len(self._script) - 1)]

    def _count(self, step: int) -> None:
        with self._lock:
            self._at_once += step
            self.most_at_once = max(self.most_at_once, self._at_once)

    def _make_handler(fake) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                fake._count(1)
                try:
                    reply = fake._next(body, {name.lower(): value for name, value in self.headers.items()})
                    fake._ended.wait(reply.seconds)
                finally:
                    fake._count(-1)
                try:
                    self._send(reply)
                except OSError:  # the client has gone
                    self.close_connection = True

            def _send(self, reply: Scripted) -> None:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body[: len(reply.body) // 2] if reply.drop else reply.body)
                self.close_connection = self.close_connection or reply.drop

            def log_message(self, *_: object) -> None:
                pass

        return Handler
