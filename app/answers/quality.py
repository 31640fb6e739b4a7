"""How good the data is: what is cited and verified, what has no date or no voice, and where the sources disagree."""

import json
from typing import Any, Literal

from sqlalchemy import Connection, func, select

from app.answers.comparison import MAX_ESTIMATES, Agreement, compare
from app.answers.timeline import Tally, list_url
from app.db import revision_read
from app.models import citation, record, relation, word
from app.queries import count
from app.resources import (
    CITATIONS,
    ESTIMATES,
    EVENTS,
    ORGANIZATIONS,
    PEOPLE,
    POLICIES,
    QUOTES,
    RECORDS,
    RELATIONS,
    Resource,
)
from app.schemas import Ref, Wire, said
from app.selection import Plan
from app.vocabulary import Kind


class SourceQuality(Wire):
    """How far a source has been read, and how its citations were checked."""

    source: Ref = said("The text.")
    text_available: bool = said("Whether its words are held here.", False)
    sentences: int = said("Sentences in the text.", 53)
    cited_sentences: int = said("Sentences that a citation touches.", 53)
    verified: Tally = said("Citations whose span was checked against the text.")
    unverified: Tally = said("Citations whose text was not at hand.")


class KindTally(Wire):
    """Records of one kind that lack something."""

    kind: Kind = said("The kind.", "event")
    count: int = said("How many lack it.", 33)
    of: int = said("How many of the kind there are.", 44)
    url: str = said("The list of exactly these.", "/v1/events?dated=false")


class Conflict(Wire):
    """Estimates of the same thing that do not agree."""

    label: str = said("What is counted, and of what.", "ships, Fleet at Porta, Porta")
    agreement: Agreement = said("`overlapping`: some figure suits all. `disjoint`: none does.", "disjoint")
    finding: str = said("The same in words.", "Two estimates exclude each other.")
    members: list[str] = said("The estimates' ids.", ["ships-high", "ships-low"])
    url: str = said("Their comparison.", "/v1/estimates/compare?measure=ships")


class Quality(Wire):
    """What is known of the data's own quality. A gap here is a gap in the sources, or in our reading of them."""

    sources: list[SourceQuality] = said("Each source, by id.")
    uncited: dict[Literal["records", "relations"], int] = said(
        "How many rest on no citation at all; the loader refuses them, so these are 0.", {"records": 0, "relations": 0}
    )
    undated: list[KindTally] = said("What the sources give no date for.")
    unnamed: list[KindTally] = said("Whom the sources leave without a name.")
    unattributed: dict[Literal["records", "relations"], Tally] = said(
        "What somebody says whom the source does not name.",
        {"records": {"count": 4, "url": "/v1/records?stance=attributed&attributed=false"}},
    )
    conflicts: list[Conflict] | None = said(
        f"Estimates that do not agree; null where one measure has more than {MAX_ESTIMATES} of them."
    )
    revision: str = said("The revision of the data.", "3f1c0a9be772")


def quality(connection: Connection) -> Quality:
    """The quality of the revision that the connection reads."""
    return Quality(
        sources=_sources(connection),
        uncited={"records": _uncited(connection, "record"), "relations": _uncited(connection, "relation")},
        undated=[_lacking(connection, each, "dated") for each in (EVENTS, POLICIES, ESTIMATES, QUOTES)],
        unnamed=[_lacking(connection, each, "name_known") for each in (PEOPLE, ORGANIZATIONS)],
        unattributed={
            "records": _tally(connection, RECORDS, stance="attributed", attributed=False),
            "relations": _tally(connection, RELATIONS, stance="attributed", attributed=False),
        },
        conflicts=_conflicts(connection),
        revision=revision_read(connection),
    )


def _sources(connection: Connection) -> list[SourceQuality]:
    documents = connection.execute(select(record.c.document).where(record.c.kind == "source").order_by(record.c.id))
    return [_source(connection, each) for each in map(json.loads, documents.scalars())]


def _source(connection: Connection, document: dict[str, Any]) -> SourceQuality:
    name = document["id"]
    return SourceQuality(
        source=Ref(id=name, kind="source", name=document["name"], url=document["links"]["self"]),
        text_available=document["text_available"],
        sentences=document["sentence_count"],
        cited_sentences=document["cited_sentence_count"],
        verified=_tally(connection, CITATIONS, source=name, status="verified"),
        unverified=_tally(connection, CITATIONS, source=name, status="unverified"),
    )


def _tally(connection: Connection, resource: Resource, **filters: Any) -> Tally:
    plan = Plan({name: [value] for name, value in filters.items()}, [], 1)
    return Tally(count=count(connection, resource, plan), url=list_url(resource, plan))


def _lacking(connection: Connection, resource: Resource, what: Literal["dated", "name_known"]) -> KindTally:
    assert resource.kind is not None
    lacking = Plan({}, [], 1, dated=False) if what == "dated" else Plan({what: [False]}, [], 1)
    return KindTally(
        kind=resource.kind,
        count=count(connection, resource, lacking),
        of=count(connection, resource, Plan({}, [], 1)),
        url=list_url(resource, Plan({}, [], 1), **{what: "false"}),
    )


def _uncited(connection: Connection, name: Literal["record", "relation"]) -> int:
    table = {"record": record, "relation": relation}[name]
    cited = select(citation.c[name]).where(citation.c[name].is_not(None))
    query = select(func.count()).select_from(table).where(table.c.pk.not_in(cited))
    total: int = connection.execute(query).scalar_one()
    return total


def _conflicts(connection: Connection) -> list[Conflict] | None:
    measures = connection.execute(select(word.c.word).where(word.c.field == "estimate.measure").order_by(word.c.word))
    found = []
    for measure in measures.scalars():
        plan = Plan({"measure": [measure]}, ["id"], 1)
        if count(connection, ESTIMATES, plan) > MAX_ESTIMATES:
            return None
        url = f"/v1/estimates/compare?measure={measure}"
        found += [
            Conflict(label=group.label, agreement=group.agreement, finding=group.finding,
                     members=[each.id for each in group.members], url=url)
            for group in compare(connection, plan).groups
            if group.agreement in ("overlapping", "disjoint")
        ]  # fmt: skip
    return found
