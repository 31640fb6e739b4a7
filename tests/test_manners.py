"""What every route owes every client, proved over all routes of the OpenAPI document on both databases."""

import asyncio
import base64
import gzip
import json
import re
import time
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema
import pytest

from app import cursors, docs
from app.formats import BY_MEDIA_TYPE
from app.main import create_app
from app.resources import EVENTS
from app.selection import Plan
from app.settings import Settings

pytestmark = pytest.mark.anyio
OPENAPI = create_app(Settings()).openapi()
SPARSE = "application/vnd.fasti.sparse+json"
PATHS = list(OPENAPI["paths"])
ASKED = [path for path in PATHS if OPENAPI["paths"][path]["get"]["parameters"]]
LISTS = [path for path in PATHS if "cursor" in {p["name"] for p in OPENAPI["paths"][path]["get"]["parameters"]}]
PAGED = [path for path in LISTS if path != "/v1/search"]
DETAILS = [path for path in PATHS if "{id}" in path]
# What the seed has nothing of: a dated famine or estimate, people tied to places, kinds that nobody is the voice of.
NOTHING = {("/v1/estimates", "from"), ("/v1/estimates", "to"), ("/v1/people", "place"), ("/v1/places", "person"),
           ("/v1/search", "from"),
           *((f"/v1/{kind}", "attributed_to") for kind in ("people", "places", "sources"))}  # fmt: skip


def parameters(path, where="query"):
    return [p for p in OPENAPI["paths"][path]["get"]["parameters"] if p["in"] == where]


def url(path, **query):
    """The path with its examples and what its query must have, and with `query`."""
    needed = {p["name"]: p["schema"]["examples"][0] for p in parameters(path) if p.get("required")}
    for parameter in parameters(path, "path"):
        path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
    return str(httpx.URL(path, params=needed | query)) if needed | query else path


def media_types(path):
    return list(OPENAPI["paths"][path]["get"]["responses"]["200"]["content"])


def schema(path, media="application/json"):
    content = OPENAPI["paths"][path]["get"]["responses"]["200"]["content"]
    return {**content[media]["schema"], "components": OPENAPI["components"]}


def examples():
    for path in PATHS:
        for parameter in parameters(path):
            for example in parameter["schema"].get("examples", []):
                yield pytest.param(path, parameter["name"], example, id=f"{path}-{parameter['name']}")


def valid(body, wanted):
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(wanted).iter_errors(body))
    assert error is None, f"{error.json_path}: {error.message[:300]}"


@pytest.mark.parametrize("path", PATHS)
async def test_a_route_answers_as_documented(client, path):
    response = await client.get(url(path))
    assert response.status_code == 200
    media = response.headers["content-type"]
    assert media == media_types(path)[0]
    if media == "application/json":
        valid(response.json(), schema(path))
        assert "included" not in response.json()


@pytest.mark.parametrize(("path", "name", "example"), list(examples()))
async def test_every_example_works_when_it_is_tried_out(client, path, name, example):
    response = await client.get(url(path, **{name: example}))
    assert response.status_code == 200, response.text
    media = response.headers["content-type"].partition(";")[0]
    assert media in media_types(path)
    if name == "format":
        assert BY_MEDIA_TYPE[media].name == example
    else:
        assert media == ("application/vnd.fasti.sparse+json" if name == "fields" else media_types(path)[0])
    if media.endswith("json"):
        valid(response.json(), schema(path, media))
    if path in LISTS and media == "application/json" and name != "cursor":
        assert bool(response.json()["items"]) is ((path, name) not in NOTHING)


