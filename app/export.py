"""The whole dataset as one file: NDJSON, or a Frictionless Data Package. Made as it is read, in bounded memory.

Both come from the database alone, in the packs' order and without a clock, so that one revision gives the same bytes
anywhere, from `/v1/export` and from `fasti export`.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from sqlalchemy import Connection, Table, select

from app import queries, schemas
from app.formats import table
from app.formats.table import Column
from app.models import citation, passage, record, relation
from app.vocabulary import KINDS, PLURALS, Kind

BATCH = 1_000
TABLES = {"record": record, "relation": relation, "passage": passage, "citation": citation}
# What every kind has in common: the table that a reference to a record of any kind refers to.
COMMON = ("id", "kind", "name", "summary", "stance", "attributed_to", "polarity", "citation_count", "relation_count")
# Which resource a column refers to; those that hold the id of a record of any kind refer to `records`.
REFERS = {"attributed_to.id": "records", "subject.id": "records", "object.id": "records", "speaker.id": "records",
          "date.relative_to.id": "records", "place.id": "places", "source.id": "sources",
          "passage": "passages"}  # fmt: skip
_EPOCH = (1980, 1, 1, 0, 0, 0)
_TYPES = {"ids": "string"}


def ndjson(connection: Connection) -> Iterator[bytes]:
    """A line for the dataset itself, then a line for each record, relation, passage and citation."""
    yield b'{"table":"dataset",' + queries.about(connection)[1:] + b"\n"
    for name, rows in TABLES.items():
        for document in _documents(connection, rows):
            yield f'{{"table":"{name}",{document[1:]}\n'.encode()


def data_package(connection: Connection) -> Iterator[bytes]:
    """A zip of `datapackage.json` and a CSV for each table, as `frictionless validate` takes it."""
    out = _Outlet()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        archive.writestr(_entry("datapackage.json"), descriptor(json.loads(queries.about(connection))))
        for name, (columns, rows, kind) in _sheets().items():
            documents = (json.loads(each) for each in _documents(connection, rows, kind))
            with archive.open(_entry(f"{name}.csv"), "w", force_zip64=True) as entry:
                for piece in table.sheet(documents, columns):
                    entry.write(piece)
                    yield from out.taken()
    yield from out.taken()


FORMATS: dict[str, Callable[[Connection], Iterator[bytes]]] = {"ndjson": ndjson, "datapackage": data_package}


def _documents(connection: Connection, rows: Table, kind: Kind | None = None) -> Iterator[str]:
    """Every document of a table in the packs' order, a batch at a time."""
    query = select(rows.c.pk, rows.c.document).order_by(rows.c.pk).limit(BATCH)
    if kind is not None:
        query = query.where(rows.c.kind == kind)
    last = 0
    while batch := connection.execute(query.where(rows.c.pk > last)).all():
        yield from (row.document for row in batch)
        last = batch[-1].pk


def _sheets() -> dict[str, tuple[list[Column], Table, Kind | None]]:
    """The package's tables: their columns, and where their rows come from."""
    common = [column for column in table.columns(schemas.AnyRecord) if column.path[0] in COMMON]
    sheets: dict[str, tuple[list[Column], Table, Kind | None]] = {"records": (common, record, None)}
    for kind in KINDS:
        sheets[PLURALS[kind]] = (table.columns(getattr(schemas, kind.capitalize())), record, kind)
    sheets["relations"] = (table.columns(schemas.Relation), relation, None)
    sheets["passages"] = (table.columns(schemas.Passage), passage, None)
    sheets["citations"] = (table.columns(schemas.Citation), citation, None)
    return sheets


def descriptor(about: dict[str, Any]) -> str:
    """`datapackage.json`, after the Data Package standard."""
    bases = about["knowledge_bases"]
    licences = {each["licence"]: each["licence_url"] for each in bases}
    body = {
        "profile": "tabular-data-package",
        "name": "fasti",
        "id": f"fasti-{about['revision']}",
        "title": "; ".join(each["title"] for each in bases),
        "description": " ".join(each["description"] for each in bases),
        "version": about["revision"],
        "licenses": [{"name": name} | ({"path": url} if url else {}) for name, url in licences.items()],
        "sources": [{"title": each["citation"]} for each in bases],
        "resources": [_resource(name, columns) for name, (columns, _, _) in _sheets().items()],
    }
    return json.dumps(body, ensure_ascii=False, indent=1)


def _resource(name: str, columns: list[Column]) -> dict[str, Any]:
    own = {"id": "records"} if name in PLURALS.values() else {}
    keys = [
        # A table that refers to itself says so with an empty name.
        {"fields": column, "reference": {"resource": "" if target == name else target, "fields": "id"}}
        for column, target in (own | REFERS).items()
        if column in {each.name for each in columns}
    ]
    schema = {"fields": [_field(column) for column in columns], "missingValues": [""], "primaryKey": "id"}
    return {
        "name": name,
        "path": f"{name}.csv",
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {"delimiter": ",", "lineTerminator": "\r\n", "quoteChar": '"', "doubleQuote": True, "header": True},
        "schema": schema | ({"foreignKeys": keys} if keys else {}),
    }


def _field(column: Column) -> dict[str, Any]:
    constraints: dict[str, Any] = {"required": True} if column.required else {}
    if column.enum:
        constraints["enum"] = list(column.enum)
    # Only the name of the kind goes without saying in the API.
    said = column.description or "The kind of record."
    lists = " Ids, with `;` between." if column.type == "ids" else ""
    field = {"name": column.name, "type": _TYPES.get(column.type, column.type)}
    return field | {"description": said + lists} | ({"constraints": constraints} if constraints else {})


def _entry(name: str) -> ZipInfo:
    """A file in the archive, with the same time in every export."""
    info = ZipInfo(name, _EPOCH)
    info.compress_type = ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


class _Outlet:
    """What a zip is written to when nobody can go back in it: it holds only what was not yet taken."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self.waiting.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Whoever takes the rest closes."""

    def taken(self) -> Iterator[bytes]:
        waiting, self.waiting = self.waiting, []
        yield from waiting
