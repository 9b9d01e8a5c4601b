"""The engine of the catch-up projections: one process follows, versions stand side by side, and one that stops holds up no other."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct

from events.client import ClientDeleted, ClientDisabled, ClientRegistered
from events.codec import Recorded
from events.database import Connection
from events.log import Append, Log
from events.replay import Checkpoint
from projections import issuance_tiles, last_used, registry
from projections.catch_up import CatchUp, Source, events
from projections.engine import bulk, checkpoints, election, entries, follow, pace
from projections.engine.checkpoints import OtherVersion, install
from projections.engine.election import Follower
from projections.engine.follow import step
from projections.engine.hastening import hasten
from projections.engine.pace import AT_ONCE, SERVING, IdleTime, Pace
from projections.engine.rebuild import rebuild
from projections.engine.status import Status, statuses
from projections.engine.verify import verify
from service.crypto.credentials import new_id
from tests.conftest import fresh_database
from tests.patience import PATIENCE
from tests.rules.samples import REGISTERED
from tests.tables import clients_by_owner
from tests.tables.conftest import appended, column, connected
from tests.tables.items import meta
from tests.tables.test_issuance import issue
from tests.tables.test_projections import agreed, silent

BY_OWNER = clients_by_owner.PROJECTION
OWNERS = "select owner, clients from read.clients_by_owner"


class Seen(Struct, frozen=True, kw_only=True):
    stream_id: UUID
    events: int


def counted(entry: Recorded, find: Callable[..., Seen | None]) -> Iterable[Seen]:
    row = find(entry.stream_id)
    yield Seen(stream_id=entry.stream_id, events=row.events + 1 if row else 1)


COUNTS = CatchUp(
    name="counts",
    version=1,
    follows=events(ClientRegistered | ClientDisabled),
    row=Seen,
    key=("stream_id",),
    project=counted,
)


class Named(Struct, frozen=True, kw_only=True):
    name: bytes
    last: bytes | None


def in_bytes(entry: Recorded, find: Callable[..., Named | None]) -> Iterable[Named]:
    row = find(entry.stream_id.bytes)
    yield Named(name=entry.stream_id.bytes, last=row and (row.last or b"") + entry.meta_bytes * 30)


BYTES = CatchUp(
    name="in_bytes",
    version=1,
    follows=events(ClientRegistered | ClientDisabled),
    row=Named,
    key=("name",),
    project=in_bytes,
)


@pytest.fixture
async def database(postgres: str) -> str:
    """Of its own, for the engine creates tables in it."""
    return await fresh_database(postgres)


@pytest.fixture
async def followed_by(database: str) -> AsyncIterator[Callable[..., Follower]]:
    made: list[Follower] = []

    def follower(*projections: CatchUp[Any, Any], is_apart: bool = False) -> Follower:
        made.append(Follower(projections, database, is_apart=is_apart))
        return made[-1]

    yield follower
    for each in made:
        await each.close()


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a line in projections/registry.py does."""
    for projection in (BY_OWNER, COUNTS):
        monkeypatch.setitem(registry.PROJECTIONS, projection.name, projection)


async def happened(log: Log, *streams: tuple[str, int]) -> list[UUID]:
    """Clients of these owners, each with so many events: registered, disabled, deleted."""
    made: list[UUID] = []
    for owner, count in streams:
        happening = [REGISTERED.__replace__(owner=owner), ClientDisabled(), ClientDeleted(owner=owner)][:count]
        made.append(new_id())
        await appended(log, Append(stream=made[-1], expected=0, events=happening, meta=meta()))
    return made


async def told(connection: Connection) -> dict[str, Status]:
    return {each.name: each for each in await statuses(connection)}


@pytest.mark.usefixtures("registered")
async def test_a_row_of_many_streams_is_followed_verified_and_rebuilt(
    database, log, superuser, followed_by, monkeypatch
):
    monkeypatch.setattr(follow, "POSITIONS_A_STEP", 4)
    await happened(log, ("alice", 1), ("bob", 3), ("alice", 2), ("alice", 3), ("carol", 2))
    await followed_by(BY_OWNER).look()
    assert dict(await superuser.fetch(OWNERS)) == {"alice": 2, "carol": 1}
    await agreed(database, "clients_by_owner")
    await superuser.execute("update read.clients_by_owner set clients = 7 where owner = 'carol'")
    assert (await verify(database, "clients_by_owner", silent)).differing == ("carol",)
    monkeypatch.setattr(bulk, "MOST_ROWS", 3)
    monkeypatch.setattr(bulk, "POSITIONS_A_PAGE", 2)
    await agreed_after_rebuild(database)
    assert dict(await superuser.fetch(OWNERS)) == {"alice": 2, "carol": 1}


