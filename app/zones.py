"""Where in reading order rows are that a date may match: whole runs of them are passed over by what their dates span.

A span of time may have begun at any time before, so no order of the rows brings those that overlap another together.
But a run of rows that all had ended by then, or that all begin later, need not be read; nor need a run of such runs.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, insert, literal, select

from app import dates
from app.models import record, relation, zone
from app.statements import given, statement

RUN = 128
"""Keys in a run, and runs in a run of runs."""

Stretch = tuple[int, int]
"""The first and the last key of rows that follow each other."""


def fill(connection: Connection) -> None:
    """Work out the zones of all rows, once these are written."""
    for table in (record, relation):
        of = table.c
        soonest, latest = func.coalesce(of.earliest_start, -dates.FAR), func.coalesce(of.latest_end, dates.FAR)
        dated = of.stated_start.is_not(None)
        spans = (of.stated_start, of.stated_start, of.stated_end, soonest, latest)
        _write(connection, table, 1, _runs(of.pk // RUN, spans).where(dated))
        same = (zone.c.of == table.name, zone.c.size == 1)
        _write(connection, table, 2, _runs(zone.c.number // RUN, tuple(zone.c)[3:]).where(*same))


def _runs(number: ColumnElement[int], spans: tuple[Any, ...]) -> Select[Any]:
    least_or_most: tuple[Any, ...] = (func.min, func.max, func.max, func.min, func.max)
    return select(number, *(best(span) for best, span in zip(least_or_most, spans, strict=True))).group_by(number)


def _write(connection: Connection, table: Table, size: int, runs: Select[Any]) -> None:
    of = runs.subquery()
    connection.execute(insert(zone).from_select(list(zone.c), select(literal(table.name), literal(size), *of.c)))


def stretches(
    connection: Connection, table: Table, span: tuple[int, int], match: str, keys: Stretch, *, down: bool
) -> Iterator[Stretch]:
    """Within a stretch of keys, those stretches that may hold a date that matches, in order; backwards if `down`."""
    days = {"first_day": span[0], "last_day": span[1]}
    wide, narrow = (_meeting(table, size, match, down=down) for size in (2, 1))
    first, last = keys[0] // RUN**2, keys[1] // RUN**2
    # Of one or two nothing is spared.
    few = range(first, last + 1)[:: -1 if down else 1] if last - first < 2 else None
    for run_of_runs in few or wide.column(connection, first=first, last=last, **days):
        inside = max(keys[0] // RUN, run_of_runs * RUN), min(keys[1] // RUN, run_of_runs * RUN + RUN - 1)
        for begin, end in _joined(narrow.column(connection, first=inside[0], last=inside[1], **days)):
            yield max(keys[0], begin * RUN), min(keys[1], end * RUN + RUN - 1)


@statement
def _meeting(table: Table, size: int, match: str, *, down: bool) -> Select[Any]:
    first, last = given("first_day"), given("last_day")
    met = {
        "stated": (zone.c.first_start <= last, zone.c.last_end >= first),
        "possible": (zone.c.soonest <= last, zone.c.latest >= first),
        # Whatever lies inside in any case begins inside.
        "certain": (zone.c.first_start <= last, zone.c.last_start >= first),
    }[match]
    here = (zone.c.of == table.name, zone.c.size == size, zone.c.number.between(given("first"), given("last")))
    query = select(zone.c.number).where(*here, *met)
    return query.order_by(zone.c.number.desc() if down else zone.c.number)


def _joined(numbers: list[int]) -> Iterator[Stretch]:
    """Numbers that follow each other, as one stretch each, in the order given."""
    begun = 0
    for place in range(1, len(numbers) + 1):
        if place == len(numbers) or abs(numbers[place] - numbers[place - 1]) != 1:
            ends = numbers[begun], numbers[place - 1]
            yield min(ends), max(ends)
            begun = place
