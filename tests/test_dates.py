"""EDTF against the calendar, the standard's forms and what nobody should write."""

from datetime import date

import pytest

from app.dates import FAR, DateError, day_number, iso, parse, parse_day_range, year_of


def days(span):
    bounds = (span.earliest_start, span.latest_start, span.earliest_end, span.latest_end)
    return tuple(None if day is None else iso(day) for day in bounds)


def stated(span):
    return tuple(day if abs(day) == FAR else iso(day) for day in (span.stated_start, span.stated_end))


@pytest.mark.parametrize(
    ("edtf", "first", "last", "precision"),
    [
        ("1957", "1957-01-01", "1957-12-31", "year"),
        ("1966-06", "1966-06-01", "1966-06-30", "month"),
        ("1966-12", "1966-12-01", "1966-12-31", "month"),
        ("1966-06-05", "1966-06-05", "1966-06-05", "day"),
        ("1957-XX", "1957-01-01", "1957-12-31", "year"),
        ("1957-XX-XX", "1957-01-01", "1957-12-31", "year"),
        ("1957-06-XX", "1957-06-01", "1957-06-30", "month"),
        ("195X", "1950-01-01", "1959-12-31", "decade"),
        ("19XX", "1900-01-01", "1999-12-31", "century"),
        ("1XXX", "1000-01-01", "1999-12-31", "millennium"),
        ("-004X", "-0049-01-01", "-0040-12-31", "decade"),
        ("2001-21", "2001-03-01", "2001-05-31", "season"),
        ("2001-24", "2001-12-01", "2002-02-28", "season"),
        ("1999-24", "1999-12-01", "2000-02-29", "season"),
        ("-0043-03-15", "-0043-03-15", "-0043-03-15", "day"),
        ("0000-02-29", "0000-02-29", "0000-02-29", "day"),
        ("-0004-02", "-0004-02-01", "-0004-02-29", "month"),
        ("Y17000", "+17000-01-01", "+17000-12-31", "year"),
        ("Y-17000", "-17000-01-01", "-17000-12-31", "year"),
        ("Y10000", "+10000-01-01", "+10000-12-31", "year"),
        ("Y5000000", "+5000000-01-01", "+5000000-12-31", "year"),
    ],
)
def test_a_point_may_lie_anywhere_within_what_it_names(edtf, first, last, precision):
    span = parse(edtf)
    assert days(span) == (first, last, first, last)
    assert stated(span) == (first, last)
    assert span.precision == precision
    assert tuple(map(iso, parse_day_range(edtf))) == (first, last)


def test_an_onset_leaves_the_end_unknown():
    span = parse("[..1960]", onset=True)
    assert days(span) == (None, "1960-12-31", None, None)
    assert stated(span) == ("1960-01-01", "1960-12-31")
    with pytest.raises(DateError, match="has an end of its own"):
        parse("1957/1960", onset=True)


@pytest.mark.parametrize(
    ("edtf", "bounds", "said"),
    [
        ("1957/1962", ("1957-01-01", "1957-12-31", "1962-01-01", "1962-12-31"), ("1957-01-01", "1962-12-31")),
        ("1957-06/1957", ("1957-06-01", "1957-06-30", "1957-01-01", "1957-12-31"), ("1957-06-01", "1957-12-31")),
        ("1957/", ("1957-01-01", "1957-12-31", None, None), ("1957-01-01", "1957-12-31")),
        ("/1959", (None, None, "1959-01-01", "1959-12-31"), ("1959-01-01", "1959-12-31")),
        ("1957/..", ("1957-01-01", "1957-12-31", None, None), ("1957-01-01", FAR)),
        ("../1962", (None, None, "1962-01-01", "1962-12-31"), (-FAR, "1962-12-31")),
        ("[..1961]", (None, "1961-12-31", None, "1961-12-31"), ("1961-01-01", "1961-12-31")),
        ("[1961..]", ("1961-01-01", None, "1961-01-01", None), ("1961-01-01", "1961-12-31")),
    ],
)
def test_an_unknown_or_open_end_has_no_bound(edtf, bounds, said):
    span = parse(edtf)
    assert days(span) == bounds
    assert stated(span) == said


