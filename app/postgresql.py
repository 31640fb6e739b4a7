"""PostgreSQL as a server sees it: a primary, and replicas over which the reads are spread.

A revision is a schema, and the comment on it says from when on it is served, by the primary's clock. A process asks
the primary at least every `refresh_seconds`, and relies on what it hears no longer than that, nor beyond the moment
of the next revision: so all processes turn to it at once, and none gives an older one after another gave a newer.
"""

import asyncio
import os
import socket
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from anyio import CapacityLimiter, Lock, fail_after, to_thread
from sqlalchemy import URL, Connection, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from app.errors import unreadable
from app.settings import Settings
from app.turns import NoTurn, Turns

T = TypeVar("T")
Work = Callable[[Connection], T]
CONNECTIONS = 8
CONNECT_SECONDS = 2
PATIENCE = 1.0
"""How many seconds a server may take to say which revisions it has, before it counts as down."""
SERVED_FROM = "served from "
_SCHEMAS = text(
    "SELECT nspname, coalesce(extract(epoch FROM"
    f" substring(obj_description(oid, 'pg_namespace') FROM '{SERVED_FROM}(.*)')::timestamptz - clock_timestamp()), 0)"
    r" FROM pg_namespace WHERE nspname ~ '^fasti_[0-9]{9}$'"
)
_GONE = ("42P01", "3F000")
_TOO_LONG = "57014"
_LOST = "08006"
_DOWN = ("08", "57", "58")
_ELSEWHERE = ("40", "53")
"""A conflict with what a replica replays, or too little of something: another server may do it, or a second try."""


def published(connection: Connection) -> dict[str, float]:
    """The schemas of the finished revisions, with the seconds until each is served: 0 or less when it may be."""
    return {name: float(wait) for name, wait in connection.execute(_SCHEMAS)}


def newest(found: dict[str, float]) -> str:
    """Which of these schemas is to be served."""
    return max((name for name, wait in found.items() if wait <= 0), default=min(found))


class Down(SQLAlchemyError):
    """The server went down while the work waited for its turn."""


class Pool:
    """Connections to one server that find their tables in one schema.

    Nothing that they read ever changes, so a statement is its own transaction: one round trip, no lock left behind.
    """

    def __init__(self, server: "Server", schema: str, size: int) -> None:
        settings = {
            "search_path": schema, "default_transaction_read_only": "on", "statement_timeout": server.limit,
            # All that is asked has an index, and is over before it could be compiled.
            "enable_seqscan": "off", "jit": "off",
        }  # fmt: skip
        options = " ".join(f"-c{name}={value}" for name, value in settings.items())
        self.server, self.closed = server, False
        self.engine = create_engine(
            server.url, connect_args={"options": options, "connect_timeout": CONNECT_SECONDS}, pool_size=size,
            isolation_level="AUTOCOMMIT", skip_autocommit_rollback=True, pool_reset_on_return=None,
        )  # fmt: skip
        event.listen(self.engine, "connect", self._opened)
        event.listen(self.engine, "checkout", self._taken)
        event.listen(self.engine, "close", lambda raw, _: server.raw.discard(raw))
        event.listen(self.engine, "close_detached", lambda raw: server.raw.discard(raw))

    def _opened(self, raw: Any, record: ConnectionPoolEntry) -> None:
        self.server.raw.add(raw)
        record.info["downs"] = self.server.downs

    def _taken(self, _: Any, record: ConnectionPoolEntry, __: Any) -> None:
        # What was open when the server went down is dead, though nothing has told so yet.
        if record.info["downs"] != self.server.downs:
            raise DisconnectionError

    def read(self, work: Work[T], held: list[Any]) -> T:
        """The same as `run`. Raises Down where the server went down meanwhile."""
        if not self.server.is_up:
            raise Down
        return self.run(work, held)

    def run(self, work: Work[T], held: list[Any] | None = None) -> T:
        """What `work` finds; `held` is told of the driver's connection that it uses."""
        with self.engine.connect() as connection:
            raw: Any = connection.connection.dbapi_connection
            if held is not None:
                held.append(raw)
            try:
                return work(connection)
            finally:
                # It would go back to a pool that nobody looks after any more, or broken.
                if self.closed or raw.closed:
                    connection.invalidate()

    def detached(self) -> Connection:
        connection = self.engine.connect()
        connection.detach()
        return connection

    def close(self) -> None:
        self.closed = True
        self.engine.dispose()


