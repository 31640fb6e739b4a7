"""Where packs are put together before they are loaded: a SQLite file of their entries, in which SQL finds what refers
to nothing or is there twice, numbers all rows in reading order, and joins to each what is said of it elsewhere.

Nothing here grows in memory with the packs. The file is written by one process, and read by many once it is complete.
"""

import marshal
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from app.errors import nearest, perhaps
from app.pack import MOST, Complaint, PackError
from app.vocabulary import KINDS

Rows = list[tuple[Any, ...]]
SCHEMA = """
CREATE TABLE claim (
    seq INTEGER PRIMARY KEY, pack INTEGER, kind INTEGER, id TEXT, name TEXT, start INTEGER, order_key TEXT,
    attributed_to TEXT, relative_to TEXT, subject TEXT, object TEXT, path TEXT, line INTEGER, predicate TEXT);
CREATE TABLE draft (seq INTEGER PRIMARY KEY, body BLOB);
CREATE TABLE about (seq INTEGER, number INTEGER, target TEXT, PRIMARY KEY (seq, number)) WITHOUT ROWID;
CREATE TABLE broken (id TEXT NOT NULL);
CREATE TABLE fragment (
    number INTEGER PRIMARY KEY, pack INTEGER, source TEXT, cite BLOB, UNIQUE (pack, source, cite));
CREATE TABLE cite (seq INTEGER, fragment INTEGER, folded TEXT, alias TEXT);
CREATE TABLE source (seq INTEGER PRIMARY KEY, pack INTEGER, id TEXT, text TEXT, headings BLOB);
CREATE TABLE record (pk INTEGER PRIMARY KEY, seq INTEGER, id TEXT NOT NULL, kind INTEGER, name TEXT);
CREATE TABLE relation (
    pk INTEGER PRIMARY KEY, seq INTEGER, id TEXT, subject INTEGER, object INTEGER, predicate TEXT);
CREATE TABLE touch (
    record INTEGER, seq INTEGER, relation INTEGER, other INTEGER, first INTEGER, PRIMARY KEY (record, seq)
) WITHOUT ROWID;
CREATE TABLE place (pk INTEGER PRIMARY KEY, id TEXT, seq INTEGER, fragment INTEGER, passage INTEGER);
"""
# Files of their own: they are written while the first is read.
PLACED = """
CREATE TABLE placed.located (
    fragment INTEGER PRIMARY KEY, called TEXT, start INTEGER, stop INTEGER, passage INTEGER, body BLOB);
CREATE TABLE placed.fault (fragment INTEGER, message TEXT);
CREATE TABLE placed.passage (
    number INTEGER PRIMARY KEY, source INTEGER, id TEXT, start INTEGER, pk INTEGER, body BLOB);
CREATE TABLE placed.info (seq INTEGER PRIMARY KEY, body BLOB);
CREATE TABLE placed.block (pack INTEGER, id TEXT, source TEXT, spans TEXT);
"""
ITEMS = "CREATE TABLE items.item (weight INTEGER, id TEXT, body BLOB)"
RELATION = len(KINDS)
NUMBER_RECORDS = """
INSERT INTO record (seq, id, kind, name)
SELECT seq, id, kind, name FROM claim WHERE kind < :relation
ORDER BY kind, order_key, start IS NULL, start, id;
CREATE INDEX record_id ON record (id);
CREATE INDEX record_seq ON record (seq);
"""
NUMBER_RELATIONS = """
INSERT INTO relation (seq, id, subject, object, predicate)
SELECT claim.seq, claim.id, subject.pk, object.pk, claim.predicate FROM claim
JOIN record subject ON subject.id = claim.subject JOIN record object ON object.id = claim.object
WHERE claim.kind = :relation ORDER BY claim.start IS NULL, claim.start, claim.id;
CREATE INDEX relation_id ON relation (id);
CREATE INDEX relation_seq ON relation (seq);
INSERT OR IGNORE INTO touch SELECT object, seq, pk, subject, 1 FROM relation
UNION ALL SELECT subject, seq, pk, object, 0 FROM relation WHERE subject <> object ORDER BY 1, 2;
"""
# Of several citations of one place by one claim the last one stands.
NUMBER_PLACES = """
INSERT INTO place (id, seq, fragment, passage)
SELECT citation, seq, fragment, passage FROM (
    SELECT claim.id || '.' || source.id || '.' || located.start || '-' || located.stop AS citation, claim.seq,
        cite.fragment, passage.number AS passage, located.start, max(cite.rowid)
    FROM cite JOIN located ON located.fragment = cite.fragment JOIN claim ON claim.seq = cite.seq
        JOIN passage ON passage.number = located.passage JOIN source ON source.seq = passage.source
    GROUP BY located.start, citation)
ORDER BY start, citation;
CREATE INDEX place_seq ON place (seq);
CREATE INDEX place_passage ON place (passage);
UPDATE passage SET pk = ordered.pk FROM (
    SELECT number, row_number() OVER (ORDER BY start, id) AS pk FROM passage) ordered
WHERE ordered.number = passage.number;
CREATE UNIQUE INDEX placed.passage_pk ON passage (pk);
"""
REFERENCES = ("attributed_to", "relative_to", "subject", "object")


