"""Which form an answer takes, and how it looks in it."""

import csv
import io
import json
import re

import anyio
import httpx
import pytest
from asgi_lifespan import LifespanManager
from starlette.requests import ClientDisconnect

from app import listing, queries
from app.db import Database
from app.errors import Problem
from app.formats import JSON, Format, negotiate, table
from app.load import load
from app.main import create_app
from app.resources import RECORDS
from app.routers import sending
from app.selection import Plan
from app.settings import ROOT, Settings

pytestmark = pytest.mark.anyio
LISTS = ["events", "people", "policies", "estimates", "organizations", "places", "quotes", "sources", "records",
         "relations", "citations", "passages"]  # fmt: skip
CSV = Format("csv", "text/csv")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("*/*", JSON),
        ("", JSON),
        ("text/csv", CSV),
        ("text/*, application/json;q=0.9", CSV),
        ("text/*;q=0.5, */*;q=0.4, application/json;q=0.6", JSON),
        ("application/json;q=0, */*", CSV),
        ("*/*, application/json;q=0.1", CSV),
        ("TEXT/CSV; q=1.000", CSV),
        ("application/json;q=0, text/csv;q=0.0", None),
        ("image/png", None),
        ("nonsense", None),
        ("application/json;q=2", JSON),
    ],
)
def test_the_most_specific_range_decides_and_the_first_of_equals_is_sent(accept, chosen):
    assert negotiate(accept, [JSON, CSV]) == chosen


async def test_csv_has_what_the_json_has(client):
    """Each column is the path of its value, in every list."""
    for name in LISTS:
        table = list(csv.DictReader(io.StringIO((await client.get(f"/v1/{name}?format=csv")).text, newline="")))
        items = await everything(client, name)
        assert len(table) == len(items) > 0
        for row, item in zip(table, items, strict=True):
            for column, cell in row.items():
                value = item
                for key in column.split("."):
                    value = None if value is None else value.get(key)
                assert cell == cell_of(column, value), (name, item["id"], column)


def cell_of(column, value):
    if column in ("places", "policies", "initiators", "about"):
        return ";".join(each["id"] for each in value or [])
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


async def everything(client, name):
    found, target = [], f"/v1/{name}?limit=7"
    while target:
        body = (await client.get(target)).json()
        found += body["items"]
        target = body["next"]
    return found


async def test_the_columns_do_not_depend_on_the_data(client):
    every, none, one = [
        (await client.get(f"/v1/{target}")).text.split("\r\n")
        for target in ("events?format=csv", "events?format=csv&from=0500&to=0500", "events/mao-resignation?format=csv")
    ]
    assert none == [every[0], ""]
    assert one == [every[0], next(line for line in every if line.startswith("mao-resignation,")), ""]
    assert every[0].startswith("id,kind,name,type,summary,date.text,date.edtf,date.approximate,")
    assert every[0].endswith(",stance,attributed_to.id,attributed_to.kind,attributed_to.name,polarity,citation_count,"
                             "relation_count")  # fmt: skip


async def test_ndjson_is_the_items_a_line_each(client):
    for name in LISTS:
        lines = (await client.get(f"/v1/{name}?format=ndjson")).text.splitlines()
        assert [json.loads(line) for line in lines] == await everything(client, name)
    response = await client.get("/v1/people/mao-zedong", headers={"accept": "application/x-ndjson"})
    assert json.loads(response.text) == (await client.get("/v1/people/mao-zedong")).json()


async def test_fields_choose_columns_and_keys(client):
    response = await client.get("/v1/people?format=csv&fields=id,name_known&limit=1&sort=-name")
    assert response.text == "id,name_known\r\nphilosophy-instructor,false\r\n"
    assert response.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert response.headers["content-disposition"] == 'attachment; filename="people.csv"'
    response = await client.get("/v1/people/stalin?format=ndjson&fields=id,name_known")
    assert response.text == '{"id":"stalin","name_known":true}\n'
    assert (await client.get("/v1/people/stalin?format=csv&fields=links")).text.splitlines() == [
        "links.self,links.relations,links.citations",
        "/v1/people/stalin,/v1/relations?record=stalin,/v1/citations?record=stalin",
    ]


async def test_a_limit_gives_a_page_and_the_way_to_the_next(client):
    found, target = [], "/v1/relations?format=csv&fields=id&limit=30"
    while target:
        response = await client.get(target)
        found += response.text.splitlines()[1:]
        target = response.links.get("next", {}).get("url")
        assert target is None or "format=csv" in target
    assert found == [item["id"] for item in await everything(client, "relations")]
    [cursor] = re.findall("cursor=([^&]+)", (await client.get("/v1/relations?limit=30")).json()["next"])
    rest = await client.get(f"/v1/relations?format=csv&fields=id&cursor={cursor}")
    assert rest.text.splitlines()[1:] == found[30:]


@pytest.mark.parametrize(
    ("query", "faulty"),
    [
        ("format=csv&include=records", ["include"]),
        ("format=ndjson&total=true", ["total"]),
        ("format=jsonld&fields=id", ["fields"]),
        ("format=ris&fields=id&include=records&total=true", ["fields", "include", "total"]),
        ("format=csv&total=false", []),
        ("format=json&total=true&include=records", []),
    ],
)
async def test_a_parameter_that_a_format_has_no_place_for_is_refused(client, query, faulty):
    response = await client.get(f"/v1/events?{query}")
    assert response.status_code == (422 if faulty else 200)
    if faulty:
        assert [error["parameter"] for error in response.json()["errors"]] == faulty
        assert "has no place for it; format=json" in response.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("words", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+1", "'+1"),
        ("-1+2|cmd", "'-1+2|cmd"),
        ("-0043", "-0043"),
        ("-0043/-0030", "-0043/-0030"),
        ("-0029~", "-0029~"),
        ("a = b", "a = b"),
        ('say "x", y', '"say ""x"", y"'),
        ("two\r\nlines", '"two\r\nlines"'),
    ],
)
def test_words_are_quoted_and_never_run(words, cell):
    column = table.Column(("name",), "string", "")
    assert b"".join(table.sheet([{"name": words}], [column])).decode() == f"name\r\n{cell}\r\n"


