"""The commands on a real Ray cluster of two nodes, a worker of which is killed at work, against the local run."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import asdict
from pathlib import Path

import polars as pl
import psutil

from jdextract.config import Config
from jdextract.dataset.build import build_dataset
from jdextract.deduplication.marking import find_all, mark
from jdextract.pipeline import Pipeline
from jdextract.records import ReadFailure, RoleRecord
from jdextract.taxonomy import load_taxonomy
from tests.cluster.conftest import RayCluster
from tests.cluster.samples import frame_of, make_inputs, make_records, read_parts, write_records

CONFIG = Config()
PARTLY_DONE = 3


def finish(process: subprocess.Popen[bytes], status: int = 0) -> str:
    said = process.communicate(timeout=300)[0].decode()
    assert process.returncode == status, said
    return said


def kill_a_worker(running: subprocess.Popen[bytes]) -> int:
    """Kill one of the processes of our cluster that work on documents, as soon as one does. Returns its id."""
    while running.poll() is None:
        for process in psutil.Process().children(recursive=True):
            try:
                title = " ".join(process.cmdline())
                if title.startswith("ray::UDFActor.eval_input"):
                    time.sleep(0.5)  # into its work
                    os.kill(process.pid, signal.SIGKILL)
                    return process.pid
            except (psutil.NoSuchProcess, ProcessLookupError):
                continue
        time.sleep(0.05)
    raise AssertionError(finish(running))


def test_extract_with_a_killed_worker(ray_cluster: RayCluster, pipeline: Pipeline, tmp_path: Path) -> None:
    """A worker is killed while it works; every row is there once all the same, equal to the local run and in its order."""
    for name, data in make_inputs().items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    records: list[RoleRecord] = []
    failures: list[ReadFailure] = []
    for item in pipeline.extract([str(tmp_path / "in")]):
        if isinstance(item, ReadFailure):
            failures.append(item)
        else:
            records += item[1].records
    running = ray_cluster.run("extract", tmp_path / "in", "-o", tmp_path / "out")
    assert kill_a_worker(running)
    said = finish(running, PARTLY_DONE)
    assert f"{len(records)} records, {len(failures)} failures" in said
    assert read_parts(tmp_path / "out" / "records").equals(frame_of(records))
    assert read_parts(tmp_path / "out" / "failures").to_dicts() == [asdict(failure) for failure in failures]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"records", "failures", "_SUCCESS"}


def test_dedup_and_dataset(ray_cluster: RayCluster, tmp_path: Path) -> None:
    """Marks and tables are the local ones, row for row."""
    records = make_records(60)
    folder = write_records(records, tmp_path / "records", files=4)
    finish(ray_cluster.run("dedup", folder, "-o", tmp_path / "marked"))
    marked = list(mark(records, find_all(records, CONFIG.deduplication)))
    assert read_parts(tmp_path / "marked").equals(frame_of(marked))
    finish(ray_cluster.run("dataset", tmp_path / "marked", "-o", tmp_path / "cluster"))
    build_dataset(lambda: records, tmp_path / "local", load_taxonomy(), CONFIG)
    for path in (tmp_path / "local").rglob("*.parquet"):
        there = pl.read_parquet(tmp_path / "cluster" / path.relative_to(tmp_path / "local"))
        assert there.equals(pl.read_parquet(path)), path.name
