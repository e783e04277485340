"""Where a benchmark ran: cores, processor, memory, and how busy other programs keep it. No host name."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

_QUIET = 0.1  # share of the cores that others may use


def describe() -> dict[str, Any]:
    """Cores, processor, memory in GB, system and Python."""
    return {
        "cores": os.cpu_count(),
        "cpu": _value("/proc/cpuinfo", "model name") or platform.machine(),
        "memory_gb": _memory(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def busy_share(seconds: float = 1.0) -> float:
    """Share of all cores that is used; where the system does not tell, by the load."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return min(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))

    def read() -> tuple[int, int]:
        numbers = list(map(int, stat.read_text(encoding="ascii").splitlines()[0].split()[1:9]))
        return sum(numbers), numbers[3] + numbers[4]

    before = read()
    time.sleep(seconds)
    after = read()
    return round(1 - (after[1] - before[1]) / max(1, after[0] - before[0]), 2)


def wait_for_quiet(minutes: float) -> float:
    """Wait, at most so long, until other programs leave the machine alone; gives the share of the cores that they use."""
    end = time.monotonic() + 60 * minutes
    while (share := busy_share()) > _QUIET and time.monotonic() < end:
        time.sleep(10)
    return share


def _memory() -> float | None:
    told = _value("/proc/meminfo", "MemTotal")
    if told:
        return round(int(told.split()[0]) / 1024**2, 1)
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3, 1)
    except (ValueError, OSError):
        return None


def _value(file: str, name: str) -> str:
    path = Path(file)
    if not path.exists():
        return ""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
