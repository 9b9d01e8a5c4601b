"""Whoever changes the log leaves a trace: every kind of change is found, and its place is named. (Changes are undone by a rollback.)"""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from events import processes, receipts
from events import verify as proof
from events import verify_parts as parts
from events.chain import event_leaf, next_chain, root_of
from events.database import Connection
from events.issuance import IssuanceLog
from events.replay import Checkpoint
from service.crypto.credentials import new_id
from tests.conftest import fresh_database
from tests.tables.conftest import proved, writing
from tests.tables.items import item
from tests.tables.test_issuance import issue

LAST = 9
BATCHES = (3, 1, 2, 1, 2)
"""So the batches are 1 to 3, 4, 5 to 6, 7, and 8 to 9."""

LOGS = {
    "events": (proof.EVENTS, "log.events", "log.batches", "recorded_at"),
    "issuance": (proof.ISSUANCE, "log.issuance", "log.issuance_batches", "issued_at"),
}


@pytest.fixture(scope="module")
async def forger(postgres: str) -> AsyncIterator[Connection]:
    """A superuser, who can get past the triggers, on a database with the same batches in both logs."""
    url = await fresh_database(postgres)
    tokens = IssuanceLog(url)
    async with writing(url) as log:
        for size in BATCHES:
            await asyncio.gather(*(log.append(item(new_id(), request_id="r")) for _ in range(size)))
            await asyncio.gather(*(tokens.record(issue()) for _ in range(size)))
    await tokens.close()
    connection = await asyncpg.connect(url)
    await connection.execute("set session_replication_role = replica")
    yield connection
    await connection.close()


@pytest.fixture(params=LOGS)
def log_of(request: pytest.FixtureRequest) -> tuple[proof.Chained, str, str, str]:
    return LOGS[request.param]


async def found(
    forger: Connection, log: proof.Chained, change: str, since: Checkpoint | None = None
) -> proof.Fault | None:
    """What the verifier says of a log so changed, which is then put back as it was. Read in parts, it says the same."""
    transaction = forger.transaction(isolation="repeatable_read")
    await transaction.start()
    try:
        await forger.execute(change)
        head, fault = await said(proof.verify(forger, log, through=since))
        for positions in (1, 2, 4):
            same, also = await said(in_parts(forger, log, since, positions))
            assert str(also) == str(fault)
            assert fault or same == head
        return fault
    finally:
        await transaction.rollback()


async def said(
    verifying: AsyncIterator[Checkpoint], begun: Checkpoint | None = None
) -> tuple[Checkpoint | None, proof.Fault | None]:
    """The last checkpoint that was verified, and the fault after it, if there is one."""
    last = begun
    try:
        async for reached in verifying:
            last = reached
    except proof.Fault as fault:
        return last, fault
    return last, None


async def in_parts(
    forger: Connection, log: proof.Chained, since: Checkpoint | None, positions: int
) -> AsyncIterator[Checkpoint]:
    """Verifies in parts of about so many positions. (They are read one after the other: a change is seen by one connection alone.)"""
    reading = asyncio.Lock()

    async def prove(part: parts.Part) -> Checkpoint | None:
        await reading.acquire()
        end, fault = await said(proof.walk(forger, log, part.after, part.upto), part.after)
        if fault:
            return None  # and the connection is for who asked
        reading.release()
        return end

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "POSITIONS_A_PART", positions)
        async for reached in parts.verify(forger, log, prove, through=since):
            yield reached


async def checkpoint(forger: Connection, batches: str, position: int) -> Checkpoint:
    return Checkpoint(
        position, await forger.fetchval(f"select chain from {batches} where last_position = $1", position)
    )


def flip(column: str) -> str:
    return f"{column} = set_byte({column}, 3, get_byte({column}, 3) # 1)"


def exchange(rows: str, one: int, other: int) -> str:
    """Two whole rows trade places."""
    return (
        f"update {rows} set position = 1000 where position = {one}; update {rows} set position = {one} where position = {other};"
        f" update {rows} set position = {other} where position = 1000"
    )


async def test_a_log_that_nobody_touched_is_whole(forger, log_of):
    log, _, batches, _ = log_of
    assert await proved(forger, log) == await checkpoint(forger, batches, LAST)


