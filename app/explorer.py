"""The explorer: a page for people who would rather look than read. It is static, and asks the public API alone."""

from pathlib import Path

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FILES = Path(__file__).parent / "static"
# Nothing but this server's own files runs or is shown, and no other page may frame it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    # Small files that a new version changes: kept, and asked for by their ETag.
    "cache-control": "no-cache",
}


def install(app: FastAPI) -> None:
    """Give the app the page at `/`, and its files below `/explorer`."""

    @app.get("/", include_in_schema=False)
    async def explorer() -> FileResponse:
        return FileResponse(FILES / "index.html", headers=HEADERS)

    app.mount("/explorer", _Guarded(StaticFiles(directory=FILES)), name="explorer")


class _Guarded:
    """Adds the headers of the page to its files."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def out(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, out)
