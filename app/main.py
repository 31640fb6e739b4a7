"""The application: the file to read first.

A request passes `Caching` (304, stored responses), `Edge` (CORS, and what no route could answer), compression, and
`Dispatch`, which calls a route of `routers`, whose parameters `params` describes, whose SQL `queries` writes and whose
bytes the tables hold.
"""

import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette_compress import CompressMiddleware, add_compress_type

from app import docs, explorer, health
from app.caching import CACHED, STORE, Caching, Store
from app.db import Database
from app.edge import ALLOW, Edge, internal, respond
from app.errors import Fault, Problem, nearest, wrong
from app.formats import RECORD_FORMATS, SPARSE
from app.memory import keep_freed
from app.params import malformed
from app.routers import comparison, evidence, export, graph, records, search, timeline
from app.routers.dispatch import Dispatch
from app.routers.reading import strict
from app.settings import Settings
from app.vocabulary import PLURALS


class Application(FastAPI):
    """FastAPI behind what answers before it: most requests are done when it would hear of them."""

    front: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        await self.front(scope, receive, send)


class Compressing(CompressMiddleware):
    """Passes by who takes nothing compressed, where `Caching` says what an answer varies with."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = scope["type"] != "http" or any(name == b"accept-encoding" for name, _ in scope["headers"])
        if taken or not scope["path"].startswith(CACHED):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The ASGI application over the database that the settings name."""
    settings = settings or Settings()
    database = Database(settings)
    store = Store(settings.cache_bytes, database.fresh)
    agents = _agents(database) if settings.mcp else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        keep_freed()
        async with agents.router.lifespan_context(agents) if agents else nullcontext():
            yield {STORE: store}
        database.close()

    app = Application(
        lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )  # fmt: skip
    app.state.database = database
    # `/estimates/compare` comes before `/estimates/{id}`, which would take it for an id.
    routers = [module.router for module in (evidence, search, graph, timeline, comparison, records, export)]
    for router in routers:
        app.include_router(router, prefix="/v1", dependencies=[Depends(strict)])
    routes = {f"/v1{route.path}": route for router in routers for route in router.routes}
    docs.install(app, routes)
    explorer.install(app)
    health.install(app, database)
    if agents:
        app.router.routes += agents.routes
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(Exception, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for format in (SPARSE, *RECORD_FORMATS):
        add_compress_type(format.media_type)
    dispatch = Dispatch(super(Application, app).__call__, routes, app.state.parameters, app.state.formats)
    edge = Edge(Compressing(dispatch, minimum_size=500), settings.hosts)
    front: ASGIApp = Caching(edge, store, database.refresh)
    if settings.access_log or settings.metrics:
        front = _watched(app, front, store, settings, routes)
    app.front = front
    return app


def _watched(app: FastAPI, front: ASGIApp, store: Store, settings: Settings, routes: Collection[str]) -> ASGIApp:
    # Its library takes its time to import, and most do without.
    from app import watching

    metrics = watching.Metrics(store) if settings.metrics else None
    if metrics:
        watching.install(app, metrics)
    paths = {*routes, *(getattr(route, "path", "") for route in app.routes)}
    return watching.Watching(front, paths, metrics, logged=settings.access_log)


def _agents(database: Database) -> Starlette:
    # Its library is an extra, and takes its time to import.
    try:
        from app.agents import door
    except ModuleNotFoundError as error:
        raise SystemExit(f"FASTI_MCP needs the extra `fasti[mcp]`, which is not installed ({error}).") from None

    return door(database)


def _operation_id(route: APIRoute) -> str:
    return route.name


async def _problem(_: Request, error: Any) -> Response:
    return respond(error)


async def _failed(*_: Any) -> Response:
    # `Edge` logs it, to which it goes on from here.
    return respond(internal())


async def _invalid(_: Request, error: Any) -> Response:
    # A parameter that may be left out is a union with None, and that a text is not None says nothing to a client.
    return respond(wrong(*(_fault(each) for each in error.errors() if each["type"] != "none_required")))


def _fault(error: Any) -> Fault:
    """What Pydantic found, as a client reads it: no class names, no Python."""
    name = str(error["loc"][1]) if len(error["loc"]) > 1 else str(error["loc"][0])
    if error["type"] == "too_long":
        return Fault(parameter=name, detail=f"at most {error['ctx']['max_length']} values", nearest=None)
    if error["type"] == "missing":
        return Fault(parameter=name, detail="it has to be given here", nearest=None)
    given = repr(str(error["input"])[:100])
    if error["type"] == "literal_error":
        allowed = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        detail = f"{given} is not allowed; these are: {', '.join(allowed)}"
        return Fault(parameter=name, detail=detail, nearest=nearest(str(error["input"]), allowed))
    if error["type"] == "string_pattern_mismatch":
        return malformed(name, str(error["input"]), error["ctx"]["pattern"])
    message = error["msg"].removeprefix("Value error, ")
    said = message if message.startswith(given) else f"{given}: {message[:1].lower()}{message[1:]}"
    return Fault(parameter=name, detail=said, nearest=None)


async def _http(request: Request, error: Any) -> Response:
    if error.status_code == 405:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": ALLOW})
        problem = Problem("method-not-allowed", f"{request.method} is not possible here: this API is only read.")
        problem.headers["allow"] = ALLOW
        return respond(problem)
    near = _near(request)
    hint = f" Did you mean {near}?" if near else " Begin at /v1 or /docs."
    return respond(Problem("not-found", f"There is nothing at {request.url.path[:200]!r}.{hint}"))


def _near(request: Request) -> str | None:
    """The list whose name is most like the one in the path, where a kind's own name counts as its list's; or what there
    is below an item, in its right place."""
    wanted, *more = [part for part in request.url.path.split("/") if part and part != "v1"] or [""]
    state = request.app.state
    if len(more) == 2 and (below := nearest(more[1], state.below)):
        return str(state.below[below]).format(id=more[0])
    near = PLURALS.get(wanted) or nearest(wanted, state.lists)  # type: ignore[call-overload]
    return f"/v1/{near}" if near else None
