"""When not to send: the circuit breaker, and how long to wait between two tries."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_FIRST_WAIT = 0.5  # seconds, doubled with every try


class Breaker:
    """Closed: everything is sent. Open after many failures in a row: nothing is, until a pause is over; then one request
    probes the endpoint, and its outcome closes the breaker or begins another pause. `open_for_good` ends the asking."""

    def __init__(self, failures: int, pause: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Open after `failures` in a row, for `pause` seconds."""
        self._most, self._pause, self._clock = failures, pause, clock
        self._lock = threading.Lock()
        self._row = 0
        self._until: float | None = None  # the breaker is open until then
        self._probing = False
        self._reason = ""
        self._for_good = False

    def refusal(self) -> str:
        """Why nothing is sent now, or nothing: then the caller sends, and reports with `succeed` or `fail`."""
        with self._lock:
            if self._for_good:
                return self._reason
            if self._until is None:
                return ""
            if self._probing or self._clock() < self._until:
                return f"the endpoint failed {self._row} times in a row, last: {self._reason}"
            self._probing = True
            return ""

    @property
    def closed(self) -> bool:
        """Is everything sent?"""
        with self._lock:
            return self._until is None and not self._for_good

    def succeed(self) -> None:
        """The endpoint has answered, also when it refused this one request."""
        with self._lock:
            self._row, self._until, self._probing = 0, None, False

    def fail(self, reason: str) -> None:
        """The endpoint has not answered, or with 5xx."""
        with self._lock:
            self._row += 1
            self._reason = reason
            if self._probing or self._row >= self._most:
                self._until, self._probing = self._clock() + self._pause, False

    def give_up_probe(self) -> None:
        """The request that was to probe was not sent after all."""
        with self._lock:
            self._probing = False

    def open_for_good(self, reason: str) -> None:
        """No later request can fare better: a wrong key, no such model, no money left."""
        with self._lock:
            self._reason, self._for_good = reason, True


def back_off(tries: int, most: float, chance: Callable[[], float] = random.random) -> float:
    """Seconds to wait after `tries` failures: doubled each time, half of it left to chance, at most `most`."""
    longest = min(most, _FIRST_WAIT * 2.0 ** min(tries - 1, 30))
    return longest * (0.5 + 0.5 * chance())


def read_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds of a `Retry-After` header, which holds seconds or an HTTP date; None for anything else."""
    if not value or len(value) > 64:
        return None
    try:
        return max(0.0, float(value)) if value.strip()[:1].isdigit() else _until(value, now or datetime.now(UTC))
    except (ValueError, OverflowError, TypeError):
        return None


def _until(value: str, now: datetime) -> float:
    date = parsedate_to_datetime(value)
    return max(0.0, ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds())
