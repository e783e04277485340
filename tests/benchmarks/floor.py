"""The floor: reading rows, OpenCC, rjieba over the whole text, writing. No program that needs words can be faster than that.

python -m tests.benchmarks.floor ROWS.jsonl -o OUT.jsonl
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def cut(rows: Path, target: Path) -> None:
    """One line a posting: its words with spaces between."""
    import opencc
    import rjieba

    simplify = opencc.OpenCC("t2s").convert
    with rows.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as out:
        for line in lines:
            row = json.loads(line)
            words = rjieba.cut(simplify(f"{row['title']}\n{row['text']}"))
            out.write(json.dumps({"id": row["id"], "words": " ".join(words)}, ensure_ascii=False) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", type=Path)
    parser.add_argument("-o", dest="out", type=Path, required=True)
    given = parser.parse_args()
    cut(given.rows, given.out)


if __name__ == "__main__":
    main()
