"""What every route shares: the strict look at the query, the reader, and what OpenAPI says of the answers."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.responses import Response

from app import queries
from app.answers.facets import facets
from app.encoding import query_string
from app.errors import Fault, Problem, nearest, wrong
from app.formats import DATA_PACKAGE, JSON, RECORD_FORMATS, SHAPES, SPARSE, Format, negotiate
from app.params import keys_of, plan
from app.resources import Resource
from app.routers import sending
from app.routers.sending import FORMAT

# What other APIs call it, by what it is called here.
_HERE = {
    "cursor": ("after", "offset", "page", "skip", "start_index"),
    "limit": ("count", "page_size", "pagesize", "per_page", "rows", "size"),
    "from": ("after_date", "begin", "date", "since", "start", "start_date", "year", "years"),
    "to": ("before", "end", "end_date", "until"),
    "sort": ("order", "order_by", "orderby", "sort_by"),
    "include": ("embed", "expand", "with"),
    "fields": ("columns", "properties", "select"),
    "q": ("query", "search", "term", "text"),
    "type": ("category",),
}
USUAL = {theirs: ours for ours, each in _HERE.items() for theirs in each}


async def strict(request: Request) -> None:
    """Refuse what the documentation of this route does not name, and a format that it does not have."""
    name = request.scope["endpoint"].__name__
    allowed = request.app.state.parameters[name]
    faults = []
    for given in dict.fromkeys(request.query_params):
        if given not in allowed:
            usual = USUAL.get(given)
            near = usual if usual in allowed else nearest(given, allowed)
            hint = f"; did you mean {near}?" if near else ""
            detail = f"there is no such parameter here{hint}; these there are: {', '.join(allowed) or 'none'}"
            faults.append(Fault(parameter=given[:100], detail=detail, nearest=near))
        elif not allowed[given] and len(request.query_params.getlist(given)) > 1:
            faults.append(Fault(parameter=given, detail="it may be given once only", nearest=None))
    if faults:
        raise wrong(*faults)
    request.scope[FORMAT] = format_of(request, request.query_params, request.app.state.formats[name])


def format_of(request: Request, given: Mapping[str, Any], formats: Sequence[Format]) -> Format:
    """The one that `format` says outright, or else the one that the Accept header likes best. Raises Problem (406)."""
    if "format" in given:
        # A value that the route does not have is refused with the route's other parameters.
        return next((each for each in formats if each.name == given["format"]), JSON)
    possible = [each for each in formats if each is not SPARSE or "fields" in given]
    chosen = negotiate(sending.header(request, b"accept") or "*/*", possible)
    if chosen is None:
        raise Problem("not-acceptable", f"This is served as {', '.join(each.media_type for each in possible)}.")
    return chosen


class Reading:
    def __init__(self, request: Request) -> None:
        self.request = request

    @property
    def format(self) -> Format:
        chosen: Format = self.request.scope[FORMAT]
        return chosen

    @property
    def base(self) -> str:
        """Where the client finds this API, without a slash at the end."""
        return str(self.request.base_url).rstrip("/")

    async def work_out(self, work: Callable[[Connection], Any], **render: Callable[[Any], bytes]) -> Response:
        """An answer that is computed: by the function that `render` has for the format asked for, or else as JSON.

        Its `next`, where it has one, is a cursor until the URL, which only the request knows, is set in its place.
        """
        answer: Any = await sending.read(self.request, work)
        headers = {}
        if (cursor := getattr(answer, "next", None)) is not None:
            answer.next = self.link({"cursor": cursor})
            headers["link"] = f'<{answer.next}>; rel="next"'
        chosen = self.format
        content = render[chosen.name](answer) if chosen.name in render else answer.model_dump_json().encode()
        return Response(content, media_type=chosen.media_type, headers=headers)

    async def written(self, work: Callable[[Connection], queries.Body], *, sparse: bool = False) -> Response:
        """An answer that `work` has written already, as it is but for the URL of the next page."""
        body = await sending.read(self.request, work)
        if body.cursor is None:
            return _response(body.content, sparse=sparse)
        url = self.link({"cursor": body.cursor})
        return _response(_linked(body.content, url), {"link": f'<{url}>; rel="next"'}, sparse=sparse)

    async def one(self, resource: Resource, name: str, given: Any) -> Response:
        self._suits(resource, given)
        if not self.is_json:
            return await sending.one(self.request, resource, name, given.fields)
        content = await sending.read(
            self.request, lambda c: queries.one(c, resource, name, given.fields, given.include)
        )
        return _response(content, sparse=bool(given.fields))

    async def page(self, resource: Resource, given: Any, **more: list[str]) -> Response:
        self._suits(resource, given)
        if given.facets:
            _known("facets", "facet", given.facets, resource.facets)
        planned = plan(resource, given)
        planned.filters.update(more)
        if not self.is_json:
            return await sending.page(self.request, resource, planned)

        def work(connection: Connection) -> queries.Body:
            added = {"facets": facets(connection, resource, planned, self.link)} if planned.facets else {}
            return queries.page(connection, resource, planned, added)

        return await self.written(work, sparse=bool(given.fields))

    def link(self, changed: dict[str, str]) -> str:
        """This request's URL with some parameters changed; with others than the cursor, the list begins anew."""
        gone = {"cursor", *changed}
        kept = [pair for pair in sending.pairs(self.request) if pair[0] not in gone]
        return f"{sending.address(self.request)}?{query_string([*kept, *changed.items()])}"

    async def stream(self, makers: Mapping[str, Callable[[Connection], Iterator[bytes]]], name: str) -> Response:
        """A long answer, as it comes from the maker of the format asked for."""
        return await sending.stream(self.request, makers[self.format.name], name)

    @property
    def is_json(self) -> bool:
        return self.format in (JSON, SPARSE)

    def _suits(self, resource: Resource, given: Any) -> None:
        """Raises Problem for what a parameter names and this resource, or the format, does not have."""
        if not self.is_json:
            sending.takes(self.format, given)
        if given.fields:
            _known("fields", "key", given.fields, keys_of(resource.wire))

    async def exists(self, resource: Resource, name: str) -> None:
        """Raises Problem (404) when there is no such id."""
        await sending.read(self.request, lambda c: queries.one(c, resource, name, [], []))

    async def about(self) -> Response:
        return _response(await sending.read(self.request, queries.about), sparse=False)


