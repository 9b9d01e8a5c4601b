"""Connections of the service: none is left open by whoever is done with it."""

import asyncio

import asyncpg
import psycopg
import pytest

from events import database as connections_of
from events.database import Unavailable, connected
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
