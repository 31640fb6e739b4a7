"""What a request selects: its plan as conditions on rows, and on the rows of other tables that these are tied to."""

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    and_,
    exists,
    func,
    or_,
    select,
    true,
    union,
)

from app import analysis, dates, index
from app.encoding import dump
from app.entries import id_of
from app.errors import Fault, Problem, nearest, perhaps, wrong
from app.models import citation, estimate, quote_subject, record, relation, shelf, word
from app.resources import About, Anchored, Cited, Either, Filter, In, Initiated, Key, Known, Linked, Resource
from app.statements import Clause, Shape, filled, given, numbered, open_, shapes_of, statement, values_of
from app.vocabulary import PLURALS
from app.zones import Stretch

STARTED = ("initiated", "announced")
MAX_ID = 300
NEARBY = 3
"""For how many unknown ids of a parameter a similar one is looked for."""

NEARBY_IDS = 500
twin = relation.alias("twin")
"""Relations as another table, which ties their own rows to a record: an index has those of each end in order."""


class Plan(NamedTuple):
    """A list request, parsed: nothing in it is the client's text any more but ids and words to look up."""

    filters: dict[str, list[Any]]
    sort: list[str]
    limit: int
    cursor: str | None = None
    total: bool = False
    fields: Sequence[str] = ()
    include: Sequence[str] = ()
    span: tuple[int | None, int | None] = (None, None)
    match: str = "stated"
    dated: bool | None = None
    predicate: Sequence[str] = ()
    facets: Sequence[str] = ()
    amount: tuple[float | None, float | None] = (None, None)
    amount_match: str = "possible"

    @property
    def dates(self) -> tuple[int, int] | None:
        """The days asked for, the first and the last; None where any will do."""
        first, last = self.span
        if first is None and last is None:
            return None
        return -dates.FAR if first is None else first, dates.FAR if last is None else last

    @property
    def is_whole(self) -> bool:
        """Whether it selects all that the list has."""
        asked = (self.filters, self.predicate, self.dates, self.dated is not None, self.amount != (None, None))
        return not any(asked)

    def signature(self, name: str) -> str:
        """What a cursor of the list of this name is bound to: all that decides which rows come in which order."""
        filters = sorted(self.filters.items())
        body = [name, filters, self.sort, self.span, self.match, self.dated, self.predicate, self.amount]
        return dump([*body, self.amount_match])


SideShape = tuple[Column[Any], Column[Any] | None, tuple[Shape, ...]]


@dataclass(frozen=True)
class Side:
    """Rows of another table: the column of theirs that has the key of ours, and what they must meet."""

    own: Column[Any]
    where: tuple[Clause, ...]
    lead: Column[Any] | None = None
    """What the index has before `own`, where it is not held to one value by an equality."""

    @property
    def shape(self) -> SideShape:
        return self.own, self.lead, shapes_of(self.where)


@dataclass(frozen=True)
class Tie:
    """Our rows are selected by rows of another table, on any of some sides."""

    sides: tuple[Side, ...]
    ordered: bool
    """Whether an index gives the keys in order."""

    @property
    def shape(self) -> tuple[SideShape, ...]:
        return tuple(side.shape for side in self.sides)

    @property
    def values(self) -> tuple[Any, ...]:
        return values_of(clause for side in self.sides for clause in side.where)

    def among(self, pk: Column[Any]) -> Clause:
        """The condition for looking at many of our rows: theirs are gathered first."""
        return Clause(_among, (pk, self.shape), self.values)

    def holds(self, pk: Column[Any]) -> Clause:
        """The same for looking at few."""
        return Clause(_holds, (pk, self.shape), self.values)

    def following(self, connection: Connection, keys: Stretch, number: int, *, down: bool) -> list[int]:
        """The first of our keys within a stretch, in order; backwards if `down`."""
        found = _following(self.shape, down=down)
        return found.column(connection, first=keys[0], last=keys[1], number=number, **numbered(self.values))


def _among(pk: Column[Any], sides: tuple[SideShape, ...], *values: Any) -> ColumnElement[bool]:
    left = iter(values)
    return pk.in_(union(*(select(own).where(own.is_not(None), *filled(where, left)) for own, _, where in sides)))


