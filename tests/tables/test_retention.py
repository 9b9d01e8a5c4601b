"""Retention: days of issued tokens are deleted, and what was proved and counted of them stays so."""

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from events import muniment_verify
from events import retention as days
from events import verify as proof
from events.database import Connection, pool
from events.issuance import IssuanceLog
from events.log import Log
from events.transparency import kept, trees
from projections import issuance_tiles, last_used, registry, usage_daily
from projections.engine import follow, refold, slow_verify
from projections.engine.bulk import Bulk
from projections.engine.checkpoints import install
from projections.engine.pace import Pace
from projections.engine.rebuild import rebuild
from projections.engine.retention import NotYet, drop
from projections.engine.slow_fold import MovedOn
from projections.engine.verdict import Verdict
from projections.engine.verify import verify
from service import retention
from service.cli import archive
from service.cli.opening import Plainly
from service.transparency.checkpoints import CheckpointMaker, root_of
from service.transparency.log_key import LogKey
from tests.conftest import fresh_database
from tests.tables.conftest import connected, proved, writing
from tests.tables.items import meta
from tests.tables.test_issuance import issue
from tests.tables.test_verifier import Busy

TODAY = datetime.now(UTC).date()
OLD, LATER, YOUNG = (TODAY - timedelta(days=age) for age in (40, 39, 10))
TOKENS_A_DAY, BATCH = 300, 7

# As the service of that day would have written it: whole batches, with their roots and chain values.
ISSUE_ON = """
do $$
declare ts timestamptz; before record; ids uuid[]; leaf text; n int := 0; size int; day date := '{day}';
begin
  execute format('create table if not exists log.%I partition of log.issuance for values from (%L) to (%L)', 'issuance_' || to_char(day, 'YYYYMMDD'),
                 day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
  while n < {tokens} loop
    size := least({batch}, {tokens} - n);
    ts := day::timestamp at time zone 'UTC' + n * interval '1 second';
    select last_position, chain into before from log.issuance_batches order by last_position desc limit 1;
    insert into log.issuance
      select before.last_position + o, ts, '0192f000-0000-7000-8000-00000000000a', case o % 3 when 0 then uuid_nil else '0192f000-0000-7000-8000-00000000000b' end,
             gen_random_uuid(), convert_to(case o % 3 when 0 then '{{"sub":"p","scope":"openid","kid":"k","exp":1,"authorization":"0192f000-0000-7000-8000-00000000000c"}}'
                                           else '{{"sub":"bot","scope":"api:public","kid":"k","exp":1}}' end, 'UTF8')
        from generate_series(1, size) o, (select '00000000-0000-0000-0000-000000000000'::uuid as uuid_nil) as nil;
    insert into log.issuance_batches
      select before.last_position + size, before.last_position + 1, ts, root,
             log.chain(before.chain, before.last_position + 1, before.last_position + size, ts, root)
        from (select sha256(string_agg(sha256('\\x00'::bytea || uuid_send(client) || uuid_send(secret) || uuid_send(jti) || data), ''::bytea order by position)) as root
                from log.issuance where position > before.last_position) as hashed;
    n := n + size;
  end loop;
end $$
"""


@pytest.fixture(scope="module")
async def template(postgres: str) -> str:
    """The name of a database whose log has tokens of three days, all of it followed and under a checkpoint."""
    url = await fresh_database(postgres)
    superuser = await asyncpg.connect(url)
    for day in (OLD, LATER, YOUNG):
        await superuser.execute(ISSUE_ON.format(day=day, tokens=TOKENS_A_DAY, batch=BATCH))
    await superuser.close()
    async with connected(url) as connection:
        await _followed(connection)
        await _checkpoint(connection)
    return urlsplit(url).path[1:]


@pytest.fixture
async def database(postgres: str, request: pytest.FixtureRequest) -> str:
    """An empty one; or, for who asks for `aged`, a clone: to make those tokens costs more than most tests here."""
    if "aged" in request.fixturenames:
        return await fresh_database(postgres, template=request.getfixturevalue("template"))
    return await fresh_database(postgres)


