"""What a client can make long has an end: raw bytes, slowly or too many of them, to real servers."""

import asyncio
import json
import re
import socket
import time
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import text

from app import db, edge, limits, turns
from app.errors import Problem
from app.limits import BODY_BYTES, HEAD_BYTES, HEADERS, PIPELINED, LimitedProtocol
from app.load import load
from app.main import create_app
from app.protocol import RememberingProtocol
from app.settings import Settings
from tests.conversation import HOST, request, serving, talk
from tests.test_manners import PATHS, parameters, url

pytestmark = pytest.mark.anyio
PLAIN = "GET /v1/events?limit=2 HTTP/1.1", HOST
LIVE = "GET /health/live HTTP/1.1", HOST
PLAIN_REQUEST = request(*PLAIN)
POST = "POST /v1/events HTTP/1.1", HOST


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('limits') / 'fasti.db'}"
    settings = Settings(database_url=url, source_dir=None)
    load(settings)
    return settings


@pytest.fixture(params=[LimitedProtocol, RememberingProtocol])
async def server(loaded, request):
    """With each of the two protocols that `fasti serve` uses; one has a request to remember."""
    async with serving(loaded, http=request.param) as server:
        for _ in range(3):
            await talk(server, [PLAIN_REQUEST])
        yield server


@asynccontextmanager
async def connected(server):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def answers(reader, seconds=10):
    """The statuses of all answers up to the end of the connection, and the last body."""
    async with asyncio.timeout(seconds):
        found = await reader.read()
    return list(map(int, re.findall(rb"HTTP/1\.1 (\d{3}) ", found))), found.rpartition(b"\r\n\r\n")[2]


def is_problem(body, status, name):
    told = json.loads(body)
    return (told["status"], told["type"]) == (status, f"/problems/{name}")


LARGE = {
    "url": (request("GET /v1/events?q=" + "x" * HEAD_BYTES + " HTTP/1.1", HOST), 414, "uri-too-long"),
    "url without end": (b"GET /" + b"x" * 3 * HEAD_BYTES, 414, "uri-too-long"),
    "header": (request(*PLAIN, "X: " + "x" * HEAD_BYTES), 431, "headers-too-large"),
    "header without end": (request(*PLAIN)[:-2] + b"X: " + b"x" * 3 * HEAD_BYTES, 431, "headers-too-large"),
    "headers": (request(*PLAIN, *(f"X{n}: y" for n in range(HEADERS))), 431, "headers-too-large"),
    "body": (request(*POST, f"Content-Length: {BODY_BYTES + 1}"), 413, "content-too-large"),
    "no request": (b"\x16\x03\x01\x02\x00" + b"x" * 100, 400, "bad-request"),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
async def test_what_is_too_large_is_refused(server, name):
    sent, status, problem = LARGE[name]
    async with connected(server) as (reader, writer):
        writer.write(sent)
        statuses, body = await answers(reader)
    assert statuses == [status]
    assert is_problem(body, status, problem)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("GET /v1/search?q=Škoda HTTP/1.1\r\n\r\n".encode(), True),
        (b"\x16\x03\x01\xff\xff\r\n\r\n", False),
        (b"GET /v1 HTTP/1.1\r\nH\xffst: x\r\n\r\n", False),
    ],
)
async def test_who_writes_other_letters_into_a_url_is_told_so(server, sent, told):
    async with connected(server) as (reader, writer):
        writer.write(sent)
        statuses, body = await answers(reader)
    assert statuses == [400]
    assert is_problem(body, 400, "bad-request")
    assert ("percent-encoded" in json.loads(body)["detail"]) == told


@pytest.mark.parametrize("name", LARGE)
async def test_what_came_before_it_is_answered(server, monkeypatch, name):
    monkeypatch.setattr(limits, "REQUEST_SECONDS", 0.5)
    async with connected(server) as (reader, writer):
        writer.write(request(*PLAIN) + LARGE[name][0])
        statuses, _ = await answers(reader)
    # Of a head without an end, what came with the request before it is not counted: it is late instead.
    assert statuses in ([200], [200, LARGE[name][1]], [200, 408])


