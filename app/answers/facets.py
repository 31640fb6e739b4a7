"""Facets: which values the filters of a list have to offer, and how many items each would leave.

A facet is counted under all filters but its own, so that a count is what its URL answers, also where one is chosen.
Those of a whole list are counted when the data is loaded; any other in the first `COUNTED` items, and says so where
there are more.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, Connection, Select, func, insert, select, union

from app.answers.timeline import decades, written
from app.listing import first_keys
from app.models import citation, facet_count, quote_subject, record, relation
from app.resources import ALL, About, Anchored, Cited, Either, Filter, In, Initiated, Key, Known, Linked, Resource
from app.schemas import Facet, FacetValue
from app.selection import STARTED, Plan, is_linked, selected, shelf_of
from app.vocabulary import PREDICATES

LIMIT, COUNTED = 50, 2_000
Link = Callable[[dict[str, str]], str]
Counted = tuple[Any, Any, int, dict[str, str]]
"""A value, its label, how many items have it, and the parameters that apply it."""

Counts = tuple[list[Counted], int]
"""The most frequent values, and how many are left out."""


def facets(connection: Connection, resource: Resource, plan: Plan, link: Link) -> dict[str, dict[str, Any]]:
    """A facet per name in `plan.facets`; `link` makes the list's URL with some parameters changed."""
    first = _First(connection, resource)
    return {name: _facet(first, plan, name, link).model_dump() for name in dict.fromkeys(plan.facets)}


class _First:
    """The first items of a list, looked for once for all facets that are counted in the same."""

    def __init__(self, connection: Connection, resource: Resource) -> None:
        self.connection, self.resource = connection, resource
        self.found: dict[str, list[int]] = {}

    def keys(self, plan: Plan) -> list[int]:
        signature = plan.signature(self.resource.name)
        if signature not in self.found:
            self.found[signature] = first_keys(self.connection, self.resource, plan, COUNTED + 1)
        return self.found[signature]


def _facet(first: _First, plan: Plan, name: str, link: Link) -> Facet:
    connection, resource = first.connection, first.resource
    others, cut = _but(plan, name), False
    if name == "decade":
        found = decades(connection, resource, others)
        found.sort(key=lambda each: -each[2])
        counts, left = found[:LIMIT], len(found[LIMIT:])
    elif others.is_whole:
        counts, left = _kept(connection, resource, name)
    else:
        keys = first.keys(others)
        cut = len(keys) > COUNTED
        counts, left = _counted(connection, resource, others, name, keys[:COUNTED])
    values = [
        FacetValue(value=value, label=_shown(label), count=n, url=link(applied)) for value, label, n, applied in counts
    ]
    return Facet(values=values, others=left, truncated=cut)


def _but(plan: Plan, name: str) -> Plan:
    """The plan without its filter of this name."""
    if name == "predicate":
        return replace(plan, predicate=[])
    return replace(plan, filters={key: values for key, values in plan.filters.items() if key != name})


def _shown(label: Any) -> str:
    return ("no", "yes")[label] if isinstance(label, bool) else str(label)


def _kept(connection: Connection, resource: Resource, name: str) -> Counts:
    here = (facet_count.c.list == resource.name, facet_count.c.facet == name)
    document: str = connection.execute(select(facet_count.c.document).where(*here)).scalar_one()
    counts, left = json.loads(document)
    return counts, left


def fill(connection: Connection) -> None:
    """Count the facets of every whole list, once all rows are written."""
    for resource in ALL:
        for name in resource.facets:
            if name != "decade":
                counts = _counted(connection, resource, Plan({}, [], 0), name, None)
                row = {"list": resource.name, "facet": name, "document": json.dumps(counts, ensure_ascii=False)}
                connection.execute(insert(facet_count), row)


