"""Search and suggestions: what is found, in which order and why, the same on both databases."""

import json
import re
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from asgi_lifespan import LifespanManager
from hypothesis import example, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from sqlalchemy import create_engine, make_url, select, text

from app import index
from app.analysis import (
    SNIPPET,
    Part,
    cut,
    fold,
    is_plain,
    marks,
    parse,
    parse_name,
    plain_marks,
    snippet,
    stem,
    tokens,
)  # fmt: skip
from app.answers.search import SearchPage
from app.answers.search import search as search_in
from app.answers.suggest import Suggestions, suggest
from app.cursors import seal
from app.db import Database
from app.load import load
from app.main import create_app
from app.models import first_hit, term
from app.selection import Plan
from app.settings import Settings
from app.statements import ask

pytestmark = pytest.mark.anyio
PACKS = Path(__file__).parent / "packs"
TEXT = (PACKS / "ides" / "source.txt").read_text("utf-8")


async def get(client, path, **params):
    response = await client.get(httpx.URL(path).copy_merge_params(params))
    assert response.status_code == 200, response.text
    return response.json()


async def search(client, q, **params):
    return await get(client, "/v1/search", q=q, **params)


async def ids(client, q, **params):
    return [item["id"] for item in (await search(client, q, **params))["items"]]


async def walk(client, target):
    found = []
    while target:
        response = await client.get(target)
        assert response.status_code == 200
        body = response.json()
        assert response.links.get("next", {}).get("url") == body["next"]
        found += body["items"]
        target = body["next"]
    return found


def served(url):
    """The pack of the tests, which holds its text, in a database of its own."""
    return Settings(database_url=url, seed_dir=PACKS, source_dir=None, refresh_seconds=0)


def own_database(url, name):
    """The same file, or a database of its own on the same server."""
    if url.startswith("sqlite"):
        return url
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def ides(request, tmp_path_factory):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('ides') / 'fasti.db'}"
    else:
        url = own_database(request.getfixturevalue("postgresql"), "ides")
    load(served(url))
    async with LifespanManager(create_app(served(url))) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
            yield client


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("furnace", ["backyard-furnaces", "backyard-furnace-production"]),
        ("FURNACES", ["backyard-furnaces", "backyard-furnace-production"]),
        ("furn", ["backyard-furnaces"]),
        ("famine deaths", ["soviet-famine-deaths", "chinese-famine-deaths"]),
        ("deadliest", ["one-of-the-deadliest-famines"]),
        ("deadliest famine", ["one-of-the-deadliest-famines"]),
        ("Great Leap Forward", ["great-leap-forward", "great-leap-forward-campaign"]),
        ("the great leap forw", ["great-leap-forward", "great-leap-forward-campaign"]),
        ("Mao", ["mao-zedong"]),
        ("Liu Shao", ["liu-shaoqi"]),
        ("China", ["china"]),
        ("why did Mao resign?", ["mao-resignation", "mao-zedong"]),
        ("head of state", ["mao-resignation", "mao-zedong", "liu-shaoqi"]),
        ("“class struggle”", ["quote-class-struggle", "class-struggle"]),
        ('"class struggle"', ["quote-class-struggle", "class-struggle"]),
        ("propaganda_poster", ["propaganda-posters"]),
        ("June 1966", ["june-1966-editorial"]),
    ],
)
async def test_what_is_looked_for_comes_first(client, q, first):
    assert (await ids(client, q))[: len(first)] == first


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("head of state", ["mao-resignation", "mao-zedong", "liu-shaoqi", "liu-shaoqi.held_office.chinese-state",
                           "liu-shaoqi.participated_in.mao-resignation", "liu-shaoqi.succeeded.mao-zedong",
                           "mao-zedong.held_office.chinese-state", "mao-zedong.participated_in.mao-resignation"]),
        ("famine deaths", ["soviet-famine-deaths", "chinese-famine-deaths", "scholars.described.great-leap-famine"]),
        ("opportunist", ["quote-opportunist-and-revisionist",
                         "chinese-leadership.described.soviet-communist-party"]),
        ("soviet napoleon", []),
        ("famine china", ["great-leap-famine", "famine-censorship", "chinese-state", "chinese-people", "china",
                          "chinese-famine-deaths", "great-leap-famine.located_in.china"]),
    ],
)  # fmt: skip
async def test_both_databases_find_the_same_in_the_same_order(client, q, found):
    assert await ids(client, q) == found


