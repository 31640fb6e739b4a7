"""The full-text index: which words of a record, a relation or a passage are searched, how it is filled, and how
each database is asked. Both find the same entries for the same query.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, cast, column, select, table, text
from sqlalchemy.dialects.postgresql import TSQUERY

from app.analysis import MAX_LENGTH, Part, Query, stem, tokens

Row = dict[str, Any]
NAMES = ("name", "alias")
_PLAIN_WORD = re.compile("[A-Za-z0-9]+")
_PLAIN = ("summary", "description", "text", "title", "author", "affiliation", "publisher", "series", "role", "note",
          "type", "measure", "unit", "hedge")  # fmt: skip
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


class Entry(NamedTuple):
    """What search keeps of a row: how well it is connected, its kind, its words cut, and how each is written."""

    weight: int
    kind: str
    words: tuple[str, str, str, str]
    shapes: list[tuple[str, str]]


def entry(kind: str, document: Row, citations: list[Row]) -> Entry | None:
    """The entry of a record, a relation or a passage; None where there is nothing to search."""
    texts = list(fields(document))
    names = [each for field, each in texts if field in NAMES]
    body = [each for field, each in texts if field not in NAMES]
    body += list(dict.fromkeys(map(words_of, citations)))
    if not names and not body:
        return None
    shapes = list[tuple[str, str]]()
    words = (*_cut(names, shapes), *_cut(body, shapes))
    weight = sum(document.get(key, 0) for key in ("citation_count", "relation_count"))
    return Entry(weight + len(document.get("anchors", ())), kind, words, shapes)


def _cut(texts: list[str], shapes: list[tuple[str, str]]) -> tuple[str, str]:
    """The words of texts in order, with `|` between the texts; and their stems."""
    parts = [_shapes(each) for each in texts]
    cut = [[word for word, _ in part] for part in parts]
    for part in parts:
        shapes += part
    return " | ".join(map(" ".join, cut)), " ".join(sorted({stem(word) for part in cut for word in part}))


def _shapes(text: str) -> list[tuple[str, str]]:
    """The words of a text, each with how it is written."""
    # What is cited, and how records are called, comes again and again.
    return _shapes_of_short(text) if len(text) < 100 else _shapes_of(text)


def _shapes_of(text: str) -> list[tuple[str, str]]:
    if text.isascii() and "'" not in text:
        return [(shape.lower()[:MAX_LENGTH], shape) for shape in _PLAIN_WORD.findall(text)]
    return [(word, text[start:end]) for word, start, end in tokens(text)]


_shapes_of_short = lru_cache(20_000)(_shapes_of)


class Vocabulary:
    """The words that occur: in how many entries, and as they are most often written."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.shapes: Counter[tuple[str, str]] = Counter()

    def add(self, each: Entry) -> None:
        self.counts.update({word for word, _ in each.shapes})
        self.shapes.update(each.shapes)

    def merge(self, other: "Vocabulary") -> None:
        self.counts.update(other.counts)
        self.shapes.update(other.shapes)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The rows of `term`."""
        shown: dict[str, tuple[int, str]] = {}
        for (word, shape), count in self.shapes.items():
            shown[word] = min(shown.get(word, (0, "")), (-count, shape))
        for number, (word, count) in enumerate(sorted(self.counts.items(), key=lambda item: (-item[1], item[0])), 1):
            yield number, word, stem(word), word[0], len(word), shown[word][1], count


ENTRY = ("pk", "kind", "record", "relation", "passage")
TERM = ("pk", "word", "stem", "initial", "length", "shown", "count")
_TARGETS = ENTRY[2:]


def staged(each: Entry, table: str, pk: int) -> tuple[Any, ...]:
    """An entry as it waits until all are there, and can be put in order."""
    return each.kind, *(pk if name == table else None for name in _TARGETS), each.words


def columns(dialect: str) -> tuple[str, ...]:
    """The columns of `entry_index`."""
    return ("rowid", *_WORDS) if dialect == "sqlite" else ("rowid", *_WORDS, "named", "whole")


def rows(dialect: str, place: int, waiting: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The rows of `entry` and of `entry_index`, of the entry that has this place among all."""
    *row, words = waiting
    vectors = () if dialect == "sqlite" else _vectors(*words)
    return (place, *row), (place, *words, *vectors)


def settle(connection: Connection) -> None:
    """Let the index do at once what it would do when it finds the time."""
    if connection.dialect.name != "sqlite":
        for column_ in ("named", "whole"):
            connection.execute(text(f"SELECT gin_clean_pending_list('ix_entry_index_{column_}')"))


def _vectors(names: str, name_stems: str, body: str, body_stems: str) -> tuple[str, str]:
    first, rest = names.split(), body.split()
    named = [*_placed(first, 1), *_stemmed(name_stems)]
    stems = f"{name_stems} {body_stems}"
    whole = [*_placed(first, 1), *_placed(rest, len(first) + 2), *_stemmed(stems)]
    return " ".join(named), " ".join(whole)


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