def _holds(pk: Column[Any], sides: tuple[SideShape, ...], *values: Any) -> ColumnElement[bool]:
    left = iter(values)
    return or_(*(exists().where(own == pk, *filled(where, left)).correlate(pk.table) for own, _, where in sides))


@statement
def _following(sides: tuple[SideShape, ...], *, down: bool) -> Select[Any]:
    conditions = iter(open_(shape for _, _, where in sides for shape in where))
    parts = [_ordered(own, lead, [next(conditions) for _ in where], down=down) for own, lead, where in sides]
    every = union(*(select(part.c.pk) for part in parts)).subquery()
    order = every.c.pk.desc() if down else every.c.pk
    return select(every.c.pk).order_by(order).limit(given("number"))


def _ordered(own: Column[Any], lead: Column[Any] | None, where: list[ColumnElement[bool]], *, down: bool) -> FromClause:
    columns = [own.label("pk")] if lead is None else [lead, own.label("pk")]
    order = [column.desc() if down else column for column in ([own] if lead is None else [lead, own])]
    query = select(*columns).distinct().where(*where, own.between(given("first"), given("last")))
    return query.order_by(*order).limit(given("number")).subquery()


@dataclass(frozen=True)
class Selection:
    """The rows of a list that a plan selects."""

    table: Table
    keys: Stretch | None
    """Between which keys they are, where that is known."""

    where: list[Clause]
    ties: list[Tie]

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """All that a row must meet."""
        pk = self.table.c.pk
        here = [between(pk, self.keys)] if self.keys else []
        return [each.condition for each in (*here, *self.where, *(tie.among(pk) for tie in self.ties))]


def keys(connection: Connection, ids: dict[str, str]) -> list[int]:
    """The keys of records whose ids parameters give, by parameter. Raises Problem (422) for what is not there."""
    faults: list[Fault] = []
    found = [keys_for(connection, name, record, None, [each], faults) for name, each in ids.items()]
    if faults:
        raise wrong(*faults)
    return [pk for [pk] in found]


def missing(connection: Connection, resource: Resource, name: str) -> Problem:
    """The problem (404) of an id that is not there, which says where it is or what comes nearest."""
    if len(name) > MAX_ID:
        return Problem("not-found", "There is no such id: ids are much shorter.")
    kind = (
        connection.execute(select(record.c.kind).where(record.c.id == name)).scalar()
        if resource.table is record
        else None
    )
    if kind is not None:
        place = f"/v1/{PLURALS[kind]}/{name}"
        return Problem("not-found", f"{name!r} is a {kind}, and is at {place}.", found_at=place)
    near = _near(connection, resource.table, name)
    hint = f" Did you mean {near!r}?" if near else ""
    return Problem("not-found", f"There is no {name!r} in /v1/{resource.name}.{hint}")


def _near(connection: Connection, table: Table, name: str) -> str | None:
    """A similar id, looked for among those that begin alike, so that the work is bounded; or one by its name."""
    start = name[:2]
    ids = connection.execute(
        select(table.c.id).where(table.c.id >= start, table.c.id < start + "~").limit(NEARBY_IDS)
    ).scalars()
    return nearest(name, list(ids)) or (_called(connection, name) if table is record else None)


def _called(connection: Connection, name: str) -> str | None:
    """The best connected record with a name or an alias that begins with these words."""
    try:
        query = analysis.parse_name(name.replace("-", " "))
    except ValueError:
        return None
    return next((id_of(hit) for _, hit, *_ in index.named(connection, query, 1)), None)


def rows_of(resource: Resource, plan: Plan, *also: Any) -> FromClause:
    """What the plan's own conditions, and the columns `also`, speak of: a kind's table is joined where needed only."""
    own = resource.own
    needed = plan.amount != (None, None) or any(getattr(column, "table", None) is own for column in also)
    return resource.table.join(own, own.c.pk == record.c.pk) if own is not None and needed else resource.table


def shelf_of(connection: Connection, name: str) -> tuple[int, int, int]:
    """The first key of a kind or table, the last with a date, and the last; kept with the connection, which reads one
    revision only."""
    kept: dict[str, tuple[int, int, int]] = connection.info.setdefault("shelves", {})
    if not kept:
        rows = connection.execute(select(shelf.c.kind, shelf.c.first, shelf.c.last_dated, shelf.c.last))
        kept |= {row[0]: (row[1], row[2], row[3]) for row in rows}
    return kept.get(name, (1, 0, 0))


