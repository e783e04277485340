"""An event loop in a thread of its own, so that what is asynchronous serves callers that are not, and notebooks too."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


class LoopThread:
    """Runs coroutines until `close`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="jdextract-llm", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Begin some work; its future may be waited for or cancelled from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do some work and wait for it."""
        return self.submit(work).result()

    def close(self, last: Coroutine[Any, Any, None], *, grace: float = 0.0) -> None:
        """Let what is under way end within `grace` seconds, cancel the rest, do a last piece of work, end the thread."""
        self.run(self._settle(last, grace))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _settle(self, last: Coroutine[Any, Any, None], grace: float) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            _, late = await asyncio.wait(others, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await last
        await self._loop.shutdown_asyncgens()
