"""The tables. They are written once, by `load`, and never changed: a revision is replaced as a whole.

`document` holds a row's wire form as JSON, made by `load` with the classes of `schemas`. The columns beside it are
what queries filter and sort by, so that the road out selects one column and encodes nothing.

Keys are numbered in reading order, without a gap: each kind's records, and the relations, passages and citations, in
the default order of their list. So a page is a stretch of keys, and an index that ends in a key gives rows in order.
"""

from sqlalchemy import CheckConstraint, Index, MetaData, String
from sqlmodel import Field, SQLModel

from app.vocabulary import KINDS, STANCES

metadata: MetaData = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# Both databases must sort alike, or a cursor of the one would skip rows on the other.
Key = String().with_variant(String(collation="C"), "postgresql")


def _one_of(column: str, words: object, name: str) -> CheckConstraint:
    allowed = ", ".join(f"'{word}'" for word in words)  # type: ignore[attr-defined]
    return CheckConstraint(f"{column} IN ({allowed})", name=name)


_CLAIM = ("stance", "polarity", "attributed_to")


def _claim_indexes(table: str) -> tuple[Index, ...]:
    return tuple(Index(f"ix_{table}_{name}_pk", name, "pk") for name in _CLAIM)


class Dated(SQLModel):
    """Days are Julian Day Numbers; the stated span of an open end is ±2,000,000,000 and undated rows have null."""

    date_text: str | None = None
    edtf: str | None = None
    earliest_start: int | None = None
    latest_start: int | None = None
    earliest_end: int | None = None
    latest_end: int | None = None
    stated_start: int | None = None
    stated_end: int | None = None


class Claimed(SQLModel):
    stance: str
    polarity: str
    attributed_to: int | None = Field(default=None, foreign_key="record.pk")


class Revision(SQLModel, table=True):
    """One row: what this database holds."""

    name: str = Field(primary_key=True)
    document: str


class Record(Dated, Claimed, table=True):
    __table_args__ = (
        _one_of("kind", KINDS, "kind"),
        _one_of("stance", STANCES, "stance"),
        *_claim_indexes("record"),
        CheckConstraint("stated_start <= stated_end", name="stated_order"),
        Index("ix_record_kind_stated_end_id", "kind", "stated_end", "id"),
        Index("ix_record_kind_name_key_id", "kind", "name_key", "id"),
        Index("ix_record_kind_id", "kind", "id"),
        Index("ix_record_name_key_id", "name_key", "id"),
        Index("ix_record_stated_start_id", "stated_start", "id"),
        Index("ix_record_stated_end_id", "stated_end", "id"),
        # What a facet counts, in the order of what it counts in.
        Index("ix_record_pk_claim", "pk", *_CLAIM),
    )
    pk: int = Field(primary_key=True)
    id: str = Field(sa_type=Key, unique=True)
    kind: str
    name: str
    name_key: str = Field(sa_type=Key, description="The name folded for sorting.")
    summary: str
    document: str


class Event(SQLModel, table=True):
    __table_args__ = (Index("ix_event_type_pk", "type", "pk"),)
    pk: int = Field(primary_key=True, foreign_key="record.pk")
    type: str


class Person(SQLModel, table=True):
    pk: int = Field(primary_key=True, foreign_key="record.pk")
    name_known: bool


class Policy(SQLModel, table=True):
    __table_args__ = (Index("ix_policy_type_pk", "type", "pk"),)
    pk: int = Field(primary_key=True, foreign_key="record.pk")
    type: str


class Estimate(SQLModel, table=True):
    __table_args__ = (
        CheckConstraint("low <= high", name="range"),
        CheckConstraint("low <= value AND value <= high", name="value"),
        *(Index(f"ix_estimate_{name}_id", name, "id") for name in ("low", "high", "value")),
    )
    pk: int = Field(primary_key=True, foreign_key="record.pk")
    id: str = Field(sa_type=Key, description="The record's, by which figures that are equal are in order.")
    type: str
    measure: str = Field(index=True)
    subject: int = Field(foreign_key="record.pk", index=True)
    place: int | None = Field(default=None, foreign_key="record.pk", index=True)
    low: float | None = None
    high: float | None = None
    value: float | None = None
    unit: str | None = None
    approximate: bool


class Organization(SQLModel, table=True):
    __table_args__ = (Index("ix_organization_type_pk", "type", "pk"),)
    pk: int = Field(primary_key=True, foreign_key="record.pk")
    type: str
    name_known: bool


