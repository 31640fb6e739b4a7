"""The second baseline: the same questions answered as SQLModel's tutorial writes an API. BENCH_PEERS is its database.

Table models with relationships, `def` endpoints, a session a request, response models, `offset` and `limit`; includes
follow the relationships, and a search is `contains`.
"""

import os
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Query
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, Session, SQLModel, col, create_engine, func, or_, select

engine = create_engine(f"sqlite:///{os.environ['BENCH_PEERS']}", connect_args={"check_same_thread": False})
app = FastAPI()


class Base(SQLModel, registry=registry()):
    """Tables beside those of the application, should a process know both."""


class RecordBase(Base):
    id: str = Field(primary_key=True)
    kind: str
    name: str
    summary: str
    type: str | None = None
    stance: str
    polarity: str
    attributed_to: str | None = None
    date_text: str | None = None
    edtf: str | None = None
    earliest_start: int | None = None
    latest_start: int | None = None
    earliest_end: int | None = None
    latest_end: int | None = None


class RelationBase(Base):
    id: str = Field(primary_key=True)
    subject_id: str = Field(foreign_key="record.id")
    predicate: str
    object_id: str = Field(foreign_key="record.id")
    role: str | None = None
    causality: str | None = None
    stance: str
    polarity: str
    date_text: str | None = None
    edtf: str | None = None


class CitationBase(Base):
    id: int = Field(primary_key=True)
    record_id: str | None = Field(default=None, foreign_key="record.id")
    relation_id: str | None = Field(default=None, foreign_key="relation.id")
    source: str
    fragment: str
    start_offset: int
    end_offset: int
    sha256: str


class Record(RecordBase, table=True):
    stated_start: int | None = None
    stated_end: int | None = None
    outgoing: list["Relation"] = Relationship(
        back_populates="subject", sa_relationship_kwargs={"foreign_keys": "Relation.subject_id"}
    )
    incoming: list["Relation"] = Relationship(
        back_populates="object", sa_relationship_kwargs={"foreign_keys": "Relation.object_id"}
    )
    citations: list["Citation"] = Relationship(back_populates="record")


class Relation(RelationBase, table=True):
    subject: Record = Relationship(
        back_populates="outgoing", sa_relationship_kwargs={"foreign_keys": "Relation.subject_id"}
    )
    object: Record = Relationship(
        back_populates="incoming", sa_relationship_kwargs={"foreign_keys": "Relation.object_id"}
    )
    citations: list["Citation"] = Relationship(back_populates="relation")


class Citation(CitationBase, table=True):
    record: Record | None = Relationship(back_populates="citations")
    relation: Relation | None = Relationship(back_populates="citations")


class OutgoingPublic(RelationBase):
    object: RecordBase
    citations: list[CitationBase]


class IncomingPublic(RelationBase):
    subject: RecordBase
    citations: list[CitationBase]


class RecordWithEvidence(RecordBase):
    outgoing: list[OutgoingPublic]
    incoming: list[IncomingPublic]
    citations: list[CitationBase]


class Graph(Base):
    nodes: list[RecordBase]
    links: list[RelationBase]


class Count(Base):
    value: str | None
    count: int


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]
Limit = Annotated[int, Query(le=100)]


def found(session: Session, id: str) -> Record:
    record = session.get(Record, id)
    if record is None:
        raise HTTPException(404, "Record not found")
    return record


@app.get("/events/{id}", response_model=RecordBase)
def read_event(id: str, session: SessionDep) -> Record:
    return found(session, id)


@app.get("/events/{id}/evidence", response_model=RecordWithEvidence)
def read_event_with_evidence(id: str, session: SessionDep) -> Record:
    return found(session, id)


@app.get("/events", response_model=list[RecordBase])
def read_events(
    session: SessionDep,
    start: int | None = None,
    end: int | None = None,
    person: str | None = None,
    offset: int = 0,
    limit: Limit = 20,
) -> list[Record]:
    query = select(Record).where(Record.kind == "event")
    if start is not None and end is not None:
        query = query.where(col(Record.stated_start) <= end, col(Record.stated_end) >= start)
    if person is not None:
        query = query.join(Relation, col(Relation.object_id) == Record.id).where(Relation.subject_id == person)
    ordered = query.order_by(col(Record.stated_start), col(Record.id))
    return list(session.exec(ordered.offset(offset).limit(limit)).all())


@app.get("/search", response_model=list[RecordBase])
def search(session: SessionDep, q: str, offset: int = 0, limit: Limit = 20) -> list[Record]:
    query = select(Record)
    for word in q.split():
        query = query.where(or_(col(Record.name).contains(word), col(Record.summary).contains(word)))
    return list(session.exec(query.order_by(col(Record.id)).offset(offset).limit(limit)).all())


@app.get("/records/{id}/neighbors", response_model=Graph)
def read_neighbors(id: str, session: SessionDep, depth: int = 2, limit: Limit = 100) -> Graph:
    nodes = {id: found(session, id)}
    links: dict[str, Relation] = {}
    ring = [nodes[id]]
    for _ in range(depth):
        ring, before = [], ring
        for record in before:
            ties = [(tie, tie.object) for tie in record.outgoing] + [(tie, tie.subject) for tie in record.incoming]
            for tie, other in ties:
                if other.id not in nodes and len(nodes) <= limit:
                    nodes[other.id] = other
                    ring.append(other)
                if other.id in nodes:
                    links[tie.id] = tie
    return Graph.model_construct(nodes=list(nodes.values()), links=list(links.values()))


@app.get("/timeline", response_model=list[Count])
def read_timeline(session: SessionDep, type: str | None = None) -> list[Count]:
    # Ten years of 365.2425 days, counted in days.
    decade = col(Record.stated_start) // 3652
    query = select(decade, func.count()).where(Record.kind == "event", col(Record.stated_start).is_not(None))
    if type is not None:
        query = query.where(Record.type == type)
    return [Count(value=str(value), count=count) for value, count in session.exec(query.group_by(decade)).all()]


@app.get("/facets", response_model=list[Count])
def read_facets(session: SessionDep, person: str | None = None) -> list[Count]:
    counts = []
    for column in (col(Record.type), col(Record.stance)):
        query = select(column, func.count()).where(Record.kind == "event")
        if person is not None:
            query = query.join(Relation, col(Relation.object_id) == Record.id).where(Relation.subject_id == person)
        counts += [Count(value=value, count=count) for value, count in session.exec(query.group_by(column)).all()]
    return counts
