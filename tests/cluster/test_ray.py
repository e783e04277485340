"""A real Ray cluster of two nodes, a worker of which is killed at work, against the local run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl
import psutil
import pytest

from jdextract.cluster.engine import QUIET
from jdextract.config import Config
from jdextract.dataset.build import build_dataset
from jdextract.deduplication.marking import find_all, mark
from jdextract.records import RoleRecord
from jdextract.taxonomy import load_taxonomy
from tests.cluster.conftest import Extracted
from tests.cluster.samples import frame_of, make_records, read_parts, write_records

CONFIG = Config()


@dataclass(frozen=True)
class Run:
    folder: Path
    records: list[RoleRecord]  # that were marked
    killed: int


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A cluster of two nodes with a core each, on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUIET.items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster

        memory = 100_000_000
        made = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 1, "object_store_memory": memory, "include_dashboard": False},
        )
        try:
            made.add_node(num_cpus=1, object_store_memory=memory)
            yield made.address
        finally:
            made.shutdown()


@pytest.fixture(scope="module")
def run(address: str, local_run: Extracted, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Extraction, with a worker killed as soon as one works, then near-duplicate search, then the dataset."""
    folder = tmp_path_factory.mktemp("ray")
    (folder / "in").symlink_to(local_run.folder)
    records = make_records(24)
    write_records(records, folder / "records", files=4)
    log = folder / "log"
    with log.open("wb") as said:
        command = [sys.executable, "-m", "tests.cluster.on_ray", address, str(folder)]
        running = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        try:
            killed = kill_a_worker(running)
            status = running.wait(timeout=300)
        finally:
            running.kill()
    assert status == 0, log.read_text()
    return Run(folder, records, killed)


def kill_a_worker(running: subprocess.Popen[bytes]) -> int:
    """Kill a process of this cluster that works on documents. Returns its id, 0 if the run ended before."""
    while running.poll() is None:
        for process in psutil.Process().children(recursive=True):
            try:
                if process.cmdline()[:1] and process.cmdline()[0].startswith("ray::UDFActor.eval_input"):
                    time.sleep(0.5)  # into its work
                    os.kill(process.pid, signal.SIGKILL)
                    return process.pid
            except (psutil.NoSuchProcess, ProcessLookupError):
                continue
        time.sleep(0.05)
    return 0


def test_every_row_once_with_a_killed_worker(run: Run, local_run: Extracted) -> None:
    """A worker died at work; every record and failure is there once all the same, equal to the local run and in its order."""
    assert run.killed
    name, here = str(run.folder / "in"), str(local_run.folder)
    records = read_parts(run.folder / "extracted" / "records")
    assert records.equals(local_run.frame(here, name))
    failures = [{**asdict(each), "path": each.path.replace(here, name)} for each in local_run.failures]
    assert read_parts(run.folder / "extracted" / "failures").to_dicts() == failures
    assert {path.name for path in (run.folder / "extracted").iterdir()} == {"records", "failures", "_SUCCESS"}


def test_marks_are_the_local_ones(run: Run) -> None:
    """Clusters of duties, records and documents, row for row."""
    marked = list(mark(run.records, find_all(run.records, CONFIG.deduplication)))
    assert read_parts(run.folder / "marked").equals(frame_of(marked))


def test_tables_are_the_local_ones(run: Run, tmp_path: Path) -> None:
    """Every table of the dataset, row for row."""
    build_dataset(lambda: run.records, tmp_path / "local", load_taxonomy(), CONFIG)
    for path in (tmp_path / "local").rglob("*.parquet"):
        there = pl.read_parquet(run.folder / "cluster" / path.relative_to(tmp_path / "local"))
        assert there.equals(pl.read_parquet(path)), path.name
