"""Where a revision is written, whole or not at all.

SQLite: a new file beside the old one is migrated, filled, checked, sealed, synced and moved into place. PostgreSQL: the
same with a schema, which is renamed when it is complete, and served a moment later, by all processes at once; the one
before it is kept, so that a request under way can end. Indexes and foreign keys are made when all rows are there.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import partial
from glob import escape
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text

from app import seal
from app.postgresql import SERVED_FROM, published
from app.settings import ROOT

Row = tuple[Any, ...]


class Target:
    """A database that is being filled; `connection` sees what is in it so far."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.dialect = connection.dialect.name
        self.raw: Any = connection.connection.driver_connection
        self.counts: dict[str, int] = {}
        self.later: list[str] = []

    def write(self, table: str, columns: Iterable[str], rows: list[Row]) -> None:
        if not rows:
            return
        names = tuple(columns)
        self.counts[table] = self.counts.get(table, 0) + len(rows)
        listed = ", ".join(f'"{name}"' for name in names)
        if self.dialect == "sqlite":
            self.raw.executemany(f"INSERT INTO {table} ({listed}) VALUES ({', '.join('?' * len(names))})", rows)
            return
        with self.raw.cursor().copy(f"COPY {table} ({listed}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def drop_indexes(self) -> None:
        """Take away what is made faster of all rows than with each; `make_indexes` brings it back."""
        for gone, back in self._indexes():
            self.connection.exec_driver_sql(gone)
            self.later.append(back)

    def make_indexes(self) -> Iterator[int]:
        """Make them, one at a time: how many are made."""
        if self.dialect != "sqlite":
            self.connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '256MB'")
        for done, back in enumerate(self.later[::-1], 1):
            self.connection.exec_driver_sql(back)
            yield done

    def _indexes(self) -> list[Any]:
        if self.dialect == "sqlite":
            found = "SELECT 'DROP INDEX ' || name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
            return list(self.connection.exec_driver_sql(found))
        return [*self.connection.execute(text(CONSTRAINTS)), *self.connection.execute(text(INDEXES))]

    def made(self, beginning: str) -> list[str]:
        """How SQLite made the tables whose names begin so, but those that an index of words makes for itself."""
        found = "SELECT sql FROM sqlite_master JOIN pragma_table_list AS listed USING (name) "
        found += "WHERE schema = 'main' AND listed.type IN ('table', 'virtual') AND name GLOB ?"
        return list(self.connection.exec_driver_sql(found, (f"{beginning}*",)).scalars())

    def take(self, path: Path, beginning: str) -> None:
        """Take over the rows of such tables from a file where they were made alike: record by record, as they are."""
        self.connection.exec_driver_sql("ATTACH ? AS taken", (str(path),))
        found = "SELECT name FROM pragma_table_list WHERE schema = 'taken' AND type <> 'virtual' AND name GLOB ?"
        for table in self.connection.exec_driver_sql(found, (f"{beginning}*",)).scalars().all():
            # An index of words keeps a row or two even while it is empty.
            self.connection.exec_driver_sql(f"DELETE FROM main.{table}")
            self.connection.exec_driver_sql(f"INSERT INTO main.{table} SELECT * FROM taken.{table}")

    def ready(self, *tables: str) -> None:
        """Tell the planner what the rows of these tables are like, or of all."""
        if not tables and self.dialect != "sqlite":
            # Of this schema alone: statistics of what others read are none of its business.
            tables = tuple(self.connection.execute(text(TABLES)).scalars())
        for table in tables or ("",):
            self.connection.exec_driver_sql(f"ANALYZE {table}")


# Foreign keys are dropped before the keys that they refer to, and made after them.
CONSTRAINTS = """
SELECT 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || quote_ident(conname),
    'ALTER TABLE ' || conrelid::regclass || ' ADD CONSTRAINT ' || quote_ident(conname) || ' '
    || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND contype IN ('f', 'u')
    AND conrelid <> 0 AND conparentid = 0
ORDER BY contype"""
INDEXES = """
SELECT 'DROP INDEX ' || indexrelid::regclass, pg_get_indexdef(indexrelid)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE relnamespace = current_schema()::regnamespace AND NOT relispartition
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"""


TABLES = """
SELECT oid::regclass::text FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"""


@contextmanager
def alone(folder: Path, progress: Callable[[str, int, int], None]) -> Iterator[None]:
    """Load where nobody else loads: whoever comes second waits, and says so. Who is killed holds nobody up."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            flock(handle, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            progress("Waiting for another load to end", 0, 0)
            flock(handle, LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def opened(url: str, notice: float) -> Iterator[Target]:
    """A new revision to be filled. It takes the place of the old one at the end, unless something is raised.

    On PostgreSQL it does so after `notice`, in seconds: when every process has heard of it.
    """
    found = make_url(url)
    if found.get_backend_name() == "sqlite":
        with _file(Path(found.database or "")) as target:
            yield target
    else:
        with _schema(create_engine(found), notice) as target:
            yield target


def migrate(connection: Connection) -> None:
    # A quarter of a second to import, which a server that finds its data loaded need not wait for.
    from alembic import command
    from alembic.config import Config

    config = Config(toml_file=ROOT / "pyproject.toml")
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _file(path: Path) -> Iterator[Target]:
    # What others have left that were killed: there is nobody beside this load.
    for left in path.parent.glob(f"{escape(path.name)}*.[0-9]*.new"):
        left.unlink(missing_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.new")
    engine = _new(aside)
    try:
        with engine.begin() as connection:
            migrate(connection)
            yield Target(connection)
        engine.dispose()
        _check_and_seal(aside)
        os.replace(aside, path)
        _sync(path.parent)
    finally:
        engine.dispose()
        with suppress(FileNotFoundError):
            aside.unlink()


@contextmanager
def apart(path: Path, tables: list[str]) -> Iterator[Target]:
    """A file for some tables, made so, that nobody is to read but the target that takes their rows."""
    engine = _new(path)
    try:
        with engine.begin() as connection:
            for table in tables:
                connection.exec_driver_sql(table)
            yield Target(connection)
    finally:
        engine.dispose()


def _new(path: Path) -> Engine:
    """A SQLite file that is nobody's until it is complete."""
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _for_writing)
    return engine