@pytest.fixture
def aged(template: str, reader: Connection) -> Connection:
    """Over a log as the template's."""
    return reader


async def _followed(connection: Connection) -> None:
    for projection in (last_used.PROJECTION, usage_daily.PROJECTION, issuance_tiles.PROJECTION):
        await install(connection, projection)
        while await follow.step(connection, projection):
            pass


async def _checkpoint(connection: Connection) -> None:
    row = await connection.fetchrow("select last_position, chain from log.issuance_batches order by 1 desc limit 1")
    assert row is not None
    root = await root_of(connection, trees.ISSUANCE, row[0])
    await kept.keep(connection, trees.ISSUANCE, size=row[0], chain=row[1], root=root, note=b"signed")


async def _tables(connection: Connection) -> list[Any]:
    tables = ("read.last_used", "read.usage_daily", "read.issuance_tiles")
    return [await refold.digest(connection, table) for table in tables]


async def _remaining(connection: Connection) -> dict[date, int]:
    rows = await connection.fetch("select (issued_at at time zone 'UTC')::date, count(*) from log.issuance group by 1")
    return {row[0]: row[1] for row in rows}


async def test_after_the_oldest_days_are_deleted_the_log_the_tree_and_the_counts_verify(
    aged: Connection, database: str
):
    before = await _tables(aged)
    for day in (OLD, LATER):
        await drop(aged, day)
    assert await _remaining(aged) == {YOUNG: TOKENS_A_DAY}
    assert (await proved(aged, proof.ISSUANCE)).position == 3 * TOKENS_A_DAY
    for name in ("last_used", "usage_daily", "issuance_tiles"):
        assert (await verify(database, name, lambda _done, _total: None)).agrees
        await rebuild(database, name, lambda _done, _total: None)
    assert await _tables(aged) == before
    assert await root_of(aged, trees.ISSUANCE, 3 * TOKENS_A_DAY) == await aged.fetchval(
        "select root from log.checkpoints where tree = 'issuance'"
    )


async def test_a_projection_that_begins_after_the_deletion_takes_in_the_sums_in_small_steps(
    aged: Connection, superuser: Connection
):
    before = await _tables(aged)
    for day in (OLD, LATER):
        await drop(aged, day)
    await superuser.execute(
        "delete from read.checkpoints; drop table read.last_used, read.usage_daily, read.issuance_tiles"
    )
    await _followed(aged)
    assert await _tables(aged) == before


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "TOKENS_A_STEP", 200)


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize(("name", "day", "step_inside"), [("last_used", OLD, 3), ("usage_daily", LATER, 4)])
async def test_a_day_that_is_deleted_while_its_tokens_are_counted_is_no_difference(
    aged: Connection, database: str, name: str, day: date, step_inside: int
):
    """Half of its rows were counted, and its sums would count them once more."""
    if day == LATER:
        await drop(aged, OLD)
    steps: list[date] = []

    async def halfway() -> None:
        steps.append(day)
        if len(steps) == step_inside:
            await drop(aged, day)

    async with connected(database) as connection:
        with pytest.raises(MovedOn, match="retention"):
            await slow_verify.verified(connection, registry.find(name), Busy(1.0, after=halfway))
        found = await slow_verify.verified(connection, registry.find(name), Pace(1.0))
    assert isinstance(found, Verdict)
    assert found.agrees


async def test_no_day_is_deleted_between_two_reads_of_a_step_that_hashes_tokens(
    aged: Connection, database: str, monkeypatch: pytest.MonkeyPatch
):
    """What is kept of the day would be read before the deletion, and its tokens after it: neither is there."""
    refused: list[str] = []
    step = Bulk.step

    async def meanwhile(bulk: Bulk, connection: Connection, upto: int, most: int) -> bool:
        if not refused:
            with pytest.raises(asyncpg.LockNotAvailableError):
                await drop(aged, OLD)
            refused.append("issuance_tiles")
        return await step(bulk, connection, upto, most)

    monkeypatch.setattr(Bulk, "step", meanwhile)
    async with connected(database) as connection:
        found = await slow_verify.verified(connection, registry.find("issuance_tiles"), Pace(1.0))
    assert isinstance(found, Verdict)
    assert (found.agrees, refused) == (True, ["issuance_tiles"])