def connect(path: Path, *more: str) -> sqlite3.Connection:
    """A connection that reads what is there by now, with the files beside it that have `more` of it."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    connection.execute("PRAGMA cache_size = -32768")
    for name in more:
        connection.execute(f"ATTACH ? AS {name}", (f"{path}.{name}",))
    return connection


class Staging:
    """The file, for the process that writes it. Raises PackError where complaints are too many, or it is told to."""

    def __init__(self, path: Path) -> None:
        self.path, self.complaints = path, list[Complaint]()
        self.connection = sqlite3.connect(path)
        for name in ("placed", "items"):
            self.connection.execute(f"ATTACH ? AS {name}", (f"{path}.{name}",))
        for name in ("main", "placed", "items"):
            # It is thrown away: nothing of it need survive a crash.
            for setting in ("page_size = 8192", "journal_mode = OFF", "synchronous = OFF", "cache_size = -24576"):
                self.connection.execute(f"PRAGMA {name}.{setting}")
        self.connection.executescript(SCHEMA + PLACED + ITEMS)
        self._fragments: dict[tuple[Any, ...], int] = {}

    def close(self) -> None:
        self.connection.close()

    def complain(self, complaints: Iterable[Complaint]) -> None:
        self.complaints += complaints
        if len(self.complaints) > MOST:
            self.stop_if_wrong()

    def stop_if_wrong(self) -> None:
        if self.complaints:
            raise PackError(self.complaints)

    def publish(self) -> None:
        """Let others read what is here."""
        self.connection.commit()

    def add(self, table: str, rows: Rows) -> None:
        if rows:
            self.connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)

    def add_cites(self, pack: int, fragments: Rows, cites: Rows) -> None:
        """Citations, each of a claim and with the place in `fragments` of what it names."""
        numbers = [self._fragment((pack, *fragment)) for fragment in fragments]
        self.add("cite", [(seq, numbers[at], *alias) for seq, at, *alias in cites])

    def _fragment(self, fragment: tuple[Any, ...]) -> int:
        number = self._fragments.get(fragment)
        if number is None:
            wanted = "INSERT INTO fragment (pack, source, cite) VALUES (?, ?, ?)"
            wanted += " ON CONFLICT DO UPDATE SET pack = excluded.pack RETURNING number"
            [(number,)] = self.connection.execute(wanted, fragment).fetchall()
            if len(self._fragments) > 200_000:
                self._fragments.clear()
            self._fragments[fragment] = number
        return number

    def rows(self, query: str, *values: Any) -> Iterator[Any]:
        yield from self.connection.execute(query, values)

    def one(self, query: str, *values: Any) -> Any:
        [(found,)] = self.connection.execute(query, values).fetchall()
        return found

    def counts(self, pack: int) -> dict[str, int]:
        """How many entries of each kind a pack has, and how many relations."""
        query = "SELECT kind, count(*) FROM claim WHERE pack = ? GROUP BY kind ORDER BY kind"
        return {(*KINDS, "relation")[kind]: count for kind, count in self.rows(query, pack)}

    def number(self) -> None:
        """Give records and relations their keys, and complain of what refers to nothing or is there twice."""
        self._run(NUMBER_RECORDS)
        self._taken("record")
        self._run(NUMBER_RELATIONS)
        self._taken("relation")
        self._dangling()

    def place(self) -> None:
        """Give passages and citations their keys."""
        self._run(NUMBER_PLACES)
        self._run("ANALYZE;")

    def _run(self, script: str) -> None:
        for statement in script.strip().split(";\n"):
            self.connection.execute(statement, {"relation": RELATION} if ":relation" in statement else {})

    def _taken(self, table: str) -> None:
        """Complain of ids that are there twice, or that a relation has and a record too."""
        twice = f"SELECT id FROM {table} GROUP BY id HAVING count(*) > 1"
        if table == "relation":
            twice += " UNION SELECT relation.id FROM relation JOIN record ON record.id = relation.id"
        for (name,) in self.rows(f"{twice} LIMIT {MOST + 1}"):
            places = (
                f"SELECT kind, path, line FROM claim WHERE seq IN (SELECT seq FROM {table} WHERE id = ?) ORDER BY seq"
            )
            first, *others = self.rows(places, name)
            if table == "record":
                said = f"the id {name!r} is taken, by the {KINDS[first[0]]} at {first[1]}:{first[2]}"
            else:
                said = f"the relation {name!r} is there twice: give one of them an `id`"
                others = others or [first]
            self.complain(Complaint(path, line, said) for _, path, line in others)

    def _dangling(self) -> None:
        for name in REFERENCES:
            wrong = f"""
                SELECT kind, claim.path, claim.line, claim.{name} FROM claim
                WHERE {name} IS NOT NULL AND {name} NOT IN (SELECT id FROM record)
                    AND {name} NOT IN (SELECT id FROM broken) LIMIT {MOST + 1}"""
            for kind, path, line, reference in self.rows(wrong):
                self.complain([Complaint(path, line, f"{_called(name, kind)}: {self._missing(reference)}")])
        about = f"""
            SELECT path, line, target FROM about JOIN claim USING (seq)
            WHERE target NOT IN (SELECT id FROM record) AND target NOT IN (SELECT id FROM broken) LIMIT {MOST + 1}"""
        for path, line, reference in self.rows(about):
            self.complain([Complaint(path, line, f"about: {self._missing(reference)}")])
        place = f"""
            SELECT path, line, record.id, record.kind FROM claim JOIN record ON record.id = claim.object
            WHERE claim.kind = ? AND record.kind <> ? LIMIT {MOST + 1}"""
        for path, line, reference, kind in self.rows(place, KINDS.index("estimate"), KINDS.index("place")):
            said = f"place: {reference!r} is of the kind {KINDS[kind]}, and place is wanted"
            self.complain([Complaint(path, line, said)])

    def _missing(self, reference: str) -> str:
        """That a record is missing, and which was perhaps meant: of few all are looked at, of many those near by."""
        near = "SELECT id FROM record WHERE id >= ? ORDER BY id LIMIT 5000"
        begin = "" if (self.one("SELECT max(pk) FROM record") or 0) <= 5_000 else reference[:3]
        return f"there is no {reference!r}{perhaps(nearest(reference, (name for (name,) in self.rows(near, begin))))}"


def _called(column: str, kind: int) -> str:
    """What a curator calls a column."""
    if column == "relative_to":
        return "date.relative_to"
    kinds = {"estimate": {"object": "place"}, "quote": {"subject": "speaker"}}
    return kinds.get(KINDS[kind], {}).get(column, column) if kind < RELATION else column


def packed(body: Any) -> bytes:
    # The second version has no marks of identity: what is equal has the same bytes.
    return marshal.dumps(body, 2)


def unpacked(body: bytes) -> Any:
    return marshal.loads(body)
