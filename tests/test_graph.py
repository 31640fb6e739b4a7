"""The records as a network: what surrounds one, what leads from one to another, and where a bound cuts it."""

import json
from typing import Any

import httpx
import pytest
import yaml
from asgi_lifespan import LifespanManager
from sqlalchemy import create_engine, make_url, text

from app.answers.graph import _cut, cited
from app.curation import cite
from app.encoding import dump
from app.load import load
from app.main import create_app
from app.settings import Settings

pytestmark = pytest.mark.anyio


async def got(client, target, **query):
    response = await client.get(f"/v1/{target}", params=query or None)
    assert response.status_code == 200, response.text
    return response.json()


async def path(client, start, end, **query):
    return await got(client, "paths", **{"from": start, "to": end}, **query)


def ids(body, part="nodes"):
    return [each["id"] for each in body[part]]


def routes(body):
    """Each path as its links' ids."""
    return [[step["link"] for step in each["steps"]] for each in body["paths"]]


# The seed pack.


async def test_a_record_is_surrounded_by_its_relations_with_their_citations(client):
    body = await got(client, "records/great-leap-failures/neighbors")
    assert body["root"] == "great-leap-failures"
    assert body["truncated"] is None
    assert [(node["id"], node["depth"]) for node in body["nodes"]] == [
        ("great-leap-failures", 0), ("great-leap-end", 1), ("great-leap-forward-campaign", 1), ("pressure-on-mao", 1),
    ]  # fmt: skip
    assert ids(body, "links") == [
        "great-leap-failures.caused.pressure-on-mao",
        "great-leap-failures.part_of.great-leap-forward-campaign",
        "great-leap-failures.preceded.great-leap-end",
    ]
    cause = body["links"][0]
    assert [place["fragment"] for place in cause.pop("citations")] == [
        "failures were too great to ignore",
        "And Mao faced a surge",
    ]
    assert cause == {
        "id": "great-leap-failures.caused.pressure-on-mao", "source": "great-leap-failures",
        "target": "pressure-on-mao", "predicate": "caused", "label": "caused", "inverse_label": "was caused by",
        "causality": "implied", "role": None, "note": None, "date": None, "stance": "asserted", "attributed_to": None,
        "polarity": "positive", "citation_count": 2,
        "url": "/v1/relations/great-leap-failures.caused.pressure-on-mao",
    }  # fmt: skip
    assert body["nodes"][0]["date"] == {
        "text": "by 1961",
        "edtf": "[..1961]",
        "bounds": {"earliest_start": None, "latest_start": "1961-12-31", "earliest_end": None, "latest_end": None},
        "days": {"earliest_start": None, "latest_start": 2437665, "earliest_end": None, "latest_end": None},
    }  # fmt: skip


async def test_links_say_the_same_as_the_relations_and_nodes_as_the_records(client):
    body = await got(client, "records/mao-zedong/neighbors", depth=3, limit=500)
    assert len(body["links"]) > 150
    relations: dict[str, dict[str, Any]] = {}
    target = "relations?limit=200"
    while target:
        page = (await client.get(target if target.startswith("http") else f"/v1/{target}")).json()
        relations |= {relation["id"]: relation for relation in page["items"]}
        target = page["next"]
    for link in body["links"]:
        relation = relations[link["id"]]
        assert (link["source"], link["target"]) == (relation["subject"]["id"], relation["object"]["id"])
        assert link["url"] == relation["links"]["self"]
        same = link.keys() - {"source", "target", "citations", "url"}
        assert {key: link[key] for key in same} == {key: relation[key] for key in same}
        assert len(link["citations"]) == link["citation_count"]
    for node in body["nodes"]:
        record = (await client.get(node["url"])).json()
        date = node.pop("date")
        assert {key: node[key] for key in ("id", "kind", "name", "stance", "attributed_to", "polarity")} == {
            key: record[key] for key in ("id", "kind", "name", "stance", "attributed_to", "polarity")
        }
        told = record.get("date")
        assert date == (told and {key: told[key] for key in ("text", "edtf", "bounds", "days")})
    for link in body["links"][:5]:
        for place in link["citations"]:
            citation = (await client.get(place["url"])).json()
            assert citation["target"]["id"] == link["id"]
            assert (place["id"], place["source"], place["fragment"]) == (
                citation["id"], citation["source"]["id"], citation["fragment"],
            )  # fmt: skip