def test_a_terminus_bounds_an_unknown_end():
    span = parse("1957/", not_after="1962")
    assert days(span) == ("1957-01-01", "1957-12-31", None, "1962-12-31")
    assert stated(span) == ("1957-01-01", "1962-12-31")
    span = parse("/1959", not_before="1950")
    assert days(span) == ("1950-01-01", None, "1959-01-01", "1959-12-31")
    assert stated(span) == ("1950-01-01", "1959-12-31")


@pytest.mark.parametrize(
    ("edtf", "approximate", "uncertain"),
    [("193X~", True, False), ("1932?", False, True), ("1932%", True, True), ("1932/1933~", True, False),
     ("1932~/1933", True, False)],
)  # fmt: skip
def test_a_qualifier_marks_and_never_pads(edtf, approximate, uncertain):
    span = parse(edtf)
    assert (span.approximate, span.uncertain) == (approximate, uncertain)
    assert days(parse("193X~")) == days(parse("193X"))


@pytest.mark.parametrize(
    "edtf",
    ["", "/", "../..", "/..", "57", "1957-13", "1957-00", "1900-02-29", "1957-04-31", "1957-06-00", "1962/1957",
     "1957-XX-05", "XXXX", "195X-06", "19X", "1957-06-05T12:00", "1957/1960/1962", "[1957]", "[..]", "{1957}",
     "Y5000001", "Y-5000001", "2001-21-05", "Y0500", "١٩٥٧", "1957\n", "1957~?", "9" * 65, "1" * 9999],
)  # fmt: skip
def test_what_is_no_date_is_refused(edtf):
    with pytest.raises(DateError):
        parse(edtf)


@pytest.mark.parametrize(
    ("edtf", "bounds"),
    [("1957/1962", {"not_after": "1962"}), ("1957/1962", {"not_before": "1950"}), ("[..1961]", {"not_before": "1950"}),
     ("[1961..]", {"not_after": "1962"})],
)  # fmt: skip
def test_a_known_end_takes_no_terminus(edtf, bounds):
    with pytest.raises(DateError, match="known one"):
        parse(edtf, **bounds)


def test_a_terminus_before_the_start_is_refused():
    with pytest.raises(DateError, match="backwards"):
        parse("1957/", not_after="1950")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1960-1-1", "1960-01-01"),
        ("1960-6", "1960-06"),
        ("988", "0988"),
        ("1960s", "196X"),
        ("1960-13-1", ""),
        ("60", ""),
        ("1960/1", ""),
        ("June 1960", ""),
    ],
)
def test_a_slip_is_told_with_what_was_perhaps_meant(text, meant):
    with pytest.raises(DateError) as told:
        parse(text)
    assert str(told.value).partition("did you mean ")[2].rstrip("?") == meant


def test_days_are_those_of_the_calendar():
    assert day_number(1970, 1, 1) == 2440588
    for ordinal in range(1, date.max.toordinal() + 1, 97):
        day = date.fromordinal(ordinal)
        assert day_number(day.year, day.month, day.day) == ordinal + 1721425
        assert iso(ordinal + 1721425) == day.isoformat()


def test_days_before_year_one_follow_without_a_gap():
    start = day_number(-9, 1, 1)
    texts = [iso(day) for day in range(start, day_number(10, 1, 1))]
    assert texts[0] == "-0009-01-01"
    assert len(set(texts)) == len(texts)
    assert all(day_number(*_parts(text)) == start + i for i, text in enumerate(texts))
    assert year_of(day_number(-43, 3, 15)) == -43


def _parts(text):
    year, month, day = text.rsplit("-", 2)
    return int(year), int(month), int(day)