async def test_what_came_before_it_may_be_read_slowly(server, monkeypatch):
    monkeypatch.setattr(limits, "LINGER_SECONDS", 0.1)
    await talk(server, [LARGE_ANSWER])
    reader, writer = await slow_reader(server, LARGE_ANSWER)
    writer.write(LARGE["headers"][0])
    await asyncio.sleep(0.5)
    transport: Any = writer.transport
    transport.resume_reading()
    head, _, rest = (await reader.read()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    # It is whole, and then comes why there is no more.
    whole = int(head.partition(b"content-length: ")[2].split()[0])
    assert len(rest) > whole
    assert rest[whole:].startswith(b"HTTP/1.1 431 ")
    writer.close()


async def test_heads_and_bodies_up_to_the_limit_are_read(server):
    async with connected(server) as (reader, writer):
        writer.write(request(*PLAIN, "X: " + "x" * (HEAD_BYTES - 200)))
        writer.write(request(*PLAIN, *(f"X{n}: y" for n in range(HEADERS - 1))))
        writer.write(request(*POST, f"Content-Length: {BODY_BYTES}", body="x" * BODY_BYTES))
        writer.write(request(*PLAIN, "Connection: close"))
        assert (await answers(reader))[0] == [200, 200, 405, 200]


IN_PIECES = request(*POST, "Transfer-Encoding: chunked") + (b"10000\r\n" + b"x" * 65_536 + b"\r\n") * 40
"""A body of more than two megabytes, which is not announced."""


async def test_a_body_in_pieces_has_an_end_too(server):
    async with connected(server) as (reader, writer):
        writer.write(IN_PIECES)
        statuses, _ = await answers(reader)
    assert statuses == [405]


async def test_who_goes_on_sending_can_read_why_he_is_refused(server, monkeypatch):
    monkeypatch.setattr(limits, "LINGER_SECONDS", 30)
    async with connected(server) as (reader, writer):
        writer.write(request(*POST, f"Content-Length: {10 * BODY_BYTES}"))
        for _ in range(20):
            writer.write(bytes(65_536))
            await writer.drain()
            await asyncio.sleep(0.01)
        assert (await answers(reader))[0] == [413]


async def test_a_body_that_the_application_waits_for_has_an_end(loaded):
    async def waits(_, receive, __):
        # It reads on as long as there is more.
        while (await receive()).get("more_body"):
            pass

    async with serving(loaded, http=LimitedProtocol) as server:
        server.config.loaded_app = waits
        async with connected(server) as (reader, writer):
            # Below what ends any request whose head is long past.
            writer.write(IN_PIECES[: BODY_BYTES + 200_000])
            statuses, body = await answers(reader)
        assert statuses == [413]
        assert is_problem(body, 413, "content-too-large")
        assert not server.server_state.tasks


async def test_trailers_have_an_end(server, monkeypatch):
    monkeypatch.setattr(limits, "LINGER_SECONDS", 30)
    async with connected(server) as (reader, writer):
        writer.write(request(*POST, "Transfer-Encoding: chunked") + b"0\r\n")
        with suppress(ConnectionError):
            for _ in range(60):
                writer.write(b"a: b\r\n" * 12_000)
                await writer.drain()
        assert (await answers(reader, 5))[0] == [405]
    await gone(server)


@pytest.mark.parametrize("bad", [b"GET http://a HTTP/1.1\r\n\r\n", request("CONNECT a:443 HTTP/1.1", HOST),
                                 request(*POST, "Transfer-Encoding: chunked") + b"zz\r\n"])  # fmt: skip
async def test_what_is_malformed_takes_no_answer_from_the_one_before(server, bad):
    async with connected(server) as (reader, writer):
        writer.write(request("GET /v1/people?limit=9 HTTP/1.1", HOST) + bad)
        statuses, _ = await answers(reader)
    assert statuses[0] == 200
    async with connected(server) as (reader, writer):
        writer.write(bad)
        assert set((await answers(reader))[0]) <= {400, 405}


async def test_an_upgrade_is_left_unheard(server):
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")  # fmt: skip
    async with connected(server) as (reader, writer):
        writer.write(PLAIN_REQUEST + request(*PLAIN, *upgrade))
        await asyncio.sleep(0.2)
        writer.write_eof()
        assert (await answers(reader))[0] == [200, 200]


async def test_a_half_request_has_its_own_time(loaded):
    keep = {"http": RememberingProtocol, "timeout_keep_alive": 1}
    async with serving(loaded, **keep) as server, connected(server) as (reader, writer):
        writer.write(PLAIN_REQUEST + PLAIN_REQUEST[:30])
        await asyncio.sleep(1.6)
        writer.write(PLAIN_REQUEST[30:] + request(*PLAIN, "Connection: close"))
        assert (await answers(reader))[0] == [200] * 3


async def test_who_goes_on_sending_gets_all_that_is_answered(server, monkeypatch):
    monkeypatch.setattr(limits, "LINGER_SECONDS", 30)
    async with connected(server) as (reader, writer):
        writer.write(PLAIN_REQUEST * (PIPELINED + 50))
        for _ in range(30):
            writer.write(PLAIN_REQUEST)
            await asyncio.sleep(0.01)
        assert len((await answers(reader))[0]) > PIPELINED


async def test_many_requests_without_waiting_are_answered_up_to_a_number(server):
    async with connected(server) as (reader, writer):
        writer.write(request("GET /v1/events?limit=1 HTTP/1.1", HOST) * (PIPELINED + 50))
        statuses, _ = await answers(reader, 30)
    # What does not fit into one segment comes later, and may find that others were answered.
    assert PIPELINED < len(statuses) < PIPELINED + 50
    assert set(statuses) == {200}


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET /v1 HT", request(*PLAIN)[:-2]])
async def test_a_request_has_to_come_in_time(server, monkeypatch, sent):
    monkeypatch.setattr(limits, "REQUEST_SECONDS", 0.3)
    async with connected(server) as (reader, writer):
        begun = time.monotonic()
        sending = asyncio.create_task(dripping(writer, sent))
        statuses, body = await answers(reader)
        sending.cancel()
    assert 0.2 < time.monotonic() - begun < 5
    assert statuses == ([408] if sent.strip() else [])
    assert not sent.strip() or is_problem(body, 408, "too-slow")


@pytest.mark.parametrize("sent", [b"\r\n", b"GET /v1 HT", request(*PLAIN)[:-2]])
async def test_so_has_the_second_request_of_a_connection(server, monkeypatch, sent):
    monkeypatch.setattr(limits, "REQUEST_SECONDS", 0.3)
    async with connected(server) as (reader, writer):
        for _ in range(2):
            writer.write(request(*PLAIN))
            await asyncio.sleep(0.1)
        sending = asyncio.create_task(dripping(writer, sent))
        statuses, _ = await answers(reader)
        sending.cancel()
    assert statuses == [200, 200, *[408] * bool(sent.strip())]


async def test_so_has_a_body(server, monkeypatch):
    monkeypatch.setattr(limits, "REQUEST_SECONDS", 0.3)
    async with connected(server) as (reader, writer):
        writer.write(request(*POST, "Content-Length: 100000"))
        sending = asyncio.create_task(dripping(writer, b"x" * 1_000))
        statuses, _ = await answers(reader)
        sending.cancel()
    assert statuses[0] == 405
    assert 500 not in statuses


async def dripping(writer, data):
    for byte in data:
        writer.write(bytes([byte]))
        await asyncio.sleep(0.02)


async def test_time_ends_no_connection_that_is_used(server, monkeypatch):
    monkeypatch.setattr(limits, "REQUEST_SECONDS", 0.3)
    async with connected(server) as (reader, writer):
        for _ in range(10):
            writer.write(request(*PLAIN))
            await asyncio.sleep(0.1)
        writer.write(request(*PLAIN, "Connection: close"))
        assert (await answers(reader))[0] == [200] * 11


LARGE_ANSWER = request("GET /openapi.json HTTP/1.1", HOST, "Accept-Encoding: identity")


async def slow_reader(server, *asked):
    """A client that asks and has not read yet, with hardly any room for answers between it and the server."""
    known = set(server.server_state.connections)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=1)
    transport: Any = writer.transport
    transport.pause_reading()
    while not (new := server.server_state.connections - known):
        await asyncio.sleep(0.01)
    new.pop().transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    for each in asked:
        writer.write(each)
    await asyncio.sleep(0.1)
    return reader, writer


