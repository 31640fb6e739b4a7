"""Time: how much there is when, and what TimelineJS shows of it."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app import params
from app.answers import slides, timeline
from app.formats import TIMELINEJS
from app.routers.reading import Reader, answers

router = APIRouter()


@router.get("/timeline", tags=["timeline"], **answers(timeline.Timeline, (TIMELINEJS, slides.TimelineJS)))
async def get_timeline(query: Annotated[params.TimelineParams, Query()], reader: Reader) -> Response:
    """How many events there are in each year, decade or century: stated, possible and certain, undated ones apart.

    Decades and centuries are cut by the digits of the year, as EDTF writes them: `195X` is 1950 to 1959, `19XX` is 1900
    to 1999. Before our era `-004X` is 50 to 41 BCE, and `-04XX` is 500 to 401 BCE, the 5th century BCE. No bucket has
    both eras in it, so that the first decade of ours is 1 to 9, and its first century 1 to 99.

    `format=timelinejs` gives slides for TimelineJS 3 instead, at most `limit` of them, with the source's words as the
    date that is shown. A span that is open at its start, or of which only an end is known (`by 1961`), stands at that
    end.
    """
    resource, planned = params.timeline_plan(query)
    if reader.format is TIMELINEJS:
        return await reader.work_out(
            lambda c: slides.slides(c, resource, planned, reader.base), timelinejs=slides.timelinejs
        )
    return await reader.written(lambda c: timeline.timeline(c, resource, planned, query.bucket))
