"""The tables. They are written once, by `load`, and never changed: a revision is replaced as a whole.

`document` holds a row's wire form as JSON, made by `load` with the classes of `schemas`. The columns beside it are
what queries filter and sort by, so that the road out selects one column and encodes nothing.
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
    attributed_to: int | None = Field(default=None, foreign_key="record.pk", index=True)


class Revision(SQLModel, table=True):
    """One row: what this database holds."""

    name: str = Field(primary_key=True)
    document: str


class Record(Dated, Claimed, table=True):
    __table_args__ = (
        _one_of("kind", KINDS, "kind"),
        _one_of("stance", STANCES, "stance"),
        CheckConstraint("stated_start <= stated_end", name="stated_order"),
        Index("ix_record_kind_stated_start_id", "kind", "stated_start", "id"),
        Index("ix_record_kind_stated_end", "kind", "stated_end"),
        # All that the timeline counts: it reads this, and not the records.
        Index("ix_record_dates", "kind", "stated_start", "stated_end", "earliest_start", "latest_end"),
        Index("ix_record_kind_name_key_id", "kind", "name_key", "id"),
    )
    pk: int = Field(primary_key=True)
    id: str = Field(sa_type=Key, unique=True)
    kind: str
    name: str
    name_key: str = Field(sa_type=Key, description="The name folded for sorting.")
    summary: str
    document: str


class Event(SQLModel, table=True):
    pk: int = Field(primary_key=True, foreign_key="record.pk")
    type: str = Field(index=True)


class Person(SQLModel, table=True):
    pk: int = Field(primary_key=True, foreign_key="record.pk")
    name_known: bool


class Policy(SQLModel, table=True):
    pk: int = Field(primary_key=True, foreign_key="record.pk")
    type: str = Field(index=True)


class Estimate(SQLModel, table=True):
    __table_args__ = (
        CheckConstraint("low <= high", name="range"),
        CheckConstraint("low <= value AND value <= high", name="value"),
    )
    pk: int = Field(primary_key=True, foreign_key="record.pk")
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
    pk: int = Field(primary_key=True, foreign_key="record.pk")
    type: str = Field(index=True)
    name_known: bool


class Place(SQLModel, table=True):
    pk: int = Field(primary_key=True, foreign_key="record.pk")
    type: str = Field(index=True)


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
    pk: int = Field(primary_key=True, foreign_key="record.pk")
    type: str = Field(index=True)


class Alias(SQLModel, table=True):
    pk: int = Field(primary_key=True)
    record: int = Field(foreign_key="record.pk", index=True)
    name: str = Field(index=True)
    in_source: bool


class Relation(Dated, Claimed, table=True):
    __table_args__ = (
        _one_of("stance", STANCES, "stance"),
        CheckConstraint("(causality IS NOT NULL) = (predicate = 'caused')", name="causality"),
        Index("ix_relation_subject_predicate", "subject", "predicate"),
        Index("ix_relation_object_predicate", "object", "predicate"),
        Index("ix_relation_predicate_stated_start", "predicate", "stated_start"),
    )
    pk: int = Field(primary_key=True)
    id: str = Field(sa_type=Key, unique=True)
    subject: int = Field(foreign_key="record.pk")
    predicate: str
    object: int = Field(foreign_key="record.pk")
    role: str | None = None
    causality: str | None = None
    document: str


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
    )
    pk: int = Field(primary_key=True)
    id: str = Field(sa_type=Key, unique=True)
    record: int | None = Field(default=None, foreign_key="record.pk", index=True)
    relation: int | None = Field(default=None, foreign_key="relation.pk", index=True)
    passage: int = Field(foreign_key="passage.pk", index=True)
    source: int = Field(foreign_key="record.pk", index=True)
    section: str = Field(index=True)
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
    """What is searched: a record, a relation or a passage, the best connected first. Its words stand in the full-text
    index `entry_index`, which is each database's own, and is made by the migration and asked by `index`."""

    pk: int = Field(primary_key=True)
    kind: str
    record: int | None = Field(default=None, foreign_key="record.pk", unique=True)
    relation: int | None = Field(default=None, foreign_key="relation.pk", unique=True)
    passage: int | None = Field(default=None, foreign_key="passage.pk", unique=True)


class Term(SQLModel, table=True):
    """The words of all entries, the most frequent first."""

    __table_args__ = (Index("ix_term_initial_length_pk", "initial", "length", "pk"),)
    pk: int = Field(primary_key=True)
    word: str = Field(sa_type=Key, unique=True)
    stem: str = Field(sa_type=Key, index=True)
    initial: str = Field(sa_type=Key)
    length: int
    shown: str
    count: int


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
entry, term = (metadata.tables[name] for name in ("entry", "term"))


def is_modelled(name: str | None, type_: str, _: object) -> bool:
    """Whether a table should be as these classes say: the full-text index is not, nor what SQLite keeps it in."""
    return type_ != "table" or not str(name).startswith("entry_index")
