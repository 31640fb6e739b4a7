"""The database as a server sees it: read only, one revision at a time, every query within its time.

A SQLite revision is an immutable file, of which `sqlite` tells. A short query runs on the event loop, where it costs a
third less than in a thread, and in the one connection that is open for it as long as its revision is served; what is
not done after `INLINE_STEPS` is stopped and begun anew in a worker thread, so that it holds up nobody. What there is to
know of PostgreSQL is in `postgresql`.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import Any, TypeVar

from anyio import Lock, to_thread
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app.errors import Problem, log, unreadable
from app.postgresql import Cluster
from app.settings import Settings
from app.sqlite import CONNECTIONS, Broken, Mark, Served, Stale, is_unreadable, mark_of
from app.turns import Turns

T = TypeVar("T")
INLINE_STEPS = 50_000
"""Of SQLite's machine. 10,000 take 0.1 ms where keys are joined, 1 ms where rows are read, 2 ms where texts are."""

STEP = 10_000
STREAMS = 16
PATIENCE = 1.0
"""Seconds that a request waits while a file is read that is to be served: a large one takes longer, and meanwhile the
old one is served, or nothing."""

NO_DATA = "There is no data to serve: run `fasti load`."
READING = "The data are being read, to see that they are whole: ask again in a moment."
NOT_WHOLE = "The data are not as they were loaded, and are not served: run `fasti load`, or put a good file there."


class Database:
    """The current revision. `read` runs one unit of work in it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = make_url(settings.database_url)
        self.cluster = None if self.url.get_backend_name() == "sqlite" else Cluster(settings)
        self.revision: str | None = None
        self._path = self.url.database or ""
        self._served: Served | None = None
        self._last: int | None = None
        self._refused: Mark | None = None
        self._missing = NO_DATA
        self._opening: asyncio.Future[Served | None] | None = None
        self._looked = -1e9
        self._looking = Lock()
        self._turns = Turns(CONNECTIONS)
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
                    await self._look()
                    self._looked = time.monotonic()
        return self._named()

    async def _known(self) -> None:
        if self.revision is None:
            await self.refresh()

    def _named(self) -> str:
        if self.revision is None:
            raise Problem("unavailable", self._missing if self._opening is None else READING)
        return self.revision

    def _overdue(self, moment: float) -> bool:
        return self.revision is None or moment - self._looked >= self.settings.refresh_seconds

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work`, which only reads and may be begun twice. Raises Problem when it cannot be done in time."""
        if self.cluster is not None:
            await self._known()
            return await self.cluster.read(work)
        served = await self._current()
        try:
            return await self._tried(served, work)
        except (SQLAlchemyError, Stale) as error:
            if is_unreadable(error) and self._served is served:
                self._drop()
            # The revision may have been replaced meanwhile, and what it was read from be gone.
            await self.refresh(now=True)
            if self._served is served:
                raise _unavailable(error) from error
        try:
            return await self._tried(await self._current(), work)
        except (SQLAlchemyError, Stale) as error:
            raise _unavailable(error) from error

    async def _tried(self, served: Served, work: Callable[[Connection], T]) -> T:
        try:
            # What begins and ends here has nobody beside it. No transaction is ended, since nothing else is read.
            return _within(served, served.inline, work, _Budget(steps=INLINE_STEPS))
        except DBAPIError as error:
            if "interrupted" not in str(error.orig):
                raise
        return await self._turns.run(_run, served, work, self.settings.query_seconds)

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
            served = await self._current()
            # Outside the pool: it may be held for long, and on SQLite it alone still sees a file that was replaced.
            connection = await to_thread.run_sync(_detached, served)
            pieces = make(connection)
            try:
                while (piece := await to_thread.run_sync(self._piece, served, connection, pieces)) is not None:
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
        if (found := self._another()) is not None:
            self._turn(self._opened(found))
        self._named()
        assert self._served is not None
        with self._served.engine.connect() as connection:
            pieces = make(connection)
            try:
                while (piece := self._piece(self._served, connection, pieces)) is not None:
                    yield piece
            except (SQLAlchemyError, Stale) as error:
                raise _unavailable(error) from error

    def _piece(self, served: Served, connection: Connection, pieces: Iterator[bytes]) -> bytes | None:
        budget = _Budget(seconds=self.settings.query_seconds)
        piece: bytes | None = _within(served, connection, lambda _: next(pieces, None), budget)
        return piece

    async def _current(self) -> Served:
        if self._served is None:
            await self.refresh()
        assert self._served is not None
        return self._served

    def close(self) -> None:
        if self.cluster is not None:
            self.cluster.close()
        if self._served is not None:
            self._served.close()
        self._served = self.revision = None

    async def _look(self) -> None:
        found, patience = self._another(), 0.0 if self._served else PATIENCE
        if self._opening is None and found is not None:
            self._opening = asyncio.get_running_loop().run_in_executor(None, self._opened, found)
            patience = PATIENCE
        if self._opening is not None and (await asyncio.wait([self._opening], timeout=patience))[0]:
            opened, self._opening = self._opening, None
            self._turn(opened.result())

    def _another(self) -> Mark | None:
        """The file that is to be looked at, since it may take the place of what is served; None where there is none."""
        if self._served is not None and self._served.is_altered():
            self._drop()
        found = mark_of(self._path)
        return None if found in (self._refused, self._served and self._served.mark) else found

    def _drop(self) -> None:
        """Serve no longer what cannot be relied on."""
        log.error("%s was changed after it was loaded, or cannot be read: it is served no longer", self._path)
        self.close()
        self._missing = NOT_WHOLE

    def _opened(self, found: Mark) -> Served | None:
        """The file, or None where it is not good. What was served before is read whole, whatever it looks like."""
        try:
            return Served(self._path, thorough=found.number == self._last)
        except (Broken, SQLAlchemyError) as error:
            log.error("the data are not good: %s", error)
            # Until it is another.
            self._refused, self._missing = found, NOT_WHOLE
        except (OSError, Stale) as error:
            log.error("the data cannot be read: %r", error)
        return None

    def _turn(self, served: Served | None) -> None:
        if served is None:
            # A file that is not good leaves the revision that is being served as it is.
            return
        self.close()
        self._served, self.revision, self._last = served, served.revision, served.mark.number
        self._refused, self._missing = None, NO_DATA


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


def _run(served: Served, work: Callable[[Connection], T], seconds: float) -> T:
    with served.engine.connect() as connection:
        return _within(served, connection, work, _Budget(seconds=seconds))


def _within(served: Served, connection: Connection, work: Callable[[Connection], T], budget: _Budget) -> T:
    """What the work finds, or why it fails, if the file did not change meanwhile. Raises Stale if it did."""
    raw: Any = connection.connection.dbapi_connection
    raw.set_progress_handler(budget.spent, STEP)
    try:
        done = work(connection)
    except Exception as error:
        if served.is_altered():
            raise Stale from error
        raise
    finally:
        raw.set_progress_handler(None, 0)
    if served.is_altered():
        raise Stale
    return done


def _detached(served: Served) -> Connection:
    connection = served.engine.connect()
    connection.detach()
    return connection