async def test_each_record_around_is_as_near_as_its_links_say(client):
    body = await got(client, "records/stalin/neighbors", depth=4, limit=500)
    depth = {node["id"]: node["depth"] for node in body["nodes"]}
    assert max(depth.values()) == 4
    near = dict.fromkeys(depth, 99)
    for link in body["links"]:
        ends = link["source"], link["target"]
        assert abs(depth[ends[0]] - depth[ends[1]]) <= 1
        assert min(depth[end] for end in ends) < 4
        for end, other in (ends, ends[::-1]):
            near[end] = min(near[end], depth[other] + 1)
    assert all(near[name] == depth[name] for name in depth if depth[name])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"causality": "explicit"}, ["pressure-on-mao", "party-split"]),
        ({"causality": "implied"}, ["pressure-on-mao", "great-leap-failures"]),
        ({"causality": "implied", "direction": "out"}, ["pressure-on-mao"]),
        ({"causality": ["implied", "explicit"]}, ["pressure-on-mao", "great-leap-failures", "party-split"]),
        ({"predicate": "caused", "direction": "in"}, ["pressure-on-mao", "great-leap-failures"]),
        ({"predicate": "affected", "causality": "explicit"}, ["pressure-on-mao"]),
        ({"predicate": ["affected", "participated_in"]}, ["pressure-on-mao", "chinese-communist-party", "mao-zedong"]),
        ({"kind": "person"}, ["pressure-on-mao", "mao-zedong"]),
        ({"stance": "goal"}, ["pressure-on-mao"]),
    ],
)
async def test_filters_choose_relations_and_records(client, query, found):
    assert ids(await got(client, "records/pressure-on-mao/neighbors", **query)) == found


async def test_what_is_denied_is_shown_as_denied_and_can_be_asked_for(client):
    body = await got(client, "records/threat-to-mao-authority/neighbors")
    assert body["nodes"][0]["polarity"] == "negative"
    assert [(link["id"], link["polarity"]) for link in body["links"]] == [
        ("threat-to-mao-authority.affected.mao-zedong", "negative")
    ]
    assert ids(await got(client, "records/threat-to-mao-authority/neighbors", polarity="positive"), "links") == []
    body = await got(client, "records/mao-zedong/neighbors", polarity="negative", depth=4)
    assert ids(body) == ["mao-zedong", "threat-to-mao-authority"]


async def test_a_chain_of_causes_is_as_strong_as_its_weakest_link(client):
    body = await path(client, "great-leap-failures", "party-split")
    [found] = body["paths"]
    assert found == {
        "length": 2,
        "direction": "forward",
        "strength": "implied",
        "weakest": "great-leap-failures.caused.pressure-on-mao",
        "stances": [
            {"type": "record", "id": "great-leap-failures", "stance": "evaluative", "polarity": "positive",
             "attributed_to": None},
        ],
        "steps": [
            {"from": "great-leap-failures", "label": "caused", "to": "pressure-on-mao",
             "link": "great-leap-failures.caused.pressure-on-mao", "direction": "forward", "strength": "implied"},
            {"from": "pressure-on-mao", "label": "caused", "to": "party-split",
             "link": "pressure-on-mao.caused.party-split", "direction": "forward", "strength": "explicit"},
        ],
    }  # fmt: skip
    assert (body["from"], body["to"], body["reason"], body["truncated"]) == (
        "great-leap-failures", "party-split", None, None,
    )  # fmt: skip
    assert [(node["id"], node["depth"]) for node in body["nodes"]] == [
        ("great-leap-failures", 0), ("pressure-on-mao", 1), ("party-split", 2),
    ]  # fmt: skip
    assert ids(body, "links") == [step["link"] for step in found["steps"]]


async def test_nothing_implied_is_served_where_stated_causes_are_asked_for(client):
    body = await path(client, "great-leap-failures", "party-split", causality="explicit")
    assert (body["paths"], body["nodes"], body["links"], body["truncated"]) == ([], [], [], None)
    assert body["reason"] == "No path leads there, however long: all that such links reach was looked at."
    [found] = (await path(client, "pressure-on-mao", "party-split", causality="explicit"))["paths"]
    assert (found["strength"], found["length"], found["weakest"]) == (
        "explicit", 1, "pressure-on-mao.caused.party-split",
    )  # fmt: skip


