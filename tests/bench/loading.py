"""How fast a pack is loaded, beside the bare writing of the same rows into the same tables with their indexes."""

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from tempfile import TemporaryDirectory, TemporaryFile
from typing import NamedTuple

import psycopg
from sqlalchemy import create_engine, make_url

from app.postgresql import newest, published
from app.settings import ROOT
from app.target import migrate
from tests.bench.compare import rounded
from tests.bench.data import Data
from tests.bench.process import cpu_of, fasti

BATCH = 5_000
NOT_OURS = ("alembic_version", "sqlite_")


class Written(NamedTuple):
    """How many rows, in how many seconds by the clock, and of CPU (the database server's among it)."""

    rows: int
    seconds: float
    cpu: float

    def __str__(self) -> str:
        speeds = f"{self.rows / self.seconds:,.0f} a second, {self.rows / self.cpu:,.0f} a CPU-second"
        return f"{self.rows:,} rows in {self.seconds:.1f} s ({speeds})"


class Clock:
    """Seconds by the clock and of CPU: of this process, of those it has waited for, and of the database server."""

    def __init__(self, data: Data) -> None:
        self.helpers = data.helpers
        self.seconds, self.cpu = 0.0, 0.0

    def __enter__(self) -> "Clock":
        self.seconds -= time.monotonic()
        self.cpu -= self._cpu()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds += time.monotonic()
        self.cpu += self._cpu()

    def _cpu(self) -> float:
        return sum(os.times()[:4]) + sum(map(cpu_of, self.helpers))


def loading(data: Data) -> str:
    """What `fasti load` takes to fill an empty database, and what writing its rows takes that does nothing else."""
    with Clock(data) as clock:
        process = subprocess.Popen(fasti("load", "--force"), cwd=ROOT, env=os.environ | data.environment)
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("The pack could not be loaded.")
    sqlite = make_url(data.url).get_backend_name() == "sqlite"
    bare, how = (_inserted(data), "executemany") if sqlite else (_copied(data), "COPY")
    loaded = Written(bare.rows, clock.seconds, clock.cpu)
    return (
        f"{data.size:,} events: `fasti load` {loaded}, its largest process {used.ru_maxrss / 1e3:,.0f} MB;\n"
        f"a bare {how} {bare}: `fasti load` has {rounded(bare.seconds / loaded.seconds)} of its speed, "
        f"{rounded(bare.cpu / loaded.cpu)} of it by CPU."
    )


def _inserted(data: Data) -> Written:
    """The rows written by `executemany` to a SQLite file that the migrations made; reading them is not counted."""
    with TemporaryDirectory(dir=data.folder) as folder:
        target = f"{folder}/bare.db"
        engine = create_engine(f"sqlite:///{target}")
        with engine.begin() as connection:
            migrate(connection)
        engine.dispose()
        source = sqlite3.connect(make_url(data.url).database or "")
        bare = sqlite3.connect(target, isolation_level=None)
        bare.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN")
        rows, clock = 0, Clock(data)
        for table, columns, query in tables(source):
            statement = f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * (columns.count(',') + 1))})"
            for batch in _batches(source.execute(query)):
                rows += len(batch)
                with clock:
                    bare.executemany(statement, batch)
        with clock:
            bare.execute("COMMIT")
        return Written(rows, clock.seconds, clock.cpu)


def tables(source: sqlite3.Connection) -> Iterator[tuple[str, str, str]]:
    """The tables in the order they were made, with their columns and what reads their rows."""
    # What an index of words keeps of itself is not written by whoever fills it.
    listed = "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')"
    kinds = dict(source.execute(listed).fetchall())
    for (name,) in source.execute("SELECT name FROM sqlite_master ORDER BY rowid").fetchall():
        if kinds.get(name) == "virtual":
            # It has no content that could be read, but knows which word stands where.
            source.execute(f"CREATE VIRTUAL TABLE temp.{name}_words USING fts5vocab(main, {name}, instance)")
            placed = f"SELECT doc, term FROM {name}_words ORDER BY doc, offset"
            yield name, "rowid, tokens", f"SELECT doc, group_concat(term, ' ') FROM ({placed}) GROUP BY doc"
        elif name in kinds and not name.startswith(NOT_OURS):
            columns = ", ".join(f'"{row[1]}"' for row in source.execute(f"PRAGMA table_info({name})"))
            yield name, columns, f"SELECT {columns} FROM {name}"


def _batches(cursor: sqlite3.Cursor) -> Iterator[list[tuple[object, ...]]]:
    while batch := cursor.fetchmany(BATCH):
        yield batch


def _copied(data: Data) -> Written:
    """The rows written by COPY to a schema that the migrations made, from files that COPY wrote before."""
    engine = create_engine(data.url)
    with engine.begin() as connection:
        loaded = newest(published(connection))
        connection.exec_driver_sql("CREATE SCHEMA bare")
        connection.exec_driver_sql("SET LOCAL search_path TO bare")
        migrate(connection)
    engine.dispose()
    rows, clock = 0, Clock(data)
    with psycopg.connect(data.url) as session:
        cursor = session.cursor()
        cursor.execute("SET session_replication_role = replica")
        # In the order in which they were made, which is one that their keys allow.
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'bare'::regnamespace "
            "AND relname <> 'alembic_version' ORDER BY oid"
        )
        for (table,) in cursor.fetchall():
            with TemporaryFile() as kept:
                with cursor.copy(f"COPY {loaded}.{table} TO STDOUT") as out:
                    for piece in out:
                        kept.write(piece)
                kept.seek(0)
                cursor.execute(f"TRUNCATE bare.{table} CASCADE")
                with clock, cursor.copy(f"COPY bare.{table} FROM STDIN") as into:
                    while piece := kept.read(1 << 20):
                        into.write(piece)
                rows += cursor.rowcount
        with clock:
            session.commit()
        cursor.execute("DROP SCHEMA bare CASCADE")
    return Written(rows, clock.seconds, clock.cpu)