def _for_writing(raw: object, _: object) -> None:
    # A journal would protect nothing; and keys are checked at the end.
    settings = ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF", "cache_size = -98304", "threads = 2")
    for pragma in settings:
        raw.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]


def _check_and_seal(path: Path) -> None:
    """All of it is read three times, at once. Raises RuntimeError or sqlite3.Error where pages are not sound, or keys
    dangle.

    Whether each index has what its table has is not asked: SQLite has just made them alike, and to ask takes thrice as
    long.
    """
    with ThreadPoolExecutor() as pool:
        sealed = pool.submit(seal.put, path)
        pages, dangling = pool.map(partial(_asked, path), ("quick_check", "foreign_key_check"))
        sealed.result()
    if pages != [("ok",)] or dangling:
        raise RuntimeError(f"the new file is not sound: {pages}, dangling keys {dangling}")


def _asked(path: Path, pragma: str) -> list[Row]:
    """The first that a check finds."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA cache_size = -16384")
        return connection.execute(f"PRAGMA {pragma}").fetchmany(1)
    finally:
        connection.close()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _schema(engine: Engine, notice: float) -> Iterator[Target]:
    try:
        with engine.begin() as connection:
            # One load at a time; readers never wait for it.
            connection.execute(text("SELECT pg_advisory_xact_lock(4205)"))
            connection.execute(text("CREATE SCHEMA fasti_loading"))
            connection.execute(text("SET LOCAL search_path TO fasti_loading"))
            migrate(connection)
            yield Target(connection)
            _publish(connection, notice)
    finally:
        engine.dispose()


def _publish(connection: Connection, notice: float) -> None:
    """Name the schema that is complete, and say from when on it is served."""
    found = published(connection)
    served = sorted(name for name, wait in found.items() if wait <= 0)
    for old in served[:-1]:
        connection.execute(text(f"DROP SCHEMA {old} CASCADE"))
    number = int(max(found, default="fasti_0").removeprefix("fasti_")) + 1
    wait = {"seconds": notice if found else 0}
    moment = connection.execute(text("SELECT clock_timestamp() + make_interval(secs => :seconds)"), wait).scalar_one()
    connection.execute(text(f"COMMENT ON SCHEMA fasti_loading IS '{SERVED_FROM}{moment}'"))
    connection.execute(text(f"ALTER SCHEMA fasti_loading RENAME TO fasti_{number:09d}"))
