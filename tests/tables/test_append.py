"""Appending: one dense order, each item judged on its own, the same command once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from events.chain import next_chain
from events.database import Connection
from events.log import Append, Appended, Change, Conflict, Duplicate, Log, Outcome
from events.receipts import find_command, forget_old_commands
from events.replay import EVENTS_A_ROW, head, history, pages, reading
from projections import bots, clients
from service.crypto.credentials import new_id
from tests.conftest import fresh_database
from tests.patience import PATIENCE
from tests.rules.samples import BOT_REGISTERED, DELETED, REGISTERED
from tests.tables.conftest import appended, column, connected, proved, writing
from tests.tables.items import events, item, meta


@pytest.fixture
async def database(either_database: str) -> str:
    """Everything here is tested on the oldest Postgres too."""
    return either_database


POSITIONS = "select position from log.events order by position"


def bot(email: str, stream: UUID | None = None) -> Append:
    registered = [
        type(BOT_REGISTERED)(owner="alice", email=email, first_name=None, last_name=None, at=BOT_REGISTERED.at)
    ]
    stream = stream or new_id()
    return Append(
        stream=stream, expected=0, events=registered, meta=meta(), changes=(bots.TABLE.change(stream, registered),)
    )


def client(stream: UUID, count: int = 1, expected: int = 0, past: int = 0) -> Append:
    """An item with its row of the lookup table."""
    asked = item(stream, expected, count)
    return Append(
        stream=stream,
        expected=expected,
        events=asked.events,
        meta=asked.meta,
        changes=(clients.TABLE.change(stream, [*events(past), *asked.events]),),
    )


def deletion(stream: UUID, expected: int) -> Append:
    change = clients.TABLE.change(stream, [REGISTERED, DELETED])
    return Append(stream=stream, expected=expected, events=[DELETED], meta=meta(), changes=(change,))


async def test_positions_are_dense_and_versions_count_from_one(log, reader):
    stream = new_id()
    assert await log.append(item(stream, 0, 3)) == Appended(position=3, version=3)
    assert await log.append(item(new_id())) == Appended(position=4, version=1)
    assert await log.append(item(stream, 3, 2)) == Appended(position=6, version=5)
    assert await column(reader, POSITIONS) == [1, 2, 3, 4, 5, 6]
    assert [past.version for past in await history(reader, stream)] == [1, 2, 3, 4, 5]


async def test_what_was_appended_is_read_back_as_it_was_sent(log, reader):
    stream, asked = new_id(), item(new_id(), request_id="the request")
    asked = Append(stream=stream, expected=0, events=[REGISTERED], meta=asked.meta)
    await log.append(asked)
    [past] = await history(reader, stream)
    assert (past.event, past.meta, past.stream_id, past.position) == (REGISTERED, asked.meta, stream, 1)


async def test_pages_give_the_log_in_order_whatever_their_size(log, reader):
    for _ in range(7):
        await appended(log, item(new_id()))
    for size in (1, 3, 100):
        read = [past.position async for page in pages(reader, after=2, upto=6, size=size) for past in page]
        async with reading(reader, after=2, upto=6, size=size) as ahead:
            assert [past.position async for page in ahead for past in page] == read
        assert read == [3, 4, 5, 6]


DELETE_BUT_THE_FIRST = """
set session_replication_role = replica;
delete from log.events where position between 2 and {upto};
reset session_replication_role;
"""


async def test_a_long_read_gives_each_event_as_its_history_does_and_passes_those_that_somebody_deleted(
    log, reader, superuser
):
    stream = new_id()
    await log.append(item(stream, 0, 2))
    await log.append(item(stream, 2, EVENTS_A_ROW + 4))
    everything = await history(reader, stream)
    async with reading(reader, after=0, upto=everything[-1].position) as ahead:
        assert [past async for page in ahead for past in page] == everything
    await superuser.execute(DELETE_BUT_THE_FIRST.format(upto=EVENTS_A_ROW + 1))
    async with reading(reader, after=0, upto=everything[-1].position, size=EVENTS_A_ROW) as ahead:
        assert [past async for page in ahead for past in page] == [everything[0], *everything[EVENTS_A_ROW + 1 :]]


async def test_a_page_has_the_events_that_the_history_of_their_stream_has(log, reader):
    stream = new_id()
    await log.append(item(stream, 0, 3))
    await log.append(item(stream, 3, 2))
    assert [past async for page in pages(reader, after=0, upto=5) for past in page] == await history(reader, stream)


@pytest.mark.parametrize("expected", [0, 1, 3, 9], ids="the stream is at 2, the item expects {}".format)
async def test_an_item_that_expects_another_version_conflicts_and_is_told_the_actual_one(log, reader, expected):
    stream = new_id()
    await appended(log, item(stream, 0, 2))
    assert await log.append(item(stream, expected)) == Conflict(version=2)
    assert (await head(reader)).position == 2


async def test_a_conflict_in_a_batch_leaves_its_neighbours_appended_densely(log, reader):
    stream = new_id()
    await appended(log, item(stream))
    outcomes = await asyncio.gather(
        *map(log.append, [item(new_id(), 0, 2), item(stream, 0), item(new_id()), item(stream, 7), item(new_id())])
    )
    assert outcomes == [Appended(3, 2), Conflict(1), Appended(4, 1), Conflict(1), Appended(5, 1)]
    assert await column(reader, POSITIONS) == [1, 2, 3, 4, 5]
    await proved(reader)


async def test_a_batch_of_nothing_but_conflicts_leaves_no_trace(log, reader):
    stream = new_id()
    await appended(log, item(stream))
    before = await head(reader)
    assert await asyncio.gather(log.append(item(stream, 5)), log.append(item(new_id(), 1))) == [
        Conflict(1),
        Conflict(0),
    ]
    assert await head(reader) == before


async def test_several_items_of_one_stream_in_one_batch_go_one_after_the_other(log, reader):
    stream = new_id()
    outcomes = await asyncio.gather(*(log.append(item(stream, expected)) for expected in (0, 1, 1, 2, 0)))
    assert outcomes == [Appended(1, 1), Appended(2, 2), Conflict(2), Appended(3, 3), Conflict(3)]
    await proved(reader)


async def test_the_same_command_twice_is_one_event_and_the_first_answer(log, reader):
    command = new_id()
    first = await appended(log, item(new_id(), 0, 2, command=command))
    assert await log.append(item(new_id(), command=command)) == Duplicate(position=first.position)
    assert await log.append(item(new_id(), 4, command=command)) == Duplicate(position=first.position)
    found = await find_command(reader, command)
    assert found is not None
    assert (found.position, found.fingerprint, found.response) == (2, b"f" * 32, b"sealed")
    assert await column(reader, POSITIONS) == [1, 2]


async def test_the_same_command_twice_in_one_batch_is_one_event(log, reader):
    command = new_id()
    outcomes = await asyncio.gather(
        *(log.append(item(new_id(), command=command)) for _ in range(3)), log.append(item(new_id()))
    )
    assert outcomes == [Appended(1, 1), Duplicate(1), Duplicate(1), Appended(2, 1)]
    assert await column(reader, POSITIONS) == [1, 2]


async def test_an_item_that_conflicts_leaves_its_command_free(log):
    command = new_id()
    assert await log.append(item(new_id(), 3, command=command)) == Conflict(0)
    assert isinstance(await log.append(item(new_id(), command=command)), Appended)


async def test_commands_are_forgotten_after_a_day(log, reader, superuser):
    old, young = new_id(), new_id()
    for command in (old, young):
        await appended(log, item(new_id(), command=command))
    age = "update log.commands set recorded_at = recorded_at - interval '24 hours 1 second' where command_id = $1"
    await superuser.execute(age, old)
    assert await find_command(reader, old) is None, "even before it is removed"
    await forget_old_commands(reader)
    assert await column(reader, "select command_id from log.commands") == [young]
    assert isinstance(await log.append(item(new_id(), command=old)), Appended)


async def test_an_item_whose_own_row_breaks_a_constraint_does_not_fail_its_neighbours(log, reader):
    await appended(log, bot("taken@example.com"))
    outcomes = await asyncio.gather(
        log.append(item(new_id())),
        log.append(bot("TAKEN@example.com")),
        log.append(bot("free@example.com")),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], asyncpg.UniqueViolationError)
    assert [outcomes[0], outcomes[2]] == [Appended(2, 1), Appended(3, 1)]
    assert await column(reader, "select email from read.bots order by 1") == ["free@example.com", "taken@example.com"]
    assert await column(reader, POSITIONS) == [1, 2, 3]
    await proved(reader)


class Odd(Struct):
    """A row that Postgres cannot store."""

    owner: str


async def test_an_item_that_cannot_even_be_sent_does_not_fail_its_neighbours(log, reader):
    stream = new_id()
    odd = Append(
        stream=stream,
        expected=0,
        events=[REGISTERED],
        meta=meta(),
        changes=(Change("clients", Odd(owner="\0")),),
    )
    outcomes = await asyncio.gather(
        log.append(odd), log.append(item(new_id(), 2**40)), log.append(item(new_id())), return_exceptions=True
    )
    assert isinstance(outcomes[0], asyncpg.UntranslatableCharacterError)
    assert isinstance(outcomes[1], Exception)
    assert outcomes[2] == Appended(1, 1)
    assert await column(reader, POSITIONS) == [1]


async def test_only_the_accepted_items_of_a_batch_are_projected(log, reader):
    refused, accepted, fine, kept, gone = new_id(), new_id(), new_id(), new_id(), new_id()
    for stream in (refused, kept, gone):
        await appended(log, client(stream))
    items = [
        client(refused, 1, 7, past=7),
        client(accepted, 2),
        client(refused, 1, 1, past=1),
        client(fine),
        deletion(kept, 7),
        deletion(gone, 1),
    ]
    await asyncio.gather(*map(log.append, items))
    rows = {row[0]: row[1] for row in await reader.fetch("select stream_id, version from read.clients")}
    assert rows == {refused: 2, accepted: 2, fine: 1, kept: 1}


async def test_a_batch_tells_its_last_position_once(log, reader):
    heard: list[str] = []
    arrived = asyncio.Event()

    def listener(*arguments: object) -> None:
        heard.append(str(arguments[-1]))
        arrived.set()

    await reader.add_listener("muniment_log", listener)
    await asyncio.gather(*(log.append(item(new_id(), 0, 2)) for _ in range(3)))
    async with asyncio.timeout(PATIENCE):
        await arrived.wait()
    arrived.clear()
    stream = new_id()
    await asyncio.gather(log.append(item(stream, 9)), log.append(item(new_id())))
    async with asyncio.timeout(PATIENCE):
        await arrived.wait()
    await reader.remove_listener("muniment_log", listener)
    assert heard == ["6", "7"], "the slow path tells it too, and tells what was accepted"


async def test_the_chain_that_the_database_makes_is_the_one_that_python_makes(log, reader):
    await asyncio.gather(*(log.append(item(new_id())) for _ in range(3)))
    await log.append(item(new_id(), 5))
    await asyncio.gather(log.append(item(new_id())), log.append(item(new_id(), 4)))
    batches = await reader.fetch("select * from log.batches order by last_position")
    assert [(b["first_position"], b["last_position"]) for b in batches] == [(0, 0), (1, 3), (4, 4)]
    for before, batch in pairwise(batches):
        made = next_chain(
            before["chain"],
            first=batch["first_position"],
            last=batch["last_position"],
            recorded_at=batch["recorded_at"],
            root=batch["root"],
        )
        assert made == batch["chain"]


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 0, 0, 1, UTC),
        datetime(9999, 12, 30, 23, 59, 59, 999999, UTC),
    ],
    ids=str,
)
async def test_the_two_formulas_agree_about_a_moment_to_the_microsecond(either_postgres, moment):
    async with connected(either_postgres) as connection:
        made = await connection.fetchval(
            "select log.chain($1, 1, 9223372036854775807, $2, $3)", b"p" * 32, moment, b"r" * 32
        )
    assert made == next_chain(b"p" * 32, first=1, last=2**63 - 1, recorded_at=moment, root=b"r" * 32)


async def test_a_clock_that_is_set_back_does_not_make_time_run_backwards(log, reader, superuser):
    await appended(log, item(new_id()))
    await superuser.execute("set session_replication_role = replica")
    [future] = await column(
        superuser,
        "update log.batches set recorded_at = now() + interval '1 hour' where last_position = 1 returning recorded_at",
    )
    await appended(log, item(new_id()))
    assert await column(reader, "select recorded_at from log.events where position = 2") == [future]


async def test_a_log_that_somebody_keeps_locked_says_that_it_is_busy_and_appends_nothing(
    log, reader, superuser, monkeypatch
):
    monkeypatch.setitem(log._session._settings, "lock_timeout", "50ms")
    async with superuser.transaction():
        await superuser.execute("select pg_advisory_xact_lock(4701)")
        outcomes = await asyncio.gather(*(log.append(item(new_id())) for _ in range(3)), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["the log is busy"] * 3
    assert await column(reader, POSITIONS) == []
    assert await log.append(item(new_id())) == Appended(1, 1)


async def test_a_caller_that_goes_away_takes_nothing_back(log, reader):
    impatient = asyncio.create_task(log.append(item(new_id())))
    patient = asyncio.create_task(log.append(item(new_id())))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == Appended(2, 1)
    assert await column(reader, POSITIONS) == [1, 2]


async def test_a_log_that_is_closed_first_finishes_what_it_was_given(database, reader):
    async with writing(database) as log:
        asked = [asyncio.create_task(log.append(item(new_id()))) for _ in range(5)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*asked) == [Appended(position, 1) for position in (1, 2, 3, 4, 5)]


class Asked(Struct, frozen=True):
    """An append in the model's words: the how-manieth stream and command of the example."""

    stream: int
    expected: int
    count: int
    command: int | None


