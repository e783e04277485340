from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import skops.io

from jdextract import classification
from jdextract.classification.model import DutyModel
from jdextract.classification.storage import METRICS, PIPELINE, PRIOR, SETTINGS, load_model, save_model
from jdextract.config import ClassificationConfig
from jdextract.errors import ModelError
from jdextract.taxonomy import Taxonomy
from tests.classification.conftest import DRAFT, Small, cut

TEXTS = [json.loads(line)["text"] for line in DRAFT.read_text(encoding="utf-8").splitlines()[:100]]


@pytest.fixture(scope="module")
def saved(small_model: DutyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_model(small_model, folder, {"note": "small"}, "# card\n")
    return folder


@pytest.fixture
def copied(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


class Planted:
    """A type that no model needs."""


def test_round_trip(saved: Path, small: Small, small_model: DutyModel) -> None:
    """A model that was saved and loaded gives the same probabilities."""
    loaded = load_model(saved, small.taxonomy, cut)
    assert loaded.version == small_model.version
    np.testing.assert_array_equal(loaded.log_probabilities(TEXTS), small_model.log_probabilities(TEXTS))


def test_saving_leaves_the_model_alone(saved: Path, small_model: DutyModel) -> None:
    """A model can be used on after it was saved."""
    assert isinstance(small_model.pipeline["features"].named_transformers_["words"].vocabulary_, dict)


def test_planted_type(copied: Path, small: Small) -> None:
    """A file with a type that scikit-learn does not have is refused by name, before anything of it is made."""
    skops.io.dump(Planted(), copied / PIPELINE)
    with pytest.raises(ModelError, match="Planted"):
        load_model(copied, small.taxonomy, cut)


def test_another_taxonomy(saved: Path, small: Small) -> None:
    """A model is refused with a taxonomy of another version, and the message names both."""
    other = Taxonomy.model_validate({**small.taxonomy.model_dump(), "version": "9.9"})
    with pytest.raises(ModelError, match=r"was made for taxonomy .*1\.1.* not for .*9\.9") as caught:
        load_model(saved, other, cut)
    assert "train" in caught.value.hint


@pytest.mark.parametrize("name", [PIPELINE, SETTINGS, PRIOR, METRICS])
def test_missing_and_damaged(copied: Path, small: Small, name: str) -> None:
    """A missing or damaged file is a ModelError that names the folder."""
    (copied / name).write_bytes(b"{")
    with pytest.raises(ModelError, match="model"):
        load_model(copied, small.taxonomy, cut)
    (copied / name).unlink()
    with pytest.raises(ModelError, match=f"has no {name}"):
        load_model(copied, small.taxonomy, cut)


def test_load_by_config(saved: Path, tmp_path: Path) -> None:
    """`load` takes model, threshold and number of alternatives from the settings."""
    config = ClassificationConfig(threshold=1.0, top=1)
    (found,) = classification.load(config, cut).classify(["审核原始凭证"])
    assert (found.status, len(found.alternatives)) == ("abstained", 1)
    with pytest.raises(ModelError, match="has no"):
        classification.load(ClassificationConfig(model=tmp_path), cut)


def test_shipped_size() -> None:
    """The shipped model is under 25 MB and was made for the taxonomy of the package."""
    folder = Path(__file__).parents[2] / "models" / "duty-role"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 25_000_000
    classification.load(ClassificationConfig(), cut)
