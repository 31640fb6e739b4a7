"""A request's plan becomes SQL, and the rows' stored documents become one body. No FastAPI here."""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, Table, and_, false, func, or_, select, true

from app import analysis, dates, index
from app.db import revision_read
from app.errors import Fault, Problem, nearest, wrong
from app.models import citation, entry, estimate, passage, quote_subject, record, relation, revision, word
from app.resources import About, Anchored, Cited, Either, Filter, In, Initiated, Key, Known, Linked, Resource
from app.vocabulary import PLURALS

INCLUDE_LIMIT = 1000
STARTED = ("initiated", "announced")
BATCH = 1_000
MAX_ID = 300
NEARBY = 3
"""For how many unknown ids of a parameter a similar one is looked for."""

NEARBY_IDS = 500

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Plan:
    """A list request, parsed: nothing in it is the client's text any more but ids and words to look up."""

    filters: dict[str, list[Any]]
    sort: list[str]
    limit: int
    cursor: str | None = None
    total: bool = False
    fields: list[str] = field(default_factory=list)
    include: list[str] = field(default_factory=list)
    span: tuple[int | None, int | None] = (None, None)
    match: str = "stated"
    dated: bool | None = None
    predicate: list[str] = field(default_factory=list)
    facets: list[str] = field(default_factory=list)
    amount: tuple[float | None, float | None] = (None, None)
    amount_match: str = "possible"

    def signature(self, name: str) -> str:
        """What a cursor of the list of this name is bound to: all that decides which rows come in which order."""
        body = [name, self.filters, self.sort, self.span, self.match, self.dated, self.predicate, self.amount]
        return json.dumps([*body, self.amount_match], sort_keys=True)


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


def keys(connection: Connection, ids: dict[str, str]) -> list[int]:
    """The keys of records whose ids parameters give, by parameter. Raises Problem (422) for what is not there."""
    faults: list[Fault] = []
    found = [keys_for(connection, name, record, None, [each], faults) for name, each in ids.items()]
    if faults:
        raise wrong(*faults)
    return [pk for [pk] in found]


def page(connection: Connection, resource: Resource, plan: Plan, added: dict[str, Any]) -> Body:
    """One page of a list, with `added` keys beside `items`.

    Raises Problem for an unknown id or word, and for a cursor of another list.
    """
    wanted = conditions(connection, resource, plan)
    rows, cursor = _batch(connection, resource, plan, wanted)
    total = _total(connection, resource, plan, wanted) if plan.total else None
    tail: dict[str, Any] = {"total": total, "next": None, "revision": revision_read(connection), **added}
    if plan.include:
        tail["included"] = _included(connection, resource, [row.pk for row in rows], plan.include)
    documents = [row.document for row in rows]
    if plan.fields:
        documents = [_dump(_pick(json.loads(document), plan.fields)).decode() for document in documents]
    return Body(f'{{"items":[{",".join(documents)}],{_dump(tail).decode()[1:]}'.encode(), cursor)


def listed(connection: Connection, resource: Resource, plan: Plan) -> tuple[list[str], str | None]:
    """The whole documents of one page, and the next one's cursor. Raises Problem as `page` does."""
    rows, cursor = _batch(connection, resource, plan, conditions(connection, resource, plan))
    return [row.document for row in rows], cursor


def walk(connection: Connection, resource: Resource, plan: Plan) -> Iterator[str]:
    """Every document from where the plan starts, a batch at a time, so that memory and each query stay bounded."""
    wanted = conditions(connection, resource, plan)
    position: str | None = plan.cursor
    while True:
        here = replace(plan, limit=BATCH, cursor=position)
        rows, position = _batch(connection, resource, here, wanted)
        yield from (row.document for row in rows)
        if position is None:
            return


