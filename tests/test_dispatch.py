"""The straight way to the routes answers what FastAPI's way answers, and leaves to it whatever is wrong."""

from typing import Annotated

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import APIRouter, Path
from fastapi.routing import APIRoute

from app.main import create_app
from app.routers.dispatch import Dispatch, _read
from app.routers.reading import Reader
from tests.test_manners import DETAILS, LISTS, PATHS, examples, parameters, url

pytestmark = pytest.mark.anyio
GOOD = [url(path) for path in PATHS] + [url(each.values[0], **{each.values[1]: each.values[2]}) for each in examples()]
BAD = [
    "/v1/nothing", "/v1/events/", "/v1/events/a/b", "/v1//events", "/v1/events/china/", "/v2/events", "/v1/",
    "/v1/events?stance=assert", "/v1/events?stanc=asserted", "/v1/events?limit=1&limit=2", "/v1/events?limit=",
    "/v1?a=1", "/v1/events?from=1962&to=1960", "/v1/events?from_=1960", "/v1/events?format=xml", "/v1/events?cursor=x",
    "/v1/events?facets=nothing", "/v1/events?fields=nothing", "/v1/events?person=nobody",
    "/v1/events?fields=id&format=ris", "/v1/search", "/v1/search?q=",
    "/v1/paths?from=mao-zedong", "/v1/paths?from=a&to=b", "/v1/timeline?kind=person",
    "/v1/people/great-leap-forward", "/v1/people/mao-zedon", "/v1/people/mao-zedong?limit=2", "/v1/events%0A",
    "/v1/events/great-leap-forward-announcement%0A", "/v1/sources/nothing/passages", "/v1/records/%7Bid%7D/evidence",
    *(path.replace("{id}", "%7Bid%7D") for path in DETAILS),
]  # fmt: skip


class Refused(Exception):
    """A request that should have gone straight went FastAPI's way."""


async def refusing(scope, _receive, _send):
    raise Refused(scope["path"])


def dispatch_of(app):
    layer = app.front
    while not isinstance(layer, Dispatch):
        layer = layer.app
    return layer


def told(response):
    return response.status_code, sorted(response.headers.items()), response.content


@pytest.fixture(scope="module")
async def both(settings):
    """Clients of two apps: one has only the straight way, and the other only FastAPI's."""
    straight, plain = (create_app(settings.model_copy(update={"cache_bytes": 0})) for _ in range(2))
    dispatch_of(plain).ways.clear()
    async with LifespanManager(straight), LifespanManager(plain):
        clients = [httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://fasti.test")
                   for app in (straight, plain)]  # fmt: skip
        yield (dispatch_of(straight), *clients)
        for client in clients:
            await client.aclose()


def test_every_route_has_a_straight_way():
    assert dispatch_of(create_app()).ways.keys() == set(PATHS)


@pytest.mark.parametrize("target", GOOD)
async def test_what_is_right_goes_straight_and_gets_the_same_answer(both, monkeypatch, target):
    dispatch, straight, plain = both
    monkeypatch.setattr(dispatch, "app", refusing)
    headers = {"accept": "text/html, application/json;q=0.5, */*;q=0.1"}
    assert told(await straight.get(target, headers=headers)) == told(await plain.get(target, headers=headers))


@pytest.mark.parametrize("target", BAD)
async def test_what_is_wrong_gets_the_same_problem(both, target):
    _, straight, plain = both
    expected = await plain.get(target)
    assert (expected.status_code in (404, 422)) is not target.endswith("s%0A")
    assert told(await straight.get(target)) == told(expected)


@pytest.mark.parametrize("headers", [{"accept": "text/html"}, {"accept": "application/json;q=0"}])
async def test_what_is_not_acceptable_gets_the_same_problem(both, headers):
    _, straight, plain = both
    expected = await plain.get("/v1/events", headers=headers)
    assert expected.status_code == 406
    assert told(await straight.get("/v1/events", headers=headers)) == told(expected)


@pytest.mark.parametrize("path", LISTS)
async def test_the_next_page_is_where_fastapi_would_say(both, path):
    _, straight, plain = both
    more = {"predicate": "caused"} if "predicate" in {each["name"] for each in parameters(path)} else {}
    for host in ("fasti.test", "[::1]:8000", "fasti.test:99999", "a_b.test"):
        target, headers = url(path, limit=1, **more), {"host": host}
        assert told(await straight.get(target, headers=headers)) == told(await plain.get(target, headers=headers))


async def test_an_app_below_a_path_is_left_to_fastapi(settings):
    app = create_app(settings)
    dispatch_of(app).app = refusing
    transport = httpx.ASGITransport(app, root_path="/below", raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
        assert (await client.get("/v1/events")).status_code == 500
    app.state.database.close()


def test_a_signature_of_another_form_is_left_to_fastapi():
    router = APIRouter()

    @router.get("/a/{id}")
    async def with_a_bound(id: Annotated[str, Path(max_length=3)]): ...

    @router.get("/b")
    async def with_a_parameter_of_its_own(limit: int, reader: Reader): ...

    @router.get("/c/{name}")
    async def with_another_place(name: Annotated[str, Path()]): ...

    assert [_read(route) for route in router.routes if isinstance(route, APIRoute)] == [None, None, None]
