"""The key of the endpoint. It comes from the environment and is never written anywhere."""

from __future__ import annotations

import os

VARIABLES = ("JDEXTRACT_LLM_API_KEY", "OPENAI_API_KEY")  # the first that is set
_SHORTEST = 6  # characters; a shorter one would black out ordinary words


class Key:
    """A key that no message, log or traceback shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """An empty one stands for an endpoint that needs none, such as a server of one's own."""
        self._value = value.strip()

    def __repr__(self) -> str:
        return "Key(…)" if self._value else "Key()"

    def __bool__(self) -> bool:
        return bool(self._value)

    def reveal(self) -> str:
        """The key itself, for the client that sends it and for nobody else."""
        return self._value

    def black_out(self, text: str) -> str:
        """Text in which the key is not readable: some endpoints repeat it in their errors."""
        return text.replace(self._value, "[key]") if len(self._value) >= _SHORTEST else text


def read_key() -> Key:
    """The key from JDEXTRACT_LLM_API_KEY, else OPENAI_API_KEY, else an empty one."""
    return Key(next((os.environ[name] for name in VARIABLES if os.environ.get(name, "").strip()), ""))
