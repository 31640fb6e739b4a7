"""Rows and documents from a complete staging file, a stretch of keys at a time: each table in the order of its keys."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from sqlite3 import Connection
from typing import Any, NamedTuple

from app import index
from app.analysis import name_key
from app.answers import graph
from app.documents import ref, rendered, shaped
from app.entries import entry
from app.staging import connect, packed, unpacked
from app.vocabulary import KINDS, PREDICATES

Row = dict[str, Any]
DATED = ("earliest_start", "latest_start", "earliest_end", "latest_end", "stated_start", "stated_end")
SAID = ("date_text", "edtf", *DATED, "stance", "polarity", "attributed_to", "document")
OWN: dict[str, tuple[str, ...]] = {
    "event": ("type",),
    "person": ("name_known",),
    "policy": ("type",),
    "estimate": ("id", "type", "measure", "low", "high", "value", "unit", "approximate", "subject", "place"),
    "organization": ("type", "name_known"),
    "place": ("type",),
    "quote": ("form", "text", "speaker"),
    "source": ("type",),
}
COLUMNS: dict[str, tuple[str, ...]] = {
    "record": ("pk", "id", "kind", "name", "name_key", "summary", *SAID),
    **{kind: ("pk", *own) for kind, own in OWN.items()},
    "alias": ("record", "name", "in_source"),
    "quote_subject": ("quote", "record"),
    "relation": ("pk", "id", "subject", "object", "predicate", "role", "causality", "cited", *SAID),
    "passage": ("pk", "id", "source", "section", "start_offset", "end_offset", "text", "document"),
    "citation": ("pk", "id", "record", "relation", "passage", "source", "section", "start_offset", "end_offset",
                 "status", "document"),
}  # fmt: skip
"""What is written of each table; keys that are not among them are given by the order."""


class Stretch(NamedTuple):
    """Rows of a table whose keys lie between two, both included."""

    staging: Path
    table: str
    first: int
    last: int


class Rendered(NamedTuple):
    """The rows of a stretch by table, and its entries for search."""

    rows: dict[str, list[tuple[Any, ...]]]
    items: list[tuple[int, str, bytes]]
    vocabulary: index.Vocabulary


def render(stretch: Stretch) -> Rendered:
    return _Renderer(_fragments(stretch.staging)).render(stretch)


@lru_cache(1)
def _fragments(path: Path) -> "_Fragments":
    return _Fragments(connect(path, "placed"))


def release(path: Path) -> None:
    """Let go of a staging file that was read here: as long as it is open, it takes its space on the disk."""
    _fragments(path).staging.close()
    _fragments.cache_clear()


NAMED = """
    voice.pk, voice.id, voice.kind, voice.name, base.id, base.kind, base.name,
    one.pk, one.id, one.kind, one.name, two.pk, two.id, two.kind, two.name"""
RECORDS = f"""
SELECT record.pk, record.seq, draft.body, {NAMED} FROM record
JOIN claim USING (seq) JOIN draft USING (seq)
LEFT JOIN record voice ON voice.id = claim.attributed_to LEFT JOIN record base ON base.id = claim.relative_to
LEFT JOIN record one ON one.id = claim.subject LEFT JOIN record two ON two.id = claim.object
WHERE record.pk BETWEEN ? AND ? ORDER BY record.pk"""
RELATIONS = f"""
SELECT relation.pk, relation.seq, draft.body, {NAMED} FROM relation
JOIN claim USING (seq) JOIN draft USING (seq)
JOIN record one ON one.pk = relation.subject JOIN record two ON two.pk = relation.object
LEFT JOIN record voice ON voice.id = claim.attributed_to LEFT JOIN record base ON base.id = claim.relative_to
WHERE relation.pk BETWEEN ? AND ? ORDER BY relation.pk"""
COUNTS = "SELECT record, count(*) FROM touch WHERE record BETWEEN ? AND ? GROUP BY record"
TIES = """
SELECT touch.record, touch.first, touch.other, relation.predicate, touch.seq, other.id, other.kind, other.name
FROM touch JOIN relation ON relation.pk = touch.relation JOIN record other ON other.pk = touch.other
WHERE touch.record BETWEEN ? AND ? ORDER BY touch.record, touch.seq"""
OFFICES = """
SELECT relation.subject, draft.body, office.id, office.kind, office.name, base.id, base.kind, base.name
FROM relation JOIN record office ON office.pk = relation.object JOIN draft USING (seq) JOIN claim USING (seq)
LEFT JOIN record base ON base.id = claim.relative_to
WHERE relation.pk IN (
    SELECT relation FROM touch WHERE record BETWEEN ? AND ? AND (NOT first OR other = record))
    AND relation.predicate = 'held_office'
