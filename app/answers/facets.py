"""Facets: which values the filters of a list have to offer, and how many items each would leave.

A facet is counted under all filters but its own, so that a count is what its URL answers, also where one is chosen.
Those of a whole list are counted when the data is loaded; any other in the first `COUNTED` items, and says so where
there are more.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Table,
    distinct,
    func,
    insert,
    select,
    true,
    union_all,
)

from app.answers.timeline import decades, written
from app.listing import first_keys
from app.models import citation, facet_count, quote_subject, record, relation
from app.resources import ALL, About, Anchored, Cited, Either, Filter, In, Initiated, Key, Known, Linked, Resource
from app.schemas import Facet, FacetValue
from app.selection import STARTED, Plan, rows_of, selected
from app.vocabulary import PREDICATES

LIMIT, COUNTED = 50, 2_000
Link = Callable[[dict[str, str]], str]
Counted = tuple[Any, Any, int, dict[str, str]]
"""A value, its label, how many items have it, and the parameters that apply it."""


def facets(connection: Connection, resource: Resource, plan: Plan, link: Link) -> dict[str, dict[str, Any]]:
    """A facet per name in `plan.facets`; `link` makes the list's URL with some parameters changed."""
    return {name: _facet(connection, resource, plan, name, link).model_dump() for name in dict.fromkeys(plan.facets)}


def _facet(connection: Connection, resource: Resource, plan: Plan, name: str, link: Link) -> Facet:
    others = _but(plan, name)
    if name == "decade":
        counts, left, cut = *_most(decades(connection, resource, others)), False
    elif others.is_whole:
        (counts, left), cut = _kept(connection, resource, name), False
    else:
        keys = first_keys(connection, resource, others, COUNTED + 1)
        cut = len(keys) > COUNTED
        counts, left = _most(_counted(connection, resource, others, name, keys[:COUNTED]))
    values = [FacetValue(value=value, label=label, count=n, url=link(applied)) for value, label, n, applied in counts]
    return Facet(values=values, others=left, truncated=cut)


def _but(plan: Plan, name: str) -> Plan:
    """The plan without its filter of this name."""
    if name == "predicate":
        return replace(plan, predicate=[])
    return replace(plan, filters={key: values for key, values in plan.filters.items() if key != name})


def _most(counts: list[Counted]) -> tuple[list[Counted], int]:
    """The most frequent, and how many are left out."""
    counts.sort(key=lambda each: (-each[2], str(each[0])))
    return [(value, _shown(label), n, applied) for value, label, n, applied in counts[:LIMIT]], len(counts[LIMIT:])


def _shown(label: Any) -> str:
    return ("no", "yes")[label] if isinstance(label, bool) else str(label)


def _kept(connection: Connection, resource: Resource, name: str) -> tuple[list[Counted], int]:
    here = (facet_count.c.list == resource.name, facet_count.c.facet == name)
    document: str = connection.execute(select(facet_count.c.document).where(*here)).scalar_one()
    counts, left = json.loads(document)
    return counts, left


def fill(connection: Connection) -> None:
    """Count the facets of every whole list, once all rows are written."""
    for resource in ALL:
        for name in resource.facets:
            if name != "decade":
                counts = json.dumps(
                    _most(_counted(connection, resource, Plan({}, [], 0), name, None)), ensure_ascii=False
                )
                connection.execute(insert(facet_count), {"list": resource.name, "facet": name, "document": counts})


def _counted(
    connection: Connection, resource: Resource, plan: Plan, name: str, keys: list[int] | None
) -> list[Counted]:
    """The values of the items with these keys, or of all, and how many items have each."""
    if name not in resource.filters and keys is not None:
        return _by_predicate(connection, resource, plan, keys)
    found = _pairs(resource, plan, resource.filters.get(name), keys).subquery()
    query = select(found.c.value, found.c.label, func.count(distinct(found.c.item)))
    query = query.where(found.c.value.is_not(None)).group_by(found.c.value, found.c.label)
    rows = connection.execute(query).all()
    if name not in resource.filters:
        return [(word, PREDICATES[word].label, number, {name: word}) for word, _, number in rows]
    return [(value, label, number, {name: written(value)}) for value, label, number in rows]


