"""The issuance log: every token in one dense order, chained, with the head of the event log at its commit."""

import asyncio
import gc

import asyncpg
import pytest

from events import locks
from events import verify as proof
from events.chain import issuance_leaf, next_chain, root_of
from events.database import Unavailable
from events.issuance import IssuanceLog, Issue, Issued, TokenIssued, decode, make_partitions
from service.crypto.credentials import new_id
from tests.patience import PATIENCE
from tests.tables.conftest import column, connected, proved
from tests.tables.items import item

ROWS = "select position, issued_at, client, secret, jti, data from log.issuance order by position"
BEYOND_THE_REST = 12
"""Days ahead for which no other test here leaves a partition behind."""
WAITING_FOR_THE_READER = "select 1 from pg_locks where not granted and relation = 'log.issuance'::regclass"
MISSING_DAY = "(now() at time zone 'UTC')::date"


def issue(sub: str = "bot-abc123", **names) -> Issue:
    given = {"client": new_id(), "secret": new_id(), "jti": new_id(), **names}
    return Issue(token=TokenIssued(sub=sub, scope="api:public", kid="key-1", exp=2_000_000_000), **given)


@pytest.fixture
async def database(either_database: str) -> str:
    """Everything here is tested on the oldest Postgres too."""
    return either_database


async def test_tokens_of_many_at_once_stand_in_one_dense_order(tokens, reader):
    issues = [issue(f"bot {number}") for number in range(50)]
    issued = await asyncio.gather(*map(tokens.record, issues))
    assert [one.position for one in issued] == list(range(1, 51))
    rows = await reader.fetch(ROWS)
    for asked, row, position in zip(issues, rows, range(1, 51), strict=True):
        assert (row["position"], row["client"], row["secret"], row["jti"]) == (
            position,
            asked.client,
            asked.secret,
            asked.jti,
        )
        assert decode(row["data"]) == asked.token
    assert (await proved(reader, proof.ISSUANCE)).position == 50


async def test_the_chain_that_the_database_makes_is_the_one_that_python_makes(tokens, reader):
    await asyncio.gather(*(tokens.record(issue()) for _ in range(3)))
    await tokens.record(issue())
    rows = await reader.fetch(ROWS)
    leaves = [issuance_leaf(client=r["client"], secret=r["secret"], jti=r["jti"], data=r["data"]) for r in rows]
    genesis, *batches = await reader.fetch("select * from log.issuance_batches order by last_position")
    chain = genesis["chain"]
    for batch in batches:
        first, last = batch["first_position"], batch["last_position"]
        assert batch["root"] == root_of(leaves[first - 1 : last])
        chain = next_chain(chain, first=first, last=last, recorded_at=batch["recorded_at"], root=batch["root"])
        assert batch["chain"] == chain
    assert len(batches) == 2


async def test_a_token_is_told_the_head_of_the_event_log_at_its_commit(tokens, log):
    assert await tokens.record(issue()) == Issued(position=1, head=0)
    await log.append(item(new_id(), 0, 3))
    assert await tokens.record(issue()) == Issued(position=2, head=3)


async def test_what_is_to_be_sent_is_made_while_the_record_is_on_its_way_and_is_given_only_after_it(
    tokens, superuser, reader
):
    made = asyncio.Event()
    async with superuser.transaction():
        await superuser.execute(locks.in_transaction(locks.ISSUANCE))
        recording = asyncio.create_task(tokens.record_while(issue(), lambda: made.set() or "signed"))
        async with asyncio.timeout(PATIENCE):
            await made.wait()
        assert tokens.waiting == 0
        assert not recording.done()
    assert await recording == (Issued(position=1, head=0), "signed")
    assert len(await reader.fetch(ROWS)) == 1


async def test_the_fault_of_a_record_for_which_nothing_can_be_made_is_told_to_nobody(monkeypatch, caplog):
    monkeypatch.setattr("events.database.PATIENCE_SECONDS", 0.1)
    away = IssuanceLog("postgresql://nobody@127.0.0.1:9/none")

    def fails() -> str:
        raise ValueError("no key")

    with pytest.raises(ValueError, match="no key"):
        await away.record_while(issue(), fails)
    await away.close()
    gc.collect()
    assert caplog.text == ""


