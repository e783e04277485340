"""Duty models on disk: `pipeline.skops`, `settings.json`, `prior.json`, `metrics.json`, `card.md`. Data only, no code."""

from __future__ import annotations

import copy
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jdextract.classification.features import Cut, find_vectorizers
from jdextract.classification.model import DutyModel, roles_of
from jdextract.classification.settings import load_settings
from jdextract.errors import ModelError
from jdextract.taxonomy import Taxonomy

PIPELINE, SETTINGS, PRIOR, METRICS, CARD = "pipeline.skops", "settings.json", "prior.json", "metrics.json", "card.md"
_HINT = "give the folder that `jdextract train` wrote, or leave the setting out for the model in the package"


def save_model(model: DutyModel, folder: Path, metrics: Mapping[str, Any], card: str) -> None:
    """Write all files of a model. `metrics` must be JSON; version and taxonomy are added to it."""
    import skops.io

    folder.mkdir(parents=True, exist_ok=True)
    skops.io.dump(_pack(model.pipeline), folder / PIPELINE, compression=zipfile.ZIP_DEFLATED, compresslevel=6)
    (folder / SETTINGS).write_text(model.settings.model_dump_json(indent=1) + "\n", encoding="utf-8")
    prior = {"roles": list(model.roles), "log_probabilities": model.prior.round(4).tolist()}
    (folder / PRIOR).write_text(json.dumps(prior) + "\n", encoding="utf-8")
    head = {"version": model.version, "taxonomy": model.taxonomy.stamp}
    (folder / METRICS).write_text(
        json.dumps(head | dict(metrics), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (folder / CARD).write_text(card, encoding="utf-8")


def _pack(pipeline: Any) -> Any:
    """A copy with each vocabulary as one array: skops reads a dictionary entry by entry, seconds for a vocabulary."""
    import numpy as np

    packed = copy.deepcopy(pipeline)
    for vectorizer in find_vectorizers(packed):
        vectorizer.vocabulary_ = np.array(sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__))
    return packed


def _unpack(pipeline: Any) -> Any:
    for vectorizer in find_vectorizers(pipeline):
        vectorizer.vocabulary_ = {gram: i for i, gram in enumerate(vectorizer.vocabulary_.tolist())}
    return pipeline


def load_model(folder: Path, taxonomy: Taxonomy, cut: Cut) -> DutyModel:
    """Raises ModelError for a missing or damaged file, a type that is not trusted, and a model of another taxonomy."""
    import numpy as np
    import skops.io

    for name in (PIPELINE, SETTINGS, PRIOR, METRICS):
        if not (folder / name).is_file():
            raise ModelError(f"has no {name}", where=str(folder), hint=_HINT)
    settings = load_settings(folder / SETTINGS)
    try:
        metrics = json.loads((folder / METRICS).read_text(encoding="utf-8"))
        if metrics["taxonomy"] != taxonomy.stamp:
            raise ModelError(
                f"was made for taxonomy {metrics['taxonomy']!r}, not for {taxonomy.stamp!r}",
                where=str(folder),
                hint="train a model for this taxonomy with `jdextract train --taxonomy`",
            )
        unknown = skops.io.get_untrusted_types(file=folder / PIPELINE)
        if unknown:
            raise ModelError(f"holds types that are not trusted: {', '.join(unknown)}", where=str(folder), hint=_HINT)
        pipeline = _unpack(skops.io.load(folder / PIPELINE, trusted=[]))
        prior = json.loads((folder / PRIOR).read_text(encoding="utf-8"))
        table = np.array(prior["log_probabilities"], dtype=np.float64)
        if list(roles_of(pipeline)) != prior["roles"] or table.shape != (len(prior["roles"]),) * 2:
            raise ModelError("holds a prior for other roles than its pipeline", where=str(folder), hint=_HINT)
    except (ValueError, KeyError, TypeError, AttributeError, OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"can't be loaded ({error})", where=str(folder), hint=_HINT) from error
    return DutyModel(pipeline, taxonomy, settings, table, str(metrics["version"]), cut)
