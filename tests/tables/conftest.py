"""A database for each test, on the Postgres we bring and on the oldest we support; and the ways that a test appends, looks and tampers."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from events import verify as proof
from events.database import Connection, Pool, connect, connected, pool
from events.issuance import IssuanceLog
from events.log import Append, Appended, Log
from events.replay import Checkpoint
from projections import registry
from projections.engine.election import Follower
from service.commands.handle import Ledger
from service.embedded import binaries
from service.embedded.cluster import running
from service.migrations.run import migrate
from service.people.accounts import People
from tests.conftest import FAST, fresh_database, open_directory


def other_binaries() -> Path | None:
    """The programs on which the tests of the log are run too: TEST_POSTGRES_BIN, or the oldest other version that is installed."""
    if named := os.environ.get("TEST_POSTGRES_BIN"):
        return Path(named)
    ours = binaries.find(None, None).major
    installed = [found for path in binaries.SYSTEM.glob("*/bin") if (found := binaries._inspected(path))]
    others = [found for found in installed if found.major >= binaries.OLDEST_MAJOR and found.major != ours]
    return min(others, key=lambda found: found.major).path if others else None


MASTER_KEY = b"k" * 32

EMPTY = """
set session_replication_role = replica;
do $$
declare statement text;
begin
  for statement in select format('delete from %s', oid::regclass) from pg_class
                    where relkind = 'r' and relnamespace in ('log'::regnamespace, 'read'::regnamespace, 'vault'::regnamespace) loop
    execute statement;
  end loop;
end $$;
insert into log.batches select 0, 0, '2000-01-01 00:00:00+00', id, sha256(id) from (select uuid_send(gen_random_uuid()) as id) as genesis;
insert into log.issuance_batches select * from log.batches;
"""


@pytest.fixture(scope="session")
def postgres_other() -> Iterator[str]:
    """A Postgres of one's own, of another major version."""
    other = other_binaries()
    if other is None:
        pytest.skip(f"there is no second Postgres in {binaries.SYSTEM}, and TEST_POSTGRES_BIN names none")
    with open_directory() as place, running(place / "data", binaries=other, settings=FAST) as url:
        asyncio.run(migrate(url))
        yield url


@pytest.fixture(scope="session", params=["postgres", "postgres_other"], ids=["embedded", "other"])
def either_postgres(request: pytest.FixtureRequest) -> str:
    """What asks for this is tested on both servers."""
    return request.getfixturevalue(request.param)


class Emptied:
    """A database that is emptied for each test, with connections that stay: making any of them costs more than most tests.

    A process of the service keeps its connections, too. Its first append takes 20 ms longer, in which Postgres plans.
    """

    def __init__(self, url: str, ledger: Ledger) -> None:
        self.url, self.ledger = url, ledger
        self._superuser: Connection | None = None
        self._reader: Connection | None = None

    async def fresh(self) -> str:
        if self._superuser is None or self._superuser.is_closed():
            self._superuser = await asyncpg.connect(self.url)
        await self._superuser.execute(EMPTY)
        return self.url

    async def reader(self) -> Connection:
        if self._reader is None or self._reader.is_closed():
            self._reader = await connect(self.url)
        return self._reader

    async def close(self) -> None:
        for connection in (self._superuser, self._reader):
            if connection is not None:
                await connection.close()


KEPT: dict[str, Emptied] = {}
"""By URL."""


@asynccontextmanager
async def keeping(url: str) -> AsyncGenerator[Emptied]:
    async with writing(url) as log, pool(url) as connections:
        KEPT[url] = emptied = Emptied(url, Ledger(log, connections))
        yield emptied
        await emptied.close()


@pytest.fixture(scope="session")
async def kept(postgres: str) -> AsyncIterator[Emptied]:
    async with keeping(await fresh_database(postgres)) as emptied:
        yield emptied


@pytest.fixture(scope="session")
async def kept_on_either(either_postgres: str) -> AsyncIterator[Emptied]:
    async with keeping(await fresh_database(either_postgres)) as emptied:
        yield emptied


@pytest.fixture
async def database(kept: Emptied) -> str:
    """A migrated, empty database for one test."""
    return await kept.fresh()


@pytest.fixture
async def either_database(kept_on_either: Emptied) -> str:
    """The same, on each of the two servers."""
    return await kept_on_either.fresh()


@pytest.fixture
async def ledger(database: str) -> AsyncIterator[Ledger]:
    if (kept := KEPT.get(database)) is not None:
        yield kept.ledger
        await kept.ledger.log._batches.idle()
        return
    async with writing(database) as log, pool(database) as connections:
        yield Ledger(log, connections)


@pytest.fixture
def people(ledger: Ledger) -> Iterator[People]:
    people = People(ledger, MASTER_KEY)
    yield people
    people.close()


@pytest.fixture
async def connections(database: str) -> AsyncIterator[Pool]:
    async with pool(database) as connections:
        yield connections


@pytest.fixture
async def follower(database: str) -> AsyncIterator[Follower]:
    """Follows our projections, and has made their tables. It needs a database of its own."""
    made = Follower(registry.catch_up(), database)
    await made.look()
    yield made
    await made.close()


@pytest.fixture
def log(ledger: Ledger) -> Log:
    return ledger.log


@pytest.fixture
async def tokens(database: str) -> AsyncIterator[IssuanceLog]:
    tokens = IssuanceLog(database)
    yield tokens
    await tokens.close()


@pytest.fixture
async def reader(database: str) -> AsyncIterator[Connection]:
    """A connection as the service has them."""
    if (kept := KEPT.get(database)) is not None:
        connection = await kept.reader()
        yield connection
        if connection.is_in_transaction():
            connection.terminate()
        return
    async with connected(database) as connection:
        yield connection


@pytest.fixture
async def superuser(database: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


@asynccontextmanager
async def writing(url: str) -> AsyncGenerator[Log]:
    log = Log(url)
    try:
        yield log
    finally:
        await log.close()


async def appended(log: Log, item: Append) -> Appended:
    """What is appended to an empty stream, or to one at the version that the item expects."""
    outcome = await log.append(item)
    assert isinstance(outcome, Appended), outcome
    return outcome


async def proved(connection: Connection, log: proof.Chained = proof.EVENTS) -> Checkpoint:
    """The head of a log that is whole. Raises Fault."""
    async with connection.transaction(isolation="repeatable_read"):
        *_, head = [reached async for reached in proof.verify(connection, log)]
    return head


async def column(connection: Connection, query: str, *arguments: Any) -> list[Any]:
    return [row[0] for row in await connection.fetch(query, *arguments)]


@pytest.fixture(scope="module", autouse=True)
def _cheap_passwords(cheap_passwords: None) -> None:
    """For every test here."""