ORDER BY relation.subject, relation.seq"""
CITED = """
SELECT {table}.pk, place.id, place.fragment FROM {table} JOIN place ON place.seq = {table}.seq
WHERE {table}.pk BETWEEN ? AND ? ORDER BY {table}.pk, place.pk"""
ABOUT = """
SELECT record.pk, other.pk, other.id, other.kind, other.name
FROM record JOIN about USING (seq) JOIN record other ON other.id = about.target
WHERE record.pk BETWEEN ? AND ? ORDER BY record.pk, about.number"""
FRAGMENT = """
SELECT located.body, located.start, record.pk, record.id, record.kind, record.name, passage.pk, passage.id
FROM located JOIN passage ON passage.number = located.passage JOIN record ON record.seq = passage.source
WHERE located.fragment = ?"""
TARGETS = """
SELECT place.pk, place.id, place.fragment, record.pk, record.id, record.kind, record.name,
    relation.pk, relation.id, relation.predicate, one.name, two.name
FROM place LEFT JOIN record ON record.seq = place.seq LEFT JOIN relation ON relation.seq = place.seq
LEFT JOIN record one ON one.pk = relation.subject LEFT JOIN record two ON two.pk = relation.object"""
CITATIONS = f"{TARGETS} WHERE place.pk BETWEEN ? AND ? ORDER BY place.pk"
ANCHORS = f"{TARGETS} WHERE place.passage = ?"
PASSAGES = """
SELECT passage.pk, passage.number, passage.body, record.pk, record.id, record.kind, record.name
FROM passage JOIN record ON record.seq = passage.source WHERE passage.pk BETWEEN ? AND ? ORDER BY passage.pk"""


class _Fragments:
    """What is cited: a fragment has what all citations of it say, and the keys of its source and its passage."""

    def __init__(self, staging: Connection) -> None:
        self.staging = staging
        self.get = lru_cache(50_000)(self._read)

    def _read(self, number: int) -> tuple[Row, int, int]:
        body, _, source, *named, passage, passage_id = self.staging.execute(FRAGMENT, (number,)).fetchone()
        shown = unpacked(body)
        return shown | {"source": ref(*named), "passage": passage_id}, source, passage


class _Renderer:
    def __init__(self, fragments: _Fragments) -> None:
        self.staging, self.fragment = fragments.staging, fragments.get
        self.rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self.items: list[tuple[int, str, bytes]] = []
        self.vocabulary = index.Vocabulary()
        self.checked: set[str] = set()

    def render(self, stretch: Stretch) -> Rendered:
        make: Callable[[int, int], None] = getattr(self, stretch.table)
        make(stretch.first, stretch.last)
        return Rendered(dict(self.rows), self.items, self.vocabulary)

    def grouped(self, query: str, first: int, last: int) -> dict[int, list[Any]]:
        found = defaultdict(list)
        for key, *rest in self.staging.execute(query, (first, last)):
            found[key].append(rest)
        return found

    def written(self, kind: str, body: Row) -> str:
        """A document; the first of a kind in each stretch is held against the documented shape."""
        is_first = kind not in self.checked
        self.checked.add(kind)
        return rendered(kind, body, check=is_first)

    def record(self, first: int, last: int) -> None:
        counts = dict(self.staging.execute(COUNTS, (first, last)))
        cited = self.grouped(CITED.format(table="record"), first, last)
        ties, offices, about = (_Later(self, query, first, last) for query in (TIES, OFFICES, ABOUT))
        for pk, seq, body, *named in self.staging.execute(RECORDS, (first, last)):
            columns, claimed, own, wire = unpacked(body)
            kind = wire["kind"]
            voice, base, one, two = _named(named)
            if "date" in wire and wire["date"] and base:
                wire["date"]["relative_to"] = base
            wire["attributed_to"] = voice
            wire["relation_count"] = counts.get(pk, 0)
            wire["citation_count"] = len(cited.get(pk, ()))
            match kind:
                case "event":
                    wire["involved"] = [self.involvement(*tie) for tie in ties[pk] if tie[5] in INVOLVED]
                    wire["places"] = _others(pk, ties[pk], "place")
                    wire["policies"] = _others(pk, ties[pk], "policy")
                case "policy":
                    wire["initiators"] = _initiators(ties[pk])
                case "person":
                    wire["offices"] = [_office(*each) for each in offices[pk]]
                case "estimate":
                    wire |= {"subject": one, "place": two}
                    own |= {"id": wire["id"], "subject": named[7], "place": named[11]}
                case "quote":
                    wire |= {"speaker": one, "about": [ref(*each) for _, *each in about[pk]]}
                    own["speaker"] = named[7]
                    self.rows["quote_subject"] += [(pk, each[0]) for each in about[pk]]
                case "source":
                    wire |= unpacked(self.staging.execute("SELECT body FROM info WHERE seq = ?", (seq,)).fetchone()[0])
            start = (pk, wire["id"], kind, wire["name"], name_key(wire["name"]), wire["summary"])
            self.rows["record"].append((*start, *columns, *claimed, named[0], self.written(kind, wire)))
            self.rows[kind].append((pk, *(own[name] for name in OWN[kind])))
            self.rows["alias"] += [(pk, alias["name"], alias["in_source"]) for alias in wire["aliases"]]
            self.item(kind, "record", pk, wire, cited.get(pk, ()))

    def relation(self, first: int, last: int) -> None:
        cited = self.grouped(CITED.format(table="relation"), first, last)
        for pk, _, body, *named in self.staging.execute(RELATIONS, (first, last)):
            columns, claimed, own, wire = unpacked(body)
            voice, base, one, two = _named(named)
            if wire["date"] and base:
                wire["date"]["relative_to"] = base
            wire |= {"subject": one, "object": two, "attributed_to": voice}
            wire["citation_count"] = len(cited.get(pk, ()))
            said = (own["predicate"], own["role"], own["causality"], self.linked(cited.get(pk, ())))
            start = (pk, wire["id"], named[7], named[11], *said)
            self.rows["relation"].append((*start, *columns, *claimed, named[0], self.written("relation", wire)))
            self.item("relation", "relation", pk, wire, cited.get(pk, ()))

    def linked(self, cited: Any) -> str:
        """What a graph says of a relation's citations: source by source, in the order of the text."""
        found = [(self.fragment(number), name) for name, number in cited]
        found.sort(key=lambda each: (each[0][1], each[0][0]["start"], each[1]))
        return graph.cited(said | {"id": name} for (said, *_), name in found)

    def item(self, kind: str, table: str, pk: int, wire: Row, cited: Any) -> None:
        """What search keeps of a row."""
        citations = [self.fragment(number)[0] | {"id": name} for name, number in cited]
        made = entry(kind, wire, citations)
        if made is not None:
            self.vocabulary.add(made)
            self.items.append((made.weight, wire["id"], packed(index.staged(made, table, pk))))

    def involvement(self, first: bool, _: int, predicate: str, seq: int, *other: Any) -> Row:
        [body] = self.staging.execute("SELECT body FROM draft WHERE seq = ?", (seq,)).fetchone()
        wire = unpacked(body)[3]
        said = {name: wire[name] for name in ("role", "stance", "polarity")}
        end = "subject" if first else "object"
        return {"record": ref(*other), "predicate": predicate, "end": end, **said, "relation": wire["id"]}

    def citation(self, first: int, last: int) -> None:
        for pk, name, number, *target in self.staging.execute(CITATIONS, (first, last)):
            said, source, passage = self.fragment(number)
            wire = shaped("citation", {"id": name, "target": _target(target), "url": f"/v1/citations/{name}", **said})
            place = (passage, source, said["section"]["id"], said["start"], said["end"], said["status"])
            row = (pk, name, target[0], target[4], *place, self.written("citation", wire))
            self.rows["citation"].append(row)

    def passage(self, first: int, last: int) -> None:
        for pk, number, body, source, *named in self.staging.execute(PASSAGES, (first, last)).fetchall():
            utf16_start, wire = unpacked(body)
            wire |= {"source": ref(*named), "anchors": list(self.anchors(number, wire["start"], utf16_start))}
            wire = shaped("passage", wire)
            place = (wire["section"]["id"], wire["start"], wire["end"], wire["text"])
            self.rows["passage"].append((pk, wire["id"], source, *place, self.written("passage", wire)))
            self.item("passage", "passage", pk, wire, ())

    def anchors(self, passage: int, start: int, utf16_start: int) -> Iterator[Row]:
        """The citations in a passage, each with its place counted from the passage's beginning."""
        found = [(self.fragment(number)[0], name, target)
                 for _, name, number, *target in self.staging.execute(ANCHORS, (passage,))]  # fmt: skip
        for said, name, target in sorted(found, key=lambda each: (each[0]["start"], each[0]["end"], each[1])):
            places = {place: said[place] - start for place in ("start", "end")}
            places |= {place: said[place] - utf16_start for place in ("utf16_start", "utf16_end")}
            yield {"citation": name, "target": _target(target), **places}


