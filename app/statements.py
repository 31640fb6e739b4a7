"""Statements that are compiled once. SQLAlchemy writes the text of a query when its shape is first asked for; from then
on values are bound, and the driver is asked directly.

To build a query, to find its text again and to wrap its rows takes SQLAlchemy 150 to 300 µs, where SQLite
needs 10 to answer it.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, ParamSpec

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import SelectBase

P = ParamSpec("P")
Form = Callable[..., ColumnElement[bool]]
Shape = tuple[Form, tuple[Any, ...], tuple[bool, ...]]
"""A condition without its values, of which it says only which are None."""

SHAPES = 500
"""How many shapes of one statement are kept, each of some kilobytes."""


class _Text(NamedTuple):
    """A statement as a driver takes it: values by their place where it has names for them, or else by name."""

    sql: str
    names: list[str] | None
    values: dict[str, Any]


def given(name: str) -> BindParameter[Any]:
    """In a query: what comes under this name with each request."""
    return bindparam(name, required=False)


KEYS = given("keys")


def ask(connection: Connection, sql: str, bound: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement in the driver's own form. Raises DBAPIError as `connection.execute` does."""
    driver: Any = connection.connection.dbapi_connection
    try:
        return driver.cursor().execute(sql, bound).fetchall()  # type: ignore[no-any-return]
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError(sql, bound, error) from error


class Statement:
    """A query whose values are `given`, and whose columns need no conversion."""

    def __init__(self, query: SelectBase) -> None:
        self.query = query
        self._texts: dict[str, _Text] = {}

    def rows(self, connection: Connection, /, **values: Any) -> list[tuple[Any, ...]]:
        """The rows with these values. Raises DBAPIError as `connection.execute` does."""
        text = self._texts.get(connection.dialect.name) or self._compiled(connection)
        values = text.values | values
        bound: Any = values if text.names is None else [values[name] for name in text.names]
        return ask(connection, text.sql, bound)

    def first(self, connection: Connection, /, **values: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        rows = self.rows(connection, **values)
        return rows[0] if rows else None

    def column(self, connection: Connection, /, **values: Any) -> list[Any]:
        """The first value of each row."""
        return [row[0] for row in self.rows(connection, **values)]

    def _compiled(self, connection: Connection) -> _Text:
        # What an IN takes is written out.
        made: Any = self.query.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
        # A table's name is more than a string, and a driver would look each time how it wants to be adapted.
        constants = {
            name: str(value) if isinstance(value, str) else value
            for name, value in made.params.items()
            if value is not None
        }
        text = _Text(str(made), made.positiontup, constants)
        self._texts[connection.dialect.name] = text
        return text


def statement(build: Callable[P, SelectBase]) -> Callable[P, Statement]:
    """What `build` makes of a shape, kept for the next request of that shape."""
    return lru_cache(SHAPES)(lambda *shape, **named: Statement(build(*shape, **named)))  # type: ignore[return-value]


class Clause(NamedTuple):
    """A condition apart from its values, so that requests that differ in these alone have the statement in common."""

    form: Form
    of: tuple[Any, ...] = ()
    """What else decides the text: columns, tables, words. `form` takes it first, and then the values."""

    values: tuple[Any, ...] = ()

    @property
    def condition(self) -> ColumnElement[bool]:
        """The same with its values in it, for a query that is built for one request."""
        return self.form(*self.of, *self.values)

    @property
    def shape(self) -> Shape:
        return self.form, self.of, tuple(value is None for value in self.values)


def shapes_of(clauses: Iterable[Clause]) -> tuple[Shape, ...]:
    return tuple(clause.shape for clause in clauses)


def values_of(clauses: Iterable[Clause]) -> tuple[Any, ...]:
    return tuple(value for clause in clauses for value in clause.values)


def filled(shapes: Iterable[Shape], values: Iterator[Any]) -> list[ColumnElement[bool]]:
    """The conditions of these shapes, each with as many of the values as it takes."""
    return [form(*of, *(next(values) for _ in absent)) for form, of, absent in shapes]


def open_(shapes: Iterable[Shape]) -> list[ColumnElement[bool]]:
    """The conditions of these shapes, whose values come with each request, as `numbered` names them."""
    shapes = tuple(shapes)
    absences = [absent for _, _, each in shapes for absent in each]
    return filled(shapes, iter([None if absent else given(f"v{n}") for n, absent in enumerate(absences)]))


def numbered(values: Iterable[Any]) -> dict[str, Any]:
    """Values, or what stands for them, by name."""
    return {f"v{n}": value for n, value in enumerate(values)}


class _Listed(FunctionElement[bool]):
    # Of no type: SQLAlchemy has SQLite compare a truth with 1, and then no index is used.
    inherit_cache = True


@compiles(_Listed, "sqlite")
def _listed_on_sqlite(element: _Listed, compiler: Any, **named: Any) -> str:
    column, keys = (compiler.process(each, **named) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({keys}))"


@compiles(_Listed, "postgresql")
def _listed_on_postgresql(element: _Listed, compiler: Any, **named: Any) -> str:
    column, keys = (compiler.process(each, **named) for each in element.clauses)
    return f"{column} = ANY (CAST(translate({keys}, '[]', '{{}}') AS integer[]))"


def is_listed(column: ColumnElement[Any], keys: str | BindParameter[Any] = KEYS) -> ColumnElement[bool]:
    """In a query: whether the column has one of many keys, which are `given` as `listed` writes them. So there is one
    statement for any number of them, where some thousand parameters would take longer to write than to look up.
    """
    return _Listed(column, keys)


def listed(keys: Iterable[int]) -> str:
    """Keys as one value."""
    return str([*keys])
