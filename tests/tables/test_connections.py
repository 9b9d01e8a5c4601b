"""Connections of the service: none is left open by whoever is done with it."""

import asyncio
from collections.abc import AsyncGenerator

import asyncpg
import psycopg
import pytest

from events import database as connections_of
from events.database import AnyConnection, Unavailable, connected, read
from events.database_reader import Reader
from events.database_session import DatabaseSession
from tests.patience import until


async def test_a_session_that_is_closed_while_it_connects_leaves_no_connection(database: str, superuser):
    session = DatabaseSession(database, application_name="closed early")
    connecting = asyncio.create_task(session.connection())
    await asyncio.sleep(0)
    await session.close()
    with pytest.raises(Unavailable, match="closed while it connected"):
        await connecting

    async def gone() -> bool:
        return not await superuser.fetchval(
            "select count(*) from pg_stat_activity where application_name = 'closed early'"
        )

    assert await until(gone)


async def test_a_session_that_was_closed_makes_no_other_connection(database: str):
    session = DatabaseSession(database)
    late = asyncio.create_task(session.connection())
    await session.close()
    with pytest.raises(Unavailable, match="session is closed"):
        await late


async def test_what_was_done_over_a_connection_stays_done_when_the_server_ends_it_before_it_is_closed(database: str):
    with psycopg.connect(
        database, autocommit=True
    ) as other:  # blocks, so that nobody here learns of the end before the close
        async with connected(database) as connection:
            pid = await connection.fetchval("select pg_backend_pid()")
            other.execute("select pg_terminate_backend(%s)", [pid])
            while other.execute("select from pg_stat_activity where pid = %s", [pid]).fetchall():
                pass


async def test_a_read_that_nobody_waits_for_any_more_ends_in_the_server_too(
    postgres: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connections_of, "READ_SECONDS", 0.05)
    async with connections_of.pool(postgres) as connections, connections.acquire() as connection:
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.execute("select pg_sleep(60)")


@pytest.fixture
async def reader(database: str) -> AsyncGenerator[Reader]:
    one = Reader(database)
    yield one
    await one.close()


async def number(connection: AnyConnection) -> int:
    return await connection.fetchval("select 7 from pg_sleep(0.001)")


SLEEPING = "select pid from pg_stat_activity where datname = current_database() and query = 'select pg_sleep(60)' and state = 'active'"


async def test_those_who_share_a_connection_for_reads_take_turns(reader: Reader):
    assert await asyncio.gather(*(read(reader, number) for _ in range(5))) == [7] * 5
    async with reader.acquire(timeout=5):
        with pytest.raises(TimeoutError):
            async with reader.acquire(timeout=0.01):
                pass
    assert await read(reader, number) == 7


async def test_a_shared_connection_that_was_lost_or_left_in_the_middle_does_not_stop_the_next_read(
    reader: Reader, superuser
):
    pid = await read(reader, lambda connection: connection.fetchval("select pg_backend_pid()"))
    await superuser.execute("select pg_terminate_backend($1)", pid)
    assert await read(reader, number) == 7
    leaving = asyncio.create_task(read(reader, lambda connection: connection.execute("select pg_sleep(60)")))
    asking = asyncio.create_task(read(reader, number))
    await until(lambda: superuser.fetchval(SLEEPING))
    leaving.cancel()
    assert await asking == 7


async def test_a_read_of_a_shared_connection_ends_in_the_server_too(database: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections_of, "READ_SECONDS", 0.05)
    reader = Reader(database)
    async with reader.acquire(timeout=5) as connection:
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.execute("select pg_sleep(60)")
    await reader.close()


async def test_who_asks_while_the_turn_is_passed_on_does_not_wait_longer_than_asked(reader: Reader):
    first, second = reader.acquire(timeout=1), reader.acquire(timeout=1)
    await first.__aenter__()
    waiting = asyncio.create_task(second.__aenter__())
    await asyncio.sleep(0)
    await first.__aexit__(None, None, None)  # the second has the next turn, and has not begun it
    with pytest.raises(TimeoutError):
        await reader.acquire(timeout=0).__aenter__()
    await waiting
    await second.__aexit__(None, None, None)
