"""The schema comes to the present version once, by one process at a time, whole or not at all."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import asyncpg
import pytest

from events.database import connect
from service.credentials import new_id
from service.migrations.run import migrate
from service.migrations.version import WANTED, SchemaBehind, check, present
from tests.conftest import named
from tests.tables.conftest import column
from tests.tables.items import item

_numbers = itertools.count(1)


@pytest.fixture
async def bare(either_postgres: str) -> AsyncIterator[str]:
    """A database with nothing in it."""
    name = f"bare{next(_numbers)}"
    admin = await asyncpg.connect(named(either_postgres, "postgres"))
    await admin.execute(f"create database {name} template template0")
    yield named(either_postgres, name)
    await admin.execute(f"drop database {name} (force)")
    await admin.close()


async def test_a_bare_database_is_brought_to_the_present_version(bare):
    with pytest.raises(SchemaBehind, match=r"is at nothing.*run muniment db migrate"):
        await check(bare)
    assert await migrate(bare) == (None, WANTED)
    await check(bare)
    assert await present(bare) == WANTED
    assert await migrate(bare) == (WANTED, WANTED)


async def test_of_two_processes_that_migrate_at_once_one_does_it_and_the_other_finds_it_done(bare):
    outcomes = await asyncio.gather(migrate(bare), migrate(bare))
    assert sorted(outcomes, key=str) == [(WANTED, WANTED), (None, WANTED)]
    connection = await asyncpg.connect(bare)
    assert await column(connection, "select last_position from log.batches") == [0]
    await connection.close()


async def test_a_migration_that_fails_leaves_nothing_behind(bare):
    connection = await asyncpg.connect(bare)
    await connection.execute("create schema vault")
    with pytest.raises(asyncpg.DuplicateSchemaError):
        await migrate(bare)
    assert await column(connection, "select nspname from pg_namespace where nspname in ('log', 'read')") == []
    await connection.execute("drop schema vault")
    await connection.close()
    assert (await migrate(bare))[0] is None


async def test_every_log_has_an_id_of_its_own(bare, database):
    await migrate(bare)
    ids: list[bytes] = []
    for url in (bare, database):
        connection = await connect(url)
        ids += await column(connection, "select chain from log.batches where last_position = 0")
        await connection.close()
    assert ids[0] != ids[1]


async def test_the_service_owns_what_it_rebuilds_and_what_is_no_fact_and_nothing_else(superuser):
    owned = """
select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and c.relowner = 'muniment_service'::regrole order by 1
"""
    assert await column(superuser, owned) == [
        "limits.counts",
        "read.bots",
        "read.checkpoints",
        "read.clients",
        "read.last_used",
        "read.revoked_tokens",
        "read.signing_keys",
        "vault.signing_keys",
    ]
    schemas = "select nspname from pg_namespace where nspowner = 'muniment_service'::regrole order by 1"
    assert await column(superuser, schemas) == ["limits", "read", "vault"]


async def test_an_operator_can_read_events_as_json(log, superuser):
    await log.append(item(new_id()))
    found = await superuser.fetchrow(
        "select data ->> 'owner' as owner, meta ->> 'request_id' as request from log.events_json"
    )
    assert found is not None
    assert tuple(found) == ("alice", "test")