async def test_a_client_that_does_not_read_is_given_up(server, monkeypatch):
    monkeypatch.setattr(limits, "UNREAD_SECONDS", 0.5)
    _, writer = await slow_reader(server, LARGE_ANSWER, LARGE_ANSWER)
    assert len(server.server_state.connections) == 1
    await gone(server)
    assert not limits._SLOW
    writer.transport.abort()


async def test_a_client_that_reads_slowly_is_waited_for(server, monkeypatch):
    monkeypatch.setattr(limits, "UNREAD_SECONDS", 1.0)
    begun = time.monotonic()
    reader, writer = await slow_reader(server, LARGE_ANSWER, request(*PLAIN, "Connection: close"))
    transport: Any = writer.transport
    transport.resume_reading()
    found = b""
    while piece := await reader.read(8_000):
        found += piece
        await asyncio.sleep(0.04)
    assert time.monotonic() - begun > 1.5
    assert found.count(b"HTTP/1.1 200 OK\r\n") == 2
    writer.close()


async def test_a_client_with_room_in_between_may_read_slowly(server, monkeypatch):
    """The kernel takes nothing for long, though the client reads, where it has much already."""
    monkeypatch.setattr(limits, "UNREAD_SECONDS", 2.0)
    async with connected(server) as (reader, writer):
        for _ in range(40):
            writer.write(LARGE_ANSWER)
        for _ in range(30):
            await reader.readexactly(60_000)
            await asyncio.sleep(0.2)
        assert len(server.server_state.connections) == 1
        writer.transport.abort()


