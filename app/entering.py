"""Entries written for search: the best connected first, so that a search may stop early.

SQLite has one writer a file. So they are written into a file of their own, where there are processes beside all else,
and then taken over, which costs a seventh of writing them.
"""

from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from sqlite3 import Connection
from typing import Any, NamedTuple

from app import index
from app.curation import Progress
from app.staging import Staging, connect, unpacked
from app.target import Target, apart
from app.workers import Workers

BATCH = 2_000
STEP = "Entering for search"


class _Task(NamedTuple):
    """The staging file, and how the tables are made that entries go into."""

    staging: Path
    tables: list[str]

    @property
    def path(self) -> Path:
        """The file that they are written into."""
        return Path(f"{self.staging}.entries")


def begin(staging: Staging, target: Target, hands: Workers, progress: Progress) -> Callable[[], None]:
    """Begin to write the entries, once all are staged. What it gives waits until they are there, as on PostgreSQL they
    are by then."""
    staging.connection.execute("CREATE INDEX items.item_order ON item (weight DESC, id)")
    if target.dialect != "sqlite":
        total = staging.one("SELECT count(*) FROM item")
        for done in _written(staging.connection, target):
            progress(STEP, done, total)
        return lambda: None
    staging.publish()
    task = _Task(staging.path, target.made("entry"))
    written = hands.start(_apart, task)

    def finish() -> None:
        progress(STEP, 0, 0)
        written()
        target.take(task.path, "entry")
        target.ready("entry")

    return finish


def _apart(task: _Task) -> None:
    """Write them into a file of their own."""
    waiting = connect(task.staging, "items")
    try:
        with apart(task.path, task.tables) as target:
            for _ in _written(waiting, target):
                pass
            index.settle(target.connection)
    finally:
        waiting.close()


def _written(waiting: Connection, target: Target) -> Iterator[int]:
    """Write them, a batch at a time: how many are written."""
    ordered = waiting.execute("SELECT body FROM item ORDER BY weight DESC, id")
    place = 0
    while batch := ordered.fetchmany(BATCH):
        made = [index.rows(target.dialect, number, unpacked(body)) for number, (body,) in enumerate(batch, place + 1)]
        target.write("entry", index.ENTRY, [entry for entry, _ in made])
        for part, words in groupby((words for _, words in made), _part):
            target.write(f"entry_index_{part}", index.INDEX, list(words))
        place += len(batch)
        yield place


def _part(row: tuple[Any, ...]) -> int:
    return index.part_of(row[0])
