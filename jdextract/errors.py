"""Every error that jdextract raises on purpose.

JdextractError
├── ConfigError             a setting that does not fit: says which, and what it may be
├── MissingExtra            a library of an optional part is not installed: says which, and how to get it
├── ReadError               an input that can't be read; becomes one line of `errors.jsonl`
│   ├── MissingInput        no such file, or a link that leads nowhere
│   ├── UnsupportedInput    a kind of file that no reader takes
│   ├── EmptyInput          nothing in it to read
│   ├── DamagedInput        truncated, random, or not what its name says
│   ├── ProtectedInput      encrypted, or no rights to open it
│   ├── OversizedInput      over a stated bound (bytes, nesting, expansion, columns)
│   ├── MissingColumn       a table without the column that was asked for
│   ├── CrashingInput       ends the process that works on it
│   └── EndlessInput        takes longer than the time limit
├── ModelError              a model that can't be loaded, or was made for another taxonomy
├── RunError                a run that can't begin or go on: another one writes there, or it was interrupted
└── TaxonomyError           a taxonomy file that breaks its rules
"""

from __future__ import annotations


class JdextractError(Exception):
    """What failed (`what`), where (`where`: path, row or key, may be empty) and what to try (`hint`)."""

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what, self.where, self.hint = what, where, hint
        super().__init__(f"{where}: {what}" if where else what)


class ConfigError(JdextractError):
    """A setting that does not fit."""


class MissingExtra(JdextractError):
    """A library of an optional part is not installed."""


class ReadError(JdextractError):
    """An input that can't be read."""


class MissingInput(ReadError):
    """No such file, or a link that leads nowhere."""


class UnsupportedInput(ReadError):
    """A kind of file that no reader takes."""


class EmptyInput(ReadError):
    """Nothing in it to read."""


class DamagedInput(ReadError):
    """Truncated, random, or not what its name says."""


class ProtectedInput(ReadError):
    """Encrypted, or no rights to open it."""


class OversizedInput(ReadError):
    """Over a stated bound."""


class MissingColumn(ReadError):
    """A table without the column that was asked for."""


class CrashingInput(ReadError):
    """Ends the process that works on it."""


class EndlessInput(ReadError):
    """Takes longer than the time limit."""


class RunError(JdextractError):
    """A run that can't begin or go on."""


class ModelError(JdextractError):
    """A model that can't be loaded, or was made for another taxonomy."""


class TaxonomyError(JdextractError):
    """A taxonomy file that breaks its rules."""