async def test_quotes_apostrophes_and_possessives_are_alike(client):
    whole = (await search(client, "People's Daily"))["items"]
    assert [item["id"] for item in whole] == ["peoples-daily", "peoples-daily.published.june-1966-editorial"]
    for q in (
        "People’s Daily",
        "peoples daily",
        "PEOPLE'S-DAILY",
        "people daily",
        "Peoples' Daily",
        "‘people’s daily’",
    ):
        assert (await search(client, q))["items"] == whole


async def test_a_phrase_is_words_in_order_and_within_one_field(client):
    assert await ids(client, '"struggle class"') == []
    assert await ids(client, "struggle class")
    assert await ids(client, '"class struggles"') == []
    # "Mao Zedong" and the alias "Mao" stand side by side in the index.
    assert await ids(client, '"zedong mao"') == []
    [first, *_] = (await get(client, "/v1/events/backyard-furnaces"))["summary"].split()
    assert "backyard-furnaces" not in await ids(client, f'"furnaces {first}"')
    assert "mao-zedong" in await ids(client, '"mao zedong" liaison') + await ids(client, '"mao zedong" resigned')


async def test_a_hit_says_what_it_is_who_says_so_and_where_it_matched(client):
    body = await search(client, "backyard furnace")
    assert body["items"][0] == {
        "id": "backyard-furnaces",
        "kind": "event",
        "name": "Backyard blast furnaces",
        "summary": (await get(client, "/v1/events/backyard-furnaces"))["summary"],
        "url": "/v1/events/backyard-furnaces",
        "date": None,
        "stance": "asserted",
        "attributed_to": None,
        "polarity": "positive",
        "causality": None,
        "matches": [
            {
                "field": "name", "text": "Backyard blast furnaces", "start": 0, "cut_before": False,
                "cut_after": False, "ranges": [{"start": 0, "end": 8}, {"start": 15, "end": 23}],
            },
            body["items"][0]["matches"][1],
        ],
        "spans": [
            {
                "type": "citation",
                "id": "backyard-furnaces.hartnett-great-leap-forward.864-893",
                "url": "/v1/citations/backyard-furnaces.hartnett-great-leap-forward.864-893",
                "source": body["items"][0]["spans"][0]["source"],
                "start": 864, "end": 893,
                "text": "backyard blast furnaces arose", "ranges": [{"start": 0, "end": 8}, {"start": 15, "end": 23}],
            }
        ],
    }  # fmt: skip
    assert body["items"][0]["spans"][0]["source"]["id"] == "hartnett-great-leap-forward"


async def test_the_place_that_shows_most_comes_first(client):
    [hit, *_] = (await search(client, "Mao resigned"))["items"]
    assert [len(span["ranges"]) for span in hit["spans"]] == [2, 1]
    assert hit["spans"][0]["start"] > hit["spans"][1]["start"]


async def test_what_is_denied_attributed_or_implied_is_shown_as_such(client):
    by_id = {item["id"]: item for item in await walk(client, "/v1/search?q=mao&limit=50")}
    assert by_id["threat-to-mao-authority"]["polarity"] == "negative"
    [deaths] = [i for i in (await search(client, "deaths in china"))["items"] if i["id"] == "chinese-famine-deaths"]
    assert (deaths["stance"], deaths["attributed_to"]["id"]) == ("attributed", "scholars")
    for item in await walk(client, "/v1/search?q=caused&kind=relation&limit=50"):
        relation = await get(client, item["url"])
        for key in ("stance", "polarity", "attributed_to", "causality"):
            assert item[key] == relation[key]


QUERIES = ["furnace", "famine deaths", "mao", "people's daily", "“class struggle” mao", "liu sha", "head of state",
           "1957", "stalin", "soviet uni", "chinese party", "steel production commune"]  # fmt: skip


def holds(item, q):
    """Every part of the query is marked somewhere in the hit, and nothing else is."""
    query, shown = parse(q), set()
    for place in [*item["matches"], *item["spans"]]:
        for span in place["ranges"]:
            part = place["text"][span["start"] : span["end"]]
            [mark] = marks(part, query)
            assert (mark.start, mark.end) == (0, len(part))
            shown.add(mark.part)
    return shown == set(range(len(query.parts)))


