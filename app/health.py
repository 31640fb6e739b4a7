"""What an operator's tools ask: whether the process lives, and whether it has good data to serve."""

from fastapi import FastAPI
from sqlalchemy import text
from starlette.responses import JSONResponse

from app.db import Database
from app.edge import LIVE

NEVER_KEPT = {"cache-control": "no-store"}
REVISION = text("SELECT name FROM revision")


def install(app: FastAPI, database: Database) -> None:
    """Give the app `/health/live`, which asks nobody, and `/health/ready`, which reads from the database.

    The latter is a Problem (503) where no request for data could be answered either.
    """

    @app.get(LIVE, include_in_schema=False)
    async def live() -> JSONResponse:
        return JSONResponse({"status": "live"}, headers=NEVER_KEPT)

    @app.get("/health/ready", include_in_schema=False)
    async def ready() -> JSONResponse:
        await database.refresh()
        revision = await database.read(lambda connection: connection.execute(REVISION).scalar_one())
        return JSONResponse({"status": "ready", "revision": revision}, headers=NEVER_KEPT)
