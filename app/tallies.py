"""What is counted when the data is loaded, so that nobody counts a whole list while somebody waits: how many records
of a kind, or of a type of it, begin and end in which year."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, insert, literal, select

from app import dates
from app.models import citation, event, extent, passage, policy, record, relation, shelf, year
from app.resources import Resource
from app.selection import Plan, shelf_of
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


def _years(connection: Connection, kind: Kind) -> Iterator[dict[str, Any]]:
    """All dates that are alike are counted at once; and each in its type and in its kind."""
    found: dict[tuple[str, int], dict[str, int]] = defaultdict(lambda: dict.fromkeys((*ENDS, *SIZES), 0))
    dated = _rows(connection, kind, *ENDS.values(), func.count()).where(record.c.stated_start.is_not(None))
    alike = connection.execute(dated.group_by(*ENDS.values()), execution_options={"yield_per": BATCH})
    for type_, *days, count in alike:
        numbers = [day if abs(day) == dates.FAR else dates.year_of(day) for day in days]
        places = [*zip(ENDS, numbers, strict=True), *_inside(*numbers[2:])]
        for counted in {"", type_}:
            for name, number in places:
                found[counted, number][name] += count
    for (type_, number), counts in found.items():
        yield {"kind": kind, "type": type_, "year": number, **counts}


def _inside(soonest: int, latest: int) -> Iterator[tuple[str, int]]:
    """The year, the decade and the century that surely hold it, each by its first year."""
    if abs(soonest) != dates.FAR and abs(latest) != dates.FAR:
        for name, size in SIZES.items():
            number = dates.number_of(soonest, size)
            if number == dates.number_of(latest, size):
                yield name, dates.years(number, size)[0]
