"""uvicorn's protocol, with an end to everything that a client can make long: what it sends, and how slowly; what it
does not read; how many connections there are. What is refused here is told as a problem like any other.
"""

import asyncio
import fcntl
import termios
from array import array
from asyncio import TimerHandle
from contextlib import suppress
from time import monotonic
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from app.caching import Headers
from app.edge import ARRIVED, LIVE, MAX_URL, SAFE, respond
from app.errors import Problem

HEAD_BYTES, HEADERS, BODY_BYTES = 32_768, 100, 1_048_576
PIPELINED = 100
"""Requests of one connection that wait for the answer to another."""

REQUEST_SECONDS = 10.0
"""From the first byte of a request, or the begin of its connection, to its last one."""

UNREAD_SECONDS, UNREAD_BYTES = 60.0, 16_384
"""A client has to read so much in so long. Of what it reads this side hears late, a sixteenth of its room at once: some
hundred kilobytes."""

UNSENT_BYTES = 67_108_864
"""Of all answers that wait for slow clients; the one that has waited longest makes room."""

LINGER_SECONDS = 1.0
"""How long is listened to one who was refused, that he may read why before the connection is gone."""

LEAVE_SECONDS = 0.5
"""How long a server that ends waits for what may be on its way on connections that are idle."""

SPARE = 100
"""Connections above the limit on which `/health/live` is still answered, and all else is refused."""

HEAD, BODY = "head", "body"
_SLOW: dict["LimitedProtocol", None] = {}
"""The connections of this process whose clients do not read as fast as they are answered, oldest first."""


