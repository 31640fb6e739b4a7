"""Relations, and what everything rests on: citations and passages. And `/v1` itself."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app import params, schemas
from app.answers import evidence, quality
from app.resources import CITATIONS, PASSAGES, RELATIONS
from app.routers.reading import Reader, answers

router = APIRouter()
RelationId = Annotated[
    str, Path(description="The id of a relation.", examples=["mao-zedong.announced.great-leap-forward"])
]
CitationId = Annotated[
    str,
    Path(
        description="The id of a citation.",
        examples=["mao-resignation.hartnett-great-leap-forward.3575-3605"],
    ),
]
PassageId = Annotated[str, Path(description="The id of a passage.", examples=["hartnett-great-leap-forward-p2"])]


@router.get("", tags=["overview"], **answers(schemas.About))
async def get_overview(reader: Reader) -> Response:
    """What this is: revision, counts, licence, how to cite, and where to begin."""
    return await reader.about()


@router.get("/quality", tags=["overview"], **answers(quality.Quality))
async def get_quality(reader: Reader) -> Response:
    """How good the data is: what is cited and verified, what has no date, name or voice, where estimates disagree."""
    return await reader.work_out(quality.quality)


@router.get("/records/{id}/evidence", tags=["records"], **answers(evidence.EvidenceList))
async def list_evidence(
    id: Annotated[str, Path(description="The id of any record.", examples=["mao-zedong"])],
    query: Annotated[params.EvidenceParams, Query()],
    reader: Reader,
) -> Response:
    """Everything that the sources say about a record, place by place in the texts' order: who says it, in which
    stance, in which words. That is what its citations point to, and those of its relations, of estimates of it and of
    quotations by or about it. Each place is the target of a W3C Web Annotation."""
    return await reader.work_out(lambda c: evidence.evidence(c, id, query.units, query.stance))


@router.get("/relations", tags=["relations"], **answers(schemas.RelationPage, sparse=True))
async def list_relations(query: Annotated[params.RelationParams, Query()], reader: Reader) -> Response:
    """Relations by subject, object, either end, predicate, causality, stance or date. Offices are `held_office`. The
    date is the relation's own, where the sources give it one: when an event was is asked of `/v1/events`."""
    return await reader.page(RELATIONS, query)


@router.get("/relations/{id}", tags=["relations"], **answers(schemas.RelationDetail, sparse=True))
async def get_relation(
    id: RelationId, query: Annotated[params.RelationDetailParams, Query()], reader: Reader
) -> Response:
    """One relation by its id."""
    return await reader.one(RELATIONS, id, query)


@router.get("/citations", tags=["citations"], **answers(schemas.CitationPage, sparse=True))
async def list_citations(query: Annotated[params.CitationParams, Query()], reader: Reader) -> Response:
    """The places in the sources that records and relations rest on."""
    return await reader.page(CITATIONS, query)


@router.get("/citations/{id}", tags=["citations"], **answers(schemas.CitationDetail, sparse=True))
async def get_citation(
    id: CitationId, query: Annotated[params.CitationDetailParams, Query()], reader: Reader
) -> Response:
    """One citation by its id."""
    return await reader.one(CITATIONS, id, query)


@router.get("/passages", tags=["passages"], **answers(schemas.PassagePage, sparse=True))
async def list_passages(query: Annotated[params.AnyPassageParams, Query()], reader: Reader) -> Response:
    """Paragraphs of the sources, each with everything that is anchored in it and its range."""
    return await reader.page(PASSAGES, query)


@router.get("/passages/{id}", tags=["passages"], **answers(schemas.PassageDetail, sparse=True))
async def get_passage(id: PassageId, query: Annotated[params.PassageDetailParams, Query()], reader: Reader) -> Response:
    """One passage by its id."""
    return await reader.one(PASSAGES, id, query)
