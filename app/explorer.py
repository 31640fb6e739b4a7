"""The explorer: a page for people who would rather look than read. It is static, and asks the public API alone."""

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import HTMLResponse

from app.pages import Files, page

FILES = Path(__file__).parent / "static"


def install(app: FastAPI) -> None:
    """Give the app the page at `/`, and its files below `/explorer`."""
    html = (FILES / "index.html").read_bytes()

    @app.get("/", include_in_schema=False)
    async def explorer() -> HTMLResponse:
        return page(html)

    app.mount("/explorer", Files(FILES), name="explorer")
