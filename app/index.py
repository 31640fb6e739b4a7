"""The full-text index: which words of a record, a relation or a passage are searched, how it is filled, and how
each database is asked. Both find the same entries for the same query.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, cast, column, select, table, text
from sqlalchemy.dialects.postgresql import TSQUERY

from app.analysis import Part, Query, stem, tokens

Row = dict[str, Any]
NAMES = ("name", "alias")
_PLAIN = ("summary", "description", "text", "title", "author", "affiliation", "publisher", "series", "role", "note",
          "type", "measure", "unit", "hedge")  # fmt: skip
_BATCH = 5_000
_WORDS = ("names", "name_stems", "body", "body_stems")
_index = table("entry_index", *map(column, ("rowid", "entry_index", *_WORDS, "named", "whole")))


def fields(document: Row) -> Iterator[tuple[str, str]]:
    """What is searched in a wire document, as (field, text); a record's names come first."""
    if "predicate" in document:
        yield "label", label(document)
    elif "name" in document:
        yield "name", document["name"]
        yield from (("alias", alias["name"]) for alias in document["aliases"])
    for name in _PLAIN:
        if isinstance(document.get(name), str):
            yield name, document[name]
    for name in ("subject", "place", "speaker") if "predicate" not in document else ():
        if document.get(name):
            yield name, document[name]["name"]
    yield from (("about", each["name"]) for each in document.get("about", ()))
    yield from (("role", office["role"]) for office in document.get("offices", ()) if office["role"])
    if document.get("date"):
        yield "date", document["date"]["text"]


def label(relation: Row) -> str:
    """A relation in words."""
    return f"{relation['subject']['name']} {relation['label']} {relation['object']['name']}"


def words_of(citation: Row) -> str:
    """What is searched in a citation: the words it points at where the text is held, or else the fragment."""
    found: str = citation["exact"] or citation["fragment"]
    return found


class _Found(NamedTuple):
    """Something to be searched: how well it is connected, its id, its entry so far, and its texts."""

    weight: int
    id: str
    row: Row
    names: list[str]
    body: list[str]


