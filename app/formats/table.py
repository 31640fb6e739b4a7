"""CSV and NDJSON: one row, or one line, a document.

The columns come from the wire class and never from the data, so that two requests can be put below each other. A
column is named by the path of its value in the JSON: `date.edtf`, `attributed_to.id`. Addresses (`links`, unless it is
asked for, and the `url` of a record that is referred to) are left out, lists of records are their ids with `;` between,
other lists JSON.
"""

import csv
import json
import re
import types
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from app.encoding import dump
from app.formats import Context
from app.schemas import Ref, in_reading_order

LEFT_OUT = {"links"}
# A spreadsheet would run words that begin so as a formula. Numbers and EDTF (`-0043`) are no danger, and stay.
_FORMULA = re.compile(r"[=+@\t\r]|-(?![0-9][0-9X./~?%-]*$)")


class Column(NamedTuple):
    path: tuple[str, ...]
    type: Literal["string", "integer", "number", "boolean", "array", "ids"]
    description: str
    required: bool = True
    enum: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return ".".join(self.path)


def columns(wire: Any, fields: Sequence[str] = ()) -> list[Column]:
    """The columns of a class of documents, or of a union of them (each column once), in reading order."""
    found: dict[str, dict[str, Column]] = {}
    members, _ = _choices(wire)
    for member in members:
        for name, field in member.model_fields.items():
            if name in fields or (not fields and name not in LEFT_OUT):
                group = found.setdefault(name, {})
                for column in _columns((name,), field.annotation, field.description or "", required=True):
                    group[column.name] = _both(group.get(column.name, column), column)
    return [column for group in in_reading_order(found).values() for column in group.values()]


def _both(one: Column, other: Column) -> Column:
    """A column that two classes share."""
    enum = tuple(dict.fromkeys(one.enum + other.enum)) if one.enum and other.enum else ()
    return one._replace(enum=enum, required=one.required and other.required)


def _choices(annotation: Any) -> tuple[tuple[Any, ...], bool]:
    """What a value may be, and whether it may be null."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) not in (Union, types.UnionType):
        return (annotation,), False
    inner = [each for each in get_args(annotation) if each is not type(None)]
    return tuple(member for each in inner for member in _choices(each)[0]), len(inner) < len(get_args(annotation))


def _columns(path: tuple[str, ...], annotation: Any, description: str, *, required: bool) -> Iterator[Column]:
    (kind, *_), nullable = _choices(annotation)
    required = required and not nullable
    if get_origin(kind) is list:
        of_records = get_args(kind)[0] is Ref
        yield Column(path, "ids" if of_records else "array", description, required and not of_records)
    elif get_origin(kind) is Literal:
        yield Column(path, "string", description, required, get_args(kind))
    elif issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if kind is not Ref or name != "url":
                said = f"{description} {field.description or ''}".strip()
                yield from _columns((*path, name), field.annotation, said, required=required)
    else:
        scalar: Any = {str: "string", int: "integer", float: "number", bool: "boolean"}[kind]
        yield Column(path, scalar, description, required)


def rows(documents: Iterable[str], context: Context) -> Iterator[bytes]:
    """CSV by RFC 4180: CRLF, quotes doubled, a header. What is unknown is an empty cell.

    Words that begin with a character which makes a spreadsheet take them for a formula get an apostrophe before it.
    """
    return sheet((json.loads(document) for document in documents), columns(context.wire, context.fields))


def sheet(documents: Iterable[dict[str, Any]], found: Sequence[Column]) -> Iterator[bytes]:
    """Documents as CSV with these columns."""
    line = csv.writer(_Echo()).writerow
    yield str(line([column.name for column in found])).encode()
    for document in documents:
        yield str(line([_cell(document, column) for column in found])).encode()


class _Echo:
    """Makes a CSV writer give back each line instead of collecting it."""

    def write(self, line: str) -> str:
        return line


def _cell(document: dict[str, Any], column: Column) -> str:
    value: Any = document
    for key in column.path:
        value = value.get(key) if value is not None else None
    if value is None:
        return ""
    match column.type:
        case "ids":
            return ";".join(ref["id"] for ref in value)
        case "string":
            return "'" + value if _FORMULA.match(value) else str(value)
        case "integer" | "number":
            return str(value)
        case "boolean":
            return "true" if value else "false"
    return dump(value)


def lines(documents: Iterable[str], context: Context) -> Iterator[bytes]:
    """NDJSON: a document a line, as it stands in a JSON answer."""
    for document in documents:
        if context.fields:
            kept = {key: value for key, value in json.loads(document).items() if key in context.fields}
            document = dump(kept)
        yield document.encode() + b"\n"
