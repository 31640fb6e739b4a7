"""Dates as history knows them: EDTF (ISO 8601-2:2019) read into four bounds.

Read are levels 0 and 1, and of level 2 `[..X]` and `[X..]`. Days are Julian Day Numbers in the proleptic Gregorian
calendar, with year 0 for 1 BCE; Python's `date` knows no year before 1. An unknown or open end has no bounds: padding
it would be inventing a fact.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple

FAR = 2_000_000_000
"""A day beyond every date, which still fits 32 bits: where an open end is stated to reach."""

MAX_LENGTH = 64
MAX_YEAR = 5_000_000

Precision = Literal["day", "month", "season", "year", "decade", "century", "millennium"]
Size = Literal["year", "decade", "century"]
YEARS: dict[Size, int] = {"year": 1, "decade": 10, "century": 100}
_UNSPECIFIED: dict[int, Precision] = {0: "year", 1: "decade", 2: "century", 3: "millennium"}

# Every alternative is of fixed shape, so that no input makes the match slow.
_DATE = re.compile(
    r"(?:(?P<year>-?\d{4})|(?P<far>Y-?[1-9]\d{4,6})|(?P<vague>-?\d{1,3}X{1,3}))"
    r"(?:-(?P<month>\d\d|XX)(?:-(?P<day>\d\d|XX))?)?(?P<mark>[?~%])?",
    re.ASCII,
)
_LOOSE = re.compile(r"(\d{3,4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", re.ASCII)


class DateError(ValueError):
    """A date that cannot be read; the message says what is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a date allows and what it states. Days are Julian Day Numbers; None is an unknown or open bound."""

    edtf: str
    earliest_start: int | None
    latest_start: int | None
    earliest_end: int | None
    latest_end: int | None
    stated_start: int
    stated_end: int
    approximate: bool
    uncertain: bool
    precision: Precision


class _Point(NamedTuple):
    first: int
    last: int
    precision: Precision
    mark: str


def day_number(year: int, month: int, day: int) -> int:
    """The Julian Day Number of a day; year 0 is 1 BCE."""
    shift = (14 - month) // 12
    y, m = year + 4800 - shift, month + 12 * shift - 3
    return day + (153 * m + 2) // 5 + 365 * y + y // 4 - y // 100 + y // 400 - 32045


def civil(day: int) -> tuple[int, int, int]:
    """Year, month and day of a Julian Day Number."""
    era, of_era = divmod(day - 1721120, 146097)
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


def year_of(day: int) -> int:
    """The year in which a Julian Day Number falls."""
    return civil(day)[0]


def year_text(year: int) -> str:
    """A year in EDTF: four digits, or `Y` before more."""
    return f"{'-' if year < 0 else ''}{abs(year):04d}" if abs(year) <= 9999 else f"Y{year}"


def iso(day: int) -> str:
    """A Julian Day Number as an ISO 8601 day; years outside 0 to 9999 carry their sign."""
    year, month, of_month = civil(day)
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    return f"{sign}{abs(year):04d}-{month:02d}-{of_month:02d}"


def parse(text: str, *, not_before: str | None = None, not_after: str | None = None, onset: bool = False) -> Span:
    """Read an EDTF string. `not_before` and `not_after` are plain dates that bound an unknown or open end.

    An `onset` is the date of a beginning alone: how long it lasted is unknown. Raises DateError.
    """
    if len(text) > MAX_LENGTH:
        raise DateError(f"a date has at most {MAX_LENGTH} characters, and this one has {len(text)}")
    if text.startswith("["):
        span = _one_of(text)
    elif "/" in text:
        span = _interval(text)
    else:
        point = _point(text)
        span = _span(text, point, point)
    if onset:
        span = _begun(span)
    return _bounded(span, not_before, not_after)


@lru_cache(1_000)
def parse_day_range(text: str) -> tuple[int, int]:
    """The first and the last day of a plain date, such as `1960`, `1966-06` or `-0043`. Raises DateError."""
    if len(text) > MAX_LENGTH:
        raise DateError(f"a date has at most {MAX_LENGTH} characters, and this one has {len(text)}")
    point = _point(text)
    return point.first, point.last


def _point(text: str) -> _Point:
    match = _DATE.fullmatch(text)
    if match is None:
        such = "such as 1957, 1966-06, 1966-06-01, 195X, -0043 or 1932~"
        raise DateError(f"{text!r} is not an EDTF date {such}{_hint(text)}")
    year, far, vague, month, day, mark = match.group("year", "far", "vague", "month", "day", "mark")
    if vague is not None:
        return _unspecified(text, vague, month, mark or "")
    number = int(far[1:] if far else year)
    if abs(number) > MAX_YEAR:
        raise DateError(f"the year of {text!r} is beyond ±{MAX_YEAR}")
    return _calendar(text, number, month, day, mark or "")


def _hint(text: str) -> str:
    """What was perhaps meant: a date that lacks only its zeros, or a decade in plain words."""
    meant = re.sub(r"^(\d{3})0s$", r"\1X", text, flags=re.ASCII)
    if found := _LOOSE.fullmatch(text):
        year, *others = found.groups()
        meant = "-".join([year.zfill(4), *(each.zfill(2) for each in others if each)])
    try:
        return f"; did you mean {meant}?" if _DATE.fullmatch(meant) and _point(meant) else ""
    except DateError:
        return ""


def _unspecified(text: str, digits: str, month: str | None, mark: str) -> _Point:
    unknown = digits.count("X")
    if len(digits.lstrip("-")) != 4 or month is not None:
        raise DateError(f"{text!r}: a year with unknown digits has four places and no month, such as 195X or 19XX")
    ends = int(digits.replace("X", "0")), int(digits.replace("X", "9"))
    first, last = min(ends), max(ends)
    return _Point(day_number(first, 1, 1), day_number(last, 12, 31), _UNSPECIFIED[unknown], mark)


def _calendar(text: str, year: int, month: str | None, day: str | None, mark: str) -> _Point:
    if month is None or month == "XX":
        if day not in (None, "XX"):
            raise DateError(f"{text!r} has a day but no month")
        return _Point(day_number(year, 1, 1), day_number(year, 12, 31), "year", mark)
    number = int(month)
    if 21 <= number <= 24 and day is None:
        # The standard leaves seasons to the reader; these are the northern hemisphere's, winter into the next year.
        start = 3 * (number - 20)
        return _Point(day_number(year, start, 1), _last_day(year, start + 2), "season", mark)
    if not 1 <= number <= 12:
        raise DateError(f"{text!r} has no month {month}: months are 01 to 12 and seasons 21 to 24")
    if day is None or day == "XX":
        return _Point(day_number(year, number, 1), _last_day(year, number), "month", mark)
    exact = day_number(year, number, int(day))
    if day == "00" or exact > _last_day(year, number):
        raise DateError(f"{text!r}: that month has no day {day}")
    return _Point(exact, exact, "day", mark)


def _last_day(year: int, month: int) -> int:
    """The last day of a month, which may be counted past December."""
    return day_number(year + month // 12, month % 12 + 1, 1) - 1


def _coarser(one: Precision, other: Precision) -> Precision:
    order: tuple[Precision, ...] = ("day", "month", "season", "year", "decade", "century", "millennium")
    return max(one, other, key=order.index)


def _span(text: str, start: _Point, end: _Point) -> Span:
    marks = start.mark + end.mark
    return Span(
        text, start.first, start.last, end.first, end.last, start.first, end.last,
        approximate="~" in marks or "%" in marks, uncertain="?" in marks or "%" in marks,
        precision=_coarser(start.precision, end.precision),
    )  # fmt: skip


def _interval(text: str) -> Span:
    left, _, right = text.partition("/")
    if {left, right} <= {"", ".."}:
        raise DateError(f"{text!r} names neither end")
    if left in ("", ".."):
        span = _span(text, end := _point(right), end)
        stated = -FAR if left else span.stated_start
        return replace(span, earliest_start=None, latest_start=None, stated_start=stated)
    if right in ("", ".."):
        span = _span(text, start := _point(left), start)
        return replace(span, earliest_end=None, latest_end=None, stated_end=FAR if right else span.stated_end)
    start, end = _point(left), _point(right)
    if start.first > end.last:
        raise DateError(f"{text!r} runs backwards: its start comes after its end")
    return _span(text, start, end)


def _one_of(text: str) -> Span:
    inner = text[1:-1]
    if text.endswith("]") and inner.startswith(".."):
        point = _point(inner[2:])
        return replace(_span(text, point, point), earliest_start=None, earliest_end=None)
    if text.endswith("]") and inner.endswith(".."):
        point = _point(inner[:-2])
        return replace(_span(text, point, point), latest_start=None, latest_end=None)
    raise DateError(f"{text!r}: of the sets, only [..1961] (by then) and [1961..] (from then) are read")


def _begun(span: Span) -> Span:
    if "/" in span.edtf:
        raise DateError(f"{span.edtf!r} has an end of its own, so it is not the date of an onset")
    return replace(span, earliest_end=None, latest_end=None)


def _bounded(span: Span, not_before: str | None, not_after: str | None) -> Span:
    if not_before is not None:
        if span.earliest_start is not None or span.latest_start is not None:
            raise DateError(f"not_before bounds an unknown start, and {span.edtf!r} has a known one")
        first = parse_day_range(not_before)[0]
        span = replace(span, earliest_start=first, stated_start=first)
    if not_after is not None:
        if span.earliest_end is not None or span.latest_end is not None:
            raise DateError(f"not_after bounds an unknown end, and {span.edtf!r} has a known one")
        last = parse_day_range(not_after)[1]
        span = replace(span, latest_end=last, stated_end=last)
    if span.stated_start > span.stated_end:
        raise DateError(f"{span.edtf!r} runs backwards within its bounds")
    return span


def number_of(year: int, size: Size) -> int:
    """A bucket's number: they follow each other, 1 is the first of our era and 0 the one before it."""
    length = YEARS[size]
    return year // length + (length > 1) if year >= 1 else -(-year // length)


def years(number: int, size: Size) -> tuple[int, int]:
    """The first and the last year of a bucket; year 0 is 1 BCE."""
    length = YEARS[size]
    if number < 1:
        return number * length - length + 1, number * length
    first = (number - (length > 1)) * length
    return max(first, 1), first + length - 1
