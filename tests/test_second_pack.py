"""Another article becomes an API by adding a folder: text served, spans verified, years before 1 right."""

import pytest

from app.settings import ROOT

pytestmark = pytest.mark.anyio
TEXT = (ROOT / "tests" / "packs" / "ides" / "source.txt").read_text("utf-8")


async def items(client, target):
    response = await client.get(target)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def test_passages_carry_their_text_and_citations_the_exact_words(ides):
    for passage in await items(ides, "/v1/passages"):
        assert passage["text"] == TEXT[passage["start"] : passage["end"]]
        places = [(anchor["start"], anchor["end"]) for anchor in passage["anchors"]]
        assert places == sorted(places)
        sentences = [passage["text"][s["start"] : s["end"]] for s in passage["sentences"]]
        assert " ".join(sentences) == passage["text"]
        for anchor in passage["anchors"]:
            citation = (await ides.get(f"/v1/citations/{anchor['citation']}")).json()
            assert citation["exact"] == passage["text"][anchor["start"] : anchor["end"]]
            assert citation["exact"] == TEXT[citation["start"] : citation["end"]]
            assert citation["status"] == "verified"


async def test_a_source_is_read_in_order(ides):
    passages = await items(ides, "/v1/sources/annals/passages")
    assert [p["paragraph"] for p in passages] == [1, 2, 3, 4, 5, 6]
    assert [p["section"]["id"] for p in passages] == ["lead", *["the-consulship"] * 3, *["the-fire"] * 2]
    assert (await ides.get("/v1/sources/none/passages")).status_code == 404


async def test_years_before_one_are_right(ides):
    [fire] = await items(ides, "/v1/events?from=-0029&to=-0029")
    assert fire["id"] == "fire"
    assert fire["date"]["approximate"] is True
    assert fire["date"]["bounds"]["earliest_start"] == "-0029-01-01"
    assert fire["date"]["bounds"]["latest_end"] == "-0029-12-31"
    assert await items(ides, "/v1/events?from=-0028") == []


@pytest.mark.parametrize(
    ("query", "holders"),
    [
        ("from=-0043&to=-0043", ["gaius-verro", "marcus-tulo"]),
        ("from=-0060&to=-0060&match=possible", ["marcus-tulo"]),
        ("from=-0060&to=-0060", []),
        ("from=-0043&to=-0043&match=certain", ["gaius-verro"]),
    ],
)
async def test_offices_are_asked_for_at_a_time(ides, query, holders):
    found = await items(ides, f"/v1/relations?predicate=held_office&{query}")
    assert sorted(relation["subject"]["id"] for relation in found) == holders


async def test_estimates_that_conflict_stay_apart(ides):
    found = await items(ides, "/v1/estimates?measure=ships&sort=-high,id")
    assert [(e["id"], e["low"], e["high"], e["value"]) for e in found] == [
        ("ships-high", 500, 600, None),
        ("ships-low", None, None, 300),
    ]
    assert [e["id"] for e in await items(ides, "/v1/estimates?min=400")] == ["ships-high"]
    assert [e["attributed_to"] and e["attributed_to"]["id"] for e in found] == [None, "first-chronicler"]


async def test_a_sort_key_with_nulls_loses_no_row_between_pages(ides):
    for sort in ("high", "-high", "value", "-low,id"):
        first = (await ides.get(f"/v1/estimates?sort={sort}&limit=1")).json()
        second = (await ides.get(first["next"])).json()
        assert {first["items"][0]["id"], second["items"][0]["id"]} == {"ships-low", "ships-high"}
        assert second["next"] is None