async def test_a_path_is_read_the_way_it_runs(client):
    body = await path(client, "great-leap-forward", "mao-zedong")
    assert [
        (step["from"], step["label"], step["to"], step["direction"], step["strength"])
        for found in body["paths"]
        for step in found["steps"]
    ] == [
        ("great-leap-forward", "was announced by", "mao-zedong", "backward", "association"),
        ("great-leap-forward", "was judged by", "mao-zedong", "backward", "association"),
    ]
    assert [found["stances"] for found in body["paths"]] == [
        [],
        [{"type": "relation", "id": "mao-zedong.judged.great-leap-forward", "stance": "attributed",
          "polarity": "positive", "attributed_to": {"id": "mao-zedong", "kind": "person", "name": "Mao Zedong",
                                                    "url": "/v1/people/mao-zedong"}}],
    ]  # fmt: skip
    assert {(found["strength"], found["direction"]) for found in body["paths"]} == {("association", "backward")}
    assert (await path(client, "great-leap-forward", "mao-zedong", stance="asserted", direction="forward"))[
        "paths"
    ] == []


async def test_of_equally_strong_paths_the_plainly_asserted_come_first(client):
    body = await path(client, "stalin", "deng-xiaoping", limit=10)
    doubts = [sum(each["type"] == "relation" for each in found["stances"]) for found in body["paths"]]
    assert doubts == sorted(doubts)
    assert body["paths"][0]["steps"][-1]["link"] == "mao-zedong.punished.deng-xiaoping"
    assert body["paths"][-1]["steps"][-1]["link"] == "mao-zedong.described.deng-xiaoping"


async def test_a_cause_reached_from_its_effect_says_so(client):
    [found] = (await path(client, "party-split", "great-leap-failures", predicate="caused"))["paths"]
    assert (found["direction"], found["strength"]) == ("backward", "implied")
    assert found["weakest"] == "great-leap-failures.caused.pressure-on-mao"
    assert [step["label"] for step in found["steps"]] == ["was caused by", "was caused by"]
    body = await path(client, "party-split", "great-leap-failures", predicate="caused", direction="forward")
    assert body["paths"] == []


async def test_a_denied_link_leads_nowhere(client):
    body = await path(client, "threat-to-mao-authority", "mao-zedong", max_depth=6)
    assert body["paths"] == []


@pytest.mark.parametrize(
    ("query", "parameter", "nearest"),
    [
        ({"from": "mao-zedon", "to": "china"}, "from", "mao-zedong"),
        ({"from": "mao-zedong", "to": "chin"}, "to", "china"),
        ({"from": "china", "to": "china"}, "to", None),
        ({"from": "china"}, "to", None),
        ({"from": "mao-zedong", "to": "china", "max_depth": 7}, "max_depth", None),
        ({"from": "mao-zedong", "to": "china", "causality": "explict"}, "causality", "explicit"),
        ({"from": "mao-zedong", "to": "china", "direction": "out"}, "direction", None),
    ],
)
async def test_a_wrong_question_is_told_so(client, query, parameter, nearest):
    response = await client.get("/v1/paths", params=query)
    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert (error["parameter"], error["nearest"]) == (parameter, nearest)


async def test_both_unknown_ends_are_named_at_once(client):
    response = await client.get("/v1/paths?from=mao-zedon&to=chin")
    assert [error["parameter"] for error in response.json()["errors"]] == ["from", "to"]


def test_no_text_passes_for_a_key():
    document = dump({"name": 'a,"date":1,', "date": {"text": "2"}, "label": "b"})
    assert _cut(document, "date", "label") == ['{"name":"a,\\"date\\":1,"', '{"text":"2"}', '"b"}']


def test_a_link_has_the_first_of_its_citations():
    places = [{"id": f"a.b.{n}", "source": {"id": "b", "name": "B"}, "fragment": "“x”"} for n in range(12)]
    found = cited(places)
    assert found.startswith('[{"id":"a.b.0","source":"b","fragment":"“x”","url":"/v1/citations/a.b.0"},{"id":"a.b.1",')
    assert [each["id"] for each in json.loads(found)] == [f"a.b.{n}" for n in range(10)]


async def test_an_unknown_record_has_no_neighbors(client):
    response = await client.get("/v1/records/mao-zedon/neighbors")
    assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")
    assert "Did you mean 'mao-zedong'?" in response.json()["detail"]


