"""More clients and more requests than a real server takes: it lives, its memory has an end, the excess is told so."""

import asyncio
import resource
import time
from collections import Counter

import pytest

from app.load import load
from app.settings import Settings
from tests.cluster import until
from tests.conversation import HOST, request
from tests.serving import serving
from tests.soak import STATUS, rss

pytestmark = pytest.mark.anyio
LIVE = request("GET /health/live HTTP/1.1", HOST, "Connection: close")
PLAIN = request("GET /v1/events?limit=5 HTTP/1.1", HOST, "Connection: close")
MEGABYTE = 1_000_000
SOON = 10.0
"""Seconds, on a machine that has other things to do, other tests among them. All that a flood asks takes a minute."""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('floods') / 'fasti.db'}"
    load(Settings(database_url=url, source_dir=None))
    # Whoever opens so many connections needs as many files.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return {"FASTI_DATABASE_URL": url, "FASTI_SOURCE_DIR": ""}


class Server:
    def __init__(self, process, address):
        self.process, self.port = process, int(address.rpartition(":")[2])

    async def open(self):
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, sent):
        """The statuses of the answers, and how long they took."""
        begun = time.monotonic()
        reader, writer = await self.open()
        writer.write(sent)
        try:
            found = await reader.read()
        except ConnectionError:
            found = b""
        writer.close()
        return [int(each) for each in STATUS.findall(found)], time.monotonic() - begun

    def memory(self):
        return rss(self.process.pid)


@pytest.fixture
def serve(data):
    """Starts a server with these variables."""
    running = []

    def start(**variables):
        running.append(serving("--no-load", **data, **variables))
        server = Server(*running[-1].__enter__())
        until(lambda: asyncio.run(answers(server)))
        return server

    yield start
    for each in running:
        each.__exit__(None, None, None)


async def answers(server):
    try:
        return (await server.ask(LIVE))[0] == [200]
    except OSError:
        return False


async def test_a_thousand_idle_connections_hinder_nobody(serve):
    server = await asyncio.to_thread(serve)
    await server.ask(PLAIN)
    before = server.memory()
    idle = [await server.open() for _ in range(1_000)]
    # Some have asked something, and might ask again.
    for reader, writer in idle[::4]:
        writer.write(request("GET /v1/events?limit=5 HTTP/1.1", HOST))
        await reader.readuntil(b"\r\n\r\n")
    for sent in (LIVE, PLAIN):
        statuses, seconds = await server.ask(sent)
        assert statuses == [200]
        assert seconds < SOON
    assert server.memory() - before < 40 * MEGABYTE
    for _, writer in idle:
        writer.close()


async def test_above_its_connections_it_tells_its_health_and_refuses_the_rest(serve):
    server = await asyncio.to_thread(serve, FASTI_CONNECTIONS=300)
    idle = [await server.open() for _ in range(300)]
    assert (await server.ask(LIVE))[0] == [200]
    found = [await server.ask(PLAIN) for _ in range(50)]
    assert [statuses for statuses, _ in found] == [[503]] * 50
    assert max(seconds for _, seconds in found) < SOON
    for _, writer in idle:
        writer.close()
    await asyncio.sleep(0.2)
    assert (await server.ask(PLAIN))[0] == [200]


async def test_more_requests_than_it_can_do_at_once_are_refused_soon(serve):
    # Nothing is stored, and each question is another.
    server = await asyncio.to_thread(serve, FASTI_CACHE_BYTES=0)
    before, over, lives = server.memory(), False, []

    async def client(number):
        found = []
        for turn in range(5):
            path = f"/v1/records/mao-zedong/neighbors?depth=4&limit={1 + (7 * number + turn) % 400}"
            found.append(await server.ask(request(f"GET {path} HTTP/1.1", HOST, "Connection: close")))
        return found

    async def health():
        while not over:
            lives.append(await server.ask(LIVE))
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(health())
    found = [each for answers in await asyncio.gather(*(client(n) for n in range(600))) for each in answers]
    over = True
    await watching
    told = Counter(status for statuses, _ in found for status in statuses)
    assert set(told) == {200, 503}
    assert sum(told.values()) == 3_000
    assert {tuple(statuses) for statuses, _ in lives} == {(200,)}
    assert max(seconds for _, seconds in lives) < SOON
    assert server.memory() - before < 150 * MEGABYTE
    assert (await server.ask(PLAIN))[0] == [200]


async def test_clients_that_leave_before_they_are_answered_are_no_fault(serve):
    server = await asyncio.to_thread(serve)
    large, streamed = (request(f"GET {path} HTTP/1.1", HOST) for path in ("/openapi.json", "/v1/export"))
    for _ in range(20):
        for sent in (large * 50, streamed * 3, large + streamed + large, PLAIN * 60):
            _, writer = await server.open()
            writer.write(sent)
            await asyncio.sleep(0.005)
            writer.transport.abort()
    await asyncio.sleep(1)
    assert (await server.ask(PLAIN))[0] == [200]
    server.process.terminate()
    server.process.wait(30)
    assert "".join(server.process.said[2:]) == ""


async def test_clients_that_read_nothing_take_a_bounded_part_of_its_memory(serve):
    server = await asyncio.to_thread(serve)
    await server.ask(PLAIN)
    before = server.memory()
    slow = [await server.open() for _ in range(300)]
    asked = request("GET /openapi.json HTTP/1.1", HOST)
    for _, writer in slow:
        writer.transport.pause_reading()
        writer.write(asked * 40)
    await asyncio.sleep(3)
    assert server.memory() - before < 150 * MEGABYTE
    assert (await server.ask(PLAIN))[0] == [200]
    for _, writer in slow:
        writer.transport.abort()