async def test_the_last_answer_of_a_connection_has_an_end_too(server, monkeypatch):
    monkeypatch.setattr(limits, "UNREAD_SECONDS", 0.3)
    _, writer = await slow_reader(server, request("GET /v1/events?limit=25 HTTP/1.1", HOST, "Connection: close"))
    await gone(server)
    writer.transport.abort()


async def test_a_small_answer_that_nobody_reads_ends_with_its_connection(loaded, monkeypatch):
    monkeypatch.setattr(limits, "UNREAD_SECONDS", 0.3)
    async with serving(loaded, http=LimitedProtocol, timeout_keep_alive=1) as server:
        _, writer = await slow_reader(server, request("GET /v1/events?limit=25 HTTP/1.1", HOST))
        [connection] = server.server_state.connections
        await eventually(connection.transport.get_write_buffer_size)
        # Less than is waited for before more is written.
        assert 0 < connection.transport.get_write_buffer_size() < 65_536
        assert connection not in limits._SLOW
        await gone(server)
        writer.transport.abort()


async def eventually(done):
    """Waits for a condition while the server goes on, which has the same loop; fails when it does not come true."""
    async with asyncio.timeout(10):
        while not done():
            await asyncio.sleep(0.01)


async def gone(server):
    await eventually(lambda: not server.server_state.connections)


async def test_what_nobody_reads_is_bounded_in_bytes(server, monkeypatch):
    monkeypatch.setattr(limits, "UNSENT_BYTES", 1_000_000)
    clients = [await slow_reader(server, LARGE_ANSWER) for _ in range(6)]
    await eventually(lambda: len(server.server_state.connections) != 6)
    unsent = [each.transport.get_write_buffer_size() for each in server.server_state.connections]
    assert unsent
    assert sum(unsent) < 1_000_000
    # Who came first was given up.
    alive = {each.client for each in server.server_state.connections}
    assert clients[-1][1].get_extra_info("sockname") in alive
    assert clients[0][1].get_extra_info("sockname") not in alive
    for _, writer in clients:
        writer.transport.abort()


