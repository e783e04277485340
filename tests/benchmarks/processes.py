"""One command in a process of its own: its time, its memory, and on the way how far it got.

CPU time and memory are those of the whole tree of processes. Memory is the proportional set size where the system tells it, so
that pages which workers share count once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "RAYON", "VECLIB")
_STEP = 0.5  # seconds between two samples; a fifth of that in the first second
_SPARSE = (
    30.0  # seconds; after that memory is looked at every fourth time, because the system walks through all pages for it
)
_MEGABYTE = 1024 * 1024


class CommandFailed(Exception):
    """A command that ended with an error or not in time. Shown to the reader of the table."""


@dataclass(frozen=True)
class Sample:
    """A look at a running command."""

    seconds: float  # since its start
    cpu_seconds: float  # of the tree so far
    written: int  # bytes of records so far
    memory_mb: float


@dataclass
class Run:
    """One run of a command."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0  # of the tree at one moment when it was sampled, of the largest process otherwise
    memory: str = "resident, largest process"  # what `peak_mb` says
    processes: int = 1
    samples: list[Sample] = field(default_factory=list)


def run(
    command: Sequence[str],
    *,
    cores: int | None = None,
    limit: float = 600.0,
    output: Path | None = None,
    good: Sequence[int] = (0,),
) -> Run:
    """Run a command to its end on `cores` cores with one thread a library; None for all cores.

    With `output` (a folder) the tree is looked at twice a second, which takes some of the other cores. Raises CommandFailed after `limit` seconds, and if the
    command ends with a status that is not `good`.
    """
    result = Run()
    errors: list[bytes] = []
    start = time.perf_counter()
    child = subprocess.Popen(
        list(command),
        cwd=ROOT,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_pin(cores),
    )
    reader = threading.Thread(target=_keep_end, args=(child, errors), daemon=True)
    reader.start()
    timer = threading.Timer(limit, _end, (child.pid,))
    timer.start()
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(child.pid, start, output, done, result), daemon=True)
    if output:
        watcher.start()
    try:
        _, status, used = os.wait4(child.pid, 0)
    except BaseException:
        _end(child.pid)
        raise
    finally:
        result.seconds = time.perf_counter() - start
        timer.cancel()
        done.set()
    child.returncode = os.waitstatus_to_exitcode(status)
    reader.join(timeout=5)
    if output:
        watcher.join()
    # A process that a fork server started and waited for is in the samples only, short-lived ones are in the system's sum only.
    sampled = result.samples[-1].cpu_seconds if result.samples else 0.0
    result.cpu_seconds = max(used.ru_utime + used.ru_stime, sampled)
    if not result.samples:
        result.peak_mb = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / _MEGABYTE
    if child.returncode not in good:
        if result.seconds >= limit:
            raise CommandFailed(f"not done in {limit:.0f} seconds")
        lines = b"".join(errors).decode("utf-8", "replace").strip().splitlines()
        said = " ".join(word for word in (lines[-1] if lines else "").split() if os.sep not in word)  # no paths
        raise CommandFailed(f"ended with code {child.returncode}: {said[:200]}")
    return result


def _environment() -> dict[str, str]:
    threads = {f"{name}_NUM_THREADS": "1" for name in _ONE_THREAD}
    return {**os.environ, **threads, "POLARS_MAX_THREADS": "1"}


def _pin(cores: int | None) -> Callable[[], None] | None:
    """What keeps a child on the last cores that this process may use; nothing where the system can't."""
    if cores is None or not hasattr(os, "sched_setaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))[-cores:]
    return lambda: os.sched_setaffinity(0, allowed)


def _keep_end(child: subprocess.Popen[bytes], kept: list[bytes]) -> None:
    """The last lines of standard error. It is read all the time, so that the child never waits for it."""
    assert child.stderr
    with child.stderr as lines:
        for line in lines:
            kept.append(line)
            del kept[:-20]


def _end(pid: int) -> None:
    """End the group of processes that was started here."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _watch(pid: int, start: float, output: Path | None, done: threading.Event, result: Run) -> None:
    """Sample the tree until it ends."""
    try:
        import psutil
    except ImportError:
        return
    spent: dict[int, float] = {}  # CPU seconds of each process as it was last seen
    while not done.wait(_STEP if time.perf_counter() - start > 1 else _STEP / 5):
        try:
            root = psutil.Process(pid)
            tree = [root, *root.children(recursive=True)]
        except psutil.Error:
            return
        seconds = time.perf_counter() - start
        looked = seconds < _SPARSE or len(result.samples) % 4 == 0
        memory, kind = 0.0, "proportional, all processes"
        for process in tree:
            try:
                times = process.cpu_times()
                spent[process.pid] = times.user + times.system
                if looked:
                    told = process.memory_full_info()
                    if not hasattr(told, "pss"):
                        kind = "resident, all processes"
                    memory += getattr(told, "pss", told.rss)
            except psutil.Error:
                continue
        megabytes = memory / _MEGABYTE if looked else result.samples[-1].memory_mb
        result.samples.append(Sample(seconds, sum(spent.values()), _largest(output), round(megabytes, 1)))
        result.memory = kind
        result.peak_mb = max(result.peak_mb, megabytes)
        result.processes = max(result.processes, len(tree))


def _largest(folder: Path | None) -> int:
    """Size of the largest file of records below a folder, whatever its name is before it is complete."""
    sizes = [0]
    for path in folder.rglob("*records*") if folder else ():
        try:
            if path.is_file():
                sizes.append(path.stat().st_size)
        except OSError:
            continue
    return max(sizes)
