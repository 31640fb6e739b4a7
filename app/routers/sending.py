"""Answers in another form than JSON: which documents go into them, and whether they go out whole or as they come."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from anyio import fail_after, to_thread
from sqlalchemy import Connection
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from app import queries
from app.caching import BODILESS, READ
from app.db import Database, revision_read
from app.errors import Fault, wrong
from app.formats import BIBTEX, CSL, CSV, JSON_LD, NDJSON, RIS, Context, Format, Renderer, citing, linked, table
from app.resources import Resource
from app.selection import Plan

T = TypeVar("T")
FORMAT = "fasti.format"
"""In the scope of a request: the `Format` of its answer."""
QUERY = "fasti.query"
"""In the scope of a request: what `pairs` found in its query."""
RENDERERS: dict[str, Renderer] = {
    CSV.name: table.rows,
    NDJSON.name: table.lines,
    JSON_LD.name: linked.graph,
    CSL.name: citing.csl,
    BIBTEX.name: citing.bibtex,
    RIS.name: citing.ris,
}
WHOLE_LISTS = (CSV, NDJSON)
TAKEN_BY = {"fields": ("json", "csv", "ndjson"), **dict.fromkeys(("include", "facets", "total"), ("json",))}
"""The parameters that not every format has a place for."""
CHUNK = 65_536
PATIENCE = 60.0
"""How many seconds a client may take for one piece before a long answer is broken off."""


def takes(format: Format, given: Any) -> None:
    """Raises Problem where a parameter is given that the format has no place for."""
    faults = [
        Fault(parameter=name, detail=f"{format.name} has no place for it; format={' or '.join(formats)} has",
              nearest=None)
        for name, formats in TAKEN_BY.items()
        if getattr(given, name, None) and format.name not in formats
    ]  # fmt: skip
    if faults:
        raise wrong(*faults)


async def read(request: Request, work: Callable[[Connection], T]) -> T:
    """What `work` finds in the database. Raises Problem as `Database.read` does."""
    database: Database = request.app.state.database
    return await database.read(_noted(request, work))


def _noted(request: Request, work: Callable[[Connection], T]) -> Callable[[Connection], T]:
    """The same work, noting for `Caching` which revision it reads."""

    def noted(connection: Connection) -> T:
        # Not every request comes by way of `Caching`: one without a Host does not.
        request.scope.setdefault(READ, {})["revision"] = revision_read(connection)
        return work(connection)

    return noted


async def one(request: Request, resource: Resource, name: str, fields: list[str]) -> Response:
    """One document by its id, in the format that the request asks for."""
    document, about = await read(
        request, lambda c: (queries.one(c, resource, name, [], []).decode(), json.loads(queries.about(c)))
    )
    context = Context(*_urls(request), name, resource.wire, about, fields, single=True)
    return await _whole(request, [document], context)


async def page(request: Request, resource: Resource, plan: Plan) -> Response:
    """A page of a list; the whole list where the format allows it and nobody set a limit."""
    format: Format = request.scope[FORMAT]
    if format in WHOLE_LISTS and "limit" not in request.query_params:
        render = RENDERERS[format.name]
        context = Context(*_urls(request), resource.name, resource.wire, {}, plan.fields)
        return await stream(request, lambda c: render(queries.walk(c, resource, plan), context), resource.name)
    (documents, cursor), about = await read(
        request, lambda c: (queries.listed(c, resource, plan), json.loads(queries.about(c)))
    )
    onward = None if cursor is None else str(request.url.include_query_params(cursor=cursor))
    context = Context(*_urls(request), resource.name, resource.wire, about, plan.fields, next=onward)
    response = await _whole(request, documents, context)
    if onward is not None:
        response.headers["link"] = f'<{onward}>; rel="next"'
    return response


async def stream(request: Request, make: Callable[[Connection], Iterator[bytes]], name: str) -> Response:
    """What `make` yields, as it comes and from one revision. What fits into one piece is sent, and kept, as a whole."""
    database: Database = request.app.state.database
    pieces = database.stream(_noted(request, lambda connection: gathered(make(connection))))
    first = await anext(pieces, b"")
    headers = _headers(request.scope[FORMAT], name)
    if len(first) < CHUNK:
        await pieces.aclose()
        return Response(first, headers=headers)
    return Streamed(first, pieces, headers, bodiless=request.scope.get(BODILESS, False))


def gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of at least `CHUNK`, only the last may be smaller."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= CHUNK:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


class Streamed(StreamingResponse):
    """A long answer: lets go of its database when it ends, breaks off, or is not taken."""

    def __init__(
        self, first: bytes, rest: AsyncGenerator[bytes, None], headers: dict[str, str], *, bodiless: bool
    ) -> None:
        self.first, self.rest, self.bodiless = first, rest, bodiless
        super().__init__(self._pieces(), headers=headers)

    async def _pieces(self) -> AsyncIterator[bytes]:
        yield self.first
        if not self.bodiless:
            async for piece in self.rest:
                yield piece

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def patiently(message: Message) -> None:
            with fail_after(PATIENCE):
                await send(message)

        try:
            await super().__call__(scope, receive, patiently)
        finally:
            await self.rest.aclose()


async def _whole(request: Request, documents: Iterable[str], context: Context) -> Response:
    format: Format = request.scope[FORMAT]
    # In a thread: a page of graphs or entries would hold up the others for some milliseconds.
    content = await to_thread.run_sync(lambda: b"".join(RENDERERS[format.name](documents, context)))
    return Response(content, headers=_headers(format, context.name))


def pairs(request: Request) -> list[tuple[str, str]]:
    """The names and values of the query, in its order."""
    scope = request.scope
    if QUERY not in scope:
        scope[QUERY] = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    found: list[tuple[str, str]] = scope[QUERY]
    return found


def header(request: Request, name: bytes) -> str | None:
    """A header of the request, as it was sent."""
    return next((value.decode("latin-1") for each, value in request.scope["headers"] if each == name), None)


def address(request: Request) -> str:
    """The request's URL without its query."""
    scope = request.scope
    return _address(scope["scheme"], header(request, b"host"), tuple(scope.get("server") or ()), scope["path"])


@lru_cache(100)
def _address(scheme: str, host: str | None, server: tuple[Any, ...], path: str) -> str:
    """Kept, since to take a URL apart and to join it again costs what a query does."""
    headers = [] if host is None else [(b"host", host.encode("latin-1"))]
    scope = {"scheme": scheme, "headers": headers, "server": server or None, "path": path}
    return str(URL(scope=scope).replace(query=""))


def _urls(request: Request) -> tuple[str, str]:
    return str(request.base_url).rstrip("/"), str(request.url.remove_query_params("format"))


def _headers(format: Format, name: str) -> dict[str, str]:
    headers = {"content-type": format.media_type + format.parameters}
    if format.extension:
        headers["content-disposition"] = f'attachment; filename="{name}.{format.extension}"'
    return headers
