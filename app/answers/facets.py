"""Facets: which values the filters of a list have to offer, and how many items each would leave.

A facet is counted under all filters but its own, so that a count is what its URL answers, also where one is chosen.
Those of a whole list are counted when the data is loaded; any other in the first `COUNTED` items, and says so where
there are more.
"""

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Select, Table, func, insert, select, union, union_all

from app.answers.timeline import decades, written
from app.encoding import query_string
from app.listing import first_keys
from app.models import citation, facet_count, quote_subject, record, relation
from app.resources import ALL, About, Anchored, Cited, Either, Filter, In, Initiated, Key, Known, Linked, Resource
from app.selection import STARTED, Plan, is_linked, selected, shelf_of
from app.statements import Shape, given, is_listed, listed, numbered, open_, shapes_of, statement, values_of
from app.vocabulary import PREDICATES

LIMIT, COUNTED = 50, 2_000
Link = Callable[[dict[str, str]], str]
Counted = tuple[Any, Any, int, dict[str, str]]
"""A value, its label, how many items have it, and the parameters that apply it."""

Counts = tuple[list[Counted], int]
"""The most frequent values, and how many are left out."""


def facets(connection: Connection, resource: Resource, plan: Plan, link: Link) -> dict[str, dict[str, Any]]:
    """A facet per name in `plan.facets`, each as a `Facet`; `link` makes the list's URL with some parameters changed,
    which come last in it.
    """
    first = _First(connection, resource)
    return {name: _facet(first, plan, name, link) for name in dict.fromkeys(plan.facets)}


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


def _facet(first: _First, plan: Plan, name: str, link: Link) -> dict[str, Any]:
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
    return {"values": _values(counts, link), "others": left, "truncated": cut}


def _values(counts: list[Counted], link: Link) -> list[dict[str, Any]]:
    """Each as a `FacetValue`."""
    if not counts:
        return []
    # A URL is made once, and ends with what is applied: that costs more than all the rest of a facet.
    blank = dict.fromkeys(counts[0][3], "")
    url = link(blank).removesuffix(query_string(blank.items()))
    return [
        {"value": value, "label": _shown(label), "count": number, "url": url + query_string(applied.items())}
        for value, label, number, applied in counts
    ]


def _but(plan: Plan, name: str) -> Plan:
    """The plan without its filter of this name."""
    if name == "predicate":
        return plan._replace(predicate=[])
    return plan._replace(filters={key: values for key, values in plan.filters.items() if key != name})


def _shown(label: Any) -> str:
    return ("no", "yes")[label] if isinstance(label, bool) else str(label)


def _kept(connection: Connection, resource: Resource, name: str) -> Counts:
    [document] = _document().column(connection, list=resource.name, facet=name)
    counts, left = json.loads(document)
    return counts, left


@statement
def _document() -> Select[Any]:
    here = (facet_count.c.list == given("list"), facet_count.c.facet == given("facet"))
    return select(facet_count.c.document).where(*here)


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
    where: dict[str, Any] = {} if keys is None else {"keys": listed(keys)}
    kinds = (("first", "last", resource.kind), ("other_first", "other_last", getattr(wanted, "kind", None)))
    for first, last, kind in kinds:
        if kind is not None:
            where[first], _, where[last] = shelf_of(connection, kind)
    most = _most(wanted, resource.table, resource.own, resource.kind, tuple(plan.predicate), some=keys is not None)
    rows = most.rows(connection, **where)
    names = _names(connection, wanted, [row[0] for row in rows])
    found = [(*names(value), number) for value, number, _ in rows]
    counts: list[Counted] = [(value, label, number, {name: written(value)}) for value, label, number in found]
    return counts, rows[0][2] - len(rows) if rows else 0


@statement
def _most(
    wanted: Filter | None, table: Table, own: Table | None, kind: str | None, predicates: tuple[str, ...], *, some: bool
) -> Select[Any]:  # fmt: skip
    """The most frequent values among some items or in the whole list, how often each is there, and how many values
    there are."""
    pairs = _pairs(wanted, table, own, kind, predicates, some=some).subquery()
    here = pairs.c.value.is_not(None)
    groups = select(pairs.c.value, func.count().label("number")).where(here).group_by(pairs.c.value).subquery()
    top = select(groups.c.value, groups.c.number, func.count().over())
    return top.order_by(groups.c.number.desc(), groups.c.value).limit(LIMIT)


def _names(connection: Connection, wanted: Filter | None, values: list[Any]) -> Callable[[Any], tuple[Any, Any]]:
    """What a value is called in the query string, and for people."""
    match wanted:
        case None:
            return lambda value: (value, PREDICATES[value].label)
        case Known() | In(Column(type=Boolean())):
            # SQLite has numbers in place of truth.
            return lambda value: (bool(value), bool(value))
        case In() | Cited(ids=False):
            return lambda value: (value, value)
    table = wanted.table if isinstance(wanted, Key) else record
    rows = _labels(table).rows(connection, keys=listed(values))
    return {pk: (id, text) for pk, id, text in rows}.__getitem__


@statement
def _labels(table: Table) -> Select[Any]:
    label = table.c.name if table is record else table.c.id
    return select(table.c.pk, table.c.id, label.label("label")).where(is_listed(table.c.pk))


def _by_predicate(connection: Connection, resource: Resource, plan: Plan, keys: list[int]) -> Counts:
    """A predicate bears on each filter by records, so where there are such it is counted as the list selects by it."""
    found, items = list[Counted](), listed(keys)
    for word, term in PREDICATES.items():
        ties = selected(connection, resource, plan._replace(predicate=[word])).ties
        held = [tie.holds(resource.pk) for tie in ties]
        [number] = _tied(resource.table, shapes_of(held)).column(connection, keys=items, **numbered(values_of(held)))
        if number:
            found.append((word, term.label, number, {"predicate": word}))
    found.sort(key=lambda each: (-each[2], each[0]))
    return found, 0


@statement
def _tied(table: Table, shapes: tuple[Shape, ...]) -> Select[Any]:
    """How many items are tied so."""
    return select(func.count()).select_from(table).where(is_listed(table.c.pk), *open_(shapes))


def _pairs(
    wanted: Filter | None, table: Table, own: Table | None, kind: str | None, predicates: tuple[str, ...], *, some: bool
) -> Select[Any]:  # fmt: skip
    """Every item with every value that the filter would find it by, once each: `item` and `value`."""

    def pairs(item: Column[Any], value: Any, other: str | None = None) -> Select[Any]:
        query = select(item.label("item"), value.label("value")).where(item.is_not(None))
        if some:
            query = query.where(is_listed(item))
        elif kind and item.table is not own:
            query = query.where(item.between(given("first"), given("last")))
        return query if other is None else query.where(value.between(given("other_first"), given("other_last")))

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
        case Linked(other):
            said = [relation.c.predicate.in_(predicates)] if predicates else []
            return once(*(pairs(item, far, other).where(*said) for item, far in sides))
        case Either():
            subjects, objects = (pairs(relation.c.pk, end) for end in ends)
            return select(union_all(subjects, objects.where(relation.c.object != relation.c.subject)).subquery())
        case Cited(column):
            return once(pairs(citation.c.record if table is record else citation.c.relation, column))
        case Initiated():
            return once(pairs(relation.c.object, relation.c.subject).where(relation.c.predicate.in_(STARTED)))
        case About():
            return pairs(quote_subject.c.quote, quote_subject.c.record)
        case Anchored():
            return once(pairs(citation.c.passage, citation.c.record))
