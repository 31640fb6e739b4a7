"""Reads over a real primary and its replicas: spread, moved when a server fails, and never of an older revision."""

import asyncio
import itertools
import os
import re
import shutil
import subprocess
import sys
import threading
import time

import httpx
import pytest
from anyio import fail_after
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app import postgresql, turns
from app.db import Database, revision_read
from app.errors import Problem
from app.load import load
from app.settings import ROOT, Settings
from app.statements import statement
from tests.bench.process import free_port
from tests.cluster import cluster, until

pytestmark = pytest.mark.anyio
REFRESH = 0.1


@pytest.fixture(scope="module")
def nodes(postgresql):  # noqa: ARG001 (it has prepared the machine for such servers)
    with cluster() as nodes:
        yield nodes


@pytest.fixture(scope="module")
def seed(tmp_path_factory):
    return shutil.copytree(ROOT / "tests" / "packs", tmp_path_factory.mktemp("packs") / "seed")


@pytest.fixture(scope="module")
def given(nodes, seed):
    urls = ", ".join(node.url for node in nodes[1:])
    return Settings(
        database_url=nodes[0].url, replica_urls=urls, seed_dir=seed, source_dir=None, refresh_seconds=REFRESH
    )


@pytest.fixture
def settings(given, nodes):
    """Settings of the whole cluster, all of which has the same revision."""
    primary, *replicas = nodes
    load(given)
    until(lambda: all(schemas(node) == schemas(primary) for node in replicas))
    until(lambda: primary.ask(f"SELECT to_jsonb(max(wait)) FROM ({postgresql._SCHEMAS}) AS s(name, wait)") <= 0)
    return given


@pytest.fixture
async def database(settings):
    database = Database(settings)
    await database.refresh()
    await everywhere(database)
    yield database
    database.close()


async def everywhere(database):
    """Wait until the process knows that every server has the revision that it serves."""
    await met(lambda: all(each.is_up and database.cluster.current.schema in each.schemas for each in servers(database)),
              database)  # fmt: skip


async def met(condition, database):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        await database.refresh()
        await asyncio.sleep(0.01)


def servers(database):
    return database.cluster.servers


def schemas(node):
    return node.ask("SELECT array_agg(nspname ORDER BY nspname) FROM pg_namespace WHERE nspname LIKE 'fasti%'")


def changed(settings):
    """Load another revision, and give its name."""
    with (settings.seed_dir / "ides" / "pack.yaml").open("a") as file:
        file.write("# a remark\n")
    return load(settings).revision


def port(connection):
    return connection.execute(text("SELECT current_setting('port')::int FROM revision")).scalar_one()


async def where(database, reads=20):
    """The ports of the servers that these reads reached."""
    return {await database.read(port) for _ in range(reads)}


async def test_reads_are_spread_over_the_replicas(database, nodes):
    found = [await database.read(port) for _ in range(20)]
    assert sorted(map(found.count, {node.port for node in nodes[1:]})) == [10, 10]


async def test_a_statement_is_one_round_trip(database, tmp_path):
    for _ in range(20):
        await database.read(port)
    opened = [raw for server in servers(database) for raw in server.raw if not raw.closed]
    with (tmp_path / "trace").open("w") as file:
        for raw in opened:
            raw.pgconn.trace(file.fileno())
        for _ in range(10):
            await database.read(port)
        for raw in opened:
            raw.pgconn.untrace()
    assert len(re.findall(r"\tF\t\d+\t(Query|Sync)\b", (tmp_path / "trace").read_text())) == 10


async def test_a_busy_replica_is_asked_less(database, nodes):
    free = threading.Event()

    async def slow():
        return await database.read(lambda c: (port(c), free.wait(10))[0])

    waiting = asyncio.create_task(slow())
    await asyncio.sleep(0)
    others = await where(database)
    free.set()
    assert others == {node.port for node in nodes[1:]} - {await waiting}


async def test_what_one_server_cannot_do_another_does(database, nodes):
    seen = []

    def work(connection):
        seen.append(port(connection))
        if len(seen) < 3:
            # As an administrator would end it, or a replica that has to.
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return seen[-1]

    assert await database.read(work) == nodes[0].port
    assert set(seen) == {node.port for node in nodes}
    await everywhere(database)
    assert await where(database) == {node.port for node in nodes[1:]}


async def test_a_broken_connection_is_not_kept(database, nodes):
    """Also where a statement asks the driver directly, and its error is no more than one of the database."""
    kept = statement(lambda: select(func.current_setting("port")))()
    await asyncio.gather(*(database.read(lambda c: kept.first(c)) for _ in range(40)))
    for node in nodes[1:]:
        node.stop()
        node.start()
    found = [await database.read(lambda c: kept.first(c)) for _ in range(60)]
    assert len(found) == 60
    await everywhere(database)
    assert await where(database) == {node.port for node in nodes[1:]}