@pytest.mark.parametrize("path", PATHS)
async def test_caching_and_conditional_requests(client, path):
    first = await client.get(url(path))
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    assert first.headers["cache-control"] == "public, max-age=60, stale-while-revalidate=60, stale-if-error=3600"
    assert first.headers["vary"].split(", ")[:2] == ["Accept", "Accept-Encoding"]
    for given in (tag, f'"other", {tag}', "*"):
        again = await client.get(url(path), headers={"if-none-match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["vary"] == first.headers["vary"]
        assert again.headers["cache-control"] == "public, max-age=60, stale-while-revalidate=60, stale-if-error=3600"
    assert (await client.get(url(path), headers={"if-none-match": '"other"'})).content == first.content
    stored = await client.get(url(path))
    assert (stored.content, dict(stored.headers)) == (first.content, dict(first.headers))


@pytest.mark.parametrize("path", [*PATHS, "/", "/docs", "/openapi.json", "/explorer/main.js", "/health/live"])
async def test_no_part_is_given_and_none_is_offered(client, path):
    """A server may leave `Range` unheard (RFC 9110, 14.2), and then says nowhere that it hears it."""
    asked = url(path) if path in PATHS else path
    whole = await client.get(asked)
    assert "accept-ranges" not in whole.headers
    for part in ("bytes=0-9", "bytes=99999999-", "lines=1-2", "nonsense"):
        answer = await client.get(asked, headers={"range": part})
        assert (answer.status_code, answer.content) == (200, whole.content), part


@pytest.mark.parametrize("path", [*PATHS, "/docs", "/openapi.json"])
async def test_head_is_get_without_a_body(client, path):
    target = url(path) if path in PATHS else path
    got, head = await client.get(target), await client.head(target)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers.get("content-length") == got.headers.get("content-length")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
async def test_other_methods_are_refused_with_allow(client, path, method):
    response = await client.request(method, url(path))
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"
    assert response.json()["type"] == "/problems/method-not-allowed"


@pytest.mark.parametrize("path", PATHS)
async def test_options_and_cors(client, path):
    plain = await client.options(url(path))
    assert (plain.status_code, plain.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    asked = {"origin": "https://a.example", "access-control-request-method": "GET"}
    preflight = await client.options(url(path), headers=asked)
    assert preflight.headers["access-control-allow-origin"] == "*"
    for headers in ({}, {"origin": "https://a.example"}, {"if-none-match": "*"}):
        got = await client.get(url(path), headers=headers)
        assert got.headers["access-control-allow-origin"] == "*"
        assert got.headers["access-control-expose-headers"] == "ETag, Link, Retry-After, X-Request-ID"


@pytest.mark.parametrize(
    ("asked", "status", "text"),
    [
        ({}, 200, "OK"),
        ({"access-control-request-headers": "x-a, x-b"}, 200, "OK"),
        ({"access-control-request-method": "DELETE"}, 400, "Disallowed CORS method"),
        ({"access-control-request-private-network": "true"}, 400, "Disallowed CORS private-network"),
    ],
)
async def test_a_browser_that_asks_first_is_told(client, asked, status, text):
    headers = {"origin": "https://a.example", "access-control-request-method": "GET"} | asked
    response = await client.options("/v1/%zz", headers=headers)
    assert (response.status_code, response.text) == (status, text)
    assert {k: v for k, v in response.headers.items() if k.startswith("access-control-")} == {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET, HEAD, OPTIONS",
        "access-control-max-age": "86400",
    } | ({"access-control-allow-headers": "x-a, x-b"} if "access-control-request-headers" in asked else {})


@pytest.mark.parametrize("path", PATHS)
async def test_an_unknown_parameter_is_refused_with_what_is_allowed(client, path):
    response = await client.get(url(path, bogus=1))
    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert error["parameter"] == "bogus"
    assert all(parameter["name"] in error["detail"] for parameter in parameters(path))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("accept", "status"),
    [("*/*", 200), ("application/*", 200), ("text/html, application/*;q=0.1", 200), ("", 200), ("text/html", 406),
     ("application/*;q=0, text/*;q=0, */*", 406), ("nonsense", 406), ("*/*, application/*;q=0.000, text/*;q=0", 406),
     ("Application/*", 200)],
)  # fmt: skip
async def test_the_accept_header_is_heard(client, path, accept, status):
    assert (await client.get(url(path), headers={"accept": accept})).status_code == status


@pytest.mark.parametrize("path", PATHS)
async def test_a_media_type_and_its_name_in_the_url_mean_the_same(client, path):
    for media in media_types(path):
        if media != "application/vnd.fasti.sparse+json":
            heard = await client.get(url(path), headers={"accept": media})
            assert heard.headers["content-type"].partition(";")[0] == media
            names = [p["schema"] for p in parameters(path) if p["name"] == "format"]
            assert names or len(media_types(path)) == 1
            if names:
                told = await client.get(url(path, format=BY_MEDIA_TYPE[media].name))
                assert told.headers["content-type"] == heard.headers["content-type"]
                assert told.headers["etag"] != heard.headers["etag"]


async def test_answers_are_compressed_as_the_client_asks(client):
    plain = await client.get("/v1/events", headers={"accept-encoding": "identity"})
    assert int(plain.headers["content-length"]) == len(plain.content)
    for coding in ("gzip", "br", "zstd"):
        async with client.stream("GET", "/v1/events", headers={"accept-encoding": coding}) as response:
            raw = b"".join([chunk async for chunk in response.aiter_raw()])
        assert response.headers["content-encoding"] == coding
        assert "Accept-Encoding" in response.headers["vary"]
        assert len(raw) < len(plain.content) / 2
        if coding == "gzip":
            assert gzip.decompress(raw) == plain.content


HOSTILE = ["%00", "a%00b", "%FF", "%zz", "%", "%2e%2e%2f", "a..b", "x" * 400, "'; DROP TABLE record--", "𝕏", "NaN",
           "9" * 40, '"*"', "a/b", "-1"]  # fmt: skip


@pytest.mark.parametrize("path", DETAILS)
@pytest.mark.parametrize("value", HOSTILE)
async def test_no_path_breaks_it(client, path, value):
    raw = value if value.startswith("%") or "%00" in value else quote(value, safe="/.")
    response = await client.get(path.replace("{id}", raw))
    assert response.status_code in (404, 422)
    assert response.headers["content-type"] == "application/problem+json"
    valid(response.json(), {**OPENAPI["components"]["schemas"]["Problem"], "components": OPENAPI["components"]})


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("value", HOSTILE)
async def test_no_parameter_breaks_it(client, path, value):
    for parameter in parameters(path):
        if parameter["name"] in ("min", "max") and value == "-1":
            continue  # A figure may be negative.
        if parameter["name"] == "q" and "%" not in value:
            continue  # Any words may be looked for.
        raw = value if value.startswith("%") or "%00" in value else quote(value, safe="")
        # A required parameter's example gives way to the value.
        target = httpx.URL(url(path)).copy_remove_param(parameter["name"])
        response = await client.get(f"{target}{'&' if target.query else '?'}{parameter['name']}={raw}")
        assert response.status_code == 422, (parameter["name"], value)
        assert response.headers["content-type"] == "application/problem+json"
        assert "Traceback" not in response.text
        assert "sqlalchemy" not in response.text.lower()


@pytest.mark.parametrize(
    ("target", "status", "type_"),
    [
        ("/v1/events?limit=1&limit=2", 422, "invalid-parameter"),
        ("/v1/events?" + "person=mao-zedong&" * 60, 422, "invalid-parameter"),
        ("/v1/events?id=" + "a" * 9000, 414, "uri-too-long"),
        ("/v1/events?sort=start,start", 200, None),
        ("/v1/events/", 404, "not-found"),
        ("/v1/event", 404, "not-found"),
        ("/explorer/none.js", 404, "not-found"),
        ("/explorer/", 404, "not-found"),
        ("/v1/events?from=1962&to=1957", 422, "invalid-parameter"),
        ("/v1/events?person=china", 422, "invalid-parameter"),
        ("/v1/events?type=war", 422, "invalid-parameter"),
        ("/v1/events?fields=nmae", 422, "invalid-parameter"),
        ("/v1/events?from=1962-12-31&to=1962-12-31", 200, None),
        ("/v1/events/" + "a" * 9000, 414, "uri-too-long"),
        *((f"/v1/events/{broken}", 422, "invalid-request") for broken in ("%00", "%FF", "%zz", "%")),
        *((f"/v1/events?id={broken}", 422, "invalid-request") for broken in ("%00", "%FF", "%zz", "%")),
    ],
)
async def test_what_is_wrong_is_said(client, target, status, type_):
    response = await client.get(target)
    assert response.status_code == status
    if type_:
        assert response.json()["type"] == f"/problems/{type_}"
        assert response.headers["cache-control"] == "no-store"


FORGED: list[Any] = [
    5, None, True, "ab", {"a": 1, "b": 2}, [], [1], [1, "a", 2], ["x", "a"], [1, 5], [1, ["a"]], [[1], "a"],
    [True, "a"], [float("nan"), "a"], [1e999, "a"], [2**31, "a"], [2**63, "a"], [1, "a\0b"], [1, "\ud800"],
    [1, None], [[[[]]]],
]  # fmt: skip


@pytest.mark.parametrize("position", FORGED, ids=repr)
async def test_a_cursor_that_somebody_sealed_for_himself_is_still_looked_at(client, position):
    body = json.dumps(position).encode()
    seal = cursors._digest(Plan({}, ["start"], 20).signature(EVENTS.name), body)
    cursor = base64.urlsafe_b64encode(seal + body).decode().rstrip("=")
    response = await client.get("/v1/events", params={"cursor": cursor})
    assert (response.status_code, response.json()["errors"][0]["parameter"]) == (422, "cursor")


async def test_a_cursor_of_a_thousand_brackets_is_refused(client):
    cursor = base64.urlsafe_b64encode(b"x" * 9 + b"[" * 1400).decode().rstrip("=")
    assert (await client.get("/v1/events", params={"cursor": cursor})).status_code == 422


async def test_many_unknown_ids_are_told_in_short(client):
    ids = ",".join(f"mao-zedon{n}" for n in range(50))
    body = (await client.get(f"/v1/events?id={ids}&person={ids}")).json()
    assert (len(body["errors"]), body["detail"][:26]) == (20, "100 parameters are wrong: ")
    assert [error["nearest"] for error in body["errors"]].count("mao-zedong") == 3


@pytest.mark.parametrize(
    ("target", "parameter", "detail"),
    [
        ("/v1/events?from=1960-13", "from", "'1960-13' has no month 13: months are 01 to 12 and seasons 21 to 24"),
        ("/v1/estimates?min=x", "min", "'x': input should be a valid number, unable to parse string as a number"),
        ("/v1/estimates?min=5&max=1", "max", "1 is less than `min` (5)"),
        ("/v1/events?id=" + "a," * 50 + "a", "id", "at most 50 values"),
        ("/v1/events?person=china", "person", "'china' is of the kind place, and this parameter takes the kind person"),
    ],
)
async def test_each_fault_is_told_once(client, target, parameter, detail):
    errors = (await client.get(target)).json()["errors"]
    assert [(error["parameter"], error["detail"]) for error in errors] == [(parameter, detail)]


@pytest.mark.parametrize("lines", [["text/html", "application/json"], ["application/json", "text/html"]])
async def test_a_header_in_two_lines_is_heard_whole(client, lines):
    headers = [("accept", line) for line in lines]
    assert (await client.get("/v1/events?limit=2", headers=headers)).status_code == 200
    assert (await client.get("/v1/events?limit=2", headers={"accept": "text/html"})).status_code == 406


@pytest.mark.parametrize("hosts", [[], [b"a.example", b"b.example"]])
async def test_a_request_has_one_host(client, hosts):
    request = httpx.Request("GET", "http://fasti.test/v1")
    request.headers = httpx.Headers([(b"host", host) for host in hosts])
    response = await client._transport.handle_async_request(request)
    assert response.status_code == 400


async def test_errors_too_may_be_read_by_a_page_of_another_origin(client):
    for target in ("/v1/%zz", "/v1/events?bogus=1", "/v1/none"):
        response = await client.get(target, headers={"origin": "https://a.example"})
        assert response.headers["access-control-allow-origin"] == "*"


async def test_every_key_may_be_kept(client):
    for path, [fields] in {each: [p for p in parameters(each) if p["name"] == "fields"] for each in PAGED}.items():
        names = fields["schema"]["items"]["enum"]
        assert set((await client.get(url(path), params={"fields": names})).json()["items"][0]) <= set(names)


async def chunks():
    yield b"{}"


@pytest.mark.parametrize(("method", "status"), [("GET", 422), ("HEAD", 422), ("POST", 405)])
@pytest.mark.parametrize("content", [b"{}", chunks])
async def test_a_body_is_refused_where_the_method_is_not(client, method, status, content):
    response = await client.request(method, "/v1/events", content=content() if callable(content) else content)
    assert response.status_code == status


@pytest.mark.parametrize("target", ["/v1/events", "/v1/events/none", "/v1/events/%FF", "/docs", "/static/favicon.png"])
async def test_head_sends_no_byte_of_a_body(settings, target):
    """Watched on the wire: `client` itself would drop the body of an answer to HEAD."""
    app, sent = create_app(settings), []

    async def watched(scope, receive, send):
        async def watch(message):
            sent.append(message)
            await send(message)

        await app(scope, receive, watch)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(watched), base_url="http://fasti.test") as client:
        await client.head(target)
    app.state.database.close()
    assert [(message["type"], message.get("body")) for message in sent] == [
        ("http.response.start", None),
        ("http.response.body", b""),
    ]


async def test_a_mistaken_kind_is_told_where_the_id_is(client):
    response = await client.get("/v1/people/great-leap-forward")
    assert response.status_code == 404
    assert response.json()["found_at"] == "/v1/policies/great-leap-forward"
    assert (await client.get(response.json()["found_at"])).status_code == 200


async def test_a_fault_is_told_in_plain_words(client):
    body = (await client.get("/v1/events?limit=0&polarity=neutral")).json()
    assert body["detail"] == (
        "2 parameters are wrong: polarity: 'neutral' is not allowed; these are: positive, negative; "
        "limit: '0': input should be greater than or equal to 1"
    )


async def test_near_misses_are_named(client):
    response = await client.get("/v1/events", params={"person": "mao-zedon", "stance": "asserted"})
    assert response.json()["errors"] == [
        {
            "parameter": "person",
            "detail": "there is no 'mao-zedon'; did you mean 'mao-zedong'?",
            "nearest": "mao-zedong",
        }
    ]
    for near in ("mao-zedon", "mao", "zedong"):
        assert "Did you mean 'mao-zedong'?" in (await client.get(f"/v1/people/{near}")).json()["detail"]
        assert (await client.get(f"/v1/events?person={near}")).json()["errors"][0]["nearest"] == "mao-zedong"
    assert "Did you mean" not in (await client.get("/v1/people/xyzzy")).json()["detail"]
    for query, near in (
        ("stance=assert", "asserted"),
        ("form=1960", "from"),
        ("orgnization=x", "organization"),
        ("page=2", "cursor"),
        ("year=1960", "from"),
        ("per_page=5", "limit"),
        ("person=Mao%20Zedong", "mao-zedong"),
        ("type=change-of-office", "change_of_office"),
        ("type=Announcement", "announcement"),
        ("fields=date.text", "date"),
    ):
        [fault] = (await client.get(f"/v1/events?{query}")).json()["errors"]
        assert fault["nearest"] == near
        assert near in fault["detail"] or query == "stance=assert"
    assert (await client.get("/v1/events?fields=%21")).json()["errors"][0]["nearest"] is None
    for wrong, right in (
        ("event", "events"),
        ("person/mao-zedong", "people"),
        ("polices", "policies"),
        ("people/mao-zedong/evidence", "records/mao-zedong/evidence"),
        ("records/mao-zedong/neighbours", "records/mao-zedong/neighbors"),
        ("people/mao-zedong/friends", "people"),
    ):
        assert f"Did you mean /v1/{right}?" in (await client.get(f"/v1/{wrong}")).json()["detail"]


async def test_pages_for_people(client):
    assert "cdn." not in (await client.get("/static/redoc.standalone.js")).text
    for page in ("/docs", "/redoc"):
        response = await client.get(page)
        assert response.status_code == 200
        assert "https://" not in response.text
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js", "favicon.png"):
        assert (await client.get(f"/static/{asset}")).status_code == 200


async def test_the_explorer_runs_nothing_but_its_own_files(client):
    page = await client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for name in re.findall(r'(?:href|src)="(/explorer/[^"]+)"', page.text):
        file = await client.get(name)
        for response in (page, file):
            assert response.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
            assert "unsafe" not in response.headers["content-security-policy"]
            assert response.headers["x-content-type-options"] == "nosniff"
        again = await client.get(name, headers={"if-none-match": file.headers["etag"]})
        assert again.status_code == 304
    assert not re.search("<style|<script>|style=|onclick=", page.text)


async def test_the_type_of_a_problem_leads_to_what_it_means(client):
    for target, status in (("/v1/events?bogus=1", 422), ("/v1/none", 404), ("/v1/%zz", 422)):
        body = (await client.get(target)).json()
        assert (body["status"], OPENAPI["info"]["description"].count(f"({body['type']})")) == (status, 1)
        assert (await client.get(body["type"])).json() == {key: body[key] for key in ("type", "title", "status")}
    assert (await client.get("/problems/none")).status_code == 422


async def test_a_fault_of_ours_is_logged_and_leaks_nothing(client, monkeypatch, caplog):
    async def broken(*_):
        raise RuntimeError("secret")

    monkeypatch.setattr("app.routers.reading.Reading.page", broken)
    response = await client.get("/v1/events?limit=199")
    assert (response.status_code, response.json()["type"]) == (500, "/problems/internal")
    assert "secret" not in response.text
    [record] = [record for record in caplog.records if record.name == "fasti"]
    assert (record.getMessage(), str(record.exc_info[1])) == ("GET /v1/events failed", "secret")


async def test_many_who_ask_first_for_the_document_get_the_same(settings, monkeypatch):
    """FastAPI fails where two threads make it at once, now and then."""
    made, calls = docs._made, []

    def slowly(app):
        calls.append(app)
        time.sleep(0.05)
        return made(app)

    monkeypatch.setattr(docs, "_made", slowly)
    transport = httpx.ASGITransport(create_app(settings.model_copy(update={"cache_bytes": 0})))
    async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
        answers = await asyncio.gather(*(client.get("/openapi.json") for _ in range(12)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert len(calls) == 1


async def test_every_operation_parameter_and_field_is_described():
    for path in PATHS:
        operation = OPENAPI["paths"][path]["get"]
        assert operation["description"]
        assert operation["operationId"].split("_")[0] in ("list", "get")
        assert [p["name"] for p in operation["parameters"] if not p.get("description")] == []
    lacking = [
        f"{name}.{key}"
        for name, part in OPENAPI["components"]["schemas"].items()
        for key, value in part.get("properties", {}).items()
        if not value.get("description") and "const" not in value and "$ref" not in value
    ]
    assert lacking == []