def _cut(connections: Iterable[Any]) -> None:
    for raw in connections:
        # It may be closed in this very moment, which the driver says in an error of its own.
        with suppress(Exception):
            if not raw.closed:
                with socket.socket(fileno=os.dup(raw.fileno())) as connected:
                    connected.shutdown(socket.SHUT_RDWR)


class Server:
    """One PostgreSQL, and what is known of it."""

    def __init__(self, url: str, limit: int) -> None:
        self.url: URL = make_url(url)
        self.limit = limit
        self.raw: set[Any] = set()
        self.looks = Pool(self, "pg_catalog", 1)
        self.schemas: dict[str, float] = {}
        self.is_up, self.downs = True, 0
        self.busy = 0
        # As many as there are connections, so that nobody waits in a thread for one.
        self.turns = Turns(CONNECTIONS)

    def failed(self, error: SQLAlchemyError, schema: str) -> None:
        """Note what the error says of this server. Raises Problem where another would not do better."""
        # What has no state was not said by the server: it could not be reached, or there was no turn for it.
        state = getattr(error.orig, "sqlstate", None) or _LOST if isinstance(error, DBAPIError) else "53"
        if state in _GONE:
            self.schemas.pop(schema, None)
        elif state == _TOO_LONG:
            raise unreadable(error, late=True) from error
        elif state.startswith(_DOWN):
            self.down()
        elif not state.startswith(_ELSEWHERE):
            raise unreadable(error) from error

    def down(self) -> None:
        self.is_up = False
        self.downs += 1

    def cut(self) -> None:
        """End what waits for a server that does not answer: it fails at once, and is done elsewhere."""
        # Copied in one step, since threads open and close connections meanwhile.
        _cut(self.raw.copy())


class Revision:
    """A revision that is served, and the connections that read it."""

    def __init__(self, name: str, schema: str, servers: list[Server]) -> None:
        self.name, self.schema = name, schema
        self.pools = {server: Pool(server, schema, CONNECTIONS) for server in servers}
        for pool in self.pools.values():
            pool.engine.update_execution_options(revision=name)

    def close(self) -> None:
        for pool in self.pools.values():
            pool.close()


