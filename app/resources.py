"""The resources, declared: per URL its table, wire form, filters, sorts and includes. Data, never logic."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import Column, Table

from app import models, schemas
from app.models import citation, estimate, passage, quote, record, relation
from app.vocabulary import Kind


@dataclass(frozen=True)
class In:
    """The column holds one of the values; `words` names the open vocabulary they are checked against."""

    column: Column[Any]
    words: str | None = None


@dataclass(frozen=True)
class Known:
    """The column holds something, or (`false`) nothing."""

    column: Column[Any]


@dataclass(frozen=True)
class Key:
    """The column refers to one of the records (or relations) whose ids are given."""

    column: Column[Any]
    kind: Kind | None = None
    table: Table = record


@dataclass(frozen=True)
class Linked:
    """A relation ties the record, at either end, to one of the records given."""

    kind: Kind | None = None


@dataclass(frozen=True)
class Either:
    """Either end of the relation is one of the records given."""


@dataclass(frozen=True)
class Cited:
    """A citation of it has this value in its column (`ids`: the value is a record's id)."""

    column: Column[Any]
    ids: bool = False
    words: str | None = None


@dataclass(frozen=True)
class Initiated:
    """One of the records given initiated or announced it."""


@dataclass(frozen=True)
class About:
    """The quotation is about one of the records given."""


@dataclass(frozen=True)
class Anchored:
    """A citation of one of the records given points into the passage."""


Filter = In | Known | Key | Linked | Either | Cited | Initiated | About | Anchored


@dataclass(frozen=True)
class Resource:
    name: str
    table: Table
    wire: Any
    detail: Any
    page: Any
    filters: dict[str, Filter]
    sorts: dict[str, Any]
    default_sort: str
    example: str
    kind: Kind | None = None
    own: Table | None = None
    examples: dict[str, Any] = field(default_factory=dict)
    """Of parameters, where those of the parameters themselves would find nothing in the seed pack."""

    # To find a column by its name takes as long as to read a row.
    @cached_property
    def pk(self) -> Column[Any]:
        return self.table.c.pk

    @cached_property
    def id(self) -> Column[Any]:
        return self.table.c.id

    @cached_property
    def document(self) -> Column[Any]:
        return self.table.c.document

    @property
    def facets(self) -> list[str]:
        """What `facets` may count: each filter but the ids, and what `predicate` and `from` and `to` select by."""
        tied = any(isinstance(each, Linked) for each in self.filters.values())
        dated = self.table is record and "start" in self.sorts
        return [name for name in self.filters if name != "id"] + ["predicate"] * tied + ["decade"] * dated


CLAIM: dict[str, Filter] = {
    "stance": In(record.c.stance),
    "polarity": In(record.c.polarity),
    "attributed_to": Key(record.c.attributed_to),
    "attributed": Known(record.c.attributed_to),
    "source": Cited(citation.c.source, ids=True),
    "section": Cited(citation.c.section, words="section"),
}
BY_NAME = {"name": record.c.name_key, "id": record.c.id}
BY_DATE = {"start": record.c.stated_start, "end": record.c.stated_end, **BY_NAME}


def _kind(
    kind: Kind,
    name: str,
    own: Any,
    example: str,
    filters: dict[str, Filter],
    *,
    dated: bool = False,
    sorts: dict[str, Any] | None = None,
    examples: dict[str, Any] | None = None,
) -> Resource:
    title = kind.capitalize()
    return Resource(
        name,
        record,
        getattr(schemas, title),
        getattr(schemas, f"{title}Detail"),
        getattr(schemas, f"{title}Page"),
        {"id": Key(record.c.pk, kind)} | CLAIM | filters,
        (BY_DATE if dated else BY_NAME) | (sorts or {}),
        "start" if dated else "name",
        example,
        kind,
        own,
        examples or {},
    )


EVENTS = _kind(
    "event",
    "events",
    models.event,
    "great-leap-forward-announcement",
    {
        "type": In(models.event.c.type, "event.type"),
        "person": Linked("person"),
        "organization": Linked("organization"),
        "place": Linked("place"),
        "policy": Linked("policy"),
        "event": Linked("event"),
    },
    dated=True,
)
PEOPLE = _kind(
    "person",
    "people",
    models.person,
    "mao-zedong",
    {
        "name_known": In(models.person.c.name_known),
        "organization": Linked("organization"),
        "event": Linked("event"),
        "policy": Linked("policy"),
        "place": Linked("place"),
    },
)
POLICIES = _kind(
    "policy",
    "policies",
    models.policy,
    "great-leap-forward",
    {
        "type": In(models.policy.c.type, "policy.type"),
        "initiator": Initiated(),
        "person": Linked("person"),
        "organization": Linked("organization"),
        "place": Linked("place"),
        "event": Linked("event"),
    },
    dated=True,
    examples={"predicate": "initiated"},
)
ESTIMATES = _kind(
    "estimate",
    "estimates",
    estimate,
    "chinese-famine-deaths",
    {
        "type": In(estimate.c.type),
        "measure": In(estimate.c.measure, "estimate.measure"),
        "subject": Key(estimate.c.subject),
        "unit": In(estimate.c.unit, "estimate.unit"),
        "place": Key(estimate.c.place, "place"),
    },
    dated=True,
    sorts={"low": estimate.c.low, "high": estimate.c.high, "value": estimate.c.value},
    examples={"dated": False, "attributed_to": "scholars"},
)
ORGANIZATIONS = _kind(
    "organization",
    "organizations",
    models.organization,
    "chinese-communist-party",
    {
        "type": In(models.organization.c.type, "organization.type"),
        "name_known": In(models.organization.c.name_known),
        "person": Linked("person"),
        "event": Linked("event"),
        "policy": Linked("policy"),
        "place": Linked("place"),
    },
    examples={"event": "mobilization-of-all-chinese", "place": "peking-university"},
)
PLACES = _kind(
    "place",
    "places",
    models.place,
    "china",
    {
        "type": In(models.place.c.type, "place.type"),
        "event": Linked("event"),
        "person": Linked("person"),
        "organization": Linked("organization"),
    },
    examples={"predicate": "located_in", "organization": "peking-university-students"},
)
QUOTES = _kind(
    "quote",
    "quotes",
    quote,
    "quote-opportunist-and-revisionist",
    {
        "form": In(quote.c.form),
        "speaker": Key(quote.c.speaker),
        "about": About(),
    },
    dated=True,
    examples={"stance": "attributed", "section": "sino-soviet-relations-cool"},
)
SOURCES = _kind(
    "source",
    "sources",
    models.source,
    "hartnett-great-leap-forward",
    {"type": In(models.source.c.type, "source.type")},
    examples={"section": "lead"},
)
RECORDS = Resource(
    "records",
    record,
    schemas.AnyRecord,
    schemas.AnyDetail,
    schemas.RecordPage,
    {"id": Key(record.c.pk)} | CLAIM | {"kind": In(record.c.kind), "record": Linked()},
    BY_DATE,
    "name",
    "mao-zedong",
)
RELATIONS = Resource(
    "relations",
    relation,
    schemas.Relation,
    schemas.RelationDetail,
    schemas.RelationPage,
    {
        "id": Key(relation.c.pk, table=relation),
        "stance": In(relation.c.stance),
        "polarity": In(relation.c.polarity),
        "attributed_to": Key(relation.c.attributed_to),
        "attributed": Known(relation.c.attributed_to),
        "source": Cited(citation.c.source, ids=True),
        "section": Cited(citation.c.section, words="section"),
        "subject": Key(relation.c.subject),
        "object": Key(relation.c.object),
        "record": Either(),
        "predicate": In(relation.c.predicate),
        "causality": In(relation.c.causality),
    },
    {
        "start": relation.c.stated_start,
        "end": relation.c.stated_end,
        "predicate": relation.c.predicate,
        "id": relation.c.id,
    },
    "start",
    "mao-zedong.announced.great-leap-forward",
)
CITATIONS = Resource(
    "citations",
    citation,
    schemas.Citation,
    schemas.CitationDetail,
    schemas.CitationPage,
    {
        "id": Key(citation.c.pk, table=citation),
        "record": Key(citation.c.record),
        "relation": Key(citation.c.relation, table=relation),
        "source": Key(citation.c.source, "source"),
        "section": In(citation.c.section, "section"),
        "passage": Key(citation.c.passage, table=passage),
        "status": In(citation.c.status),
    },
    {"start": citation.c.start_offset, "id": citation.c.id},
    "start",
    "mao-resignation.hartnett-great-leap-forward.3575-3605",
)
PASSAGES = Resource(
    "passages",
    passage,
    schemas.Passage,
    schemas.PassageDetail,
    schemas.PassagePage,
    {
        "id": Key(passage.c.pk, table=passage),
        "source": Key(passage.c.source, "source"),
        "section": In(passage.c.section, "section"),
        "record": Anchored(),
    },
    {"start": passage.c.start_offset, "id": passage.c.id},
    "start",
    "hartnett-great-leap-forward-p2",
)
ALL = (
    EVENTS,
    PEOPLE,
    POLICIES,
    ESTIMATES,
    ORGANIZATIONS,
    PLACES,
    QUOTES,
    SOURCES,
    RECORDS,
    RELATIONS,
    CITATIONS,
    PASSAGES,
)
