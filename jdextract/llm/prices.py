"""What tokens cost: the price table `data/prices.yaml`, or the price that was given."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from jdextract.data import load_rules
from jdextract.errors import ConfigError
from jdextract.llm.exchange import Usage

_MILLION = Decimal(1_000_000)
_GIVEN = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)/(\d{1,9}(?:\.\d{1,9})?)(?: ([A-Z]{3}))?")
_SNAPSHOT = re.compile(r"-\d{4}-?\d{2}-?\d{2}$")  # the date behind a model's name
_DEFAULT_BATCH = Decimal("0.5")  # of a price that was given: what every provider with a batch API asks today


@dataclass(frozen=True, slots=True)
class Price:
    """Price per million tokens."""

    input: Decimal
    output: Decimal
    cached_input: Decimal
    batch: Decimal | None  # share of the price that the batch API asks; None: no batch API is known
    currency: str  # ISO 4217
    source: str
    date: str

    def cost(self, usage: Usage, *, batch: bool = False) -> Decimal:
        """What these tokens cost. In a batch, cached input keeps its price: not every provider halves it again."""
        share = (self.batch if self.batch is not None else Decimal(1)) if batch else Decimal(1)
        fresh = max(0, usage.input_tokens - usage.cached_input_tokens)
        full = fresh * self.input * share + usage.output_tokens * self.output * share
        cached = usage.cached_input_tokens * min(self.cached_input, self.input * share)
        return (full + cached) / _MILLION

    def bound(self, input_tokens: int, output_tokens: int) -> Decimal:
        """What an exchange costs at most."""
        return (input_tokens * max(self.input, self.cached_input) + output_tokens * self.output) / _MILLION


def find_price(model: str, base_url: str, given: str = "") -> Price | None:
    """The price of a model at an endpoint, None where it is not known.

    `given` (`IN/OUT`, optionally with a currency) wins over the table. Raises ConfigError for one that can't be read.
    """
    table: dict[str, Any] = load_rules("prices")
    host = (urlsplit(base_url).hostname or "").lower()
    provider = next((p for p in table["providers"].values() if _serves(p["hosts"], host)), None)
    if given:
        return _read_given(given, provider["currency"] if provider else "USD")
    if provider is None:
        return None
    name = model.lower()
    entry = provider["models"].get(name) or provider["models"].get(_SNAPSHOT.sub("", name))
    if entry is None:
        return None
    return Price(
        input=Decimal(entry["input"]),
        output=Decimal(entry["output"]),
        cached_input=Decimal(entry.get("cached", entry["input"])),
        batch=Decimal(provider["batch"]) if "batch" in provider else None,
        currency=provider["currency"],
        source=provider["source"],
        date=str(table["date"]),
    )


def _serves(hosts: list[str], host: str) -> bool:
    return any(host == known or host.endswith("." + known) for known in hosts)


def _read_given(given: str, currency: str) -> Price:
    match = _GIVEN.fullmatch(given.strip())
    if match is None:
        raise ConfigError(
            f"llm.price: {given[:40]!r} is no price",
            hint="give IN/OUT per million tokens, such as 0.15/0.60 or '1/4 CNY', and 0/0 for a server of your own",
        )
    paid = Decimal(match[1])
    return Price(paid, Decimal(match[2]), paid, _DEFAULT_BATCH, match[3] or currency, "as given", "")
