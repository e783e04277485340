"""Imported by the fork server before it forks: loads the models once, and the workers share their pages.

Only a process without threads may be forked, so nothing is loaded here that starts them; a worker does that for itself.
"""

from __future__ import annotations

import gc
import os
from contextlib import suppress

from jdextract.config import Config

VARIABLE = "JDEXTRACT_PRELOAD"  # names the settings to the fork server, which takes no arguments


def _load() -> None:
    text = os.environ.pop(VARIABLE, "")
    if not text:
        return
    from jdextract.batch.extraction import BatchPipeline

    config = Config.model_validate_json(text)
    pipeline = BatchPipeline(config)
    pipeline.load()
    loaded[config.digest()] = pipeline
    gc.collect()
    gc.freeze()  # or the first collection in a worker would copy every page


loaded: dict[str, object] = {}  # digest of the settings -> BatchPipeline
with suppress(Exception):  # a worker meets the same error and reports it
    _load()
