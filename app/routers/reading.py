"""What every route shares: the strict look at the query, the reader, and what OpenAPI says of the answers."""

import json
import re
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import Response

from app import queries
from app.db import Database
from app.errors import MEDIA_TYPE, Fault, Problem, nearest, wrong
from app.params import keys_of, plan
from app.resources import Resource

JSON, SPARSE = "application/json", "application/vnd.fasti.sparse+json"


async def strict(request: Request) -> None:
    """Refuse what the documentation of this route does not name, and a format that it does not have."""
    allowed = request.app.state.parameters[request.scope["endpoint"].__name__]
    faults = []
    for name in dict.fromkeys(request.query_params):
        if name not in allowed:
            near = nearest(name, allowed)
            detail = f"there is no such parameter here; these there are: {', '.join(allowed) or 'none'}"
            faults.append(Fault(parameter=name[:100], detail=detail, nearest=near))
        elif not allowed[name] and len(request.query_params.getlist(name)) > 1:
            faults.append(Fault(parameter=name, detail="it may be given once only", nearest=None))
    if faults:
        raise wrong(*faults)
    if not _accepts(request.headers.get("accept", "*/*")):
        raise Problem("not-acceptable", f"This is served as {JSON} only.")


def _accepts(header: str) -> bool:
    """Whether an Accept header admits JSON: the most specific range that fits decides (RFC 9110, 12.5.1)."""
    best = (0, header.strip() == "")
    for part in header.split(","):
        name, *rest = (piece.strip().lower() for piece in part.split(";"))
        weight = next((piece[2:] for piece in rest if piece.startswith("q=")), "1")
        rank = {"*/*": 1, "application/*": 2, JSON: 3, SPARSE: 3}.get(name, 0)
        if rank >= best[0] and rank:
            best = (rank, re.fullmatch(r"0(\.0*)?", weight) is None)
    return best[1]


class Reading:
    def __init__(self, request: Request) -> None:
        self.request = request
        self.database: Database = request.app.state.database

    async def one(self, resource: Resource, name: str, given: Any) -> Response:
        _known_fields(resource, given.fields)
        await self.database.refresh()
        content = await self.database.read(lambda c: queries.one(c, resource, name, given.fields, given.include))
        return _response(content, sparse=bool(given.fields))

    async def page(self, resource: Resource, given: Any, **more: list[str]) -> Response:
        _known_fields(resource, given.fields)
        planned = plan(resource, given)
        planned.filters.update(more)
        revision = await self.database.refresh()
        body = await self.database.read(lambda c: queries.page(c, resource, planned, revision))
        response = _response(body.content, sparse=bool(given.fields))
        if body.cursor is not None:
            url = str(self.request.url.include_query_params(cursor=body.cursor))
            response.headers["link"] = f'<{url}>; rel="next"'
            response = _linked(response, url)
        return response

    async def exists(self, resource: Resource, name: str) -> None:
        """Raises Problem (404) when there is no such id."""
        await self.database.refresh()
        await self.database.read(lambda c: queries.one(c, resource, name, [], []))

    async def about(self) -> Response:
        await self.database.refresh()
        return _response(await self.database.read(queries.about), sparse=False)


# A coroutine, since FastAPI would call a plain class in a worker thread.
async def _reading(request: Request) -> Reading:
    return Reading(request)


Reader = Annotated[Reading, Depends(_reading)]


def _response(content: bytes, *, sparse: bool) -> Response:
    return Response(content, media_type=SPARSE if sparse else JSON, headers={"vary": "Accept"})


def _linked(response: Response, url: str) -> Response:
    """The page's `next` is null in the body until the URL, which only the request knows, is set in its place."""
    head, _, tail = bytes(response.body).rpartition(b'"next":null,"revision"')
    response.body = head + b'"next":' + json.dumps(url).encode() + b',"revision"' + tail
    response.headers["content-length"] = str(len(response.body))
    return response


def _known_fields(resource: Resource, fields: list[str]) -> None:
    known = keys_of(resource.wire)
    faults = [
        Fault(parameter="fields", detail=f"there is no key {name!r}; these there are: {', '.join(sorted(known))}",
              nearest=nearest(name, known))
        for name in fields
        if name not in known
    ]  # fmt: skip
    if faults:
        raise wrong(*faults)


def answers(model: Any) -> dict[str, Any]:
    """How a route's answers are documented: exactly what is sent."""
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "response_model": model,
        "responses": {
            200: {
                "description": "Found.",
                "content": {SPARSE: {"schema": {"$ref": "#/components/schemas/Sparse"}}},
                "headers": {
                    "ETag": {"description": "Names this representation.", "schema": {"type": "string"}},
                    "Link": {"description": "The next page, where there is one.", "schema": {"type": "string"}},
                },
            },
            304: {"description": "Not changed since you last asked (`If-None-Match`)."},
            404: {"description": "There is nothing here.", "content": problem},
            406: {"description": "No acceptable format.", "content": problem},
            414: {"description": "The URL is too long.", "content": problem},
            422: {"description": "Something in the request is wrong.", "content": problem},
            503: {"description": "The data cannot be read at the moment.", "content": problem},
        },
    }