@pytest.mark.parametrize("target", ["records/mao-zedong/neighbors?depth=2", "paths?from=stalin&to=liu-shaoqi"])
async def test_cytoscape_gets_the_same_as_elements(client, target):
    plain = await got(client, target)
    answer = await client.get(f"/v1/{target}&format=cytoscape")
    assert answer.headers["content-type"] == "application/vnd.fasti.cytoscape+json"
    accepted = await client.get(f"/v1/{target}", headers={"accept": "application/vnd.fasti.cytoscape+json"})
    assert accepted.content == answer.content
    assert answer.json() == {
        "data": {key: value for key, value in plain.items() if key not in ("nodes", "links")},
        "elements": {
            "nodes": [{"data": node} for node in plain["nodes"]],
            "edges": [{"data": link} for link in plain["links"]],
        },
    }
    assert len(plain["nodes"]) > 2


# Networks made for what the article does not have.

WIDTH = 11


def edge(subject, predicate, object_, **more):
    return {"subject": subject, "predicate": predicate, "object": object_, "cite": ["leads on"], **more}


def cause(subject, object_, causality="explicit", **more):
    return edge(subject, "caused", object_, causality=causality, **more)


RELATIONS = [
    # A star, a pair with more links than an answer has, and one with more than are read.
    *(edge(f"ray-{n:04}", "located_in", "star") for n in range(900)),
    *(edge("ant", "described", "bee", id=f"ant.described.bee.{n:04}") for n in range(600)),
    *(edge("bee", "described", "ant", id=f"bee.described.ant.{n:04}") for n in range(500)),
    edge("bee", "described", "cow"),
    *(edge("sun", "described", "moon", id=f"sun.described.moon.{n:04}") for n in range(1100)),
    edge("moon", "described", "dog"), edge("earth", "part_of", "sun"), edge("sun", "part_of", "sky"),
    # Three diamonds in a row, each with as many ways through it; in the last only one of them is stated throughout.
    *(cause(f"d{i}", f"d{i}-{n:02}") for i in range(3) for n in range(WIDTH)),
    *(
        cause(f"d{i}-{n:02}", f"d{i + 1}", "explicit" if i < 2 or n == 7 else "implied")
        for i in range(3)
        for n in range(WIDTH)
    ),
    # A circle with a loop.
    cause("c1", "c2"), cause("c2", "c3"), cause("c3", "c1"), edge("c1", "compared_with", "c1"),
    # A chain, and a second cause of its end.
    edge("p1", "preceded", "p2"), cause("p2", "p3"), cause("p3", "p4", "implied"), cause("p5", "p4"),
    cause("p5", "p6"), cause("p7", "p6"),
    # What is denied, as a link and as a record in between.
    cause("n1", "n2", polarity="negative"), cause("n1", "denied"), cause("denied", "n3"),
]  # fmt: skip


def _network(folder):
    folder.mkdir(parents=True)
    folder.joinpath("source.txt").write_text("One thing leads on to another.", "utf-8")
    shared = {"summary": "Made up.", "type": "thing", "cite": ["leads on"]}
    names = dict.fromkeys(end for relation in RELATIONS for end in (relation["subject"], relation["object"]))
    source = {"id": "text", "name": "Text", "licence": "CC0-1.0", **shared}
    pack = {"id": "net", "title": "A network", "description": "Made up.", "licence": "CC0-1.0", "citation": "None."}
    places = [{"id": name, "name": name, **shared} for name in names if name != "denied"]
    denied = [{"id": "denied", "name": "denied", "polarity": "negative", **shared}]
    body = {"pack": pack, "sources": [source], "places": places, "events": denied, "relations": RELATIONS}
    folder.joinpath("pack.yaml").write_text(yaml.dump(body, Dumper=yaml.CSafeDumper), "utf-8")
    cite(folder)


