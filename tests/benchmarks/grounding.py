"""Placing what a language model returned, beside langextract, on recorded answers about annotated documents. Not a test.

    python -m tests.benchmarks.grounding [GOLD ...] [--rounds 1] [--seed 1] [--peers-python PATH] [-o FILE]

GOLD are folders as for `jdextract evaluate`; without one ../shared/gold, where that is, and the documents of the corpus
that are kept for reporting. Every system gets the same chunks of the same documents and the same answers, each as the JSON
that it expects. Writes FILE (JSON) and a table beside it (.md): counts, versions and digests, no text of any document.

langextract lives in an environment of its own:

    python -m venv PEERS
    PEERS/bin/pip install langextract
    python -m tests.benchmarks.grounding --peers-python PEERS/bin/python
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
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from jdextract import __version__
from jdextract.annotation import GoldDocument
from jdextract.assessment.gold import load_gold
from jdextract.llm.answers import read_output
from jdextract.llm.grounding import Grounder, Place, Rejection, Taken
from jdextract.llm.positions import place_positions
from jdextract.llm.prompts import load_prompt
from jdextract.llm.tasks.zone import Zoning
from jdextract.taxonomy import load_taxonomy
from tests.benchmarks.recorded import (
    CHANGES,
    CHUNK,
    NOWHERE,
    Chunk,
    Span,
    judge,
    record_answers,
    write_extractions,
    write_positions,
)

ROOT = Path(__file__).parents[2]
RESULT = Path(__file__).parent / "results" / "grounding.json"
_PEER_SETTINGS = {
    "defaults": "RegexTokenizer, documented defaults of Resolver.align (lcs, threshold 0.75, lesser matches accepted)",
    "Unicode tokenizer": "UnicodeTokenizer, otherwise the defaults",
    "Unicode tokenizer, no lesser matches": "UnicodeTokenizer, accept_match_lesser=False: whole or by fuzzy alignment",
    "Unicode tokenizer, exact matches only": "UnicodeTokenizer, enable_fuzzy_alignment=False, accept_match_lesser=False",
}

Counts = dict[str, dict[str, int]]


class _Watched(Grounder):
    """Remembers what became of every text, so that each can be judged by itself."""

    def __init__(self, source: str, examples: str) -> None:
        super().__init__(source, examples)
        self.placed: list[list[Place | Rejection]] = []
        self.found: list[tuple[str, list[Place] | Rejection]] = []

    def place(
        self, texts: Sequence[str], within: Sequence[Span] | None = None, taken: Taken | None = None
    ) -> list[Place | Rejection]:
        self.placed.append(super().place(texts, within, taken))
        self.found.clear()  # what follows the last call are titles
        return self.placed[-1]

    def find(self, text: str, within: Span | None = None) -> list[Place] | Rejection:
        found = super().find(text, within)
        self.found.append((text, found))
        return found


def ground(chunk: Chunk) -> list[Span | None]:
    """Where jdextract places each text of an answer: the way of the task *zone*, from the JSON on."""
    output = read_output(write_positions(chunk), Zoning)
    if isinstance(output, str):
        raise ValueError(f"the recorded answer does not fit the schema: {output}")
    grounder = _Watched(chunk.text, load_prompt("zone").examples)
    read = place_positions(grounder, (0, len(chunk.text)), output.positions, Taken())
    results = {kind: iter(placed) for kind, placed in zip(("duty", "requirement", "pay"), grounder.placed, strict=True)}
    titles = _match_titles(chunk, grounder, [position.title for position in read.positions])
    spans: list[Span | None] = [None] * len(chunk.said)
    for number in sorted(range(len(chunk.said)), key=lambda i: chunk.said[i].position):  # as the positions list them
        said = chunk.said[number]
        if said.kind == "title":
            spans[number] = titles.get(said.position)
        else:
            result = next(results[said.kind])
            spans[number] = result.span if isinstance(result, Place) else None
    return spans


def _match_titles(chunk: Chunk, grounder: _Watched, titles: Iterable[Span | None]) -> dict[int, Span]:
    """The span of each title by its position: titles are placed in order, each at one of the places found for it."""
    given = [span for span in titles if span]
    matched: dict[int, Span] = {}
    for said in (each for each in chunk.said if each.kind == "title"):
        places = [found for text, found in grounder.found if text == said.text and not isinstance(found, Rejection)]
        spans = {place.span for some in places for place in some}
        if given and given[0] in spans:
            matched[said.position] = given.pop(0)
    if given:
        raise ValueError("a title was placed that no answer gave")
    return matched


def count(chunks: Sequence[Chunk], spans: Iterable[Sequence[Span | None]]) -> dict[str, Counts]:
    """{script: {change: {outcome: texts}}}"""
    counted: dict[str, dict[str, Counter[str]]] = {}
    for chunk, placed in zip(chunks, spans, strict=True):
        script = counted.setdefault(chunk.script, {})
        for said, outcome in zip(chunk.said, judge(chunk, placed), strict=True):
            script.setdefault(said.change, Counter())[outcome] += 1
    return {script: {change: dict(n) for change, n in by.items()} for script, by in sorted(counted.items())}


def ask_peer(python: str, chunks: Sequence[Chunk]) -> dict[str, Any]:
    """What langextract makes of the answers, by its settings."""
    jobs = [{"text": chunk.text, "answer": write_extractions(chunk)} for chunk in chunks]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("jobs.json", "spans.json")]
        paths[0].write_text(json.dumps(jobs), encoding="utf-8")
        command = [python, "-m", "tests.benchmarks.grounding_peer", *map(str, paths)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        if not paths[1].exists():
            sys.stderr.write(done.stderr.decode("utf-8", "replace")[-2000:])
            raise SystemExit(f"langextract ended with code {done.returncode}")
        told: dict[str, Any] = json.loads(paths[1].read_text(encoding="utf-8"))
        return told


def measure(documents: Sequence[GoldDocument], seed: int, rounds: int, peers_python: str | None) -> dict[str, Any]:
    """All systems on the same answers."""
    chunks = [c for n in range(rounds) for document in documents for c in record_answers(document, seed + n)]
    started = time.process_time()
    placed = [ground(chunk) for chunk in chunks]
    seconds = time.process_time() - started
    systems = [{"system": "jdextract", "setting": "as it is", "version": __version__}]
    systems[0] |= {"cpu_seconds": round(seconds, 2), "counts": count(chunks, placed)}
    if peers_python:
        told = ask_peer(peers_python, chunks)
        for name, made in told["settings"].items():
            spans = [[tuple(span) if span else None for span in some] for some in made["spans"]]
            row = {"system": "langextract", "setting": name, "version": told["version"]}
            row |= {"cpu_seconds": round(made["cpu_seconds"], 2), "counts": count(chunks, spans)}
            systems.append(row | {"means": _PEER_SETTINGS[name]})
    digest = hashlib.sha256(json.dumps([[c.text, write_extractions(c)] for c in chunks]).encode())
    return {
        "documents": len(documents),
        "rounds": rounds,
        "seed": seed,
        "chunk": CHUNK,
        "chunks": len(chunks),
        "texts": sum(len(chunk.said) for chunk in chunks),
        "digest": digest.hexdigest(),
        "systems": systems,
    }


def add_up(counts: Counts) -> Counter[str]:
    """Outcomes over all changes."""
    total: Counter[str] = Counter()
    for outcomes in counts.values():
        total.update(outcomes)
    return total


_HOW = """\
Answers are made from the annotations as models answer, with a fixed seed: texts as they stand, texts that stand more than
once, in the other script, with other width, without or with other white space, with one wrong character; halves of two values
spliced together, and values from nowhere. Each system gets the same chunks of about {chunk:,} code points (langextract's
default) and the answer as the JSON that it expects, and is run through its own parser and aligner.