ASKED = st.builds(
    Asked,
    st.integers(0, 3),
    st.integers(0, 4),
    st.integers(1, 3),
    st.one_of(st.none(), st.none(), st.integers(0, 2)),
)


class Model:
    """The log as a dict: what is answered to items that come one after the other."""

    def __init__(self) -> None:
        self.versions: dict[int, int] = {}
        self.commands: dict[int, int] = {}

    def append(self, number: int, asked: Asked) -> tuple[str, int]:
        """(outcome, version) or, of a duplicate, the number of the first one."""
        version = self.versions.get(asked.stream, 0)
        if asked.command is not None and asked.command in self.commands:
            return "Duplicate", self.commands[asked.command]
        if asked.expected != version:
            return "Conflict", version
        self.versions[asked.stream] = version + asked.count
        if asked.command is not None:
            self.commands[asked.command] = number
        return "Appended", version + asked.count


@pytest.fixture(scope="module")
async def shared(either_postgres: str) -> AsyncIterator[tuple[Log, Connection]]:
    """One log for all examples: each has streams and commands of its own."""
    url = await fresh_database(either_postgres)
    async with writing(url) as log, connected(url) as connection:
        yield log, connection


@settings(max_examples=50)
@given(batches=st.lists(st.lists(ASKED, min_size=1, max_size=8), min_size=1, max_size=6))
async def test_the_log_answers_as_a_dict_would(shared: tuple[Log, Connection], batches: list[list[Asked]]):
    log, connection = shared
    streams, commands, model = [new_id() for _ in range(4)], [new_id() for _ in range(3)], Model()
    answered: list[Outcome] = []
    expected: list[tuple[str, int]] = []
    for batch in batches:
        made = [
            item(streams[a.stream], a.expected, a.count, command=None if a.command is None else commands[a.command])
            for a in batch
        ]
        expected += [model.append(len(expected) + place, asked) for place, asked in enumerate(batch)][: len(batch)]
        answered += await asyncio.gather(*map(log.append, made))
    places = [outcome.position if isinstance(outcome, Appended) else 0 for outcome in answered]

    def told(outcome: Outcome) -> tuple[str, int]:
        match outcome:
            case Appended(_, version):
                return "Appended", version
            case Conflict(version):
                return "Conflict", version
            case Duplicate(position):
                return "Duplicate", places.index(position)

    assert [told(outcome) for outcome in answered] == expected
    asked = [asked for batch in batches for asked in batch]
    for number, stream in enumerate(streams):
        past = await history(connection, stream)
        assert [p.version for p in past] == list(range(1, model.versions.get(number, 0) + 1))
        assert [p.position for p in past] == sorted(p.position for p in past)
        lasts = {place for place, a in zip(places, asked, strict=True) if place and a.stream == number}
        assert lasts <= {p.position for p in past}


async def test_after_all_examples_the_order_is_dense_and_the_chain_holds(shared):
    _, connection = shared
    head = await proved(connection)
    assert await column(connection, POSITIONS) == list(range(1, head.position + 1))