async def test_what_would_fail_everywhere_is_tried_once(database):
    seen = []

    def work(query):
        def fail(connection):
            seen.append(query)
            connection.execute(text(query))

        return fail

    slow = Settings(**database.settings.model_dump() | {"query_seconds": 0.2})
    impatient = Database(slow)
    for query, told in (("SELECT pg_sleep(9)", "in the time"), ("DELETE FROM record", "cannot be read")):
        with pytest.raises(Problem, match=told) as caught:
            await impatient.read(work(query))
        assert caught.value.status == 503
    assert len(seen) == 2
    impatient.close()


async def test_a_long_work_of_short_statements_is_ended_and_nothing_beside_it(database):
    impatient = Database(Settings(**database.settings.model_dump() | {"query_seconds": 0.4}))
    await impatient.refresh()
    await everywhere(impatient)

    def slow(connection):
        for _ in range(20):
            connection.execute(text("SELECT pg_sleep(0.2)"))

    begun = time.monotonic()
    waiting = asyncio.create_task(impatient.read(slow))
    while not waiting.done():
        assert await impatient.read(port)
        await asyncio.sleep(0.02)
    with pytest.raises(Problem, match="in the time"):
        await waiting
    assert 1 < time.monotonic() - begun < 3
    assert all(server.is_up for server in servers(impatient))
    impatient.close()


async def test_a_conflict_with_what_a_replica_replays_is_no_error(database):
    """A replica ends a query of a schema that the primary drops; the read begins anew, elsewhere or in a newer one."""
    settings = database.settings.model_copy(update={"refresh_seconds": 0, "query_seconds": 60})
    patient = Database(settings)
    await patient.refresh()
    await everywhere(patient)
    begun, loop, revisions, states = asyncio.Event(), asyncio.get_running_loop(), [], []

    def work(connection):
        revisions.append(revision_read(connection))
        loop.call_soon_threadsafe(begun.set)
        if len(revisions) == 1:
            try:
                connection.execute(text("SELECT pg_sleep(50) FROM record LIMIT 1"))
            except DBAPIError as error:
                states.append(getattr(error.orig, "sqlstate", None))
                raise
        return connection.execute(text("SELECT name FROM revision")).scalar_one()

    reading = asyncio.create_task(patient.read(work))
    await begun.wait()
    for _ in range(2):
        await asyncio.to_thread(changed, settings)
    assert await reading == revisions[-1]
    assert states == ["40001"]
    patient.close()


async def test_a_long_answer_goes_on_elsewhere_when_its_server_dies(database, nodes):
    def make(connection):
        for number in range(20):
            yield f"{number} {revision_read(connection)}\n".encode()
            connection.execute(text("SELECT 1"))

    whole = b"".join([piece async for piece in database.stream(make)])
    stream = database.stream(make)
    pieces = [await anext(stream) for _ in range(5)]

    def at_work():
        return [node for node in nodes if node.ask(OTHERS) == "SELECT 1"]

    # The connection of the whole one ends a moment after it is closed.
    await asyncio.to_thread(until, lambda: len(at_work()) == 1)
    [busy] = at_work()
    busy.stop()
    try:
        pieces += [piece async for piece in stream]
    finally:
        busy.start()
    assert b"".join(pieces) == whole


async def test_without_replicas_that_are_good_the_primary_is_read(database, nodes):
    primary, *replicas = nodes
    for node in replicas:
        node.stop()
    try:
        assert await where(database) == {primary.port}
    finally:
        for node in replicas:
            node.start()
    await everywhere(database)
    assert await where(database) == {node.port for node in replicas}


async def test_the_replicas_answer_while_the_primary_is_down(database, nodes):
    primary, *replicas = nodes
    revision = database.revision
    primary.stop()
    try:
        fresh = Database(database.settings)
        for each in (database, fresh):
            assert await each.refresh(now=True) == revision
            assert await where(each) == {node.port for node in replicas}
        fresh.close()
    finally:
        primary.start()
    until(lambda: primary.ask("SELECT count(*) FROM pg_stat_replication") == len(replicas))
    newest = await asyncio.to_thread(changed, database.settings)
    await met(lambda: database.revision == newest, database)


async def test_without_the_primary_a_lagging_replica_leads_nobody_back(database, nodes):
    primary, ahead, behind = nodes
    behind.pause()
    newest = await asyncio.to_thread(changed, database.settings)
    await met(lambda: database.revision == newest, database)
    primary.stop()
    ahead.stop()
    try:
        assert await database.refresh(now=True) == newest
        with pytest.raises(Problem, match="cannot be read"):
            await database.read(port)
    finally:
        primary.start()
        ahead.start()
        behind.resume()
    assert await database.refresh(now=True) == newest
    await everywhere(database)


async def test_all_processes_turn_to_a_revision_at_once(database):
    settings = database.settings.model_copy(update={"refresh_seconds": 1})
    one, other = Database(settings), Database(settings)
    await one.refresh()
    await other.refresh()
    loaded = await asyncio.to_thread(changed, settings)
    # It is served two seconds after it was loaded. Both hear of it before, and they look at different moments.
    await one.refresh(now=True)
    await asyncio.sleep(0.5)
    await other.refresh(now=True)
    seen: list[str] = []
    while not seen or seen[-1] != loaded:
        # As an answer that is stored asks, and where that is not enough.
        seen += [each.fresh() or await each.refresh() for each in (one, other)]
        await asyncio.sleep(0.001)
    assert len(list(itertools.groupby(seen))) == 2
    one.close()
    other.close()