class Place(SQLModel, table=True):
    __table_args__ = (Index("ix_place_type_pk", "type", "pk"),)
    pk: int = Field(primary_key=True, foreign_key="record.pk")
    type: str


class Quote(SQLModel, table=True):
    pk: int = Field(primary_key=True, foreign_key="record.pk")
    form: str
    speaker: int | None = Field(default=None, foreign_key="record.pk", index=True)
    text: str


class QuoteSubject(SQLModel, table=True):
    __tablename__ = "quote_subject"
    quote: int = Field(primary_key=True, foreign_key="record.pk")
    record: int = Field(primary_key=True, foreign_key="record.pk", index=True)


class Source(SQLModel, table=True):
    __table_args__ = (Index("ix_source_type_pk", "type", "pk"),)
    pk: int = Field(primary_key=True, foreign_key="record.pk")
    type: str


class Alias(SQLModel, table=True):
    pk: int = Field(primary_key=True)
    record: int = Field(foreign_key="record.pk", index=True)
    name: str = Field(index=True)
    in_source: bool


_WALKED = ("id", "causality", "stance", "polarity")


class Relation(Dated, Claimed, table=True):
    __table_args__ = (
        _one_of("stance", STANCES, "stance"),
        *_claim_indexes("relation"),
        CheckConstraint("(causality IS NOT NULL) = (predicate = 'caused')", name="causality"),
        # The records tied to one, in order; and what is said of it, by predicate.
        Index("ix_relation_subject_object_predicate", "subject", "object", "predicate"),
        Index("ix_relation_object_subject_predicate", "object", "subject", "predicate"),
        # All that a walk asks of a relation, so that it reads no other page.
        Index("ix_relation_subject_predicate_pk", "subject", "predicate", "pk", "object", *_WALKED),
        Index("ix_relation_object_predicate_pk", "object", "predicate", "pk", "subject", *_WALKED),
        Index("ix_relation_predicate_pk", "predicate", "pk"),
        Index("ix_relation_predicate_id", "predicate", "id"),
        Index("ix_relation_subject_pk", "subject", "pk"),
        Index("ix_relation_object_pk", "object", "pk"),
        Index("ix_relation_stated_end_id", "stated_end", "id"),
        Index("ix_relation_pk_claim", "pk", "subject", "predicate", "object", "causality", *_CLAIM),
    )
    pk: int = Field(primary_key=True)
    id: str = Field(sa_type=Key, unique=True)
    subject: int = Field(foreign_key="record.pk")
    predicate: str
    object: int = Field(foreign_key="record.pk")
    role: str | None = None
    causality: str | None = None
    document: str
    cited: str = Field(description="The first places it rests on, as a graph gives them in JSON.")


class Passage(SQLModel, table=True):
    __table_args__ = (CheckConstraint("start_offset < end_offset", name="span"),)
    pk: int = Field(primary_key=True)
    id: str = Field(sa_type=Key, unique=True)
    source: int = Field(foreign_key="record.pk", index=True)
    section: str = Field(index=True)
    start_offset: int
    end_offset: int
    text: str | None = None
    document: str


class Citation(SQLModel, table=True):
    __table_args__ = (
        CheckConstraint("(record IS NULL) <> (relation IS NULL)", name="one_target"),
        CheckConstraint("start_offset < end_offset", name="span"),
        _one_of("status", ("verified", "unverified"), "status"),
        # A facet counts sources and sections of many.
        Index("ix_citation_record_pk", "record", "pk", "source", "section"),
        Index("ix_citation_relation_pk", "relation", "pk", "source", "section"),
        Index("ix_citation_source_pk", "source", "pk"),
        Index("ix_citation_section_pk", "section", "pk"),
        # What rests on a source or a section, in order: records stand where the relation is null.
        Index("ix_citation_source_relation_record", "source", "relation", "record"),
        Index("ix_citation_section_relation_record", "section", "relation", "record"),
    )
    pk: int = Field(primary_key=True)
    id: str = Field(sa_type=Key, unique=True)
    record: int | None = Field(default=None, foreign_key="record.pk")
    relation: int | None = Field(default=None, foreign_key="relation.pk")
    passage: int = Field(foreign_key="passage.pk", index=True)
    source: int = Field(foreign_key="record.pk")
    section: str
    start_offset: int
    end_offset: int
    status: str
    document: str


class Word(SQLModel, table=True):
    """The open vocabularies as the data uses them, so that a filter can name what it allows."""

    field: str = Field(primary_key=True)
    word: str = Field(primary_key=True)
    count: int