@pytest.mark.parametrize("q", QUERIES)
async def test_every_hit_shows_what_matched_in_exact_ranges(client, q):
    for item in await walk(client, f"/v1/search?limit=50&q={q}"):
        assert holds(item, q)
        record = await get(client, item["url"])
        for match in item["matches"]:
            if match["field"] in ("name", "summary", "text", "note") and record.get(match["field"]):
                whole = record[match["field"]]
                end = match["start"] + len(match["text"])
                assert whole[match["start"] : end] == match["text"]
                assert (match["cut_before"], match["cut_after"]) == (match["start"] > 0, end < len(whole))
                assert len(match["text"]) <= SNIPPET * 5 // 4


@pytest.mark.parametrize("q", [*QUERIES, "krushchev", "“class struggle”"])
async def test_what_is_written_is_what_the_models_say(client, q):
    for path, model in (("/v1/search?limit=50&total=true", SearchPage), ("/v1/suggest", Suggestions)):
        body = (await client.get(httpx.URL(path).copy_merge_params({"q": q}))).content
        assert model.model_validate_json(body, extra="forbid").model_dump_json().encode() == body


@pytest.mark.parametrize("q", QUERIES)
async def test_nothing_that_has_the_words_is_missed(client, q):
    """Held against a plain look at everything that is served."""
    query, expected = parse(q), set()
    for target in ("/v1/records", "/v1/relations"):
        for item in await walk(client, f"{target}?limit=200"):
            name = "record" if target == "/v1/records" else "relation"
            cited = (await get(client, f"/v1/citations?{name}={item['id']}&limit=200"))["items"]
            texts = [item.get(key) for key in ("name", "summary", "description", "text", "title", "author", "role",
                                               "affiliation", "publisher", "series", "note", "type", "measure",
                                               "unit", "hedge")]  # fmt: skip
            texts += [alias["name"] for alias in item.get("aliases", [])]
            texts += [citation["fragment"] for citation in cited]
            texts += [office["role"] for office in item.get("offices", [])]
            texts += [(item.get("date") or {}).get("text")]
            if name == "relation":
                texts.append(f"{item['subject']['name']} {item['label']} {item['object']['name']}")
            else:
                texts += [(item.get(key) or {}).get("name") for key in ("subject", "place", "speaker")]
                texts += [each["name"] for each in item.get("about", [])]
            if {mark.part for part in texts if part for mark in marks(part, query)} == set(range(len(query.parts))):
                expected.add(item["id"])
    assert {item["id"] for item in await walk(client, f"/v1/search?limit=50&q={q}")} == expected


@pytest.mark.parametrize(
    ("q", "unknown", "better", "first"),
    [
        ("industrialisation", ["industrialisation"], "industrialization", "stalin-collectivization-industrialization"),
        ("krushchev", ["krushchev"], "Khrushchev", "nikita-khrushchev"),
        ("“collectivisation” campain", ["collectivisation", "campain"], "“collectivization” campaign",
         "stalin-collectivization-industrialization"),
        ("Mao’s resinnation", ["resinnation"], "Mao’s Resignation", "mao-resignation"),
    ],
)  # fmt: skip
async def test_a_misspelling_is_put_right(client, q, unknown, better, first):
    body = await search(client, q, **{"from": "1900", "match": "possible"} if "campain" in q else {})
    assert (body["items"], body["facets"]["kind"]["values"], body["unknown_words"]) == ([], [], unknown)
    assert body["did_you_mean"]["q"] == better
    assert (await get(client, body["did_you_mean"]["url"]))["items"][0]["id"] == first
    assert ("from=1900&match=possible" in body["did_you_mean"]["url"]) == ("campain" in q)


@pytest.mark.parametrize(
    ("q", "unknown", "better"),
    [
        ("Mao Napoleon", ["Napoleon"], "Mao"),
        ("Napoleon’s Mao", ["Napoleon"], "Mao"),
        ("soviet famine leadership", [], "soviet famine"),
        ("krushchev qqqqqqq", ["krushchev", "qqqqqqq"], "Khrushchev"),
        ('"struggle class"', [], '"struggle'),
    ],
)
async def test_what_never_stands_together_is_offered_with_fewer_words(client, q, unknown, better):
    body = await search(client, q)
    assert (body["items"], body["unknown_words"], body["did_you_mean"]["q"]) == ([], unknown, better)
    assert (await get(client, body["did_you_mean"]["url"]))["items"]


