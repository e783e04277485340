"""Taxonomies as SKOS, and the differences between two."""

from __future__ import annotations

import pytest
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import RDF, SKOS

from jdextract.taxonomy import Taxonomy, load_taxonomy
from jdextract.taxonomy_exchange import Change, SkosFormat, compare, default_base, make_graph, write_skos

TAXONOMY = load_taxonomy()


@pytest.mark.parametrize("form", ["turtle", "json-ld"])
def test_skos_comes_back(form: SkosFormat) -> None:
    """Turtle and JSON-LD, read back by rdflib, hold the same triples, and each role stands below its family."""
    graph = Graph().parse(data=write_skos(TAXONOMY, form), format=form)
    assert set(graph) == set(make_graph(TAXONOMY))
    assert len(set(graph.subjects(RDF.type, SKOS.Concept))) == len(TAXONOMY.families) + len(TAXONOMY.roles)
    base = default_base(TAXONOMY)
    for role in TAXONOMY.roles:
        concept = URIRef(f"{base}role/{role.id}")
        assert list(graph.objects(concept, SKOS.broader)) == [URIRef(f"{base}family/{role.family}")]
        assert Literal(role.zh_hant, lang="zh-Hant") in graph.objects(concept, SKOS.prefLabel)


def test_skos_keeps_its_integrity_rules() -> None:
    """No concept has two preferred labels of one language or a label that is preferred and alternative (SKOS S13, S14)."""
    graph = make_graph(TAXONOMY, "https://example.org/roles/")
    for concept in graph.subjects(RDF.type, SKOS.Concept):
        preferred = [(label.language, str(label)) for label in graph.objects(concept, SKOS.prefLabel)]
        assert len({language for language, _ in preferred}) == len(preferred)
        others = {(label.language, str(label)) for label in graph.objects(concept, SKOS.altLabel)}
        assert not others & set(preferred)
        assert str(concept).startswith("https://example.org/roles/")


def edited(**changes: object) -> Taxonomy:
    data = TAXONOMY.model_dump(mode="json")
    data["roles"][0].update(changes)
    return Taxonomy.model_validate(data)


def test_compare_finds_every_kind_of_change() -> None:
    """Labels, families, codes, position names and whole roles that changed are named; the same taxonomy has no change."""
    assert compare(TAXONOMY, TAXONOMY) == []
    first = TAXONOMY.roles[0]
    assert compare(TAXONOMY, edited(en="Head of all")) == [
        Change("changed", first.id, f"en: {first.en} -> Head of all")
    ]
    assert compare(TAXONOMY, edited(family="sales"))[0].what == "moved"
    assert compare(TAXONOMY, edited(titles=[*first.titles, "大掌柜"])) == [Change("title added", first.id, "大掌柜")]
    fewer = TAXONOMY.model_copy(update={"roles": TAXONOMY.roles[1:]})
    assert Change("removed", first.id, f"role {first.zh}") in compare(TAXONOMY, fewer)
    assert Change("added", first.id, f"role {first.zh}") in compare(fewer, TAXONOMY)
