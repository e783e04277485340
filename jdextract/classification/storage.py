"""Duty models on disk: `pipeline.skops`, `settings.json`, `prior.json`, `metrics.json`, `card.md`. Data only, no code."""

from __future__ import annotations

import copy
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from jdextract.classification.features import Cut, find_vectorizers
from jdextract.classification.learned import Learned
from jdextract.classification.model import DutyModel, name_roles
from jdextract.classification.settings import load_settings
from jdextract.classification.stored import UnknownContent, read_stored
from jdextract.errors import ModelError
from jdextract.taxonomy import Taxonomy

PIPELINE, SETTINGS, PRIOR, METRICS, CARD = "pipeline.skops", "settings.json", "prior.json", "metrics.json", "card.md"
_DAMAGE = (  # what reading raises where files are not as they should be
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
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

    for name in (PIPELINE, SETTINGS, PRIOR, METRICS):
        if not (folder / name).is_file():
            raise ModelError(f"has no {name}", where=str(folder), hint=_HINT)
    settings = load_settings(folder / SETTINGS)
    with _telling_damage(folder):
        metrics = json.loads((folder / METRICS).read_text(encoding="utf-8"))
        if metrics["taxonomy"] != taxonomy.stamp:
            raise ModelError(
                f"was made for taxonomy {metrics['taxonomy']!r}, not for {taxonomy.stamp!r}",
                where=str(folder),
                hint="train a model for this taxonomy with `jdextract train --taxonomy`",
            )
        learned, load_pipeline = _load_learned(folder)
        prior = json.loads((folder / PRIOR).read_text(encoding="utf-8"))
        table = np.array(prior["log_probabilities"], dtype=np.float64)
        if list(name_roles(learned.classes)) != prior["roles"] or table.shape != (len(prior["roles"]),) * 2:
            raise ModelError("holds a prior for other roles than its pipeline", where=str(folder), hint=_HINT)
        return DutyModel(learned, taxonomy, settings, table, str(metrics["version"]), cut, load_pipeline)


def _load_learned(folder: Path) -> tuple[Learned, Callable[[], Any]]:
    """What the pipeline of a model learned, and what loads the pipeline itself."""
    try:
        return Learned.read(read_stored(folder / PIPELINE)), partial(_load_pipeline, folder)
    except UnknownContent:  # such as a pipeline of another learner
        pipeline = _load_pipeline(folder)
        return Learned.read(pipeline), lambda: pipeline


def _load_pipeline(folder: Path) -> Any:
    """The scikit-learn pipeline of a model: seconds. Raises ModelError."""
    import skops.io

    with _telling_damage(folder):
        unknown = skops.io.get_untrusted_types(file=folder / PIPELINE)
        if unknown:
            raise ModelError(f"holds types that are not trusted: {', '.join(unknown)}", where=str(folder), hint=_HINT)
        return _unpack(skops.io.load(folder / PIPELINE, trusted=[]))


@contextmanager
def _telling_damage(folder: Path) -> Iterator[None]:
    """Turn what damaged files raise into ModelError."""
    try:
        yield
    except _DAMAGE as error:
        raise ModelError(f"can't be loaded ({error})", where=str(folder), hint=_HINT) from error
