"""`jdextract extract` on a thousand to a million generated postings: does the rate hold, does memory stay."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.contestants import count_failures, jdextract, knows_workers
from tests.benchmarks.processes import CommandFailed, Run, Sample, run

Told = dict[str, Any]
_SOURCE = re.compile(rb'#g-(\d+)"')  # the row key, in `document.source`
_LONGEST = 48 * 3_600.0
_KEPT = 50  # samples in the result
_LEAST = 4  # samples in a tenth of a run, for its rate


class Point(NamedTuple):
    """How far a run was: documents whose records were written, seconds of the clock and of the CPU."""

    documents: float
    seconds: float
    cpu_seconds: float


def sizes(most: int) -> list[int]:
    """1,000, 10,000 … up to `most`."""
    steps = [10**power for power in range(3, 10) if 10**power <= most]
    return steps if most in steps else [*steps, most]


def grow(counts: Sequence[int], seed: int, scratch: Path, workers: int | None) -> Told:
    """One run for each number of postings, with `workers` (None: one a core). What fails is told."""
    wanted = (workers or os.cpu_count() or 1) if knows_workers() else 1
    rows = scratch / "generated.jsonl"
    generator = [sys.executable, "-m", "tests.benchmarks.generator"]
    measured: list[Told] = []
    left_out: Told = {}
    for count in counts:
        try:
            made = run([*generator, str(count), "-o", str(rows), "--seed", str(seed)], limit=_LONGEST)
            told = {**_run(rows, count, scratch / "grown", wanted), "generator_cpu_seconds": round(made.cpu_seconds, 2)}
        except CommandFailed as reason:
            left_out[str(count)] = str(reason)
            break  # more would fail as well
        finally:
            rows.unlink(missing_ok=True)
        measured.append(told)
        print(f"{count:,} postings: {told['seconds']} s, {told['peak_mb']} MB", flush=True)
    return {"seed": seed, "workers": wanted, "measured": measured, "left_out": left_out}


def _run(rows: Path, count: int, folder: Path, workers: int) -> Told:
    subject = jdextract(workers=workers)
    folder.mkdir(exist_ok=True)
    records = folder / "records.jsonl"
    try:
        done = run(subject.command(rows, records), limit=_LONGEST, output=folder, good=subject.good)
        failed = count_failures(folder, count)
        points = trace(records, done.samples)
        written = records.stat().st_size
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "documents": count,
        "failed": failed,
        "seconds": round(done.seconds, 2),
        "cpu_seconds": round(done.cpu_seconds, 2),
        "documents_per_second": round(count / done.seconds, 1),
        "documents_per_cpu_second": round(count / done.cpu_seconds, 1),
        "peak_mb": round(done.peak_mb, 1),
        "memory": done.memory,
        "processes": done.processes,
        "bytes_in": rows.stat().st_size,
        "bytes_out": written,
        "rate": {kind: compare_ends(points, count, kind) for kind in ("seconds", "cpu_seconds")},
        "samples": _thin(done, points),
    }


def trace(records: Path, samples: Sequence[Sample]) -> list[Point]:
    """How far the run was at each sample, by the record that stands in the finished file where it then ended.

    Rows of the generator have their number as key. Samples before the first record, and those that tell nothing new, are left
    out.
    """
    points: list[Point] = []
    size = records.stat().st_size
    with records.open("rb") as file:
        for sample in samples:
            if not 0 < sample.written <= size:
                continue
            # Back a little, so that the end of the file still has a whole line.
            file.seek(max(0, sample.written - (1 << 16)))
            found = _SOURCE.findall(file.read(min(sample.written, 1 << 16)))
            if found and (not points or int(found[-1]) + 1 > points[-1].documents):
                points.append(Point(int(found[-1]) + 1, sample.seconds, sample.cpu_seconds))
    return points


def compare_ends(points: Sequence[Point], count: int, kind: str) -> Told | None:
    """Documents a second in the first and in the last tenth; None where the run is too short to tell.

    The first tenth begins with the first record that was seen, so that start-up is not in it.
    """
    tenth = count / 10
    first = [point for point in points if point.documents <= tenth]
    last = [point for point in points if point.documents >= count - tenth]
    if len(first) < _LEAST or len(last) < _LEAST:
        return None
    start, middle, end = _rate(first, kind), _rate(points, kind), _rate(last, kind)
    return {"first": round(start, 1), "all": round(middle, 1), "last": round(end, 1), "ratio": round(end / start, 3)}


def _rate(points: Sequence[Point], kind: str) -> float:
    """Slope between the first and the last point."""
    documents = points[-1].documents - points[0].documents
    return float(documents / max(1e-9, getattr(points[-1], kind) - getattr(points[0], kind)))


def _thin(done: Run, points: Sequence[Point]) -> list[Told]:
    """Samples evenly over the run, with the documents that were done."""
    step = max(1, len(done.samples) // _KEPT)
    return [
        {
            "seconds": round(sample.seconds, 1),
            "cpu_seconds": round(sample.cpu_seconds, 1),
            "documents": round(_interpolate(points, sample.seconds)),
            "memory_mb": sample.memory_mb,
        }
        for sample in done.samples[::step]
    ]


def _interpolate(points: Sequence[Point], seconds: float) -> float:
    for one, other in pairwise(points):
        if one.seconds <= seconds <= other.seconds:
            share = (seconds - one.seconds) / max(1e-9, other.seconds - one.seconds)
            return one.documents + share * (other.documents - one.documents)
    return points[-1].documents if points and seconds > points[-1].seconds else 0.0
