"""A request's plan becomes SQL, and the rows' stored documents become one body. No FastAPI here."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, Table, func, select

from app import dates, tallies
from app.cursors import seal
from app.db import revision_read
from app.encoding import dump
from app.listing import batch
from app.models import record, revision
from app.related import related
from app.resources import Resource
from app.selection import MAX_ID, Plan, Selection, missing, rows_of, selected
from app.statements import given, statement

INCLUDE_LIMIT = 1000
BATCH = 1_000


@dataclass(frozen=True)
class Body:
    content: bytes
    cursor: str | None = None


def one(connection: Connection, resource: Resource, name: str, fields: Sequence[str], include: Sequence[str]) -> bytes:
    """One document by id. Raises Problem (404), which says where the id is if it is under another kind."""
    row = _by_id(resource.table, resource.kind).first(connection, id=name) if len(name) <= MAX_ID else None
    if row is None:
        raise missing(connection, resource, name)
    content, key = row
    if fields:
        content = dump(_pick(json.loads(content), fields))
    if include:
        comma = "," if content != "{}" else ""
        content = f'{content[:-1]}{comma}"included":{_included(connection, resource, [key], include)}}}'
    return str(content).encode()


@statement
def _by_id(table: Table, kind: str | None) -> Select[Any]:
    query = select(table.c.document, table.c.pk).where(table.c.id == given("id"))
    return query.where(record.c.kind == kind) if kind else query


def page(connection: Connection, resource: Resource, plan: Plan, added: dict[str, Any]) -> Body:
    """One page of a list, with `added` keys beside `items`.

    Raises Problem for an unknown id or word, and for a cursor of another list.
    """
    chosen = selected(connection, resource, plan)
    rows, cursor = batch(connection, resource, plan, chosen)
    total = _total(connection, resource, plan, chosen) if plan.total else None
    tail = dump({"total": total, "next": None, "revision": revision_read(connection), **added})
    if plan.include:
        included = _included(connection, resource, [row[1] for row in rows], plan.include)
        tail = f'{tail[:-1]},"included":{included}}}'
    documents = [row[0] for row in rows]
    if plan.fields:
        documents = [dump(_pick(json.loads(document), plan.fields)) for document in documents]
    return Body(f'{{"items":[{",".join(documents)}],{tail[1:]}'.encode(), cursor)


def listed(connection: Connection, resource: Resource, plan: Plan) -> tuple[list[str], str | None]:
    """The whole documents of one page, and the next one's cursor. Raises Problem as `page` does."""
    rows, cursor = batch(connection, resource, plan, selected(connection, resource, plan))
    return [row[0] for row in rows], cursor


def walk(connection: Connection, resource: Resource, plan: Plan) -> Iterator[str]:
    """Every document from where the plan starts, a batch at a time, so that memory and each query stay bounded."""
    chosen = selected(connection, resource, plan)
    position: str | None = plan.cursor
    while True:
        here = plan._replace(limit=BATCH, cursor=position)
        rows, position = batch(connection, resource, here, chosen)
        yield from (row[0] for row in rows)
        if position is None:
            return


def count(connection: Connection, resource: Resource, plan: Plan) -> int:
    """How many items the whole list has. Raises Problem like `page`."""
    return _total(connection, resource, plan, selected(connection, resource, plan))


def _total(connection: Connection, resource: Resource, plan: Plan, chosen: Selection) -> int:
    if (kept := tallies.of(resource, plan)) is not None and plan.dates is None:
        return tallies.extent_of(connection, kept).total
    if plan.is_whole and chosen.keys:
        return chosen.keys[1] - chosen.keys[0] + 1
    query = select(func.count(resource.table.c.pk)).select_from(rows_of(resource, plan)).where(*chosen.conditions)
    total: int = connection.execute(query).scalar_one()
    return total


def _pick(document: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key in fields} if fields else document


def first_cursor(resource: Resource, filters: dict[str, list[Any]]) -> str:
    """A cursor that stands before everything, for the documentation's example."""
    signature = Plan(filters, [resource.default_sort], 20).signature(resource.name)
    return seal(signature, [-dates.FAR, ""] if resource.default_sort == "start" else ["", ""])


def _included(connection: Connection, resource: Resource, keys: list[int], names: Sequence[str]) -> str:
    parts: dict[str, str] = {}
    truncated = []
    for name in names:
        documents = related(connection, resource, name, keys, names, INCLUDE_LIMIT + 1)
        if len(documents) > INCLUDE_LIMIT:
            truncated.append(name)
        parts[name] = f"[{','.join(documents[:INCLUDE_LIMIT])}]"
    parts["truncated"] = dump(truncated)
    return f"{{{','.join(f'{dump(name)}:{part}' for name, part in parts.items())}}}"


def about(connection: Connection) -> bytes:
    """The document of `/v1`."""
    content: str = connection.execute(select(revision.c.document)).scalar_one()
    return content.encode()
