"""References, read by the programs that people cite with: citeproc, pybtex and rispy."""

import io
import json

import pytest
import rispy
from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
from citeproc.source.json import CiteProcJSON
from pybtex.database import parse_string

from app.formats import Context, citing

pytestmark = pytest.mark.anyio
NASTY = 'Łukasz {of} "50 % & more" \\ $x_1^2 # ~ é–漢\r\nTY  - JOUR'
ABOUT = {
    "name": "Fasti",
    "revision": "abc",
    "knowledge_bases": [{"title": NASTY, "description": "d", "licence": "CC0-1.0", "licence_url": None,
                         "citation": "Fasti, a pack."}],
}  # fmt: skip
EVENT = {
    "id": "nasty", "kind": "event", "name": NASTY, "summary": NASTY, "stance": "attributed", "polarity": "negative",
    "attributed_to": {"id": "x", "kind": "person", "name": "X {y", "url": "/v1/people/x"},
    "links": {"self": "/v1/events/nasty"},
}  # fmt: skip
SOURCE = {
    "id": "tale", "kind": "source", "type": "book", "name": "A tale", "title": "Tales", "author": "Ann {B} O'Neil-Ż",
    "publisher": "Press & Co", "series": None, "language": "en", "licence": "ours", "summary": "A tale.",
    "links": {"self": "/v1/sources/tale"},
}  # fmt: skip


def rendered(write, *documents, single=True):
    context = Context("http://x", "http://x/v1/events?from=1960&person=a%20b&limit=2", "events", None, ABOUT,
                      single=single)  # fmt: skip
    return b"".join(write([json.dumps(each) for each in documents], context)).decode()


def bibliography(items):
    """The references as citeproc prints them in the style that it ships."""
    style = CitationStylesStyle("harvard-cite-them-right", validate=False)
    # It warns on what this style does not print; the text is what counts.
    made = CitationStylesBibliography(style, CiteProcJSON(items), formatter.plain)
    for item in items:
        made.register(Citation([CitationItem(item["id"])]))
    return [str(each) for each in made.bibliography()]


@pytest.mark.filterwarnings("ignore:The following arguments for Reference are unsupported:UserWarning")
async def test_citeproc_prints_a_record_a_relation_a_source_and_a_query(client):
    title = "The Great Leap Forward and the opening of the Cultural Revolution"
    for path, words in [
        ("estimates/chinese-famine-deaths", "Deaths in China [attributed to scholars]"),
        ("relations/mao-zedong.announced.great-leap-forward", "Mao Zedong announced "),
        ("events?from=1960&to=1960&limit=1", "Events (from 1960, to 1960)"),
    ]:
        response = await client.get(f"/v1/{path}", headers={"accept": "application/vnd.citationstyles.csl+json"})
        item = response.json()[0]
        assert words in item["title"]
        assert (item["container-title"], item["publisher"], "author" in item) == (title, "Fasti", False)
        assert item["version"] == (await client.get("/v1")).json()["revision"]
        assert f"Revision {item['version']}." in item["note"]
        assert "CC-BY-4.0" in item["note"]
        [text] = bibliography([item])
        assert words.split(" [")[0] in text
        assert item["URL"] in text
    [source] = (await client.get("/v1/sources/hartnett-great-leap-forward?format=csl")).json()
    assert source["author"] == [{"literal": "Lynne Ann Hartnett"}]
    assert source["title"] == "[Lynne Ann Hartnett, article on the Great Leap Forward]"
    assert source["container-title"] == "The Great Revolutions of Modern History"
    assert "publisher" not in source
    assert bibliography([source])[0].startswith("Lynne Ann Hartnett (no date) ")
    assert "reprint" not in bibliography([source])[0]


async def test_a_list_is_cited_as_the_query_and_then_by_its_items(client):
    first = await client.get("/v1/relations?predicate=caused&format=csl&limit=2")
    ids = [item["id"] for item in (await client.get("/v1/relations?predicate=caused&limit=2")).json()["items"]]
    query, *items = first.json()
    assert [item["id"] for item in items] == ids
    assert query["URL"] == "http://fasti.test/v1/relations?predicate=caused"
    assert (await client.get(query["URL"])).status_code == 200
    second = await client.get(first.links["next"]["url"])
    assert second.json()[0] == query
    assert (await client.get("/v1/relations?predicate=headed&format=csl")).json()[0]["id"] != query["id"]


@pytest.mark.parametrize("name", ["events", "relations", "citations", "passages", "sources", "records"])
async def test_every_reader_takes_every_kind(client, name):
    ids = [item["id"] for item in (await client.get(f"/v1/{name}?limit=200")).json()["items"]]
    csl = (await client.get(f"/v1/{name}?limit=200&format=csl")).json()
    bibtex = parse_string((await client.get(f"/v1/{name}?limit=200&format=bibtex")).text, "bibtex")
    ris = rispy.loads((await client.get(f"/v1/{name}?limit=200&format=ris")).text)
    assert [entry["id"] for entry in csl[1:]] == list(bibtex.entries)[1:] == [entry["id"] for entry in ris[1:]] == ids
    revision = (await client.get("/v1")).json()["revision"]
    assert {entry["version"] for entry in csl} == {revision}
    assert {entry.fields["version"] for entry in bibtex.entries.values()} == {revision}
    assert {entry["edition"] for entry in ris} == {f"Revision {revision}"}
    urls = [entry["URL"] for entry in csl]
    assert urls == [entry["urls"][0] for entry in ris] == [entry.fields["url"] for entry in bibtex.entries.values()]
    for target in urls[:5]:
        assert (await client.get(target)).status_code == 200


def test_bibtex_is_never_broken_by_a_name():
    entries = parse_string(rendered(citing.bibtex, EVENT, SOURCE, single=False), "bibtex").entries
    assert list(entries)[1:] == ["nasty", "tale"]
    fields = entries["nasty"].fields
    assert fields["title"] == (
        r'{Łukasz \textbraceleft{}of\textbraceright{} "50 \% \& more" \textbackslash{} \$x\_1\textasciicircum{}2 \# '
        r"\textasciitilde{} é–漢 TY - JOUR [attributed to X \textbraceleft{}y; denied]}"
    )
    assert fields["publisher"] == "Fasti"
    assert entries["tale"].type == "book"
    # A byline is one name in braces, and not taken apart.
    assert str(entries["tale"].persons["author"][0]) == r"{Ann \textbraceleft{}B\textbraceright{} O'Neil-Ż}"
    assert (entries["tale"].fields["title"], entries["tale"].fields["publisher"]) == ("{Tales}", r"Press \& Co")


def test_ris_is_never_broken_by_a_name():
    text = rendered(citing.ris, EVENT, SOURCE, single=False)
    assert [line[2:6] for line in text.split("\r\n") if line] == ["  - "] * len([x for x in text.split("\r\n") if x])
    query, event, source = rispy.loads(text)
    assert query["title"] == "Events (from 1960, person a b)"
    assert query["urls"] == ["http://x/v1/events?from=1960&person=a+b"]
    assert (event["type_of_reference"], source["type_of_reference"]) == ("DBASE", "BOOK")
    assert event["title"] == NASTY.replace("\r\n", " ").replace("  ", " ") + " [attributed to X {y; denied]"
    assert (source["authors"], source["publisher"]) == (["Ann {B} O'Neil-Ż"], "Press & Co")


def test_csl_keeps_every_character():
    [item] = json.load(io.StringIO(rendered(citing.csl, EVENT)))
    assert item["title"] == NASTY + " [attributed to X {y; denied]"
    assert item["URL"] == "http://x/v1/events/nasty"