def selected(connection: Connection, resource: Resource, plan: Plan) -> Selection:
    """What the plan selects. Raises Problem for an unknown id or word."""
    faults: list[Fault] = []
    where: list[Clause] = []
    ties: list[Tie] = []
    for name, values in plan.filters.items():
        found = _condition(connection, resource, plan, (name, resource.filters[name]), values, faults)
        ties.append(found) if isinstance(found, Tie) else where.append(found)
    if faults:
        raise wrong(*faults)
    if plan.predicate and resource.table is record and not is_linked(resource, plan):
        ties.append(_linked(None, plan.predicate))
    where += within(resource.table, plan)
    if plan.amount != (None, None):
        where.append(Clause(_amount, (plan.amount_match == "certain",), plan.amount))
    return Selection(resource.table, _keys(connection, resource, plan), where, ties)


def is_linked(resource: Resource, plan: Plan) -> bool:
    """Whether the plan asks for relations to records, which its predicate then bears on."""
    return any(isinstance(resource.filters[name], Linked) for name in plan.filters)


def _keys(connection: Connection, resource: Resource, plan: Plan) -> Stretch | None:
    if resource.table is record and resource.kind is None:
        return None
    first, last_dated, last = shelf_of(connection, resource.kind or resource.table.name)
    if resource.default_sort != "start" or "end" not in resource.sorts:
        return first, last
    dated = plan.dated if plan.dates is None or plan.dated is False else True
    return first if dated is not False else last_dated + 1, last_dated if dated else last


def _condition(
    connection: Connection, resource: Resource, plan: Plan, named: tuple[str, Filter], values: list[Any],
    faults: list[Fault],
) -> Clause | Tie:  # fmt: skip
    name, wanted = named
    table = resource.table
    match wanted:
        case In(column, words):
            if words:
                known_words(connection, name, words, values, faults)
            return among(column, values) if column.table is table else _own(column, values)
        case Known(column):
            return known(column, values[0])
        case Key(column, kind, target):
            keys = keys_for(connection, name, target, kind, values, faults)
            return among(column, keys) if column.table is table else _own(column, keys)
        case Linked(kind):
            return _linked(keys_for(connection, name, record, kind, values, faults), plan.predicate)
        case Either():
            keys = keys_for(connection, name, record, None, values, faults)
            ends = (twin.c.subject, twin.c.object)
            return Tie(tuple(Side(twin.c.pk, (equal(end, key),)) for key in keys for end in ends), True)
        case Cited(column, ids, words):
            if ids:
                values = keys_for(connection, name, record, "source", values, faults)
            if words:
                known_words(connection, name, words, values, faults)
            return _cited(table, column, values)
        case Initiated():
            keys = keys_for(connection, name, record, None, values, faults)
            started = among(relation.c.predicate, STARTED)
            return Tie(tuple(Side(relation.c.object, (equal(relation.c.subject, key), started)) for key in keys), True)
        case About():
            keys = keys_for(connection, name, record, None, values, faults)
            return Tie((Side(quote_subject.c.quote, (among(quote_subject.c.record, keys),)),), True)
        case Anchored():
            keys = keys_for(connection, name, record, None, values, faults)
            return Tie((Side(citation.c.passage, (among(citation.c.record, keys),)),), True)


def _own(column: Column[Any], values: list[Any]) -> Tie:
    """The kind's own table has one of these values for the record."""
    pk = column.table.c.pk
    if any(each.columns[0] is column for each in column.table.indexes):
        return Tie(tuple(Side(pk, (equal(column, value),)) for value in values), True)
    return Tie((Side(pk, (among(column, values),)),), False)


def _linked(keys: list[int] | None, predicates: Sequence[str]) -> Tie:
    """A relation, with one of these predicates if any are given, has the record at one end and a key at the other."""
    said = (among(relation.c.predicate, predicates),) if predicates else ()
    ends = (relation.c.subject, relation.c.object)
    if keys is None:
        return Tie(tuple(Side(own, said) for own in ends), False)
    pairs = (ends, ends[::-1])
    return Tie(tuple(Side(own, (equal(other, key), *said)) for key in keys for own, other in pairs), True)


