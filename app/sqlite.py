"""SQLite as a server sees it: a file that nobody changes, and what tells that somebody did.

The file is opened read only and is never mapped into memory, where one that is cut short would end the process. Its
inode is held open beside the connections: what is read counts only if that is, afterwards, as it was when it was found
whole. A file that is deleted or replaced stays as it was for those who have it open.
"""

import os
import sqlite3
import time
from functools import partial
from typing import NamedTuple
from urllib.parse import quote
from weakref import finalize

from sqlalchemy import Connection, Engine, QueuePool, create_engine, text
from sqlalchemy.exc import DBAPIError

from app import seal

INLINE_CACHE = 8_000
"""Kilobytes of the file that the event loop's connection keeps, where SQLite would keep 2,000."""

CONNECTIONS = 8
"""How many questions at once are worked on in threads."""

TICK = 0.02
"""Seconds within which two changes of a file may have the same time."""

_UNREADABLE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR)


class Stale(Exception):
    """What a revision was read from is no longer there, or no longer what it was."""


class Broken(Exception):
    """A file that is not what a load wrote."""


class Mark(NamedTuple):
    """What is another when a file is, or its content: its number, size, and times of change in nanoseconds."""

    number: int
    size: int
    modified: int
    changed: int


def mark(found: os.stat_result) -> Mark:
    return Mark(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def mark_of(path: str) -> Mark | None:
    """The file that the path leads to now; None where it leads to none."""
    try:
        return mark(os.stat(path))
    except OSError:
        return None


def is_unreadable(error: Exception) -> bool:
    """Whether SQLite says that the file makes no sense."""
    code = getattr(error.orig, "sqlite_errorcode", 0) if isinstance(error, DBAPIError) else 0
    return code & 0xFF in _UNREADABLE


class Served:
    """A file that was found whole, its revision, and the connections to it.

    Raises Broken or SQLAlchemyError where it is not good, and OSError or Stale where it cannot be read now. It reads a
    large file only if it is not what a load left there, or if it is to be `thorough`.
    """

    def __init__(self, path: str, *, thorough: bool = False) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)
        # A read that ends after `close` still looks at it.
        finalize(self, os.close, self._descriptor)
        self.mark = mark(os.fstat(self._descriptor))
        if 0 <= time.time() - self.mark.modified / 1e9 < TICK:
            time.sleep(TICK)
        with open(self._descriptor, "rb", closefd=False) as file:
            if not seal.is_whole(file, thorough=thorough):
                raise Broken(f"{path} is not as a load wrote it")
        engine = create_engine(
            "sqlite://", creator=partial(_connected, path, self.mark), poolclass=QueuePool, pool_size=CONNECTIONS
        )
        try:
            with engine.connect() as connection:
                self.revision: str = connection.execute(text("SELECT name FROM revision")).scalar_one()
            self.engine: Engine = engine.execution_options(revision=self.revision)
            self.inline: Connection = self.engine.connect()
            self.inline.exec_driver_sql(f"PRAGMA cache_size = -{INLINE_CACHE}")
        except Exception:
            engine.dispose()
            raise

    def is_altered(self) -> bool:
        """Whether the file was written to since it was found whole; being deleted or replaced does not alter it."""
        found, known = os.fstat(self._descriptor), self.mark
        if found.st_mtime_ns != known.modified or found.st_size != known.size:
            return True
        # To lose its last name changes its time, and after that nobody can open it.
        return found.st_ctime_ns != known.changed and found.st_nlink > 0

    def close(self) -> None:
        self.inline.close()
        self.engine.dispose()


def _connected(path: str, wanted: Mark) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(path)}?mode=ro&immutable=1", uri=True, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    # Opened by its path, which may be another revision's by now.
    if mark_of(path) != wanted:
        connection.close()
        raise Stale
    return connection
