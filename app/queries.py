"""A request's plan becomes SQL, and the rows' stored documents become one body. No FastAPI here."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, or_, select

from app import dates
from app.cursors import seal
from app.db import revision_read
from app.listing import batch
from app.models import citation, record, relation, revision
from app.resources import Resource
from app.selection import MAX_ID, Plan, Selection, missing, rows_of, selected

INCLUDE_LIMIT = 1000
BATCH = 1_000


@dataclass(frozen=True)
class Body:
    content: bytes
    cursor: str | None = None


def one(connection: Connection, resource: Resource, name: str, fields: Sequence[str], include: Sequence[str]) -> bytes:
    """One document by id. Raises Problem (404), which says where the id is if it is under another kind."""
    table = resource.table
    query = select(table.c.document, table.c.pk).where(table.c.id == name)
    if resource.kind:
        query = query.where(record.c.kind == resource.kind)
    row = connection.execute(query).first() if len(name) <= MAX_ID else None
    if row is None:
        raise missing(connection, resource, name)
    if not fields and not include:
        content: str = row.document
        return content.encode()
    document = _pick(json.loads(row.document), fields)
    if include:
        document["included"] = _included(connection, resource, [row.pk], include)
    return _dump(document)


def page(connection: Connection, resource: Resource, plan: Plan, added: dict[str, Any]) -> Body:
    """One page of a list, with `added` keys beside `items`.

    Raises Problem for an unknown id or word, and for a cursor of another list.
    """
    chosen = selected(connection, resource, plan)
    rows, cursor = batch(connection, resource, plan, chosen)
    total = _total(connection, resource, plan, chosen) if plan.total else None
    tail: dict[str, Any] = {"total": total, "next": None, "revision": revision_read(connection), **added}
    if plan.include:
        tail["included"] = _included(connection, resource, [row.pk for row in rows], plan.include)
    documents = [row.document for row in rows]
    if plan.fields:
        documents = [_dump(_pick(json.loads(document), plan.fields)).decode() for document in documents]
    return Body(f'{{"items":[{",".join(documents)}],{_dump(tail).decode()[1:]}'.encode(), cursor)


def listed(connection: Connection, resource: Resource, plan: Plan) -> tuple[list[str], str | None]:
    """The whole documents of one page, and the next one's cursor. Raises Problem as `page` does."""
    rows, cursor = batch(connection, resource, plan, selected(connection, resource, plan))
    return [row.document for row in rows], cursor


def walk(connection: Connection, resource: Resource, plan: Plan) -> Iterator[str]:
    """Every document from where the plan starts, a batch at a time, so that memory and each query stay bounded."""
    chosen = selected(connection, resource, plan)
    position: str | None = plan.cursor
    while True:
        here = replace(plan, limit=BATCH, cursor=position)
        rows, position = batch(connection, resource, here, chosen)
        yield from (row.document for row in rows)
        if position is None:
            return


def count(connection: Connection, resource: Resource, plan: Plan) -> int:
    """How many items the whole list has. Raises Problem like `page`."""
    return _total(connection, resource, plan, selected(connection, resource, plan))


def _total(connection: Connection, resource: Resource, plan: Plan, chosen: Selection) -> int:
    if chosen.keys and not chosen.where and not chosen.ties:
        return chosen.keys[1] - chosen.keys[0] + 1
    query = select(func.count(resource.table.c.pk)).select_from(rows_of(resource, plan)).where(*chosen.conditions)
    total: int = connection.execute(query).scalar_one()
    return total


def _dump(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _pick(document: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key in fields} if fields else document


def first_cursor(resource: Resource, filters: dict[str, list[Any]]) -> str:
    """A cursor that stands before everything, for the documentation's example."""
    signature = Plan(filters, [resource.default_sort], 20).signature(resource.name)
    return seal(signature, [-dates.FAR, ""] if resource.default_sort == "start" else ["", ""])


def _included(connection: Connection, resource: Resource, keys: list[int], names: Sequence[str]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    truncated = []
    for name in names:
        query = _related(resource, name, keys, names).distinct().limit(INCLUDE_LIMIT + 1)
        documents = [row.document for row in connection.execute(query)]
        if len(documents) > INCLUDE_LIMIT:
            truncated.append(name)
        body[name] = [json.loads(document) for document in documents[:INCLUDE_LIMIT]]
    return body | {"truncated": truncated}


def _related(resource: Resource, name: str, keys: list[int], names: Sequence[str]) -> Select[Any]:
    """What an include adds for the items with these keys, in one query. Citations are also those of the relations
    that another include adds."""
    touching = or_(relation.c.subject.in_(keys), relation.c.object.in_(keys))
    own = {"relations": citation.c.relation, "passages": citation.c.passage}.get(resource.name, citation.c.record)
    match resource.name, name:
        case "relations", "records":
            ends = select(relation.c.subject).where(relation.c.pk.in_(keys))
            return _documents(record, ends.union(select(relation.c.object).where(relation.c.pk.in_(keys))))
        case "citations", "records":
            return _documents(
                record, select(citation.c.record).where(citation.c.pk.in_(keys), citation.c.record.is_not(None))
            )
        case "citations", "relations":
            return _documents(
                relation, select(citation.c.relation).where(citation.c.pk.in_(keys), citation.c.relation.is_not(None))
            )
        case _, "relations":
            return select(relation.c.document, relation.c.id).where(touching).order_by(relation.c.id)
        case _, "records":
            there = select(relation.c.subject).where(relation.c.object.in_(keys))
            return _documents(record, there.union(select(relation.c.object).where(relation.c.subject.in_(keys))))
        case _:
            cited: ColumnElement[bool] = own.in_(keys)
            if "relations" in names:
                cited = or_(cited, citation.c.relation.in_(select(relation.c.pk).where(touching)))
            return select(citation.c.document, citation.c.id).where(cited).order_by(citation.c.id)


def _documents(table: Table, keys: Any) -> Select[Any]:
    return select(table.c.document, table.c.id).where(table.c.pk.in_(keys)).order_by(table.c.id)


def about(connection: Connection) -> bytes:
    """The document of `/v1`."""
    content: str = connection.execute(select(revision.c.document)).scalar_one()
    return content.encode()
