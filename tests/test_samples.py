"""The sample documents and the documentation."""

from __future__ import annotations

import re
from pathlib import Path

from jdextract.annotation import parse_marks
from jdextract.corpus import read_splits

ROOT = Path(__file__).parents[1]
DOCUMENTS = ROOT / "corpus" / "documents"


def test_samples_are_the_marked_documents() -> None:
    """Each sample is the text of its annotated document, and there are no others."""
    names = {name for name, split in read_splits(DOCUMENTS).items() if split.sample}
    assert {p.stem for p in (DOCUMENTS / "samples").glob("*.txt")} == names
    for name in names:
        marked = (DOCUMENTS / f"{name}.mark").read_text(encoding="utf-8")
        assert (DOCUMENTS / "samples" / f"{name}.txt").read_text(encoding="utf-8") == parse_marks(marked, name).text


def test_every_command_is_documented() -> None:
    """Every command of the command line stands in the README."""
    from typer.main import get_command

    from jdextract.cli.app import app

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = get_command(app).commands  # type: ignore[attr-defined]
    assert not [name for name in commands if not re.search(rf"`{name}`|jdextract {name}", readme)]
