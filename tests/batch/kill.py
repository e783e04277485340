"""Kills runs and lets them go on: `python -m tests.batch.kill --times 20`.

Each time a run of two workers is killed with its whole process group after a random while, again and again with
`--resume` until one comes to its end; its outputs must equal those of a run that nobody disturbed, byte for byte.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.batch.conftest import read_all
from tests.batch.standin import ABORT, PAUSE, UNFORESEEN, write_table

ROOT = Path(__file__).parents[2]
SUFFIXES = (".jsonl", ".csv", ".parquet")
_POISON = {90: f"x\n{ABORT}", 500: f"x\n{UNFORESEEN}"}


def start(arguments: list[str], pause: float = 0.0, **named: object) -> subprocess.Popen[bytes]:
    """A run as a process, leader of a group of its own."""
    environment = os.environ | {PAUSE: str(pause), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.batch.standin", *arguments],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        start_new_session=True,
        **named,  # type: ignore[call-overload]
    )


def finish(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Exit code and standard error."""
    _, errors = process.communicate(timeout=120)
    return process.returncode, errors.decode()


def kill_at_progress(process: subprocess.Popen[bytes], folder: Path, suffix: str, share: float, size: int) -> bool:
    """Kill the whole group when that share of the records is written. False if the run ended before."""
    part = folder / f".r{suffix}.run" / "records.part"
    while process.poll() is None:
        if part.exists() and part.stat().st_size >= share * size:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return True
        time.sleep(0.002)
    process.communicate()
    return False


def undisturbed(folder: Path, table: Path, suffix: str) -> tuple[Mapping[str, bytes], int]:
    """The outputs of a run that nobody disturbs, and the length of its records before they became the output."""
    code, errors = finish(start([str(folder), suffix, "2", str(table)]))
    assert code == 0, errors
    outputs = read_all(folder)
    shutil.rmtree(folder)
    # Parquet is made of lines at the end, and these are what grows.
    return outputs, undisturbed(folder, table, ".jsonl")[1] if suffix == ".parquet" else len(outputs[f"r{suffix}"])


def disturbed(
    folder: Path, table: Path, suffix: str, shares: list[float], size: int
) -> tuple[Mapping[str, bytes], int]:
    """The outputs of a run that was killed each time its records had grown to one of these shares, and how often."""
    killed = 0
    for share in sorted(shares):
        arguments = [str(folder), suffix, "2", str(table), "--resume"]
        killed += kill_at_progress(start(arguments, 0.002), folder, suffix, share, size)
    code, errors = finish(start([str(folder), suffix, "2", str(table), "--resume"]))
    assert code == 0, errors
    return read_all(folder), killed


def main() -> None:
    """Kill so many runs and say how many came out equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    kills = 0
    with tempfile.TemporaryDirectory() as name:
        table = write_table(Path(name) / "t.jsonl", 1000, _POISON)
        wholes = {suffix: undisturbed(Path(name) / "whole", table, suffix) for suffix in SUFFIXES}
        number = 0
        while kills < options.times:
            suffix = SUFFIXES[number % len(SUFFIXES)]
            number += 1
            whole, size = wholes[suffix]
            shares = [chance.random() * 0.95 for _ in range(min(4, options.times - kills))]
            found, killed = disturbed(Path(name) / f"out{number}", table, suffix, shares, size)
            kills += killed
            if found != whole:
                names = [file for file in {**whole, **found} if whole.get(file) != found.get(file)]
                raise SystemExit(f"{suffix}: other bytes in {', '.join(names)} after kills at {sorted(shares)}")
            print(f"{suffix}: {killed} kills, the same bytes", flush=True)
    print(f"{kills} kills, nothing lost")


if __name__ == "__main__":
    main()