async def test_a_long_answer_is_streamed_and_named_but_not_stored(client, monkeypatch):
    monkeypatch.setattr(sending, "CHUNK", 1_000)
    monkeypatch.setattr(queries, "BATCH", 3)
    plain = {"accept-encoding": "identity"}
    for name in LISTS:
        target = f"/v1/{name}?format=ndjson&sort=id"
        response = await client.get(target, headers=plain)
        ids = [json.loads(line)["id"] for line in response.text.splitlines()]
        assert ids == sorted(item["id"] for item in await everything(client, name))
        assert ("content-length" in response.headers) == (len(response.content) < 1_000)
    target = "/v1/events?format=csv&sort=-id"
    got = await client.get(target, headers=plain)
    assert "content-length" not in got.headers
    assert got.headers["cache-control"] == "public, max-age=60, stale-while-revalidate=60, stale-if-error=3600"
    assert "Accept" in got.headers["vary"]
    for condition in (got.headers["etag"], "*"):
        again = await client.get(target, headers={**plain, "if-none-match": condition})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", got.headers["etag"])
    head = await client.head(target, headers=plain)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", got.headers["etag"])
    assert (await client.get(target, headers=plain)).content == got.content
    packed = await client.get(target, headers={"accept-encoding": "gzip"})
    assert (packed.headers["content-encoding"], packed.content) == ("gzip", got.content)


async def test_a_long_answer_is_made_as_it_is_taken_and_let_go_of(settings, monkeypatch):
    monkeypatch.setattr(queries, "BATCH", 5)
    database = Database(settings)
    asked = []
    batch = listing.batch

    def counted(*given):
        asked.append(1)
        return batch(*given)

    monkeypatch.setattr(queries, "batch", counted)
    lines = database.stream(lambda c: (line.encode() for line in queries.walk(c, RECORDS, Plan({}, ["id"], 20))))
    for number in range(1, 13):
        await anext(lines)
        assert len(asked) == (number + 4) // 5
    await lines.aclose()
    assert database._streams == 0
    database.close()


async def test_a_long_answer_is_of_one_revision_whatever_is_loaded_meanwhile(tmp_path, monkeypatch):
    monkeypatch.setattr(queries, "BATCH", 5)
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'fasti.db'}", source_dir=None, refresh_seconds=0)
    load(settings)
    database = Database(settings)
    plan = Plan({}, ["id"], 20)
    whole = [line async for line in database.stream(lambda c: map(str.encode, queries.walk(c, RECORDS, plan)))]
    lines = database.stream(lambda c: map(str.encode, queries.walk(c, RECORDS, plan)))
    first = await anext(lines)
    before = await database.refresh()
    load(settings.model_copy(update={"seed_dir": ROOT / "tests" / "packs"}))
    assert await database.refresh() != before
    assert [first, *[line async for line in lines]] == whole
    assert await database.read(lambda c: len(list(queries.walk(c, RECORDS, plan)))) == 12
    database.close()


async def test_there_is_an_end_to_the_long_answers_at_once(settings, monkeypatch):
    monkeypatch.setattr("app.db.STREAMS", 1)
    database = Database(settings)
    first, second = (database.stream(lambda _: iter([b"a", b"b"])) for _ in range(2))
    assert await anext(first) == b"a"
    with pytest.raises(Problem, match="As many long answers") as refused:
        await anext(second)
    assert (refused.value.status, refused.value.headers["retry-after"]) == (503, "1")
    assert [piece async for piece in first] == [b"b"]
    assert [piece async for piece in database.stream(lambda _: iter([b"c"]))] == [b"c"]
    database.close()


async def test_a_wrong_query_is_told_before_anything_is_sent(client):
    for target in ("events?format=csv&person=nobody", "events?format=ndjson&cursor=AAAA", "people/x?format=bibtex"):
        response = await client.get(f"/v1/{target}")
        assert response.headers["content-type"] == "application/problem+json"
        assert response.status_code in (404, 422)


async def test_what_fails_midway_is_broken_off_and_not_ended_as_if_whole(settings):
    def failing(_):
        yield b"x" * sending.CHUNK
        yield b"y"
        raise RuntimeError("midway")

    app = create_app(settings)
    async with LifespanManager(app) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(queries, "walk", lambda *_: (piece.decode() for piece in failing(None)))
                with pytest.raises(RuntimeError, match="midway"):
                    await client.get("/v1/events?format=ndjson", headers={"accept-encoding": "identity"})
    assert app.state.database._streams == 0


async def test_a_client_that_takes_nothing_is_let_go(settings, monkeypatch):
    monkeypatch.setattr(sending, "PATIENCE", 0.01)
    database = Database(settings)
    rest = database.stream(lambda _: iter([b"a", b"b"]))
    response = sending.Streamed(await anext(rest), rest, {}, bodiless=False)

    async def never(*_):
        await anyio.sleep_forever()

    with pytest.raises(ClientDisconnect):
        await response({"type": "http", "asgi": {"spec_version": "2.4"}}, never, never)
    assert database._streams == 0
    database.close()
