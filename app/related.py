"""What an include adds to items: found by keys in an index, and bounded, before any document is read."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, select, union

from app.models import citation, record, relation
from app.resources import Resource
from app.statements import is_listed, listed, statement

ENDS = (relation.c.subject, relation.c.object)


def related(
    connection: Connection, resource: Resource, name: str, keys: list[int], names: Sequence[str], most: int
) -> list[str]:
    """The documents that the include `name` adds for the items with these keys, by id, at most so many.

    Citations are also those of the relations that another of the `names` adds.
    """
    found = _related(resource.name, name, most, beside_relations="relations" in names)
    return found.column(connection, keys=listed(keys))


@statement
def _related(of: str, name: str, most: int, *, beside_relations: bool) -> Select[Any]:
    cited_by = {"relations": citation.c.relation, "passages": citation.c.passage}.get(of, citation.c.record)
    match of, name:
        case "relations", "records":
            return _documents(record, [_first(most, end, is_listed(relation.c.pk)) for end in ENDS], most)
        case "citations", "records":
            return _documents(record, [_first(most, citation.c.record, is_listed(citation.c.pk))], most)
        case "citations", "relations":
            return _documents(relation, [_first(most, citation.c.relation, is_listed(citation.c.pk))], most)
        case _, "relations":
            return _documents(relation, _touching(most), most)
        case _, "records":
            others = zip(ENDS, ENDS[::-1], strict=True)
            return _documents(record, [_first(most, there, is_listed(here)) for here, there in others], most)
    cited = [_first(most, citation.c.pk, is_listed(cited_by))]
    if beside_relations:
        cited += [_first(most, citation.c.pk, citation.c.relation.in_(_any(_touching(most), most)))]
    return _documents(citation, cited, most)


def _touching(most: int) -> list[Select[Any]]:
    """The relations that have one of the keys at either end, in the order of their index."""
    pk, predicate = relation.c.pk, relation.c.predicate
    return [select(pk.label("pk")).where(is_listed(end)).order_by(predicate, pk).limit(most) for end in ENDS]


def _first(most: int, key: Any, here: ColumnElement[bool]) -> Select[Any]:
    return select(key.label("pk")).distinct().where(here, key.is_not(None)).order_by(key).limit(most)


def _any(parts: list[Select[Any]], most: int) -> Select[Any]:
    every = union(*(select(part.subquery().c.pk) for part in parts)).subquery()
    return select(every.c.pk).order_by(every.c.pk).limit(most)


def _documents(table: Table, parts: list[Select[Any]], most: int) -> Select[Any]:
    return select(table.c.document, table.c.id).where(table.c.pk.in_(_any(parts, most))).order_by(table.c.id)