async def test_columns_of_bytes_are_read_written_and_copied_as_they_are(
    database, log, superuser, followed_by, monkeypatch
):
    monkeypatch.setitem(registry.PROJECTIONS, BYTES.name, BYTES)
    monkeypatch.setattr(follow, "POSITIONS_A_STEP", 1)
    once, twice = await happened(log, ("alice", 1), ("bob", 2))
    await followed_by(BYTES).look()
    stored = await superuser.fetchval("select meta from log.events where stream_id = $1 and version = 2", twice)
    expected = {once.bytes: None, twice.bytes: stored * 30}
    assert dict(await superuser.fetch("select name, last from read.in_bytes")) == expected
    await agreed(database, "in_bytes")
    monkeypatch.setattr(bulk, "MOST_WIDE_ROWS", 0)
    monkeypatch.setattr(bulk, "POSITIONS_A_PAGE", 1)
    await rebuild(database, "in_bytes", silent)
    assert dict(await superuser.fetch("select name, last from read.in_bytes")) == expected


async def agreed_after_rebuild(database: str) -> None:
    await rebuild(database, "clients_by_owner", silent)
    await agreed(database, "clients_by_owner")


async def test_one_process_follows_and_another_takes_over_when_its_connection_ends(
    database, log, superuser, followed_by, monkeypatch
):
    steps: Counter[int] = Counter()

    async def counting(connection: Connection, projection: CatchUp[Any, Any]) -> Checkpoint | None:
        if projection is BY_OWNER:  # a service of other tests in this process follows, too
            steps[connection.get_server_pid()] += 1
        return await step(connection, projection)

    monkeypatch.setattr("projections.engine.election.step", counting)
    one, other = followed_by(BY_OWNER), followed_by(BY_OWNER)
    await happened(log, ("alice", 1))
    for follower in (one, other, other):
        await follower.look()
    [(elected, before)] = steps.items()
    await superuser.execute("select pg_terminate_backend($1, 5000)", elected)
    await happened(log, ("alice", 1))
    await other.look()
    assert await column(superuser, "select clients from read.clients_by_owner") == [2]
    assert len(steps) == 2
    assert steps[elected] == before


async def test_a_process_that_only_follows_goes_before_those_that_serve_even_in_the_middle_of_a_log_and_they_go_on_after_it(
    log, superuser, followed_by, monkeypatch
):
    monkeypatch.setattr(follow, "POSITIONS_A_STEP", 1)
    monkeypatch.setattr("projections.engine.election.ENDS_SECONDS", 0.0)
    by: list[str] = []

    async def noting(connection: Connection, projection: CatchUp[Any, Any]) -> Checkpoint | None:
        if projection is BY_OWNER:
            by.append("apart" if connection.get_server_pid() in apart_pids else "serving")
            if len(by) == 2:
                await apart.look()
        return await step(connection, projection)

    monkeypatch.setattr("projections.engine.election.step", noting)
    serving, another = followed_by(BY_OWNER), followed_by(BY_OWNER)
    apart, second = followed_by(BY_OWNER, is_apart=True), followed_by(BY_OWNER, is_apart=True)
    apart_pids = {(await each._session.connection()).get_server_pid() for each in (apart, second)}
    await happened(log, *[("alice", 1)] * 4)
    await serving.look()
    assert by == ["serving", "serving"], "the lock is given up before the end of the log is reached"
    for follower in (another, second, apart, another, serving):
        await follower.look()
    assert set(by[2:]) == {"apart"}
    assert dict(await superuser.fetch(OWNERS)) == {"alice": 4}
    await apart.close()
    await second.close()
    by.clear()
    await happened(log, ("alice", 1))
    await until_followed(superuser, another)
    assert set(by) == {"serving"}