class Cluster:
    """The database that `db` hands its work to."""

    def __init__(self, settings: Settings) -> None:
        self.refresh_seconds = settings.refresh_seconds
        # A server ends a query in its time; one that cannot is waited for a little longer.
        self.seconds = settings.query_seconds + PATIENCE
        urls = [url.strip() for url in settings.replica_urls.split(",") if url.strip()]
        limit = int(settings.query_seconds * 1000)
        self.primary, *self.replicas = self.servers = [Server(url, limit) for url in (settings.database_url, *urls)]
        self.current: Revision | None = None
        self._looked = self._until = -1e9
        self._looking = Lock()
        self._threads = CapacityLimiter(2 * len(self.servers))
        self._asking: dict[Server, asyncio.Task[Any]] = {}
        self._turn = 0

    def fresh(self) -> str | None:
        """The same as `refresh`, where there is no need for a look; None where there is."""
        return self.current.name if self.current and time.monotonic() < self._until else None

    async def refresh(self, *, now: bool = False) -> str | None:
        """The name of the revision that is served at this moment; None where there is none."""
        asked = time.monotonic()
        if now or asked >= self._until:
            # Whoever waits here finds the look done, and one that began after he came is good for him.
            async with self._looking:
                if self._looked < asked and (now or asked >= self._until):
                    await self._look()
        return self.current.name if self.current else None

    async def read(self, work: Work[T]) -> T:
        """Run `work`, which may be begun anew elsewhere. Raises Problem when no server does it in time."""
        error: SQLAlchemyError | NoTurn | None = None
        for _ in range(2):
            for server in self._in_order():
                revision = self._served()
                server.busy += 1
                try:
                    held: list[Any] = []
                    return await server.turns.run(revision.pools[server].read, work, held, seconds=self.seconds)
                except TimeoutError as late:
                    # Whether the server is down, the next look will tell.
                    _cut(held)
                    raise unreadable(late, late=True) from late
                except NoTurn as found:
                    error = found
                except SQLAlchemyError as found:
                    error = found
                    server.failed(found, revision.schema)
                finally:
                    server.busy -= 1
            if isinstance(error, NoTurn):
                raise error
            # What was read from may have been replaced, or the servers be others than was thought.
            await self.refresh(now=True)
        raise unreadable(error)

    async def stream(self, make: Callable[[Connection], Iterator[bytes]]) -> AsyncGenerator[bytes, None]:
        """What `make` yields. Where a server fails, another one goes on with the piece that comes next."""
        revision, sent, error = self._served(), 0, None
        for server in self._in_order():
            connection = None
            server.busy += 1
            try:
                connection = await to_thread.run_sync(revision.pools[server].detached)
                pieces = islice(make(connection), sent, None)
                while (piece := await to_thread.run_sync(partial(next, pieces, None))) is not None:
                    yield piece
                    sent += 1
                return
            except SQLAlchemyError as found:
                error = found
                server.failed(found, revision.schema)
            finally:
                server.busy -= 1
                if connection is not None:
                    connection.close()
        raise unreadable(error)

    def pieces(self, make: Callable[[Connection], Iterator[bytes]]) -> Iterator[bytes]:
        """The same from the primary in this thread; nothing where there is no revision."""
        found = self.primary.looks.run(published)
        revision = self._opened(newest(found), self.primary) if found else None
        if revision is not None:
            with revision.pools[self.primary].engine.connect() as connection:
                yield from make(connection)
            revision.close()

    def close(self) -> None:
        for task in self._asking.values():
            task.cancel()
        for server in self.servers:
            server.looks.close()
        if self.current is not None:
            self.current.close()
        self.current, self._until = None, -1e9

    def _served(self) -> Revision:
        assert self.current is not None
        return self.current

    def _in_order(self) -> list[Server]:
        """The replicas that have the revision, those first that have the least to do; the primary; then the others.

        What is down is left out: to ask it takes seconds, and it comes back by the next look.
        """
        schema, self._turn = self._served().schema, self._turn + 1
        good = [each for each in self.replicas if each.is_up and schema in each.schemas]
        turn = self._turn % len(good) if good else 0
        ready = sorted(good[turn:] + good[:turn], key=lambda server: server.busy)
        others = [self.primary, *(each for each in self.replicas if each not in good)]
        return [*ready, *(each for each in others if each.is_up)]

    async def _look(self) -> None:
        looked = time.monotonic()
        server, found = await self._heard()
        if server is not None and found:
            await self._turn_to(newest(found), server)
        self._looked = looked
        self._until = looked + min([self.refresh_seconds, *(wait for wait in found.values() if wait > 0)])
        for each in self.servers:
            if each is not server:
                self._ask_meanwhile(each)

    async def _heard(self) -> tuple[Server | None, dict[str, float]]:
        """What the primary says, or the replica that has the newest revision while the primary is down."""
        if self.primary.is_up or not self.replicas:
            await self._ask(self.primary)
        if self.primary.is_up:
            return self.primary, self.primary.schemas
        await asyncio.gather(*(self._ask(each) for each in self.replicas))
        up = [each for each in self.replicas if each.is_up and each.schemas]
        server = max(up, key=lambda each: newest(each.schemas), default=None)
        known = self.current.schema if self.current else ""
        if server is None or newest(server.schemas) < known:
            return None, {}
        return server, server.schemas

    async def _turn_to(self, schema: str, server: Server) -> None:
        if self.current is not None and self.current.schema == schema:
            return
        try:
            revision = await to_thread.run_sync(self._opened, schema, server, limiter=self._threads)
        except SQLAlchemyError:
            # What cannot be read leaves the revision that is being served as it is.
            return
        old, self.current = self.current, revision
        if old is not None:
            old.close()

    def _opened(self, schema: str, server: Server) -> Revision:
        query = text(f"SELECT name FROM {schema}.revision")
        name: str = server.looks.run(lambda connection: connection.execute(query).scalar_one())
        return Revision(name, schema, self.servers)

    def _ask_meanwhile(self, server: Server) -> None:
        if server not in self._asking or self._asking[server].done():
            self._asking[server] = asyncio.create_task(self._ask(server))

    async def _ask(self, server: Server) -> None:
        """Find out whether the server is up, and which revisions it has."""
        try:
            with fail_after(PATIENCE):
                server.schemas = await to_thread.run_sync(
                    server.looks.run, published, abandon_on_cancel=True, limiter=self._threads
                )
            server.is_up = True
        except (SQLAlchemyError, TimeoutError) as error:
            server.down()
            if isinstance(error, TimeoutError):
                server.cut()