@pytest.mark.parametrize(
    ("q", "better"), [("Mao Tse-tung", "Mao"), ("大跃进", None), ("hunger", None), ("Mao -qqqqqqq", "Mao")]
)
async def test_nothing_far_fetched_is_offered(client, q, better):
    """No word that questions are put together with, none for a sign, none that begins otherwise; no rest of a word."""
    found = (await search(client, q))["did_you_mean"]
    assert (found and found["q"]) == better


async def test_nothing_is_offered_that_finds_nothing(client):
    assert (await search(client, "krushchev", kind="place"))["did_you_mean"] is None
    assert (await search(client, "qqqqqqq zzzzzzz"))["did_you_mean"] is None
    body = await search(client, "mao")
    assert (body["did_you_mean"], body["unknown_words"]) == (None, [])


@pytest.mark.parametrize(
    "q",
    ["AND", "OR NOT", 'mao AND "', "mao*", "-mao", "^mao", "NEAR(mao liu)", "name:mao", "{names} : mao", "mao) OR (1",
     "mao:*", "mao <-> liu", "!mao & liu | x", "o'brien", "a-b", "'; DROP TABLE record--", "\\", "mao \\ liu",
     "mao % _", "😀 mao", "\u202emao", "毛泽东", "“mao", "mao”", '""mao""', "NaN", "9" * 200, "é" * 100,
     "mao\n\tliu", "x" * 200],
)  # fmt: skip
async def test_no_query_is_malformed(client, q):
    if not tokens(q):
        q += " mao"
    for path in ("/v1/search", "/v1/suggest"):
        response = await client.get(path, params={"q": q})
        assert response.status_code == 200, response.text
    if tokens(q)[0].word == "mao" and "AND" not in q:
        assert (await ids(client, q)) == (await ids(client, " ".join(re.findall(r"\w+", q))))


@effort(max_examples=60)
@given(st.text(max_size=200))
async def test_no_text_is_malformed(client, q):
    response = await client.get("/v1/search", params={"q": q.encode("utf-8", "replace").decode()})
    assert response.status_code in (200, 422)


@pytest.mark.parametrize("path", ["/v1/search", "/v1/suggest"])
@pytest.mark.parametrize(
    ("q", "detail"),
    [
        ("", "no word in it"),
        (" " * 100, "no word in it"),
        ('"*^-()', "no word in it"),
        ("😀", "no word in it"),
        ("mao " * 13, "at most 12"),
        ("x" * 201, "at most 200 characters"),
    ],
)
async def test_what_cannot_be_looked_for_is_said(client, path, q, detail):
    response = await client.get(path, params={"q": q})
    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert (error["parameter"], detail in error["detail"]) == ("q", True)


async def test_without_a_query_the_parameter_is_named(client):
    response = await client.get("/v1/search")
    assert (response.status_code, response.json()["errors"][0]["parameter"]) == (422, "q")
    assert (await client.get("/v1/search?q=" + "%20" * 10_000)).status_code == 414


@pytest.mark.parametrize("more", [{}, {"stance": "asserted"}, {"from": "1950", "to": "1970"}])
async def test_facets_count_by_kind_and_lead_there(client, more):
    body = await search(client, "mao", total="true", **more)
    assert body["total"] == sum(facet["count"] for facet in body["facets"]["kind"]["values"]) == len(
        await walk(client, "/v1/search?" + str(httpx.QueryParams({"q": "mao", "limit": 7, **more})))
    )  # fmt: skip
    counts = [facet["count"] for facet in body["facets"]["kind"]["values"]]
    for facet in body["facets"]["kind"]["values"]:
        only = await get(client, facet["url"] + "&limit=50")
        assert (only["total"], {item["kind"] for item in only["items"]}) == (facet["count"], {facet["value"]})
        assert [each["count"] for each in only["facets"]["kind"]["values"]] == counts


async def test_walking_the_pages_gives_each_hit_once_in_order(client):
    whole = [item["id"] for item in await walk(client, "/v1/search?q=mao&limit=50")]
    assert len(set(whole)) == len(whole) > 50
    assert [item["id"] for item in await walk(client, "/v1/search?q=mao&limit=3")] == whole


