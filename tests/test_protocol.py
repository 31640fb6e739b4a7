"""A request that was seen before is answered without being parsed, and nobody can tell: raw bytes to real servers."""

import asyncio
import logging
import re

import pytest

from app.limits import LimitedProtocol
from app.load import load
from app.protocol import LONGEST, RememberingProtocol
from app.settings import Settings
from tests.conversation import HOST, LAST, request, serving, talk

pytestmark = pytest.mark.anyio
PLAIN = "GET /v1/events?limit=2 HTTP/1.1", HOST
OTHER = "GET /v1/people?limit=3 HTTP/1.1", HOST


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('protocol') / 'fasti.db'}"
    settings = Settings(database_url=url, source_dir=None, refresh_seconds=3600)
    load(settings)
    return settings


@pytest.fixture(scope="module")
async def plain(loaded):
    async with serving(loaded, http=LimitedProtocol) as server:
        yield server


@pytest.fixture(scope="module")
async def remembering(loaded):
    async with serving(loaded, http=RememberingProtocol) as server:
        yield server


def undated(answer):
    """Without what differs: the time, and the port in the URLs of one who named no host."""
    return re.sub(rb"127.0.0.1:\d+", b"here", re.sub(rb"(?m)^date: .*\r$", b"date: now\r", answer))


async def tag(server):
    answer = await talk(server, [request(*PLAIN)])
    return answer.partition(b"etag: ")[2].split()[0].decode()


async def turns():
    """Long enough for the server to read what was written, and not for a thread to have ended."""
    for _ in range(3):
        await asyncio.sleep(0)


WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")  # fmt: skip
# What is sent, in segments, and how many of them are answered from memory when all have been sent before.
CASES = {
    "get": ([request(*PLAIN)], 1),
    "get again and again": ([request(*PLAIN)] * 3, 3),
    "get of another": ([request(*OTHER)], 1),
    "get with more headers": ([request(*PLAIN, "Accept: */*", "User-Agent: x", "Cookie: a=b")], 1),
    "get compressed": ([request("GET /v1/events HTTP/1.1", HOST, "Accept-Encoding: br")], 1),
    "get csv": ([request("GET /v1/events HTTP/1.1", HOST, "Accept: text/csv")], 1),
    "openapi": ([request("GET /openapi.json HTTP/1.1", HOST)], 1),
    "head": ([request("HEAD /v1/events?limit=2 HTTP/1.1", HOST)], 1),
    "head, get, head": ([request("HEAD /v1/events?limit=2 HTTP/1.1", HOST), request(*PLAIN)] * 2, 4),
    "star": ([request(*PLAIN, "If-None-Match: *")], 1),
    "unchanged": ([request(*PLAIN, "If-None-Match: TAG")], 1),
    "unchanged in a list": ([request(*PLAIN, 'If-None-Match: "x", TAG', "If-None-Match: W/y")], 1),
    "changed": ([request(*PLAIN, 'If-None-Match: "other"')], 1),
    "head unchanged": ([request("HEAD /v1/events?limit=2 HTTP/1.1", HOST, "If-None-Match: TAG")], 1),
    "keep-alive": ([request(*PLAIN, "Connection: keep-alive")], 1),
    "crlf first": ([b"\r\n" + request(*PLAIN)], 1),
    "crlf after": ([request(*PLAIN) + b"\r\n", request(*PLAIN)], 2),
    "expect": ([request(*PLAIN, "Expect: 100-continue")], 1),
    "no body": ([request(*PLAIN, "Content-Length: 0")], 1),
    "absolute form": ([request("GET http://b.example/v1/events?limit=2 HTTP/1.1", HOST)], 1),
    "close": ([request(*PLAIN, "Connection: close")], 0),
    "1.0": ([request("GET /v1/events?limit=2 HTTP/1.0", HOST)], 0),
    "1.0 keep-alive": ([request("GET /v1/events?limit=2 HTTP/1.0", HOST, "Connection: keep-alive")], 0),
    "1.0 without a host": ([request("GET /v1/events?limit=2 HTTP/1.0")], 0),
    "no host": ([request("GET /v1/events?limit=2 HTTP/1.1")], 0),
    "two hosts": ([request(*PLAIN, "Host: b.example")], 0),
    "not found": ([request("GET /v1/events/none HTTP/1.1", HOST)], 0),
    "wrong": ([request("GET /v1/events?bogus=1 HTTP/1.1", HOST)], 0),
    "malformed": ([request("GET /v1/%zz HTTP/1.1", HOST)], 0),
    "docs": ([request("GET /docs HTTP/1.1", HOST)], 0),
    "options": ([request("OPTIONS /v1/events HTTP/1.1", HOST)], 0),
    "preflight": ([request("OPTIONS /v1 HTTP/1.1", HOST, "Origin: x", "Access-Control-Request-Method: GET")], 0),
    "post": ([request("POST /v1/events HTTP/1.1", HOST, "Content-Length: 2", body="{}"), request(*PLAIN)], 1),
    "post in two": ([request("POST /v1/events HTTP/1.1", HOST, "Content-Length: 2"), b"{}", request(*PLAIN)], 1),
    "get with a body": ([request(*PLAIN, "Content-Length: 2", body="{}"), request(*PLAIN)], 1),
    "chunked body": ([request(*PLAIN, "Transfer-Encoding: chunked", body="2\r\n{}\r\n0\r\n\r\n")], 0),
    # A body that is itself a request that was seen before.
    "body like a request": (
        [request("POST /v1/events HTTP/1.1", HOST, f"Content-Length: {len(request(*PLAIN))}"), request(*PLAIN)], 0),
    "head and headers apart": ([request(*PLAIN)[:40], request(*PLAIN)[40:], request(*PLAIN)], 1),
    "a request as the end of another": ([b"GET /v1 HTTP/1.1\r\nX: ", request(*PLAIN)], 0),
    "two in one": ([request(*PLAIN) * 2], 0),
    "three of two in one": ([request(*PLAIN) + request(*OTHER) + request(*PLAIN)], 0),
    "hit and miss in one": ([request(*PLAIN) + request("GET /v1/none HTTP/1.1", HOST) + request(*OTHER)], 0),
    "one and a half": ([request(*PLAIN) + request(*OTHER)[:9], request(*OTHER)[9:], request(*PLAIN)], 1),
    "garbage": ([b"\x16\x03\x01\x02\x00"], 0),
    "garbage after": ([request(*PLAIN), b"nonsense\r\n\r\n"], 1),
    "small letters": ([request("get /v1/events?limit=2 HTTP/1.1", HOST)], 0),
    "folded": ([request(*PLAIN, "X: a", " b")], 0),
    "h2c": ([request(*PLAIN, "Connection: Upgrade", "Upgrade: h2c"), request(*PLAIN)], 0),
    "websocket": ([request(*PLAIN, *WEBSOCKET)], 0),
    "long": ([request(*PLAIN, f"X: {'x' * LONGEST}")], 0),
    "forwarded": ([request(*PLAIN, "X-Forwarded-Proto: https", "X-Forwarded-For: 1.2.3.4")], 0),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_nobody_can_tell_that_an_answer_was_remembered(plain, remembering, name):
    segments, recalled = CASES[name]
    segments = [segment.replace(b"TAG", (await tag(plain)).encode()) for segment in segments]
    # What comes behind the last request of a connection may have the kernel take its answer back.
    last = name not in ("close", "1.0", "1.0 without a host")
    wanted = undated(await talk(plain, segments, last))
    assert undated(await talk(plain, segments, last)) == wanted
    # The first is worked out or found, the second found, from the third on it is remembered.
    for _ in range(3):
        remembering.recalled.clear()
        assert undated(await talk(remembering, segments, last)) == wanted
    assert (len(remembering.recalled), wanted.count(b"HTTP/1.1 ") > 0) == (recalled, True)
    assert b"HTTP/1.1 500" not in wanted


async def test_a_request_may_be_cut_anywhere(plain, remembering):
    whole = request(*PLAIN)
    wanted = undated(await talk(plain, [whole] * 2))
    for cut in range(1, len(whole)):
        assert undated(await talk(remembering, [whole[:cut], whole[cut:], whole])) == wanted
    assert undated(await talk(remembering, [*(bytes([byte]) for byte in whole), whole])) == wanted


async def test_requests_that_do_not_wait_are_answered_in_their_order(plain, remembering):
    """One that has to be worked out, and at once behind it, each in a segment, what is remembered."""
    # It is written in a worker thread, and its server free meanwhile.
    slow = [request(f"GET /v1/events?format=jsonld&limit={n} HTTP/1.1", HOST) for n in range(1, 6)]
    segments = [segment for each in slow for segment in (each, request(*PLAIN))]
    wanted = undated(await talk(plain, [b"".join(segments)]))
    for _ in range(3):
        await talk(remembering, [request(*PLAIN)])
    reader, writer = await asyncio.open_connection("127.0.0.1", remembering.port)
    for segment in (*segments, request(*LAST)):
        writer.write(segment)
        await turns()
    assert undated(await reader.read()) == wanted
    writer.close()


async def test_a_client_that_does_not_read_is_waited_for(remembering):
    sent = request("GET /v1/events?limit=200 HTTP/1.1", HOST)
    answer = await talk(remembering, [sent] * 3)
    length = len(undated(answer)) // 3
    reader, writer = await asyncio.open_connection("127.0.0.1", remembering.port, limit=1_000)
    [connection] = [
        each for each in remembering.server_state.connections if each.client == writer.get_extra_info("sockname")
    ]
    for _ in range(90):
        writer.write(sent)
        await turns()
    assert connection.transport.get_write_buffer_size() < 65_536 + 2 * length
    writer.write(request(*LAST))
    assert (await reader.read()).count(b"HTTP/1.1 200 OK\r\n") == 91
    writer.close()


async def test_what_follows_a_body_is_not_taken_for_a_request_with_it(plain, remembering):
    """The answer to a POST does not wait for its body, whose end comes in one segment with the next request."""
    tail = b"{}" + request(*PLAIN)
    for _ in range(3):
        await talk(remembering, [request("POST /v1/events HTTP/1.1", HOST, "Content-Length: 2"), tail])
    assert undated(await talk(remembering, [tail])) == undated(await talk(plain, [tail]))


async def test_what_is_remembered_counts_and_keeps_the_time(loaded):
    async with serving(loaded, http=RememberingProtocol, timeout_keep_alive=3600) as server:
        for _ in range(2):
            await talk(server, [request(*PLAIN)], last=False, read=1)
        before = server.server_state.total_requests
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request(*PLAIN))
        await reader.readuntil(b"\r\n\r\n")
        assert (server.server_state.total_requests, len(server.recalled)) == (before + 1, 1)
        [connection] = server.server_state.connections
        # The time is up for the request before: not for this one.
        first = connection.timeout_keep_alive_task
        assert first is not None
        connection.timeout_keep_alive_handler()
        assert not connection.transport.is_closing()
        assert connection.timeout_keep_alive_task not in (None, first)
        connection.answered -= 3600
        connection.timeout_keep_alive_handler()
        assert connection.transport.is_closing()
        await reader.read()
        writer.close()