@pytest.fixture(scope="module")
async def net(settings, tmp_path_factory):
    """A client over a database of its own with the networks above."""
    place = tmp_path_factory.mktemp("net")
    _network(place / "seed" / "net")
    url = make_url(f"sqlite:///{place / 'fasti.db'}")
    if settings.database_url.startswith("postgresql"):
        url = make_url(settings.database_url)
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE net"))
        engine.dispose()
        url = url.set(database="net")
    own = Settings(
        database_url=url.render_as_string(hide_password=False), seed_dir=place / "seed", source_dir=None,
        refresh_seconds=3600,
    )  # fmt: skip
    load(own)
    async with LifespanManager(create_app(own)) as manager:
        transport = httpx.ASGITransport(manager.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
            yield client


async def test_a_star_is_cut_at_the_limit_and_says_so(net):
    body = await got(net, "records/star/neighbors")
    assert ids(body) == ["star", *(f"ray-{n:04}" for n in range(100))]
    assert ids(body, "links") == [f"ray-{n:04}.located_in.star" for n in range(100)]
    assert body["truncated"] == "800 records within reach left out: `limit` is 100."
    body = await got(net, "records/ray-0834/neighbors", depth=2, limit=500)
    assert len(body["nodes"]) == len(body["links"]) + 1 == 501
    assert body["truncated"] == "400 records within reach left out: `limit` is 500."
    body = await got(net, "records/ray-0834/neighbors", limit=1)
    assert (ids(body), body["truncated"]) == (["ray-0834", "star"], None)


async def test_what_is_behind_a_record_left_out_is_not_counted_and_that_is_said(net):
    body = await got(net, "records/d1/neighbors", depth=3, limit=5)
    assert len(body["nodes"]) == 6
    assert body["truncated"] == "At least 18 records within reach left out: `limit` is 5."


async def test_links_are_bounded_too(net):
    body = await got(net, "records/ant/neighbors")
    assert ids(body, "links") == [
        *(f"ant.described.bee.{n:04}" for n in range(600)),
        *(f"bee.described.ant.{n:04}" for n in range(400)),
    ]
    assert (ids(body), body["truncated"]) == (["ant", "bee"], "100 links left out: an answer has at most 1,000.")
    body = await got(net, "records/ant/neighbors", depth=2)
    assert ids(body) == ["ant", "bee"]
    assert body["truncated"] == "At least 101 links left out: an answer has at most 1,000."


async def test_no_more_than_a_bounded_number_of_relations_is_read(net):
    body = await got(net, "records/sun/neighbors", stance="goal")
    assert (ids(body), ids(body, "links")) == (["sun"], [])
    assert body["truncated"] == (
        "Some relations not looked at, since of one level 1,000 are read each way: `predicate` narrows them."
    )
    assert (await got(net, "records/sun/neighbors", causality="explicit"))["truncated"] is None
    body = await got(net, "records/moon/neighbors")
    assert ids(body, "links") == [
        "moon.described.dog",
        *(f"sun.described.moon.{n:04}" for n in range(999)),
    ]
    assert body["truncated"] == (
        "At least 1 link left out: an answer has at most 1,000; some relations not looked at, since of one level "
        "1,000 are read each way: `predicate` narrows them."
    )


async def test_a_search_that_could_not_see_everything_says_so(net):
    body = await path(net, "sun", "star")
    assert (body["paths"], body["reason"]) == ([], "None was found, but not every relation was looked at.")
    assert body["truncated"] == (
        "Some relations not looked at, since of one level 1,000 are read each way: `predicate` narrows them; other "
        "paths, and shorter ones, may be missing."
    )
    body = await path(net, "earth", "moon")
    assert (len(body["paths"]), body["paths"][0]["length"]) == (3, 2)
    assert body["truncated"].startswith("1,000 paths are equally short: `limit` is 3; some relations not looked at")


async def test_a_crowded_record_between_the_ends_need_not_be_read(net):
    body = await path(net, "earth", "sky")
    assert routes(body) == [["earth.part_of.sun", "sun.part_of.sky"]]
    assert body["truncated"] is None


async def test_ways_that_part_and_meet_again_are_counted_and_not_walked(net):
    body = await path(net, "d0", "d2", limit=10)
    assert routes(body)[:2] == [
        ["d0.caused.d0-00", "d0-00.caused.d1", "d1.caused.d1-00", "d1-00.caused.d2"],
        ["d0.caused.d0-00", "d0-00.caused.d1", "d1.caused.d1-01", "d1-01.caused.d2"],
    ]
    assert len(body["paths"]) == 10
    assert body["truncated"] == "121 paths are equally short: `limit` is 10."
    assert {found["strength"] for found in body["paths"]} == {"explicit"}
    body = await path(net, "d0", "d3", max_depth=6)
    assert body["truncated"] == (
        "1,331 paths are equally short: `limit` is 3; the strongest were sought among 1,000 of them."
    )
    assert len(set(map(tuple, routes(body)))) == 3


async def test_the_strongest_of_equally_short_paths_comes_first(net):
    body = await path(net, "d2", "d3")
    assert [(found["strength"], found["steps"][1]["link"]) for found in body["paths"]] == [
        ("explicit", "d2-07.caused.d3"), ("implied", "d2-00.caused.d3"), ("implied", "d2-01.caused.d3"),
    ]  # fmt: skip
    assert len((await path(net, "d2", "d3", causality="explicit"))["paths"]) == 1
    assert len((await path(net, "d2", "d3", limit=10))["paths"]) == 10


async def test_a_circle_ends(net):
    body = await got(net, "records/c1/neighbors", depth=4)
    assert ids(body) == ["c1", "c2", "c3"]
    assert ids(body, "links") == ["c1.caused.c2", "c1.compared_with.c1", "c2.caused.c3", "c3.caused.c1"]
    outwards = (await got(net, "records/c1/neighbors", depth=4, direction="out"))["nodes"]
    assert [(node["id"], node["depth"]) for node in outwards] == [("c1", 0), ("c2", 1), ("c3", 2)]
    assert routes(await path(net, "c1", "c3")) == [["c3.caused.c1"]]
    assert routes(await path(net, "c1", "c3", direction="forward")) == [["c1.caused.c2", "c2.caused.c3"]]
    assert "however long" in (await path(net, "c1", "n3"))["reason"]


@pytest.mark.parametrize(
    ("start", "end", "direction", "strength", "weakest"),
    [
        ("p1", "p3", "forward", "sequence", "p1.preceded.p2"),
        ("p1", "p4", "forward", "sequence", "p1.preceded.p2"),
        ("p2", "p4", "forward", "implied", "p3.caused.p4"),
        ("p4", "p2", "backward", "implied", "p3.caused.p4"),
        ("p2", "p3", "forward", "explicit", "p2.caused.p3"),
        ("p3", "p5", "mixed", "association", "p3.caused.p4"),
        ("p7", "p5", "mixed", "association", "p7.caused.p6"),
        ("earth", "sky", "forward", "association", "earth.part_of.sun"),
    ],
)
async def test_strength_is_that_of_the_weakest_link_and_causes_run_one_way(
    net, start, end, direction, strength, weakest
):
    [found] = (await path(net, start, end))["paths"]
    assert (found["direction"], found["strength"], found["weakest"]) == (direction, strength, weakest)


async def test_what_is_denied_is_never_chained(net):
    body = await path(net, "n1", "n2")
    assert (body["paths"], "however long" in body["reason"]) == ([], True)
    assert (await path(net, "n1", "n3"))["paths"] == []
    for start, end in (("n1", "denied"), ("denied", "n3"), ("n3", "denied")):
        [found] = (await path(net, start, end))["paths"]
        assert [(each["id"], each["polarity"]) for each in found["stances"]] == [("denied", "negative")]


async def test_a_path_is_no_longer_than_asked_for(net):
    body = await path(net, "p1", "p7", max_depth=5)
    assert (body["paths"], body["truncated"]) == ([], None)
    assert body["reason"] == "No path of at most 5 such links leads there; `max_depth` may be up to 6."
    [found] = (await path(net, "p1", "p7", max_depth=6))["paths"]
    assert [step["to"] for step in found["steps"]] == ["p2", "p3", "p4", "p5", "p6", "p7"]
    assert found["length"] == 6


def distances(start):
    """How far records are from one, by a plain search over the relations themselves."""
    around: dict[str, set[str]] = {}
    for each in RELATIONS:
        if each.get("polarity") != "negative":
            around.setdefault(each["subject"], set()).add(each["object"])
            around.setdefault(each["object"], set()).add(each["subject"])
    found, level = {start: 0}, [start]
    while level:
        onward = {other for name in level if name == start or name != "denied" for other in around[name]}
        level = sorted(onward - found.keys())
        found |= dict.fromkeys(level, max(found.values()) + 1)
    return found


@pytest.mark.parametrize("start", ["d0", "d0-03", "d1", "c1", "p1", "p4", "n1", "denied"])
async def test_every_path_is_a_shortest_one(net, start):
    far = distances(start)
    for end in ("d1-04", "d2", "d3", "c2", "p3", "p7", "n3", "denied"):
        if end != start:
            body = await path(net, start, end, max_depth=6)
            assert {found["length"] for found in body["paths"]} == ({far[end]} if end in far else set()), end
            for found in body["paths"]:
                steps = found["steps"]
                assert [steps[0]["from"], *(s["to"] for s in steps)] == [*(s["from"] for s in steps), end]
                assert steps[0]["from"] == start
