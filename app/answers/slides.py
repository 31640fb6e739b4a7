"""TimelineJS 3: a slide for each dated record, and apart from them the undated ones.

TimelineJS drops a slide without `start_date`, puts text into the page as HTML, and prints a year before 1 without the
year that lies between 1 BCE and 1 CE. So every slide has a start, every text is escaped, and the date that is shown is
always the source's own words. A start or end is only as exact as the date is; TimelineJS draws a year, or a month, at
its first day.
"""

import json
from html import escape
from typing import Any, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy import Connection, select

from app import dates, queries, selection
from app.answers.timeline import list_url
from app.models import record, revision
from app.resources import Resource
from app.schemas import Wire, said
from app.selection import Plan
from app.vocabulary import STANCES

# Beyond these years JavaScript has no dates, and TimelineJS counts in years alone.
HUMAN = range(-271_000, 275_000)
# No record's id has an underscore.
TITLE_ID = "title_slide"


def _unless(description: str, example: Any) -> Any:
    """A key that is left out where there is nothing to say: TimelineJS fails on null."""
    return Field(None, description=description, examples=[example])


class SlideDate(Wire):
    """A start or end, as exact as the date is."""

    year: int = said("The year; 0 is 1 BCE, as in ISO 8601 and in JavaScript.", 1966)
    month: int | SkipJsonSchema[None] = _unless("From 1; left out when the date has no month.", 6)
    day: int | SkipJsonSchema[None] = _unless("Left out when the date has no day.", 1)


class SlideText(Wire):
    """HTML: all that comes from the data is escaped."""

    headline: str = said("The name; in brackets the stance, where it is not `asserted`.", "Party split (attributed)")
    text: str = said("The summary, who says so and how, and a link to the record.", "<p>A split in the party.</p>")


class Opening(Wire):
    """The title slide."""

    unique_id: str = said("No record has this id.", TITLE_ID)
    text: SlideText = said("What is shown, how much is not, where that is found, and how to cite it.")


class Slide(Wire):
    """A record on the line of time."""

    unique_id: str = said("The record's id.", "mao-resignation")
    group: str = said("Its type, which TimelineJS makes a row of.", "change of office")
    start_date: SlideDate = said("The start as stated; of a span that is open at the start, its end.")
    end_date: SlideDate | SkipJsonSchema[None] = Field(
        None,
        description="The end as stated; left out when it is open, or no later than `start_date` at this exactness.",
    )
    display_date: str = said("The source's own words.", "By 1962")
    text: SlideText = said("What is read on the slide.")


class UndatedSlide(Wire):
    """A record that cannot be placed in time. TimelineJS passes over it."""

    unique_id: str = said("The record's id.", "great-leap-famine")
    group: str = said("Its type.", "famine")
    display_date: str | SkipJsonSchema[None] = _unless("The source's own words, if it has any.", "soon")
    text: SlideText = said("As on a slide.")


class TimelineJS(Wire):
    """What TimelineJS 3 reads (`new TL.Timeline(element, this)`). `undated` is ours, and it passes over it."""

    scale: Literal["human", "cosmological"] = said("`cosmological` beyond the years that JavaScript can hold.", "human")
    title: Opening = said("The first slide.")
    events: list[Slide] = said("The dated records, by their stated start, at most `limit` of them.")
    undated: list[UndatedSlide] = said("The undated ones, by id, at most `limit` of them.")


def slides(connection: Connection, resource: Resource, plan: Plan, base: str) -> TimelineJS:
    """The records that the plan selects, and apart those that it would select if they were dated.

    `base` stands before every link. Raises Problem (422) for an unknown id or word.
    """
    dated = plan._replace(dated=True)
    undated = plan._replace(dated=False, span=(None, None))
    events = [_slide(row, base) for row in _rows(connection, resource, dated)]
    others = [_undated(json.loads(row.document), base) for row in _rows(connection, resource, undated)]
    numbers = [queries.count(connection, resource, each) for each in (dated, undated)]
    known = {date.year for event in events for date in (event.start_date, event.end_date) if date}
    return TimelineJS(
        scale="human" if all(year in HUMAN for year in known) else "cosmological",
        title=_opening(connection, resource, numbers, len(events), base + list_url(resource, undated, dated="false")),
        events=events, undated=others,
    )  # fmt: skip


def timelinejs(answer: TimelineJS) -> bytes:
    """The answer as TimelineJS takes it: what is not known is left out."""
    return answer.model_dump_json(exclude_none=True).encode()


