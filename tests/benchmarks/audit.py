"""How many planted errors `jdextract corpus audit` finds in the corpus. Not a test: it trains some fifty models.

    python -m tests.benchmarks.audit [--share 0.05] [--seeds 0 1 2] [-o FILE]

Labels of the corpus are flipped in three ways: to any other role, to another role of the family, and to the role that a
model thinks next best, which is the hardest case and a bound for it. Each cleanlab filter is measured on the same
probabilities. Outliers are requirements, page text and shuffled sentences with roles drawn at random. Errors that the
corpus has of itself count as false alarms, so precision is a lower bound. Natural disagreement is harder to find than
planted errors: rows that a second, blind reader gave another role are counted as well.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import platform
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from cleanlab.filter import find_label_issues

from jdextract.audit import FILTER, Estimate, Finding, estimate, find, find_far
from jdextract.classification.features import read_texts
from jdextract.classification.model import REQUIREMENT
from jdextract.classification.settings import Settings
from jdextract.classification.training import find_non_duties
from jdextract.corpus import SECOND_READING
from jdextract.dutyfile import LabelledRow, read_rows
from jdextract.extraction.extractor import Extractor
from jdextract.taxonomy import Taxonomy, load_taxonomy
from jdextract.training import training_documents

CORPUS = Path(__file__).parents[2] / "corpus"
RESULT = Path(__file__).parent / "results" / "audit.json"
FILTERS = (
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
    "low_normalized_margin",
    "low_self_confidence",
)
_FENCES = (1.0, 1.25, 1.5)
_OUTLIERS = 100  # of each kind

Way = Literal["uniform", "family", "next best"]


def flip(
    rows: Sequence[LabelledRow],
    taxonomy: Taxonomy,
    way: Way,
    share: float,
    seed: int,
    clean: Estimate | None = None,
) -> tuple[list[LabelledRow], set[str]]:
    """Rows of which a share has another role, and the ids of these. `clean` is needed for `next best`."""
    rng = np.random.default_rng(seed)
    mates = {
        role: [
            other
            for other in taxonomy.role_ids
            if other != role and (way != "family" or taxonomy.family_of(other) == taxonomy.family_of(role))
        ]
        for role in taxonomy.role_ids
    }
    able = [i for i, row in enumerate(rows) if mates[row.role]]
    flipped = list(rows)
    picked = rng.choice(able, round(share * len(rows)), replace=False).tolist()
    for i in picked:
        if way == "next best":
            assert clean is not None
            order = np.argsort(-clean.shares[i]).tolist()
            role = clean.roles[next(k for k in order if clean.roles[k] != rows[i].role)]
        else:
            role = str(rng.choice(mates[rows[i].role]))
        flipped[i] = replace(rows[i], role=role)
    return flipped, {rows[i].id for i in picked}


def accused(findings: Sequence[Finding]) -> set[str]:
    """Ids of the rows that an audit gives another role."""
    return {
        id_
        for found in findings
        if found.suggested
        for id_, role in zip(found.ids, found.given, strict=True)
        if role != found.suggested
    }


def rate(found: Collection[str], planted: Collection[str]) -> dict[str, float]:
    """Precision and recall of ids that were found."""
    hits = len(set(found) & set(planted))
    return {
        "found": len(found),
        "precision": round(hits / len(found), 4) if found else 0.0,
        "recall": round(hits / len(planted), 4) if planted else 0.0,
    }


def compare_readings(rows: Sequence[LabelledRow], findings: Sequence[Finding]) -> dict[str, float]:
    """Among the rows that were read twice: how many readers differ on, how many of these are accused, and how often the
    suggested role of these is that of the second reader."""
    with (CORPUS / "duties" / SECOND_READING).open(encoding="utf-8", newline="") as file:
        second = {row["id"]: row["role"] for row in csv.DictReader(file)}
    differ = {row.id for row in rows if second.get(row.id, row.role) != row.role}
    suggested = {id_: found.suggested for found in findings for id_ in found.ids}
    found = accused(findings) & second.keys()
    agreeing = sum(suggested[id_] == second[id_] for id_ in found & differ)
    return {"read_twice": len(second), "differ": len(differ), **rate(found, differ), "same_suggestion": agreeing}


def measure_flips(
    rows: Sequence[LabelledRow], taxonomy: Taxonomy, share: float, seeds: Sequence[int], extractor: Extractor
) -> dict[str, Any]:
    """Scores of the audit and of every filter alone, a row for each way and seed."""
    settings = Settings()

    def judge(some: Sequence[LabelledRow]) -> Estimate:
        return estimate(some, taxonomy, folds=5, seed=0, settings=settings, extractor=extractor, tell=lambda line: None)

    clean = judge(rows)
    untouched = find(rows, clean, settings, extractor)
    agreement = round(float((clean.shares.argmax(axis=1) == clean.labels).mean()), 4)
    result: dict[str, Any] = {
        "untouched": {
            "agreement": agreement,
            "findings": dict(Counter(found.kind for found in untouched)),
            "second_reading": compare_readings(rows, untouched),
        },
        "flipped": [],
    }
    for way in get_args(Way):
        for seed in seeds:
            some, planted = flip(rows, taxonomy, way, share, seed, clean)
            known = judge(some)
            row = {"way": way, "seed": seed, "planted": len(planted)}
            row["audit"] = rate(accused(find(some, known, settings, extractor)), planted)
            for name in FILTERS:
                mask = find_label_issues(known.labels, known.shares, filter_by=name, n_jobs=1)
                row[name] = rate([some[i].id for i in np.flatnonzero(mask)], planted)
            result["flipped"].append(row)
            print(way, seed, row["audit"], flush=True)
    return result


def measure_outliers(
    rows: Sequence[LabelledRow], taxonomy: Taxonomy, seed: int, extractor: Extractor
) -> dict[str, Any]:
    """How many planted texts that are no duties are found: as outliers, and as anything."""
    settings, rng = Settings(), np.random.default_rng(seed)
    lines = sorted({(text, kind) for text, kind in find_non_duties(training_documents(CORPUS)) if len(text) > 3})
    texts: dict[str, list[str]] = {
        "requirement": [text for text, kind in lines if kind == REQUIREMENT],
        "page text": [text for text, kind in lines if kind != REQUIREMENT],
        "shuffled": ["".join(rng.permutation(list(row.text)).tolist()) for row in rows if len(row.text) > 3],
    }
    planted = {
        f"{kind} {i}": LabelledRow(f"{kind} {i}", str(rng.choice(taxonomy.role_ids)), text)
        for kind, some in texts.items()
        for i, text in enumerate(rng.choice(some, _OUTLIERS, replace=False).tolist())
    }
    both = [*rows, *planted.values()]
    known = estimate(both, taxonomy, folds=5, seed=0, settings=settings, extractor=extractor, tell=lambda line: None)
    read = read_texts(known.folded, extractor.cut)
    fences = {
        str(fence): rate([both[i].id for i in np.flatnonzero(find_far(read, known.labels, settings, fence))], planted)
        for fence in _FENCES
    }
    every = {id_ for found in find(both, known, settings, extractor) for id_ in found.ids}
    kinds = {
        kind: rate({i for i in every if i.startswith(kind)}, [i for i in planted if i.startswith(kind)])["recall"]
        for kind in texts
    }
    return {"planted": len(planted), "fences": fences, "recall_of_any_finding": kinds}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--share", type=float, default=0.05, help="of labels that are flipped")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("-o", dest="out", type=Path, default=RESULT)
    given = parser.parse_args()
    rows, taxonomy, extractor = read_rows(CORPUS), load_taxonomy(), Extractor()
    digest = hashlib.sha256("".join(f"{row.id}\t{row.role}\t{row.text}\n" for row in rows).encode()).hexdigest()
    result = {
        "date": date.today().isoformat(),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "versions": {name: version(name) for name in ("cleanlab", "numpy", "scikit-learn")},
        "data": {"rows": len(rows), "digest": digest, "taxonomy": taxonomy.stamp},
        "filter": FILTER,
        "share": given.share,
        **measure_flips(rows, taxonomy, given.share, given.seeds, extractor),
        "outliers": measure_outliers(rows, taxonomy, given.seeds[0], extractor),
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"outliers: {result['outliers']}\n{given.out}")


if __name__ == "__main__":
    main()
