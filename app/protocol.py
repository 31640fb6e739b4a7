"""A protocol of HTTP, which answers a request whose bytes it has seen before it is parsed.

The one question is put where nothing else is under way: a segment that is one whole request, on a connection between
two requests, whose client reads what it is sent. All else, and all that is to be logged, is left to `limits` and to
uvicorn.
"""

import logging
from math import inf
from typing import Any

from uvicorn.logging import TRACE_LOG_LEVEL
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from app.caching import ANSWERED, STORE, Headers, Seen, Store, Stored
from app.limits import LimitedProtocol, header_lines

LONGEST = 4_096


class RememberingProtocol(LimitedProtocol):
    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        logged = self.access_log and self.access_logger.isEnabledFor(logging.INFO)
        traced = self.logger.isEnabledFor(TRACE_LOG_LEVEL)
        self.store: Store | None = None
        if not (logged or traced):
            self.store = self.app_state.get(STORE)
        # Whether the next byte begins a request, and how many a segment began.
        self.between, self.begun = True, 0
        # The bytes of the request under way, where they came in one segment and nothing after them.
        self.asked, self.answered = b"", -inf
        self.defaults, self.written = Headers(), b""

    def data_received(self, data: bytes) -> None:
        idle = self.between and self.is_open and self._is_idle() and len(data) <= LONGEST
        if idle and self.store is not None and not self.flow.write_paused and (found := self.store.recall(data)):
            self._answer(*found)
            return
        self.asked, self.begun = b"", 0
        super().data_received(data)
        if idle and self.between and self.begun == 1:
            self.asked = data

    def _answer(self, seen: Seen, body: bytes) -> None:
        self.transport.write(b"".join((STATUS_LINE[seen.status], self._default_lines(), seen.head, body)))
        self.server_state.total_requests += 1
        self._settle()
        # The timer that waits for the next request is left as it is, and looks at this when it is up.
        self.answered = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait(self.timeout_keep_alive)

    def _wait(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        left = self.answered + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._wait(left)
        else:
            super().timeout_keep_alive_handler()

    def _default_lines(self) -> bytes:
        # The server makes a new list each second, for the time in it.
        if self.defaults is not self.server_state.default_headers:
            self.defaults = self.server_state.default_headers
            self.written = header_lines(self.defaults)
        return self.written

    def on_message_begin(self) -> None:
        self.between, self.begun = False, self.begun + 1
        super().on_message_begin()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        # What follows an upgrade is no request.
        self.between = not self.parser.should_upgrade()

    def on_response_complete(self) -> None:
        if self.asked and self.store is not None and ANSWERED in self.cycle.scope and self.cycle.keep_alive:
            self._remember(self.store, *self.cycle.scope[ANSWERED])  # type: ignore[literal-required]
        self.asked = b""
        super().on_response_complete()

    def _remember(self, store: Store, status: int, kept: Stored) -> None:
        # Which scheme a proxy may name depends on who it is, and not on these bytes alone.
        if any(name.startswith(b"x-forwarded-") for name, _ in self.headers):
            return
        headers = kept.headers if status == 200 else kept.unchanged
        bodiless = status == 304 or self.scope["method"] == "HEAD"
        if bodiless or any(name == b"content-length" for name, _ in headers):
            head = header_lines(headers) + b"\r\n"
            store.remember(self.asked, Seen(kept.key, status, head, bodiless, len(self.asked) + len(head) + 500))