async def test_a_log_that_grows_all_the_time_is_followed_to_where_it_ended_and_then_no_more_until_that_is_old(
    log, superuser, followed_by, monkeypatch
):
    steps = 0

    async def growing(connection: Connection, projection: CatchUp[Any, Any]) -> Checkpoint | None:
        nonlocal steps
        steps += 1
        more = await step(connection, projection)
        if steps < 5:
            await happened(log, ("alice", 1))
        return more

    monkeypatch.setattr("projections.engine.election.step", growing)
    monkeypatch.setattr("projections.engine.election.ENDS_SECONDS", PATIENCE)
    follower = followed_by(BY_OWNER)
    await happened(log, ("alice", 1))
    await follower.look()
    assert steps == 1
    monkeypatch.setattr("projections.engine.election.ENDS_SECONDS", 0.0)
    await follower.look()
    assert steps == 5
    assert dict(await superuser.fetch(OWNERS)) == {"alice": 5}


async def test_no_step_waits_for_the_disk(followed_by):
    async with followed_by(BY_OWNER)._session.using() as connection:
        assert await connection.fetchval("show synchronous_commit") == "off"


async def until_followed(superuser: Connection, follower: Follower) -> None:
    """(Postgres notices a moment later that a connection has ended.)"""
    async with asyncio.timeout(PATIENCE):
        while await column(superuser, "select clients from read.clients_by_owner") != [5]:
            await follower.look()
            await asyncio.sleep(0.01)


async def test_an_entry_that_one_projection_cannot_take_in_stops_that_one_alone_until_it_is_resumed(
    database, log, reader, followed_by, registered
):
    def poisoned(entry: Recorded, find: Callable[..., Seen | None]) -> Iterable[Seen]:
        if entry.position == 3:
            raise ZeroDivisionError("by a bug")
        return counted(entry, find)

    await happened(log, ("alice", 1), ("bob", 1))
    follower = followed_by(COUNTS.__replace__(project=poisoned), BY_OWNER)
    await follower.look()
    await happened(log, ("carol", 1), ("alice", 1))
    await follower.look()
    now = await told(reader)
    assert (now["counts"].state, now["counts"].position) == ("failed", 2)
    assert (now["counts"].failed_position, now["counts"].error) == (3, "ZeroDivisionError: by a bug")
    assert now["counts"].lag_seconds > 0
    assert (now["clients_by_owner"].state, now["clients_by_owner"].lag) == ("active", 0)
    assert await checkpoints.resume(reader, COUNTS) == 2
    assert await checkpoints.resume(reader, BY_OWNER) is None
    await followed_by(COUNTS).look()
    again = (await told(reader))["counts"]
    assert (again.state, again.lag, again.lag_seconds, again.failed_position, again.error) == (
        "active",
        0,
        0,
        None,
        None,
    )
    await agreed(database, "counts")


@pytest.mark.usefixtures("registered")
async def test_a_page_is_read_once_for_all_that_stand_at_its_beginning_and_never_at_the_end_of_the_log(
    log, superuser, followed_by, monkeypatch
):
    read: list[int] = []
    within = entries.within

    async def counting(connection: Connection, source: Source[Any], bounds: entries.Bounds) -> Any:
        read.append(bounds.within[0])
        return await within(connection, source, bounds)

    monkeypatch.setattr(entries, "within", counting)
    monkeypatch.setattr(follow, "POSITIONS_A_STEP", 2)
    await happened(log, ("alice", 1), ("bob", 2))
    await followed_by(COUNTS).look()
    await happened(log, ("alice", 1), ("carol", 3), ("bob", 1))
    both = followed_by(BY_OWNER, COUNTS)
    await both.look()
    read.clear()
    await happened(log, ("alice", 2), ("carol", 1))
    await both.look()
    await both.look()
    assert read == [8, 10]
    assert dict(await superuser.fetch(OWNERS)) == {"alice": 3, "bob": 2, "carol": 1}
    assert await superuser.fetchval("select sum(events) from read.counts") == 10


@pytest.mark.usefixtures("registered")
async def test_a_reader_that_waits_goes_on_itself_with_all_that_stand_there_but_not_with_what_somebody_is_at(
    log, reader, superuser, followed_by, monkeypatch
):
    monkeypatch.setattr(follow, "POSITIONS_A_STEP", 2)
    await followed_by(BY_OWNER, COUNTS).look()
    await happened(log, ("alice", 1), ("bob", 2))

    async def reached() -> list[int]:
        return [(await told(reader))[name].position for name in ("clients_by_owner", "counts")]

    async with superuser.transaction():
        await superuser.execute("select from read.checkpoints where name = 'counts' for update")
        assert not await hasten(reader, COUNTS, [COUNTS])
        assert await reached() == [0, 0]
    while await hasten(reader, COUNTS, [BY_OWNER, COUNTS]):
        one, other = await reached()
        assert one == other
    assert await reached() == [3, 3]
    assert dict(await superuser.fetch(OWNERS)) == {"alice": 1, "bob": 1}


