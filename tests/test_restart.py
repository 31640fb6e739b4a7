"""A server that ends, or gives way to another, loses nothing that it was asked."""

import asyncio
import re
import signal
import socket
import time
from contextlib import ExitStack

import pytest

from app.load import load
from app.settings import Settings
from tests.cluster import until
from tests.conversation import HOST, request
from tests.serving import listens, serving, workers

pytestmark = pytest.mark.anyio
LENGTH = re.compile(rb"(?i)content-length: (\d+)")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The variables of a server that keeps nothing, so that each request is worked on."""
    url = f"sqlite:///{tmp_path_factory.mktemp('restart') / 'fasti.db'}"
    load(Settings(database_url=url, source_dir=None))
    return {"FASTI_DATABASE_URL": url, "FASTI_SOURCE_DIR": "", "FASTI_CACHE_BYTES": 0}


class Traffic:
    """Clients that ask again and again, each on a connection as long as the server keeps it, or on a new one each."""

    def __init__(self, port, clients=8, *, keep=True):
        self.port, self.keep = port, keep
        self.answered, self.refused, self.over = 0, 0, False
        self.lost: list[object] = []
        self.clients = clients

    async def __aenter__(self):
        self.tasks = [asyncio.create_task(self._client(number)) for number in range(self.clients)]
        await self.more()
        return self

    async def __aexit__(self, *_):
        self.over = True
        await asyncio.gather(*self.tasks)

    async def more(self, number=100):
        """Until so many more are answered, or nobody answers any more."""
        wanted, end = self.answered + number, time.monotonic() + 60
        while self.answered < wanted and not all(task.done() for task in self.tasks):
            assert time.monotonic() < end, "waited in vain"
            await asyncio.sleep(0.01)

    async def _client(self, number):
        while not self.over:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except ConnectionRefusedError:
                self.refused += 1
                return
            try:
                await self._ask(reader, writer, number)
            finally:
                writer.close()

    async def _ask(self, reader, writer, number):
        lines = ["GET /v1/timeline HTTP/1.1", HOST, f"X: {number}", *["Connection: close"] * (not self.keep)]
        while not self.over:
            try:
                writer.write(request(*lines))
                head = await reader.readuntil(b"\r\n\r\n")
                length = LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
            except (OSError, asyncio.IncompleteReadError) as error:
                self.lost.append(repr(error))
                return
            if not head.startswith(b"HTTP/1.1 200 ") or not body.endswith(b"}"):
                self.lost.append(head[:200])
            self.answered += 1
            if b"connection: close" in head:
                return


@pytest.fixture
async def running(data):
    """Starts servers, each a process of its own, while the clients go on; gives the process and its port."""
    with ExitStack() as stack:

        async def run(*words, listening=None):
            starting = serving("--no-load", *words, listening=listening, **data)
            process, address = await asyncio.to_thread(stack.enter_context, starting)
            return process, int(address.rpartition(":")[2])

        yield run


async def ended(process):
    assert await asyncio.to_thread(process.wait, 30) in (0, -signal.SIGTERM)


async def test_who_was_asking_is_answered_before_the_end(running):
    process, port = await running()
    async with Traffic(port) as traffic:
        process.send_signal(signal.SIGTERM)
        # Nobody asks for the end: each client is told with its answer that it is the last.
        await asyncio.gather(*traffic.tasks)
    assert (traffic.lost, traffic.refused) == ([], len(traffic.tasks))
    await ended(process)


async def test_what_is_on_its_way_when_the_end_comes_is_answered(running):
    """Idle connections, on which a request comes after the signal."""
    process, port = await running()
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
    for reader, writer in idle[10:]:
        writer.write(request("GET /health/live HTTP/1.1", HOST))
        assert b"200 OK" in await reader.readuntil(b"}")
    process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(until, lambda: not listens(port))
    for _, writer in idle:
        writer.write(request("GET /health/live HTTP/1.1", HOST))
    for reader, writer in idle:
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b"connection: close" in answer
        writer.close()
    await ended(process)


@pytest.mark.parametrize("keep", [True, False])
async def test_another_process_takes_the_port_and_nobody_is_refused(running, keep):
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        old, port = await running(listening=listening)
        assert port == listening.getsockname()[1]
        async with Traffic(port, keep=keep) as traffic:
            for _ in range(3):
                new, _ = await running(listening=listening)
                old.send_signal(signal.SIGTERM)
                await ended(old)
                await traffic.more()
                old = new
        assert (traffic.lost, traffic.refused) == ([], 0)


@pytest.mark.parametrize("keep", [True, False])
async def test_workers_are_begun_anew_one_after_the_other(running, keep):
    process, port = await running("--workers", "2")
    before = workers(process)
    async with Traffic(port, keep=keep) as traffic:
        process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(until, lambda: len(workers(process)) == 2 and not workers(process) & before, 120)
        await traffic.more()
    assert (traffic.lost, traffic.refused) == ([], 0)
    process.send_signal(signal.SIGTERM)
    await ended(process)
