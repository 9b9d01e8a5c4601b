"""Deleting many clients at once: few commits, each client once, and whatever else is asked for goes on."""

import asyncio

import pytest

from events.client import ClientCredentials
from events.database import Connection, pool
from events.ids import bot_id_of
from events.log import Append, Log
from projections import causes, client_lists
from projections.client_lists import Standing
from service.commands.authority import EVERYBODY
from service.commands.handle import BOT, CLIENT, Ledger
from service.crypto.credentials import new_id
from service.reactions import client_deletion
from service.reactions.client_deletion import delete_clients
from tests.rules.samples import BOT_DELETED, BOT_REGISTERED, DISABLED, REGISTERED
from tests.tables.items import meta

MANY = 450


async def registered(log: Log, owner: str, count: int) -> None:
    async def register(number: int) -> None:
        events = [REGISTERED.__replace__(owner=owner), *[DISABLED] * (number % 2)]
        stream = new_id()
        change = CLIENT.table.change(stream, events)
        await log.append(Append(stream=stream, expected=0, events=events, meta=meta(), changes=(change,)))

    await asyncio.gather(*map(register, range(count)))


async def test_many_are_deleted_with_one_commit_for_hundreds_and_nobody_else_s(
    database: str, log: Log, reader: Connection
):
    await registered(log, "ann", MANY)
    await registered(log, "bob", 1)
    before = await reader.fetchval("select count(*) from log.batches")
    async with pool(database) as connections:
        deleted = await delete_clients(
            Ledger(log, connections), await client_lists.of_owner(reader, "ann"), EVERYBODY, meta()
        )
        nothing = await delete_clients(Ledger(log, connections), [], EVERYBODY, meta())
    assert deleted.count == MANY
    assert deleted.position == await reader.fetchval("select max(last_position) from log.batches")
    assert await reader.fetchval("select count(*) from log.batches") <= before + 6
    assert await reader.fetchval("select array_agg(owner) from read.clients") == ["bob"]
    assert (nothing.count, nothing.position) == (0, None)


async def test_two_who_delete_the_same_delete_each_once_and_what_happens_meanwhile_is_no_hindrance(
    database: str, log: Log, reader: Connection
):
    await registered(log, "ann", MANY)
    own = await client_lists.of_owner(reader, "ann")
    async with pool(database) as connections:
        ledger = Ledger(log, connections)
        both = await asyncio.gather(*(delete_clients(ledger, own, EVERYBODY, meta()) for _ in range(2)))
    assert sum(deleted.count for deleted in both) == MANY
    assert await reader.fetchval("select count(*) from log.events where type = 'client.deleted'") == MANY
    assert await reader.fetchval("select count(*) from read.clients") == 0


async def test_the_deletion_of_a_bot_is_the_cause_of_that_of_the_clients_that_it_still_has(
    log: Log, reader: Connection
):
    bot, client = new_id(), new_id()
    grant = ClientCredentials(bot_user_id=bot_id_of(bot))
    for stream, aggregate, events in (
        (client, CLIENT, [REGISTERED.__replace__(grant=grant)]),
        (bot, BOT, [BOT_REGISTERED, BOT_DELETED]),
    ):
        change = aggregate.table.change(stream, events)
        await log.append(Append(stream=stream, expected=0, events=events, meta=meta(), changes=(change,)))
    assert [one.stream_id for one in await client_lists.of_deleted_bots(reader)] == [client]
    assert await causes.of_bot(reader, client) == 3


@pytest.mark.parametrize(
    ("versions", "sizes"),
    [
        ([], []),
        ([1] * 200, [200]),
        ([1] * 201, [200, 1]),
        ([5_000, 5_000, 1], [1, 1, 1]),
        ([9_000, 1], [1, 1]),
        ([2_500, 2_500, 1], [2, 1]),
    ],
)
def test_a_batch_has_so_many_clients_and_so_many_events_at_most(versions: list[int], sizes: list[int]):
    batches = list(client_deletion._batches([Standing(new_id(), version) for version in versions]))
    assert [len(batch) for batch in batches] == sizes
    assert [one.version for batch in batches for one in batch] == versions