@pytest.mark.usefixtures("registered")
async def test_a_table_beside_that_cannot_be_used_is_no_fault_of_a_reader_s(log, reader, superuser, followed_by):
    await followed_by(BY_OWNER, COUNTS).look()
    await happened(log, ("alice", 1))
    await superuser.execute("drop table read.counts")
    assert not await hasten(reader, BY_OWNER, [BY_OWNER, COUNTS])


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("end_seconds", [PATIENCE, 0.0])
async def test_a_follower_rests_after_each_step_more_shortly_in_an_idle_process(
    log, database, monkeypatch, end_seconds
):
    rested: list[float] = []
    monkeypatch.setattr(follow, "POSITIONS_A_STEP", 2)
    monkeypatch.setattr(election, "ENDS_SECONDS", end_seconds)
    monkeypatch.setattr(IdleTime, "since_last_look", lambda _: 1.0)
    monkeypatch.setattr(Pace, "rest_after", lambda self, _: rested.append(self.share) or 0.0)
    follower = Follower([BY_OWNER], database, paces={**AT_ONCE, "log": Pace(0.1, when_idle=0.5)})
    await follower.look()
    rested.clear()
    await happened(log, ("alice", 2), ("bob", 2), ("carol", 2))
    await follower.look()
    await follower.close()
    assert rested == [0.5, 0.5, 0.5]


@pytest.mark.usefixtures("registered")
async def test_while_one_projection_rests_those_of_other_entries_go_on_and_the_next_look_lets_it_rest(
    log, database, reader, monkeypatch
):
    tiles = registry.find("log_tiles")
    assert isinstance(tiles, CatchUp)
    monkeypatch.setattr(follow, "POSITIONS_A_STEP", 2)
    monkeypatch.setattr(Pace, "rest_after", lambda self, _: 10 * PATIENCE)
    follower = Follower([BY_OWNER, tiles], database, paces=AT_ONCE)

    async def positions() -> list[int]:
        found = await checkpoints.live_of(reader, [BY_OWNER.id, tiles.id])
        return [0 if each is None else each.position for each in found]

    await happened(log, ("alice", 2), ("bob", 2))
    await follower.look()
    assert await positions() == [2, 4]
    await happened(log, ("carol", 1))
    await follower.look()
    assert await positions() == [2, 4]
    await follower.close()


@pytest.mark.usefixtures("registered")
async def test_what_rests_shortly_goes_on_in_the_same_look_while_something_else_rests_long(
    log, database, tokens, reader, monkeypatch
):
    monkeypatch.setattr(follow, "POSITIONS_A_STEP", 2)
    monkeypatch.setattr(follow, "TOKENS_A_STEP", 1)
    of_totals, shortly = iter([0.0, 10 * PATIENCE]), 0.1
    monkeypatch.setattr(Pace, "rest_after", lambda self, _: next(of_totals) if self.share == 0.25 else shortly)
    follower = Follower(
        [BY_OWNER, last_used.PROJECTION], database, paces={**AT_ONCE, "log": Pace(0.5), "totals": Pace(0.25)}
    )
    await happened(log, ("alice", 2), ("bob", 2))
    for _ in range(3):
        await tokens.record(issue())
    await follower.look()
    await follower.close()
    found = await checkpoints.live_of(reader, [BY_OWNER.id, last_used.PROJECTION.id])
    assert [each and each.position for each in found] == [4, 2]


@pytest.mark.usefixtures("registered")
async def test_a_table_beside_takes_its_place_at_once_in_a_process_that_rests_long(
    log, database, reader, followed_by, monkeypatch
):
    monkeypatch.setattr(IdleTime, "since_last_look", lambda _: 0.0)
    await happened(log, ("alice", 1))
    await followed_by(COUNTS).look()
    rests_long = Pace(0.001, longest_rest=10 * PATIENCE)
    follower = Follower([NEXT], database, paces={"log": rests_long, "issuance": rests_long, "totals": rests_long})
    await happened(log, ("bob", 1))
    await follower.look()
    await follower.close()
    [live] = await checkpoints.live_of(reader, [NEXT.id])
    assert live is not None
    assert (live.version, live.position) == (NEXT.version, 2)


