"""Circuit breaker, back-off and Retry-After."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jdextract.llm.breaker import Breaker, back_off, read_retry_after


def test_half_open() -> None:
    """After the pause one request probes while the others wait; its failure begins another pause, its success closes."""
    now = 0.0
    breaker = Breaker(2, 10, clock=lambda: now)
    breaker.fail("a")
    breaker.succeed()
    breaker.fail("b")
    assert breaker.refusal() == ""
    breaker.fail("c")
    assert "failed 2 times in a row, last: c" in breaker.refusal()
    now = 10.0
    assert breaker.refusal() == ""
    assert breaker.refusal() != ""
    breaker.fail("d")
    now = 19.0
    assert breaker.refusal() != ""
    now = 20.0
    assert breaker.refusal() == ""
    breaker.give_up_probe()
    assert breaker.refusal() == ""
    breaker.succeed()
    assert [breaker.refusal(), breaker.refusal()] == ["", ""]
    breaker.open_for_good("wrong key")
    breaker.succeed()
    assert breaker.refusal() == "wrong key"


@given(tries=st.integers(1, 10_000), most=st.floats(0, 1e6), chance=st.floats(0, 1))
def test_back_off(tries: int, most: float, chance: float) -> None:
    """Waits grow, keep some chance, and never pass the bound."""
    wait = back_off(tries, most, lambda: chance)
    assert 0 <= wait <= most
    assert wait <= back_off(tries + 1, most, lambda: 1.0)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("Thu, 26 Nov 2026 00:01:40 GMT", 100.0),
        ("Wed, 25 Nov 2026 00:00:00 GMT", 0.0),
        ("soon", None),
        ("-3", None),
        ("1" * 100, None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    """Seconds and HTTP dates are read; anything else is nothing."""
    assert read_retry_after(value, datetime(2026, 11, 26, tzinfo=UTC)) == seconds


@given(st.text(max_size=80))
def test_retry_after_never_raises(value: str) -> None:
    """Whatever an endpoint sends as Retry-After."""
    seconds = read_retry_after(value)
    assert seconds is None or seconds >= 0
