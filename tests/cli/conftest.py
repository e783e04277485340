from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jdextract.cli.app import app
from jdextract.pipeline import Pipeline
from tests.samples import HANS, HANT, MIXED, StandInPipeline, gold

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Runs `jdextract` with arguments, in this process."""

    def call(*arguments: object, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)

    return call


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A folder with three documents: Simplified, Traditional and mixed."""
    folder = tmp_path / "pages"
    folder.mkdir()
    for name in (HANS, HANT, MIXED):
        (folder / f"{name}.txt").write_bytes(gold(name).text.encode())
    return folder


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands use a pipeline without models."""
    pipeline = StandInPipeline(*map(gold, (HANS, HANT, MIXED)))
    for stage in ("extractor", "classifier"):
        monkeypatch.setattr(Pipeline, stage, getattr(pipeline, stage))
