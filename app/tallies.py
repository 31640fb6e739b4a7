"""What is counted when the data is loaded, so that nobody counts a whole list while somebody waits: how many records
of a kind, or of a type of it, begin and end in which year."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, insert, literal, select

from app import dates
from app.models import citation, event, extent, passage, policy, record, relation, shelf, year
from app.resources import Resource
from app.selection import Plan
from app.vocabulary import KINDS, Kind

TYPED: dict[Kind, Any] = {"event": event, "policy": policy}
BATCH = 5_000
ENDS = {
    "starting": record.c.stated_start,
    "ending": record.c.stated_end,
    "soonest": func.coalesce(record.c.earliest_start, -dates.FAR),
    "latest": func.coalesce(record.c.latest_end, dates.FAR),
}
SIZES: dict[str, dates.Size] = {"in_year": "year", "in_decade": "decade", "in_century": "century"}


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
    counts = func.sum(extent.c.total), func.sum(extent.c.dated)
    query: Select[Any] = select(*counts, func.min(extent.c.first_day), func.max(extent.c.last_day))
    total, dated, first, last = connection.execute(query.where(*_kept(extent, kept))).one()
    return Extent(int(total or 0), int(dated or 0), first, last)


def years(connection: Connection, kept: Kept) -> Iterator[Any]:
    """The rows of `year`; one that several kinds or types have comes several times."""
    return iter(connection.execute(select(year).where(*_kept(year, kept))))


def _kept(table: Any, kept: Kept) -> tuple[ColumnElement[bool], ...]:
    return table.c.kind.in_(kept.kinds), table.c.type.in_(kept.types)


def fill(connection: Connection) -> None:
    """Count, once all rows are written."""
    _shelve(connection)
    for kind in KINDS:
        _measure(connection, kind)
        rows = list(_years(connection, kind))
        for start in range(0, len(rows), BATCH):
            connection.execute(insert(year), rows[start : start + BATCH])


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


def _grouped(kind: Kind, *columns: Any, by: int) -> list[Select[Any]]:
    """A query over the kind's records, grouped by its first columns; and one that has the type before these."""
    whole = select(literal(""), *columns).where(record.c.kind == kind).group_by(*columns[:by])
    if kind not in TYPED:
        return [whole]
    own = TYPED[kind]
    typed = select(own.c.type, *columns).join_from(record, own, own.c.pk == record.c.pk)
    return [whole, typed.where(record.c.kind == kind).group_by(own.c.type, *columns[:by])]


def _measure(connection: Connection, kind: Kind) -> None:
    days = [func.nullif(func.nullif(column, dates.FAR), -dates.FAR) for column in (ENDS["starting"], ENDS["ending"])]
    named = [best(func.coalesce(*pair)) for best, pair in ((func.min, days), (func.max, days[::-1]))]
    counted = (func.count(), func.count(record.c.stated_start), *named)
    for query in _grouped(kind, *counted, by=0):
        rows = query.having(func.count() > 0).subquery()
        columns = [extent.c.kind, extent.c.type, extent.c.total, extent.c.dated, extent.c.first_day, extent.c.last_day]
        connection.execute(insert(extent).from_select(columns, select(literal(kind), *rows.c)))


def _years(connection: Connection, kind: Kind) -> Iterator[dict[str, Any]]:
    found: dict[tuple[str, int], dict[str, int]] = defaultdict(lambda: dict.fromkeys((*ENDS, *SIZES), 0))
    for name, column in ENDS.items():
        for query in _grouped(kind, column, func.count(), by=1):
            for type_, day, count in connection.execute(query.where(record.c.stated_start.is_not(None))):
                found[type_, day if abs(day) == dates.FAR else dates.year_of(day)][name] += count
    bounds = (record.c.earliest_start, record.c.latest_end)
    for query in _grouped(kind, *bounds, func.count(), by=2):
        for type_, soonest, latest, count in connection.execute(query.where(*(b.is_not(None) for b in bounds))):
            for name, size in SIZES.items():
                numbers = [dates.number_of(dates.year_of(day), size) for day in (soonest, latest)]
                if numbers[0] == numbers[1]:
                    found[type_, dates.years(numbers[0], size)[0]][name] += count
    for (type_, number), counts in found.items():
        yield {"kind": kind, "type": type_, "year": number, **counts}
