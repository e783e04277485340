"""Run the notebooks and store their outputs.

python -m tests.update_notebooks            # all of them
python -m tests.update_notebooks 1 4        # those whose names start so
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat

from tests.test_notebooks import NOTEBOOKS, execute


def main() -> int:
    wanted = tuple(sys.argv[1:]) or ("",)
    for path in NOTEBOOKS:
        if path.name.startswith(wanted):
            with tempfile.TemporaryDirectory() as folder:
                nbformat.write(execute(path, Path(folder)), path)
            print(f"{path.name}: {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
