"""Duty and title -> canonical role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jdextract.errors import ModelError

if TYPE_CHECKING:
    from jdextract.classification.classifier import Classifier
    from jdextract.classification.features import Cut
    from jdextract.config import ClassificationConfig

MODEL = "models/duty-role"


def load(config: ClassificationConfig, cut: Cut) -> Classifier:
    """The classifier that `config` names, or the one in the package. Raises ModelError and TaxonomyError.

    `cut`: words of a normalised text, from the stage before.
    """
    from jdextract.classification.classifier import Classifier
    from jdextract.classification.storage import load_model
    from jdextract.locations import find_data
    from jdextract.taxonomy import load_taxonomy

    try:
        folder = config.model or find_data(MODEL)
    except FileNotFoundError as error:
        raise ModelError(str(error), where=MODEL, hint="make one with `jdextract train`") from error
    model = load_model(folder, load_taxonomy(config.taxonomy), cut)
    return Classifier(model, threshold=config.threshold, top=config.top)