@pytest.mark.parametrize("position", [1, 4, 6, 9])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(flip("data"), "stored bytes were changed", id="a flipped bit in its data"),
        pytest.param(flip("meta"), "stored bytes were changed", id="a flipped bit in its meta"),
        pytest.param(flip("leaf"), "stored bytes were changed", id="a flipped bit in its leaf"),
        pytest.param("type = 'client.deleted'", "stored bytes were changed", id="another type"),
        pytest.param("version = version + 1", "stored bytes were changed", id="another version"),
        pytest.param("schema_ver = 2", "stored bytes were changed", id="another schema version"),
        pytest.param("stream_id = gen_random_uuid()", "stored bytes were changed", id="another stream"),
        pytest.param(
            "recorded_at = recorded_at + interval '1 microsecond'", "time was changed", id="a microsecond later"
        ),
    ],
)
async def test_a_changed_event_is_found_at_its_position(forger, position, change, said):
    fault = await found(forger, proof.EVENTS, f"update log.events set {change} where position = {position}")
    assert fault is not None
    assert (fault.position, fault.log) == (position, "event log")
    assert said in fault.what


@pytest.mark.parametrize("position", [1, 4, 6, 9])
@pytest.mark.parametrize(
    "change",
    [flip("data"), "client = gen_random_uuid()", "secret = gen_random_uuid()", "jti = gen_random_uuid()"],
    ids=["a flipped bit in its data", "another client", "another secret", "another jti"],
)
async def test_a_changed_token_is_found_at_its_batch(forger, position, change):
    fault = await found(forger, proof.ISSUANCE, f"update log.issuance set {change} where position = {position}")
    assert fault is not None
    assert fault.position == {1: 1, 4: 4, 6: 5, 9: 8}[position]
    assert "not those that were committed" in fault.what


async def test_a_token_s_changed_time_is_found_at_its_position(forger):
    change = "update log.issuance set issued_at = issued_at - interval '1 microsecond' where position = 6"
    fault = await found(forger, proof.ISSUANCE, change)
    assert fault is not None
    assert (fault.position, fault.what) == (6, "its time was changed")


@pytest.mark.parametrize("position", [1, 2, 4, 5, 9])
async def test_a_deleted_row_is_found_at_its_position(forger, log_of, position):
    log, rows, _, _ = log_of
    fault = await found(forger, log, f"delete from {rows} where position = {position}")
    assert fault is not None
    assert (fault.position, fault.what) == (position, "this row is gone")


async def test_two_rows_swapped_inside_a_batch_are_found_at_the_batch(forger, log_of):
    log, rows, _, _ = log_of
    fault = await found(forger, log, exchange(rows, 1, 3))
    assert fault is not None
    assert fault.position == 1
    assert "not in that order" in fault.what


async def test_two_rows_swapped_between_batches_are_found_at_the_first_of_them(forger, log_of):
    log, rows, _, _ = log_of
    fault = await found(forger, log, exchange(rows, 4, 7))
    assert fault is not None
    assert (fault.position, fault.what) == (4, "its time was changed")


async def test_two_rows_swapped_between_batches_with_their_times_put_right_are_found_too(forger, log_of):
    log, rows, batches, time = log_of
    times = f"update {rows} r set {time} = b.recorded_at from {batches} b where r.position between b.first_position and b.last_position"
    fault = await found(forger, log, f"{exchange(rows, 4, 7)}; {times}")
    assert fault is not None
    assert fault.position == 4
    assert "not in that order" in fault.what


@pytest.mark.parametrize("position", [LAST + 1, LAST + 100])
async def test_an_extra_row_after_the_end_is_found(forger, log_of, position):
    log, rows, _, time = log_of
    copied = _copied(rows, LAST, position, time)
    fault = await found(forger, log, copied)
    assert fault is not None
    assert fault.position == position


@pytest.mark.parametrize("position", [-1, 0, 1, 5, LAST])
async def test_an_extra_token_at_a_position_that_is_taken_or_none_is_found(forger, position):
    fault = await found(forger, proof.ISSUANCE, _copied("log.issuance", 2, position, "issued_at", "gen_random_uuid()"))
    assert fault is not None
    assert fault.position in (position, {1: 1, 5: 5, LAST: 8}.get(position))


def _copied(rows: str, source: int, position: int, time: str, jti: str = "jti") -> str:
    if rows == "log.events":
        columns = "recorded_at, gen_random_uuid(), version, schema_ver, type, leaf, meta, data"
        return f"insert into log.events select {position}, {columns} from log.events where position = {source}"
    return f"insert into log.issuance select {position}, {time}, client, secret, {jti}, data from log.issuance where position = {source}"


