"""Pages for people, and the files they are of: nothing but what this server holds runs or is shown in them."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self'{styles}; img-src 'self' data:; "
    "connect-src 'self'; worker-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# They are small, and a new version changes them: kept, and asked for by their ETag.
HEADERS = {"cache-control": "no-cache", "referrer-policy": "same-origin"}


def page(html: bytes | str, *, styled: bool = False) -> HTMLResponse:
    """A page whose own inline scripts and styles run, named by their hashes; `styled` lets its scripts write styles."""
    body = html.encode() if isinstance(html, str) else html
    styles = " 'unsafe-inline'" if styled else _hashes(body, b"style")
    policy = POLICY.format(scripts=_hashes(body, b"script"), styles=styles)
    return HTMLResponse(body, headers=HEADERS | {"content-security-policy": policy})


def _hashes(html: bytes, tag: bytes) -> str:
    inline = re.findall(rb"<%b>(.*?)</%b>" % (tag, tag), html, re.DOTALL)
    return "".join(f" 'sha256-{b64encode(sha256(each).digest()).decode()}'" for each in inline)


class Files:
    """The files of a folder, with the headers of the pages that use them. They are small, and given whole."""

    def __init__(self, folder: Path) -> None:
        self.app: ASGIApp = StaticFiles(directory=folder)
        self.headers = HEADERS | {"content-security-policy": POLICY.format(scripts="", styles="")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def out(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self.headers)
                del headers["accept-ranges"]
            await send(message)

        asked = [(name, value) for name, value in scope["headers"] if name != b"range"]
        await self.app({**scope, "headers": asked}, receive, out)
