from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jdextract.batch import Limits, Options, Outcome, Targets, run_batch
from jdextract.batch.extraction import BatchPipeline
from jdextract.config import Config
from tests.batch.standin import explain_many, explain_one, install, targets_in, write_table

RunOf = Callable[..., Outcome]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """320 documents in a table: five chunks."""
    return write_table(tmp_path / "t.jsonl", 320, {70: "第七十份\n" + "UNFORESEEN", 71: "  "})


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> RunOf:
    """Runs inputs into a folder with the stand-in, in this process and in workers alike."""
    monkeypatch.setattr(BatchPipeline, "explain_many", explain_many)
    monkeypatch.setattr(BatchPipeline, "explain", explain_one)
    monkeypatch.setattr(BatchPipeline, "load", lambda self: None)

    def call(inputs: list[Path], targets: Targets | Path, workers: int = 1, **options: object) -> Outcome:
        given = {"limits": Limits(1.0, 256 << 20), "rows": True, "setup": install} | options
        wanted = targets if isinstance(targets, Targets) else targets_in(targets)
        return run_batch([str(path) for path in inputs], wanted, Config(), Options(workers, **given))  # type: ignore[arg-type]

    return call


def read_all(folder: Path) -> dict[str, bytes]:
    """Every file that a run wrote, but run.json, in which times differ."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.name != "run.json"}