@pytest.mark.parametrize(
    ("change", "position", "said"),
    [
        pytest.param(
            f"update {{}} set {flip('root')} where last_position = 6", 5, "not those that", id="its root changed"
        ),
        pytest.param(
            f"update {{}} set {flip('chain')} where last_position = 6", 5, "does not follow", id="its chain changed"
        ),
        pytest.param(
            "update {} set first_position = 4 where last_position = 6", 5, "begins at 4", id="its beginning moved"
        ),
        pytest.param(
            "update {} set last_position = 5 where last_position = 6", 5, "not those that", id="its end moved"
        ),
        pytest.param("delete from {} where last_position = 6", 5, "was between is gone", id="it was deleted"),
        pytest.param("delete from {} where last_position = 9", 8, "no batch accounts", id="the last one was deleted"),
        pytest.param("delete from {} where last_position = 0", 0, "genesis", id="the first one was deleted"),
        pytest.param(
            f"update {{}} set {flip('chain')} where last_position = 0", 0, "genesis", id="the first chain value changed"
        ),
        pytest.param(
            f"update {{}} set {flip('root')} where last_position = 0", 0, "genesis", id="the log's id changed"
        ),
        pytest.param(
            "update {} set first_position = -5 where last_position = 0", 0, "genesis", id="the genesis row's beginning"
        ),
        pytest.param(
            "update {} set recorded_at = recorded_at + interval '1 us' where last_position = 0",
            0,
            "genesis",
            id="the genesis row's time",
        ),
        pytest.param(
            "insert into {0} select -7, -8, recorded_at, root, chain from {0} where last_position = 9",
            -7,
            "before the log begins",
            id="a batch below the log's beginning",
        ),
        pytest.param(
            "update {} set last_position = 1e18::bigint where last_position = 9", 10, "gone", id="an end beyond the end"
        ),
    ],
)
async def test_a_changed_batch_is_found(forger, log_of, change, position, said):
    log, _, batches, _ = log_of
    fault = await found(forger, log, change.format(batches))
    assert fault is not None
    assert fault.position == position
    assert said in fault.what


INSTEAD = {
    "a view": "alter table {0} rename to real; create view {0} as select * from log.real",
    "a materialized view": "alter table {0} rename to real; create materialized view {0} as select * from log.real",
    "a policy": "alter table {0} enable row level security",
    "a rule": "create rule another as on insert to {0} do also select 1",
    "gone": "drop table {0} cascade",
}


@pytest.mark.parametrize("part", ["rows", "batches"])
@pytest.mark.parametrize(("said", "change"), INSTEAD.items(), ids=INSTEAD)
async def test_what_is_no_table_in_the_place_of_one_is_found_although_it_shows_the_same(
    forger, log_of, part: str, said: str, change: str
):
    log, rows, batches, _ = log_of
    fault = await found(forger, log, change.format(rows if part == "rows" else batches))
    assert fault is not None
    assert said in fault.what


async def test_rows_that_a_table_inherits_are_found(forger, log_of):
    log, _, batches, _ = log_of
    fault = await found(forger, log, f"create table log.another () inherits ({batches})")
    assert fault is not None
    assert f"log.another inherits from {batches}" in fault.what


async def test_a_policy_on_a_partition_is_found(forger):
    change = """
    alter table log.issuance detach partition log.issuance_rest;
    alter table log.issuance_rest enable row level security;
    alter table log.issuance attach partition log.issuance_rest default
    """
    fault = await found(forger, proof.ISSUANCE, change)
    assert fault is not None
    assert "log.issuance_rest has a policy" in fault.what


async def test_a_batch_s_changed_time_is_found_although_the_rows_agree_with_it(forger, log_of):
    log, rows, batches, time = log_of
    later = f"update {batches} set recorded_at = recorded_at + interval '1 s' where last_position = 6"
    agree = f"update {rows} set {time} = {time} + interval '1 s' where position in (5, 6)"
    fault = await found(forger, log, f"{later}; {agree}")
    assert fault is not None
    assert fault.position == 5
    assert "does not follow" in fault.what


