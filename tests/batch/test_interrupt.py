"""Ctrl-C, and what is left of a run whose parent is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.batch.conftest import RunOf, read_all
from tests.batch.kill import ROOT, finish, start
from tests.batch.standin import ENDLESS, PAUSE, targets_in, write_table

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

PROGRAM = """
import sys; from functools import partial
import jdextract.cli.run as cli; from jdextract.cli import main; from tests.batch.standin import install
install(); cli.Options = partial(cli.Options, setup=install)
if __name__ == "__main__":
    main()
"""


def members(group: int) -> list[int]:
    """Processes of a group that have not ended."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, _, its_group = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state not in "ZX":
            found.append(int(entry.name))
    return found


def wait_until_gone(group: int, seconds: float = 20.0) -> list[int]:
    """Who is still there then."""
    end = time.monotonic() + seconds
    while (left := members(group)) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def wait_for_records(process: subprocess.Popen[bytes], part: Path) -> None:
    while not (part.exists() and part.stat().st_size):
        assert process.poll() is None
        time.sleep(0.01)


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_ends_cleanly_and_the_run_can_go_on(run: RunOf, tmp_path: Path, workers: int) -> None:
    """SIGINT to the whole group, as a terminal sends it: status 130, no traceback, no process left, nothing lost."""
    table = write_table(tmp_path / "t.jsonl", 400)
    out = tmp_path / "out"
    (tmp_path / "program.py").write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, tmp_path / "program.py", "extract", table, "-o", out / "r.jsonl", "-j", str(workers)],
        env=os.environ | {PAUSE: "0.005", "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    wait_for_records(process, out / ".r.jsonl.run" / "records.part")
    os.killpg(process.pid, signal.SIGINT)
    code, errors = finish(process)
    assert code == 130
    assert errors.splitlines() == [
        "what is done is kept: the same command with --resume goes on",
        "error: interrupted, outputs stay as they were",
    ]
    assert wait_until_gone(process.pid) == []
    assert not (out / "r.jsonl").exists()
    wanted = targets_in(tmp_path / "whole")
    run([table], wanted)
    again = [sys.executable, tmp_path / "program.py", "extract", table, "-o", out / "r.jsonl", "--resume", "-j", "2"]
    subprocess.run(again, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True, capture_output=True)
    assert (out / "r.jsonl").read_bytes() == (tmp_path / "whole" / "r.jsonl").read_bytes()


def test_workers_do_not_outlive_their_parent(tmp_path: Path) -> None:
    """After kill -9 of the parent alone they end, also one that is held up by a document."""
    table = write_table(tmp_path / "t.jsonl", 600, {130: f"x\n{ENDLESS}"})
    process = start([str(tmp_path / "out"), ".jsonl", "2", str(table)], 0.002)
    wait_for_records(process, tmp_path / "out" / ".r.jsonl.run" / "records.part")
    time.sleep(0.5)
    assert len(members(process.pid)) > 2
    process.kill()
    process.communicate()
    assert wait_until_gone(process.pid) == []
    assert read_all(tmp_path / "out") != {}