def _by_predicate(connection: Connection, resource: Resource, plan: Plan, keys: list[int]) -> list[Counted]:
    """A predicate bears on every record filter of the list, so each is counted as the list itself selects by it."""
    pk = resource.table.c.pk
    found = list[Counted]()
    for word, term in PREDICATES.items():
        ties = selected(connection, resource, replace(plan, predicate=[word])).ties
        query = select(func.count()).where(pk.in_(keys), *(tie.holds(pk) for tie in ties))
        if number := connection.execute(query.select_from(resource.table)).scalar_one():
            found.append((word, term.label, number, {"predicate": word}))
    return found


def _pairs(resource: Resource, plan: Plan, wanted: Filter | None, keys: list[int] | None) -> Select[Any]:
    """Every item with every value that the filter would find it by: `item`, `value`, `label`."""

    def having(item: Any, *shown: Any) -> Select[Any]:
        return select(item.label("item"), *shown).where(_among(item, keys))

    def own(column: Any, *shown: Any) -> Select[Any]:
        return having(resource.table.c.pk, *shown).select_from(rows_of(resource, plan, column)).where(_of(resource))

    def of_kind(pairs: Select[Any]) -> Select[Any]:
        return pairs if keys is not None else _of_kind(resource, pairs)

    ends = (relation.c.subject, relation.c.object)
    match wanted:
        case None:
            word = relation.c.predicate
            both = (having(end, word.label("value"), word.label("label")) for end in ends)
            return of_kind(select(union_all(*both).subquery()))
        case In(column):
            return own(column, column.label("value"), column.label("label"))
        case Known(column):
            known = column.is_not(None)
            return own(column, known.label("value"), known.label("label"))
        case Key(column, kind, target):
            return _named(own(column, column.label("other")), kind, target)
        case Linked(kind):
            said = [relation.c.predicate.in_(plan.predicate)] if plan.predicate else []
            both = (having(a, b.label("other")).where(*said) for a, b in (ends, ends[::-1]))
            return of_kind(_named(union_all(*both), kind))
        case Either():
            return _named(union_all(*(having(relation.c.pk, end.label("other")) for end in ends)))
        case Cited(column, ids):
            item = citation.c.record if resource.table is record else citation.c.relation
            if ids:
                return of_kind(_named(having(item, column.label("other"))))
            return of_kind(having(item, column.label("value"), column.label("label")))
        case Initiated():
            first = having(relation.c.object, relation.c.subject.label("other"))
            return of_kind(_named(first.where(relation.c.predicate.in_(STARTED))))
        case About():
            return _named(having(quote_subject.c.quote, quote_subject.c.record.label("other")))
        case Anchored():
            return _named(having(citation.c.passage, citation.c.record.label("other")))


def _among(item: Any, keys: list[int] | None) -> ColumnElement[bool]:
    return true() if keys is None else item.in_(keys)


def _of(resource: Resource) -> ColumnElement[bool]:
    return true() if resource.kind is None else record.c.kind == resource.kind


def _of_kind(resource: Resource, pairs: Select[Any]) -> Select[Any]:
    """Only the pairs whose item is of the list, and not some other record."""
    if resource.kind is None:
        return pairs
    found, items = pairs.subquery(), record.alias("items")
    return select(found).join(items, items.c.pk == found.c.item).where(items.c.kind == resource.kind)


def _named(pairs: Select[Any] | CompoundSelect[Any], kind: str | None = None, target: Table = record) -> Select[Any]:
    """Pairs of `item` and `other`, with the other's id for a value and its name for a label."""
    found = pairs.subquery()
    label = target.c.name if target is record else target.c.id
    query = select(found.c.item, target.c.id.label("value"), label.label("label"))
    query = query.join(target, target.c.pk == found.c.other)
    return query.where(target.c.kind == kind) if kind else query
