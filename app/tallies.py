"""What is counted when the data is loaded, so that nobody counts a whole list while somebody waits: how many records
of a kind, or of a type of it, begin and end in which year, decade and century."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Select,
    and_,
    cast,
    func,
    insert,
    literal,
    select,
    union_all,
)

from app import dates
from app.models import bucket, citation, event, extent, passage, policy, record, relation, shelf
from app.resources import Resource
from app.selection import Plan, shelf_of
from app.statements import given, statement
from app.vocabulary import KINDS, Kind

TYPED: dict[Kind, Any] = {"event": event, "policy": policy}
BATCH = 5_000
ENDS = {
    "starting": record.c.stated_start,
    "ending": record.c.stated_end,
    "soonest": func.coalesce(record.c.earliest_start, -dates.FAR),
    "latest": func.coalesce(record.c.latest_end, dates.FAR),
}
COUNTS = (*ENDS, "inside")


class Kept(NamedTuple):
    """Which of the counts a plan asks for: of these kinds, and of these types (`` is all of them)."""

    kinds: list[str]
    types: list[str]


class Extent(NamedTuple):
    """How many there are, how many are dated, and the first and the last day that any date names."""

    total: int
    dated: int
    first: int | None
    last: int | None


def of(resource: Resource, plan: Plan) -> Kept | None:
    """The counts that a plan asks for, whatever days it asks for; None where they are not counted beforehand."""
    others = [name for name in plan.filters if name not in ("type", "kind")]
    if others or plan.predicate or plan.dated is not None or plan.amount != (None, None):
        return None
    if resource.table is not record:
        return None
    types = plan.filters.get("type")
    if types and resource.kind not in TYPED:
        return None
    return Kept([resource.kind] if resource.kind else plan.filters.get("kind", [*KINDS]), types or [""])


def extent_of(connection: Connection, kept: Kept) -> Extent:
    [row] = _extent_of(tuple(kept.kinds), tuple(kept.types)).rows(connection)
    return Extent(*row)


@statement
def _extent_of(kinds: tuple[str, ...], types: tuple[str, ...]) -> Select[Any]:
    days: tuple[Any, ...] = func.min(extent.c.first_day), func.max(extent.c.last_day)
    return select(_sum(extent.c.total), _sum(extent.c.dated), *days).where(*_kept(extent, Kept([*kinds], [*types])))


def _sum(column: Any) -> ColumnElement[int]:
    """A sum that is 0 where there is nothing, and a whole number on PostgreSQL too."""
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def buckets(connection: Connection, kept: Kept, size: dates.Size, numbers: range) -> list[tuple[int, ...]]:
    """Of each bucket its number, what began and ended in it, at the soonest and at the latest, and what surely lies in
    it. What was before the first one comes as a bucket before it."""
    query = _buckets(tuple(kept.kinds), tuple(kept.types), size)
    return query.rows(connection, first=numbers[0], last=numbers[-1], before=numbers[0] - 1)


@statement
def _buckets(kinds: tuple[str, ...], types: tuple[str, ...], size: dates.Size) -> CompoundSelect[Any]:
    here = and_(*_kept(bucket, Kept([*kinds], [*types])), bucket.c.size == size)
    sums = [_sum(bucket.c[name]) for name in COUNTS]
    each = select(bucket.c.number, *sums).where(here, bucket.c.number.between(given("first"), given("last")))
    earlier = select(cast(given("before"), Integer), *sums).where(here, bucket.c.number < given("first"))
    return union_all(each.group_by(bucket.c.number), earlier.having(func.count() > 0))


def _kept(table: Any, kept: Kept) -> tuple[ColumnElement[bool], ...]:
    return table.c.kind.in_(kept.kinds), table.c.type.in_(kept.types)


def fill(connection: Connection) -> None:
    """Count, once all rows are written."""
    _shelve(connection)
    for kind in KINDS:
        _measure(connection, kind)
        rows = list(_buckets_of(connection, kind))
        for start in range(0, len(rows), BATCH):
            connection.execute(insert(bucket), rows[start : start + BATCH])


def _shelve(connection: Connection) -> None:
    """Where the keys of each kind and table begin and end."""
    pk, dated = record.c.pk, record.c.stated_start.is_not(None)
    last_dated = func.coalesce(func.max(pk).filter(dated), func.min(pk) - 1)
    kinds = select(record.c.kind, func.min(pk), last_dated, func.max(pk)).group_by(record.c.kind)
    connection.execute(insert(shelf).from_select(list(shelf.c), kinds))
    for table in (relation, citation, passage):
        last = func.coalesce(func.max(table.c.pk), 0)
        dated_ones = select(last).where(table.c.stated_start.is_not(None)) if table is relation else select(last)
        row = select(literal(table.name), literal(1), dated_ones.scalar_subquery(), last)
        connection.execute(insert(shelf).from_select(list(shelf.c), row))


def _rows(connection: Connection, kind: Kind, *columns: Any) -> Select[Any]:
    """Over a kind's records: their type, where the kind has types that are counted, and these columns."""
    first, _, last = shelf_of(connection, kind)
    if kind not in TYPED:
        return select(literal(""), *columns).where(record.c.pk.between(first, last))
    own = TYPED[kind]
    query = select(own.c.type, *columns).join_from(record, own, own.c.pk == record.c.pk)
    return query.where(record.c.pk.between(first, last)).group_by(own.c.type)


def _measure(connection: Connection, kind: Kind) -> None:
    starts, ends = (func.nullif(func.nullif(column, dates.FAR), -dates.FAR) for column in tuple(ENDS.values())[:2])
    named = func.min(func.coalesce(starts, ends)), func.max(func.coalesce(ends, starts))
    rows = connection.execute(_rows(connection, kind, func.count(), func.count(record.c.stated_start), *named)).all()
    found = [Extent(*row[1:]) for row in rows]
    by_type = {row[0]: each for row, each in zip(rows, found, strict=True)} | {"": _together(found)}
    for type_, each in by_type.items():
        days = {"first_day": each.first, "last_day": each.last}
        row = {"kind": kind, "type": type_, "total": each.total, "dated": each.dated, **days}
        connection.execute(insert(extent), row)


def _together(parts: list[Extent]) -> Extent:
    firsts, lasts = ([day for part in parts if (day := part[place]) is not None] for place in (2, 3))
    total, dated = sum(part.total for part in parts), sum(part.dated for part in parts)
    return Extent(total, dated, min(firsts, default=None), max(lasts, default=None))


def _buckets_of(connection: Connection, kind: Kind) -> Iterator[dict[str, Any]]:
    """All dates that are alike are counted at once; and each in its type and in its kind."""
    found: dict[tuple[str, dates.Size, int], list[int]] = defaultdict(lambda: [0] * len(COUNTS))
    dated = _rows(connection, kind, *ENDS.values(), func.count()).where(record.c.stated_start.is_not(None))
    alike = connection.execute(dated.group_by(*ENDS.values()), execution_options={"yield_per": BATCH})
    for type_, *days, count in alike:
        years = [day if abs(day) == dates.FAR else dates.year_of(day) for day in days]
        for size in dates.YEARS:
            numbers = [year if abs(year) == dates.FAR else dates.number_of(year, size) for year in years]
            for counted in {"", type_}:
                for place, number in enumerate(numbers):
                    found[counted, size, number][place] += count
                if numbers[2] == numbers[3]:
                    found[counted, size, numbers[2]][-1] += count
    for (type_, size, number), counts in found.items():
        row = {"kind": kind, "type": type_, "size": size, "number": number}
        yield row | dict(zip(COUNTS, counts, strict=True))