@pytest.mark.parametrize("protocol", [LimitedProtocol, RememberingProtocol])
async def test_above_the_connections_that_there_may_be_only_the_health_is_told(loaded, monkeypatch, protocol):
    monkeypatch.setattr(limits, "SPARE", 2)
    async with serving(loaded, http=protocol, limit_concurrency=5) as server:
        held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(5)]
        for _, writer in held:
            for _ in range(3):
                writer.write(request(*PLAIN))
                await asyncio.sleep(0.01)
        async with connected(server) as (reader, writer):
            writer.write(request(*LIVE) * 2)
            assert (await answers(reader))[0] == [200]
        async with connected(server) as (reader, writer):
            writer.write(request(*PLAIN))
            statuses, body = await answers(reader)
            assert statuses == [503]
            assert is_problem(body, 503, "unavailable")
        # Two that say nothing take the places that are spare, and the next one is not even heard.
        spare = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
        async with connected(server) as (reader, writer):
            assert (await answers(reader))[0] == [503]
        # They do not keep them.
        for reader, writer in spare:
            assert (await answers(reader))[0] == []
            writer.close()
        for reader, writer in held:
            writer.write(request(*PLAIN, "Connection: close"))
            assert (await answers(reader))[0] == [200] * 4
            writer.close()


async def test_a_thousand_idle_connections_hinder_nobody(loaded):
    async with serving(loaded, http=RememberingProtocol, limit_concurrency=2_000) as server:
        idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(400)]
        assert len(server.server_state.connections) == 400
        assert (await talk(server, [request(*PLAIN)])).count(b"200 OK") == 2
        for _, writer in idle:
            writer.close()


async def test_what_could_not_be_begun_in_time_is_refused(loaded, monkeypatch):
    monkeypatch.setattr(edge, "WAIT", 0.3)

    async def blocking(_):
        time.sleep(0.5)

    async with serving(loaded, http=LimitedProtocol) as server:
        server.config.loaded_app.app.router.add_route("/blocking", blocking)
        paths = ["/blocking", "/v1/events?limit=1", "/v1/people", "/health/live"]
        found = await asyncio.gather(*(talk(server, [request(f"GET {path} HTTP/1.1", HOST)], last=False, read=2_000)
                                       for path in paths))  # fmt: skip
        told = [int(answer.split()[1]) for answer in found[1:]]
        assert told == [503, 503, 200]
        assert b"Retry-After: 1" in found[1].title()
        assert b"x-request-id: " in found[1]
        assert b"200 OK" in await talk(server, [request("GET /v1/events?limit=1 HTTP/1.1", HOST)])


async def test_who_gets_no_turn_is_told_soon(settings, monkeypatch):
    """More long questions than there are threads for, on both databases."""
    monkeypatch.setattr(turns, "WAIT", 0.2)
    monkeypatch.setattr(db, "INLINE_STEPS", 0)
    monkeypatch.setattr(db, "STEP", 1)
    database = db.Database(settings)
    await database.refresh()

    def long(connection):
        connection.execute(text("SELECT count(*) FROM record")).all()
        time.sleep(1.5)

    begun = time.monotonic()
    done = await asyncio.gather(*(database.read(long) for _ in range(20)), return_exceptions=True)
    assert time.monotonic() - begun < 4
    refused = [each for each in done if each is not None]
    assert len(refused) == 12
    assert all(isinstance(each, Problem) and each.status == 503 for each in refused)
    assert await database.read(lambda connection: connection.execute(text("SELECT 1")).scalar_one()) == 1
    database.close()


async def test_exports_at_once_have_an_end(settings, monkeypatch):
    monkeypatch.setattr(db, "STREAMS", 2)
    app = create_app(settings)
    await app.state.database.refresh()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://fasti.test") as client:
        held = [app.state.database.stream(lambda _: iter([b"one", b"two"])) for _ in range(2)]
        for each in held:
            await anext(each)
        refused = await client.get("/v1/export")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        await held[0].aclose()
        assert (await client.get("/v1/export")).status_code == 200
        await held[1].aclose()
    app.state.database.close()