class _Refused(Exception):
    """Ends the parser."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's `limit_concurrency` is how many connections a process has at once; None sets no limit."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # uvicorn would count requests by it too, and refuse in words of its own.
        self.limit_connections, self.limit_concurrency = self.limit_concurrency, None
        # Which part of a request is being read, if any, and in which segment; how large are its head so far, its body,
        # and all that has come since its head; and until when it has to be whole.
        self.part, self.segment, self.head, self.body, self.rest = "", b"", 0, 0, 0
        self.deadline: TimerHandle | None = None
        self.unread: TimerHandle | None = None
        self.refused: Problem | None = None
        self.running: RequestResponseCycle | None = None
        self.outgoing: _Outgoing
        # Whether it hears anything, is one that only tells that there are too many, and may ask more than once.
        self.is_deaf, self.is_spare, self.is_open = False, False, True

    # What is read.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.outgoing = _Outgoing(self)
        above = 0 if self.limit_connections is None else len(self.connections) - self.limit_connections
        if above > SPARE:
            self.is_deaf, self.is_open = True, False
            self._tell(_too_many())
            transport.close()
        else:
            self.is_spare, self.is_open = above > 0, above <= 0
            self.deadline = self.loop.call_later(1 if self.is_spare else REQUEST_SECONDS, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle()
        self._caught_up()
        self._drop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.is_deaf:
            return
        self.segment = data
        # What came with the end of another request is not counted, so that a head may be longer by one segment.
        if self.part == BODY:
            self.rest += len(data)
        else:
            self.head += len(data)
        super().data_received(data)
        self.segment = b""
        if self.is_deaf:
            return
        if self.part == HEAD and self.head > HEAD_BYTES:
            self._refuse(self._large_head())
        elif self.part == BODY and self.rest > 2 * BODY_BYTES:
            # Chunks of nothing, or trailers without end.
            self._refuse(_large_body())
        elif self.deadline is None and (self.part or (self.timeout_keep_alive_task is None and self._is_idle())):
            self.deadline = self.loop.call_later(REQUEST_SECONDS, self._too_late)

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= PIPELINED:
            # They are answered, and then the connection ends: what follows can be asked again on another.
            self._stop(Problem("unavailable", "Too many requests were sent without waiting for answers."))
        self.part, self.body = HEAD, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        # Nobody reads what trails a body.
        if self.part != BODY:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if len(self.headers) > HEADERS or (
            max(self.head, len(self.segment)) > HEAD_BYTES and self._head_bytes() > HEAD_BYTES
        ):
            self._stop(self._large_head())
        if self.is_spare and self.url != LIVE.encode():
            self._stop(_too_many())
        if any(name == b"content-length" and int(value) > BODY_BYTES for name, value in self.headers):
            self._stop(_large_body())
        super().on_headers_complete()
        self.part, self.head, self.rest = BODY, 0, 0
        if not self.is_open:
            self.cycle.keep_alive = False

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        # Its turn on its connection has come: what it waits for from now on is this process.
        cycle.scope[ARRIVED] = monotonic()  # type: ignore[literal-required]
        self.running, self.outgoing.held = cycle, None
        cycle.transport = self.outgoing  # type: ignore[assignment]
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        self.body += len(body)
        if self.body > BODY_BYTES:
            self._stop(_large_body())
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.part = ""
        self._settle()
        super().on_message_complete()

    def _settle(self) -> None:
        """Nothing is waited for any more."""
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def _too_late(self) -> None:
        self.deadline = None
        if not self.part:
            self._close()
        elif self.pipeline or (self.part == HEAD and not self._is_idle()):
            # It may not have been read, since others come first.
            self.deadline = self.loop.call_later(REQUEST_SECONDS, self._too_late)
        else:
            self._refuse(Problem("too-slow", f"A request has to be here {REQUEST_SECONDS:.0f} s after its first byte."))

    def _large_head(self) -> Problem:
        if len(self.url) > MAX_URL:
            return Problem("uri-too-long", f"The URL has more than {MAX_URL} bytes.")
        return Problem("headers-too-large", f"At most {HEADERS} headers and {HEAD_BYTES} bytes are read.")

    # What is refused.

    def _stop(self, problem: Problem) -> None:
        """Refuse the request that is being parsed, and read no more."""
        self.refused = problem
        raise _Refused

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (uvicorn says it in words of its own)
        self._refuse(self.refused or _malformed(self.segment))

    def _refuse(self, problem: Problem) -> None:
        """Answer what came before, then tell the problem if there is a place for it, and end the connection."""
        self.is_deaf, self.is_open = True, False
        self._settle()
        if self.part == BODY and self.pipeline:
            # Its turn has not come, and it will never be whole.
            self.pipeline.popleft()
            self.cycle = self.pipeline[0][0] if self.pipeline else self.running  # type: ignore[assignment]
            self.part = ""
        if self._is_idle():
            # A body may come after its answer.
            if self.part != BODY:
                self._tell(problem)
            self._end()
        elif self.part != BODY or self.cycle.response_started:
            self.cycle.keep_alive = False
            self.outgoing.lingers = True
        else:
            self._tell(problem)
            self._drop()
            self._end()

    def _is_idle(self) -> bool:
        """Whether all that was asked is answered."""
        return self.cycle is None or self.cycle.response_complete

    def _tell(self, problem: Problem) -> None:
        response = respond(problem)
        headers = [*self.server_state.default_headers, *response.raw_headers, *SAFE, (b"connection", b"close")]
        status, body = STATUS_LINE[response.status_code], bytes(response.body)
        self.transport.write(b"".join((status, header_lines(headers), b"\r\n", body)))

    def _end(self) -> None:
        # To close while bytes arrive would reset the connection, and take away what was just written.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self._close)

    def _close(self) -> None:
        """End the connection when the last byte is read, or is not read in time."""
        self.transport.close()
        self._watch()

    def _abort(self) -> None:
        self._drop()
        self.transport.abort()

    def _drop(self) -> None:
        """Nobody hears any more what is being answered, nor what would be; uvicorn thinks of the last request only."""
        self.pipeline.clear()
        if self.running is not None:
            self.running.disconnected = True
            self.running.message_event.set()

    # What is written.

    def pause_writing(self) -> None:
        super().pause_writing()
        _SLOW[self] = None
        self._look_again()
        while sum(each.transport.get_write_buffer_size() for each in _SLOW) > UNSENT_BYTES:
            slowest = next(iter(_SLOW))
            slowest._caught_up()
            slowest._abort()

    def resume_writing(self) -> None:
        self._caught_up()
        super().resume_writing()
        self._watch()

    def on_response_complete(self) -> None:
        self.outgoing.flush()
        super().on_response_complete()
        self._watch()

    def _watch(self) -> None:
        """See to it that a connection that is to end does."""
        if self.transport.is_closing() and self.unread is None and self.transport.get_write_buffer_size():
            self._look_again()

    def _caught_up(self) -> None:
        _SLOW.pop(self, None)
        if self.unread is not None:
            self.unread.cancel()
            self.unread = None

    def _look_again(self) -> None:
        self.unread = self.loop.call_later(UNREAD_SECONDS, self._has_read, self._unread_bytes())

    def _unread_bytes(self) -> int:
        """What waits here and in the kernel, which takes more only when a good part of what it has is gone."""
        held = array("i", [0])
        with suppress(OSError):
            fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, held)
        return self.transport.get_write_buffer_size() + held[0]

    def _has_read(self, before: int) -> None:
        self.unread = None
        # Nothing is added while writing is paused.
        if not self.transport.get_write_buffer_size():
            return
        if self._unread_bytes() > before - UNREAD_BYTES:
            self._abort()
        else:
            self._look_again()

    def timeout_keep_alive_handler(self) -> None:
        # The time of a request that is half here is another.
        if not self.part:
            self._close()

    # How it ends.

    def shutdown(self) -> None:
        self.is_open = False
        if self._is_idle():
            self.loop.call_later(LEAVE_SECONDS, self._leave)
        else:
            super().shutdown()

    def _leave(self) -> None:
        # What was begun meanwhile ends by itself.
        if self._is_idle() and not self.part:
            self._close()


class _Outgoing:
    """The transport that a request is answered on. The head of an answer is sent in one segment with the first of its
    body, where that follows at once.
    """

    def __init__(self, protocol: LimitedProtocol) -> None:
        self.protocol, self.transport = protocol, protocol.transport
        self.is_closing = protocol.transport.is_closing
        # The head, None until an answer begins and empty once it is sent; whether to listen on after the last answer.
        self.held: bytes | None = None
        self.lingers = False

    def write(self, data: bytes) -> None:
        if self.held:
            data, self.held = self.held + data, b""
        elif self.held is None and self.protocol.running.response_started:  # type: ignore[union-attr]
            self.held = data
            self.protocol.loop.call_soon(self.flush)
            return
        self.transport.write(data)

    def flush(self) -> None:
        """Send a head that no body has followed."""
        if self.held and not self.is_closing():
            self.write(b"")

    def close(self) -> None:
        self.flush()
        if self.lingers:
            # Nothing is answered after this.
            self.protocol.pipeline.clear()
            self.protocol._end()
        else:
            self.transport.close()


def _too_many() -> Problem:
    return Problem("unavailable", "There are as many connections as there can be: come again in a moment.")


def _malformed(data: bytes) -> Problem:
    """What cannot be parsed; the beginner's way to it is a letter that a URL has no place for."""
    line = data.partition(b"\r\n")[0]
    if line.isascii() or not line.startswith((b"GET /", b"HEAD /")):
        return Problem("bad-request", "This is not a request as HTTP/1.1 has them.")
    return Problem("bad-request", "A URL is of ASCII: write every other letter percent-encoded, such as %C3%A9 for é.")


def _large_body() -> Problem:
    return Problem("content-too-large", f"A body has at most {BODY_BYTES} bytes.")


def header_lines(headers: Headers) -> bytes:
    """Headers as they are sent."""
    return b"".join(b"%b: %b\r\n" % (name.lower(), value) for name, value in headers)
