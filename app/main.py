"""The application: the file to read first.

A request passes `Edge` (what no route could answer), CORS, `Caching` (304, stored responses), compression, and then a
route of `routers`, whose parameters `params` describes, whose SQL `queries` writes and whose bytes the tables hold.
"""

import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette_compress import CompressMiddleware

from app import docs
from app.caching import Caching
from app.db import Database
from app.edge import Edge, respond
from app.errors import Fault, Problem, nearest, wrong
from app.routers import evidence, records
from app.routers.reading import strict
from app.settings import Settings

ALLOW = "GET, HEAD, OPTIONS"
log = logging.getLogger("fasti")


def create_app(settings: Settings | None = None) -> FastAPI:
    """The ASGI application over the database that the settings name."""
    settings = settings or Settings()
    database = Database(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        database.close()

    app = FastAPI(
        lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )  # fmt: skip
    app.state.database = database
    for router in (evidence.router, records.router):
        app.include_router(router, prefix="/v1", dependencies=[Depends(strict)])
    docs.install(app)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _failed)
    app.add_middleware(CompressMiddleware, minimum_size=500)
    app.add_middleware(Caching, revision=database.refresh, limit=settings.cache_bytes)
    app.add_middleware(
        CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "HEAD", "OPTIONS"], allow_headers=["*"],
        expose_headers=["ETag", "Link"], max_age=86_400,
    )  # fmt: skip
    app.add_middleware(Edge)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


async def _problem(_: Request, error: Any) -> Response:
    return respond(error)


async def _invalid(_: Request, error: Any) -> Response:
    return respond(wrong(*(_fault(each) for each in error.errors())))


def _fault(error: Any) -> Fault:
    """What Pydantic found, as a client reads it: no class names, no Python."""
    name = str(error["loc"][1]) if len(error["loc"]) > 1 else str(error["loc"][0])
    given = repr(str(error["input"])[:100])
    if error["type"] == "literal_error":
        allowed = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        detail = f"{given} is not allowed; these are: {', '.join(allowed)}"
        return Fault(parameter=name, detail=detail, nearest=nearest(str(error["input"]), allowed))
    message = error["msg"].removeprefix("Value error, ")
    return Fault(parameter=name, detail=f"{given}: {message[:1].lower()}{message[1:]}", nearest=None)


async def _http(request: Request, error: Any) -> Response:
    if error.status_code == 405:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": ALLOW})
        problem = Problem("method-not-allowed", f"{request.method} is not possible here: this API is only read.")
        problem.headers["allow"] = ALLOW
        return respond(problem)
    near = nearest(request.url.path, request.app.openapi()["paths"])
    hint = f" Did you mean {near}?" if near else " Begin at /v1 or /docs."
    return respond(Problem("not-found", f"There is nothing at {request.url.path[:200]!r}.{hint}"))


async def _failed(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return respond(Problem("internal", "The fault is ours, and has been logged."))