async def test_a_cursor_is_bound_to_its_query_and_filters(client):
    following = (await search(client, "mao", limit=2))["next"]
    for change in ({"q": "liu"}, {"kind": "event"}, {"stance": "asserted"}, {"from": "1957"}, {"cursor": "AAAA"}):
        response = await client.get(httpx.URL(following).copy_merge_params(change))
        assert (response.status_code, response.json()["errors"][0]["parameter"]) == (422, "cursor")


@pytest.mark.parametrize("position", [5, [], [1], [1, 2, 3], ["a", 1], [1, None], [True, 1], [1.5, 1], [[1], 2]])
async def test_a_cursor_that_somebody_sealed_for_himself_is_still_looked_at(client, position):
    cursor = seal(Plan({}, [], 20).signature("search mao"), position)
    response = await client.get("/v1/search", params={"q": "mao", "cursor": cursor})
    assert (response.status_code, response.json()["errors"][0]["parameter"]) == (422, "cursor")


@pytest.mark.parametrize(
    ("filters", "holders", "others"),
    [
        ({"kind": "person"}, ["mao-zedong", "liu-shaoqi"], ["mao-resignation"]),
        ({"kind": "person,event"}, ["mao-zedong", "mao-resignation"], ["great-leap-forward"]),
        ({"from": "1959", "to": "1959", "kind": "event"}, ["mao-resignation"], ["mao-strikes-back"]),
        ({"section": "maos-resignation", "kind": "event"}, ["mao-resignation"], ["great-leap-forward-announcement"]),
        ({"stance": "goal", "kind": "event"}, None, ["mao-resignation"]),
        ({"source": "hartnett-great-leap-forward", "kind": "event"}, ["mao-resignation"], []),
        ({"dated": "false", "kind": "event"}, ["mao-strikes-back"], ["mao-resignation"]),
    ],
)
async def test_filters_narrow_a_search(client, filters, holders, others):
    found = await ids(client, "mao", limit=50, **filters)
    assert set(holders or []) <= set(found)
    assert not set(others or []) & set(found)


async def test_an_unknown_filter_is_refused_with_what_comes_nearest(client):
    for name, value, near in (
        ("source", "hartnett-great-leap", "hartnett-great-leap-forward"),
        ("section", "no-lesson-learned", "no-lessons-learned"),
        ("kind", "events", "event"),
        ("stance", "assert", "asserted"),
    ):
        response = await client.get("/v1/search", params={"q": "mao", name: value})
        assert response.status_code == 422
        assert [(e["parameter"], e["nearest"]) for e in response.json()["errors"]] == [(name, near)]


async def test_what_is_counted_is_bound_and_one_word_is_counted_when_it_is_loaded(client, monkeypatch):
    whole = await search(client, "mao party", limit=50, total="true")
    assert (whole["truncated"], whole["facets"]["kind"]["truncated"], whole["total"]) == (
        [],
        False,
        len(whole["items"]),
    )
    monkeypatch.setattr("app.answers.search.COUNTED", 3)
    counted = await search(client, "mao party", limit=49, total="true")
    assert (counted["items"], counted["truncated"], counted["total"]) == (whole["items"], ["facets"], 4)
    assert counted["facets"]["kind"]["truncated"]
    mao = await search(client, "mao", total="true")
    assert (mao["truncated"], mao["total"]) == ([], len(await walk(client, "/v1/search?q=mao&limit=50")))


@pytest.fixture(params=["sqlite", "postgresql"])
async def small_heads(request, tmp_path, monkeypatch):
    """The seed pack, where few are among the best connected."""
    monkeypatch.setattr("app.index.ENDS", [8, 16, 64])
    url = f"sqlite:///{tmp_path / 'fasti.db'}" if request.param == "sqlite" else request.getfixturevalue("postgresql")
    settings = Settings(database_url=own_database(url, "heads"), source_dir=None)
    load(settings)
    async with LifespanManager(create_app(settings)) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
            yield client