def bounded(schema):
    """Whether what a parameter takes has an end."""
    if "anyOf" in schema:
        return all(map(bounded, schema["anyOf"]))
    ends = {
        "integer": ["maximum"],
        "number": ["maximum"],
        "string": ["maxLength", "enum", "const"],
        "array": ["maxItems"],
    }
    kind = schema.get("type")
    return kind in ("boolean", "null") or (
        any(end in schema for end in ends.get(kind, ["enum", "const"]))
        and bounded(schema.get("items", {"type": "null"}))
    )


def test_all_that_can_be_asked_for_has_an_end():
    """The work of a question: how many values it takes, how much it asks for, how far it goes. Ids end with the URL."""
    asked = [(path, each["name"], each["schema"]) for path in PATHS for each in parameters(path)]
    assert len(asked) > 100
    assert [(path, name) for path, name, schema in asked if not bounded(schema)] == []


@pytest.fixture
async def hurried(settings):
    """A client of either database whose queries have hardly any time, and on PostgreSQL wait for a lock."""
    sqlite = settings.database_url.startswith("sqlite")
    changed = settings.model_copy(update={"query_seconds": 1e-9 if sqlite else 0.05, "refresh_seconds": 3600})
    app = create_app(changed)
    while app.state.database.revision is None:
        # The look has no more time than a query.
        with suppress(Problem):
            await app.state.database.refresh(now=True)
    with ExitStack() as stack:
        if not sqlite:
            connection = stack.enter_context(psycopg.connect(settings.database_url))
            tables = connection.execute(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname LIKE 'fasti%'"
            ).fetchall()
            connection.execute(f"LOCK TABLE {', '.join(name for (name,) in tables)} IN ACCESS EXCLUSIVE MODE")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://fasti.test") as client:
            yield client
    app.state.database.close()


@pytest.mark.parametrize("path", PATHS)
async def test_every_query_has_its_time(hurried, monkeypatch, path):
    monkeypatch.setattr(db, "INLINE_STEPS", 0)
    monkeypatch.setattr(db, "STEP", 1)
    answer = await hurried.get(url(path))
    assert answer.status_code == 503
    assert (answer.json()["type"], answer.headers["retry-after"]) == ("/problems/unavailable", "1")
    assert "in the time it may take" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("line", "is_whole"),
    [
        (PLAIN[0], True),
        ("HEAD /v1/events?limit=2 HTTP/1.1", True),
        ("GET /v1/events/there-is-none HTTP/1.1", True),
        ("GET /v1/export HTTP/1.1", False),
    ],
)
async def test_the_head_of_an_answer_goes_out_with_the_first_of_its_body(server, monkeypatch, line, is_whole):
    sent = []

    def write(transport, data, held=asyncio.selector_events._SelectorSocketTransport.write):  # type: ignore[attr-defined]
        if transport.get_extra_info("sockname")[1] == server.port:
            sent.append(bytes(data))
        held(transport, data)

    monkeypatch.setattr("asyncio.selector_events._SelectorSocketTransport.write", write)
    answer = await talk(server, [request(line, HOST, "Connection: close")], last=False)
    assert b"".join(sent) == answer
    assert (len(sent) == 1) == is_whole
    assert sent[0].startswith(b"HTTP/1.1 ")
    assert sent[0].endswith(b"\r\n\r\n") == line.startswith("HEAD")


async def test_a_head_is_sent_though_its_body_takes_its_time(loaded):
    created, go = create_app(loaded), asyncio.Event()

    async def late(scope, receive, send):
        if scope["type"] != "http":
            await created(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await go.wait()
        await send({"type": "http.response.body", "body": b"late"})

    async with (
        serving(loaded, app=late, http=LimitedProtocol) as server,
        connected(server) as (reader, writer),
        asyncio.timeout(5),
    ):
        writer.write(request(*PLAIN))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        go.set()
        assert await reader.readexactly(4) == b"late"
