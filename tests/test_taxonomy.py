from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jdextract.errors import TaxonomyError
from jdextract.taxonomy import Taxonomy, fold_title, load_taxonomy

TAXONOMY = load_taxonomy()
OCCUPATIONS = Path(__file__).parents[2] / "shared" / "taxonomy" / "cn-occupations-2022.csv"
SMALL: dict[str, Any] = {
    "version": "1",
    "domain": "test",
    "families": [{"id": "desk", "zh": "前台"}, {"id": "yard", "zh": "后场"}],
    "roles": [
        {"id": "clerk", "family": "desk", "zh": "文员", "titles": ["文员", "打字员"]},
        {"id": "guard", "family": "yard", "zh": "保安", "titles": ["保安"], "titles_hant": ["保全人員"]},
    ],
}


def changed(role: int, **fields: Any) -> dict[str, Any]:
    roles = [dict(entry) for entry in SMALL["roles"]]
    roles[role].update(fields)
    return {**SMALL, "roles": roles}


def write(folder: Path, data: Any) -> Path:
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return path


def test_default() -> None:
    """The taxonomy of the package has 12 families and 37 roles, `other` among both."""
    assert (len(TAXONOMY.families), len(TAXONOMY.roles)) == (12, 37)
    assert TAXONOMY.family_of("other") == "other"
    assert TAXONOMY.family_of("data-analyst") == "product-data"


def test_labels_in_three_languages() -> None:
    """Every role and family has a Simplified, a Traditional and an English label, and every role a scope."""
    for entry in (*TAXONOMY.families, *TAXONOMY.roles):
        assert entry.zh
        assert entry.zh_hant
        assert entry.en
    assert all(role.scope for role in TAXONOMY.roles)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (changed(1, id="clerk"), "role id 'clerk' stands twice"),
        ({**SMALL, "families": [*SMALL["families"], SMALL["families"][0]]}, "family id 'desk' stands twice"),
        (changed(0, family="roof"), "family 'roof'"),
        (changed(1, titles=["保安", " 文員"]), "title '文員' stands in two roles, 'clerk' and 'guard'"),
        (changed(0, isco08="12"), "isco08"),
        (changed(0, colour="red"), "colour"),
        ({**SMALL, "roles": []}, "roles"),
        ([], "valid dictionary"),
    ],
)
def test_broken_rules(tmp_path: Path, data: Any, reason: str) -> None:
    """A file that breaks a rule is refused by name of the rule and of what broke it."""
    path = write(tmp_path, data)
    with pytest.raises(TaxonomyError, match=str(path)) as caught:
        load_taxonomy(path)
    assert reason.replace(" 文員", "文員") in str(caught.value).replace("' 文員'", "'文員'")


def test_unreadable(tmp_path: Path) -> None:
    """A missing file and a file that is not YAML are TaxonomyErrors with a hint."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [", encoding="utf-8")
    for path in (tmp_path / "none.yaml", broken):
        with pytest.raises(TaxonomyError) as caught:
            load_taxonomy(path)
        assert caught.value.hint


@pytest.mark.parametrize("title", ["保全人員", "保全人员", " 保 安 ", "保安"])
def test_lookup(title: str) -> None:
    """A position name is found in either script and with any white space."""
    assert Taxonomy.model_validate(SMALL).find_title(title) == "guard"


def test_every_title_is_found() -> None:
    """Each name that a role lists leads back to this role."""
    for role in TAXONOMY.roles:
        for title in (*role.titles, *role.titles_hant):
            assert TAXONOMY.find_title(title) == role.id


def test_unknown_role() -> None:
    """The family of an unknown role is an error, not a guess."""
    with pytest.raises(TaxonomyError, match="pilot"):
        TAXONOMY.family_of("pilot")


def test_stamp() -> None:
    """The stamp changes with version and ids, and not with labels or titles."""
    stamp = Taxonomy.model_validate(SMALL).stamp
    assert Taxonomy.model_validate(changed(0, titles=["录入员"], zh="录入")).stamp == stamp
    assert Taxonomy.model_validate(changed(0, id="typist")).stamp != stamp
    assert Taxonomy.model_validate({**SMALL, "version": "2"}).stamp != stamp


@given(st.text())
def test_fold_twice(text: str) -> None:
    """Folded white space is gone, whatever the text."""
    assert not any(character.isspace() for character in fold_title(text))


@pytest.mark.shared
def test_occupation_codes_exist() -> None:
    """Every occupation code stands in the classification of 2022, at its lowest level."""
    with OCCUPATIONS.open(encoding="utf-8-sig", newline="") as file:
        codes = {row["seq"] for row in csv.DictReader(file)}
    for role in TAXONOMY.roles:
        if role.cn2022 is not None:
            assert role.cn2022 in codes, role.id