*Exact*: the true span, marks and white space at its ends aside; of equal texts each must have a copy of its own. *Wrong
edges*: a span that overlaps the true one. *Elsewhere*: any other span, also one for a text that stands nowhere. *Missing*: no
span for a text that is there. *Rejected*: no span for one that is not. CPU seconds are of both scripts together. How jdextract
settles the ends of inexact matches was corrected after a run on such answers about the same documents; answers of other seeds
confirm it (`tests/test_grounding_benchmark.py`).
"""


def write_tables(result: dict[str, Any]) -> str:
    """The results as Markdown."""
    parts = ["# Grounding: placing what a model returned\n"]
    machine = result["machine"]
    parts.append(f"{result['date']}, {machine['cpu']}, {machine['system']}, Python {machine['python']}.\n")
    parts.append(_HOW.format(chunk=CHUNK))
    for name, told in result["sets"].items():
        parts.append(
            f"## {name}\n\n{told['documents']} documents, {told['rounds']} rounds from seed {told['seed']}: "
            f"{told['chunks']:,} chunks, {told['texts']:,} texts, digest `{told['digest'][:16]}`.\n"
        )
        head = [
            "System",
            "Settings",
            "Script",
            "Texts",
            "Exact",
            "Wrong edges",
            "Elsewhere",
            "Missing",
            "Rejected",
            "CPU, s",
        ]
        rows = []
        for row in told["systems"]:
            for script, counts in row["counts"].items():
                total = add_up(counts)
                rows.append([f"{row['system']} {row['version']}", row["setting"], script, f"{total.total():,}"])
                rows[-1] += [f"{total[o]:,}" for o in ("exact", "edges", "elsewhere", "missing", "rejected")]
                rows[-1].append(f"{row['cpu_seconds']:.1f}")
        parts.append(_table(head, rows))
        parts.append(
            "\nShare that came out right (exact, or rejected where there is no place), and wrong spans, by change:\n"
        )
        rows = []
        for row in told["systems"]:
            merged = _merge(row["counts"].values())
            rows.append([row["system"], row["setting"], *(_share(merged.get(c, {}), c) for c in CHANGES)])
        sizes = _merge(told["systems"][0]["counts"].values())
        parts.append(
            _table(["System", "Settings", *(f"{c} ({sum(sizes.get(c, {}).values()):,})" for c in CHANGES)], rows) + "\n"
        )
    settings = {
        row["setting"]: row["means"] for told in result["sets"].values() for row in told["systems"] if "means" in row
    }
    parts += [f"- *{name}*: {means}" for name, means in settings.items()]
    return "\n".join(parts) + "\n"


def _merge(scripts: Iterable[Counts]) -> dict[str, Counter[str]]:
    merged: dict[str, Counter[str]] = {}
    for counts in scripts:
        for change, outcomes in counts.items():
            merged.setdefault(change, Counter()).update(outcomes)
    return merged


def _share(outcomes: Counter[str] | dict[str, int], change: str) -> str:
    total = sum(outcomes.values())
    if not total:
        return "-"
    right = outcomes.get("rejected" if change in NOWHERE else "exact", 0)
    wrong = outcomes.get("edges", 0) + outcomes.get("elsewhere", 0)
    return f"{right / total:.1%}, {wrong:,} wrong"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _machine() -> dict[str, Any]:
    model = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return {"cores": os.cpu_count(), "cpu": model, "system": platform.system(), "python": platform.python_version()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("gold", type=Path, nargs="*")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers-python", help="interpreter of the environment with langextract")
    parser.add_argument("-o", dest="out", type=Path, default=RESULT)
    given = parser.parse_args()
    shared = ROOT.parent / "shared" / "gold"
    folders = given.gold or [path for path in (shared, ROOT / "corpus") if path.is_dir()]
    result: dict[str, Any] = {"date": date.today().isoformat(), "machine": _machine(), "sets": {}}
    taxonomy = load_taxonomy()
    for folder in folders:
        documents = [page.document for page in load_gold([folder], taxonomy).pages]
        made = measure(documents, given.seed, given.rounds, given.peers_python)
        result["sets"][folder.name] = made
        for row in made["systems"]:
            print(folder.name, row["system"], row["setting"], {s: dict(add_up(c)) for s, c in row["counts"].items()})
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    given.out.with_suffix(".md").write_text(write_tables(result), encoding="utf-8")


if __name__ == "__main__":
    main()