async def test_only_the_best_connected_are_looked_at_where_too_many_have_the_words(small_heads, monkeypatch):
    asked = [("mao party", {}), ("mao", {"stance": "asserted"}), ("mao", {"section": "no-lessons-learned"})]
    wholes = [await search(small_heads, q, limit=50, **more) for q, more in asked]
    cause = await search(small_heads, "caused mao", kind="relation")
    monkeypatch.setattr("app.answers.search.LOOKED_AT", 10)
    for (q, more), whole in zip(asked, wholes, strict=True):
        bound = await search(small_heads, q, limit=49, **more)
        assert (whole["truncated"], bound["truncated"]) == ([], ["items", "facets"])
        found = [item["id"] for item in bound["items"]]
        assert 0 < len(found) < len(whole["items"])
        assert found == [item["id"] for item in whole["items"] if item["id"] in found]
    assert (await search(small_heads, "mao"))["truncated"] == []
    # Rather slowly than not at all: no relation is among the best connected.
    rare = await search(small_heads, "caused mao", kind="relation", limit=19)
    assert (rare["items"], rare["truncated"]) == (cause["items"][:19], [])
    assert rare["items"]
    every = await walk(small_heads, "/v1/search?q=caused+mao&kind=relation&limit=2")
    assert [item["id"] for item in every] == [item["id"] for item in cause["items"]]
    assert len(every) > 2


def scans(connection, statement, parameters):
    """The tables that the database would read from one end to the other."""
    if connection.dialect.name == "sqlite":
        steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        own = re.compile(r"SCAN (entry|stem|term|record|relation|passage|citation|entry_index_\d)\b(.*)")
        plans = [match for step in steps if (match := own.match(step))]
        # What matches is read from the full-text index as it is wanted.
        return [plan[1] for plan in plans if "VIRTUAL TABLE INDEX" not in plan[2] or ":M" not in plan[2]]
    # So small a table is read as a whole unless that is forbidden; where no index serves, it is read even so.
    connection.exec_driver_sql("SET enable_seqscan = off")
    steps = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)]
    connection.exec_driver_sql("RESET enable_seqscan")
    assert not [step for step in steps if "_pkey on entry_index" in step]
    return [step for step in steps if "Seq Scan" in step]


@pytest.mark.parametrize("limit", [1, 20, 50])
async def test_what_is_kept_of_a_common_word_is_what_a_search_would_find(settings, monkeypatch, limit):
    database, plan = Database(settings), Plan({}, [], limit, total=True)
    # In forms that occur nowhere, two of them of stems that are looked for otherwise as they stand.
    forms = ["ands", "ofs", "MAO’s"]

    def work(connection):
        shown = select(term.c.shown).where(term.c.stem.in_(select(first_hit.c.stem)))
        words = [*connection.execute(shown).scalars(), *forms]
        return {word: search_in(connection, word, plan, lambda changed: f"?{changed}") for word in words}

    kept = await database.read(work)
    assert {"Chinese", "Mao", "Soviets", "of"} < set(kept)
    assert all(json.loads(kept[word].content)["items"] for word in ("Chinese", "Mao", "Soviets", *forms))
    monkeypatch.setattr("app.answers.search._least", lambda _: 1_000_000)
    assert await database.read(work) == kept
    database.close()


@pytest.mark.parametrize("q", ["mao", "mao party", "“class struggle” mao", "furn", "m", "krushchev", "head of state"])
@pytest.mark.parametrize("kinds", [[], ["event"]])
async def test_nothing_is_read_as_a_whole(settings, monkeypatch, q, kinds):
    database, asked = Database(settings), []

    def note(connection, *statement):
        asked.append(statement)
        return ask(connection, *statement)

    monkeypatch.setattr("app.index.ask", note)
    plan = Plan({"kind": kinds} if kinds else {}, [], 20, total=True)

    def work(connection):
        search_in(connection, q, plan, lambda changed: f"?{changed}")
        suggest(connection, q, kinds, 10)
        assert len(asked) >= 3
        return [(found, each) for each in asked if (found := scans(connection, *each))]

    assert await database.read(work) == []
    database.close()


