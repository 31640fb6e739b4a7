"""The manners of HTTP before anything is parsed: what no route could answer is refused here, a page of any origin may
read every answer, HEAD is a GET whose body stays behind, and whatever fails inside comes out as a problem that tells
nothing of it."""

import logging
import re
from collections.abc import Collection, Mapping
from math import inf
from time import monotonic
from urllib.parse import unquote_to_bytes

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.caching import BODILESS, CORS, Headers
from app.errors import MEDIA_TYPE, Problem, ProblemBody
from app.logs import REQUEST, request_id

ALLOW = "GET, HEAD, OPTIONS"
MAX_URL = 8_000
LIVE = "/health/live"
ARRIVED = "fasti.arrived"
"""In the scope of a request, where the server notes it: at which moment it came in."""

WAIT = 1.0
"""Seconds after which a request that could not be begun is refused: who asks more than can be done is told so soon."""

SAFE = [*CORS, (b"x-content-type-options", b"nosniff")]
log = logging.getLogger("fasti")
_HOST = re.compile(rb"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def internal() -> Problem:
    """What is told of a fault of ours."""
    return Problem("internal", "The fault is ours, and has been logged.")


def respond(problem: Problem) -> Response:
    """A problem as its response."""
    body: ProblemBody = problem.body
    return Response(body.model_dump_json(), problem.status, problem.headers, MEDIA_TYPE)


class Edge:
    """`hosts` are the names that this server answers to, separated by commas; without any, it answers to all."""

    def __init__(self, app: ASGIApp, hosts: str = "") -> None:
        self.app = app
        self.hosts = frozenset(host.strip().lower() for host in hosts.split(",") if host.strip())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and (preflight := _preflight(scope["headers"])):
            await preflight(scope, receive, send)
            return
        head, started, ended = scope["method"] == "HEAD", False, False

        async def out(message: Message) -> None:
            nonlocal started, ended
            started, ended = True, message["type"] == "http.response.body" and not message.get("more_body")
            if message["type"] == "http.response.start":
                named = [(b"x-request-id", request_id(scope).encode())] if message["status"] >= 500 else []
                message["headers"] = [*message["headers"], *SAFE, *named]
            if head and message["type"] == "http.response.body":
                if message.get("more_body"):
                    return
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        REQUEST.set(scope)
        headers = _joined(scope["headers"])
        problem = _late(scope) or _host(scope, headers.get(b"host"), self.hosts) or _refusal(scope, headers)
        if problem is not None:
            await respond(problem)(scope, receive, out)
            return
        inner = {**scope, "method": "GET" if head else scope["method"], "headers": [*headers.items()]}
        inner[BODILESS] = head or scope.get(BODILESS, False)
        try:
            await self.app(inner, receive, out)
        except Exception as error:
            log.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
            if started and not ended:
                raise
            if not started:
                await respond(internal())(scope, receive, out)


def _late(scope: Scope) -> Problem | None:
    if scope.get(ARRIVED, inf) + WAIT > monotonic() or scope["path"] == LIVE:
        return None
    return Problem("unavailable", "More is asked than can be answered: ask again in a moment.")


def _host(scope: Scope, given: bytes | None, hosts: Collection[str]) -> Problem | None:
    if given is None:
        if scope.get("http_version") == "1.1":
            return Problem("bad-request", "A request has a Host header, and this one has none.")
        return None
    if b"," in given:
        return Problem("bad-request", "A request has one Host header, and this one has several.")
    # It comes again in the URLs of the answer.
    found = _HOST.fullmatch(given)
    if found is None:
        return Problem("bad-request", "The Host header is neither a name nor an address, with or without a port.")
    # Who asks for the health asks by an address.
    if hosts and found[1].decode().lower() not in hosts and not scope["path"].startswith("/health/"):
        return Problem("misdirected", "This server does not answer to that name.")
    return None


def _preflight(headers: Headers) -> Response | None:
    """What a browser is told that asks whether a page of another origin may send such a request."""
    given = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(headers)}
    method = given.get("access-control-request-method")
    if method is None or "origin" not in given:
        return None
    allowed = {
        "access-control-allow-origin": "*", "access-control-allow-methods": ALLOW, "access-control-max-age": "86400",
    }  # fmt: skip
    if "access-control-request-headers" in given:
        allowed["access-control-allow-headers"] = given["access-control-request-headers"]
    # A page of the open net has no business with a server of a private one.
    refused = [
        *(["method"] if method not in ALLOW.split(", ") else []),
        *(["private-network"] if "access-control-request-private-network" in given else []),
    ]
    if refused:
        return PlainTextResponse(f"Disallowed CORS {', '.join(refused)}", 400, allowed)
    return PlainTextResponse("OK", 200, allowed)


def _joined(headers: Headers) -> dict[bytes, bytes]:
    """Each header in one line: a list may come in several, and all of them must be heard (RFC 9110, 5.3)."""
    joined = dict(headers)
    if len(joined) < len(headers):
        lines: dict[bytes, list[bytes]] = {}
        for name, value in headers:
            lines.setdefault(name, []).append(value)
        joined = {name: b", ".join(values) for name, values in lines.items()}
    return joined


def _refusal(scope: Scope, headers: Mapping[bytes, bytes]) -> Problem | None:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    if len(raw) + len(query) > MAX_URL:
        return Problem("uri-too-long", f"The URL has more than {MAX_URL} bytes.")
    for name, part in (("path", raw), ("query", query)):
        if b"%" not in part and b"\0" not in part and part.isascii():
            continue
        if _BROKEN.search(part):
            return Problem("invalid-request", f"The {name} has a % that two hexadecimal digits do not follow.")
        plain = unquote_to_bytes(part)
        if b"\0" in plain:
            return Problem("invalid-request", f"The {name} has a NUL character.")
        try:
            plain.decode("utf-8")
        except UnicodeDecodeError:
            return Problem("invalid-request", f"The {name} is not UTF-8 when decoded.")
    has_body = headers.get(b"content-length", b"0").strip(b"0") != b"" or b"transfer-encoding" in headers
    if has_body and scope["method"] in ("GET", "HEAD"):
        return Problem("invalid-request", "A GET takes no body: put what you ask for into the query.")
    return None
