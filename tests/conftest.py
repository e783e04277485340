from __future__ import annotations

from pathlib import Path

import pytest

from jdextract.annotation import GoldDocument, read_marked
from jdextract.extraction.extractor import Extractor
from jdextract.pipeline import Pipeline

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `shared` measure on real documents that a stranger's clone does not have."""
    if not (SHARED / "gold").is_dir():
        for item in items:
            if item.get_closest_marker("shared"):
                item.add_marker(pytest.mark.skip(reason="no ../shared beside the checkout"))


@pytest.fixture(scope="session")
def corpus_documents() -> list[GoldDocument]:
    return list(read_marked(ROOT / "corpus" / "documents"))


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture(scope="session")
def extractor(pipeline: Pipeline) -> Extractor:
    return pipeline.extractor
