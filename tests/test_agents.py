"""The tools for agents, called by the protocol's own client over HTTP."""

import json
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager

from app.main import create_app

pytestmark = pytest.mark.anyio


@pytest.fixture
async def call(settings):
    """Calls a method of the protocol at /mcp, and gives its result."""
    async with LifespanManager(create_app(settings.model_copy(update={"mcp": True}))) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:

            async def called(method, **params):
                body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
                headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
                response = await client.post("/mcp", json=body, headers=headers)
                assert response.status_code == 200, response.text
                return response.json()["result"]

            yield called


async def tool(call, name, **arguments):
    result = await call("tools/call", name=name, arguments=arguments)
    assert result["isError"] is False, result
    return json.loads(result["content"][0]["text"])


async def test_the_tools_are_listed_as_read_only(call):
    tools = (await call("tools/list"))["tools"]
    assert sorted(each["name"] for each in tools) == [
        "compare_estimates", "find_paths", "get_evidence", "get_record", "list_events", "search",
    ]  # fmt: skip
    assert all(each["annotations"]["readOnlyHint"] and each["description"] for each in tools)


async def test_each_tool_answers_as_the_api_does(call, client):
    asked: list[tuple[str, dict[str, Any], str]] = [
        ("search", {"q": "famine", "kind": ["event"]}, "/v1/search?q=famine&kind=event&limit=10"),
        ("get_record", {"id": "liu-shaoqi"}, "/v1/records/liu-shaoqi?include=relations,citations"),
        ("get_evidence", {"id": "liu-shaoqi"}, "/v1/records/liu-shaoqi/evidence"),
        ("list_events", {"first": "1960", "last": "1960"}, "/v1/events?from=1960&to=1960&total=true"),
        ("compare_estimates", {"measure": ["deaths"]}, "/v1/estimates/compare?measure=deaths"),
        ("find_paths", {"start": "great-leap-failures", "end": "party-split"},
         "/v1/paths?from=great-leap-failures&to=party-split"),
    ]  # fmt: skip
    for name, arguments, target in asked:
        wanted = (await client.get(target)).json()
        found = await tool(call, name, **arguments)
        # Where a count's own list is depends on the host; an agent has none.
        for body in (wanted, found):
            body.pop("facets", None)
        assert found == wanted


async def test_what_is_wrong_is_told_in_the_words_of_the_api(call):
    for name, arguments, words in [
        ("get_record", {"id": "mao-zedon"}, "Did you mean 'mao-zedong'?"),
        ("compare_estimates", {"measure": ["death"]}, "does not occur; these do"),
        ("list_events", {"first": "1960-13"}, "has no month 13"),
    ]:
        result = await call("tools/call", name=name, arguments=arguments)
        assert result["isError"] is True
        assert words in result["content"][0]["text"]


async def test_the_door_is_shut_unless_it_is_opened(client):
    assert (await client.post("/mcp", json={})).status_code == 404