async def test_totals_and_tiles_of_the_same_tokens_have_a_pace_each(database, tokens, monkeypatch):
    rested: list[float] = []
    monkeypatch.setattr(Pace, "rest_after", lambda self, _: rested.append(self.share) or 0.0)
    both = [last_used.PROJECTION, issuance_tiles.PROJECTION]
    follower = Follower(both, database, paces={**AT_ONCE, "issuance": Pace(0.2), "totals": Pace(0.1)})
    await tokens.record(issue())
    await follower.look()
    await follower.close()
    assert sorted(rested) == [0.1, 0.2]


def test_the_share_of_the_follower_grows_with_what_is_left_up_to_its_most():
    growing = Pace(0.1, far=1000, when_far=0.8)
    shares = [growing.now(left=left, idle=0.0).share for left in (0, 100, 500, 1000, 9000)]
    assert shares == pytest.approx([0.1, 0.1, 0.4, 0.8, 0.8])
    assert Pace(0.15).now(left=9000, idle=1.0).share == 0.15


def test_the_share_of_the_follower_grows_with_the_time_in_which_its_process_is_idle():
    growing = Pace(0.01, far=1000, when_far=0.5, when_idle=0.3, idle_from=0.5)
    assert [growing.now(left=0, idle=idle).share for idle in (0.0, 0.5, 0.75, 1.0)] == pytest.approx(
        [0.01, 0.01, 0.15, 0.3]
    )
    assert growing.now(left=1000, idle=1.0).share == 0.5


def test_a_busy_process_follows_a_log_for_a_twentieth_of_its_time_at_most_and_an_idle_one_for_three_tenths():
    shares = [SERVING["log"].now(left=left, idle=0.1).share for left in (0, 6_000, 30_000, 10_000_000)]
    assert shares == pytest.approx([0.01, 0.01, 0.05, 0.05])
    assert [each.now(left=10_000_000, idle=0.1).share for each in SERVING.values()] == pytest.approx([0.05] * 3)
    assert [each.now(left=1, idle=1.0).share for each in SERVING.values()] == pytest.approx([0.3] * 3)


def test_a_process_is_idle_for_the_time_in_which_none_of_its_threads_computes(monkeypatch):
    passed, computed = iter([100.0, 102.0, 104.0, 105.0]), iter([7.0, 7.5, 9.5, 12.0])
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=passed.__next__, process_time=computed.__next__))
    idle = IdleTime()
    assert [idle.since_last_look() for _ in range(3)] == [0.75, 0.0, 0.0]


def test_the_rest_after_a_step_is_the_rest_of_its_share_and_a_second_at_most_unless_it_may_be_longer():
    assert Pace(0.05).rest_after(0.01) == pytest.approx(0.19)
    assert Pace(0.05).rest_after(2.0) == 1.0
    assert Pace(0.05, longest_rest=5.0).now(left=1, idle=0.0).rest_after(2.0) == 5.0
    assert Pace(1.0).rest_after(2.0) == 0.0


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("looks_first", [True, False])
@pytest.mark.parametrize(
    "wrong", [{"events": 2**70}, {"events": "many"}, {"stream_id": None}, {"stream_id": "7"}], ids=str
)
async def test_rows_that_the_table_does_not_take_stop_a_projection_and_no_other(
    log, reader, followed_by, wrong, looks_first
):
    def of_another_type(entry: Recorded, _find: object) -> Iterable[Seen]:
        yield Seen(stream_id=entry.stream_id, events=1).__replace__(**wrong)

    await happened(log, ("alice", 1))
    follower = followed_by(COUNTS.__replace__(project=of_another_type, looks_first=looks_first), BY_OWNER)
    await follower.look()
    now = await told(reader)
    assert now["counts"].state == "failed"
    assert "its rows cannot be written" in (now["counts"].error or "")
    assert now["clients_by_owner"].lag == 0


def twice(entry: Recorded, find: Callable[..., Seen | None]) -> Iterable[Seen]:
    row = find(entry.stream_id)
    yield Seen(stream_id=entry.stream_id, events=row.events + 2 if row else 2)


NEXT = COUNTS.__replace__(version=2, project=twice)


