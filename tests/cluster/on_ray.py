"""The three runs on a Ray cluster, in a process of their own because a process has one engine: ADDRESS FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from jdextract.cluster.engine import start_engine
from jdextract.config import Config
from jdextract.taxonomy import load_taxonomy


def main(address: str, folder: Path) -> None:
    engine = start_engine("ray", address=address)
    assert (engine.workers, engine.nodes) == (2, 2)
    from jdextract.cluster.dataset import build
    from jdextract.cluster.deduplication import deduplicate
    from jdextract.cluster.extraction import extract

    config = Config()
    extract([str(folder / "in")], str(folder / "extracted"), config, engine)
    deduplicate([str(folder / "records")], str(folder / "marked"), config, engine)
    build([str(folder / "marked")], str(folder / "cluster"), load_taxonomy(), config, engine)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
