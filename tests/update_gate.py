"""Measure the documents kept for reporting and a fixed part of the duties, and write the floors of the quality gate.

python -m tests.update_gate            # raises floors, refuses to lower one
python -m tests.update_gate --lower    # lowers them too: say why in the commit
"""

from __future__ import annotations

import json
import sys

from jdextract.pipeline import Pipeline
from tests.test_gate import FLOORS, digest, digest_duties, measure, measure_duties, report_documents

SLACK = 0.005  # for other versions of the numeric libraries


def main() -> int:
    pipeline, documents = Pipeline(), report_documents()
    parts = {
        "documents": (digest(documents), measure(documents, pipeline)),
        "duties": (digest_duties(), measure_duties(pipeline)),
    }
    old = json.loads(FLOORS.read_text(encoding="utf-8")) if FLOORS.is_file() else {}
    lower = "--lower" in sys.argv
    result = {}
    for part, (data, figures) in parts.items():
        floors = {name: round(value - SLACK, 4) for name, value in figures.items() if name != "spans_that_do_not_hold"}
        known = old.get(part, {}).get("floors", {})
        low = {name: (value, known[name]) for name, value in floors.items() if value < known.get(name, 0.0)}
        if low and not lower:
            print(f"would lower (new, old): {low}\nsay --lower if that is meant")
            return 1
        result[part] = {"digest": data, "floors": floors}
        print(part, json.dumps(figures, indent=1))
    FLOORS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
