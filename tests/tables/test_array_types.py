"""The driver knows arrays of Postgres' own types without asking the database about them."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from events.array_types import NUMBERS
from events.database import connected

VALUES: dict[str, Any] = {
    "bool": True,
    "bytea": b"\0\xff",
    "int2": -1,
    "int4": 2**31 - 1,
    "int8": -(2**63),
    "text": "a,{}\"'",
    "float8": 0.5,
    "date": date(2026, 2, 28),
    "timestamptz": datetime(2026, 1, 1, tzinfo=UTC),
    "uuid": UUID(int=7),
    "jsonb": '{"a": 1}',
}


@pytest.fixture
async def plain(postgres: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(postgres)
    yield connection
    await connection.close()


async def test_their_numbers_are_those_of_postgres(plain: Any):
    found = await plain.fetch("select typname, typarray, oid from pg_type where typname = any($1::text[])", [*NUMBERS])
    assert {name: (array, number) for name, array, number in found} == NUMBERS


@pytest.mark.parametrize("name", NUMBERS)
async def test_each_goes_to_the_database_and_back_as_if_it_had_been_asked_in_one_statement(
    postgres: str, plain: Any, name: str
):
    values = [VALUES[name], None]
    query, asked = f"select $1::{name}[]", list[str]()
    async with connected(postgres) as connection:
        with connection.query_logger(lambda query: asked.append(query.query)):
            found = await connection.fetchval(query, values)
    assert found == values == await plain.fetchval(query, values)
    assert asked == [query]


async def test_another_type_is_still_asked_about(postgres: str):
    async with connected(postgres) as connection:
        assert await connection.fetchval("select $1::int4range[]", [asyncpg.Range(1, 3)]) == [asyncpg.Range(1, 3)]
