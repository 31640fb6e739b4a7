"""ETag, 304 and stored responses, in one ASGI class in front of everything else.

A representation is named by the revision and everything in the request that decides its bytes, so that a 304 needs
no database and a stored response can never be of another revision. The same bytes decide whether `Edge` lets a
request in: what is stored was let in, and is given again without a second look.
"""

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import __version__
from app.errors import Problem

CACHED = ("/v1", "/openapi.json")
READING = ("GET", "HEAD")
# A cache may give what is a minute old while it asks anew, and for an hour when nobody answers: each answer says its
# revision, and an old one is still true of its sources.
CACHE_CONTROL = b"public, max-age=60, stale-while-revalidate=60, stale-if-error=3600"
# To all and always: a cache that kept an answer to a program would else give it to a browser, which could not read it.
CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Link, Retry-After, X-Request-ID"),
]
# Set in the scope of a request whose answer's body nobody will see: a long one need not be made.
BODILESS = "fasti.bodiless"
READ = "fasti.read"
"""In the scope of a request: where the route notes the revision that it read."""
ANSWERED = "fasti.answered"
"""In the scope of a request that was answered from what is stored: the status, and the `Stored`."""
STORE = "fasti_store"
"""In the state of the application's lifespan: its `Store`."""
Headers = list[tuple[bytes, bytes]]
Key = tuple[object, ...]


class Stored(NamedTuple):
    """A response, the headers of its 304, and how many bytes it weighs with its key."""

    key: Key
    tag: bytes
    headers: Headers
    body: bytes
    unchanged: Headers
    weight: int


class Seen(NamedTuple):
    """How a request of certain bytes is answered: the head without what the server adds, and whose body follows."""

    key: Key
    status: int
    head: bytes
    bodiless: bool
    weight: int


class Store:
    """Responses of one revision, and the bytes of requests that they answer, in `limit` bytes together.

    What was used longest ago makes room. `fresh` is the revision that is served, or None when it is time to look for
    a newer one: only while it is `revision` may what is stored be given.
    """

    def __init__(self, limit: int, fresh: Callable[[], str | None]) -> None:
        self.limit, self.fresh = limit, fresh
        self.responses: OrderedDict[Key, Stored] = OrderedDict()
        self.requests: OrderedDict[bytes, Seen] = OrderedDict()
        self.size = self.size_of_requests = 0
        self.revision = ""

    def turn(self, revision: str) -> None:
        """Drop what is of another revision."""
        if revision != self.revision:
            self.responses.clear()
            self.requests.clear()
            self.size = self.size_of_requests = 0
            self.revision = revision

    def find(self, key: Key) -> Stored | None:
        kept = self.responses.get(key)
        if kept is not None:
            self.responses.move_to_end(key)
        return kept

    def keep(self, response: Stored, revision: str) -> None:
        # What was read while the revision changed is of another than what is stored.
        if response.weight > self.limit // 8 or revision != self.revision or response.key in self.responses:
            return
        self.responses[response.key] = response
        self.size += response.weight
        self._make_room()

    def recall(self, request: bytes) -> tuple[Seen, bytes] | None:
        """How these bytes are answered, and with which body; None when they have to be read."""
        seen = self.requests.get(request)
        if seen is None or self.fresh() != self.revision or (kept := self.find(seen.key)) is None:
            return None
        self.requests.move_to_end(request)
        return seen, b"" if seen.bodiless else kept.body

    def remember(self, request: bytes, seen: Seen) -> None:
        if request not in self.requests and seen.key in self.responses:
            self.requests[request] = seen
            self.size += seen.weight
            self.size_of_requests += seen.weight
            self._make_room()

    def _make_room(self) -> None:
        while self.size > self.limit:
            # One request in the words of a thousand clients must not drive out what the others ask for.
            if self.size_of_requests > self.limit // 4:
                weight = self.requests.popitem(last=False)[1].weight
                self.size_of_requests -= weight
            else:
                weight = self.responses.popitem(last=False)[1].weight
            self.size -= weight