async def test_the_days_that_an_earlier_version_kept_have_unknown_scopes(aged: Connection, superuser: Connection):
    await drop(aged, OLD)
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute("update log.issuance_uses set scope = null, audience = null, first_at = null")
    await superuser.execute(
        "delete from read.checkpoints; drop table read.last_used, read.usage_daily, read.issuance_tiles"
    )
    await _followed(aged)
    unknown = "select sum(tokens)::int from read.usage_daily where scope is null"
    assert await aged.fetchval(unknown) == TOKENS_A_DAY


async def test_a_deleted_row_that_comes_back_and_a_changed_chain_are_found(aged: Connection, superuser: Connection):
    row = await superuser.fetchrow("select * from log.issuance where position = 5")
    await drop(aged, OLD)
    await superuser.execute("set session_replication_role = replica")
    assert row is not None
    await superuser.execute("insert into log.issuance values ($1, $2, $3, $4, $5, $6)", *row)
    with pytest.raises(proof.Fault, match="position 5"):
        await proved(aged, proof.ISSUANCE)
    await superuser.execute("delete from log.issuance where position = 5")
    await superuser.execute("update log.issuance_batches set root = sha256('x') where last_position = 7")
    with pytest.raises(proof.Fault, match="position 1"):
        await proved(aged, proof.ISSUANCE)


async def test_only_the_oldest_day_can_be_deleted_and_none_that_is_young(aged: Connection):
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="older ones"):
        await drop(aged, LATER)
    for day in (YOUNG, TODAY - timedelta(days=30), TODAY, TODAY + timedelta(days=1)):
        with pytest.raises(asyncpg.InvalidParameterValueError, match="are not 30 days old"):
            await drop(aged, day)
    assert len(await _remaining(aged)) == 3


async def test_a_day_stays_until_a_checkpoint_covers_it(superuser: Connection, reader: Connection):
    await superuser.execute(ISSUE_ON.format(day=OLD, tokens=10, batch=BATCH))
    await _followed(reader)
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="no checkpoint"):
        await drop(reader, OLD)
    await _checkpoint(reader)
    await drop(reader, OLD)
    assert await _remaining(reader) == {}


async def test_a_day_stays_until_every_projection_has_followed_it_and_while_one_is_rebuilt(
    aged: Connection, superuser: Connection
):
    await superuser.execute("update read.checkpoints set position = $1 where name = 'last_used'", TOKENS_A_DAY - 1)
    with pytest.raises(NotYet, match="last_used"):
        await drop(aged, OLD)
    await superuser.execute("update read.checkpoints set position = $1 where name = 'last_used'", TOKENS_A_DAY)
    await superuser.execute("select pg_advisory_lock(4705)")
    with pytest.raises(NotYet, match="rebuilt"):
        await drop(aged, OLD)
    await superuser.execute("select pg_advisory_unlock(4705)")
    await drop(aged, OLD)


async def test_a_day_that_lost_a_row_is_not_deleted(aged: Connection, superuser: Connection):
    await superuser.execute("set session_replication_role = replica; delete from log.issuance where position = 17")
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="tokens are missing"):
        await drop(aged, OLD)


async def test_a_long_reader_keeps_the_day_and_no_token_waits(aged: Connection, database: str):
    tokens = IssuanceLog(database)
    async with connected(database) as backup, backup.transaction(isolation="repeatable_read"):
        await backup.fetch("select 1 from log.issuance limit 1")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await drop(aged, OLD)
        assert (await tokens.record(issue())).position == 3 * TOKENS_A_DAY + 1
    await tokens.close()
    await drop(aged, OLD)