async def test_several_processes_issue_in_one_order(database, reader):
    logs = [IssuanceLog(database) for _ in range(3)]
    issued = await asyncio.gather(*(one.record(issue()) for one in logs for _ in range(40)))
    for one in logs:
        await one.close()
    assert sorted(one.position for one in issued) == list(range(1, 121))
    assert (await proved(reader, proof.ISSUANCE)).position == 120


async def test_a_token_goes_into_the_partition_of_its_day(tokens, reader):
    await tokens.record(issue())
    today = await reader.fetchval(f"select 'log.issuance_' || to_char({MISSING_DAY}, 'YYYYMMDD')")
    assert await column(reader, "select tableoid::regclass::text from log.issuance") == [today]


async def test_there_are_partitions_for_a_week_and_making_them_again_makes_none(reader):
    assert await reader.fetchval("select log.make_partitions(7)") == 0
    days = await column(reader, "select relid::text from pg_partition_tree('log.issuance') where isleaf order by 1")
    assert len(days) >= 9
    assert days[-1] == "log.issuance_rest"


async def test_two_processes_that_make_partitions_at_once_make_each_once(database, reader):
    before = len(await reader.fetch("select 1 from pg_partition_tree('log.issuance')"))
    async with connected(database) as other:
        made = await asyncio.gather(*(c.fetchval("select log.make_partitions(9)") for c in (reader, other)))
    assert sorted(made) == [0, 2]
    assert len(await reader.fetch("select 1 from pg_partition_tree('log.issuance')")) == before + 2
    await make_partitions(reader, 9)


async def test_a_long_reader_of_the_issuance_log_holds_up_no_token_while_partitions_are_made(
    database, tokens, reader, superuser
):
    """A backup reads for an hour; a partition that waited for its end would make every token wait behind it."""
    async with connected(database) as backup:
        async with backup.transaction(isolation="repeatable_read"):
            await backup.fetch("select * from log.issuance")
            making = asyncio.create_task(make_partitions(reader, BEYOND_THE_REST))
            while not (making.done() or await superuser.fetch(WAITING_FOR_THE_READER)):
                await asyncio.sleep(0)
            assert (await tokens.record(issue())).position == 1
            with pytest.raises(asyncpg.LockNotAvailableError):
                await making
            assert (await tokens.record(issue())).position == 2
        assert (await tokens.record(issue())).position == 3
        undone = backup.transaction()
        await undone.start()
        assert await backup.fetchval("select log.make_partitions($1)", BEYOND_THE_REST) > 0, "once the reader is gone"
        await undone.rollback()


async def test_a_token_is_not_refused_for_want_of_a_partition(database, tokens, reader, superuser):
    today = await superuser.fetchval(f"select 'log.issuance_' || to_char({MISSING_DAY}, 'YYYYMMDD')")
    await superuser.execute(f"drop table {today}")
    try:
        assert (await tokens.record(issue())).position == 1
        assert await column(reader, "select tableoid::regclass::text from log.issuance") == ["log.issuance_rest"]
        assert await reader.fetchval("select log.make_partitions(0)") == 0, (
            "a day that has begun in the rest stays there"
        )
        assert (await proved(reader, proof.ISSUANCE)).position == 1
    finally:
        await superuser.execute("set session_replication_role = replica; delete from log.issuance_rest")
        assert await superuser.fetchval("select log.make_partitions(0)") == 1


async def test_a_log_that_somebody_keeps_locked_confirms_nothing(database, tokens, reader, superuser):
    tokens._session._settings["lock_timeout"] = "50ms"
    async with superuser.transaction():
        await superuser.execute("select pg_advisory_xact_lock(4702)")
        with pytest.raises(Unavailable):
            await tokens.record(issue())
    assert (await tokens.record(issue())).position == 1
    assert len(await reader.fetch(ROWS)) == 1


async def test_the_two_logs_do_not_wait_for_each_other(tokens, log, superuser):
    async with superuser.transaction():
        await superuser.execute("select pg_advisory_xact_lock(4701)")
        assert (await tokens.record(issue())).position == 1
