"""The eight kinds of record: a list and a record each."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app import params, schemas
from app.resources import ESTIMATES, EVENTS, ORGANIZATIONS, PASSAGES, PEOPLE, PLACES, POLICIES, QUOTES, RECORDS, SOURCES
from app.routers.reading import Reader, answers

router = APIRouter()
Detail = Annotated[params.RecordDetailParams, Query()]


@router.get("/events", tags=["events"], **answers(schemas.EventPage, sparse=True))
async def list_events(query: Annotated[params.EventParams, Query()], reader: Reader) -> Response:
    """Events by date, person, organization, place, policy or anything else they are tied to."""
    return await reader.page(EVENTS, query)


@router.get("/events/{id}", tags=["events"], **answers(schemas.EventDetail, sparse=True))
async def get_event(
    id: Annotated[str, Path(description="The id of an event.", examples=["great-leap-forward-announcement"])],
    query: Detail,
    reader: Reader,
) -> Response:
    """One event by its id."""
    return await reader.one(EVENTS, id, query)


@router.get("/people", tags=["people"], **answers(schemas.PersonPage, sparse=True))
async def list_people(query: Annotated[params.PersonParams, Query()], reader: Reader) -> Response:
    """People, with the offices they held: by the organizations, events and the like they are tied to."""
    return await reader.page(PEOPLE, query)


@router.get("/people/{id}", tags=["people"], **answers(schemas.PersonDetail, sparse=True))
async def get_person(
    id: Annotated[str, Path(description="The id of a person.", examples=["mao-zedong"])],
    query: Detail,
    reader: Reader,
) -> Response:
    """One person by its id."""
    return await reader.one(PEOPLE, id, query)


@router.get("/policies", tags=["policies"], **answers(schemas.PolicyPage, sparse=True))
async def list_policies(query: Annotated[params.PolicyParams, Query()], reader: Reader) -> Response:
    """Policies, by who initiated them, by date, or by what they are tied to."""
    return await reader.page(POLICIES, query)


@router.get("/policies/{id}", tags=["policies"], **answers(schemas.PolicyDetail, sparse=True))
async def get_policy(
    id: Annotated[str, Path(description="The id of a policy.", examples=["great-leap-forward"])],
    query: Detail,
    reader: Reader,
) -> Response:
    """One policy by its id."""
    return await reader.one(POLICIES, id, query)


@router.get("/estimates", tags=["estimates"], **answers(schemas.EstimatePage, sparse=True))
async def list_estimates(query: Annotated[params.EstimateParams, Query()], reader: Reader) -> Response:
    """Quantified claims: who estimates what, between which bounds. Nothing is computed."""
    return await reader.page(ESTIMATES, query)


@router.get("/estimates/{id}", tags=["estimates"], **answers(schemas.EstimateDetail, sparse=True))
async def get_estimate(
    id: Annotated[str, Path(description="The id of an estimate.", examples=["chinese-famine-deaths"])],
    query: Detail,
    reader: Reader,
) -> Response:
    """One estimate by its id."""
    return await reader.one(ESTIMATES, id, query)


@router.get("/organizations", tags=["organizations"], **answers(schemas.OrganizationPage, sparse=True))
async def list_organizations(query: Annotated[params.OrganizationParams, Query()], reader: Reader) -> Response:
    """Organizations and groups, by what sort they are, or by the people, events and the like they are tied to."""
    return await reader.page(ORGANIZATIONS, query)


@router.get("/organizations/{id}", tags=["organizations"], **answers(schemas.OrganizationDetail, sparse=True))
async def get_organization(
    id: Annotated[str, Path(description="The id of an organization or group.", examples=["chinese-communist-party"])],
    query: Detail,
    reader: Reader,
) -> Response:
    """One organization by its id."""
    return await reader.one(ORGANIZATIONS, id, query)


@router.get("/places", tags=["places"], **answers(schemas.PlacePage, sparse=True))
async def list_places(query: Annotated[params.PlaceParams, Query()], reader: Reader) -> Response:
    """Places, by what sort they are, or by the events, people and organizations they are tied to."""
    return await reader.page(PLACES, query)


@router.get("/places/{id}", tags=["places"], **answers(schemas.PlaceDetail, sparse=True))
async def get_place(
    id: Annotated[str, Path(description="The id of a place.", examples=["china"])],
    query: Detail,
    reader: Reader,
) -> Response:
    """One place by its id."""
    return await reader.one(PLACES, id, query)


@router.get("/quotes", tags=["quotes"], **answers(schemas.QuotePage, sparse=True))
async def list_quotes(query: Annotated[params.QuoteParams, Query()], reader: Reader) -> Response:
    """Quoted and reported words, by speaker or by what they are about."""
    return await reader.page(QUOTES, query)


@router.get("/quotes/{id}", tags=["quotes"], **answers(schemas.QuoteDetail, sparse=True))
async def get_quote(
    id: Annotated[str, Path(description="The id of a quotation.", examples=["quote-opportunist-and-revisionist"])],
    query: Detail,
    reader: Reader,
) -> Response:
    """One quote by its id."""
    return await reader.one(QUOTES, id, query)


@router.get("/sources", tags=["sources"], **answers(schemas.SourcePage, sparse=True))
async def list_sources(query: Annotated[params.SourceParams, Query()], reader: Reader) -> Response:
    """The texts, each with its byline, its sections, and how much of it is cited."""
    return await reader.page(SOURCES, query)


@router.get("/sources/{id}", tags=["sources"], **answers(schemas.SourceDetail, sparse=True))
async def get_source(
    id: Annotated[str, Path(description="The id of a source.", examples=["hartnett-great-leap-forward"])],
    query: Detail,
    reader: Reader,
) -> Response:
    """One source by its id."""
    return await reader.one(SOURCES, id, query)


@router.get("/sources/{id}/passages", tags=["sources"], **answers(schemas.PassagePage, sparse=True))
async def list_source_passages(
    id: Annotated[str, Path(description="The id of a source.", examples=["hartnett-great-leap-forward"])],
    query: Annotated[params.PassageParams, Query()],
    reader: Reader,
) -> Response:
    """A source's passages in the text's order, with everything anchored in each."""
    await reader.exists(SOURCES, id)
    return await reader.page(PASSAGES, query, source=[id])


@router.get("/records", tags=["records"], **answers(schemas.RecordPage, sparse=True))
async def list_records(query: Annotated[params.AnyRecordParams, Query()], reader: Reader) -> Response:
    """Records of any kind: by stance, attribution, source, section, date, or by what they are tied to."""
    return await reader.page(RECORDS, query)


@router.get("/records/{id}", tags=["records"], **answers(schemas.AnyDetail, sparse=True))
async def get_record(
    id: Annotated[str, Path(description="The id of any record.", examples=["mao-zedong"])],
    query: Detail,
    reader: Reader,
) -> Response:
    """A record of any kind by its id."""
    return await reader.one(RECORDS, id, query)
