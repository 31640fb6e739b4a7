"""PostgreSQL alone, restarted, cut off, hung, while clients ask a real server: the right answer or 503, soon; and when
it is back, so are the answers."""

import asyncio
import time
from contextlib import asynccontextmanager

import httpx
import pytest

from app.load import load
from app.postgresql import CONNECTIONS as CONNECTIONS_OF_A_POOL
from app.settings import Settings
from tests.cluster import cluster, until
from tests.serving import serving

pytestmark = pytest.mark.anyio
QUERY_SECONDS = 1
BOUND = 8
"""Seconds within which every request is answered: a look, a turn, a query, and a little for a busy machine."""

CONNECTIONS = "pg_stat_activity WHERE datname <> '' AND pid <> pg_backend_pid()"
QUESTIONS = ["/v1/people?limit=7", "/v1/search?q=famine", "/v1/timeline", "/v1/events?facets=type", "/v1/quality"]


@pytest.fixture(scope="module")
def primary(postgresql):  # noqa: ARG001 (it has prepared the machine for such servers)
    with cluster(replicas=0) as [primary]:
        yield primary


@pytest.fixture(scope="module")
def base(primary):
    """The address of a real server that keeps nothing."""
    load(Settings(database_url=primary.url, source_dir=None))
    variables = {
        "FASTI_DATABASE_URL": primary.url, "FASTI_SOURCE_DIR": "", "FASTI_CACHE_BYTES": 0,
        "FASTI_QUERY_SECONDS": QUERY_SECONDS, "FASTI_REFRESH_SECONDS": 0.1,
    }  # fmt: skip
    with serving("--no-load", **variables) as (_, address):
        until(lambda: ready(address))
        yield address


def ready(address):
    try:
        return httpx.get(f"{address}/health/ready").status_code == 200
    except httpx.TransportError:
        return False


class Asking:
    """Clients that compare each answer with what was answered before the fault, and note how long each took."""

    def __init__(self, base, clients=8):
        self.base, self.number, self.over = base, clients, False
        self.statuses: list[int] = []
        self.seconds: list[float] = []
        self.wrong: list[str] = []
        self.live: list[float] = []

    async def __aenter__(self):
        async with httpx.AsyncClient(base_url=self.base) as client:
            self.right = {question: (await client.get(question)).json() for question in QUESTIONS}
        self.tasks = [asyncio.create_task(self._client(number)) for number in range(self.number)]
        self.tasks.append(asyncio.create_task(self._health()))
        return self

    async def __aexit__(self, *_):
        self.over = True
        await asyncio.gather(*self.tasks)

    async def _client(self, number):
        async with httpx.AsyncClient(base_url=self.base, timeout=60) as client:
            while not self.over:
                question = QUESTIONS[number % len(QUESTIONS)]
                number += 1
                begun = time.monotonic()
                answer = await client.get(question)
                self.seconds.append(time.monotonic() - begun)
                self.statuses.append(answer.status_code)
                good = answer.status_code == 200 and answer.json() == self.right[question]
                refused = answer.status_code == 503 and answer.headers["retry-after"] == "1"
                if not (good or refused):
                    self.wrong.append(f"{question}: {answer.status_code} {answer.text[:300]}")
                if refused:
                    await asyncio.sleep(0.02)

    async def _health(self):
        async with httpx.AsyncClient(base_url=self.base, timeout=60) as client:
            while not self.over:
                begun = time.monotonic()
                assert (await client.get("/health/live")).status_code == 200
                self.live.append(time.monotonic() - begun)
                await asyncio.sleep(0.05)

    async def met(self, status, number=50):
        """Until so many more were answered with this status."""
        wanted, end = self.statuses.count(status) + number, time.monotonic() + 60
        while self.statuses.count(status) < wanted:
            assert time.monotonic() < end, f"waited in vain for {status}: {self.statuses[-20:]} {self.wrong[:3]}"
            await asyncio.sleep(0.02)


@asynccontextmanager
async def asking(base):
    async with Asking(base) as found:
        await found.met(200)
        yield found
        await found.met(200)
    assert found.wrong == []
    assert max(found.seconds) < BOUND
    assert max(found.live) < 2


async def test_a_restart_is_outlasted(primary, base):
    async with asking(base) as found:
        for _ in range(3):
            await asyncio.to_thread(primary.stop)
            await found.met(503)
            await asyncio.to_thread(primary.start)
            await found.met(200)


async def test_connections_that_are_cut_are_made_anew(primary, base):
    """As by an administrator, or a firewall: now and then a request asks twice, and none is answered wrongly."""
    cut = f"SELECT count(pg_terminate_backend(pid)) FROM {CONNECTIONS}"
    async with asking(base) as found:
        number = 0
        for _ in range(20):
            number += await asyncio.to_thread(primary.ask, cut)
            await found.met(200, 5)
    assert number > 20
    assert found.statuses.count(200) > found.statuses.count(503)


async def test_a_database_that_hangs_is_not_waited_for(primary, base):
    async with asking(base) as found:
        primary.hang()
        try:
            await found.met(503, 10)
            async with httpx.AsyncClient(base_url=base, timeout=60) as client:
                begun = time.monotonic()
                assert (await client.get("/health/ready")).status_code == 503
                assert time.monotonic() - begun < BOUND
        finally:
            primary.go_on()


async def test_one_request_alone_is_answered_though_nobody_else_notices(primary, base):
    """The query hangs after the look that found all well, and nobody comes who would look again."""
    async with httpx.AsyncClient(base_url=base, timeout=60) as client:
        await client.get("/health/ready")
        # Right after a look, within the time that it is relied on.
        asked = asyncio.create_task(client.get("/v1/timeline"))
        primary.hang()
        begun = time.monotonic()
        try:
            assert (await asked).status_code in (200, 503)
            assert time.monotonic() - begun < BOUND
        finally:
            primary.go_on()
        await asyncio.to_thread(until, lambda: ready(base))


async def test_connections_are_given_back(primary, base):
    """After all that, it holds no more than its pools do."""
    assert ready(base)
    assert 0 < primary.ask(f"SELECT count(*) FROM {CONNECTIONS}") <= 2 * CONNECTIONS_OF_A_POOL
