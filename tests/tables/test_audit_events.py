"""What finds events: every filter finds exactly the events that it names, page by page, whatever the table or the log alone says."""

from contextlib import suppress
from typing import Any

import pytest

from events.codec import Recorded
from events.database import Connection, pool
from events.envelope import ByClient, ByOperator, ByService, ByUser, Meta
from events.extent import Extent
from events.replay import COLUMNS, head, pages
from projections import audit_events
from projections.audit_events import Row, Wanted
from projections.engine.election import Follower
from service.commands.handle import Ledger, handle
from service.crypto.credentials import new_id
from service.refusals import DomainRefusal
from tests.conftest import fresh_database
from tests.rules.commands import EVERYTHING
from tests.rules.lives import LIVES
from tests.tables.conftest import connected, writing
from tests.tables.plans import most_rows
from tests.tables.test_projections import agreed, unique

USER = new_id()
METAS = [
    Meta(actor=ByClient(client_id="oauth_client_" + "1" * 32, sub="alice"), request_id="r1", address="192.0.2.1"),
    Meta(actor=ByClient(client_id="alice", sub="alice"), request_id="r2"),  # found once, though by both of its names
    Meta(actor=ByUser(user_id=USER, session=new_id()), request_id="r3", address="2001:db8::1"),
    Meta(actor=ByOperator(user="root"), request_id="r1"),
    Meta(actor=ByService(why="x"), request_id="r4"),
]


@pytest.fixture(scope="module")
async def filled(postgres: str) -> str:
    """A database in which everything has happened, to its ends, and the projection has followed."""
    database = await fresh_database(postgres)
    async with writing(database) as log, pool(database) as connections:
        ledger, number = Ledger(log, connections), 0
        for kind, lives in LIVES.items():
            for commands in lives:
                stream = new_id()
                for command in commands:
                    number += 1
                    meta = METAS[number % len(METAS)]
                    with suppress(DomainRefusal):
                        await handle(ledger, EVERYTHING[kind].aggregate, stream, unique(command, stream), meta)
    follower = Follower([audit_events.PROJECTION], database)
    await follower.look()
    await follower.close()
    return database


async def everything(connection: Connection) -> tuple[list[Recorded], list[Row]]:
    end = (await head(connection)).position
    entries = [past async for page in pages(connection, after=0, upto=end) for past in page]
    return entries, await audit_events.rows_of(connection, entries)


def each_value(rows: list[Row], *names: str) -> list[Any]:
    return sorted({getattr(row, name) for row in rows for name in names} - {None})


async def found(connection: Connection, wanted: Wanted, size: int, *, newest_first: bool) -> list[int]:
    """The positions of all pages of this size."""
    positions: list[int] = []
    after, upto = 0, 10**9
    while True:
        extent = Extent(after=after, upto=upto, limit=size, newest_first=newest_first)
        page = [past.position for past in await audit_events.find(connection, wanted, extent)]
        positions += page
        if len(page) < size:
            return positions
        after, upto = (after, page[-1] - 1) if newest_first else (page[-1], upto)


async def test_each_filter_finds_the_events_that_it_names_in_both_orders_and_in_pages(filled: str):
    async with connected(filled) as connection:
        _, rows = await everything(connection)
        filters: list[Wanted] = [
            Wanted(),
            Wanted(types=tuple(sorted({row.type for row in rows}))),
            *(Wanted(types=(kind,)) for kind in each_value(rows, "type")),
            *(Wanted(stream_id=stream) for stream in each_value(rows, "stream_id")),
            *(Wanted(client=client) for client in each_value(rows, "client")),
            *(Wanted(bot=bot) for bot in each_value(rows, "bot")),
            *(Wanted(user_id=user) for user in each_value(rows, "user_id")),
            *(Wanted(actor=name) for name in each_value(rows, "actor", "agent")),
            *(Wanted(request_id=request) for request in each_value(rows, "request_id")),
            *(Wanted(address=address) for address in each_value(rows, "address")),
            Wanted(actor="alice", types=("client.registered", "bot.registered", "user.registered")),
            Wanted(client=new_id()),
            Wanted(without=("client.registered", "user.registered")),
            Wanted(actor="alice", without=("client.registered",)),
            Wanted(types=("client.registered", "bot.registered"), without=("client.registered",)),
        ]
        for wanted in filters:
            expected = [row.position for row in rows if wanted.wants(row)]
            assert await found(connection, wanted, 3, newest_first=False) == expected
            assert await found(connection, wanted, 1000, newest_first=True) == expected[::-1]


@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_plan_that_is_made_once_walks_an_index_as_far_as_the_page_goes(
    superuser: Connection, newest_first: bool
):
    """It is the plan for any extent, of a table whose rows were not counted yet."""
    await superuser.execute(
        "create temp table many (like log.events including indexes); alter table many alter leaf drop not null"
    )
    await superuser.execute("create index on many (type, position)")
    await superuser.execute(
        f"insert into many ({COLUMNS})"
        " select n, now(), gen_random_uuid(), 1, 1, 'client.disabled', '', '' from generate_series(1, 3000) as n"
    )
    for wanted in (Wanted(), Wanted(types=("client.disabled",))):
        extent = Extent(after=0, upto=10**9, limit=101, newest_first=newest_first)
        statement, values = audit_events.page(wanted, extent)
        statement = statement.replace("log.events", "many").replace("read.audit_events", "many")
        assert await most_rows(superuser, statement, extent.after, extent.upto, *values) == 101


async def test_later_events_concern_whom_the_first_of_their_stream_concerned(filled: str):
    async with connected(filled) as connection:
        entries, rows = await everything(connection)
        by_type = {row.type: row for row in rows}
        for first, later, name in (
            ("authorization.granted", "authorization.revoked", "client"),
            ("authorization.granted", "authorization.revoked", "user_id"),
            ("session.started", "session.ended", "user_id"),
            ("consent.given", "consent.withdrawn", "user_id"),
        ):
            assert getattr(by_type[first], name) is not None
            assert getattr(by_type[later], name) == getattr(by_type[first], name)
        assert by_type["user.erased"].user_id == by_type["user.erased"].stream_id
        stored = await connection.fetch("select * from read.audit_events order by position")
        assert [dict(each) for each in stored] == [
            {name: getattr(row, name) for name in Row.__struct_fields__} for row in rows
        ]
        assert len(entries) == len(rows)
    await agreed(filled, "audit_events")
