"""`jdextract taxonomy`."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from jdextract.taxonomy import Taxonomy, load_taxonomy
from tests.cli.conftest import Run

TAXONOMY = load_taxonomy()


def changed_label() -> Taxonomy:
    data = TAXONOMY.model_dump(mode="json")
    data["roles"][0]["en"] = "Head of all"
    return Taxonomy.model_validate(data)


def test_show_and_validate(run: Run, tmp_path: Path) -> None:
    """`show` lists all roles or one of them, `validate` says what rule a file breaks."""
    assert "customer-service" in run("taxonomy", "show").stdout
    assert "isco08: 4222" in run("taxonomy", "show", "customer-service").stdout
    assert run("taxonomy", "show", "astronaut").exit_code == 1
    own = tmp_path / "own.yaml"
    data = TAXONOMY.model_dump(mode="json")
    own.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    assert run("taxonomy", "validate", own).exit_code == 0
    data["roles"][0]["family"] = "nowhere"
    own.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    wrong = run("taxonomy", "validate", own)
    assert wrong.exit_code == 1
    assert "nowhere" in wrong.stderr


@pytest.mark.parametrize("suffix", ["yaml", "json", "csv", "ttl", "jsonld"])
def test_export(run: Run, tmp_path: Path, suffix: str) -> None:
    """Every format is written by its suffix; YAML and JSON load as the same taxonomy again."""
    path = tmp_path / f"roles.{suffix}"
    assert run("taxonomy", "export", "-o", path).exit_code == 0
    text = path.read_text(encoding="utf-8-sig")
    if suffix in ("yaml", "json"):
        assert load_taxonomy(path) == TAXONOMY  # JSON is YAML
    else:
        assert all(role.id in text for role in TAXONOMY.roles)


def test_diff(run: Run, tmp_path: Path) -> None:
    """`diff` prints a line for each change and its exit code tells whether there is one."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    for path, taxonomy in ((old, TAXONOMY), (new, changed_label())):
        path.write_text(yaml.safe_dump(taxonomy.model_dump(mode="json"), allow_unicode=True), encoding="utf-8")
    assert run("taxonomy", "diff", old, old).exit_code == 0
    differs = run("taxonomy", "diff", old, new)
    assert differs.exit_code == 3
    assert "Head of all" in differs.stdout
