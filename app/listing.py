"""The rows of a list, a page at a time, in order, and without reading many more than the page has.

In its default order a list goes along its keys, and looks only where its dates or its ties lead. In another order it
goes along an index. What is unknown comes last in both directions, so a list has a part with its first sort key, and
a part without.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, and_, or_, select, tuple_

from app import zones
from app.cursors import fits, seal, unseal
from app.resources import Resource
from app.selection import Plan, Selection, Tie, between, equal, known, rows_of, selected, shelf_of
from app.statements import Clause, Shape, given, is_listed, listed, numbered, open_, shapes_of, statement, values_of
from app.zones import Stretch

MOST = 4_000
"""How many ties are followed in one query."""

MANY = 500
"""So many ties of a row are followed by where dates lead, and not one after the other."""

Position = list[Any] | None
Order = tuple[tuple[Column[Any], bool], ...]
"""Columns, and whether they go down."""

Part = tuple[list[Clause], Order]


def batch(
    connection: Connection, resource: Resource, plan: Plan, chosen: Selection
) -> tuple[Sequence[Any], str | None]:
    """The rows of one page (document, key and the sort keys), and the cursor behind them, which is None at the end.

    Raises Problem for a cursor of another list.
    """
    columns = (*[resource.sorts[word.lstrip("-")] for word in plan.sort], resource.id)
    position = None if plan.cursor is None else _position(resource, plan, columns)
    shown = (resource.document, resource.pk, *columns)
    rows = _rows(connection, resource, plan, chosen, shown, position, plan.limit + 1)
    if len(rows) <= plan.limit:
        return rows, None
    return rows[:-1], seal(plan.signature(resource.name), list(rows[-2][2:]))


def first_keys(connection: Connection, resource: Resource, plan: Plan, number: int) -> list[int]:
    """The keys of the first items of the whole list in its default order, at most so many."""
    plan = plan._replace(sort=[resource.default_sort], limit=number, cursor=None)
    chosen = selected(connection, resource, plan)
    if chosen.keys and not chosen.where and [tie.ordered for tie in chosen.ties] == [True]:
        # What follows by the only tie is all that there is to meet.
        return chosen.ties[0].following(connection, chosen.keys, number, down=False)
    return [row[0] for row in _rows(connection, resource, plan, chosen, (resource.pk,), None, number)]


def _rows(
    connection: Connection, resource: Resource, plan: Plan, chosen: Selection, shown: tuple[Column[Any], ...],
    position: Position, number: int,
) -> list[tuple[Any, ...]]:  # fmt: skip
    """The first rows after a position, at most so many."""
    along = _along_keys if chosen.keys and _is_default(resource, plan) else _along_index
    rows: list[tuple[Any, ...]] = []
    for where, order in along(connection, resource, plan, chosen, position):
        tables = rows_of(resource, plan, *shown, *(column for column, _ in order))
        own = None if tables is resource.table else resource.own
        part = _part(resource.table, own, shown, shapes_of([*chosen.where, *where]), order)
        values = numbered(values_of([*chosen.where, *where]))
        rows += part.rows(connection, number=number - len(rows), **values)
        if len(rows) == number:
            break
    return rows


@statement
def _part(
    table: Table, own: Table | None, shown: tuple[Column[Any], ...], shapes: tuple[Shape, ...], order: Order
) -> Select[Any]:
    """A part of a list. The first column of its order has no nulls, and any other has them last."""
    ends = [column.desc() if down else column.asc() for column, down in order]
    unknown_last = [end.nulls_last() if column.nullable else end for end, (column, _) in zip(ends, order, strict=True)]
    tables = table if own is None else table.join(own, own.c.pk == table.c.pk)
    query = select(*shown).select_from(tables).where(*open_(shapes))
    return query.order_by(ends[0], *unknown_last[1:]).limit(given("number"))


def _is_default(resource: Resource, plan: Plan) -> bool:
    return [word.lstrip("-") for word in plan.sort] == [resource.default_sort]


def _position(resource: Resource, plan: Plan, columns: Sequence[Any]) -> list[Any]:
    """Where the plan's cursor stands: one value per column."""

    def can_be(values: list[Any]) -> bool:
        return len(values) == len(columns) and all(map(fits, columns, values))

    return unseal(plan.signature(resource.name), plan.cursor or "", can_be)


def _along_keys(
    connection: Connection, resource: Resource, plan: Plan, chosen: Selection, position: Position
) -> Iterator[Part]:
    pk, down = resource.pk, plan.sort[0].startswith("-")
    for keys in _stretches(connection, resource, chosen, position, down=down):
        for narrowing in _narrowed(connection, pk, plan, chosen, keys, down=down):
            yield narrowing, ((pk, down),)


def _stretches(
    connection: Connection, resource: Resource, chosen: Selection, position: Position, *, down: bool
) -> list[Stretch]:
    """The keys that come after a position, in order: what has no date stands last, and does so backwards as well."""
    assert chosen.keys
    first, last = chosen.keys
    parts = [chosen.keys]
    if down and resource.sorts[resource.default_sort].nullable:
        last_dated = shelf_of(connection, resource.kind or resource.table.name)[1]
        parts = [(first, min(last, last_dated)), (max(first, last_dated + 1), last)]
        if position is not None and position[0] is None:
            parts = parts[1:]
    if position is not None:
        parts[0] = _beyond(connection, resource, parts[0], position, down=down)
    return [part for part in parts if part[0] <= part[1]]


