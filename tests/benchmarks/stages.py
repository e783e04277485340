"""Where `jdextract extract` spends its time: cProfile over one run, by module of jdextract.

    python -m tests.benchmarks.stages ROWS.jsonl ANSWER.json

The time of other packages counts for the module of jdextract that called them, through any number of calls between. cProfile
slows Python down and leaves compiled code as fast as it is, so that the shares lean towards Python; they are for finding what
to look at, not for rates.
"""

from __future__ import annotations

import cProfile
import json
import os
import pstats
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

Place = tuple[str, int, str]  # file, line, function
Told = dict[str, Any]
_TOP = 6  # functions of a module
_DEPTH = 12  # calls between a module of jdextract and what it uses
_PACKAGE = f"{os.sep}jdextract{os.sep}"
_OUTSIDE = "(outside)"


def profile(rows: Path) -> Told:
    """Profile one run with one worker, after another one on the first row that loads what is loaded once."""
    from tests.benchmarks.contestants import jdextract

    with tempfile.TemporaryDirectory() as name:
        single = Path(name, "first.jsonl")
        with rows.open(encoding="utf-8") as lines:
            single.write_text(next(lines), encoding="utf-8")
        records = Path(name, "records.jsonl")
        subject = jdextract()
        _call(list(subject.command(single, records)[2:]))
        profiler = cProfile.Profile()
        profiler.enable()
        _call(list(subject.command(rows, records)[2:]))
        profiler.disable()
    return summarize(pstats.Stats(profiler).stats)  # type: ignore[attr-defined]


def _call(arguments: list[str]) -> None:
    """The command line in this process."""
    from jdextract.cli import main

    sys.argv = arguments
    try:
        main()
    except SystemExit as end:
        if end.code not in (0, 3, None):
            raise


def summarize(stats: dict[Place, Any]) -> Told:
    """Seconds by module and by stage, and the functions of each module that take longest with all they call."""
    seconds: dict[str, float] = defaultdict(float)
    tops: dict[str, list[Told]] = defaultdict(list)
    shares: dict[Place, dict[str, float]] = {}
    for place, (_, calls, own, total, _) in stats.items():
        for module, share in _owners(place, stats, shares, 0).items():
            seconds[module] += own * share
        module = _module(place)
        if module:
            told = {"function": place[2], "line": place[1], "calls": calls, "seconds": round(total, 4)}
            tops[module].append({**told, "own_seconds": round(own, 4)})
    whole = sum(seconds.values())
    stages: dict[str, float] = defaultdict(float)
    for module, spent in seconds.items():
        stages[module.partition("/")[0].removesuffix(".py")] += spent
    return {
        "seconds": round(whole, 3),
        "stages": {name: _part(spent, whole) for name, spent in _descending(stages)},
        "modules": {
            module: {
                **_part(spent, whole),
                "top": sorted(tops[module], key=lambda one: -float(one["seconds"]))[:_TOP],
            }
            for module, spent in _descending(seconds)
        },
    }


def _part(spent: float, whole: float) -> Told:
    return {"seconds": round(spent, 4), "share": round(spent / max(1e-9, whole), 4)}


def _descending(spent: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(spent.items(), key=lambda one: -one[1])


def _module(place: Place) -> str:
    """`extraction/zoning.py` for a function of jdextract, nothing for others."""
    _, found, module = place[0].rpartition(_PACKAGE)
    return module.replace(os.sep, "/") if found else ""


def _owners(
    place: Place, stats: dict[Place, Any], known: dict[Place, dict[str, float]], depth: int
) -> dict[str, float]:
    """For which modules of jdextract a function works, as shares that add up to one."""
    module = _module(place)
    if module:
        return {module: 1.0}
    if place in known:
        return known[place]
    callers = stats[place][4] if place in stats else {}
    whole = sum(edge[3] for edge in callers.values())
    if depth > _DEPTH or not whole:
        return {_OUTSIDE: 1.0}
    known[place] = {_OUTSIDE: 1.0}  # for the time being, against circles
    found: dict[str, float] = defaultdict(float)
    for caller, edge in callers.items():
        for owner, share in _owners(caller, stats, known, depth + 1).items():
            found[owner] += share * edge[3] / whole
    known[place] = dict(found)
    return known[place]


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(profile(Path(sys.argv[1]))), encoding="utf-8")
