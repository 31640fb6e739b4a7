"""What the data says of its own quality is what its lists hold."""

import pytest

pytestmark = pytest.mark.anyio


def tallies(body):
    """Every count in the answer that comes with the list it counts."""
    if isinstance(body, dict):
        if {"count", "url"} <= body.keys():
            yield body
        body = list(body.values())
    for each in body if isinstance(body, list) else []:
        yield from tallies(each)


async def test_each_count_is_what_its_url_answers(client):
    body = (await client.get("/v1/quality")).json()
    found = list(tallies(body))
    assert len(found) == 10
    for each in found:
        answer = await client.get(each["url"] + "&total=true")
        assert answer.json()["total"] == each["count"], each
    assert [each["count"] for each in body["undated"]] == [33, 19, 5, 3]
    assert body["uncited"] == {"records": 0, "relations": 0}


async def test_coverage_of_a_text_that_is_not_held(client):
    [source] = (await client.get("/v1/quality")).json()["sources"]
    assert (source["cited_sentences"], source["sentences"], source["text_available"]) == (53, 53, False)
    assert source["verified"]["count"] == 0
    assert source["unverified"]["count"] > 300


async def test_a_held_text_is_verified_and_conflicts_are_named(ides):
    body = (await ides.get("/v1/quality")).json()
    assert (body["sources"][0]["unverified"]["count"], body["sources"][0]["text_available"]) == (0, True)
    [conflict] = body["conflicts"]
    assert (conflict["agreement"], conflict["members"]) == ("disjoint", ["ships-high", "ships-low"])
    assert (await ides.get(conflict["url"])).json()["groups"][0]["agreement"] == "disjoint"
