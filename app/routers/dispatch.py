"""A straight way to the routes, for requests with which nothing is wrong.

FastAPI reads the routes' signatures, describes them in the OpenAPI document, and judges what a client sends. What it
does for each request costs several times what the answer does, so a signature of the form that ours have is read once
here, and called. A request that is not plainly right goes FastAPI's way, which says in what it errs: nothing is refused
here that does not stand in the database.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, get_args, get_type_hints

from fastapi import Request, params
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.edge import respond
from app.errors import Problem
from app.formats import Format
from app.routers.reading import Reading, format_of
from app.routers.sending import FORMAT, pairs

Names = tuple[str | None, str | None, str | None]


class Way(NamedTuple):
    """A route: its function, which of its arguments are the id, the parameters and the reader, and what it allows."""

    function: Callable[..., Awaitable[Response]]
    arguments: Names
    model: type[BaseModel] | None
    parameters: Mapping[str, bool]
    """By name, whether each may be given several times."""

    formats: list[Format]


class Dispatch:
    """ASGI, in front of FastAPI's router. `routes` have their whole paths; `ways` are by operation."""

    def __init__(
        self, app: ASGIApp, routes: Mapping[str, APIRoute], parameters: Mapping[str, Mapping[str, bool]],
        formats: Mapping[str, list[Format]],
    ) -> None:  # fmt: skip
        self.app = app
        self.ways: dict[str, Way] = {}
        for path, route in routes.items():
            if (read := _read(route)) is not None:
                function, name = route.endpoint, route.name
                self.ways[path] = Way(function, *read, parameters[name], formats[name])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        straight = scope["type"] == "http" and scope["method"] == "GET" and not scope.get("root_path")
        response = await self._answer(scope) if straight else None
        await (self.app if response is None else response)(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response | None:
        """What the route answers; None where the request has to go FastAPI's way."""
        way, id = self._found(scope["path"])
        if way is None:
            return None
        request = Request(scope)
        given = _given(request, way.parameters)
        if given is None:
            return None
        try:
            scope[FORMAT] = format_of(request, given, way.formats)
            values = (id, way.model and way.model.model_validate(given), Reading(request))
        except (Problem, ValidationError):
            return None
        named = {name: value for name, value in zip(way.arguments, values, strict=True) if name is not None}
        try:
            return await way.function(**named)
        except Problem as problem:
            return respond(problem)

    def _found(self, path: str) -> tuple[Way | None, str | None]:
        """The route of a path, and the id in it, which stands third."""
        way = self.ways.get(path)
        if way is not None and way.arguments[0] is None:
            return way, None
        parts = path.split("/", 4)
        if len(parts) < 4 or not parts[3]:
            return None, None
        id, parts[3] = parts[3], "{id}"
        return self.ways.get("/".join(parts)), id


def _given(request: Request, allowed: Mapping[str, bool]) -> dict[str, Any] | None:
    """The query's values by name; None for a parameter that is not allowed, or not as often."""
    values: dict[str, Any] = {}
    for name, value in pairs(request):
        if allowed.get(name):
            values.setdefault(name, []).append(value)
        elif name in allowed and name not in values:
            values[name] = value
        else:
            return None
    return values


def _read(route: APIRoute) -> tuple[Names, type[BaseModel] | None] | None:
    """Which arguments a route's function takes; None where it takes others than ours do."""
    id = query = reader = model = None
    for name, annotation in get_type_hints(route.endpoint, include_extras=True).items():
        match get_args(annotation):
            case (kind, params.Path(metadata=[])) if kind is str and name == "id":
                id = name
            case (kind, params.Query()) if issubclass(kind, BaseModel):
                query, model = name, kind
            case (kind, params.Depends()) if kind is Reading:
                reader = name
            case _ if name != "return":
                return None
    return (id, query, reader), model
