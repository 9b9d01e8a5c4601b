"""Arrays of bytes arrive in Postgres as the driver's own do."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from events import byte_arrays
from events.database import WRITER, Connection, connected
from events.database_session import DatabaseSession

ELEMENTS = "select value from unnest($1::bytea[]) with ordinality as each (value, place) order by place"


@pytest.fixture
async def writing(postgres: str) -> AsyncIterator[Connection]:
    session = DatabaseSession(postgres, byte_arrays.register, **WRITER)
    yield await session.connection()
    await session.close()


@pytest.mark.parametrize(
    "values",
    [[], [b""], [None], [b"{}", None, b"\0\xff"], (b"a", b"b"), [bytes([n % 256]) * n for n in range(600)]],
    ids=["none", "one empty", "one null", "some", "a tuple", "many"],
)
async def test_they_have_the_same_elements_and_the_same_shape(postgres: str, writing: Connection, values: list[bytes]):
    shape = "select array_ndims(sent), array_lower(sent, 1), cardinality(sent), sent::text from (select $1::bytea[] as sent) as s"
    async with connected(postgres) as usual:
        assert await writing.fetchrow(shape, values) == await usual.fetchrow(shape, values)
    assert [row[0] for row in await writing.fetch(ELEMENTS, values)] == list(values)


async def test_no_array_takes_the_place_of_bytes(writing: Connection):
    with pytest.raises(asyncpg.DataError):
        await writing.fetch(ELEMENTS, ["text"])
    with pytest.raises(asyncpg.DataError):
        await writing.fetch(ELEMENTS, [[b"a"]])


async def test_a_connection_that_writes_reads_none(writing: Connection):
    with pytest.raises(TypeError, match="reads no arrays"):
        await writing.fetchval("select array['a']::bytea[]")