async def test_a_tail_that_was_cut_off_is_found_by_a_checkpoint_that_saw_it(forger, log_of):
    log, rows, batches, _ = log_of
    seen = await checkpoint(forger, batches, LAST)
    cut = f"delete from {rows} where position > 6; delete from {batches} where last_position > 6"
    assert await found(forger, log, cut) is None, "without a checkpoint nothing tells it from a shorter log"
    fault = await found(forger, log, cut, since=seen)
    assert fault is not None
    assert fault.position == 7
    assert "its tail was cut off" in fault.what


async def test_a_checkpoint_inside_what_is_now_another_batch_is_found(forger, log_of):
    log, _, batches, _ = log_of
    seen = await checkpoint(forger, batches, 6)
    fault = await found(forger, log, "select 1", since=Checkpoint(5, seen.chain))
    assert fault is not None
    assert (fault.position, fault.what) == (5, "no batch ends here, where the checkpoint saw one")


@pytest.mark.parametrize("position", [2, 9])
async def test_with_a_checkpoint_all_is_proved_what_stands_before_it_too(forger, log_of, position: int):
    log, rows, batches, _ = log_of
    seen = await checkpoint(forger, batches, 6)
    fault = await found(forger, log, f"update {rows} set {flip('data')} where position = {position}", since=seen)
    assert fault is not None


async def test_a_history_written_anew_is_found_by_a_checkpoint_alone(forger):
    """Whoever can compute hashes can make another log that is whole; it is another log."""
    seen = await checkpoint(forger, "log.batches", LAST)
    rewriting = await _rewritten(forger)
    assert await found(forger, proof.EVENTS, rewriting) is None
    fault = await found(forger, proof.EVENTS, rewriting, since=seen)
    assert fault is not None
    assert fault.position == LAST
    assert "the history before it was changed" in fault.what


async def _rewritten(forger: Connection) -> str:
    """The statements of a forger who changes event 2 and all the hashes after it."""
    rows = await forger.fetch("select * from log.events order by position")
    genesis, *batches = await forger.fetch("select * from log.batches order by last_position")
    leaves, chain, statements = [row["leaf"] for row in rows], genesis["chain"], list[str]()
    row = rows[1]
    names = {
        "stream": row["stream_id"],
        "version": row["version"],
        "schema_version": row["schema_ver"],
        "kind": row["type"],
    }
    data = row["data"].replace(b"alice", b"malus")
    leaves[1] = event_leaf(**names, meta=row["meta"], data=data)
    statements.append(
        f"update log.events set data = '\\x{data.hex()}', leaf = '\\x{leaves[1].hex()}' where position = 2"
    )
    for batch in batches:
        first, last = batch["first_position"], batch["last_position"]
        root = root_of(leaves[first - 1 : last])
        chain = next_chain(chain, first=first, last=last, recorded_at=batch["recorded_at"], root=root)
        statements.append(
            f"update log.batches set root = '\\x{root.hex()}', chain = '\\x{chain.hex()}' where last_position = {last}"
        )
    return "; ".join(statements)


@pytest.mark.parametrize("positions", [1, 2, 5, 100])
async def test_a_log_is_proved_page_by_page_whatever_the_size_of_a_page(forger, log_of, positions, monkeypatch):
    monkeypatch.setattr(proof, "POSITIONS_A_PAGE", positions)
    log, rows, batches, _ = log_of
    assert await proved(forger, log) == await checkpoint(forger, batches, LAST)
    for position in range(1, LAST + 1):
        fault = await found(forger, log, f"delete from {rows} where position = {position}")
        assert fault is not None
        assert fault.position == position


async def test_a_log_without_anything_in_it_is_whole(superuser):
    for log in (proof.EVENTS, proof.ISSUANCE):
        assert (await proved(superuser, log)).position == 0


async def test_the_proof_is_of_one_snapshot_whatever_is_appended_meanwhile(log, reader):
    await log.append(item(new_id()))
    async with reader.transaction(isolation="repeatable_read"):
        steps = proof.verify(reader, proof.EVENTS)
        await anext(steps)
        await log.append(item(new_id()))
        assert [reached.position async for reached in steps] == [1]


