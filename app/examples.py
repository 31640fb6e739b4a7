"""The answers that the documentation shows: real ones, which `fasti examples` asks for and examples.json keeps."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Scope

from app.formats import CYTOSCAPE, JSON, NDJSON, TIMELINEJS

FILE = Path(__file__).with_name("examples.json")
KEPT: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
"""By operation (with the media type where it is not plain JSON), by schema, and by status where it is a problem."""
HOST = "127.0.0.1:8000"
WHOLE = {JSON.media_type, CYTOSCAPE.media_type, TIMELINEJS.media_type}
# Any: the real one changes with every version.
REVISION = "3f1c0a9be772"
# What makes a long answer short enough to be read.
CHOSEN = {
    "list_evidence": {"stance": "goal"},
    "get_passage": {"id": "hartnett-great-leap-forward-p6"},
    "get_neighbors": {"predicate": "criticized"},
    "get_timeline": {"bucket": "decade", "limit": "1"},
    "get_estimate_comparison": {"place": "china"},
}
SHAPED = {"Sparse": "/v1/events?fields=id,name&limit=1", "JsonLd": "/v1/places/china?format=jsonld"}
"""Requests for what has one schema for all that can be had in it."""
REFUSED: dict[str, tuple[str, dict[str, str]]] = {
    "400": ("/v1/events", {"host": ""}),
    "404": ("/v1/people/great-leap-forward", {}),
    "406": ("/v1/events", {"accept": "text/html"}),
    "414": (f"/v1/events?id={'a' * 9_000}", {}),
    "422": ("/v1/events?stance=assert", {}),
}
"""The requests, and their headers, that get a problem. What gets 503 is an app without data."""


def target(path: str, operation: dict[str, Any]) -> str:
    """The request that an operation's example answers: its parameters' examples, and of a list the first item."""
    given = {each["name"]: each["example"] for each in operation["parameters"] if each["required"]}
    if "cursor" in {each["name"] for each in operation["parameters"]}:
        given["limit"] = 1
    given |= CHOSEN.get(operation["operationId"], {})
    query = urlencode({name: value for name, value in given.items() if f"{{{name}}}" not in path}, doseq=True)
    return path.format_map(given) + (f"?{query}" if query else "")


def name(operation: dict[str, Any], media_type: str) -> str:
    """What the example of an operation's answer is kept under."""
    plain = media_type == JSON.media_type
    return str(operation["operationId"]) if plain else f"{operation['operationId']} {media_type}"


async def ask(app: ASGIApp, target: str, **headers: str) -> str:
    """What the app answers, as a client of a server on this machine gets it."""
    path, _, query = target.partition("?")
    sent = [(name.encode(), value.encode()) for name, value in ({"host": HOST} | headers).items() if value]
    # By this version a long answer does not wait meanwhile for the client to go away.
    scope: Scope = {
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "server": HOST.split(":"),
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "headers": sent,
    }  # fmt: skip
    body = b""

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        nonlocal body
        body += message.get("body", b"")

    await app(scope, receive, send)
    return body.decode()


async def asked(app: Starlette, empty: Starlette, openapi: dict[str, Any]) -> dict[str, Any]:
    """Every example anew, from an app over the seed pack and from one that has no data."""
    found = {}
    async with app.router.lifespan_context(app):
        for path, item in openapi["paths"].items():
            operation = item["get"]
            for media_type in operation["responses"]["200"]["content"].keys() & WHOLE:
                found[name(operation, media_type)] = await ask(app, target(path, operation), accept=media_type)
        export = await ask(app, "/v1/export")
        found[f"get_export {NDJSON.media_type}"] = json.dumps(export[: export.index("\n") + 1])
        for key, url in SHAPED.items():
            found[key] = await ask(app, url)
        for status, (url, headers) in REFUSED.items():
            found[status] = await ask(app, url, **headers)
        revision = await app.state.database.refresh()
    found["503"] = await ask(empty, "/v1/events")
    return {key: json.loads(body.replace(revision, REVISION)) for key, body in sorted(found.items())}
