"""The canonical role taxonomy: families, roles, and the position names that mean a role."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from jdextract.data import parse_yaml
from jdextract.errors import TaxonomyError
from jdextract.locations import find_data

OTHER = "other"  # the family and role for real duties of trades that a taxonomy does not cover


@cache
def _simplifier() -> Any:
    import opencc

    return opencc.OpenCC("t2s")


def fold_title(title: str) -> str:
    """The form in which position names are compared: NFKC, lower case, Simplified, without white space."""
    compact = "".join(unicodedata.normalize("NFKC", title).casefold().split())
    simplified: str = compact if compact.isascii() else _simplifier().convert(compact)
    return simplified


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    zh: str = Field(min_length=1)
    zh_hant: str = ""
    en: str = ""


class Family(_Entry):
    """A group of roles."""


class TaxonomyRole(_Entry):
    """One canonical role with its labels, position names and codes in two public classifications."""

    family: str
    titles: tuple[str, ...] = ()  # Simplified
    titles_hant: tuple[str, ...] = ()  # Taiwan and Hong Kong
    scope: str = ""
    isco08: str | None = Field(default=None, pattern=r"^\d{4}$")
    cn2022: str | None = Field(default=None, pattern=r"^\d-\d{2}-\d{2}-\d{2}$")

    @property
    def names(self) -> tuple[str, ...]:
        """Labels and position names, each once after folding, in order."""
        first: dict[str, str] = {}
        for name in (self.zh, self.zh_hant, *self.titles, *self.titles_hant):
            first.setdefault(fold_title(name), name)
        return tuple(name for name in first.values() if name)


class Taxonomy(BaseModel):
    """A validated taxonomy. Ids are unique, families known, and no position name stands in two roles."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field(min_length=1)
    domain: str = Field(min_length=1)
    families: tuple[Family, ...] = Field(min_length=1)
    roles: tuple[TaxonomyRole, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        for kind, ids in (("family", [f.id for f in self.families]), ("role", [r.id for r in self.roles])):
            twice = [name for name, n in Counter(ids).items() if n > 1]
            if twice:
                raise ValueError(f"{kind} id {twice[0]!r} stands twice")
        known = {family.id for family in self.families}
        owner: dict[str, str] = {}
        for role in self.roles:
            if role.family not in known:
                raise ValueError(f"role {role.id!r} is in family {role.family!r}, which is not listed")
            for title in (*role.titles, *role.titles_hant):
                other = owner.setdefault(fold_title(title), role.id)
                if other != role.id:
                    raise ValueError(f"title {title!r} stands in two roles, {other!r} and {role.id!r}")
        return self

    @cached_property
    def _families(self) -> dict[str, str]:
        return {role.id: role.family for role in self.roles}

    @cached_property
    def titles(self) -> dict[str, str]:
        """Folded position name -> role id; a label that another role has as a title belongs to the title."""
        table = {fold_title(role.zh): role.id for role in self.roles if role.id != OTHER}
        table.update((fold_title(t), role.id) for role in self.roles for t in (*role.titles, *role.titles_hant))
        return table

    @property
    def role_ids(self) -> tuple[str, ...]:
        return tuple(self._families)

    @property
    def stamp(self) -> str:
        """Domain, version and a digest of the ids: a model made for one stamp does not fit another."""
        ids = ",".join(f"{family}/{role}" for role, family in sorted(self._families.items()))
        return f"{self.domain} {self.version} {hashlib.sha256(ids.encode()).hexdigest()[:8]}"

    def family_of(self, role: str) -> str:
        """Family id of a role id. Raises TaxonomyError for an unknown role."""
        try:
            return self._families[role]
        except KeyError:
            raise TaxonomyError(f"has no role {role!r}", hint="`jdextract taxonomy show` lists the roles") from None

    def find_title(self, title: str) -> str | None:
        """Role id of a position name that stands in the taxonomy, however written; else None."""
        return self.titles.get(fold_title(title))


def load_taxonomy(path: Path | None = None) -> Taxonomy:
    """Read a YAML file, or the taxonomy of the package. Raises TaxonomyError that names the rule broken."""
    import yaml

    path = path or find_data("taxonomy/ecommerce.yaml")
    try:
        return Taxonomy.model_validate(parse_yaml(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise TaxonomyError(f"cannot be opened ({error.strerror})", where=str(path), hint="give a YAML file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TaxonomyError(
            f"is not YAML: {error}", where=str(path), hint="compare it with `jdextract taxonomy export`"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        reason = first["msg"].removeprefix("Value error, ")
        raise TaxonomyError(
            f"{key}: {reason}" if key else reason, where=str(path), hint="`jdextract taxonomy validate` checks a file"
        ) from error
