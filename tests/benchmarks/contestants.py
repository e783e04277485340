"""The programs that are compared, each as a command line that turns rows into a file of JSON Lines."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.plain import DUTIES
from tests.benchmarks.processes import ROOT, CommandFailed, Run, run
from tests.benchmarks.repetition import percentiles

Told = dict[str, Any]
PARTLY_DONE = 3  # exit code of `jdextract extract` when some documents failed
_MOST_FAILED = 0.01  # of the documents; a rate with more says nothing
_LONGEST = 3_600.0  # seconds of one command


@dataclass(frozen=True)
class Contestant:
    """`command(rows, records)` is what a shell would run."""

    name: str
    command: Callable[[Path, Path], Sequence[str]]
    cores: int = 1
    good: tuple[int, ...] = (0,)


def jdextract(name: str = "jdextract", workers: int = 1, cores: int = 1) -> Contestant:
    """`jdextract extract` with so many workers. Raises CommandFailed if it can't have more than one, or does not start."""
    extra = ("--workers", str(workers)) if knows_workers() else ()
    if not extra and workers > 1:
        raise CommandFailed("`jdextract extract` has no --workers")
    command = (sys.executable, "-m", "jdextract.cli", "extract")
    return Contestant(
        name,
        lambda rows, records: [*command, str(rows), "-o", str(records), "--quiet", *extra],
        cores,
        (0, PARTLY_DONE),
    )


def knows_workers() -> bool:
    """Whether `jdextract extract` can be told a number of workers. Raises CommandFailed if it does not even start."""
    command = (sys.executable, "-m", "jdextract.cli", "extract", "--help")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise CommandFailed("`jdextract extract --help` does not work here")
    return b"--workers" in done.stdout


def plain(model: Path, *, batched: bool = False) -> Contestant:
    """The plain composition with a trained model."""
    extra = ["--batched"] if batched else []
    command = (sys.executable, "-m", "tests.benchmarks.plain", "extract")
    return Contestant(
        "plain, batched" if batched else "plain",
        lambda rows, records: [*command, str(rows), "-o", str(records), "--model", str(model), *extra],
    )


def floor() -> Contestant:
    """OpenCC and rjieba alone."""
    command = (sys.executable, "-m", "tests.benchmarks.floor")
    return Contestant("floor", lambda rows, records: [*command, str(rows), "-o", str(records)])


def train_plain(scratch: Path, most: int | None = None) -> Path:
    """The model of the plain composition, trained once for a state of the corpus. Its time is not counted."""
    told = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(DUTIES.glob("*.jsonl"))))
    told.update((ROOT / "tests" / "benchmarks" / "plain.py").read_bytes())
    told.update(str(most).encode())
    model = scratch / f"plain-{told.hexdigest()[:16]}.joblib"
    if not model.exists():
        extra = ["--most", str(most)] if most else []
        part = model.with_suffix(".part")
        run([sys.executable, "-m", "tests.benchmarks.plain", "train", str(part), *extra], limit=_LONGEST)
        part.rename(model)
    return model


def race(
    contestants: Sequence[Contestant], rows: Path, scratch: Path, repetitions: int, *, sampled: bool = False
) -> Told:
    """Every contestant on the first row alone and on all rows, again and again in turn.

    The run on one row is start-up and loading; what all rows take beyond it is the rate. Gives the rows of the table by name,
    and those that failed with the reason under `left_out`. `sampled`: memory and CPU time of all processes, from a run of its own.
    """
    single = scratch / "first-row.jsonl"
    with rows.open(encoding="utf-8") as lines:
        single.write_text(next(lines), encoding="utf-8")
    documents, characters, size = _measure(rows)
    runs: dict[str, list[tuple[Run, Run]]] = {one.name: [] for one in contestants}
    left_out: dict[str, str] = {}
    written: dict[str, Told] = {}
    for number in range(repetitions):
        # Another one begins each time, so that none always runs after the same neighbour.
        for one in (*contestants[number % len(contestants) :], *contestants[: number % len(contestants)]):
            if one.name in left_out:
                continue
            folder = scratch / "written"
            folder.mkdir(exist_ok=True)
            records = folder / "records.jsonl"
            try:
                settings: Told = {"cores": one.cores, "limit": _LONGEST, "good": one.good}
                start = run(one.command(single, records), **settings)
                records.unlink(missing_ok=True)
                full = run(one.command(rows, records), **settings)
                runs[one.name].append((start, full))
                failed = count_failures(folder, documents)
                written[one.name] = {**_count(records), "failed": failed}
                if sampled and number == repetitions - 1:
                    # Once more, because looking at the processes takes time from them.
                    shutil.rmtree(folder)
                    folder.mkdir()
                    whole = run(one.command(rows, records), output=folder, **settings)
                    seen = {
                        "peak_mb": round(whole.peak_mb, 1),
                        "memory": whole.memory,
                        "cpu_of_tree": whole.cpu_seconds,
                    }
                    written[one.name].update(seen)
            except CommandFailed as reason:
                left_out[one.name] = str(reason)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    measured = {
        name: {
            **_rates(pairs, documents, characters),
            **written[name],
            "bytes_in_per_document": round(size / documents),
        }
        for name, pairs in runs.items()
        if pairs and name not in left_out
    }
    return {"systems": measured, "left_out": left_out}


def count_failures(folder: Path, documents: int) -> int:
    """Documents in the file of errors beside the records. Raises CommandFailed if they are more than one in a hundred."""
    errors = folder / "errors.jsonl"
    failed = 0
    if errors.exists():
        with errors.open("rb") as lines:
            failed = sum(1 for _ in lines)
    if failed > _MOST_FAILED * documents:
        raise CommandFailed(f"{failed:,} of {documents:,} documents failed")
    return failed


def _rates(pairs: Sequence[tuple[Run, Run]], documents: int, characters: int) -> Told:
    """The best of the repetitions: other programs on the machine only ever add time, to that of the CPU as well."""
    told: Told = {"repetitions": len(pairs)}
    for kind in ("seconds", "cpu_seconds"):
        start = min(getattr(one, kind) for one, _ in pairs)
        full = [getattr(one, kind) for _, one in pairs]
        each = [max(1e-3, value - start) for value in full]
        work = min(each)
        told[kind] = {
            "start": round(start, 3),
            "work": round(work, 3),
            "work_each": [round(value, 3) for value in each],
            "documents_per_second": round((documents - 1) / work, 1),
            "documents_per_second_with_start": round(documents / min(full), 1),
            "characters_per_second": round(characters * (documents - 1) / documents / work),
        }
    told["peak_mb"] = round(max(one.peak_mb for _, one in pairs), 1)
    told["memory"] = pairs[0][1].memory
    return told


def _measure(rows: Path) -> tuple[int, int, int]:
    """Documents, characters (of titles and texts) and bytes of a file of rows."""
    documents = characters = 0
    with rows.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            documents += 1
            characters += len(row["title"]) + len(row["text"])
    return documents, characters, rows.stat().st_size


def _count(records: Path) -> Told:
    """What was written: lines, bytes, and for records of jdextract how many duties each document has."""
    duties: dict[str, int] = {}
    lines = 0
    with records.open(encoding="utf-8") as file:
        for line in file:
            lines += 1
            row = json.loads(line)
            if "duties" in row:
                source = row["document"]["id"]
                duties[source] = duties.get(source, 0) + len(row["duties"])
    told: Told = {"lines": lines, "bytes_out": records.stat().st_size}
    if duties:
        told["duties"] = sum(duties.values())
        told["duties_per_document_at"] = percentiles(list(duties.values()))
    return told