async def test_a_passage_is_found_by_its_text_at_exact_offsets(ides):
    [hit] = (await search(ides, "nobody named"))["items"]
    assert (hit["kind"], hit["id"], hit["name"]) == (
        "passage", "annals-p2", "Annals of a Small Republic, paragraph 2",
    )  # fmt: skip
    assert (hit["summary"], hit["stance"], hit["polarity"], hit["date"]) == (None, None, None, None)
    [span] = hit["spans"]
    assert (span["type"], span["id"], span["start"]) == ("passage", "annals-p2", TEXT.index("In 44 BCE"))
    for q in ("roll", "fire memory", "chronicler", "consul", "ships"):
        for item in (await search(ides, q))["items"]:
            assert holds(item, q)
            assert item["spans"] or item["kind"] != "passage"
            for span in item["spans"]:
                assert TEXT[span["start"] : span["end"]] == span["text"]
            for match in item["matches"] if item["kind"] == "passage" else []:
                start = (await get(ides, item["url"]))["start"] + match["start"]
                assert TEXT[start : start + len(match["text"])] == match["text"]


async def test_an_office_before_year_one_is_found_by_word_and_time(ides):
    assert await ids(ides, "consul", **{"from": "-0043", "to": "-0043"}) == [
        "gaius-verro.held_office.republic", "marcus-tulo.held_office.republic",
    ]  # fmt: skip
    assert await ids(ides, "consul", **{"from": "-0042"}) == []
    assert [i["date"] for i in (await search(ides, "fire of the roll house"))["items"]][:1] == ["About 30 BCE"]
    assert await ids(ides, "roll", kind="passage") == ["annals-p2", "annals-p3", "annals-p5"]
    assert await ids(ides, "roll", kind="passage", section="the-fire") == ["annals-p5"]


@pytest.mark.parametrize(
    ("q", "first", "matched"),
    [
        ("Liu Shao", "liu-shaoqi", "Liu Shaoqi"),
        ("liu", "liu-shaoqi", "Liu Shaoqi"),
        ("m", "mao-zedong", "Mao Zedong"),
        ("khrush", "nikita-khrushchev", "Nikita Khrushchev"),
        ("people’s d", "peoples-daily", "The People's Daily"),
        ("mosc", "soviet-leadership", "Moscow"),
        ("the chinese pa", "chinese-communist-party", "the Chinese party"),
    ],
)
async def test_a_name_is_completed(client, q, first, matched):
    item = (await get(client, "/v1/suggest", q=q))["items"][0]
    assert (item["id"], item["matched"]) == (first, matched)
    query = parse_name(q)
    assert [{"start": m.start, "end": m.end} for m in marks(matched, query)] == item["ranges"]
    assert len(item["ranges"]) == len(query.parts)
    assert (await get(client, item["url"]))["id"] == first


async def test_a_suggestion_says_what_it_is(client):
    for q, kind, hint in (
        ("great leap", "policy", "policy (plan), In 1957 … By 1962"),
        ("resignation", "event", "event (change of office), In 1959"),
        ("mao zedong", "person", "person"),
        ("unnamed phil", "person", "person, philosophy instructor who led the students"),
    ):
        assert (await get(client, "/v1/suggest", q=q, kind=kind))["items"][0]["hint"] == hint


async def test_suggestions_are_bounded_and_of_the_kinds_asked_for(client):
    assert len((await get(client, "/v1/suggest", q="m", limit=3))["items"]) == 3
    items = (await get(client, "/v1/suggest", q="s", kind=["person", "place"], limit=20))["items"]
    assert {item["kind"] for item in items} == {"person", "place"}
    assert (await get(client, "/v1/suggest", q="zedong ma"))["items"][0]["id"] == "mao-zedong"
    assert (await get(client, "/v1/suggest", q="zedongs"))["items"] == []
    assert (await client.get("/v1/suggest?q=m&limit=21")).status_code == 422


@pytest.mark.parametrize(
    ("given_text", "words"),
    [
        ("People’s people's PEOPLE‘S peoples'", ["people", "people", "people", "peoples"]),
        ("O'Brien’s who’d it's", ["obrien", "whod", "it"]),
        ("Łukasz café cafe\u0301 e\u0301lan straße", ["lukasz", "cafe", "cafe", "elan", "strasse"]),
        ("propaganda_poster Sino-Soviet 1950's", ["propaganda", "poster", "sino", "soviet", "1950"]),
        ("毛泽东", ["mao", "ze", "dong"]),
        ("😀 … — ‘’", []),
    ],
)
async def test_words_are_cut_and_folded(given_text, words):
    found = tokens(given_text)
    assert [token.word for token in found] == words
    assert [fold(given_text[start:end]) for _, start, end in found] == words


