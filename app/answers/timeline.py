"""Time in buckets, which say how a date that is uncertain, or longer than a bucket, is counted.

A year is a year. Decades and centuries are cut as EDTF writes them, by the digits of the year: `195X` is 1950 to 1959,
`19XX` is 1900 to 1999. Before year 1 the same digits run backwards: `-004X` is -0049 to -0040, which is 50 to 41 BCE,
and `-04XX` is 500 to 401 BCE, the 5th century BCE as historians count. So year 0, which is 1 BCE, closes the last
bucket before our era, and the first one after it lacks it: no bucket has both eras in it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, islice
from operator import sub
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

from sqlalchemy import Connection, func, select

from app import dates, tallies
from app.dates import YEARS, Size, number_of, years
from app.db import revision_read
from app.encoding import dump, query_string
from app.errors import Fault, wrong
from app.models import record
from app.queries import Body
from app.resources import Resource
from app.schemas import Wire, said
from app.selection import Plan, rows_of, selected
from app.vocabulary import Kind

MAX_BUCKETS = 500
COUNTING = {
    "stated": "Counted in every bucket that its span overlaps, as the source states it, and so perhaps in several: the "
    "counts do not add up to the number of dated ones. `starting` does, but for spans that are open at the start.",
    "possible": "Counted in every bucket that it may have been in, given its bounds. What has an open end is counted "
    "as far as the timeline reaches on that side.",
    "certain": "Counted in a bucket only if it lies wholly inside in any case. What is longer than a bucket, or may "
    "have begun or ended outside it, is counted in none.",
}


class Tally(Wire):
    """How many there are, and the list of them."""

    count: int = said("How many.", 12)
    url: str = said("The list of exactly these.", "/v1/events?dated=true")


class Range(Wire):
    """What the buckets cover, as ISO 8601 days (year 0 is 1 BCE)."""

    start: str = said("The first bucket's first day.", "1950-01-01")
    end: str = said("The last bucket's last day.", "1966-12-31")


class Bucket(Wire):
    """A year, a decade or a century."""

    label: str = said("For people: `1957`, `1950s`, `44 BCE`, `50–41 BCE`, `5th century BCE`, `1900–1999`.", "1957")
    edtf: str = said("The same in EDTF: `1957`, `195X`, `-0043`, `-04XX`.", "1957")
    start: str = said("Its first day, ISO 8601 (year 0 is 1 BCE).", "1957-01-01")
    end: str = said("Its last day.", "1957-12-31")
    count: int = said("How many are counted here: the one of the next three that `match` names.", 3)
    stated: int = said("Those whose span, as the source states it, overlaps the bucket.", 3)
    possible: int = said("Those that may have been in it, given their bounds.", 6)
    certain: int = said("Those that lie wholly inside it in any case.", 1)
    starting: int = said("Those whose span starts in it, as the source states it.", 2)
    url: str = said("The list of exactly those in `count`.", "/v1/events?from=1957&to=1957")


class Timeline(Wire):
    """How many there are over time. Nothing undated is in a bucket."""

    kind: Kind = said("What is counted.", "event")
    bucket: Size = said("How long a bucket is.", "year")
    match: Literal["stated", "possible", "certain"] = said("How `count` counts.", "stated")
    counting: str = said("What that means.", COUNTING["certain"])
    range: Range | None = said("What the buckets cover, in whole buckets; null when nothing is dated.")
    dated: Tally = said("All dated ones under the filters, in the range or not.")
    undated: Tally = said("Those that the source gives no date for. They are in no bucket.")
    buckets: list[Bucket] = said("In order, without a gap: what is empty is there too.")
    revision: str = said("The revision of the data.", "3f1c0a9be772")


class _Counts(NamedTuple):
    stated: list[int]
    possible: list[int]
    certain: list[int]
    starting: list[int]


def timeline(connection: Connection, resource: Resource, plan: Plan, size: Size | None) -> Body:
    """What the plan selects, counted in buckets of this size, or of the finest that are not too many: a `Timeline`.

    Raises Problem (422) for more than `MAX_BUCKETS`, and for an unknown id or word.
    """
    everything = plan._replace(span=(None, None))
    selected(connection, resource, everything)  # Raises Problem, which what is counted beforehand does not.
    extent = _extent(connection, resource, everything, plan.span)
    total, dated = _totals(connection, resource, everything)
    chosen, numbers = _cut(extent, size)
    counts = _counts(connection, resource, plan, chosen, numbers)
    head = dump({
        "kind": resource.kind or "event", "bucket": chosen, "match": plan.match, "counting": COUNTING[plan.match],
        "range": _range(numbers, chosen),
        "dated": {"count": dated, "url": list_url(resource, everything, dated="true")},
        "undated": {"count": total - dated, "url": list_url(resource, everything, dated="false")},
    })  # fmt: skip
    buckets = ",".join(_buckets(list_url(resource, plan), plan.match, chosen, numbers, counts))
    return Body(f'{head[:-1]},"buckets":[{buckets}],"revision":"{revision_read(connection)}"}}'.encode())


def _range(numbers: range, size: Size) -> dict[str, str] | None:
    """What the buckets cover, as a `Range`."""
    if not numbers:
        return None
    return {"start": _days(numbers[0], size)[0], "end": _days(numbers[-1], size)[1]}


def _days(number: int, size: Size) -> tuple[str, str]:
    """The first and the last day of a bucket."""
    first, last = years(number, size)
    return dates.iso(dates.day_number(first, 1, 1)), dates.iso(dates.day_number(last, 12, 31))


def _buckets(url: str, match: str, size: Size, numbers: range, counts: _Counts) -> Iterator[str]:
    """Each `Bucket` in JSON; `url` is that of the list."""
    url += "" if url.endswith("?") else "&"
    how = "" if match == "stated" else f"&match={match}"
    wanted: list[int] = getattr(counts, match)
    for number, count, stated, possible, certain, starting in zip(numbers, wanted, *counts, strict=True):
        named, span = _named_bucket(number, size)
        yield (
            f'{named},"count":{count},"stated":{stated},"possible":{possible},"certain":{certain},'
            f'"starting":{starting},"url":"{url}{span}{how}"}}'
        )


@lru_cache(4 * MAX_BUCKETS)
def _named_bucket(number: int, size: Size) -> tuple[str, str]:
    """What a bucket says whatever is counted in it, as JSON that is still open, and its years in a URL."""
    span = years(number, size)
    start, end = _days(number, size)
    named = {"label": label(*span, size), "edtf": edtf(*span, size), "start": start, "end": end}
    return dump(named)[:-1], query_string(_from_to(span).items())


def decades(connection: Connection, resource: Resource, plan: Plan) -> list[tuple[str, str, int, dict[str, str]]]:
    """EDTF, label, count under `plan.match` and the `from` and `to` of each decade, of the last `MAX_BUCKETS`."""
    everything = plan._replace(span=(None, None))
    extent = _extent(connection, resource, everything, (None, None))
    if extent is None:
        return []
    first, last = (number_of(dates.year_of(day), "decade") for day in extent)
    numbers = range(max(first, last - MAX_BUCKETS + 1), last + 1)
    spans = [years(number, "decade") for number in numbers]
    counts: list[int] = getattr(_counts(connection, resource, everything, "decade", numbers), plan.match)
    return [
        (edtf(*span, "decade"), label(*span, "decade"), count, _from_to(span))
        for span, count in zip(spans, counts, strict=True)
        if count
    ]


def _from_to(span: tuple[int, int]) -> dict[str, str]:
    return {"from": dates.year_text(span[0]), "to": dates.year_text(span[1])}


def list_url(resource: Resource, plan: Plan, **more: str) -> str:
    """The list with the plan's filters, and more."""
    given: dict[str, Any] = {name: [written(each) for each in values] for name, values in plan.filters.items()}
    given |= {"predicate": plan.predicate} if plan.predicate else {}
    return f"/v1/{resource.name}?{urlencode(given | more, doseq=True)}"