async def test_a_server_that_hangs_is_given_up(database, nodes, monkeypatch):
    # Nor is a good one, for which so many wait here at once.
    monkeypatch.setattr(postgresql, "PATIENCE", 3.0)
    monkeypatch.setattr(turns, "WAIT", 3.0)
    _, first, second = nodes
    await asyncio.gather(*(database.read(port) for _ in range(60)))
    first.hang()
    try:
        # The database's own limit is one that a server that hangs does not keep.
        with fail_after(20):
            found = await asyncio.gather(*(read_and_look(database) for _ in range(60)))
        assert set(found) == {second.port}
    finally:
        first.go_on()
    await everywhere(database)


async def read_and_look(database):
    await database.refresh(now=True)
    return await database.read(port)


OTHERS = "SELECT coalesce(max(query), '') FROM pg_stat_activity WHERE query = 'SELECT 1' AND pid <> pg_backend_pid()"


@pytest.fixture(scope="module")
def bases(given):
    """The bases of two real processes that serve the cluster, without stored answers."""
    load(given)
    variables = {f"FASTI_{name.upper()}": str(value) for name, value in given.model_dump().items() if value}
    ports = [free_port() for _ in range(2)]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve", "--no-load"], cwd=ROOT, stderr=subprocess.DEVNULL,
            env=os.environ | variables | {"FASTI_CACHE_BYTES": "0", "PORT": str(each)},
        )
        for each in ports
    ]  # fmt: skip
    bases = [f"http://127.0.0.1:{each}/v1" for each in ports]
    until(lambda: all(map(answers, bases)))
    yield bases
    for process in running:
        process.kill()
    for process in running:
        process.wait()


def answers(base):
    try:
        return httpx.get(base).status_code == 200
    except httpx.TransportError:
        return False


class Traffic:
    """Clients that ask one process after the other, each noting the revisions that it is given."""

    def __init__(self, bases, clients=6):
        self.bases, self.over, self.failed = bases, False, []
        self.seen: list[list[str]] = [[] for _ in range(clients)]

    async def __aenter__(self):
        self.clients = [asyncio.create_task(self._client(number)) for number in range(len(self.seen))]
        return self

    async def __aexit__(self, *_):
        self.over = True
        await asyncio.gather(*self.clients)

    async def _client(self, number):
        async with httpx.AsyncClient(timeout=30) as client:
            for turn in itertools.count(number):
                if self.over:
                    return
                answer = await client.get(f"{self.bases[turn % len(self.bases)]}/people?limit={1 + turn % 50}")
                if answer.status_code != 200:
                    self.failed.append(answer.text)
                    return
                self.seen[number].append(answer.json()["revision"])

    async def more(self, rounds=20):
        """Until every client was answered so many times more."""
        wanted = [len(each) + rounds for each in self.seen]
        end = time.monotonic() + 60
        while not self.failed and any(len(each) < least for each, least in zip(self.seen, wanted, strict=True)):
            assert time.monotonic() < end, "waited in vain"
            await asyncio.sleep(0.02)

    async def turned_to(self, revision):
        """Until every client was given this revision."""
        while not self.failed and any(each[-1:] != [revision] for each in self.seen):
            await self.more(5)

    def orders(self):
        """The orders in which clients met revisions, each as often as they turned to another."""
        return {tuple(name for name, _ in itertools.groupby(each)) for each in self.seen}


@pytest.mark.usefixtures("settings")
async def test_a_replica_that_is_killed_under_load_costs_no_request(bases, nodes):
    async with Traffic(bases) as traffic:
        await traffic.more()
        for node in nodes[1:]:
            node.stop()
            await traffic.more()
            node.start()
            await traffic.more()
    assert traffic.failed == []


async def test_no_client_meets_an_older_revision_after_a_newer(settings, nodes, bases):
    """Two processes, one replica that lags, another that does, loads meanwhile, and clients that stick to nobody."""
    _, *replicas = nodes
    revisions = [load(settings).revision]
    async with Traffic(bases) as traffic:
        for lagging in (replicas[:1], replicas[1:], replicas, replicas[:0]):
            for node in lagging:
                node.pause()
            revisions.append(await asyncio.to_thread(changed, settings))
            await traffic.turned_to(revisions[-1])
            for node in lagging:
                node.resume()
        for _ in range(3):
            # One upon the other: some may never be served.
            revisions.append(await asyncio.to_thread(changed, settings))
        await traffic.turned_to(revisions[-1])
    assert traffic.failed == []
    for order in traffic.orders():
        assert [name for name in revisions if name in order] == list(order)
        assert set(revisions[:5]) <= set(order)
