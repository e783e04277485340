"""Runs over millions of documents: all cores, resumable, nothing lost.

>>> from jdextract.batch import Options, Targets, run_batch          # doctest: +SKIP
>>> run_batch(["pages/"], Targets(Path("records.jsonl")), Config(), Options(workers=8))   # doctest: +SKIP

A run works in a folder beside its output (`.records.jsonl.run/`) and moves its outputs into place at the end.
"""

from __future__ import annotations

import logging

from jdextract.batch.finishing import Targets
from jdextract.batch.options import Observer, Options, Outcome
from jdextract.batch.pool import Limits
from jdextract.batch.run import run_batch

__all__ = ["Limits", "Observer", "Options", "Outcome", "Targets", "run_batch"]

logging.getLogger("jdextract").addHandler(logging.NullHandler())  # who wants the log says where it goes