@pytest.mark.parametrize("change", ["select 1", f"update log.events set {flip('data')} where position = 7"])
async def test_several_processes_say_of_a_log_what_one_says(postgres, monkeypatch, change: str):
    url = await fresh_database(postgres)
    async with writing(url) as log:
        for _ in range(LAST):
            await log.append(item(new_id()))
    forger = await asyncpg.connect(url)
    await forger.execute(f"set session_replication_role = replica; {change}")
    monkeypatch.setattr(parts, "POSITIONS_A_PART", 2)
    monkeypatch.setattr(processes, "MOST", 2)
    async with forger.transaction(isolation="repeatable_read"):
        head, fault = await said(proof.verify(forger, proof.EVENTS))
        async with parts.processes(url, forger) as prove:
            proved = [
                await prove(part)
                for part in await parts.parts_of(forger, proof.EVENTS, await proof.begun(forger, proof.EVENTS))
            ]
            also_head, also = await said(parts.verify(forger, proof.EVENTS, prove))
    await forger.close()
    assert [end.position if end else None for end in proved] == [2, 4, 6, None if fault else 8, 9]
    assert (str(also), fault or also_head) == (str(fault), fault or head)


@pytest.fixture(scope="module")
async def keeper(postgres: str) -> AsyncIterator[Connection]:
    """A superuser on a database where an answer was kept at position 2, another at 4, and none with the others."""
    url = await fresh_database(postgres)
    async with writing(url) as log:
        for number in range(1, 6):
            await log.append(item(new_id(), command=new_id() if number in (2, 4) else None))
    connection = await asyncpg.connect(url)
    await connection.execute("set session_replication_role = replica")
    yield connection
    await connection.close()


async def kept(keeper: Connection, change: str) -> int | proof.Fault:
    """How many answers are proved after the change, or what is wrong with one."""
    transaction = keeper.transaction(isolation="repeatable_read")
    await transaction.start()
    try:
        await keeper.execute(change)
        return await receipts.verify(keeper)
    except proof.Fault as fault:
        return fault
    finally:
        await transaction.rollback()


OF_BEFORE = "update log.events set meta = regexp_replace(convert_from(meta, 'UTF8'), ',\"receipt\":\"[^\"]*\"', '')::bytea where position = {}"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param("select 1", 2, id="as they were"),
        pytest.param(f"update log.commands set {flip('response')} where last_position = 4", 4, id="another answer"),
        pytest.param(f"update log.commands set {flip('fingerprint')} where last_position = 4", 4, id="another request"),
        pytest.param(
            "update log.commands set command_id = gen_random_uuid() where last_position = 2", 2, id="another key"
        ),
        pytest.param("update log.commands set last_position = 3 where last_position = 2", 3, id="another event"),
        pytest.param("update log.commands set last_position = 99 where last_position = 2", 99, id="no event"),
        pytest.param("update log.commands set recorded_at = now() where last_position = 2", 2, id="another time"),
        pytest.param("delete from log.commands where last_position = 4", 4, id="gone"),
        pytest.param(
            "insert into log.commands select gen_random_uuid(), recorded_at, last_position, fingerprint, response"
            " from log.commands where last_position = 2",
            2,
            id="another one for the same event",
        ),
        pytest.param(
            "alter table log.commands rename to real; create view log.commands as table log.real", 0, id="a view"
        ),
    ],
)
async def test_the_answers_kept_for_retries_are_those_of_their_events(keeper, change: str, expected: int):
    found = await kept(keeper, change)
    assert (found.position if isinstance(found, proof.Fault) else found) == (expected)


async def test_answers_of_the_version_before_are_good_for_the_day_of_the_upgrade_and_no_longer(keeper):
    """It kept them without a trace in the event."""
    assert await kept(keeper, OF_BEFORE.format(2)) == 2
    assert await kept(keeper, OF_BEFORE.format(4)) == 2
    aged = "update {} set recorded_at = recorded_at - interval '24 hours' where {} = 2"
    a_day_before = f"{aged.format('log.events', 'position')}; {aged.format('log.commands', 'last_position')}"
    found = await kept(keeper, f"{OF_BEFORE.format(4)}; {a_day_before}")
    assert isinstance(found, proof.Fault)
    assert found.position == 4


async def test_an_answer_that_was_kept_for_a_day_may_be_forgotten(keeper):
    forgotten = "delete from log.commands where last_position = 2"
    old = "update log.{} set recorded_at = recorded_at - interval '25 hours' where {} <= 2"
    assert (
        await kept(keeper, f"{forgotten}; {old.format('events', 'position')}; {old.format('batches', 'last_position')}")
        == 1
    )
