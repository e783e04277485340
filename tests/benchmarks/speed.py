"""How fast jdextract is: against a plain composition of the same packages, against the floor, and as postings grow. Not a test.

    python -m tests.benchmarks.speed --postings FOLDER -o FILE.json [--documents 4000] [--repetitions 3]
    python -m tests.benchmarks.speed --postings FOLDER -o FILE.json --growth 1000000
    python -m tests.benchmarks.speed --postings FOLDER -o FILE.json --only profile

FOLDER has `*.jsonl` or `*.jsonl.gz` with `id`, `title` and `text` a row; without it the comparison runs on generated postings and
says so. Parts: `comparison` (jdextract, plain, plain batched, floor on one core), `workers` (one against two), `growth` (1,000,
10,000 … generated postings), `repetition` (how much scraped and generated postings repeat), `profile` (time by module). FILE
keeps the parts that a run does not measure; a table is written beside it (.md). What can't be measured is left out and named.

The scaling at the end of the table is calculated from FILE. Temporary files lie in `--scratch`: for 1,000,000 postings some 7 GB.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from tests.benchmarks import contestants, generator, growth, machine, repetition
from tests.benchmarks.measuring import versions
from tests.benchmarks.processes import ROOT, CommandFailed, run
from tests.benchmarks.scaling import estimate
from tests.benchmarks.speed_tables import targets, write_tables

Told = dict[str, Any]
RESULT = Path(__file__).parent / "results" / "speed.json"
PARTS = ("comparison", "workers", "growth", "repetition", "profile")
_PACKAGES = (
    "jdextract",
    "opencc",
    "rjieba",
    "jieba",
    "spacy",
    "scikit-learn",
    "scipy",
    "numpy",
    "pydantic",
    "polars",
    "psutil",
)
_PROFILED = 500  # postings
_SCALE = 100_000_000
_SEED = 1


def read_postings(folder: Path) -> Iterator[Told]:
    """The rows of a folder that have text, file by file in the order of their names."""
    for path in sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz")]):
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if (row.get("text") or "").strip():
                    yield {"id": row["id"], "title": row.get("title") or "", "text": row["text"]}


def choose(postings: Path | None, documents: int, seed: int, target: Path) -> Told:
    """Write a sample of the postings (in the order of the crawl), or generated ones, and say what it is.

    A sample repeats less than the crawl that it is drawn from, which is the harder case for a program that remembers.
    """
    kind = "real postings" if postings else "generated postings"
    if postings:
        rows = list(read_postings(postings))
        chosen = sorted(random.Random(seed).sample(range(len(rows)), min(documents, len(rows))))
        with target.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(rows[place], ensure_ascii=False) + "\n" for place in chosen)
    else:
        generator.write(documents, target, seed)
    texts = [json.loads(line) for line in target.read_text(encoding="utf-8").split("\n") if line]
    return {
        "kind": kind,
        "documents": len(texts),
        "characters": sum(len(row["title"]) + len(row["text"]) for row in texts),
        "seed": seed,
        "digest": hashlib.sha256(target.read_bytes()).hexdigest(),
        "sentences_repeated": repetition.measure(row["text"] for row in texts).sentences_repeated,
    }


class Bench:
    """The parts of the benchmark on one sample."""

    def __init__(self, given: argparse.Namespace, scratch: Path, models: Path) -> None:
        self._given, self._scratch, self._models = given, scratch, models
        self._rows = scratch / "rows.jsonl"
        self._data = choose(given.postings, given.documents, _SEED, self._rows)

    def comparison(self) -> Told:
        """All systems on one core."""
        entered, left_out = [contestants.floor()], {}
        try:
            entered.append(contestants.jdextract())
        except CommandFailed as reason:
            left_out["jdextract"] = str(reason)
        try:
            model = contestants.train_plain(self._models, self._given.train_most)
            entered += [contestants.plain(model), contestants.plain(model, batched=True)]
        except CommandFailed as reason:
            left_out["plain"] = f"not trained: {reason}"
        told = contestants.race(entered, self._rows, self._scratch, self._given.repetitions)
        told["left_out"].update(left_out)
        return {"data": self._data, "versions": versions(_PACKAGES), **told, "ratios": compare(told["systems"])}

    def workers(self) -> Told:
        """One worker against two, on two cores, by the clock."""
        told: Told = {"systems": {}, "left_out": {}}
        if (machine.describe()["cores"] or 1) < 2:
            told["left_out"]["2 workers"] = "the machine has one core"
            return told
        try:
            entered = [contestants.jdextract(f"{n} worker{'s'[: n - 1]}", n, cores=2) for n in (1, 2)]
        except CommandFailed as reason:
            told["left_out"]["2 workers"] = str(reason)
            return told
        told = contestants.race(entered, self._rows, self._scratch, self._given.repetitions, sampled=True)
        systems = told["systems"]
        if len(systems) == 2:
            one, two = systems["1 worker"]["seconds"], systems["2 workers"]["seconds"]
            told["speedup"] = round(one["work"] / two["work"], 3)
        return {"data": self._data, **told}

    def growth(self) -> Told:
        """jdextract alone on generated postings."""
        return growth.grow(growth.sizes(self._given.growth), _SEED, self._scratch, self._given.workers)

    def repetition(self) -> Told:
        """Real and generated postings, as many of each."""
        real = [row["text"] for row in read_postings(self._given.postings)] if self._given.postings else []
        made = generator.Generator(_SEED)
        count = len(real) or self._data["documents"]
        measured = {"generated": asdict(repetition.measure(made.posting(number)[1] for number in range(count)))}
        if real:
            measured = {"real": asdict(repetition.measure(real)), **measured}
        return {"measured": measured}

    def profile(self) -> Told:
        """Time by module, in a process of its own because it runs the command inside."""
        rows, answer = self._scratch / "profiled.jsonl", self._scratch / "profile.json"
        lines = self._rows.read_bytes().splitlines(keepends=True)  # of bytes: rows may hold other line ends of Unicode
        chosen = lines[:: max(1, len(lines) // _PROFILED)][:_PROFILED]
        rows.write_bytes(b"".join(chosen))
        command = [sys.executable, "-m", "tests.benchmarks.stages", str(rows), str(answer)]
        run(command)
        return {"documents": len(chosen), **json.loads(answer.read_text(encoding="utf-8"))}


def compare(systems: Told) -> Told:
    """The rate of jdextract against each other system: by the best runs, and in each repetition."""
    subject = systems.get("jdextract")
    if subject is None:
        return {}
    ratios = {}
    for name, other in systems.items():
        if name == "jdextract":
            continue
        cpu, others = subject["cpu_seconds"], other["cpu_seconds"]
        ratios[name] = {
            "cpu_seconds": round(others["work"] / cpu["work"], 3),
            "cpu_seconds_each": [
                round(theirs / ours, 3) for theirs, ours in zip(others["work_each"], cpu["work_each"], strict=True)
            ],
            "cpu_seconds_with_start": round(
                cpu["documents_per_second_with_start"] / others["documents_per_second_with_start"], 3
            ),
            "seconds": round(other["seconds"]["work"] / subject["seconds"]["work"], 3),
        }
    return ratios


def measure(given: argparse.Namespace, result: Told) -> None:
    """Measure the parts that were asked for into `result`."""
    models = given.scratch or ROOT / "out" / "speed"
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models) as scratch:
        bench = Bench(given, Path(scratch), models)
        for part in given.parts:
            told: Told = {"date": date.today().isoformat(), "machine": machine.describe()}
            told["others"] = machine.wait_for_quiet(given.wait)
            print(f"{part} …", flush=True)
            try:
                result[part] = {**told, **getattr(bench, part)()}
            except CommandFailed as reason:
                print(f"{part}: {reason}", flush=True)
    result["targets"] = targets(result)
    try:
        result["scaling"] = estimate(result, _SCALE)
    except (KeyError, IndexError):
        result.pop("scaling", None)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--postings", type=Path, metavar="FOLDER")
    parser.add_argument("--documents", type=int, default=4_000, help="how many postings are compared on")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument(
        "--growth", type=int, default=10_000, metavar="N", help="up to how many generated postings; 0: none"
    )
    parser.add_argument("--workers", type=int, help="of the runs of --growth; one a core if not given")
    parser.add_argument("--wait", type=float, default=0.0, help="minutes to wait for a quiet machine before each part")
    parser.add_argument("--profile", action="store_true", help="the profile as well")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="measure these parts and keep the others of FILE")
    parser.add_argument("--scratch", type=Path, metavar="FOLDER", help="for temporary files and the plain model")
    parser.add_argument("--train-most", type=int, help=argparse.SUPPRESS)  # for the test
    parser.add_argument("-o", dest="out", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    wanted = set(given.only or PARTS[:4]) | ({"profile"} if given.profile else set())
    given.parts = [part for part in PARTS if part in wanted and (part != "growth" or given.growth)]
    result = json.loads(given.out.read_text(encoding="utf-8")) if given.out.exists() else {}
    measure(given, result)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    given.out.with_suffix(".md").write_text(write_tables(result), encoding="utf-8")


if __name__ == "__main__":
    main()
