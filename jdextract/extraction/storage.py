"""Zoning models on disk: data only, nothing in them is run when they are loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from jdextract.errors import ModelError
from jdextract.extraction.content import ContentModel

if TYPE_CHECKING:
    from jdextract.extraction.crf import SequenceModel

CONTENT, ZONES, METRICS = "content.npz", "zones.crfsuite", "metrics.json"


def load_zoning(folder: Path) -> tuple[ContentModel, SequenceModel, str]:
    """(content model, sequence model, version). Raises ModelError."""
    from jdextract.extraction.crf import SequenceModel

    hint = "give the folder that `jdextract train` wrote, or leave the setting out for the model in the package"
    for name in (CONTENT, ZONES, METRICS):
        if not (folder / name).is_file():
            raise ModelError(f"has no {name}", where=str(folder), hint=hint)
    try:
        content = ContentModel.load(folder / CONTENT)
        sequence = SequenceModel.load(folder / ZONES)
        version = str(json.loads((folder / METRICS).read_text(encoding="utf-8"))["version"])
    except (ValueError, KeyError, OSError, TypeError) as error:
        raise ModelError(f"can't be loaded ({error})", where=str(folder), hint=hint) from error
    return content, sequence, version
