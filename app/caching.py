"""ETag, 304 and stored responses, in one ASGI class in front of the API.

A representation is named by the revision and everything in the request that decides its bytes, so that a 304 needs
no database and a stored response can never be of another revision.
"""

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from hashlib import sha256

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import __version__
from app.errors import Problem

CACHED = ("/v1", "/openapi.json")
CACHE_CONTROL = b"public, max-age=60"
# Set in the scope of a request whose answer's body nobody will see: a long one need not be made.
BODILESS = "fasti.bodiless"
READ = "fasti.read"
"""In the scope of a request: where the route notes the revision that it read."""
Headers = list[tuple[bytes, bytes]]
# What stands in a stored response is the same for every client that sends these the same.
_DECIDING = (b"accept", b"accept-encoding", b"host")


class Caching:
    def __init__(self, app: ASGIApp, revision: Callable[[], Awaitable[str]], limit: int) -> None:
        self.app, self.revision, self.limit = app, revision, limit
        self.stored: OrderedDict[bytes, tuple[Headers, bytes]] = OrderedDict()
        self.size = 0
        self.named = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(CACHED):
            await self.app(scope, receive, send)
            return
        try:
            revision = await self.revision()
        except Problem:
            # The route meets the same fault and says so in the form every problem has.
            await self.app(scope, receive, send)
            return
        if revision != self.named:
            self.stored.clear()
            self.size, self.named = 0, revision
        given = dict(scope["headers"])
        key = _key(scope, given)
        tag = _tag(revision, key)
        condition = given.get(b"if-none-match", b"").strip()
        kept = self.stored.get(key)
        # `*` is met by anything that is there, and whether it is there only a first answer can tell.
        if tag[2:] in _TAG.findall(condition) or (condition == b"*" and kept is not None):
            await _answer(send, 304, [(b"etag", tag), *_COMMON], b"")
        elif kept is not None:
            self.stored.move_to_end(key)
            await _answer(send, 200, *kept)
        else:
            await self._ask(scope, receive, send, (key, revision))

    async def _ask(self, scope: Scope, receive: Receive, send: Send, name: tuple[bytes, str]) -> None:
        key, revision = name
        tag = b""
        # The route says here which revision it read: a newer one than was served a moment ago, perhaps.
        read: dict[str, str] = {}
        any_tag = dict(scope["headers"]).get(b"if-none-match") == b"*"
        start: Message = {}
        begun = False

        async def pass_on(message: Message) -> None:
            nonlocal start, begun, revision, tag
            if message["type"] == "http.response.start":
                start = message
                revision = read.get("revision", revision)
                tag = _tag(revision, key)
                if message["status"] == 200:
                    own = [(name, value) for name, value in message["headers"] if name != b"vary"]
                    message["headers"] = [*own, (b"etag", tag), *_COMMON]
                return
            first, begun = not begun, True
            found = start["status"] == 200
            if found and first and not message.get("more_body"):
                self._keep(key, list(start["headers"]), message.get("body", b""), revision)
            if found and any_tag:
                if first:
                    await _answer(send, 304, [(b"etag", tag), *_COMMON], b"")
                return
            if first:
                await send(start)
            # An answer in more than one piece is passed on as it comes, and is not stored.
            await send(message)

        inner = {**scope, READ: read}
        await self.app({**inner, BODILESS: True} if any_tag else inner, receive, pass_on)

    def _keep(self, key: bytes, headers: Headers, body: bytes, revision: str) -> None:
        weight = len(body) + len(key) + 1_000
        # What was read while the revision changed is of another than what is stored.
        if weight > self.limit // 8 or revision != self.named or key in self.stored:
            return
        self.stored[key] = headers, body
        self.size += weight
        while self.size > self.limit:
            old, (_, gone) = self.stored.popitem(last=False)
            self.size -= len(gone) + len(old) + 1_000


_COMMON = [(b"cache-control", CACHE_CONTROL), (b"vary", b"Accept, Accept-Encoding")]
# Opaque tags, weak or strong: the comparison is weak (RFC 9110, 13.1.2).
_TAG = re.compile(rb'(?:W/)?("[^"]*")')


def _tag(revision: str, key: bytes) -> bytes:
    return b'W/"' + sha256(f"{revision} {__version__}".encode() + key).hexdigest()[:24].encode() + b'"'


def _key(scope: Scope, given: dict[bytes, bytes]) -> bytes:
    parts = [scope["path"].encode(), scope["query_string"], scope["scheme"].encode()]
    return b"\n".join([*parts, *(given.get(name, b"") for name in _DECIDING)])


async def _answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