INVOLVED = (KINDS.index("person"), KINDS.index("organization"))


class _Later:
    """What a query finds for a stretch of keys, if it is asked for."""

    def __init__(self, renderer: _Renderer, query: str, first: int, last: int) -> None:
        self.renderer, self.wanted = renderer, (query, first, last)
        self.found: dict[int, list[Any]] | None = None

    def __getitem__(self, key: int) -> list[Any]:
        if self.found is None:
            self.found = self.renderer.grouped(*self.wanted)
        return self.found.get(key, [])


def _named(named: list[Any]) -> list[Row | None]:
    """The records that are named: who says it, what its date counts from, and its two ends."""
    places = ((0, named[1:4]), (4, named[4:7]), (8, named[8:11]), (12, named[12:15]))
    return [ref(*each) if each[0] is not None else None for _, each in places]


def _others(pk: int, ties: list[Any], kind: str) -> list[Row]:
    number = KINDS.index(kind)
    found = {tie[1]: ref(*tie[4:]) for tie in ties if tie[5] == number and tie[1] != pk}
    return list(found.values())


def _initiators(ties: list[Any]) -> list[Row]:
    found = {tie[1]: ref(*tie[4:]) for tie in ties if tie[0] and tie[2] in ("initiated", "announced")}
    return list(found.values())


def _office(body: bytes, *named: Any) -> Row:
    wire = unpacked(body)[3]
    if wire["date"] and named[3] is not None:
        wire["date"]["relative_to"] = ref(*named[3:])
    said = {"organization": ref(*named[:3]), "role": wire["role"], "date": wire["date"]}
    return {**said, "relation": wire["id"]}


def _target(target: list[Any]) -> Row:
    """What a citation supports."""
    pk, name, kind, called, _, relation, predicate, one, two = target
    if pk is not None:
        return {"type": "record", "id": name, "name": called, "url": ref(name, kind, called)["url"]}
    label = f"{one} {PREDICATES[predicate].label} {two}"
    return {"type": "relation", "id": relation, "name": label, "url": f"/v1/relations/{relation}"}