def _cited(table: Table, column: Column[Any], values: list[Any]) -> Tie:
    """A citation of the row has one of these values in this column."""
    if table is record:
        own, lead = citation.c.record, citation.c.relation
        only = known(lead, False)
        return Tie(tuple(Side(own, (equal(column, value), only), lead) for value in values), True)
    return Tie(tuple(Side(citation.c.relation, (equal(column, value),)) for value in values), True)


def keys_for(
    connection: Connection, name: str, target: Table, kind: str | None, ids: list[str], faults: list[Fault]
) -> list[int]:
    found = _keys_by_id(target, len(ids)).rows(connection, **numbered(ids))
    rows = {row[0]: row[1:] for row in found}
    unknown = [each for each in dict.fromkeys(ids) if each not in rows]
    for each in dict.fromkeys(ids):
        if each in unknown:
            near = _near(connection, target, each) if each in unknown[:NEARBY] else None
            faults.append(Fault(parameter=name, detail=f"there is no {each!r}{perhaps(near)}", nearest=near))
        elif kind and rows[each][1] != kind:
            detail = f"{each!r} is of the kind {rows[each][1]}, and this parameter takes the kind {kind}"
            faults.append(Fault(parameter=name, detail=detail, nearest=None))
    return [row[0] for row in rows.values()]


@statement
def _keys_by_id(target: Table, number: int) -> Select[Any]:
    columns = (target.c.id, target.c.pk, record.c.kind) if target is record else (target.c.id, target.c.pk)
    return select(*columns).where(target.c.id.in_([given(name) for name in numbered(range(number))]))


def known_words(connection: Connection, name: str, field_: str, values: list[str], faults: list[Fault]) -> None:
    found = _words().column(connection, field=field_)
    for value in values:
        if value not in found:
            detail = f"{value!r} does not occur; these do: {', '.join(found[:50])}"
            faults.append(Fault(parameter=name, detail=detail, nearest=nearest(value, found)))


@statement
def _words() -> Select[Any]:
    return select(word.c.word).where(word.c.field == given("field"))


def within(table: Table, plan: Plan) -> list[Clause]:
    """The plan's dates as conditions on a table that has them."""
    found = [] if plan.dated is None else [known(table.c.stated_start, plan.dated)]
    if plan.match == "certain":
        return [*found, Clause(_inside, (table,), plan.span)] if plan.dates else found
    return [*found, Clause(_overlaps, (table, plan.match), plan.dates)] if plan.dates else found


def _inside(table: Table, first: Any, last: Any) -> ColumnElement[bool]:
    after = true() if first is None else table.c.earliest_start >= first
    return and_(after, true() if last is None else table.c.latest_end <= last)


def _overlaps(table: Table, match: str, first: Any, last: Any) -> ColumnElement[bool]:
    if match == "stated":
        return and_(table.c.stated_start <= last, table.c.stated_end >= first)
    begun = or_(table.c.earliest_start.is_(None), table.c.earliest_start <= last)
    lasted = or_(table.c.latest_end.is_(None), table.c.latest_end >= first)
    return and_(table.c.stated_start.is_not(None), begun, lasted)


def _amount(certain: bool, least: Any, most: Any) -> ColumnElement[bool]:
    low: Any = func.coalesce(estimate.c.low, estimate.c.value)
    high: Any = func.coalesce(estimate.c.high, estimate.c.value)
    told = or_(low.is_not(None), high.is_not(None))
    if certain:
        return and_(told, true() if least is None else low >= least, true() if most is None else high <= most)
    above = true() if least is None else or_(high.is_(None), high >= least)
    below = true() if most is None else or_(low.is_(None), low <= most)
    return and_(told, above, below)


def among(column: Column[Any], values: Iterable[Any]) -> Clause:
    return Clause(_in, (column,), tuple(values))


def equal(column: Column[Any], value: Any) -> Clause:
    return Clause(operator.eq, (column,), (value,))


def between(column: Column[Any], stretch: Stretch) -> Clause:
    return Clause(_between, (column,), stretch)


def known(column: Column[Any], is_known: bool) -> Clause:
    return Clause(_known, (column, is_known))


def _in(column: Column[Any], *values: Any) -> ColumnElement[bool]:
    return column.in_(values)


def _between(column: Column[Any], first: Any, last: Any) -> ColumnElement[bool]:
    return column.between(first, last)


def _known(column: Column[Any], is_known: bool) -> ColumnElement[bool]:
    return column.is_not(None) if is_known else column.is_(None)
