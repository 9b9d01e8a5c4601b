"""The histories as tables: by position and by time, followed, verified and rebuilt like any other projection."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from events.client import ClientDeleted, ClientDisabled
from events.database import Connection, pool
from events.log import Append
from events.replay import head, pages
from projections import as_of, client_history, client_lists, user_history
from projections.as_of import Behind, Wanted
from projections.engine.election import Follower
from projections.history import named
from service.commands.handle import CLIENT, Ledger
from service.crypto.credentials import new_id
from tests.conftest import fresh_database
from tests.rules.commands import EVERYTHING
from tests.rules.lives import LIVES
from tests.rules.samples import REGISTERED, RESTORED
from tests.rules.test_history import HISTORIES
from tests.tables.conftest import appended, connected, writing
from tests.tables.items import meta, renamed
from tests.tables.test_projections import agreed, carried_out


@pytest.fixture
async def database(postgres: str) -> str:
    """Of its own, for the engine creates tables in it."""
    return await fresh_database(postgres)


async def follow(database: str) -> None:
    follower = Follower([history.catch_up() for history in HISTORIES.values()], database)
    await follower.look()
    await follower.close()


async def expected(connection: Connection, history: Any, position: int) -> list[Any]:
    """What the log up to this position makes of each stream, in the order of streams."""
    streams: dict[Any, list[Any]] = {}
    async for page in pages(connection, after=0, upto=position):
        for past in page:
            if past.type in history.table.tags:
                streams.setdefault(past.stream_id, []).append(past.event)
    rows = ((stream, history.table.fold(stream, events)) for stream, events in sorted(streams.items()))
    return [history.keep(row) for _, row in rows if row is not None]


async def test_what_is_read_as_of_each_position_is_what_the_log_up_to_there_makes(database):
    async with writing(database) as log, pool(database) as connections, connected(database) as connection:
        for kind, lives in LIVES.items():
            for commands in lives:
                await carried_out(Ledger(log, connections), EVERYTHING[kind].aggregate, new_id(), commands)
        await follow(database)
        end = (await head(connection)).position
        for history in HISTORIES.values():
            await as_of.check(connection, history, end)
            for position in (0, *range(1, end, 7), end):
                then = await expected(connection, history, position)
                wanted = Wanted(position=position, after=None, limit=1000)
                assert [history.keep(row) for row in await as_of.listed(connection, history, wanted)] == then
                for row in then:
                    found = await as_of.find(connection, history, row.stream_id, position)
                    assert found is not None
                    assert history.keep(found) == row
            of_nobody, to_come = (new_id(), end), (new_id(), end + 1)
            at_once = [(row.stream_id, at) for row in await expected(connection, history, end) for at in (end, 1)]
            *found, nobody, not_yet = await as_of.found_at(connection, history, [*at_once, of_nobody, to_come])
            assert found == [await as_of.find(connection, history, *each) for each in at_once]
            assert nobody is None
            assert str(not_yet) == f"The projection {history.name} is at position {end}."
            await agreed(database, history.name)
        with pytest.raises(Behind, match=f"The projection user_history is at position {end}"):
            await as_of.check(connection, user_history.HISTORY, end + 1)


async def test_a_page_as_of_a_position_has_only_what_its_filters_ask_for(database, log):
    history = client_history.HISTORY
    streams = [new_id() for _ in range(5)]
    then = 0
    for number, stream in enumerate(streams):
        event = REGISTERED.__replace__(owner="ada" if number else "bob", display_name=f"Loom {number}")
        then = (await appended(log, Append(stream=stream, expected=0, events=[event], meta=meta()))).position
    await appended(log, Append(stream=streams[3], expected=1, events=[ClientDisabled()], meta=meta()))
    await appended(log, Append(stream=streams[4], expected=1, events=[ClientDeleted(owner="ada")], meta=meta()))
    await follow(database)
    async with connected(database) as connection:

        async def numbers(position: int, after: Any = None, limit: int = 9, **filters: Any) -> list[int]:
            conditions = {CONDITIONS[name]: value for name, value in filters.items()}
            wanted = Wanted(position=position, after=after, limit=limit, filters=conditions)
            return [streams.index(row.stream_id) for row in await as_of.listed(connection, history, wanted)]

        assert await numbers(then) == [0, 1, 2, 3, 4]
        assert await numbers(then + 2) == [0, 1, 2, 3]
        assert await numbers(then, owner=named("ada"), limit=2) == [1, 2]
        assert await numbers(then, owner=named("ada"), after=streams[2]) == [3, 4]
        assert await numbers(then, state="disabled") == []
        assert await numbers(then + 1, state="disabled") == [3]
        assert await numbers(then + 1, name="LOOM 1", owner=named("ada")) == [1]
        assert await numbers(then - 2, name="loom") == [0, 1, 2]


async def test_a_text_is_found_in_the_name_or_in_the_client_id_but_not_across_both_now_as_then(database, log):
    stream = new_id()
    event = REGISTERED.__replace__(client_id="Ada-1", display_name="Loom")
    change = CLIENT.table.change(stream, [event])
    then = await appended(log, Append(stream=stream, expected=0, events=[event], meta=meta(), changes=(change,)))
    await follow(database)
    async with connected(database) as connection:
        for text, found in (("loom", [stream]), ("ADA", [stream]), ("m a", []), ("m ada", []), ("weft", [])):
            wanted = client_lists.Wanted(text=text)
            past = Wanted(position=then.position, after=None, limit=9, filters=client_history.filters(wanted))
            assert [
                row.stream_id for row in await client_lists.listed(connection, wanted, client_lists.WHOLE, limit=9)
            ] == found
            assert [row.stream_id for row in await as_of.listed(connection, client_history.HISTORY, past)] == found


READ = "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'client_history'"


async def test_a_list_of_deleted_clients_reads_what_was_deleted_and_not_every_version_of_every_client(database, log):
    gone, lived, restored = new_id(), new_id(), new_id()
    of_bob = REGISTERED.__replace__(owner="bob", display_name="Loom")
    for stream, events in (
        (gone, [of_bob, renamed("Weft"), ClientDeleted(owner="bob")]),
        (lived, [REGISTERED, *(renamed(str(number)) for number in range(1999))]),
        (restored, [of_bob, ClientDeleted(owner="bob"), RESTORED.__replace__(owner="bob")]),
    ):
        await appended(log, Append(stream=stream, expected=0, events=events, meta=meta()))
    await follow(database)
    async with connected(database) as connection:
        await connection.execute("analyze read.client_history")
        for wanted, found in (
            (client_lists.Wanted(), [gone]),
            (client_lists.Wanted(owner="bob"), [gone]),
            (client_lists.Wanted(owner="alice"), []),
            (client_lists.Wanted(text="weft"), [gone]),
            (client_lists.Wanted(owner="bob", text="LOOM"), []),
        ):
            async with connection.transaction():
                filters = client_history.filters_of_deleted(wanted)
                asked = Wanted(position=0, after=None, limit=9, filters=filters, newest_first=True)
                rows = await as_of.deleted(connection, client_history.HISTORY, asked)
                assert [row.stream_id for row in rows] == found
                assert await connection.fetchval(READ) < 20


CONDITIONS = {
    "owner": "owner = {}::uuid",
    "state": "state = {}::text",
    "name": "strpos(lower(display_name), lower({}::text)) > 0",
}


async def test_a_time_stands_for_the_last_batch_that_was_recorded_by_then(database, log):
    stream = new_id()
    for version, event in enumerate([REGISTERED, *(renamed(str(number)) for number in range(9))]):
        await appended(log, Append(stream=stream, expected=version, events=[event], meta=meta()))
    await appended(log, Append(stream=new_id(), expected=0, events=[REGISTERED, renamed("two")], meta=meta()))
    microsecond = timedelta(microseconds=1)
    async with connected(database) as connection:
        batches = await connection.fetch("select last_position, recorded_at from log.batches order by last_position")
        assert [row["last_position"] for row in batches] == [*range(11), 12]
        for before, (position, at) in zip([0, *(row["last_position"] for row in batches)], batches, strict=False):
            assert await as_of.position_of(connection, at) == position
            assert await as_of.position_of(connection, at - microsecond) == before
        assert await as_of.position_of(connection, datetime(1980, 1, 1, tzinfo=UTC)) == 0
        assert await as_of.position_of(connection, datetime.now(UTC)) == 12
        assert await as_of.position_of(connection, datetime.now(UTC) + timedelta(days=1)) is None


async def test_batches_of_one_microsecond_count_as_one_moment(database, log, superuser):
    for _ in range(3):
        await appended(log, Append(stream=new_id(), expected=0, events=[REGISTERED], meta=meta()))
    await superuser.execute(
        "set session_replication_role = replica;"
        "update log.batches set recorded_at = (select recorded_at from log.batches where last_position = 1) where last_position = 2"
    )
    async with connected(database) as connection:
        at = await connection.fetchval("select recorded_at from log.batches where last_position = 1")
        assert await as_of.position_of(connection, at) == 2
