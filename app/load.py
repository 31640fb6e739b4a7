"""Packs into a database: read into a staging file and checked there, then rendered and written, in bounded memory."""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from app import __version__, documents, entering, index, seal, tallies, zones
from app.answers import facets, search
from app.curation import Made, Progress, Staged, quiet, staged
from app.fingerprints import Fingerprints
from app.pack import Complaint, PackError, folders
from app.postgresql import published
from app.rendering import COLUMNS, Stretch, release, render
from app.settings import ROOT, Settings
from app.staging import Staging
from app.target import Target, alone, opened
from app.workers import Workers

RENDERING = ("analysis", "answers/facets", "answers/graph", "answers/search", "curation", "dates", "documents",
             "encoding", "entering", "entries", "index", "pack", "packfile", "rendering", "schemas", "spans", "staging",
             "tallies", "texts", "vocabulary", "zones")  # fmt: skip
COUNTED = ("shelf", "zone", "extent", "bucket", "facet_count", "first_hit")
BATCH = 8_000


class Loaded(NamedTuple):
    revision: str
    changed: bool


def revision_of(settings: Settings) -> str:
    """The name of what the packs say now: a hash over them, the tables, and the code that renders the documents."""
    seen = sha256(_head().encode())
    for module in RENDERING:
        seen.update((ROOT / "app" / f"{module}.py").read_bytes())
    fingerprints = Fingerprints(_memory(settings.database_url))
    for folder in folders(settings.seed_dir):
        seen.update(folder.name.encode() + fingerprints.of(folder, settings.source_dir).encode())
    fingerprints.keep()
    return seen.hexdigest()[:16]


def _memory(url: str) -> Path:
    """Where the digests of large files are remembered: beside the database, or where it would be."""
    folder = _folder(url)
    return folder / f"{Path(make_url(url).database or '').name}.digests" if folder else ROOT / ".data" / "digests"


def _folder(url: str) -> Path | None:
    """The folder of a database that is a file."""
    found = make_url(url)
    return Path(found.database or "").absolute().parent if found.get_backend_name() == "sqlite" else None


def _head() -> str:
    return sorted(path.name for path in (ROOT / "migrations" / "versions").glob("*.py"))[-1]


def stored_revision(settings: Settings) -> str | None:
    """The revision that the database holds; None where it holds none that can be read."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not _is_whole(Path(url.database or "")):
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


def _is_whole(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return seal.is_whole(file)


def load(settings: Settings, *, force: bool = False, progress: Progress = quiet) -> Loaded:
    """Bring the database to what the packs say. Does nothing when it is there already, unless `force`.

    Raises PackError when a pack is wrong, or was changed while it was read; OSError, sqlite3.Error or SQLAlchemyError
    when the database cannot be written. It is then as it was.
    """
    revision = revision_of(settings)
    if not force and stored_revision(settings) == revision:
        return Loaded(revision, False)
    place = _folder(settings.database_url)
    if place is None:
        return _load(settings, revision, None, progress)
    with alone(place, progress):
        # Another load may have ended meanwhile.
        revision = revision_of(settings)
        if not force and stored_revision(settings) == revision:
            return Loaded(revision, False)
        return _load(settings, revision, place, progress)


def _load(settings: Settings, revision: str, place: Path | None, progress: Progress) -> Loaded:
    with staged(folders(settings.seed_dir), settings.source_dir, place, progress) as made:
        # All that is needed of the packs is in the staging file now.
        if revision_of(settings) != revision:
            said = "the packs were changed while they were read: load them again"
            raise PackError([Complaint(str(settings.seed_dir), 1, said)])
        try:
            return _fill(settings, revision, made, progress)
        finally:
            release(made.staging.path)


def _fill(settings: Settings, revision: str, made: Made, progress: Progress) -> Loaded:
    with opened(settings.database_url, 2 * settings.refresh_seconds) as target:
        target.drop_indexes()
        _write(made.staging, target, made.workers, progress)
        finish = entering.begin(made.staging, target, made.workers, progress)
        _describe(target, made.packs, revision)
        for done in target.make_indexes():
            progress("Indexing", done, len(target.later))
        # For what counts the rows; and at the end of what it wrote.
        target.ready()
        _count(target, progress)
        finish()
        search.fill(target.connection)
        target.ready(*COUNTED)
        progress("Checking", 0, 0)
    return Loaded(revision, True)


def _write(staging: Staging, target: Target, hands: Workers, progress: Progress) -> None:
    vocabulary, aliases = index.Vocabulary(), 0
    stretches = [each for table in ("record", "relation", "passage", "citation") for each in _stretches(staging, table)]
    for done, made in enumerate(hands.each(render, stretches), 1):
        for table, rows in made.rows.items():
            if table == "alias":
                rows = [(number, *row) for number, row in enumerate(rows, aliases + 1)]
                aliases += len(rows)
                target.write(table, ("pk", *COLUMNS[table]), rows)
            else:
                target.write(table, COLUMNS[table], rows)
        staging.add("item", made.items)
        vocabulary.merge(made.vocabulary)
        progress("Writing", done, len(stretches))
    target.write("stem", index.STEM, list(vocabulary.stems()))
    target.write("term", index.TERM, list(vocabulary.terms()))


def _stretches(staging: Staging, table: str) -> Iterator[Stretch]:
    source = {"citation": "place"}.get(table, table)
    last = staging.one(f"SELECT coalesce(max(pk), 0) FROM {source}")
    # A passage tells of everything that is cited from it.
    batch = 4 if table == "passage" else BATCH
    for first in range(1, last + 1, batch):
        yield Stretch(staging.path, table, first, min(first + batch - 1, last))


def _describe(target: Target, packs: list[Staged], revision: str) -> None:
    """The few rows that are of the whole: its words, and what it is."""
    words = sum((pack.words for pack in packs), Counter[tuple[str, str]]())
    target.write("word", ("field", "word", "count"), [(*word, count) for word, count in sorted(words.items())])
    shown = {"id", "title", "description", "licence", "licence_url", "citation"}
    bases = [pack.about.model_dump(include=shown) for pack in packs]
    document = documents.about(bases, revision, __version__, Counter(target.counts))
    target.write("revision", ("name", "document"), [(revision, document)])


def _count(target: Target, progress: Progress) -> None:
    """What is worked out of the rows but those of search, once they and their indexes are there."""
    progress("Counting", 0, 0)
    tallies.fill(target.connection)
    zones.fill(target.connection)
    facets.fill(target.connection)
