"""A facet's counts are what its URLs answer, on every list, for every filter, also where others are set."""

import pytest

from app.resources import ALL

pytestmark = pytest.mark.anyio
# The seed ties no place to a person and attributes no person, place or source to anybody.
EMPTY = {
    ("people", "attributed_to"),
    ("people", "place"),
    ("estimates", "decade"),
    ("places", "attributed_to"),
    ("places", "person"),
    ("sources", "attributed_to"),
}
LISTS = [(resource.name, name) for resource in ALL for name in resource.facets]


async def facet(client, target, name):
    response = await client.get(target, params={"facets": name})
    assert response.status_code == 200, response.text
    return response.json()["facets"][name]


@pytest.mark.parametrize(("path", "name"), LISTS)
async def test_each_count_is_what_its_url_answers(client, path, name):
    found = await facet(client, f"/v1/{path}", name)
    assert bool(found["values"]) is ((path, name) not in EMPTY)
    counts = [value["count"] for value in found["values"]]
    assert counts == sorted(counts, reverse=True)
    for value in found["values"][:8]:
        body = (await client.get(f"{value['url']}&total=true")).json()
        assert body["total"] == value["count"] > 0, value


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("events?person=mao-zedong", "person"),
        ("events?person=mao-zedong&predicate=participated_in", "organization"),
        ("events?person=mao-zedong", "predicate"),
        ("events?from=1960&to=1960&stance=asserted", "type"),
        ("records?kind=policy,event&stance=goal", "kind"),
        ("relations?predicate=caused&causality=implied", "causality"),
        ("estimates?min=1000000", "subject"),
        ("events?person=mao-zedong&match=possible", "decade"),
        ("events?match=certain&stance=asserted", "decade"),
        ("records?kind=policy", "decade"),
    ],
)
async def test_a_facet_is_counted_under_all_filters_but_its_own(client, given, name):
    found = await facet(client, f"/v1/{given}", name)
    assert found["values"]
    for value in found["values"]:
        body = (await client.get(f"{value['url']}&total=true")).json()
        own = "from" if name == "decade" else name
        assert (body["total"], value["url"].count(f"{own}=")) == (value["count"], 1)


async def test_a_facet_of_a_page_further_on_begins_anew(client):
    following = (await client.get("/v1/events?limit=2&facets=type&stance=asserted")).json()["next"]
    body = (await client.get(following)).json()
    assert body["facets"] == (await client.get("/v1/events?limit=2&facets=type&stance=asserted")).json()["facets"]
    assert "cursor" not in body["facets"]["type"]["values"][0]["url"]


async def test_facets_are_exact(client):
    found = await facet(client, "/v1/relations?predicate=caused", "causality")
    assert {value["value"]: value["count"] for value in found["values"]} == {"explicit": 7, "implied": 7}
    found = await facet(client, "/v1/events?from=1966&to=1966", "decade")
    counts = {(value["value"], value["label"]): value["count"] for value in found["values"]}
    assert counts == {("195X", "1950s"): 4, ("196X", "1960s"): 8}
    found = await facet(client, "/v1/people", "name_known")
    assert [(v["value"], v["label"], v["count"]) for v in found["values"]] == [(True, "yes", 5), (False, "no", 1)]
