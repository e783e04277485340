"""One system on one set of texts in a process of its own: what it finds, how long it takes and how much memory.

    python -m tests.benchmarks.peers JOB.json ANSWER.json

A job names the system, the file of the texts (a JSON list) and one or more settings; the answer has a row for each. This
module runs in the environment of the peers as well, so that it imports nothing but the standard library.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

Settings = dict[str, Any]
_RUNS = 3
_SHORT = 20.0  # seconds; what takes longer runs once
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Found:
    """What a system says. `labels`: rows with the same one are duplicates."""

    labels: list[int]
    vanished: int = 0  # rows that it takes out before it compares anything, and hands back to nobody
    not_counted: float = 0.0  # seconds of the run that went into files


# A search gives a function that reads the labels off its result, so that this is not counted.
Search = Callable[[list[str]], Callable[[], Found]]
Preparation = Callable[[list[str]], list[str]]


class LeftOut(Exception):
    """Why a system can't be measured here. Shown to the reader of the table."""


@dataclass(frozen=True)
class System:
    """`make` and `prepare` do what is done once (imports, dictionaries, models) and give what is measured."""

    packages: tuple[str, ...]  # distributions whose versions are told
    make: Callable[[Settings], Search]
    prepare: Callable[[Settings], Preparation]
    settings: Mapping[str, Settings]  # by the name in the table
    grid: tuple[Settings, ...] = ()  # among which the best are chosen


@dataclass
class Row:
    """Seconds are those of the best run, megabytes the highest of the process after the first run."""

    settings: Settings
    labels: list[int] = field(default_factory=list)
    vanished: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0  # of all threads and child processes
    prepare_seconds: float = 0.0
    runs: int = 0
    peak_mb: float = 0.0
    before_mb: float = 0.0  # interpreter, imports and texts, before the first run
    left_out: str = ""


def measure(system: System, texts: list[str], settings: Settings, most_runs: int = _RUNS) -> Row:
    """Run one system, up to three times if it takes less than 20 seconds."""
    row = Row(settings)
    try:
        prepare, search = system.prepare(settings), system.make(settings)
        row.before_mb = _peak()
        while row.runs < most_runs:
            start = time.perf_counter()
            prepared = prepare(texts)
            middle, cpu = time.perf_counter(), _cpu()
            result = search(prepared)
            end, cpu = time.perf_counter(), _cpu() - cpu
            if not row.runs:
                row.peak_mb = max(_peak(), _peak_of_children())
            found = result()
            seconds = end - middle - found.not_counted
            if not row.runs or seconds < row.seconds:
                row.seconds, row.cpu_seconds = seconds, cpu
            row.prepare_seconds = min(row.prepare_seconds or middle - start, middle - start)
            row.labels, row.vanished = found.labels, found.vanished
            row.runs += 1
            if seconds >= _SHORT:
                break
    except LeftOut as reason:
        row.left_out = str(reason)
    except ImportError as error:
        row.left_out = f"not installed: {error.name}"
    except Exception as error:
        row.left_out = f"{type(error).__name__}: {_without_places(str(error))}"
    return row


def _without_places(text: str) -> str:
    """The first line of an error without paths and addresses."""
    lines = text.strip().splitlines() or [""]
    return re.sub(r"\S*[/\\]\S*", "…", lines[0])[:200]


def _peak() -> float:
    """Highest resident memory of this process so far in MB.

    Linux hands `ru_maxrss` of the parent down to a process that it starts; `VmHWM` is the same figure without that.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / _MEGABYTE
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _unit() / _MEGABYTE


def _peak_of_children() -> float:
    """Highest resident memory of one child process in MB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _unit() / _MEGABYTE


def _unit() -> int:
    return 1 if sys.platform == "darwin" else 1024


def _cpu() -> float:
    return sum(os.times()[:4])


def versions(names: tuple[str, ...]) -> dict[str, str]:
    """Versions of those distributions that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def answer(systems: Mapping[str, System], job: Path, out: Path) -> None:
    """Do one job. Without settings it only tells what can be measured."""
    asked = json.loads(job.read_text(encoding="utf-8"))
    if "system" not in asked:
        known = {name: {"settings": s.settings, "grid": s.grid} for name, s in systems.items()}
        out.write_text(json.dumps({"systems": known}), encoding="utf-8")
        return
    system = systems[asked["system"]]
    texts: list[str] = json.loads(Path(asked["texts"]).read_text(encoding="utf-8"))
    rows = [measure(system, texts, settings, asked.get("most_runs", _RUNS)) for settings in asked["settings"]]
    told = {
        "rows": [asdict(row) for row in rows],
        "python": sys.version.split()[0],
        "versions": versions(system.packages),
    }
    out.write_text(json.dumps(told), encoding="utf-8")
