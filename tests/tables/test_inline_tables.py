"""Several inline tables follow one event: each has its own row in the same transaction, and is rebuilt and verified by itself."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from msgspec import Struct

from events.client import ClientDeleted, ClientRegistered
from events.codec import tags
from events.database import connected
from projections import registry
from projections.client_lists import Standing
from projections.engine import refold
from projections.engine.rebuild import rebuild
from projections.table import Table
from service.commands.authority import EVERYBODY
from service.commands.client import DeleteClient, DisableClient, RegisterClient
from service.commands.handle import CLIENT, Ledger, handle
from service.crypto.credentials import new_id
from service.reactions.client_deletion import delete_clients
from tests.conftest import fresh_database
from tests.rules.samples import AT, REGISTERED, SECRET
from tests.tables.conftest import column
from tests.tables.items import meta
from tests.tables.test_projections import agreed, silent


class Row(Struct, frozen=True, kw_only=True):
    stream_id: UUID
    bot: str | None
    owner: str


def project(_row: Row | None, stream: UUID, event: Any) -> Row | None:
    match event:
        case ClientRegistered():
            return Row(stream_id=stream, bot=event.grant.bot_user_id, owner=event.owner)
        case ClientDeleted():
            return None
        case _:
            raise AssertionError(event)  # it does not follow this event


OWNERS = Table(name="owners", row=Row, tags=tags(ClientRegistered | ClientDeleted), project=project)
MIGRATION = """
create table read.owners (stream_id uuid not null primary key, bot text unique, owner text not null);
alter table read.owners owner to muniment_service;
call log.generate_project();
"""


@pytest.fixture
async def database(postgres: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """With a second table that follows client.registered."""
    for tables in (registry.PROJECTIONS, registry.INLINE):
        monkeypatch.setitem(tables, OWNERS.name, OWNERS)
    remembered = registry._following.__wrapped__  # what was remembered before knows nothing of the second table
    monkeypatch.setattr(registry, "_following", remembered)
    url = await fresh_database(postgres)
    migrating = await asyncpg.connect(url)
    await migrating.execute(MIGRATION)
    await migrating.close()
    return url


async def registered(ledger: Ledger, bot: str) -> UUID:
    stream, grant = new_id(), REGISTERED.grant.__replace__(bot_user_id=bot)
    command = RegisterClient(
        owner="alice", grant=grant, display_name=None, redirect_uris=(), scopes=(), secret=SECRET, at=AT
    )
    await handle(ledger, CLIENT, stream, command, meta(), fresh=True)
    return stream


async def test_two_tables_follow_one_event_and_each_is_what_the_log_makes_of_it(database, ledger, reader):
    kept, disabled, deleted, many = [await registered(ledger, f"bot {n}") for n in range(4)]
    await handle(ledger, CLIENT, disabled, DisableClient(by=EVERYBODY), meta())
    await handle(ledger, CLIENT, deleted, DeleteClient(by=EVERYBODY), meta())
    await delete_clients(ledger, [Standing(many, 1)], EVERYBODY, meta())
    for table in ("clients", "owners"):
        query = f"select stream_id from read.{table} order by stream_id"
        assert await column(reader, query) == [kept, disabled]
        await agreed(database, table)
        await rebuild(database, table, silent)
        assert await column(reader, query) == [kept, disabled]
        await agreed(database, table)
    assert await column(reader, "select stream_id from read.owners where bot = 'bot 1'") == [disabled]


async def test_rows_that_are_new_changed_and_removed_at_one_time_are_what_the_log_makes_of_them(
    database, ledger, reader
):
    changed, removed = [await registered(ledger, f"bot {n}") for n in range(2)]
    new, _, _ = await asyncio.gather(
        registered(ledger, "bot 2"),
        handle(ledger, CLIENT, changed, DisableClient(by=EVERYBODY), meta()),
        handle(ledger, CLIENT, removed, DeleteClient(by=EVERYBODY), meta()),
    )
    states = "select stream_id, state from read.clients order by stream_id"
    assert [tuple(row) for row in await reader.fetch(states)] == [(changed, "disabled"), (new, "active")]
    for table in ("clients", "owners"):
        await agreed(database, table)


async def test_a_table_that_follows_some_events_of_a_stream_is_folded_again_from_these_alone(database, ledger):
    stream = await registered(ledger, "bot")
    await handle(ledger, CLIENT, stream, DisableClient(by=EVERYBODY), meta())
    async with connected(database) as writer:
        await refold.refold(writer, OWNERS, [stream], into="owners")
    assert (await agreed(database, "owners")).rows == 1


async def test_a_table_that_comes_later_is_filled_by_a_rebuild(database, ledger, superuser):
    stream = await registered(ledger, "bot")
    await superuser.execute("delete from read.owners")
    await rebuild(database, "owners", silent)
    assert await column(superuser, "select stream_id from read.owners") == [stream]
    assert await column(superuser, "select owner from read.owners") == ["alice"]
