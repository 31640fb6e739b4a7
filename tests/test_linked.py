"""JSON-LD, read by rdflib: the graph comes through whole, and says no more than the sources do."""

import json
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from asgi_lifespan import LifespanManager
from rdflib import RDF, Graph, Literal, Namespace, URIRef
from rdflib.compare import isomorphic

from app.formats import Context, linked
from app.load import load
from app.main import create_app
from app.settings import Settings

# rdflib's own JSON-LD parser uses a class that rdflib has deprecated.
pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")]
BASE = "http://fasti.test/v1/"
SCHEMA, OA, FASTI = (Namespace(each) for each in ("https://schema.org/", "http://www.w3.org/ns/oa#", "urn:fasti:"))
DCTERMS = Namespace("http://purl.org/dc/terms/")
NEXT = URIRef("http://www.iana.org/assignments/relation/next")
LISTS = ["events", "people", "policies", "estimates", "organizations", "places", "quotes", "sources", "records",
         "relations", "citations", "passages"]  # fmt: skip


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refused(*_, **__):
        raise AssertionError("an answer must be readable without fetching anything")

    monkeypatch.setattr("urllib.request.OpenerDirector.open", refused)


async def graph_of(client, target):
    response = await client.get(target, headers={"accept": "application/ld+json"})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/ld+json")
    graph = Graph().parse(data=response.text, format="json-ld")
    for format in ("nt", "turtle", "json-ld"):
        again = Graph().parse(data=graph.serialize(format=format, encoding="utf-8"), format=format)
        assert isomorphic(graph, again), format
    return graph


def at(path):
    return URIRef(BASE + path)


@pytest.mark.parametrize("name", LISTS)
async def test_every_list_comes_through_an_rdf_parser_whole(client, name):
    body = (await client.get(f"/v1/{name}?limit=200")).json()
    items, onward = body["items"], body["next"]
    graph = await graph_of(client, f"/v1/{name}?limit=200")
    page = at(f"{name}?limit=200")
    revision = (await client.get("/v1")).json()["revision"]
    assert (page, RDF.type, SCHEMA.Collection) in graph
    assert str(graph.value(page, SCHEMA.version)) == revision
    assert len(set(graph.objects(page, SCHEMA.hasPart))) == len(items)
    assert len(list(graph.subjects(DCTERMS.isPartOf, URIRef(BASE.rstrip("/"))))) == len(items) + 1
    assert [str(each) for each in graph.objects(page, NEXT)] == ([onward] if onward else [])
    # Every key of the context is used for what it is declared to be: nothing falls out of the graph.
    assert not [term for _, term, _ in graph if not str(term).startswith(("http", "urn:fasti:"))]


@pytest.mark.parametrize("name", LISTS)
async def test_no_key_is_lost_between_the_json_and_the_graph(client, name):
    body = (await client.get(f"/v1/{name}?format=jsonld&limit=200")).json()
    unknown = [key for node in body["@graph"] for key in node if key not in body["@context"] and key[0] != "@"]
    assert unknown == []


async def test_pages_are_linked(client):
    response = await client.get("/v1/events?format=jsonld&limit=2")
    graph = Graph().parse(data=response.text, format="json-ld")
    following = graph.value(at("events?limit=2"), NEXT)
    assert str(following) == response.links["next"]["url"]
    assert "format=jsonld" in str(following)
    assert (await client.get(str(following))).status_code == 200


async def test_an_event(client):
    graph = await graph_of(client, "/v1/events/mao-resignation")
    event, date = at("events/mao-resignation"), at("events/mao-resignation#date")
    edtf = URIRef("http://id.loc.gov/datatypes/edtf/EDTF")
    for triple in [
        (event, RDF.type, SCHEMA.Event),
        (event, SCHEMA.name, Literal("Resignation of Mao as head of state")),
        (event, SCHEMA.startDate, Literal("1959")),
        (event, SCHEMA.endDate, Literal("1959")),
        (event, FASTI.stance, FASTI.asserted),
        (event, FASTI.relation, at("relations/liu-shaoqi.participated_in.mao-resignation")),
        (event, FASTI.date, date),
        (date, FASTI.edtf, Literal("1959", datatype=edtf)),
        (date, FASTI.earliestStart, Literal("1959-01-01", datatype=edtf)),
        (date, SCHEMA.description, Literal("In 1959")),
        (event, DCTERMS.isPartOf, URIRef("http://fasti.test/v1")),
        (URIRef("http://fasti.test/v1#1"), SCHEMA.license, URIRef("https://creativecommons.org/licenses/by/4.0/")),
    ]:
        assert triple in graph, triple


async def test_a_date_that_is_not_plain_is_no_schema_org_date(client):
    graph = await graph_of(client, "/v1/events?limit=200")
    for id in ("purge-of-regional-authorities", "great-leap-forward-campaign", "denunciation-of-soviet-party"):
        assert graph.value(at(f"events/{id}#date"), FASTI.edtf) is not None
        assert graph.value(at(f"events/{id}"), SCHEMA.startDate) is None
    assert graph.value(at("events/great-leap-forward-campaign#date"), FASTI.earliestEnd) is None