async def test_a_server_that_ends_ends_the_connections_that_wait(loaded):
    async with serving(loaded, http=RememberingProtocol) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for _ in range(3):
            writer.write(request(*PLAIN))
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.01)
        assert server.recalled
    await asyncio.wait_for(reader.read(), 10)
    assert not server.server_state.connections
    writer.close()


async def test_what_is_logged_is_left_to_uvicorn(loaded, caplog):
    caplog.set_level(logging.INFO, "uvicorn.access")
    async with serving(loaded, http=RememberingProtocol, log_level="info", access_log=True) as server:
        logging.getLogger("uvicorn.access").addHandler(caplog.handler)
        for _ in range(3):
            await talk(server, [request(*PLAIN)])
        assert (server.recalled, server.store.requests) == ([], {})
    asked = [each.getMessage() for each in caplog.records if "/v1/events?limit=2" in each.getMessage()]
    assert len(asked) == 3


@pytest.mark.parametrize("protocol", [LimitedProtocol, RememberingProtocol])
@pytest.mark.parametrize(("trusted", "scheme"), [("127.0.0.1", b"https"), ("10.0.0.1", b"http")])
async def test_only_a_proxy_that_is_trusted_says_how_it_was_asked(loaded, protocol, trusted, scheme):
    """The scheme comes again in the URLs of an answer; the host is never taken from such a header."""
    sent = request(*PLAIN, "X-Forwarded-Proto: https", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: evil.example")
    async with serving(loaded, http=protocol, forwarded_allow_ips=trusted) as server:
        for _ in range(3):
            answer = await talk(server, [sent])
            assert b'"next":"%b://a.example/v1/events?' % scheme in answer
            assert b"evil.example" not in answer
        # The same bytes, of somebody else.
        assert b'"next":"http://a.example/v1/events?' in await talk(server, [sent], source="127.0.0.2")
        # What was stored for one scheme is not given to the other.
        assert b'"next":"http://a.example/v1/events?' in await talk(server, [request(*PLAIN)])


async def test_a_new_revision_is_never_answered_with_an_old_answer(loaded):
    async with serving(loaded, http=RememberingProtocol) as server:
        database = server.config.loaded_app.app.state.database
        for _ in range(3):
            await talk(server, [request(*PLAIN)])
        assert len(server.recalled) == 1
        # As long as it is not time to look, and no longer: what is overdue is asked for the long way.
        database._looked = -1e9
        await talk(server, [request(*PLAIN)])
        assert len(server.recalled) == 1
        await talk(server, [request(*PLAIN)])
        assert len(server.recalled) == 2
        database.revision = "another"
        await talk(server, [request(*PLAIN)])
        assert (len(server.recalled), server.store.revision, list(server.store.requests)) == (2, "another", [])


@pytest.mark.parametrize(("seconds", "recalled"), [(3600, 2), (0, 0)])
async def test_it_remembers_over_either_database_until_the_next_look(settings, seconds, recalled):
    changed = settings.model_copy(update={"refresh_seconds": seconds})
    async with serving(changed, http=RememberingProtocol) as server:
        for _ in range(4):
            await talk(server, [request(*PLAIN)])
        assert len(server.recalled) == recalled