# A coroutine, since FastAPI would call a plain class in a worker thread.
async def _reading(request: Request) -> Reading:
    return Reading(request)


Reader = Annotated[Reading, Depends(_reading)]


def _response(content: bytes, headers: dict[str, str] | None = None, *, sparse: bool) -> Response:
    return Response(content, headers=headers, media_type=(SPARSE if sparse else JSON).media_type)


def _linked(content: bytes, url: str) -> bytes:
    """A page, whose `next` is null until the URL, which only the request knows, is set in its place."""
    head, _, tail = content.rpartition(b'"next":null,"revision"')
    return b'%s"next":%s,"revision"%s' % (head, json.dumps(url).encode(), tail)


def _known(parameter: str, what: str, given: list[str], known: Collection[str]) -> None:
    faults = [
        Fault(parameter=parameter, detail=f"there is no {what} {name!r}; these there are: {', '.join(sorted(known))}",
              nearest=nearest(name, known))
        for name in given
        if name not in known
    ]  # fmt: skip
    if faults:
        raise wrong(*faults)


def answers(model: Any, *others: Format | tuple[Format, type[BaseModel]], sparse: bool = False) -> dict[str, Any]:
    """How a route's answers are documented: exactly what is sent, as JSON or in one of the other formats. `docs` adds
    the problems.

    Another format that is JSON too comes with its model, which `docs` must know.
    """
    content: dict[str, Any] = {}
    for other in others:
        if isinstance(other, Format):
            binary = {"format": "binary"} if other is DATA_PACKAGE else {}
            content[other.media_type] = {"schema": {"type": "string"} | binary}
        else:
            content[other[0].media_type] = {"schema": {"$ref": f"#/components/schemas/{other[1].__name__}"}}
    if sparse:
        shapes = zip(RECORD_FORMATS, SHAPES, strict=True)
        content |= {each.media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}} for each, name in shapes}
        content[SPARSE.media_type] = {"schema": {"$ref": "#/components/schemas/Sparse"}}
    return {
        "response_model": model,
        "responses": {
            200: {
                "description": "Found.",
                "content": content,
                "headers": {
                    "ETag": {"description": "Names this representation.", "schema": {"type": "string"}},
                    "Link": {"description": "The next page, where there is one.", "schema": {"type": "string"}},
                },
            },
            304: {"description": "Not changed since you last asked (`If-None-Match`)."},
        },
    }