async def test_a_relation_is_a_statement_and_never_a_bare_triple(client):
    graph = await graph_of(client, "/v1/relations?limit=200")
    items = (await client.get("/v1/relations?limit=200")).json()["items"]
    assert len(list(graph.subjects(RDF.type, RDF.Statement))) == len(items)
    for item in items:
        statement, subject, object_ = (at(item[key]["url"][4:]) if key else at(f"relations/{item['id']}")
                                       for key in ("", "subject", "object"))  # fmt: skip
        assert (statement, RDF.subject, subject) in graph
        assert (statement, RDF.predicate, FASTI[item["predicate"]]) in graph
        assert (statement, RDF.object, object_) in graph
        assert (statement, FASTI.stance, FASTI[item["stance"]]) in graph
        assert (statement, FASTI.polarity, FASTI[item["polarity"]]) in graph
        assert str(graph.value(statement, FASTI.causality) or "") == (
            f"urn:fasti:{item['causality']}" if item["causality"] else ""
        )
        assert not list(graph.triples((subject, None, object_)))


async def test_figures_are_given_and_never_computed(client):
    graph = await graph_of(client, "/v1/estimates")
    deaths, target = at("estimates/chinese-famine-deaths"), at("estimates/steel-output-doubling")
    for triple in [
        (deaths, RDF.type, SCHEMA.Observation),
        (deaths, SCHEMA.minValue, Literal(15_000_000)),
        (deaths, SCHEMA.maxValue, Literal(45_000_000)),
        (deaths, SCHEMA.unitText, Literal("persons")),
        (deaths, SCHEMA.observationAbout, at("events/great-leap-famine")),
        (deaths, FASTI.attributedTo, at("organizations/scholars")),
        (deaths, FASTI.stance, FASTI.attributed),
        (target, RDF.type, SCHEMA.QuantitativeValue),
        (target, FASTI.stance, FASTI.goal),
    ]:
        assert triple in graph, triple
    assert graph.value(deaths, SCHEMA.value) is None
    assert (target, RDF.type, SCHEMA.Observation) not in graph


async def test_a_citation_is_a_web_annotation(client):
    item = (await client.get("/v1/citations/mao-resignation.hartnett-great-leap-forward.3575-3605")).json()
    graph = await graph_of(client, f"/v1/citations/{item['id']}")
    annotation = at(f"citations/{item['id']}")
    target = graph.value(annotation, OA.hasTarget)
    assert (annotation, RDF.type, OA.Annotation) in graph
    assert (annotation, OA.hasBody, at("events/mao-resignation")) in graph
    assert (target, RDF.type, OA.SpecificResource) in graph
    assert (target, OA.hasSource, at("sources/hartnett-great-leap-forward")) in graph
    [place] = [s for s in graph.objects(target, OA.hasSelector) if (s, RDF.type, OA.TextPositionSelector) in graph]
    assert (int(graph.value(place, OA.start)), int(graph.value(place, OA.end))) == (3575, 3605)


async def test_words_are_quoted_where_they_are_known_to_be_the_span(client):
    graph = await graph_of(client, "/v1/citations?limit=200")
    items = {item["id"]: item for item in (await client.get("/v1/citations?limit=200")).json()["items"]}
    quoted = {str(s).removeprefix(f"{BASE}citations/"): str(o) for s, o in graph.subject_objects(OA.exact)}
    for id, words in quoted.items():
        assert sha256(words.encode()).hexdigest() == items[id.removesuffix("#quote")]["sha256"]
    assert len(quoted) > 100
    assert not any("…" in words for words in quoted.values())


async def test_years_before_one_and_text_that_is_held(tmp_path):
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'fasti.db'}", seed_dir=Path(__file__).parent / "packs", source_dir=None
    )
    load(settings)
    async with LifespanManager(create_app(settings)) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
            graph = await graph_of(client, "/v1/relations?predicate=held_office")
            office = at("relations/gaius-verro.held_office.republic")
            assert str(graph.value(URIRef(f"{office}#date"), FASTI.earliestStart)) == "-0043-01-01"
            assert (office, FASTI.role, Literal("consul")) in graph
            graph = await graph_of(client, "/v1/citations?limit=200")
            exact = {str(words) for words in graph.objects(None, OA.exact)}
            assert {"a fire consumed the roll house", "“the end of memory”"} <= exact
            graph = await graph_of(client, "/v1/quotes/end-of-memory")
            assert (at("quotes/end-of-memory"), SCHEMA.spokenByCharacter, at("people/senna")) in graph
            graph = await graph_of(client, "/v1/passages")
            assert len(list(graph.objects(None, SCHEMA.text))) == 6


async def test_the_same_record_read_twice_is_the_same_graph(client):
    once = await graph_of(client, "/v1/events/mao-resignation")
    assert len(once + await graph_of(client, "/v1/events/mao-resignation")) == len(once)


def test_several_knowledge_bases_are_parts_of_one_dataset():
    base = {"description": "d", "licence": "CC0-1.0", "licence_url": None, "citation": "c"}
    bases = [base | {"title": title} for title in ("A", "B")]
    about = {"name": "Fasti", "revision": "r", "knowledge_bases": bases}
    body = json.loads(b"".join(linked.graph([], Context("http://x", "http://x/v1/events", "events", None, about))))
    graph = Graph().parse(data=json.dumps(body), format="json-ld")
    assert {str(o) for o in graph.objects(URIRef("http://x/v1"), SCHEMA.hasPart)} == {"http://x/v1#1", "http://x/v1#2"}
    assert not list(graph.objects(None, SCHEMA.license))
