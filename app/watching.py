"""What is told of every request where an operator asks for it: a line in the log, and counts for Prometheus.

It stands in front of everything, and only where it is asked for: what is answered before it is parsed would pass it by,
so that a server that is watched does without.
"""

import logging
import os
from collections.abc import Collection
from time import perf_counter

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.process_collector import ProcessCollector
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.caching import ANSWERED, Store
from app.logs import REQUEST, request_id

log = logging.getLogger("fasti.access")
TOGETHER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable with the folder in which several workers keep their counts together."""

BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
FOLDERS = ("/static", "/explorer", "/problems")


class Metrics:
    """Counts of one process, or of all workers where they keep them together."""

    def __init__(self, store: Store) -> None:
        self.store, self.registry = store, (own := CollectorRegistry())
        self.requests = Counter("fasti_requests", "By route and status.", ["route", "status"], registry=own)
        self.seconds = Histogram(
            "fasti_request_seconds", "Until the last byte is sent.", ["route"], registry=own, buckets=BUCKETS
        )
        self.under_way = Gauge("fasti_requests_under_way", "Requests.", registry=own, multiprocess_mode="livesum")
        self.stored = Gauge("fasti_stored_bytes", "Of stored responses.", registry=own, multiprocess_mode="livesum")
        self.recalled = Counter("fasti_stored_answers", "Requests answered from what is stored.", registry=own)
        ProcessCollector(registry=own)

    def page(self) -> bytes:
        """All of them, in the text format of Prometheus."""
        registry = self.registry
        if TOGETHER in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def install(app: FastAPI, metrics: Metrics) -> None:
    """Give the app `/metrics`."""

    @app.get("/metrics", include_in_schema=False)
    async def read_metrics() -> Response:
        return Response(metrics.page(), headers={"cache-control": "no-store"}, media_type=CONTENT_TYPE_LATEST)


class Watching:
    """ASGI in front of all. `paths` are those that count as routes of their own, an id in them written `{id}`."""

    def __init__(self, app: ASGIApp, paths: Collection[str], metrics: Metrics | None, *, logged: bool) -> None:
        self.app, self.paths, self.metrics, self.logged = app, paths, metrics, logged

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        id, begun = request_id(scope), perf_counter()
        # A client that leaves before it is answered is told by no status.
        status, size = None, 0

        async def out(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                if status < 500:  # Those have it already.
                    message = {**message, "headers": [*message["headers"], (b"x-request-id", id.encode())]}
            size += len(message.get("body", b""))
            await send(message)

        token = REQUEST.set(scope)
        if self.metrics:
            self.metrics.under_way.inc()
        try:
            await self.app(scope, receive, out)
        finally:
            seconds = perf_counter() - begun
            if self.metrics:
                self._count(self.metrics, scope, status, seconds)
            if self.logged:
                _tell(scope, status, size, seconds)
            REQUEST.reset(token)

    def _count(self, metrics: Metrics, scope: Scope, status: int | None, seconds: float) -> None:
        route = self._route(scope["path"])
        metrics.under_way.dec()
        metrics.requests.labels(route, str(status or "none")).inc()
        metrics.seconds.labels(route).observe(seconds)
        metrics.stored.set(metrics.store.size)
        if ANSWERED in scope:
            metrics.recalled.inc()

    def _route(self, path: str) -> str:
        """A name out of few, whatever paths are asked for."""
        parts = path.split("/", 4)
        named = "/".join([*parts[:3], "{id}", *parts[4:]]) if len(parts) > 3 else path
        folder = f"/{parts[1]}" if len(parts) > 1 else ""
        return next((each for each in (path, named) if each in self.paths), folder if folder in FOLDERS else "other")


def _tell(scope: Scope, status: int | None, size: int, seconds: float) -> None:
    query = scope["query_string"].decode("latin-1")
    fields = {
        "method": scope["method"], "path": scope["path"], "query": query, "status": status, "bytes": size,
        "ms": round(seconds * 1000, 3), "client": (scope.get("client") or [None])[0],
    }  # fmt: skip
    log.info("%s %s", scope["method"], scope["path"], extra={"fields": fields})
