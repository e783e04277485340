"""HTTP below the client library: responses of bounded size, and requests that are written down instead of sent."""

from __future__ import annotations

import json
from typing import Any

import httpx2


class OversizedResponse(httpx2.TransportError):
    """A response over `max_response_bytes`."""


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Reads a response as a whole, decoded, and stops at a bound: what an endpoint sends must not fill the memory."""

    def __init__(self, most: int) -> None:
        """At most `most` bytes after decompression."""
        self._most = most
        # The back-off of the client decides on tries, so none here.
        self._inner = httpx2.AsyncHTTPTransport(retries=0)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""
        request.headers["Accept-Encoding"] = "identity"  # an answer is short; this leaves nothing to inflate
        response = await self._inner.handle_async_request(request)
        body = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._most:
                    raise OversizedResponse(f"the response is larger than {self._most:,} bytes", request=request)
        finally:
            await response.aclose()
        headers = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in _ABOUT_ENCODING]
        return httpx2.Response(response.status_code, headers=headers, content=bytes(body), request=request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


_ABOUT_ENCODING = ("content-encoding", "content-length", "transfer-encoding")


class WritingTransport(httpx2.AsyncBaseTransport):
    """Sends nothing: keeps the body of the last request and answers it with an empty completion."""

    def __init__(self) -> None:
        self.body: dict[str, Any] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Keep the body."""
        self.body = json.loads(await request.aread())
        message = {"role": "assistant", "content": "{}"}
        completion = {
            "id": "unsent",
            "object": "chat.completion",
            "created": 1,
            "model": str(self.body.get("model", "")),
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        }
        return httpx2.Response(200, json=completion, request=request)
