"""The questions that the API is for, each answered by one request, on both databases."""

import json
import re
from collections import Counter

import pytest

from app.settings import ROOT

pytestmark = pytest.mark.anyio
LISTS = ["events", "people", "policies", "estimates", "organizations", "places", "quotes", "sources", "records",
         "relations", "citations", "passages"]  # fmt: skip


async def ids(client, target):
    response = await client.get(target)
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()["items"]]


@pytest.mark.parametrize(
    ("question", "holds", "lacks"),
    [
        ("/v1/events?from=1960&to=1960", "great-leap-forward-campaign", "purge-of-regional-authorities"),
        ("/v1/events?from=1950&to=1950&match=possible", "purge-of-regional-authorities", "great-leap-forward-campaign"),
        ("/v1/events?from=1957&to=1962&match=certain", "great-leap-forward-campaign", "purge-of-regional-authorities"),
        ("/v1/policies?from=1957&match=certain", "cultural-revolution", "stalin-collectivization-industrialization"),
        ("/v1/events?to=1965&match=certain", "purge-of-regional-authorities", "june-1966-editorial"),
        ("/v1/events?from=1957&to=1961&match=certain", "great-leap-forward-announcement",
         "great-leap-forward-campaign"),
        ("/v1/events?dated=false&limit=200", "great-leap-famine", "great-leap-forward-campaign"),
        ("/v1/events?person=liu-shaoqi&limit=200", "purge-of-regional-authorities", "great-leap-famine"),
        ("/v1/events?person=mao-zedong&predicate=participated_in&limit=200", "great-leap-forward-announcement",
         "purge-of-regional-authorities"),
        ("/v1/policies?initiator=mao-zedong&limit=200", "great-leap-forward", "de-stalinization"),
        ("/v1/estimates?measure=deaths&attributed_to=scholars", "chinese-famine-deaths", "soviet-famine-deaths"),
        ("/v1/estimates?min=10000000", "chinese-famine-deaths", "soviet-famine-deaths"),
        ("/v1/estimates?max=7000000&min=1&amount_match=certain", "soviet-famine-deaths", "chinese-famine-deaths"),
        ("/v1/estimates?subject=great-leap-famine", "one-of-the-deadliest-famines", "soviet-famine-deaths"),
        ("/v1/quotes?speaker=chinese-leadership", "quote-opportunist-and-revisionist", "quote-class-struggle"),
        ("/v1/quotes?about=liu-shaoqi", "quote-chinese-khrushchevs", "quote-class-struggle"),
        ("/v1/relations?predicate=held_office&from=1958&to=1958&match=possible", "mao-zedong.held_office.chinese-state",
         "liu-shaoqi.held_office.chinese-state"),
        ("/v1/relations?record=liu-shaoqi&limit=200", "liu-shaoqi.succeeded.mao-zedong",
         "mao-zedong.announced.great-leap-forward"),
        ("/v1/records?id=china,mao-zedong", "china", "liu-shaoqi"),
        ("/v1/records?section=no-lessons-learned&limit=200", "soviet-famine-deaths", "quote-class-struggle"),
        ("/v1/records?predicate=held_office&kind=person", "mao-zedong", "deng-xiaoping"),
        ("/v1/passages?record=quote-class-struggle", "hartnett-great-leap-forward-p17",
         "hartnett-great-leap-forward-p2"),
    ],
)  # fmt: skip
async def test_one_request_answers_the_question(client, question, holds, lacks):
    found = await ids(client, question)
    assert holds in found
    assert lacks not in found


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("limit", [1, 7])
async def test_walking_the_pages_gives_each_item_once_in_order(client, name, limit):
    sorts = (
        ["start", "-start", "-id"]
        if name not in ("people", "organizations", "places", "sources")
        else ["name", "-name"]
    )
    for sort in sorts:
        whole, target = [], f"/v1/{name}?sort={sort}&limit=200"
        while target:
            body = (await client.get(target)).json()
            whole += [item["id"] for item in body["items"]]
            target = body["next"]
        if len(whole) > 120 and limit == 1:
            continue
        walked, target = [], f"/v1/{name}?sort={sort}&limit={limit}&total=true"
        while target:
            response = await client.get(target)
            body = response.json()
            walked += [item["id"] for item in body["items"]]
            target = body["next"]
            assert response.links.get("next", {}).get("url") == target
            assert body["total"] == len(whole)
        assert walked == whole
        assert len(set(walked)) == len(walked)


@pytest.mark.parametrize(
    ("name", "other"),
    [("events?", f"events?{change}&") for change in ("stance=asserted", "sort=-start", "from=1957", "predicate=caused",
                                                    "dated=true", "match=possible")]
    + [("estimates?", f"estimates?{change}&") for change in ("min=1", "amount_match=certain")]
    + [("events?", "policies?")],
)  # fmt: skip
async def test_a_cursor_of_another_list_is_refused(client, name, other):
    following = (await client.get(f"/v1/{name}limit=3")).json()["next"]
    response = await client.get(following.replace(name, other))
    assert (response.status_code, response.json()["errors"][0]["parameter"]) == (422, "cursor")


async def test_an_altered_cursor_is_refused(client):
    following = (await client.get("/v1/events?limit=3")).json()["next"]
    head, _, cursor = following.rpartition("cursor=")
    for place in range(len(cursor)):
        other = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        response = await client.get(f"{head}cursor={other}")
        if response.status_code == 200:
            # The last character's spare bits say nothing.
            assert place == len(cursor) - 1
            assert response.json()["items"] == (await client.get(following)).json()["items"]
        else:
            assert response.status_code == 422