def written(value: Any) -> str:
    """A filter's value as a query string has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def label(first: int, last: int, size: Size) -> str:
    """A bucket in words that mislead nobody: `1900s` might be ten years or a hundred, and is not used."""
    era = " BCE" if last < 1 else "" if first >= 1000 else " CE"
    if size == "year":
        return f"{1 - first if last < 1 else first}{era}"
    if size == "century" and last < 1:
        return f"{_ordinal((1 - first) // 100)} century BCE"
    if last < 1:
        return f"{1 - first}–{1 - last}{era}"
    return f"{first}s{era}" if size == "decade" and first % 100 >= 10 else f"{first}–{last}{era}"


def edtf(first: int, last: int, size: Size) -> str:
    """A bucket in EDTF, which has no shorter word than an interval for the first of our era and beyond four digits."""
    if size == "year":
        return dates.year_text(first)
    if first == 1 or max(abs(first), abs(last)) > 9999:
        return f"{dates.year_text(first)}/{dates.year_text(last)}"
    unknown = len(str(YEARS[size])) - 1
    # Before our era it is the last year that has the zeros, and year 0 has no sign of its own.
    digits = f"{abs(first if first > 0 else last):04d}"
    return f"{'-' if last < 1 else ''}{digits[:-unknown]}{'X' * unknown}"


def _ordinal(number: int) -> str:
    last = 0 if number // 10 % 10 == 1 else number % 10
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


def _extent(
    connection: Connection, resource: Resource, plan: Plan, wanted: tuple[int | None, int | None]
) -> tuple[int, int] | None:
    """The first and last day asked for, or else those that any date names: an open end reaches nowhere in particular.

    None when nothing is dated and nothing asked for.
    """
    first, last = wanted
    if first is None or last is None:
        named = [day for day in _named(connection, resource, plan) if day is not None]
        named = named or [day for day in wanted if day is not None]
        if not named:
            return None
        first = min(*named, last or named[0]) if first is None else first
        last = max(*named, first) if last is None else last
    return first, last


def _named(connection: Connection, resource: Resource, plan: Plan) -> Sequence[int | None]:
    """The first and the last day that any date names."""
    if (kept := tallies.of(resource, plan)) is not None:
        return tallies.extent_of(connection, kept)[2:]
    where, rows = selected(connection, resource, plan._replace(dated=True)).conditions, rows_of(resource, plan)
    ends = [
        select(best(column)).select_from(rows).where(*where, column > -dates.FAR, column < dates.FAR)
        for best in (func.min, func.max)
        for column in (record.c.stated_start, record.c.stated_end)
    ]
    return connection.execute(select(*(end.scalar_subquery() for end in ends))).one()


def _totals(connection: Connection, resource: Resource, plan: Plan) -> tuple[int, int]:
    """How many there are, and how many of them are dated."""
    if (kept := tallies.of(resource, plan)) is not None:
        return tallies.extent_of(connection, kept)[:2]
    counted = select(func.count(record.c.pk), func.count(record.c.stated_start)).select_from(rows_of(resource, plan))
    total, dated = connection.execute(counted.where(*selected(connection, resource, plan).conditions)).one()
    return total, dated


def _cut(extent: tuple[int, int] | None, size: Size | None) -> tuple[Size, range]:
    """The size of the buckets and their numbers. Raises Problem (422) when they are too many."""
    if extent is None:
        return size or "year", range(0)
    first, last = (dates.year_of(day) for day in extent)
    numbers = {each: range(number_of(first, each), number_of(last, each) + 1) for each in YEARS}
    fitting: list[Size] = [each for each in YEARS if len(numbers[each]) <= MAX_BUCKETS]
    chosen = size or (fitting[0] if fitting else "century")
    if chosen in fitting:
        return chosen, numbers[chosen]
    detail = f"a {chosen} each would make {len(numbers[chosen]):,} buckets, and there are at most {MAX_BUCKETS}; "
    if fitting:
        detail += f"bucket={fitting[0]} makes {len(numbers[fitting[0]])}, or set `from` and `to` nearer to each other"
    else:
        detail += "set `from` and `to` nearer to each other"
    raise wrong(Fault(parameter="bucket", detail=detail, nearest=fitting[0] if fitting else None))


def _counts(connection: Connection, resource: Resource, plan: Plan, size: Size, numbers: range) -> _Counts:
    if not numbers:
        return _Counts([], [], [], [])
    if (kept := tallies.of(resource, plan)) is not None:
        return _tallied(tallies.buckets(connection, kept, size, numbers), numbers)
    firsts = [dates.day_number(years(number, size)[0], 1, 1) for number in numbers]
    last = dates.day_number(years(numbers[-1], size)[1], 12, 31)
    # Whatever may lie in the range, which is all that is counted in one of the three ways.
    wide = plan._replace(span=(firsts[0], last), match="possible")
    where = selected(connection, resource, wide).conditions
    columns = (record.c.stated_start, record.c.stated_end, record.c.earliest_start, record.c.latest_end)
    query = select(*columns, func.count()).select_from(rows_of(resource, wide)).where(*where).group_by(*columns)
    return fold(connection.execute(query), firsts, last)


def _tallied(rows: Iterable[tuple[int, ...]], numbers: range) -> _Counts:
    """The same counts from those of buckets: what overlaps one has begun by its end, and not ended before it."""
    counted = {number: counts for number, *counts in rows}
    none = [0] * len(tallies.COUNTS)
    started, ended, sooner, later, certain = zip(
        *(counted.get(number, none) for number in range(numbers[0] - 1, numbers[-1] + 1)), strict=True
    )
    starting, ending, soonest, latest = map(accumulate, (started, ended, sooner, later))
    overlapping = list(map(sub, islice(starting, 1, None), ending))
    possible = list(map(sub, islice(soonest, 1, None), latest))
    return _Counts(overlapping, possible, [*certain[1:]], [*started[1:]])


def fold(rows: Iterable[Any], firsts: list[int], last: int) -> _Counts:
    """Count dates into the buckets that begin on the days `firsts`; the last one ends on the day `last`.

    A row is a stated start and end, the earliest start and the latest end (None where unbounded), and how many have
    these. A span adds at its first bucket and takes away behind its last one; the sums along the way are the counts.
    """
    end = len(firsts)
    stated, possible, certain, starting = ([0] * (end + 1) for _ in range(4))

    def place(day: int) -> int:
        return end if day > last else bisect_right(firsts, day) - 1

    def add(changes: list[int], begin: int, until: int, number: int) -> None:
        if begin < end and until >= 0:
            changes[max(begin, 0)] += number
            changes[min(until, end - 1) + 1] -= number

    for start, finish, earliest, latest, number in rows:
        begin = place(start)
        add(stated, begin, place(finish), number)
        if 0 <= begin < end:
            starting[begin] += number
        soonest, longest = -1 if earliest is None else place(earliest), end if latest is None else place(latest)
        add(possible, soonest, longest, number)
        if 0 <= soonest == longest < end:
            certain[soonest] += number
    return _Counts(list(accumulate(stated))[:end], list(accumulate(possible))[:end], certain[:end], starting[:end])
