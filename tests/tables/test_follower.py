"""`muniment follow`: of two such processes one follows, and when it is killed the other one goes on."""

import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from events import locks
from events.database import Connection
from events.issuance import IssuanceLog
from projections import registry
from projections.engine.election import Follower
from tests.conftest import fresh_database
from tests.patience import until
from tests.tables.conftest import column
from tests.tables.test_issuance import issue

MUNIMENT = Path(sys.executable).with_name("muniment")
HOLDERS = f"""
select distinct pid from pg_locks where locktype = 'advisory' and granted and classid = {locks.FOLLOWER}
   and database = (select oid from pg_database where datname = current_database())
"""
FOLLOWED = "select coalesce(max(tokens), 0)::int from read.last_used where kind = 'bot'"


@pytest.fixture
async def database(postgres: str) -> str:
    """Of its own, for the engine creates tables in it."""
    return await fresh_database(postgres)


@pytest.fixture
async def processes(database: str) -> AsyncIterator[list[Process]]:
    environment = {"PATH": os.environ["PATH"], "MUNIMENT_DATABASE_URL": database}
    made = [await create_subprocess_exec(MUNIMENT, "follow", env=environment, stderr=DEVNULL) for _ in range(2)]
    yield made
    for each in made:
        if each.returncode is None:
            each.kill()
        await each.wait()


async def test_one_of_two_processes_follows_and_the_other_one_goes_on_when_it_is_killed(
    database: str, processes: list[Process], superuser: Connection, tokens: IssuanceLog
):
    async def follows(count: int) -> int | None:
        """The connection of the one that follows, once it has followed so many tokens."""
        held = await column(superuser, HOLDERS)
        there = await superuser.fetchval("select to_regclass('read.last_used') is not null")
        done = there and await superuser.fetchval(FOLLOWED) == count
        return held[0] if len(held) == 1 and done else None

    await tokens.record(issue("bot"))
    first = await until(lambda: follows(1))
    serving = Follower(registry.catch_up(), database)
    await tokens.record(issue("bot"))
    await serving.look()
    assert await until(lambda: follows(2)) == first, "who serves does not follow meanwhile"
    await serving.close()

    killed = await _process_of(processes, superuser, first)
    killed.send_signal(signal.SIGKILL)
    await killed.wait()
    await tokens.record(issue("bot"))
    assert await until(lambda: follows(3)) != first
    (left,) = (each for each in processes if each is not killed)
    left.terminate()
    await left.wait()
    assert await until(lambda: _nobody(superuser))


async def _process_of(processes: list[Process], superuser: Connection, connection: int) -> Process:
    """The one whose connection this is: it names itself."""
    name = await superuser.fetchval("select application_name from pg_stat_activity where pid = $1", connection)
    return next(each for each in processes if name == f"muniment follow {each.pid}")


async def _nobody(superuser: Connection) -> bool:
    return not await column(superuser, HOLDERS)