async def test_include_adds_what_is_related_in_one_request(client):
    body = (await client.get("/v1/people/mao-zedong?include=records,relations,citations")).json()
    included = body.pop("included")
    assert body == (await client.get("/v1/people/mao-zedong")).json()
    assert len(included["relations"]) == body["relation_count"]
    assert len(included["citations"]) == body["citation_count"] + sum(
        r["citation_count"] for r in included["relations"]
    )
    own = (await client.get("/v1/people/mao-zedong?include=citations")).json()["included"]["citations"]
    assert len(own) == body["citation_count"]
    assert {r["id"] for r in included["records"]} == {
        end["id"] for r in included["relations"] for end in (r["subject"], r["object"]) if end["id"] != "mao-zedong"
    }
    assert included["truncated"] == []


async def test_include_on_relations_citations_and_passages(client):
    body = (await client.get("/v1/relations?predicate=held_office&include=records,citations")).json()
    assert {r["id"] for r in body["included"]["records"]} == {
        end["id"] for r in body["items"] for end in (r["subject"], r["object"])
    }
    assert len(body["included"]["citations"]) == sum(r["citation_count"] for r in body["items"])
    body = (
        await client.get("/v1/citations?relation=mao-zedong.announced.great-leap-forward&include=relations,records")
    ).json()
    assert [r["id"] for r in body["included"]["relations"]] == ["mao-zedong.announced.great-leap-forward"]
    assert body["included"]["records"] == []
    body = (await client.get("/v1/passages/hartnett-great-leap-forward-p2?include=citations")).json()
    assert {c["id"] for c in body["included"]["citations"]} == {a["citation"] for a in body["anchors"]}


@pytest.mark.parametrize(
    "pair", ["predicate=caused", "kind=event", "stance=goal", "causality=implied", "form=reported"]
)
async def test_commas_mean_the_same_as_giving_a_parameter_again(client, pair):
    other = {"predicate": "opposed", "kind": "place", "stance": "depicted", "causality": "explicit", "form": "direct"}
    name = pair.partition("=")[0]
    path = {"kind": "records", "stance": "records", "form": "quotes"}.get(name, "relations")
    one = await ids(client, f"/v1/{path}?{pair},{other[name]}&limit=200")
    assert one == await ids(client, f"/v1/{path}?{pair}&{name}={other[name]}&limit=200")
    assert len(one) > len(await ids(client, f"/v1/{path}?{pair}&limit=200")) > 0


async def test_what_is_too_much_to_include_is_cut_and_said(client, monkeypatch):
    whole = (await client.get("/v1/people/mao-zedong?include=records,relations,citations")).json()["included"]
    for name in ("records", "relations", "citations"):
        assert [each["id"] for each in whole[name]] == sorted(each["id"] for each in whole[name])
    enough = len(whole["records"])
    monkeypatch.setattr("app.queries.INCLUDE_LIMIT", enough)
    cut = (await client.get("/v1/people/mao-zedong?include=relations,records")).json()["included"]
    relations = whole["relations"][:enough]
    assert cut == {"records": whole["records"], "relations": relations, "truncated": ["relations"]}


async def test_fields_only_drop_keys(client):
    whole = (await client.get("/v1/events")).json()
    part = (await client.get("/v1/events?fields=name,id")).json()
    assert part["items"] == [{"id": item["id"], "name": item["name"]} for item in whole["items"]]


async def test_no_words_of_the_source_are_served_without_its_text(client):
    body = (await client.get("/v1/passages?limit=200")).json()
    assert {(p["text_available"], p["text"]) for p in body["items"]} == {(False, None)}
    body = (await client.get("/v1/citations?status=verified")).json()
    assert body["items"] == []


async def test_the_overview_counts_what_is_there(client):
    body = (await client.get("/v1")).json()
    for name, count in body["counts"].items():
        assert (await client.get(f"/v1/{name}?limit=1&total=true")).json()["total"] == count
        assert count > 0
    assert body["knowledge_bases"][0]["licence"] == "CC-BY-4.0"


@pytest.mark.parametrize("name", ["records", "relations"])
async def test_a_citation_count_is_the_number_of_citations(client, name):
    cited: Counter[str] = Counter()
    found: dict[str, int] = {}
    target = "/v1/citations?limit=200"
    while target:
        body = (await client.get(target)).json()
        cited.update(citation["target"]["id"] for citation in body["items"])
        target = body["next"]
    target = f"/v1/{name}?limit=200"
    while target:
        body = (await client.get(target)).json()
        found |= {item["id"]: item["citation_count"] for item in body["items"]}
        target = body["next"]
    assert found == {each: cited[each] for each in found}


async def test_links_lead_where_they_say(client):
    for kind in LISTS[:9]:
        item = (await client.get(f"/v1/{kind}?limit=1")).json()["items"][0]
        for link in item["links"].values():
            assert (await client.get(link)).status_code == 200
        relations = (await client.get(item["links"]["relations"] + "&total=true")).json()["total"]
        assert relations == item["relation_count"]


async def test_the_readme_shows_the_real_answer(client):
    readme = (ROOT / "README.md").read_text("utf-8")
    [(target, answer)] = re.findall(r"curl 'http://127.0.0.1:8000(\S+)'\n    (\{.*\})\n", readme)
    assert (await client.get(target)).json() | {"revision": ""} == json.loads(answer) | {"revision": ""}
    table = readme[readme.index("| question |") :].partition("\n\n")[0]
    requests = re.findall("`(/[^`]+)`", table)
    assert len(requests) == 14
    for each in requests:
        assert (await client.get(f"/v1{each}")).status_code == 200, each
