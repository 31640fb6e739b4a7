"""The whole dataset in one answer."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app import export, params
from app.formats import DATA_PACKAGE, NDJSON
from app.routers.reading import Reader, answers

router = APIRouter()


@router.get("/export", tags=["export"], response_class=Response, **answers(None, NDJSON, DATA_PACKAGE))
async def get_export(_: Annotated[params.ExportParams, Query()], reader: Reader) -> Response:
    """Everything: as NDJSON, or as a Frictionless Data Package (a zip of CSV files with their schema).

    It is streamed. The same revision gives the same bytes, named by the `ETag`: ask again with `If-None-Match` and
    get 304 until the data has changed.
    """
    return await reader.stream(export.FORMATS, "fasti")
