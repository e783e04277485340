"""Taxonomies for others: SKOS, and what changed between two versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jdextract.errors import MissingExtra
from jdextract.taxonomy import Family, Taxonomy, TaxonomyRole, fold_title

if TYPE_CHECKING:
    from rdflib import Graph

SkosFormat = Literal["turtle", "json-ld"]

# ISCO-08 groups as the European Commission publishes them: C and the code.
_ISCO = "http://data.europa.eu/esco/isco/C"


def default_base(taxonomy: Taxonomy) -> str:
    """Base of the identifiers when none is given: a URN, which promises no page behind it."""
    return f"urn:jdextract:{taxonomy.domain}:"


def make_graph(taxonomy: Taxonomy, base: str | None = None) -> Graph:
    """The taxonomy as a SKOS concept scheme (W3C, 2009): families are top concepts, roles are narrower than them.

    Labels are tagged zh-Hans, zh-Hant and en, position names are alternative labels, the ISCO-08 group is a close match.
    `base` is put before each id. Raises MissingExtra without rdflib.
    """
    try:
        from rdflib import Graph, Literal, Namespace, URIRef
        from rdflib.namespace import DCTERMS, RDF, SKOS
    except ImportError as error:
        raise MissingExtra("SKOS needs rdflib", hint="pip install 'jdextract[skos]'") from error
    ids = Namespace(base or default_base(taxonomy))
    graph = Graph()
    graph.bind("skos", SKOS)
    graph.bind("dcterms", DCTERMS)
    scheme = ids["scheme"]
    graph.add((scheme, RDF.type, SKOS.ConceptScheme))
    graph.add((scheme, DCTERMS.title, Literal(taxonomy.domain, lang="en")))
    graph.add((scheme, DCTERMS.hasVersion, Literal(taxonomy.version)))

    def add(kind: str, entry: Family | TaxonomyRole) -> URIRef:
        concept = ids[f"{kind}/{entry.id}"]
        graph.add((concept, RDF.type, SKOS.Concept))
        graph.add((concept, SKOS.inScheme, scheme))
        graph.add((concept, SKOS.notation, Literal(entry.id)))
        for lang, label in (("zh-Hans", entry.zh), ("zh-Hant", entry.zh_hant), ("en", entry.en)):
            if label:
                graph.add((concept, SKOS.prefLabel, Literal(label, lang=lang)))
        return concept

    tops = {}
    for family in taxonomy.families:
        tops[family.id] = add("family", family)
        graph.add((scheme, SKOS.hasTopConcept, tops[family.id]))
        graph.add((tops[family.id], SKOS.topConceptOf, scheme))
    for role in taxonomy.roles:
        concept = add("role", role)
        graph.add((concept, SKOS.broader, tops[role.family]))
        graph.add((tops[role.family], SKOS.narrower, concept))
        for lang, label, titles in (("zh-Hans", role.zh, role.titles), ("zh-Hant", role.zh_hant, role.titles_hant)):
            for title in dict.fromkeys(titles):
                if title != label:
                    graph.add((concept, SKOS.altLabel, Literal(title, lang=lang)))
        if role.scope:
            graph.add((concept, SKOS.scopeNote, Literal(role.scope, lang="zh-Hans")))
        if role.isco08:
            graph.add((concept, SKOS.closeMatch, URIRef(f"{_ISCO}{role.isco08}")))
        if role.cn2022:
            graph.add(
                (concept, SKOS.note, Literal(f"中华人民共和国职业分类大典 (2022): {role.cn2022}", lang="zh-Hans"))
            )
    return graph


def write_skos(taxonomy: Taxonomy, form: SkosFormat, base: str | None = None) -> str:
    """SKOS in Turtle or JSON-LD. Raises MissingExtra without rdflib."""
    written: str = make_graph(taxonomy, base).serialize(format=form)
    return written


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two taxonomies. `what`: added, removed, moved, changed, title added|removed|moved."""

    what: str
    id: str
    detail: str


def compare(old: Taxonomy, new: Taxonomy) -> list[Change]:
    """What has to be done to get from `old` to `new`, families first, then roles, then position names."""
    changes: list[Change] = []
    kinds: tuple[tuple[str, dict[str, Family | TaxonomyRole], dict[str, Family | TaxonomyRole]], ...] = (
        ("family", {f.id: f for f in old.families}, {f.id: f for f in new.families}),
        ("role", {r.id: r for r in old.roles}, {r.id: r for r in new.roles}),
    )
    for kind, before, after in kinds:
        changes += [Change("removed", id_, f"{kind} {before[id_].zh}") for id_ in before if id_ not in after]
        changes += [Change("added", id_, f"{kind} {after[id_].zh}") for id_ in after if id_ not in before]
        for id_ in before.keys() & after.keys():
            changes += _compare_entries(before[id_], after[id_])
    return sorted(changes, key=lambda c: (c.what not in ("removed", "added"), c.id)) + _compare_titles(old, new)


def _compare_entries(before: Family | TaxonomyRole, after: Family | TaxonomyRole) -> list[Change]:
    was, now = before.model_dump(), after.model_dump()
    changes = []
    if was.get("family") != now.get("family"):
        changes.append(Change("moved", before.id, f"{was['family']} -> {now['family']}"))
    for key in ("zh", "zh_hant", "en", "scope", "isco08", "cn2022"):
        if was.get(key) != now.get(key):
            changes.append(Change("changed", before.id, f"{key}: {was[key] or '-'} -> {now[key] or '-'}"))
    return changes


def _compare_titles(old: Taxonomy, new: Taxonomy) -> list[Change]:
    before, after = _titles(old), _titles(new)
    changes = []
    for folded in sorted(before.keys() | after.keys()):
        (was, title), (now, _) = before.get(folded, ("", "")), after.get(folded, ("", ""))
        if was and not now:
            changes.append(Change("title removed", was, title))
        elif now and not was:
            changes.append(Change("title added", now, after[folded][1]))
        elif was != now:
            changes.append(Change("title moved", now, f"{title}: {was} -> {now}"))
    return sorted(changes, key=lambda c: (c.what, c.id))


def _titles(taxonomy: Taxonomy) -> dict[str, tuple[str, str]]:
    return {fold_title(t): (role.id, t) for role in taxonomy.roles for t in (*role.titles, *role.titles_hant)}