def _batch(
    connection: Connection, resource: Resource, plan: Plan, wanted: list[ColumnElement[bool]]
) -> tuple[Sequence[Any], str | None]:
    """The rows of one page and the cursor behind them, which is None at the end."""
    table = resource.table
    keys = [(resource.sorts[word.lstrip("-")], word.startswith("-")) for word in plan.sort] + [(table.c.id, False)]
    columns = [column for column, _ in keys]
    query = select(table.c.document, table.c.pk, *columns).select_from(rows_of(resource, plan, *columns))
    query = query.where(*wanted)
    if plan.cursor is not None:
        query = query.where(_after(keys, _position(plan, resource, columns)))
    order = [(column.desc() if down else column.asc()).nulls_last() for column, down in keys]
    rows = connection.execute(query.order_by(*order).limit(plan.limit + 1)).all()
    more, rows = len(rows) > plan.limit, rows[: plan.limit]
    return rows, seal(plan.signature(resource.name), list(rows[-1][2:])) if more else None


def count(connection: Connection, resource: Resource, plan: Plan) -> int:
    """How many items the whole list has. Raises Problem like `page`."""
    return _total(connection, resource, plan, conditions(connection, resource, plan))


def _total(connection: Connection, resource: Resource, plan: Plan, wanted: list[ColumnElement[bool]]) -> int:
    query = select(func.count(resource.table.c.pk)).select_from(rows_of(resource, plan)).where(*wanted)
    total: int = connection.execute(query).scalar_one()
    return total