async def test_how_far_several_tables_are_is_found_in_the_order_of_the_names(log, reader, registered):
    await happened(log, ("alice", 2))
    await install(reader, COUNTS)
    counts = await checkpoints.live(reader, COUNTS)
    assert counts is not None
    assert await checkpoints.live_of(reader, [COUNTS.id, "nobody", COUNTS.id]) == [counts, None, counts]


async def test_versions_stand_side_by_side_until_the_next_has_caught_up(log, reader, registered, monkeypatch):
    counts = "select sum(events)::int from read.counts"
    await happened(log, ("alice", 2), ("bob", 1))
    await install(reader, COUNTS)
    while await step(reader, COUNTS):
        pass
    monkeypatch.setattr(follow, "POSITIONS_A_STEP", 2)
    await install(reader, NEXT)
    assert await step(reader, NEXT)
    await happened(log, ("carol", 1))
    assert await step(reader, COUNTS), "the earlier version goes on"
    assert await reader.fetchval(counts) == 4
    now = await told(reader)
    assert (now["counts"].state, now["counts_v2"].state, now["counts_v2"].position) == ("active", "building", 2)
    while await step(reader, NEXT):
        pass
    assert await reader.fetchval(counts) == 8
    assert "counts_v2" not in await told(reader)

    await happened(log, ("dave", 1))
    await install(reader, COUNTS)
    assert not await step(reader, COUNTS), "its table is of a later version"
    assert await reader.fetchval(counts) == 8
    assert await step(reader, NEXT)
    assert await reader.fetchval(counts) == 10


@pytest.mark.usefixtures("registered")
async def test_processes_of_two_versions_that_race_write_only_tables_of_their_own(
    database, log, reader, followed_by, monkeypatch
):
    monkeypatch.setattr(follow, "POSITIONS_A_STEP", 2)
    await install(reader, COUNTS)
    done = asyncio.Event()

    async def on_and_on(follower: Follower) -> None:
        while not done.is_set():
            await follower.look()
            await asyncio.sleep(0)

    at_work = [asyncio.create_task(on_and_on(followed_by(each))) for each in (COUNTS, NEXT)]
    async with asyncio.timeout(PATIENCE):
        for _ in range(10):
            await happened(log, *[("alice", 2)] * 5)
        while (live := await checkpoints.live(reader, NEXT)) is None or live.version == 1 or live.position < 100:
            await asyncio.sleep(0.01)
    done.set()
    await asyncio.gather(*at_work)
    assert await reader.fetchval("select sum(events)::int from read.counts") == 200
    monkeypatch.setitem(registry.PROJECTIONS, "counts", NEXT)
    await agreed(database, "counts")


async def test_a_rebuild_brings_the_next_version_and_refuses_to_bring_an_earlier_one_back(
    database, log, reader, registered, monkeypatch
):
    await happened(log, ("alice", 2))
    for each in (COUNTS, NEXT):
        await install(reader, each)
    monkeypatch.setitem(registry.PROJECTIONS, "counts", NEXT)
    with pytest.raises(
        OtherVersion, match="is of version 1, and this program makes version 2: the service replaces it"
    ):
        await verify(database, "counts", silent)
    await rebuild(database, "counts", silent)
    await agreed(database, "counts")
    assert "counts_v2" not in await told(reader)
    monkeypatch.setitem(registry.PROJECTIONS, "counts", COUNTS)
    with pytest.raises(OtherVersion, match="use the version of Muniment that made it"):
        await rebuild(database, "counts", silent)


async def test_a_projection_that_nobody_followed_yet_agrees_with_nothing(database, log, reader, registered):
    await happened(log, ("alice", 1))
    assert (await agreed(database, "counts")).rows == 0
    assert (await told(reader))["counts"].state == "not started"
    await rebuild(database, "counts", silent)
    assert (await agreed(database, "counts")).rows == 1


async def test_processes_that_install_at_once_make_one_table(database, reader, registered):
    async def installing() -> None:
        async with connected(database) as connection:
            await install(connection, COUNTS)

    await asyncio.gather(*(installing() for _ in range(6)))
    assert await column(
        reader,
        "select relname from pg_class where relname like 'counts%' and relkind = 'r' and relnamespace = 'read'::regnamespace",
    ) == ["counts"]
    assert await column(reader, "select name from read.checkpoints") == ["counts"]
