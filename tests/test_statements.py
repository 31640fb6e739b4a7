"""A statement is compiled once a shape, and gives what SQLAlchemy gives."""

from typing import Any

import pytest
from sqlalchemy import Select, func, select
from sqlalchemy.exc import DBAPIError

from app.db import Database
from app.models import record
from app.statements import Statement, given, is_listed, listed, statement

pytestmark = pytest.mark.anyio


@pytest.fixture
async def read(settings):
    database = Database(settings)
    yield database.read
    database.close()


async def test_rows_are_those_that_sqlalchemy_gives(read):
    bound = select(record.c.id, record.c.stated_start, record.c.pk).where(record.c.kind == "person")
    query = bound.where(record.c.pk > given("after")).order_by(record.c.pk).limit(given("number"))
    found = Statement(query)
    for values in ({"after": 0, "number": 3}, {"after": 10, "number": 2}):
        expected = [tuple(row) for row in await read(lambda c, values=values: c.execute(query, values).all())]
        assert len(expected) == values["number"]
        assert await read(lambda c, values=values: found.rows(c, **values)) == expected
        assert await read(lambda c, values=values: found.first(c, **values)) == expected[0]
        assert await read(lambda c, values=values: found.column(c, **values)) == [row[0] for row in expected]
    assert await read(lambda c: found.first(c, after=10**6, number=1)) is None


async def test_what_an_in_takes_is_bound_too(read):
    few = Statement(select(func.count()).where(record.c.id.in_([given("a"), "mao-zedong"]), record.c.pk.in_([])))
    one = Statement(select(record.c.id).where(record.c.id.in_([given("a"), "o'brien"])))
    assert await read(lambda c: few.column(c, a="china")) == [0]
    assert await read(lambda c: one.column(c, a="china")) == ["china"]


async def test_a_shape_is_built_and_compiled_once(read):
    built = []

    @statement
    def of_kind(kind: str, *, plain: bool) -> Select[Any]:
        built.append((kind, plain))
        return select(func.count()).where(record.c.kind == kind, record.c.id != given("id"))

    for id in ("china", "mao-zedong"):
        assert await read(lambda c, id=id: of_kind("place", plain=True).column(c, id=id)) > [0]
    assert of_kind("place", plain=True) is of_kind("place", plain=True)
    assert list(of_kind("place", plain=True)._texts) == [await read(lambda c: c.dialect.name)]
    of_kind("person", plain=True)
    assert built == [("place", True), ("person", True)]


async def test_what_the_driver_refuses_is_raised_as_sqlalchemy_does(read):
    broken = Statement(select(record.c.id).where(func.no_such_function(given("a")) == 1))

    def fails(connection):
        with pytest.raises(DBAPIError, match="no_such_function"):
            broken.rows(connection, a=1)
        connection.rollback()
        return "raised"

    assert await read(fails) == "raised"


@pytest.mark.parametrize("keys", [[], [3], [3, 1, 2, 2], [*range(100, 0, -1)]])
async def test_one_statement_is_asked_for_any_number_of_keys(read, keys):
    found = Statement(select(record.c.pk).where(is_listed(record.c.pk)).order_by(record.c.pk))
    held = select(record.c.pk).where(is_listed(record.c.pk, listed(keys))).order_by(record.c.pk)
    known = await read(lambda connection: found.column(connection, keys=listed(keys)))
    assert known == await read(lambda connection: [*connection.execute(held).scalars()])
    assert known == sorted({*keys})