def _beyond(connection: Connection, resource: Resource, keys: Stretch, position: list[Any], *, down: bool) -> Stretch:
    """The keys after a position. What stood there may be gone, if the cursor is of an earlier revision."""
    table, column = resource.table, resource.sorts[resource.default_sort]
    where = {"value": position[0], "id": position[1], "first": keys[0], "last": keys[1]}
    if (here := _here(table, column).first(connection, **where)) is not None:
        return (keys[0], here[0] - 1) if down else (here[0] + 1, keys[1])

    def place(pk: int) -> tuple[bool, Any, str]:
        [(value, name)] = _there(table, column).rows(connection, pk=pk)
        return value is None, "" if value is None else value, name

    sought = (position[0] is None, "" if position[0] is None else position[0], position[1])
    next_ = keys[0] + bisect_left(range(keys[0], keys[1] + 1), sought, key=place)
    return (keys[0], next_ - 1) if down else (next_, keys[1])


@statement
def _here(table: Table, column: Column[Any]) -> Select[Any]:
    wanted = select(table.c.pk).where(table.c.id == given("id"), column.is_not_distinct_from(given("value")))
    return wanted.where(table.c.pk.between(given("first"), given("last")))


@statement
def _there(table: Table, column: Column[Any]) -> Select[Any]:
    return select(column, table.c.id).where(table.c.pk == given("pk"))


def _narrowed(
    connection: Connection, pk: Column[Any], plan: Plan, chosen: Selection, keys: Stretch, *, down: bool
) -> Iterator[list[Clause]]:
    """Conditions, each of which leads to some of the rows, in order; together they lead to all."""
    followed = next((tie for tie in chosen.ties if tie.ordered), None)
    others = [tie.holds(pk) for tie in chosen.ties if tie is not followed]
    size = plan.limit + 1 if not (others or chosen.where) else 10 * plan.limit
    stretches: Iterable[Stretch] = [keys]
    # Few ties are all looked at; of many, the dates lead to those that may match.
    if plan.dates is not None and (followed is None or _are_many(connection, followed, keys)):
        stretches = zones.stretches(connection, chosen.table, plan.dates, plan.match, keys, down=down)
    for stretch in stretches:
        if followed is None:
            yield [between(pk, stretch), *others]
        else:
            for found in _followed(connection, followed, stretch, size, down=down):
                yield [Clause(is_listed, (pk,), (listed(found),)), *others]


def _are_many(connection: Connection, tie: Tie, keys: Stretch) -> bool:
    return len(tie.following(connection, keys, MANY, down=False)) == MANY


def _followed(connection: Connection, tie: Tie, keys: Stretch, size: int, *, down: bool) -> Iterator[list[int]]:
    while keys[0] <= keys[1] and (found := tie.following(connection, keys, size, down=down)):
        yield found
        if len(found) < size:
            return
        keys = (keys[0], found[-1] - 1) if down else (found[-1] + 1, keys[1])
        size = min(4 * size, MOST)


def _along_index(
    connection: Connection, resource: Resource, plan: Plan, chosen: Selection, position: Position
) -> Iterator[Part]:
    del connection
    downs = [word.startswith("-") for word in plan.sort]
    keys = tuple((resource.sorts[word.lstrip("-")], down) for word, down in zip(plan.sort, downs, strict=True))
    own = [equal(resource.table.c.kind, resource.kind)] if resource.kind else []
    own += [tie.among(resource.pk) for tie in chosen.ties]
    # An index is of one table: beside a kind's own column it has an id of its own.
    own_table = resource.own
    id = own_table.c.id if own_table is not None and keys[0][0].table is own_table else resource.id
    yield from _parts(own, (*keys, (id, downs[-1])), position)


def _parts(wanted: list[Clause], order: Order, position: Position) -> Iterator[Part]:
    """The rows with the first key, and then those without."""
    first = order[0][0]
    if position is None or position[0] is not None:
        here = [*wanted, known(first, True)] if first.nullable else wanted
        yield [*here, *_from(order, position)], order
        position = None
    if first.nullable:
        yield from _parts([*wanted, known(first, False)], order[1:], position and position[1:])


def _from(order: Order, position: Position) -> list[Clause]:
    return [] if position is None else [Clause(_after, (order,), tuple(position))]


def _after(order: Order, *position: Any) -> ColumnElement[bool]:
    """Rows past a position: as one comparison where that is possible, since an index is entered at its place by it."""
    columns, downs = zip(*order, strict=True)
    if len(set(downs)) == 1 and not any(column.nullable for column in columns[1:]):
        here, there = tuple_(*columns), tuple_(*position, types=[column.type for column in columns])
        return here < there if downs[0] else here > there
    first, value = columns[0], position[0]
    return and_(first <= value if downs[0] else first >= value, _past(order, position))


def _past(order: Order, position: tuple[Any, ...]) -> ColumnElement[bool]:
    """Rows past a position, nulls last in both directions: equal so far, and beyond in the next key."""
    found: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for (column, down), value in zip(order, position, strict=True):
        if value is None:
            equal.append(column.is_(None))
            continue
        found.append(and_(*equal, or_(column < value if down else column > value, column.is_(None))))
        equal.append(column == value)
    return or_(*found)