def _rows(connection: Connection, resource: Resource, plan: Plan) -> list[Any]:
    columns = (
        record.c.document, record.c.stated_start, record.c.stated_end, record.c.earliest_start, record.c.latest_start,
        record.c.earliest_end, record.c.latest_end,
    )  # fmt: skip
    query = select(*columns).select_from(selection.rows_of(resource, plan))
    query = query.where(*selection.selected(connection, resource, plan).conditions)
    return list(connection.execute(query.order_by(record.c.pk).limit(plan.limit)))


def _slide(row: Any, base: str) -> Slide:
    document = json.loads(row.document)
    start = _date(row.stated_start, first_day=True, exact=_same(row.earliest_start, row.latest_start))
    end = _date(row.stated_end, first_day=False, exact=_same(row.earliest_end, row.latest_end))
    if start is None:
        start, end = end, None
    assert start is not None, "a date names one of its ends"
    later = end is not None and _drawn(end) > _drawn(start)
    return Slide(
        unique_id=document["id"], group=_group(document), start_date=start, end_date=end if later else None,
        display_date=_words(document), text=_text(document, base),
    )  # fmt: skip


def _undated(document: dict[str, Any], base: str) -> UndatedSlide:
    words = _words(document) if document["date"] else None
    return UndatedSlide(
        unique_id=document["id"], group=_group(document), display_date=words, text=_text(document, base)
    )


def _date(day: int, *, first_day: bool, exact: bool) -> SlideDate | None:
    """A stated first or last day, without the month or day that only says where its year or month begins or ends."""
    if abs(day) >= dates.FAR:
        return None
    year, month, of_month = dates.civil(day)
    if exact:
        return SlideDate(year=year, month=month, day=of_month)
    before, after = (dates.civil(day - 1), (year, month, of_month)) if first_day else (
        (year, month, of_month), dates.civil(day + 1)
    )  # fmt: skip
    if before[0] != after[0]:
        return SlideDate(year=year)
    return (
        SlideDate(year=year, month=month) if before[1] != after[1] else SlideDate(year=year, month=month, day=of_month)
    )


def _same(earliest: int | None, latest: int | None) -> bool:
    return earliest is not None and earliest == latest


def _drawn(date: SlideDate) -> tuple[int, int, int]:
    return date.year, date.month or 1, date.day or 1


def _group(document: dict[str, Any]) -> str:
    return str(document.get("type") or document["kind"]).replace("_", " ")


def _words(document: dict[str, Any]) -> str:
    # TimelineJS decodes this text once before it puts it into the page as HTML.
    return escape(escape(document["date"]["text"]))


def _text(document: dict[str, Any], base: str) -> SlideText:
    marks = [document["stance"]] * (document["stance"] != "asserted") + ["denied"] * (
        document["polarity"] == "negative"
    )
    headline = escape(document["name"]) + (f" ({', '.join(marks)})" if marks else "")
    parts = [document["summary"], *_saying(document)]
    link = f'<p><a href="{escape(base + document["links"]["self"])}">Record and citations</a></p>'
    return SlideText(headline=headline, text="".join(f"<p>{escape(part)}</p>" for part in parts) + link)


def _saying(document: dict[str, Any]) -> list[str]:
    """Who says so and how, where it is not the author stating a fact."""
    stance, who = document["stance"], document["attributed_to"]
    found = [] if stance == "asserted" else [f"{stance.capitalize()}: {STANCES[stance]}."]
    found += [f"Said by: {who['name']}."] if who else []
    return found + (["The source denies this."] if document["polarity"] == "negative" else [])


def _opening(connection: Connection, resource: Resource, numbers: list[int], shown: int, undated: str) -> Opening:
    dated, without = numbers
    bases = json.loads(connection.execute(select(revision.c.document)).scalar_one())["knowledge_bases"]
    what = (
        f"{dated:,} dated {resource.name}"
        if shown == dated
        else f"The first {shown:,} of {dated:,} dated {resource.name}"
    )
    lines = [f"{what}."]
    if without:
        lines.append(f'Not shown, for want of a date: <a href="{escape(undated)}">{without:,}</a>.')
    lines += [f"{escape(each['citation'])} {escape(each['licence'])}." for each in bases]
    headline = " · ".join(escape(each["title"]) for each in bases)
    return Opening(
        unique_id=TITLE_ID, text=SlideText(headline=headline, text="".join(f"<p>{line}</p>" for line in lines))
    )
