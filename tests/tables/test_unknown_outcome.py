"""The connection is lost while an append is on its way: nobody is told anything that the log does not bear out, and nothing is in it twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import asyncpg
import pytest

from events.database import Connection, Unavailable
from events.log import Append, Appended, Conflict, Duplicate, Log
from service.crypto.credentials import new_id
from tests.patience import PATIENCE
from tests.tables.conftest import appended, column, connected, proved, writing
from tests.tables.items import item

KILLS = 25
WORKERS = 24
STEP = 17
"""A kill comes after 0, 17, .. 119 more answers."""
WRITERS = "select pid from pg_stat_activity where datname = current_database() and query like '%log.append(%' and pid <> pg_backend_pid()"
KILL_IN_FLIGHT = f"select pg_terminate_backend(pid) from ({WRITERS} and state = 'active') as writing"
WAITING = f"{WRITERS} and wait_event_type = 'Lock'"
LOOKING = """
select pid from pg_stat_activity
 where datname = current_database() and wait_event_type = 'Lock' and query = 'select pg_advisory_xact_lock(4701)'
"""
REQUESTS = "select convert_from(meta, 'UTF8')::json ->> 'request_id' from log.events order by position"


class Wire:
    """A way to the server that can swallow the answer to a request that was carried out, and end there; or fall silent and not end."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self.swallowing = False
        self.swallowed = 0
        self.silent_on: list[bytes] = []
        """What the next connections to fall silent have asked, or b"" for whatever they have."""
        self.then: Callable[[], None] = lambda: None
        """What is done once the last of them has."""

    async def carry(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        server_in, server_out = await asyncio.open_unix_connection(self._server)
        silent = asyncio.Event()
        there = asyncio.create_task(self._there(client_in, server_out, silent))
        while answer := await server_in.read(1 << 16):
            if silent.is_set():
                continue
            if self.swallowing:
                self.swallowed += 1
                self.swallowing = False
                break
            client_out.write(answer)
        if silent.is_set():
            await there  # not even its end is told
        there.cancel()
        server_out.close()
        client_out.transport.abort()

    async def _there(
        self, client_in: asyncio.StreamReader, server_out: asyncio.StreamWriter, silent: asyncio.Event
    ) -> None:
        while request := await client_in.read(1 << 16):
            if self.silent_on and self.silent_on[0] in request:
                del self.silent_on[0]
                silent.set()
                if not self.silent_on:
                    self.then()
            server_out.write(request)
        server_out.close()


@asynccontextmanager
async def wire_to(url: str, place: Path) -> AsyncGenerator[tuple[Wire, str]]:
    """A wire, and the URL that leads through it."""
    parts = urlsplit(url)
    name = f".s.PGSQL.{parse_qs(parts.query)['port'][0]}"
    wire = Wire(Path(parse_qs(parts.query)["host"][0]) / name)
    server = await asyncio.start_unix_server(wire.carry, place / name)
    try:
        yield wire, urlunsplit((parts.scheme, parts.netloc, parts.path, f"host={quote(str(place))}&port=5432", ""))
    finally:
        server.close()


@asynccontextmanager
async def locked(url: str) -> AsyncGenerator[None]:
    """Nobody can append meanwhile."""
    async with connected(url) as holder, holder.transaction():
        await holder.execute("select pg_advisory_xact_lock(4701)")
        yield


async def until(connection: Connection, query: str) -> None:
    """Waits until the query has rows."""
    async with asyncio.timeout(PATIENCE):
        while not await connection.fetch(query):
            await asyncio.sleep(0.002)


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """(A socket's path may have about a hundred characters.)"""
    return tmp_path_factory.mktemp("wire")


async def test_what_was_committed_is_answered_although_the_answer_was_lost(database, place, reader):
    async with wire_to(database, place) as (wire, url), writing(url) as log:
        await appended(log, item(new_id()))
        wire.swallowing = True
        outcomes = await asyncio.gather(*(log.append(item(new_id(), 0, 2)) for _ in range(3)))
        assert wire.swallowed == 1
    assert outcomes == [Appended(3, 2), Appended(5, 2), Appended(7, 2)]
    assert await column(reader, "select position from log.events order by 1") == [1, 2, 3, 4, 5, 6, 7]
    await proved(reader)


async def test_refusals_whose_answer_was_lost_are_found_out_again(database, place, reader):
    async with wire_to(database, place) as (wire, url), writing(url) as log:
        stream, command = new_id(), new_id()
        await appended(log, item(stream, 0, 2, command=command))
        wire.swallowing = True
        asked = [item(stream, 1, request_id="mine"), item(new_id(), command=command), item(new_id())]
        outcomes = await asyncio.gather(*map(log.append, asked))
        assert wire.swallowed == 1
    assert outcomes == [Conflict(2), Duplicate(2), Appended(3, 1)]
    assert await column(reader, "select count(*) from log.events") == [3]


async def test_a_command_whose_answer_was_lost_is_kept_once(database, place, reader):
    command = new_id()
    async with wire_to(database, place) as (wire, url), writing(url) as log:
        await appended(log, item(new_id()))
        wire.swallowing = True
        assert await log.append(item(new_id(), command=command)) == Appended(2, 1)
        assert await log.append(item(new_id(), command=command)) == Duplicate(2)
    assert await column(reader, "select command_id from log.commands") == [command]


async def test_a_connection_that_says_nothing_more_counts_as_lost_and_what_became_of_it_is_found_out(
    database, place, reader, monkeypatch
):
    """As when the host of the old primary vanished without a word: no end of the connection ever arrives."""
    async with wire_to(database, place) as (wire, url), writing(url) as log:
        await appended(log, item(new_id()))
        monkeypatch.setattr("events.database.ANSWER_SECONDS", 0.5)
        wire.silent_on, wire.then = [b""], monkeypatch.undo
        async with asyncio.timeout(PATIENCE):
            outcomes = await asyncio.gather(*(log.append(item(new_id())) for _ in range(3)))
        assert wire.silent_on == []
        assert await log.append(item(new_id())) == Appended(5, 1), "and goes on"
    assert outcomes == [Appended(2, 1), Appended(3, 1), Appended(4, 1)]
    assert await column(reader, "select position from log.events order by 1") == [1, 2, 3, 4, 5]


async def test_a_connection_that_falls_silent_while_that_is_found_out_promises_nothing(
    database, place, reader, monkeypatch
):
    async with wire_to(database, place) as (wire, url):
        log = Log(url)
        await appended(log, item(new_id()))
        monkeypatch.setattr("events.database.ANSWER_SECONDS", 0.5)
        wire.silent_on, wire.then = [b"", b"pg_advisory_xact_lock(4701)"], monkeypatch.undo
        try:
            async with asyncio.timeout(PATIENCE):
                with pytest.raises(Unavailable):
                    await log.append(item(new_id()))
                assert wire.silent_on == []
                assert await log.append(item(new_id())) == Appended(3, 1), "and goes on"
        finally:
            if log._batches._running is not None:
                log._batches._running.cancel()
            await log.close()
    assert await column(reader, "select position from log.events order by 1") == [1, 2, 3]


async def test_what_somebody_else_appended_meanwhile_is_not_taken_for_ones_own(database, place, reader):
    async with wire_to(database, place) as (wire, url), writing(url) as log, writing(database) as other:
        stream = new_id()
        await appended(log, item(new_id()))
        await appended(other, item(stream, request_id="somebody else's"))
        wire.swallowing = True
        assert await log.append(item(stream, request_id="mine")) == Conflict(1)
    assert await column(reader, REQUESTS) == ["test", "somebody else's"]


async def test_a_writer_that_dies_before_its_turn_appends_after_all_and_once(database, log, reader, superuser):
    await appended(log, item(new_id()))
    async with locked(database):
        asked = [asyncio.create_task(log.append(item(new_id()))) for _ in range(3)]
        await until(superuser, WAITING)
        await superuser.execute(f"select pg_terminate_backend(pid) from ({WAITING}) as waiting")
    assert [await task for task in asked] == [Appended(2, 1), Appended(3, 1), Appended(4, 1)]
    assert await column(reader, "select count(*) from log.events") == [4]


async def test_a_writer_that_dies_twice_promises_nothing(database, log, reader, superuser):
    await appended(log, item(new_id()))
    async with locked(database):
        asked = asyncio.create_task(log.append(item(new_id())))
        await until(superuser, WAITING)
        await superuser.execute(f"select pg_terminate_backend(pid) from ({WAITING}) as waiting")
        await until(superuser, LOOKING)
        await superuser.execute(f"select pg_terminate_backend(pid) from ({LOOKING}) as looking")
        with pytest.raises(Unavailable):
            await asked
    assert await column(reader, "select count(*) from log.events") == [1]
    assert await log.append(item(new_id())) == Appended(2, 1), "and goes on"


async def test_a_commit_that_the_synchronous_replica_did_not_confirm_is_not_acknowledged(database, superuser):
    name = await superuser.fetchval("select quote_ident(current_database())")
    await superuser.execute(f"alter database {name} set synchronous_commit = on")
    await superuser.execute("alter system set synchronous_standby_names = 'nobody'")
    async with writing(database) as log:  # its session begins with these settings
        try:
            await superuser.execute("select pg_reload_conf()")
            await until(superuser, "select 1 where current_setting('synchronous_standby_names') = 'nobody'")
            asked = asyncio.create_task(log.append(item(new_id())))
            waiting = f"{WRITERS} and wait_event = 'SyncRep'"
            await until(superuser, waiting)
            await superuser.execute(f"select pg_cancel_backend(pid) from ({waiting}) as waiting")
            with pytest.raises(Unavailable, match="not confirmed"):
                await asked
        finally:
            await superuser.execute("alter system reset synchronous_standby_names")
            await superuser.execute(f"alter database {name} reset synchronous_commit")
            await superuser.execute("select pg_reload_conf()")
    await until(superuser, "select 1 where current_setting('synchronous_standby_names') = ''")
    async with writing(database) as another:  # a session that began with the former settings keeps one of them
        assert isinstance(await another.append(item(new_id())), Appended)


class Load:
    """Appends without end, each answered or not, until told to stop."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.answered: list[tuple[Append, Appended | Unavailable]] = []
        self.stopped = False

    async def work(self, number: int) -> None:
        turn = 0
        while not self.stopped:
            turn += 1
            asked = item(
                new_id(), 0, 1 + turn % 3, request_id=f"{number} {turn}", command=new_id() if turn % 4 == 0 else None
            )
            try:
                outcome = await self._log.append(asked)
            except Unavailable as fault:
                self.answered.append((asked, fault))
            else:
                assert isinstance(outcome, Appended), outcome
                self.answered.append((asked, outcome))


async def test_every_answered_append_is_in_the_log_exactly_once_however_often_its_writer_is_killed(either_database):
    async with writing(either_database) as log, connected(either_database) as reader:
        superuser = await asyncpg.connect(either_database)
        load = Load(log)
        workers = [asyncio.create_task(load.work(number)) for number in range(WORKERS)]
        async with asyncio.timeout(PATIENCE):
            for kill in range(KILLS):
                enough = len(load.answered) + STEP * (kill % 8)  # at other moments of a batch each time
                while len(load.answered) < enough or not await superuser.fetch(KILL_IN_FLIGHT):
                    await asyncio.sleep(0.0005)
        load.stopped = True
        await asyncio.gather(*workers)
        await superuser.close()
        rows = await reader.fetch(
            "select stream_id, max(version) as version, max(position) as position from log.events group by 1"
        )
        in_log, requests = {row["stream_id"]: row for row in rows}, Counter(await column(reader, REQUESTS))
        head = await proved(reader)
        assert await column(reader, "select position from log.events order by 1") == list(range(1, head.position + 1))

    acknowledged = [(asked, outcome) for asked, outcome in load.answered if isinstance(outcome, Appended)]
    assert len(acknowledged) > STEP * KILLS
    for asked, outcome in acknowledged:
        row = in_log[asked.stream]
        assert (row["version"], row["position"]) == (outcome.version, outcome.position)
    for asked, _ in load.answered:
        assert requests[asked.meta.request_id] in (0, len(asked.events)), "all of it or nothing, and never twice"