class Entry(SQLModel, table=True):
    """What is searched: a record, a relation or a passage, as `entries` makes it, the best connected first. Its tokens
    stand in one part of a full-text index, `entry_index_0` and so on, which are each database's own, made by the
    migration and asked by `index`."""

    pk: int = Field(primary_key=True, description="Its place among all, and its kind in the last four bits.")
    kind: str
    record: int | None = Field(default=None, foreign_key="record.pk", unique=True)
    relation: int | None = Field(default=None, foreign_key="relation.pk", unique=True)
    passage: int | None = Field(default=None, foreign_key="passage.pk", unique=True)
    hit: str = Field(description="What a hit always says: JSON that is still open for what matched.")
    hint: str | None = Field(default=None, description="What a record is, in a few words.")
    fields: str = Field(description="The names of the texts, but for those of places.")
    texts: str = Field(description="What is searched in it, then the words of its places.")
    places: str = Field(description="Where these places begin and end, and in which source.")
    plain: bool = Field(description="Whether its words are those of the index in capital or small letters.")


class Stem(SQLModel, table=True):
    """What the inflections of a word share: in how many entries any occurs, and of which kinds these are."""

    stem: str = Field(sa_type=Key, primary_key=True)
    count: int
    kinds: str
    start: str = Field(description="How all words of it begin.")


class FirstHit(SQLModel, table=True):
    """What a search for a word that many entries have finds first, as it is answered: one more than a page may have."""

    __tablename__ = "first_hit"
    stem: str = Field(sa_type=Key, primary_key=True)
    number: int = Field(primary_key=True)
    tier: int
    entry: int = Field(foreign_key="entry.pk")
    hit: str


class Term(SQLModel, table=True):
    """The words of all entries, the most frequent first."""

    __table_args__ = (Index("ix_term_initial_length_pk", "initial", "length", "pk"),)
    pk: int = Field(primary_key=True)
    word: str = Field(sa_type=Key, unique=True)
    stem: str = Field(sa_type=Key)
    initial: str = Field(sa_type=Key)
    length: int
    shown: str
    count: int


class Shelf(SQLModel, table=True):
    """Where the keys of a kind, or of another table, begin and end; those that have dates come first."""

    kind: str = Field(primary_key=True)
    first: int
    last_dated: int
    last: int


class Zone(SQLModel, table=True):
    """Between which days the dates of a run of rows lie: `zone.RUN ** size` keys, of which this is run `number`.

    A search for dates passes over whole runs by it, and reads only those in which something may be found.
    """

    of: str = Field(primary_key=True)
    size: int = Field(primary_key=True)
    number: int = Field(primary_key=True)
    first_start: int
    last_start: int
    last_end: int
    soonest: int
    latest: int


class Extent(SQLModel, table=True):
    """How many records there are of a kind and a type (`` for all types), how many are dated, and between which days
    that any date names."""

    kind: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    total: int
    dated: int
    first_day: int | None = None
    last_day: int | None = None


class Bucket(SQLModel, table=True):
    """How many records of a kind and a type begin and end in a year, a decade or a century, as stated, at the soonest
    and at the latest; and how many surely lie in it. Open ends are in the buckets ±2,000,000,000."""

    kind: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    size: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    starting: int
    ending: int
    soonest: int
    latest: int
    inside: int


class FacetCount(SQLModel, table=True):
    """A facet of a whole list, as it is answered."""

    __tablename__ = "facet_count"
    list: str = Field(primary_key=True)
    facet: str = Field(primary_key=True)
    document: str


# A record may be attributed to one that is written after it.
for _constraint in metadata.tables["record"].foreign_key_constraints:
    _constraint.deferrable, _constraint.initially = True, "DEFERRED"

# The same tables for SQLAlchemy Core, which selects columns where the classes would make entities.
record, event, person, policy, estimate, organization, place, quote, source = (
    metadata.tables[name]
    for name in ("record", "event", "person", "policy", "estimate", "organization", "place", "quote", "source")
)
quote_subject, relation, passage, citation, word, revision = (
    metadata.tables[name] for name in ("quote_subject", "relation", "passage", "citation", "word", "revision")
)
entry, stem, term, first_hit = (metadata.tables[name] for name in ("entry", "stem", "term", "first_hit"))
shelf, zone, extent, bucket, facet_count = (
    metadata.tables[name] for name in ("shelf", "zone", "extent", "bucket", "facet_count")
)


def is_modelled(name: str | None, type_: str, _: object) -> bool:
    """Whether a table should be as these classes say: the full-text index is not, nor what SQLite keeps it in."""
    return type_ != "table" or not str(name).startswith("entry_index")
