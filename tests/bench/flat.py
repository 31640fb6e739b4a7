"""The same records as plain tables in a SQLite file, as the peers would keep them, with indexes for what is asked."""

import json
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from app import dates
from app.vocabulary import PLURALS

SCHEMA = """
CREATE TABLE record (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, summary TEXT NOT NULL, type TEXT, stance TEXT NOT NULL,
    polarity TEXT NOT NULL, attributed_to TEXT REFERENCES record(id), date_text TEXT, edtf TEXT, earliest_start INTEGER,
    latest_start INTEGER, earliest_end INTEGER, latest_end INTEGER, stated_start INTEGER, stated_end INTEGER);
CREATE TABLE relation (
    id TEXT PRIMARY KEY, subject_id TEXT NOT NULL REFERENCES record(id), predicate TEXT NOT NULL,
    object_id TEXT NOT NULL REFERENCES record(id), role TEXT, causality TEXT, stance TEXT NOT NULL,
    polarity TEXT NOT NULL, date_text TEXT, edtf TEXT, stated_start INTEGER, stated_end INTEGER);
CREATE TABLE citation (
    id INTEGER PRIMARY KEY, record_id TEXT REFERENCES record(id), relation_id TEXT REFERENCES relation(id),
    source TEXT NOT NULL, fragment TEXT NOT NULL, start_offset INTEGER NOT NULL, end_offset INTEGER NOT NULL,
    sha256 TEXT NOT NULL);
"""
INDEXES = """
CREATE INDEX record_start ON record (kind, stated_start, id);
CREATE INDEX record_type ON record (kind, type);
CREATE INDEX relation_subject ON relation (subject_id);
CREATE INDEX relation_object ON relation (object_id);
CREATE INDEX citation_record ON citation (record_id);
CREATE INDEX citation_relation ON citation (relation_id);
CREATE VIRTUAL TABLE record_fts USING fts5 (name, summary, content='record', tokenize='porter unicode61');
INSERT INTO record_fts (rowid, name, summary) SELECT rowid, name, summary FROM record;
ANALYZE;
"""
BOUNDS = ("earliest_start", "latest_start", "earliest_end", "latest_end")
STATED = ("stated_start", "stated_end")
RECORD = ("id", "kind", "name", "summary", "type", "stance", "polarity", "attributed_to", "date_text", "edtf", *BOUNDS,
          *STATED)  # fmt: skip
RELATION = ("id", "subject", "predicate", "object", "role", "causality", "stance", "polarity", "date_text", "edtf",
            *STATED)  # fmt: skip
BATCH = 10_000
Row = dict[str, Any]


def build(folder: Path, target: Path) -> None:
    """Write the tables of the pack in `folder` to the file `target`."""
    aside = target.with_suffix(".new")
    aside.unlink(missing_ok=True)
    spans = json.loads((folder / "spans.json").read_text("utf-8"))["spans"]
    connection = sqlite3.connect(aside)
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + SCHEMA)
    for kind, plural in PLURALS.items():
        _insert(connection, "record", RECORD, (row | {"kind": kind} for row in _rows(folder / f"{plural}.ndjson")))
        _cites(connection, "record", folder / f"{plural}.ndjson", spans)
    _insert(connection, "relation", RELATION, _rows(folder / "relations.ndjson"))
    _cites(connection, "relation", folder / "relations.ndjson", spans)
    connection.executescript(INDEXES)
    connection.commit()
    connection.close()
    aside.replace(target)


def _entries(path: Path) -> Iterator[Row]:
    if path.is_file():
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _rows(path: Path) -> Iterator[Row]:
    """Entries with their dates laid out as columns."""
    for entry in _entries(path):
        date = entry.get("date") or {}
        row = {"stance": "asserted", "polarity": "positive", **entry}
        row |= {"date_text": date.get("text"), "edtf": date.get("edtf")}
        if date.get("edtf"):
            span = dates.parse(date["edtf"])
            row |= {name: getattr(span, name) for name in (*BOUNDS, *STATED)}
        yield row


def _insert(connection: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: Iterator[Row]) -> None:
    statement = f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})"
    while batch := [tuple(row.get(name) for name in columns) for row in islice(rows, BATCH)]:
        connection.executemany(statement, batch)


def _cites(connection: sqlite3.Connection, target: str, path: Path, spans: dict[str, list[Any]]) -> None:
    statement = (
        f"INSERT INTO citation ({target}_id, source, fragment, start_offset, end_offset, sha256) "
        "VALUES (?, 'chronicle', ?, ?, ?, ?)"
    )
    found = ((entry["id"], phrase, *spans[f"chronicle | {phrase} | 1"]) for entry in _entries(path)
             for phrase in entry["cite"])  # fmt: skip
    while batch := list(islice(found, BATCH)):
        connection.executemany(statement, batch)