async def test_a_deletion_is_in_the_event_log_once(aged: Connection, database: str):
    async with writing(database) as log:
        first = await retention.apply(database, log, 35, meta())
        again = await retention.apply(database, log, 35, meta())
    assert [(each.day, each.first, each.last) for each in first] == [
        (OLD, 1, TOKENS_A_DAY),
        (LATER, TOKENS_A_DAY + 1, 2 * TOKENS_A_DAY),
    ]
    assert again == []
    assert await aged.fetchval("select count(*) from log.events where type = 'retention.tokens_dropped'") == 2


async def test_the_service_can_change_nothing_of_what_is_kept(aged: Connection, log: Log):
    await drop(aged, OLD)
    for table in ("issuance_leaves", "issuance_uses", "issuance_dropped"):
        for change in (
            f"delete from log.{table}",
            f"truncate log.{table}",
            f"update log.{table} set {'first = 1' if table == 'issuance_leaves' else 'last_position = 1'}",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await aged.execute(change)


async def test_only_whole_days_before_the_retention_are_chosen(aged: Connection):
    assert await days.days_before(aged, retention.first_kept(TODAY, 39)) == [OLD]
    assert await days.days_before(aged, retention.first_kept(TODAY, 40)) == []


async def test_an_archived_day_is_in_a_file_that_proves_itself_and_no_longer_in_the_database(
    aged: Connection, database: str, superuser: Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    key = LogKey("https://auth.example.com", bytes(32))
    await superuser.execute("set session_replication_role = replica; delete from log.checkpoints")
    async with pool(database) as connections:
        await CheckpointMaker(connections, key).look()
    archived, why = await archive._archived(database, TODAY - timedelta(days=35), tmp_path, lambda _done, _total: None)
    assert why is None
    assert [(each.day, each.first, each.last) for each in archived] == [
        (OLD, 1, TOKENS_A_DAY),
        (LATER, TOKENS_A_DAY + 1, 2 * TOKENS_A_DAY),
    ]
    assert await _remaining(aged) == {YOUNG: TOKENS_A_DAY}
    assert await aged.fetchval("select count(*) from log.events where type = 'retention.tokens_dropped'") == 2
    for line in (await key.verifiers(aged)).splitlines():
        (tmp_path / f"{line[-4:].replace('/', '_')}.vkey").write_text(f"{line}\n")
    keys = [f"--key={path}" for path in tmp_path.glob("*.vkey")]
    for each in archived:
        assert each.file is not None
        assert muniment_verify.main([*keys, str(each.file)]) == 0, capsys.readouterr()
        content = bytearray(each.file.read_bytes())
        content[content.index(b"api:public")] ^= 1
        each.file.write_bytes(content)
        assert muniment_verify.main([*keys, str(each.file)]) == 1


async def test_a_day_without_a_checkpoint_is_not_archived_and_leaves_no_file(
    superuser: Connection, reader: Connection, database: str, tmp_path: Path
):
    await superuser.execute(ISSUE_ON.format(day=OLD, tokens=10, batch=BATCH))
    await _followed(reader)
    archived, why = await archive._archived(database, TODAY, tmp_path, lambda _done, _total: None)
    assert archived == []
    assert why is not None
    assert "no checkpoint of the tree covers position 10 yet" in why
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("before", ["7", "29d", str(TODAY), "2999-01-01"])
def test_a_day_that_must_stay_is_not_archived(before: str, tmp_path: Path):
    with pytest.raises(Plainly, match="--before takes a day up to"):
        archive.archive(before, tmp_path / "new")
    assert not (tmp_path / "new").exists()


async def test_the_packages_that_follow_the_log_are_imported_where_an_import_that_hangs_holds_up_nothing(
    aged: Connection, monkeypatch: pytest.MonkeyPatch
):
    importing: list[threading.Thread] = []

    def everything() -> dict[str, registry.Projection]:
        importing.append(threading.current_thread())
        return dict(registry.PROJECTIONS)

    monkeypatch.setattr(registry, "everything", everything)
    await drop(aged, OLD)
    assert threading.main_thread() not in importing
    assert importing