def rows(out: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The rows of `entry`, `entry_index` and `term`, made from those of the other tables."""
    found = [each for name in ("record", "relation", "passage") for each in _found(name, out)]
    # The best connected come first, so that a search may stop early.
    found.sort(key=lambda each: (-each.weight, each.id))
    entries, words, vocabulary = [], [], _Vocabulary()
    for number, each in enumerate(found, 1):
        names, name_stems, own = vocabulary.cut(each.names)
        body, body_stems, others = vocabulary.cut(each.body)
        vocabulary.counts.update(own | others)
        entries.append({"pk": number, **each.row})
        stems = {"name_stems": name_stems, "body_stems": body_stems}
        words.append({"rowid": number, "names": names, "body": body, **stems})
    return {"entry": entries, "entry_index": words, "term": list(vocabulary.rows())}


def _found(name: str, out: dict[str, list[Row]]) -> Iterator[_Found]:
    cited: dict[int, list[str]] = defaultdict(list)
    for row in out.get("citation", []) if name != "passage" else []:
        if row[name] is not None:
            cited[row[name]].append(words_of(json.loads(row["document"])))
    for row in out.get(name, []):
        document = json.loads(row["document"])
        texts = list(fields(document))
        names = [each for field, each in texts if field in NAMES]
        body = [each for field, each in texts if field not in NAMES] + list(dict.fromkeys(cited[row["pk"]]))
        if names or body:
            weight = sum(document.get(key, 0) for key in ("citation_count", "relation_count"))
            place = {"record": None, "relation": None, "passage": None, name: row["pk"]}
            own = {"kind": row.get("kind", name), **place}
            yield _Found(weight + len(document.get("anchors", ())), row["id"], own, names, body)


class _Vocabulary:
    """The words that occur: in how many entries, and as they are most often written."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.shapes: dict[str, Counter[str]] = defaultdict(Counter)

    def cut(self, texts: list[str]) -> tuple[str, str, set[str]]:
        """The words of texts in order, with `|` between the texts; their stems; and the words as a set."""
        parts = [tokens(each) for each in texts]
        for part, each in zip(parts, texts, strict=True):
            for word, start, end in part:
                self.shapes[word][each[start:end]] += 1
        words = {token.word for part in parts for token in part}
        cut = " | ".join(" ".join(token.word for token in part) for part in parts)
        return cut, " ".join(sorted({stem(word) for word in words})), words

    def rows(self) -> Iterator[Row]:
        for number, (word, count) in enumerate(sorted(self.counts.items(), key=lambda item: (-item[1], item[0])), 1):
            shapes = self.shapes[word]
            shown = min(shapes, key=lambda shape: (-shapes[shape], shape))
            yield {"pk": number, "word": word, "stem": stem(word), "initial": word[0], "length": len(word),
                   "shown": shown, "count": count}  # fmt: skip


def fill(connection: Connection, rows: list[Row]) -> None:
    """Write the rows of `entry_index`."""
    columns = ["rowid", *_WORDS]
    values = [f":{name}" for name in columns]
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        columns += ["named", "whole"]
        values += ["CAST(:named AS tsvector)", "CAST(:whole AS tsvector)"]
    insert = text(f"INSERT INTO entry_index ({', '.join(columns)}) VALUES ({', '.join(values)})")
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        connection.execute(insert, batch if is_sqlite else [row | _vectors(row) for row in batch])
    if not is_sqlite:
        # What the server would do when it finds the time: sort in the last words, and learn which ones are rare.
        for column_ in ("named", "whole"):
            connection.execute(text(f"SELECT gin_clean_pending_list('ix_entry_index_{column_}')"))
        connection.execute(text("ANALYZE entry, entry_index"))


def _vectors(row: Row) -> Row:
    names, body = row["names"].split(), row["body"].split()
    named = [*_placed(names, 1), *_stemmed(row["name_stems"])]
    stems = f"{row['name_stems']} {row['body_stems']}"
    whole = [*_placed(names, 1), *_placed(body, len(names) + 2), *_stemmed(stems)]
    return {"named": " ".join(named), "whole": " ".join(whole)}


def _placed(words: list[str], first: int) -> Iterator[str]:
    # A vector counts no further than 16,383: what stands beyond is found, though not as part of a phrase.
    return (f"'{word}':{min(place, 16_383)}" for place, word in enumerate(words, first) if word != "|")


def _stemmed(stems: str) -> Iterator[str]:
    return (f"'={each}'" for each in dict.fromkeys(stems.split()))


def match(connection: Connection, query: Query, *, names: bool = False) -> Select[Any]:
    """The keys of the entries that match a query, or whose names do: the best connected first."""
    if connection.dialect.name == "sqlite":
        condition = _index.c.entry_index.op("MATCH")(_fts5(query, names))
    else:
        condition = (_index.c.named if names else _index.c.whole).op("@@")(cast(_tsquery(query), TSQUERY))
    return select(_index.c.rowid.label("pk")).where(condition).order_by(_index.c.rowid)


def words(connection: Connection, keys: list[int]) -> Iterator[Any]:
    """The words of entries: `names`, `body` and the stems of each, as they stand in the index."""
    columns = (_index.c.rowid.label("pk"), *(_index.c[name] for name in _WORDS))
    return iter(connection.execute(select(*columns).where(_index.c.rowid.in_(keys))))


def _fts5(query: Query, names: bool) -> str:
    words, stems = ("{names}", "{name_stems}") if names else ("{names body}", "{name_stems body_stems}")

    def said(part: Part) -> Iterable[str]:
        if part.stem is not None:
            yield f'{stems} : "{part.stem}"'
        if part.prefix or part.stem is None:
            yield f'{words} : "{" ".join(part.words)}"{" *" if part.prefix else ""}'

    return " AND ".join(f"({' OR '.join(said(part))})" for part in query.parts)


def _tsquery(query: Query) -> str:
    def said(part: Part) -> Iterable[str]:
        if part.stem is not None:
            yield f"'={part.stem}'"
        if part.prefix or part.stem is None:
            yield " <-> ".join(f"'{word}'" for word in part.words) + (":*" if part.prefix else "")

    return " & ".join(f"({' | '.join(said(part))})" for part in query.parts)
