"""Search over everything, and names completed."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.answers import search, suggest
from app.params.search import SearchParams, SuggestParams
from app.routers.reading import Reader, answers

router = APIRouter()


@router.get("/search", tags=["search"], **answers(search.SearchPage))
async def list_search_hits(query: Annotated[SearchParams, Query()], reader: Reader) -> Response:
    """Records, relations and passages that have these words, the most relevant first, with what matched.

    Searched are names, aliases, summaries, quotations, roles, dates and the cited words; and the passages where their
    text is held. No query is malformed: what is neither a word nor a quotation mark is passed over.
    """
    return await reader.written(lambda c: search.search(c, query.q, query.plan(), reader.link))


@router.get("/suggest", tags=["search"], **answers(suggest.Suggestions))
async def list_suggestions(query: Annotated[SuggestParams, Query()], reader: Reader) -> Response:
    """Names that go on like this, with a hint of what each is: for a search box, at every key."""
    return await reader.written(lambda c: suggest.suggest(c, query.q, query.kind, query.limit))