class Caching:
    def __init__(self, app: ASGIApp, store: Store, refresh: Callable[[], Awaitable[str]]) -> None:
        self.app, self.store, self.refresh = app, store, refresh

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in READING or not scope["path"].startswith(CACHED):
            await self.app(scope, receive, send)
            return
        if self.store.fresh() != self.store.revision:
            try:
                self.store.turn(await self.refresh())
            except Problem:
                # The route meets the same fault and says so in the form every problem has.
                await self.app(scope, receive, send)
                return
        key, condition = _read(scope)
        kept = self.store.find(key)
        if kept is None:
            await self._ask(scope, receive, send, key, condition)
            return
        # From here on every microsecond counts.
        if condition and (condition == b"*" or _meets(condition, kept.tag)):
            status, headers, body = 304, kept.unchanged, b""
        else:
            status, headers, body = 200, kept.headers, kept.body if scope["method"] == "GET" else b""
        scope[ANSWERED] = status, kept
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _ask(self, scope: Scope, receive: Receive, send: Send, key: Key, condition: bytes) -> None:
        if b"host" not in dict(key[3:]):  # type: ignore[arg-type]
            # Its URLs are of the address that was asked, which the key does not hold.
            await self.app(scope, receive, send)
            return
        revision = self.store.revision
        tag = _tag(revision, key)
        # `*` is met by anything that is there, and whether it is there only a first answer can tell.
        any_tag, head = condition == b"*", scope["method"] == "HEAD"
        if condition and _meets(condition, tag):
            await _unchanged(send, tag)
            return
        # The route says here which revision it read: a newer one than was served a moment ago, perhaps.
        read: dict[str, str] = {}
        start: Message = {}
        begun = False

        async def pass_on(message: Message) -> None:
            nonlocal start, begun, revision, tag
            if message["type"] == "http.response.start":
                start = message
                if (found_in := read.get("revision", revision)) != revision:
                    revision, tag = found_in, _tag(found_in, key)
                if message["status"] == 200:
                    own = [line for line in message["headers"] if line[0] != b"vary"]
                    message["headers"] = [*own, (b"etag", tag), *_COMMON]
                return
            first, begun = not begun, True
            found = start["status"] == 200
            if found and first and self.store.limit and not message.get("more_body"):
                self.store.keep(_stored(key, tag, start["headers"], message.get("body", b"")), revision)
            if found and any_tag:
                if first:
                    await _unchanged(send, tag)
                return
            if first:
                await send(start)
            # An answer in more than one piece is passed on as it comes, and is not stored.
            if not head:
                await send(message)
            elif not message.get("more_body"):
                await send({"type": "http.response.body", "body": b""})

        # What answers HEAD is stored for GET too.
        inner = {**scope, "method": "GET"} if head else scope
        inner[READ], inner[BODILESS] = read, any_tag or head
        await self.app(inner, receive, pass_on)


_COMMON = [(b"cache-control", CACHE_CONTROL), (b"vary", b"Accept, Accept-Encoding")]
# The headers that decide what is answered, or whether the request is let in.
_DECIDING = frozenset((b"accept", b"accept-encoding", b"host", b"content-length", b"transfer-encoding"))
# Opaque tags, weak or strong: the comparison is weak (RFC 9110, 13.1.2).
_TAG = re.compile(rb'(?:W/)?("[^"]*")')


def _read(scope: Scope) -> tuple[Key, bytes]:
    """All that decides, as it was sent, each line of a header for itself; and the condition."""
    deciding, conditions = [], []
    for line in scope["headers"]:
        if line[0] in _DECIDING:
            deciding.append(line)
        elif line[0] == b"if-none-match":
            conditions.append(line[1])
    key = (scope.get("raw_path") or scope["path"], scope["query_string"], scope["scheme"], *deciding)
    return key, b", ".join(conditions).strip() if conditions else b""


def _tag(revision: str, key: Key) -> bytes:
    # In whatever order the headers came, it is the same.
    named = repr((revision, __version__, key[:3], sorted(key[3:])))  # type: ignore[type-var]
    return b'W/"%b"' % blake2b(named.encode(), digest_size=12).hexdigest().encode()


def _meets(condition: bytes, tag: bytes) -> bool:
    return condition == tag or tag[2:] in _TAG.findall(condition)


def _stored(key: Key, tag: bytes, headers: Headers, body: bytes) -> Stored:
    path, query, _, *deciding = key
    # The objects that hold these bytes weigh more than most of the bytes do.
    weight = sum(map(len, (body, path, query, *chain(*deciding, *headers)))) + 1_000  # type: ignore[arg-type]
    return Stored(key, tag, headers, body, _headers_unchanged(tag), weight)


def _headers_unchanged(tag: bytes) -> Headers:
    return [(b"etag", tag), *_COMMON, *CORS]


async def _unchanged(send: Send, tag: bytes) -> None:
    await send({"type": "http.response.start", "status": 304, "headers": _headers_unchanged(tag)})
    await send({"type": "http.response.body", "body": b""})