@effort(max_examples=300)
@given(st.one_of(st.text(max_size=400), st.text(st.characters(max_codepoint=127), max_size=400)))
@example("L" * 201 + " l")
@example("Mao's FAMINE\x1fmao\x00x_mao")
async def test_a_text_is_cut_alike_with_places_and_without(given_text):
    found = tokens(given_text)
    words, shapes, stems, plain = cut(given_text)
    assert words == tuple(token.word for token in found) == tuple(map(fold, shapes))
    assert shapes == tuple(given_text[start:end] for _, start, end in found)
    assert stems == tuple(map(stem, words))
    assert plain == is_plain(given_text, found)


@pytest.mark.parametrize(
    ("tokens", "found"),
    [
        ("the leap | <l #event", "'the':1 'leap':2 '<l' '#event'"),
        # A name without a letter takes no place, and what follows is beyond it all the same.
        (" | a leap | =a #event", "'a':3 'leap':4 '=a' '#event'"),
        (" | #passage", "'#passage'"),
        ("a " * 17_000 + "| #event", " ".join(f"'a':{min(n, 16_383)}" for n in range(1, 17_001)) + " '#event'"),
    ],
)
async def test_words_have_a_place_and_marks_have_none(tokens, found):
    assert index.vector(tokens) == found


async def test_a_question_is_its_weighty_words():
    assert [part.words for part in parse("why did the famine of Mao happen").parts] == [
        ("famine",),
        ("mao",),
        ("happen",),
    ]
    assert [part.words for part in parse("what is the").parts] == [("the",)]
    assert [part.words for part in parse("great leap for").parts] == [("great",), ("leap",), ("for",)]
    assert [part.words for part in parse("the famine in ").parts] == [("famine",)]
    assert [part.words for part in parse("“the famine in” mao mao").parts] == [
        ("the", "famine", "in"),
        ("mao",),
        ("mao",),
    ]
    assert stem("furnaces") == stem("furnace")


@given(st.text(max_size=800), st.text(min_size=1, max_size=50))
async def test_marks_and_snippets_stay_within_any_text(body, q):
    try:
        query = parse(q)
    except ValueError:
        return
    found = marks(body + q + body, query)
    start, end = snippet(body + q + body, found)
    assert 0 <= start <= end <= len(body + q + body)
    assert all(a.start < a.end <= b.start for a, b in pairwise(found))
    if found:
        assert any(start <= mark.start and mark.end <= end for mark in found)


@effort(max_examples=300)
@given(st.lists(st.sampled_from(["Mao", "mao’s", "MAOIST", "famine", "famines", "s", "the", "Łódź", "o'brien", "x_mao",
                                 "'s", "'mao'", "—", ".", "ſ", "mao1", "毛"])), st.sampled_from([" ", "", "-", "'"]),
       st.lists(st.sampled_from(["mao", "famine", "s", "obrien", "the", "x"]), min_size=1, max_size=3))  # fmt: skip
async def test_a_plain_text_is_marked_like_any(words, between, wanted):
    """The quick way finds what the thorough one does, wherever it may be gone."""
    body, query = between.join(words), parse(" ".join(wanted) + ".")
    query = query._replace(parts=[part._replace(prefix=False) for part in query.parts[:-1]] + query.parts[-1:])
    query.parts[-1] = Part(query.parts[-1].words, prefix=True)
    if is_plain(body, tokens(body)):
        starts = [part.words[0] if part.prefix else part.words[0][:1] for part in query.parts]
        assert plain_marks(body, query, starts) == marks(body, query)
    for body in ("Mao’s famine", "The People's Daily, 1966 — famines!", "x_mao"):
        assert is_plain(body, tokens(body))
    for body in ("o'brien", "Łódź", "毛", "ſ", "İ mao"):
        assert not is_plain(body, tokens(body))


async def test_a_snippet_is_short_and_cut_between_words():
    body = "word " * 100 + "needle and haystack " + "other " * 100
    found = marks(body, parse("needle haystack"))
    start, end = snippet(body, found)
    assert end - start <= SNIPPET + 10
    assert "needle and haystack" in body[start:end]
    assert body[start - 1] == " "
    assert body[end] == " "
