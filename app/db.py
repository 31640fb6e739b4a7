"""The database as a server sees it: read only, one revision at a time, every query within its time.

A SQLite revision is an immutable file. A short query runs on the event loop, where it costs a third less than in a
thread, and in the one connection that is open for it as long as its revision is served; what is not done after
`INLINE_STEPS` is stopped and begun anew in a worker thread, so that it holds up nobody. What there is to know of
PostgreSQL is in `postgresql`.
"""

import os
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import Any, TypeVar
from urllib.parse import quote

from anyio import Lock, to_thread
from sqlalchemy import Connection, Engine, QueuePool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app.errors import Problem, unreadable
from app.postgresql import Cluster
from app.settings import Settings

T = TypeVar("T")
INLINE_STEPS = 50_000
"""Of SQLite's machine. 10,000 take 0.1 ms where keys are joined, 1 ms where rows are read, 2 ms where texts are."""

INLINE_CACHE = 8_000
"""Kilobytes of the file that the event loop's connection keeps, where SQLite would keep 2,000."""

STEP = 10_000
STREAMS = 16
NO_DATA = "There is no data to serve: run `fasti load`."


class Database:
    """The current revision. `read` runs one unit of work in it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = make_url(settings.database_url)
        self.cluster = None if self.url.get_backend_name() == "sqlite" else Cluster(settings)
        self.revision: str | None = None
        self._engine: Engine | None = None
        self._inline: Connection | None = None
        self._place: object = None
        self._looked = -1e9
        self._looking = Lock()
        self._streams = 0

    def fresh(self) -> str | None:
        """The revision that is served; None where there is none, or it is time to look for a newer one."""
        # Every request that is answered from what is stored asks this.
        if self.cluster is not None:
            return self.cluster.fresh()
        return self.revision if time.monotonic() - self._looked < self.settings.refresh_seconds else None

    async def refresh(self, *, now: bool = False) -> str:
        """The revision that is served, after a look for a newer one when it is time (or `now`).

        Raises Problem where there is none.
        """
        if self.cluster is not None:
            self.revision = await self.cluster.refresh(now=now)
            return self._named()
        asked = time.monotonic()
        if now or self._overdue(asked):
            # Whoever waits here finds the look done.
            async with self._looking:
                if self._looked < asked and (now or self._overdue(asked)):
                    self._look()
                    self._looked = time.monotonic()
        return self._named()

    async def _known(self) -> None:
        if self.revision is None:
            await self.refresh()

    def _named(self) -> str:
        if self.revision is None:
            raise Problem("unavailable", NO_DATA)
        return self.revision

    def _overdue(self, moment: float) -> bool:
        return self.revision is None or moment - self._looked >= self.settings.refresh_seconds

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work`, which only reads and may be begun twice. Raises Problem when it cannot be done in time."""
        if self.cluster is not None:
            await self._known()
            return await self.cluster.read(work)
        engine = await self._current_engine()
        try:
            return await self._tried(engine, work)
        except (SQLAlchemyError, Stale) as error:
            # The revision may have been replaced meanwhile, and what it was read from be gone.
            await self.refresh(now=True)
            if self._engine is engine or self._engine is None:
                raise _unavailable(error) from error
            engine = self._engine
        try:
            return await self._tried(engine, work)
        except (SQLAlchemyError, Stale) as error:
            raise _unavailable(error) from error

    async def _tried(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        assert self._inline is not None
        try:
            # What begins and ends here has nobody beside it. No transaction is ended, since nothing else is read.
            return _within(self._inline, work, _Budget(steps=INLINE_STEPS))
        except DBAPIError as error:
            if "interrupted" not in str(error.orig):
                raise
        return await to_thread.run_sync(_run, engine, work, _Budget(seconds=self.settings.query_seconds))

    async def stream(self, make: Callable[[Connection], Iterator[bytes]]) -> AsyncGenerator[bytes, None]:
        """What `make` yields, all of it from one revision, however many are loaded meanwhile.

        Each piece is made in a worker thread, has the time of one query, and is made when the one before it is gone.
        Raises Problem as `read` does. PostgreSQL holds no lock between two pieces, so that no load ever waits for a
        slow client; a schema that is dropped meanwhile ends the answer.
        """
        if self._streams >= STREAMS:
            raise Problem("unavailable", "As many long answers as can be are being sent already.")
        self._streams += 1
        try:
            if self.cluster is not None:
                await self._known()
                async with aclosing(self.cluster.stream(make)) as found:
                    async for each in found:
                        yield each
                return
            engine = await self._current_engine()
            # Outside the pool: it may be held for long, and on SQLite it alone still sees a file that was replaced.
            connection = await to_thread.run_sync(_detached, engine)
            pieces = make(connection)
            try:
                while (piece := await to_thread.run_sync(self._piece, connection, pieces)) is not None:
                    yield piece
            finally:
                connection.close()
        except (SQLAlchemyError, Stale) as error:
            raise _unavailable(error) from error
        finally:
            self._streams -= 1

    def pieces(self, make: Callable[[Connection], Iterator[bytes]]) -> Iterator[bytes]:
        """The same in this thread, for a command that serves nobody meanwhile."""
        if self.cluster is not None:
            yield from self.cluster.pieces(make)
            return
        self._look()
        if self._engine is None:
            raise Problem("unavailable", NO_DATA)
        with self._engine.connect() as connection:
            yield from make(connection)

    def _piece(self, connection: Connection, pieces: Iterator[bytes]) -> bytes | None:
        budget = _Budget(seconds=self.settings.query_seconds)
        piece: bytes | None = _within(connection, lambda _: next(pieces, None), budget)
        return piece

    async def _current_engine(self) -> Engine:
        if self._engine is None:
            await self.refresh()
        assert self._engine is not None
        return self._engine

    def close(self) -> None:
        if self.cluster is not None:
            self.cluster.close()
        if self._inline is not None:
            self._inline.close()
        if self._engine is not None:
            self._engine.dispose()
        self._engine = self._inline = self.revision = self._place = None

    def _look(self) -> None:
        try:
            place = self._current()
            if place is None or place == self._place:
                return
            engine = self._open(place)
            with engine.connect() as connection:
                revision = connection.execute(text("SELECT name FROM revision")).scalar_one()
            engine = engine.execution_options(revision=revision)
            inline = engine.connect()
            inline.exec_driver_sql(f"PRAGMA cache_size = -{INLINE_CACHE}")
        except (SQLAlchemyError, OSError, Stale):
            # A file that is not good leaves the revision that is being served as it is.
            return
        self.close()
        self._engine, self._inline = engine, inline
        self.revision, self._place = revision, place

    def _current(self) -> object:
        try:
            found = os.stat(self.url.database or "")
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _open(self, place: object) -> Engine:
        return create_engine("sqlite://", creator=lambda: self._connected(place), poolclass=QueuePool, pool_size=8)

    def _connected(self, place: object) -> sqlite3.Connection:
        uri = f"file:{quote(self.url.database or '')}?mode=ro&immutable=1"
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        connection.execute("PRAGMA query_only = ON")
        # Opened by its path, which may be another revision's by now.
        if self._current() != place:
            connection.close()
            raise Stale
        return connection


class Stale(Exception):
    """What a revision was read from is no longer there."""


def _unavailable(error: Exception) -> Problem:
    return unreadable(error, late="interrupted" in str(error))


def revision_read(connection: Connection) -> str:
    """The revision that a connection of `Database` reads."""
    name: str = connection.get_execution_options()["revision"]
    return name


class _Budget:
    def __init__(self, steps: int | None = None, seconds: float | None = None) -> None:
        self.left = steps
        self.until = time.monotonic() + seconds if seconds is not None else None

    def spent(self) -> int:
        """Called by SQLite every `STEP` instructions; anything but 0 interrupts the query."""
        if self.left is not None:
            self.left -= STEP
            return self.left <= 0
        return self.until is not None and time.monotonic() > self.until


def _run(engine: Engine, work: Callable[[Connection], T], budget: _Budget) -> T:
    with engine.connect() as connection:
        return _within(connection, work, budget)


def _within(connection: Connection, work: Callable[[Connection], T], budget: _Budget) -> T:
    raw: Any = connection.connection.dbapi_connection
    raw.set_progress_handler(budget.spent, STEP)
    try:
        return work(connection)
    finally:
        raw.set_progress_handler(None, 0)


def _detached(engine: Engine) -> Connection:
    connection = engine.connect()
    connection.detach()
    return connection