def _counted(connection: Connection, resource: Resource, plan: Plan, name: str, keys: list[int] | None) -> Counts:
    """How many of the items with these keys, or of all, have each value."""
    wanted = resource.filters.get(name)
    if wanted is None and keys is not None and is_linked(resource, plan):
        return _by_predicate(connection, resource, plan, keys)
    pairs = _pairs(connection, resource, plan, wanted, keys).subquery()
    given = pairs.c.value.is_not(None)
    groups = select(pairs.c.value, func.count().label("number")).where(given).group_by(pairs.c.value).subquery()
    top = select(groups.c.value, groups.c.number, func.count().over())
    rows = connection.execute(top.order_by(groups.c.number.desc(), groups.c.value).limit(LIMIT)).all()
    names = _names(connection, wanted, [row[0] for row in rows])
    found = [(*names(value), number) for value, number, _ in rows]
    counts: list[Counted] = [(value, label, number, {name: written(value)}) for value, label, number in found]
    return counts, rows[0][2] - len(rows) if rows else 0


def _names(connection: Connection, wanted: Filter | None, values: list[Any]) -> Callable[[Any], tuple[Any, Any]]:
    """What a value is called in the query string, and for people."""
    match wanted:
        case None:
            return lambda value: (value, PREDICATES[value].label)
        case In() | Known() | Cited(ids=False):
            return lambda value: (value, value)
    table = wanted.table if isinstance(wanted, Key) else record
    label = table.c.name if table is record else table.c.id
    rows = connection.execute(select(table.c.pk, table.c.id, label).where(table.c.pk.in_(values)))
    return {pk: (id, text) for pk, id, text in rows}.__getitem__


def _by_predicate(connection: Connection, resource: Resource, plan: Plan, keys: list[int]) -> Counts:
    """A predicate bears on each filter by records, so where there are such it is counted as the list selects by it."""
    pk = resource.table.c.pk
    found = list[Counted]()
    for word, term in PREDICATES.items():
        ties = selected(connection, resource, replace(plan, predicate=[word])).ties
        query = select(func.count()).where(pk.in_(keys), *(tie.holds(pk).condition for tie in ties))
        if number := connection.execute(query.select_from(resource.table)).scalar_one():
            found.append((word, term.label, number, {"predicate": word}))
    found.sort(key=lambda each: (-each[2], each[0]))
    return found, 0


def _pairs(
    connection: Connection, resource: Resource, plan: Plan, wanted: Filter | None, keys: list[int] | None
) -> Select[Any]:
    """Every item with every value that the filter would find it by, once each: `item` and `value`."""

    def pairs(item: Column[Any], value: Any, kind: str | None = None) -> Select[Any]:
        query = select(item.label("item"), value.label("value")).where(item.is_not(None))
        if keys is not None:
            query = query.where(item.in_(keys))
        elif resource.kind and item.table is not resource.own:
            query = query.where(item.between(*_keys_of(connection, resource.kind)))
        return query if kind is None else query.where(value.between(*_keys_of(connection, kind)))

    def once(*parts: Select[Any]) -> Select[Any]:
        return select(union(*parts).subquery()) if len(parts) > 1 else parts[0].distinct()

    ends = (relation.c.subject, relation.c.object)
    sides = (ends, ends[::-1])
    match wanted:
        case None:
            return once(*(pairs(end, relation.c.predicate) for end in ends))
        case In(column) | Key(column):
            return pairs(column.table.c.pk, column)
        case Known(column):
            return pairs(column.table.c.pk, column.is_not(None))
        case Linked(kind):
            said = [relation.c.predicate.in_(plan.predicate)] if plan.predicate else []
            return once(*(pairs(item, other, kind).where(*said) for item, other in sides))
        case Either():
            return once(*(pairs(relation.c.pk, end) for end in ends))
        case Cited(column):
            return once(pairs(citation.c.record if resource.table is record else citation.c.relation, column))
        case Initiated():
            return once(pairs(relation.c.object, relation.c.subject).where(relation.c.predicate.in_(STARTED)))
        case About():
            return pairs(quote_subject.c.quote, quote_subject.c.record)
        case Anchored():
            return once(pairs(citation.c.passage, citation.c.record))


def _keys_of(connection: Connection, kind: str) -> tuple[int, int]:
    first, _, last = shelf_of(connection, kind)
    return first, last
