"""Near-duplicate search of jdextract against other programs, on planted duplicates of known truth. Not a test.

    python -m tests.benchmarks.deduplication [--rows 20000] [--seed 1] [--peers-python PATH] [-o FILE]
    python -m tests.benchmarks.deduplication --growth 100000 1000000

Every system runs in a fresh process on the same texts. The settings of the others are the documented ones and the best
ones for Chinese: those with the highest F1 of pairs over the grid of `tests.benchmarks.peers`, on texts of another seed.
`--growth` measures jdextract alone on several numbers of rows. Both write FILE (JSON) and a table beside it (.md); each
keeps what the other wrote.

The others live in an environment of their own (Python 3.11 or newer), because their requirements are not ours:

    python -m venv PEERS
    PEERS/bin/pip install rensa datasketch text-dedup semhash datatrove py-data-juicer
    PEERS/bin/pip install opencc spacy jieba aiohttp ray "xxhash<4"     # what they need for this and do not ask for
    python -m tests.benchmarks.deduplication --peers-python PEERS/bin/python

Without `--peers-python` only jdextract is measured. What can't be had is left out and named. `--wait MINUTES` lets each
measurement wait until other programs leave the machine alone, at most so long. `--keep-choice` takes the best settings from
FILE, where a run on as many rows chose them, instead of trying all again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from tests.benchmarks.planted import CHANGES, Planted, plant, score
from tests.benchmarks.tables import write_tables

ROOT = Path(__file__).parents[2]
RESULT = Path(__file__).parent / "results" / "deduplication.json"
_CHOOSING_SEED = 0  # of the texts on which settings are chosen
_QUIET = 0.1  # share of the cores that others may use when a measurement begins
_LONGEST = 7200  # seconds of one process

Answer = dict[str, Any]


class Bench:
    """Starts the processes. `subject` and `peers` are the two environments."""

    def __init__(self, peers_python: str | None, wait: float) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._pythons = {"subject": sys.executable, "peers": peers_python}
        self._wait = wait

    def save(self, planted: Planted) -> str:
        """The texts as a file that the processes read."""
        path = Path(self._folder.name, f"texts-{_digest(planted)[:16]}.json")
        path.write_text(json.dumps(planted.texts), encoding="utf-8")
        return str(path)

    def ask(self, module: str, job: Answer) -> Answer:
        """The answer of one process; `failed` if it gave none."""
        python = self._pythons[module]
        assert python
        paths = [Path(self._folder.name, name) for name in ("job.json", "answer.json")]
        paths[0].write_text(json.dumps(job), encoding="utf-8")
        paths[1].unlink(missing_ok=True)
        command = [python, "-m", f"tests.benchmarks.{module}", *map(str, paths)]
        try:
            done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=_LONGEST, check=False)
        except subprocess.TimeoutExpired:
            return {"failed": f"not done in {_LONGEST // 3600} hours"}
        if not paths[1].exists():
            sys.stderr.write(done.stderr.decode("utf-8", "replace")[-2000:])
            return {"failed": f"the process ended with code {done.returncode}"}
        answer: Answer = json.loads(paths[1].read_text(encoding="utf-8"))
        return answer

    def measure(self, module: str, system: str, texts: str, settings: Answer) -> Answer:
        """One system in a fresh process, when the machine is quiet, as a row with its versions."""
        others = self._wait_for_quiet()
        answer = self.ask(module, {"system": system, "texts": texts, "settings": [settings]})
        if "failed" in answer:
            return {"settings": settings, "left_out": answer["failed"]}
        row: Answer = answer["rows"][0]
        return {**row, "others": round(others, 2), "versions": answer["versions"], "python": answer["python"]}

    def _wait_for_quiet(self) -> float:
        """Share of the cores that other programs use."""
        end = time.monotonic() + 60 * self._wait
        while (share := _busy_share()) > _QUIET and time.monotonic() < end:
            time.sleep(10)
        return share


def compare(rows: int, seed: int, bench: Bench, peers: bool, before: Answer) -> Answer:
    """All systems on `rows` texts of `seed`. `before`: what was chosen in an earlier run."""
    planted = plant(rows, seed)
    texts = bench.save(planted)
    asked: list[tuple[str, str, str, Answer]] = [("subject", "jdextract", "as it is", {})]
    left_out, chosen = [], {}
    if peers:
        known = bench.ask("peers", {})
        if "failed" in known:
            raise SystemExit("the peers' Python can't run tests.benchmarks.peers: it needs Python 3.11 or newer")
        trial = plant(rows, _CHOOSING_SEED)
        trial_texts = bench.save(trial)
        for system, told in known["systems"].items():
            asked += [("peers", system, name, settings) for name, settings in told["settings"].items()]
            chosen[system] = before.get(system) or _choose(bench, system, trial, trial_texts, told["grid"])
            if chosen[system]["best"] is None:
                reason = f"no settings could be chosen: {chosen[system]['failed']}"
                left_out.append({"system": system, "setting": "best for Chinese", "reason": reason})
            else:
                asked.append(("peers", system, "best for Chinese", chosen[system]["best"]))
    else:
        left_out.append({"system": "all others", "setting": "", "reason": "no --peers-python was given"})
    measured = []
    for module, system, name, settings in asked:
        row = bench.measure(module, system, texts, settings)
        if row["left_out"]:
            left_out.append({"system": system, "setting": name, "reason": row["left_out"]})
            print(f"{system}, {name}: {row['left_out']}", flush=True)
            continue
        measured.append({"system": system, "setting": name, **_rate(row, planted)})
        print(f"{system}, {name}: F1 {measured[-1]['f1']}, {measured[-1]['seconds']:.1f} s", flush=True)
    return {
        "rows": rows,
        "seed": seed,
        "choosing_seed": _CHOOSING_SEED,
        "data": {
            "digest": _digest(planted),
            "originals": len(set(planted.truth)),
            "hard_pairs": len(planted.hard),
            "copies": {change: planted.change.count(change) for change in CHANGES},
        },
        "systems": measured,
        "left_out": left_out,
        "chosen": chosen,
    }


def _choose(bench: Bench, system: str, trial: Planted, texts: str, grid: Sequence[Answer]) -> Answer:
    """The settings with the highest F1 of pairs, and the F1 of each."""
    answer = bench.ask("peers", {"system": system, "texts": texts, "settings": grid, "most_runs": 1})
    tried = [
        {"settings": row["settings"], "f1": round(score(trial, row["labels"]).f1, 4)}
        for row in answer.get("rows", ())
        if not row["left_out"]
    ]
    best = max(tried, key=lambda one: one["f1"], default=None)
    print(f"{system}: chosen {best}", flush=True)
    if best is None:
        reasons = [answer.get("failed", ""), *(row["left_out"] for row in answer.get("rows", ()))]
        return {"best": None, "tried": [], "failed": next(filter(None, reasons), "nothing was tried")}
    return {"best": best["settings"], "tried": tried}


def _rate(row: Answer, planted: Planted) -> Answer:
    """The row with scores instead of labels."""
    rows = len(planted.texts)
    labels = row.pop("labels")
    row.pop("left_out")
    scores = asdict(score(planted, labels))
    rounded = {name: round(value, 6) for name, value in scores.items()}
    numbers = {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}
    speed = round(rows / (row["seconds"] + row["prepare_seconds"]))
    return {**rounded, "rows_lost": round(scores["lost"] * rows), **numbers, "sentences_per_second": speed} | {
        "found_by_change": _found_by_change(planted, labels)
    }


def _found_by_change(planted: Planted, labels: Sequence[int]) -> dict[str, float]:
    """Share of the copies that stand with their original, of copies that were changed in one way only."""
    rows = list(zip(planted.truth, planted.change, labels, strict=True))
    originals = {truth: label for truth, change, label in rows if not change}
    found: dict[str, list[bool]] = {change: [] for change in CHANGES}
    for truth, change, label in rows:
        if change in found:
            found[change].append(originals[truth] == label)
    return {change: round(sum(hits) / max(1, len(hits)), 4) for change, hits in found.items()}


def grow(sizes: Sequence[int], seed: int, bench: Bench) -> Answer:
    """jdextract alone on several numbers of rows."""
    measured = []
    for rows in sorted(sizes):
        planted = plant(rows, seed)
        row = bench.measure("subject", "jdextract", bench.save(planted), {})
        if row["left_out"]:
            raise SystemExit(f"{rows} rows: {row['left_out']}")
        measured.append({"rows": rows, "digest": _digest(planted), **_rate(row, planted)})
        print(f"{rows} rows: {row['seconds']:.1f} s, {row['peak_mb']:.0f} MB", flush=True)
    first, last = measured[0], measured[-1]
    names = ("rows", "seconds", "prepare_seconds", "cpu_seconds", "peak_mb")
    return {"seed": seed, "measured": measured, "ratio": {name: round(last[name] / first[name], 2) for name in names}}


def _digest(planted: Planted) -> str:
    return hashlib.sha256(json.dumps([planted.texts, planted.truth, planted.hard]).encode()).hexdigest()


def _machine() -> Answer:
    model = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return {"cores": os.cpu_count(), "cpu": model, "system": platform.system(), "python": platform.python_version()}


def _busy_share() -> float:
    """Share of all cores that is used, over two seconds; where the system does not tell, by the load."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return min(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))

    def read() -> tuple[int, int]:
        numbers = list(map(int, stat.read_text(encoding="ascii").splitlines()[0].split()[1:9]))
        return sum(numbers), numbers[3] + numbers[4]

    before = read()
    time.sleep(2)
    after = read()
    return 1 - (after[1] - before[1]) / max(1, after[0] - before[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers-python", help="interpreter of the environment with the other programs")
    parser.add_argument("--wait", type=float, default=0.0, help="minutes to wait for a quiet machine, each time")
    parser.add_argument("--keep-choice", action="store_true", help="take the best settings that FILE has")
    parser.add_argument("--growth", type=int, nargs="+", metavar="ROWS", help="measure jdextract alone on these rows")
    parser.add_argument("-o", dest="out", type=Path, default=RESULT)
    given = parser.parse_args()
    if not given.growth and given.seed == _CHOOSING_SEED:
        parser.error(f"seed {_CHOOSING_SEED} is the one that settings are chosen on")
    bench = Bench(given.peers_python, given.wait)
    result = json.loads(given.out.read_text(encoding="utf-8")) if given.out.exists() else {}
    told = {"date": date.today().isoformat(), "machine": _machine(), "load": [round(x, 2) for x in os.getloadavg()]}
    if given.growth:
        result["growth"] = {**told, **grow(given.growth, given.seed, bench)}
    else:
        kept = result.get("comparison", {}) if given.keep_choice else {}
        before = kept["chosen"] if kept.get("rows") == given.rows else {}
        compared = compare(given.rows, given.seed, bench, bool(given.peers_python), before)
        result["comparison"] = {**told, **compared}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    given.out.with_suffix(".md").write_text(write_tables(result), encoding="utf-8")


if __name__ == "__main__":
    main()
