"""Measure the documents kept for reporting and write the floors of the quality gate.

python -m tests.update_gate            # raises floors, refuses to lower one
python -m tests.update_gate --lower    # lowers them too: say why in the commit
"""

from __future__ import annotations

import json
import sys

from jdextract.pipeline import Pipeline
from tests.test_gate import FLOORS, digest, measure, report_documents

SLACK = 0.005  # for other versions of the numeric libraries


def main() -> int:
    documents = report_documents()
    figures = measure(documents, Pipeline())
    floors = {name: round(value - SLACK, 4) for name, value in figures.items() if name != "spans_that_do_not_hold"}
    if FLOORS.is_file():
        old = json.loads(FLOORS.read_text(encoding="utf-8"))["floors"]
        low = {name: (value, old[name]) for name, value in floors.items() if value < old.get(name, 0.0)}
        if low and "--lower" not in sys.argv:
            print(f"would lower (new, old): {low}\nsay --lower if that is meant")
            return 1
        if "--lower" not in sys.argv:
            floors = {name: max(value, old.get(name, 0.0)) for name, value in floors.items()}
    FLOORS.write_text(json.dumps({"digest": digest(documents), "floors": floors}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
