"""Packs into a database, whole or not at all.

SQLite: a new file beside the old one is migrated, filled, checked, synced and moved into place. PostgreSQL: the same
with a schema, which is renamed when it is complete, and served a moment later, by all processes at once; the one
before it is kept, so that a request under way can end.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine, create_engine, event, insert, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from app import __version__, documents, index, models, tallies, zones
from app.answers import facets
from app.pack import Complaint, Pack, PackError, fingerprint, folders, read
from app.postgresql import SERVED_FROM, published
from app.settings import ROOT, Settings

COUNTED = ("shelf", "zone", "extent", "year", "facet_count")
ORDER = [table.name for table in models.metadata.sorted_tables if table.name not in ("revision", *COUNTED)]
BATCH = 5_000
RENDERING = ("analysis", "answers/facets", "dates", "documents", "index", "pack", "packfile", "schemas", "spans",
             "tallies", "vocabulary", "zones")  # fmt: skip


class Loaded(NamedTuple):
    revision: str
    changed: bool
    counts: dict[str, int]


def revision_of(settings: Settings) -> str:
    """The name of what the packs say now: a hash over them, the tables, and the code that renders the documents."""
    seen = sha256(_head().encode())
    for module in RENDERING:
        seen.update((ROOT / "app" / f"{module}.py").read_bytes())
    for folder in folders(settings.seed_dir):
        seen.update(folder.name.encode() + fingerprint(folder, settings.source_dir).encode())
    return seen.hexdigest()[:16]


def stored_revision(settings: Settings) -> str | None:
    """The revision that the database holds; None where it holds none that can be read."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return None
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            schema = max(published(connection), default=None) if engine.dialect.name == "postgresql" else "main"
            if schema is None:
                return None
            found: str = connection.execute(text(f"SELECT name FROM {schema}.revision")).scalar_one()
            return found
    except SQLAlchemyError:
        return None
    finally:
        engine.dispose()


def read_all(settings: Settings, progress: Callable[[str], None] = lambda _: None) -> list[Pack]:
    """Every pack below the seed folder. Raises PackError with all complaints of all packs."""
    packs, complaints = [], list[Complaint]()
    for folder in folders(settings.seed_dir):
        progress(f"Reading {folder.name}")
        try:
            packs.append(read(folder, settings.source_dir))
        except PackError as error:
            complaints += error.complaints
    if complaints:
        raise PackError(complaints)
    return packs


def load(settings: Settings, *, force: bool = False, progress: Callable[[str], None] = lambda _: None) -> Loaded:
    """Bring the database to what the packs say. Does nothing when it is there already, unless `force`.

    Raises PackError when a pack is wrong; the database is then as it was.
    """
    revision = revision_of(settings)
    if not force and stored_revision(settings) == revision:
        return Loaded(revision, False, {})
    packs = read_all(settings, progress)
    try:
        out = documents.rows(packs)
    except ValueError as error:
        raise PackError([Complaint(str(settings.seed_dir), 1, str(error))]) from error
    out |= index.rows(out)
    out["revision"] = [{"name": revision, "document": documents.about(packs, revision, __version__, out)}]
    progress(f"Writing {sum(map(len, out.values()))} rows")
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        _write_file(Path(url.database or ""), out)
    else:
        _write_schema(create_engine(url), out, 2 * settings.refresh_seconds)
    return Loaded(revision, True, {name: len(rows) for name, rows in out.items()})


def migrate(connection: Connection) -> None:
    # A quarter of a second to import, which a server that finds its data loaded need not wait for.
    from alembic import command
    from alembic.config import Config

    config = Config(toml_file=ROOT / "pyproject.toml")
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _head() -> str:
    return sorted(path.name for path in (ROOT / "migrations" / "versions").glob("*.py"))[-1]


def _fill(connection: Connection, out: documents.Rows) -> None:
    for name in [*ORDER, "revision"]:
        rows = out.get(name, [])
        for start in range(0, len(rows), BATCH):
            connection.execute(insert(models.metadata.tables[name]), rows[start : start + BATCH])
    index.fill(connection, out.get("entry_index", []))
    tallies.fill(connection)
    zones.fill(connection)
    facets.fill(connection)


def _write_file(target: Path, out: documents.Rows) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name}.{os.getpid()}.new")
    engine = create_engine(f"sqlite:///{aside}")
    event.listen(engine, "connect", _for_writing)
    try:
        aside.unlink(missing_ok=True)
        with engine.begin() as connection:
            migrate(connection)
            _fill(connection, out)
        with engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
            connection.commit()
            _check_file(connection)
        engine.dispose()
        _sync(aside)
        os.replace(aside, target)
        _sync(target.parent)
    finally:
        engine.dispose()
        with suppress(FileNotFoundError):
            aside.unlink()


def _for_writing(raw: object, _: object) -> None:
    # The file is nobody's until it is complete, so a journal would protect nothing.
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = ON"):
        raw.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]


def _check_file(connection: Connection) -> None:
    verdict = connection.exec_driver_sql("PRAGMA integrity_check").scalar_one()
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if verdict != "ok" or dangling:
        raise RuntimeError(f"the new file is not sound: {verdict}, {len(dangling)} dangling keys")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_schema(engine: Engine, out: documents.Rows, notice: float) -> None:
    try:
        with engine.begin() as connection:
            # One load at a time; readers never wait for it.
            connection.execute(text("SELECT pg_advisory_xact_lock(4205)"))
            connection.execute(text("CREATE SCHEMA fasti_loading"))
            connection.execute(text("SET LOCAL search_path TO fasti_loading"))
            migrate(connection)
            _fill(connection, out)
            _publish(connection, notice)
    finally:
        engine.dispose()


def _publish(connection: Connection, notice: float) -> None:
    """Name the schema that is complete, and say from when on it is served: when every process has heard of it."""
    found = published(connection)
    served = sorted(name for name, wait in found.items() if wait <= 0)
    for old in served[:-1]:
        connection.execute(text(f"DROP SCHEMA {old} CASCADE"))
    number = int(max(found, default="fasti_0").removeprefix("fasti_")) + 1
    wait = {"seconds": notice if found else 0}
    moment = connection.execute(text("SELECT clock_timestamp() + make_interval(secs => :seconds)"), wait).scalar_one()
    connection.execute(text(f"COMMENT ON SCHEMA fasti_loading IS '{SERVED_FROM}{moment}'"))
    connection.execute(text(f"ALTER SCHEMA fasti_loading RENAME TO fasti_{number:09d}"))
