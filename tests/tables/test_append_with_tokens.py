"""Events that name a token, and the record of the token: both or neither, and neither if something overtook the decision."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from events import verify as proof
from events.append_with_tokens import DecidedFrom, Token
from events.database import connected
from events.issuance import IssuanceLog
from events.log import Append, Appended, Conflict, Duplicate, Log
from service.crypto.credentials import new_id
from tests.tables.conftest import appended, column, proved, writing
from tests.tables.items import item
from tests.tables.test_issuance import issue
from tests.tables.test_unknown_outcome import place, wire_to

__all__ = ["place"]

JTIS = "select jti from log.issuance order by position"


@pytest.fixture
async def database(either_database: str) -> str:
    """Everything here is tested on the oldest Postgres too."""
    return either_database


def exchange(stream: UUID, expected: int = 0, *relied_on: UUID, since: int = 0, command: UUID | None = None) -> Append:
    token = Token(issue=issue(), streams=relied_on or (new_id(),), since=since)
    return item(stream, expected, command=command).__replace__(decided_from=token)


def decided(stream: UUID, relied_on: UUID, *, since: int) -> Append:
    return item(stream).__replace__(decided_from=DecidedFrom(streams=(relied_on,), since=since))


def jtis(*items: Append) -> list[UUID]:
    return [each.decided_from.issue.jti for each in items if isinstance(each.decided_from, Token)]


async def test_events_and_tokens_of_many_are_one_commit_beside_events_without(log, reader):
    asked = [exchange(new_id()) for _ in range(3)]
    outcomes = await asyncio.gather(log.append(item(new_id())), *map(log.append, asked), log.append(item(new_id())))
    assert outcomes == [Appended(position, 1) for position in range(1, 6)]
    assert await column(reader, JTIS) == jtis(*asked)
    assert len(await reader.fetch("select from log.batches union all select from log.issuance_batches")) == 2 + 2
    assert (await proved(reader)).position == 5
    assert (await proved(reader, proof.ISSUANCE)).position == 3


async def test_what_comes_before_it_in_the_same_batch_overtakes_a_decision(log, reader):
    relied_on = new_id()
    await appended(log, item(relied_on, 0, 2))
    before, after = (exchange(new_id(), 0, relied_on, since=2) for _ in range(2))
    asked = before, item(relied_on, 2), after, decided(new_id(), relied_on, since=2)
    outcomes = await asyncio.gather(*map(log.append, asked))
    assert outcomes == [Appended(3, 1), Appended(4, 3), Conflict(0), Conflict(0)]
    assert await column(reader, JTIS) == jtis(before)


async def test_what_a_token_was_decided_from_may_not_have_changed_since(log, reader):
    relied_on, other = new_id(), new_id()
    await appended(log, item(relied_on, 0, 2))
    stale, fresh, plain = (
        exchange(new_id(), 0, other, relied_on, since=1),
        exchange(new_id(), 0, relied_on, since=2),
        item(other),
    )
    outcomes = await asyncio.gather(*map(log.append, (stale, fresh, plain)))
    assert outcomes == [Conflict(0), Appended(3, 1), Appended(4, 1)]
    assert await column(reader, JTIS) == jtis(fresh)
    assert await log.append(stale) == Conflict(0)
    assert (await proved(reader, proof.ISSUANCE)).position == 1


async def test_events_without_a_token_rely_on_other_streams_too(log, reader):
    relied_on = new_id()
    await appended(log, item(relied_on, 0, 2))
    stale, fresh = [decided(new_id(), relied_on, since=since) for since in (1, 2)]
    assert await asyncio.gather(*map(log.append, (stale, fresh))) == [Conflict(0), Appended(3, 1)]
    beside = exchange(new_id())
    assert await asyncio.gather(*map(log.append, (fresh, decided(new_id(), relied_on, since=2), beside))) == [
        Conflict(1),
        Appended(4, 1),
        Appended(5, 1),
    ]
    assert await log.append(fresh) == Conflict(1)
    assert await column(reader, JTIS) == jtis(beside)
    await proved(reader)


async def test_of_an_append_that_is_refused_no_token_is_recorded(log, reader):
    stream, command = new_id(), new_id()
    await appended(log, item(stream, command=command))
    late, again, good = exchange(stream), exchange(new_id(), command=command), exchange(new_id())
    assert await asyncio.gather(*map(log.append, (late, again, good))) == [Conflict(1), Duplicate(1), Appended(2, 1)]
    assert await log.append(exchange(stream)) == Conflict(1)
    assert await column(reader, JTIS) == jtis(good)
    await proved(reader)


async def test_an_exchange_whose_answer_was_lost_is_found_with_its_token(database, place, reader):
    async with wire_to(database, place) as (wire, url), writing(url) as log:
        await appended(log, item(new_id()))
        wire.swallowing = True
        asked = [exchange(new_id()) for _ in range(3)]
        assert await asyncio.gather(*map(log.append, asked)) == [Appended(2, 1), Appended(3, 1), Appended(4, 1)]
        assert wire.swallowed == 1
    assert await column(reader, JTIS) == jtis(*asked)


async def test_if_the_token_cannot_be_recorded_there_is_no_event_either(log, reader, superuser):
    await superuser.execute("alter table log.issuance add constraint none_here check (secret is null)")
    with pytest.raises(asyncpg.CheckViolationError):
        await log.append(exchange(new_id()))
    await superuser.execute("alter table log.issuance drop constraint none_here")
    assert await column(reader, "select count(*) from log.events") == [0]


async def test_those_who_exchange_append_and_issue_at_once_do_not_wait_for_each_other_for_ever(database, reader):
    """Who takes both locks takes that of the events first; a deadlock would end in a refusal."""
    logs, tokens = [Log(database) for _ in range(3)], [IssuanceLog(database) for _ in range(2)]
    try:
        done = await asyncio.gather(
            *(log.append(exchange(new_id())) for log in logs for _ in range(40)),
            *(log.append(item(new_id())) for log in logs for _ in range(40)),
            *(one.record(issue()) for one in tokens for _ in range(40)),
        )
    finally:
        for each in (*logs, *tokens):
            await each.close()
    assert len(done) == 320
    assert (await proved(reader)).position == 240
    assert (await proved(reader, proof.ISSUANCE)).position == 200


async def test_what_is_read_of_others_is_true_until_the_commit(database, log, reader):
    """An append that has the lock when the exchange is asked for is seen by it, although it commits later."""
    relied_on = new_id()
    await appended(log, item(relied_on))
    async with connected(database) as other, writing(database) as second:
        async with other.transaction():
            await other.execute("select pg_advisory_xact_lock(4701)")
            asked = asyncio.create_task(second.append(exchange(new_id(), 0, relied_on, since=1)))
            async with asyncio.timeout(60):
                while not await reader.fetch(
                    "select from pg_locks where locktype = 'advisory' and not granted and objid = 4701"
                ):
                    await asyncio.sleep(0.002)
            await other.execute(DISABLED, [relied_on])
        assert await asked == Conflict(0)
    assert not await reader.fetch(JTIS)


DISABLED = """
select log.append_events($1::uuid[], array[1], null, null, null, array[1], array[2], array[1]::smallint[],
                         array['client.disabled'], array['{}'::bytea], array['{}'::bytea])
"""
