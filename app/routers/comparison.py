"""Estimates side by side."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app import params
from app.answers import comparison
from app.routers.reading import Reader, answers

router = APIRouter()


@router.get("/estimates/compare", tags=["estimates"], **answers(comparison.Comparison))
async def get_estimate_comparison(query: Annotated[params.CompareParams, Query()], reader: Reader) -> Response:
    """Estimates of a measure, like with like: who gives which figure, the envelope, and whether they disagree.

    Alike are estimates of one measure, unit, type, subject, place and date that are meant alike: a target is not a
    result. One that names no place or date goes with the others when these all name the same one, and `assumptions`
    says so. Two groups of one measure, unit and type are set in a ratio, which is an interval: all ratios that the two
    envelopes allow. Any other two are refused, with the reasons. Nothing is added up, and there is no midpoint.
    """
    planned = params.comparison_plan(query)
    return await reader.work_out(lambda c: comparison.compare(c, planned))
