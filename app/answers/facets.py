"""Facets: which values the filters of a list have to offer, and how many items each would leave.

A facet is counted under all filters but its own, so that a count is what its URL answers, also where one is chosen.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Select, Table, distinct, func, select, union_all

from app.answers.timeline import decades, written
from app.models import citation, quote_subject, record, relation
from app.queries import STARTED, Plan, conditions, count, rows_of
from app.resources import About, Anchored, Cited, Either, Filter, In, Initiated, Key, Known, Linked, Resource
from app.schemas import Facet, FacetValue
from app.vocabulary import PREDICATES

LIMIT = 50
Link = Callable[[dict[str, str]], str]
Counted = tuple[Any, Any, int, dict[str, str]]
"""A value, its label, how many items have it, and the parameters that apply it."""


def facets(connection: Connection, resource: Resource, plan: Plan, link: Link) -> dict[str, dict[str, Any]]:
    """A facet per name in `plan.facets`; `link` makes the list's URL with some parameters changed."""
    return {name: _facet(connection, resource, plan, name, link).model_dump() for name in dict.fromkeys(plan.facets)}


def _facet(connection: Connection, resource: Resource, plan: Plan, name: str, link: Link) -> Facet:
    if name in resource.filters:
        counted = _values(connection, resource, plan, name)
    else:
        counted = {"predicate": _predicates, "decade": decades}[name](connection, resource, plan)
    counted.sort(key=lambda each: (-each[2], str(each[0])))
    values = [
        FacetValue(value=value, label=_shown(label), count=number, url=link(applied))
        for value, label, number, applied in counted[:LIMIT]
    ]
    return Facet(values=values, others=len(counted) - len(values))


def _shown(label: Any) -> str:
    return ("no", "yes")[label] if isinstance(label, bool) else str(label)


def _values(connection: Connection, resource: Resource, plan: Plan, name: str) -> list[Counted]:
    others = replace(plan, filters={key: values for key, values in plan.filters.items() if key != name})
    wanted = conditions(connection, resource, others)
    matching = select(resource.table.c.pk).select_from(rows_of(resource, others)).where(*wanted)
    pairs = _pairs(resource, resource.filters[name], plan).subquery()
    query = select(pairs.c.value, pairs.c.label, func.count(distinct(pairs.c.item)))
    query = query.where(pairs.c.value.is_not(None), pairs.c.item.in_(matching)).group_by(pairs.c.value, pairs.c.label)
    return [(value, label, number, {name: written(value)}) for value, label, number in connection.execute(query)]


def _pairs(resource: Resource, wanted: Filter, plan: Plan) -> Select[Any]:
    """Every item with every value that the filter would find it by: `item`, `value`, `label`."""
    ends = (relation.c.subject, relation.c.object)
    match wanted:
        case In(column):
            return _own(resource, plan, column, column.label("value"), column.label("label"))
        case Known(column):
            known = column.is_not(None)
            return _own(resource, plan, column, known.label("value"), known.label("label"))
        case Key(column, kind, target):
            return _named(_own(resource, plan, column, column.label("other")), kind, target)
        case Linked(kind):
            said = [relation.c.predicate.in_(plan.predicate)] if plan.predicate else []
            both = (select(a.label("item"), b.label("other")).where(*said) for a, b in (ends, ends[::-1]))
            return _named(union_all(*both), kind)
        case Either():
            return _named(union_all(*(select(relation.c.pk.label("item"), end.label("other")) for end in ends)))
        case Cited(column, ids):
            item = citation.c.record if resource.table is record else citation.c.relation
            if ids:
                return _named(select(item.label("item"), column.label("other")))
            return select(item.label("item"), column.label("value"), column.label("label"))
        case Initiated():
            first = select(relation.c.object.label("item"), relation.c.subject.label("other"))
            return _named(first.where(relation.c.predicate.in_(STARTED)))
        case About():
            return _named(select(quote_subject.c.quote.label("item"), quote_subject.c.record.label("other")))
        case Anchored():
            return _named(select(citation.c.passage.label("item"), citation.c.record.label("other")))


def _own(resource: Resource, plan: Plan, column: Any, *shown: Any) -> Select[Any]:
    """The items, each with what its own `column` shows."""
    return select(resource.table.c.pk.label("item"), *shown).select_from(rows_of(resource, plan, column))


def _named(pairs: Select[Any] | CompoundSelect[Any], kind: str | None = None, target: Table = record) -> Select[Any]:
    """Pairs of `item` and `other`, with the other's id for a value and its name for a label."""
    found = pairs.subquery()
    label = target.c.name if target is record else target.c.id
    query = select(found.c.item, target.c.id.label("value"), label.label("label"))
    query = query.join(target, target.c.pk == found.c.other)
    return query.where(target.c.kind == kind) if kind else query


def _predicates(connection: Connection, resource: Resource, plan: Plan) -> list[Counted]:
    """A predicate bears on every record filter of the list, so each is counted as the list itself counts."""
    words = connection.execute(select(relation.c.predicate).distinct()).scalars().all()
    counts = ((word, count(connection, resource, replace(plan, predicate=[word]))) for word in words)
    return [(word, PREDICATES[word].label, number, {"predicate": word}) for word, number in counts if number]