def _dump(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _pick(document: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key in fields} if fields else document


def missing(connection: Connection, resource: Resource, name: str) -> Problem:
    """The problem (404) of an id that is not there, which says where it is or what comes nearest."""
    if len(name) > MAX_ID:
        return Problem("not-found", "There is no such id: ids are much shorter.")
    kind = (
        connection.execute(select(record.c.kind).where(record.c.id == name)).scalar()
        if resource.table is record
        else None
    )
    if kind is not None:
        place = f"/v1/{PLURALS[kind]}/{name}"
        return Problem("not-found", f"{name!r} is a {kind}, and is at {place}.", found_at=place)
    near = _near(connection, resource.table, name)
    hint = f" Did you mean {near!r}?" if near else ""
    return Problem("not-found", f"There is no {name!r} in /v1/{resource.name}.{hint}")


def _near(connection: Connection, table: Table, name: str) -> str | None:
    """A similar id, looked for among those that begin alike, so that the work is bounded; or one by its name."""
    start = name[:2]
    ids = connection.execute(
        select(table.c.id).where(table.c.id >= start, table.c.id < start + "~").limit(NEARBY_IDS)
    ).scalars()
    return nearest(name, list(ids)) or (_called(connection, name) if table is record else None)


def _called(connection: Connection, name: str) -> str | None:
    """The best connected record with a name or an alias that begins with these words."""
    try:
        query = analysis.parse_name(name.replace("-", " "))
    except ValueError:
        return None
    found = index.match(connection, query, names=True).limit(1).subquery()
    called = select(record.c.id).join(entry, entry.c.record == record.c.pk).join(found, found.c.pk == entry.c.pk)
    return connection.execute(called).scalar()


def rows_of(resource: Resource, plan: Plan, *also: Any) -> FromClause:
    """What the plan's conditions, and the columns `also`, speak of: a kind's own table is joined only where needed."""
    own = resource.own
    columns = [getattr(resource.filters[name], "column", None) for name in plan.filters] + [*also]
    if plan.amount != (None, None):
        columns.append(estimate.c.low)
    if own is None or not any(getattr(column, "table", None) is own for column in columns):
        return resource.table
    return resource.table.join(own, own.c.pk == record.c.pk)


def conditions(connection: Connection, resource: Resource, plan: Plan) -> list[ColumnElement[bool]]:
    """What a row must meet to be in the list. Raises Problem for an unknown id or word."""
    faults: list[Fault] = []
    found: list[ColumnElement[bool]] = [record.c.kind == resource.kind] if resource.kind else []
    for name, values in plan.filters.items():
        found.append(_condition(connection, resource, plan, (name, resource.filters[name]), values, faults))
    if faults:
        raise wrong(*faults)
    if (
        plan.predicate
        and resource.table is record
        and not any(isinstance(resource.filters[name], Linked) for name in plan.filters)
    ):
        found.append(_linked(None, plan.predicate))
    found += within(resource.table, plan)
    if plan.amount != (None, None):
        found.append(_amount(*plan.amount, certain=plan.amount_match == "certain"))
    return found


def _condition(
    connection: Connection, resource: Resource, plan: Plan, named: tuple[str, Filter], values: list[Any],
    faults: list[Fault],
) -> ColumnElement[bool]:  # fmt: skip
    name, wanted = named
    table = resource.table
    match wanted:
        case In(column, words):
            if words:
                known_words(connection, name, words, values, faults)
            return column.in_(values)
        case Known(column):
            return column.is_not(None) if values[0] else column.is_(None)
        case Key(column, kind, target):
            return column.in_(keys_for(connection, name, target, kind, values, faults))
        case Linked(kind):
            return _linked(keys_for(connection, name, record, kind, values, faults), plan.predicate)
        case Either():
            keys = keys_for(connection, name, record, None, values, faults)
            return or_(relation.c.subject.in_(keys), relation.c.object.in_(keys))
        case Cited(column, ids, words):
            if ids:
                values = keys_for(connection, name, record, "source", values, faults)
            if words:
                known_words(connection, name, words, values, faults)
            own = citation.c.record if table is record else citation.c.relation
            return table.c.pk.in_(select(own).where(column.in_(values), own.is_not(None)))
        case Initiated():
            keys = keys_for(connection, name, record, None, values, faults)
            started = relation.c.predicate.in_(STARTED)
            return table.c.pk.in_(select(relation.c.object).where(relation.c.subject.in_(keys), started))
        case About():
            keys = keys_for(connection, name, record, None, values, faults)
            return table.c.pk.in_(select(quote_subject.c.quote).where(quote_subject.c.record.in_(keys)))
        case Anchored():
            keys = keys_for(connection, name, record, None, values, faults)
            return passage.c.pk.in_(select(citation.c.passage).where(citation.c.record.in_(keys)))


def _linked(keys: list[int] | None, predicates: list[str]) -> ColumnElement[bool]:
    """A relation, with one of these predicates if any are given, has the record at one end and a key at the other."""
    said = relation.c.predicate.in_(predicates) if predicates else true()
    ends = (relation.c.subject, relation.c.object)
    there, back = (
        select(own).where(said, true() if keys is None else other.in_(keys)) for own, other in (ends, ends[::-1])
    )
    return record.c.pk.in_(there.union(back))


def keys_for(
    connection: Connection, name: str, target: Table, kind: str | None, ids: list[str], faults: list[Fault]
) -> list[int]:
    columns = (target.c.id, target.c.pk, record.c.kind) if target is record else (target.c.id, target.c.pk)
    rows = {row.id: row for row in connection.execute(select(*columns).where(target.c.id.in_(ids)))}
    unknown = [each for each in dict.fromkeys(ids) if each not in rows]
    for each in dict.fromkeys(ids):
        if each in unknown:
            near = _near(connection, target, each) if each in unknown[:NEARBY] else None
            hint = f"; did you mean {near!r}?" if near else ""
            faults.append(Fault(parameter=name, detail=f"there is no {each!r}{hint}", nearest=near))
        elif kind and rows[each].kind != kind:
            detail = f"{each!r} is of the kind {rows[each].kind}, and this parameter takes the kind {kind}"
            faults.append(Fault(parameter=name, detail=detail, nearest=None))
    return [row.pk for row in rows.values()]


def known_words(connection: Connection, name: str, field_: str, values: list[str], faults: list[Fault]) -> None:
    known = connection.execute(select(word.c.word).where(word.c.field == field_)).scalars().all()
    for value in values:
        if value not in known:
            detail = f"{value!r} does not occur; these do: {', '.join(known[:50])}"
            faults.append(Fault(parameter=name, detail=detail, nearest=nearest(value, known)))


def within(table: Table, plan: Plan) -> list[ColumnElement[bool]]:
    """The plan's dates as conditions on a table that has them."""
    first, last = plan.span
    found: list[ColumnElement[bool]] = []
    if plan.dated is not None:
        found.append(table.c.stated_start.is_not(None) if plan.dated else table.c.stated_start.is_(None))
    if first is None and last is None:
        return found
    if plan.match == "certain":
        after = [] if first is None else [table.c.earliest_start >= first]
        return [*found, *after, *([] if last is None else [table.c.latest_end <= last])]
    first, last = -dates.FAR if first is None else first, dates.FAR if last is None else last
    if plan.match == "stated":
        return [*found, table.c.stated_start <= last, table.c.stated_end >= first]
    begun = or_(table.c.earliest_start.is_(None), table.c.earliest_start <= last)
    lasted = or_(table.c.latest_end.is_(None), table.c.latest_end >= first)
    return [*found, table.c.stated_start.is_not(None), begun, lasted]


def _amount(least: float | None, most: float | None, *, certain: bool) -> ColumnElement[bool]:
    low: Any = func.coalesce(estimate.c.low, estimate.c.value)
    high: Any = func.coalesce(estimate.c.high, estimate.c.value)
    given = or_(low.is_not(None), high.is_not(None))
    if certain:
        return and_(given, true() if least is None else low >= least, true() if most is None else high <= most)
    above = true() if least is None else or_(high.is_(None), high >= least)
    below = true() if most is None else or_(low.is_(None), low <= most)
    return and_(given, above, below)


def _after(keys: list[tuple[Any, bool]], values: list[Any]) -> ColumnElement[bool]:
    """Rows past a position, nulls last in both directions: equal so far, and beyond in the next key."""
    found: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for (column, down), value in zip(keys, values, strict=True):
        if value is None:
            equal.append(column.is_(None))
            continue
        beyond = or_(column < value if down else column > value, column.is_(None))
        found.append(and_(*equal, beyond))
        equal.append(column == value)
    return or_(false(), *found)


def seal(signature: str, position: Any) -> str:
    """A cursor: a position in the list of this signature, of no use in any other."""
    body = json.dumps(position, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_digest(signature, body) + body).decode().rstrip("=")


def _digest(signature: str, body: bytes) -> bytes:
    return sha256(signature.encode() + b"\0" + body).digest()[:9]


def unseal(signature: str, cursor: str, fits: Callable[[list[Any]], bool]) -> list[Any]:
    """The position that a cursor holds. Raises Problem for any cursor that is not of the list of this signature.

    The seal tells a cursor of another list. It is no secret, so what it seals is still looked at like any input.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = json.loads(raw[9:]) if raw[:9] == _digest(signature, raw[9:]) else None
    except (binascii.Error, ValueError, RecursionError):
        values = None
    if isinstance(values, list) and fits(values):
        return values
    detail = "it is not one of this list: take it from `next`, with the same filters and sort"
    raise wrong(Fault(parameter="cursor", detail=detail, nearest=None))


def _position(plan: Plan, resource: Resource, columns: Sequence[Any]) -> list[Any]:
    """Where the plan's cursor stands: one value per column."""

    def fits(values: list[Any]) -> bool:
        return len(values) == len(columns) and all(map(_fits, columns, values))

    return unseal(plan.signature(resource.name), plan.cursor or "", fits)


def _fits(column: Any, value: Any) -> bool:
    """Whether a value can have come from the column."""
    if value is None:
        return bool(column.nullable)
    if column.type.python_type is str:
        return isinstance(value, str) and "\0" not in value and not _SURROGATE.search(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= dates.FAR if column.type.python_type is int else math.isfinite(value)


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
