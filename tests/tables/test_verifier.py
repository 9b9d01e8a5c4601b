"""Verification in the background: it finds what somebody changed, and nothing else."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest

from events.database import LOST, Connection, Unavailable
from events.issuance import IssuanceLog
from events.log import Append, Log
from projections import registry
from projections.engine import comparison, follow, slow_fold, verifications
from projections.engine.pace import GENTLE, SHARE_WITHIN_A_SNAPSHOT, Pace
from projections.engine.rebuild import rebuild
from projections.engine.status import statuses
from projections.engine.verifications import Verification
from projections.engine.verifier import Verifier
from service.commands.handle import CLIENT
from service.crypto.credentials import new_id
from tests.conftest import fresh_database
from tests.patience import until
from tests.rules.samples import REGISTERED
from tests.tables.conftest import appended, connected
from tests.tables.items import meta
from tests.tables.test_issuance import issue
from tests.tables.test_projections import TAMPERED, silent

A_DAY = timedelta(days=1)


class Busy(Pace, frozen=True, kw_only=True):
    """Something happens after each step, which rests no time."""

    after: Callable[[], Awaitable[None]]

    @asynccontextmanager
    async def step(self, connection: Connection) -> AsyncGenerator[None]:
        yield
        await self.after()


@pytest.fixture
async def database(postgres: str) -> str:
    """Of its own, for the engine creates tables in it."""
    return await fresh_database(postgres)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps so small that a few events take several."""
    for module, name in (
        (follow, "POSITIONS_A_STEP"),
        (follow, "TOKENS_A_STEP"),
        (slow_fold, "MOST_ROWS"),
        (comparison, "ROWS_A_STEP"),
    ):
        monkeypatch.setattr(module, name, 2)


async def verified(database: str, *names: str, pace: Pace | None = None) -> dict[str, Verification]:
    """What is known of these after it is their turn again, and one look."""
    async with connected(database) as connection:
        await connection.execute("update read.verifications set begun_at = begun_at - interval '2 days'")
    verifier = Verifier(lambda: {name: registry.find(name) for name in names}, database, A_DAY, pace=pace or Pace(1.0))
    try:
        await verifier.look()
    finally:
        await verifier.close()
    async with connected(database) as connection:
        return await verifications.all_of(connection)


async def registered(log: Log) -> UUID:
    stream = new_id()
    change = CLIENT.table.change(stream, [REGISTERED])
    await appended(log, Append(stream=stream, expected=0, events=[REGISTERED], meta=meta(), changes=(change,)))
    return stream


@pytest.mark.usefixtures("small", "follower")
@pytest.mark.parametrize("tampering", TAMPERED)
async def test_a_row_that_somebody_changed_is_found_in_the_background_and_logged_once(
    database, log, superuser, tampering, caplog
):
    streams = [await registered(log) for _ in range(5)]
    assert (await verified(database, "clients"))["clients"].outcome == "agrees"
    victim = new_id() if "made up" in tampering else streams[3]
    await superuser.execute(TAMPERED[tampering], victim)
    await verified(database, "clients")
    found = (await verified(database, "clients"))["clients"]
    assert (found.outcome, found.position, found.differing) == ("differs", 5, (str(victim),))
    assert [r.levelno for r in caplog.records if str(victim) in r.getMessage()] == [logging.ERROR]
    async with connected(database) as connection:
        (status,) = await statuses(connection, "clients")
    assert status.verification == found
    shown = await superuser.fetchrow(
        "select state, verification, differing from muniment.projections where name = 'clients'"
    )
    assert tuple(shown) == ("inline", "differs", [str(victim)])


@pytest.mark.usefixtures("small")
async def test_a_table_that_moves_on_meanwhile_is_no_difference(database, log, follower):
    tokens = IssuanceLog(database)

    async def more() -> None:
        if len(happened) < 12:
            happened.append(await registered(log))
            await tokens.record(issue())
            await follower.look()

    happened = [await registered(log) for _ in range(3)]
    names = ("clients", "client_history", "last_used", "audit_events", "log_tiles", "issuance_tiles")
    found = await verified(database, *names, pace=Busy(1.0, after=more))
    await tokens.close()
    assert {name: each.outcome for name, each in found.items()} == dict.fromkeys(names, "agrees")
    assert len(happened) == 12


@pytest.mark.usefixtures("small")
async def test_a_table_that_is_rebuilt_meanwhile_is_no_difference(database, log, follower):
    rebuilt: list[str] = []

    async def once() -> None:
        if not rebuilt:
            rebuilt.append("clients")
            await rebuild(database, "clients", silent)

    for _ in range(5):
        await registered(log)
    found = await verified(database, "clients", pace=Busy(1.0, after=once))
    assert (found["clients"].outcome, rebuilt) == ("agrees", ["clients"])


class Noted(Pace, frozen=True, kw_only=True):
    """Notes for each step whether its rest keeps a transaction open, and the share."""

    shares: set[tuple[bool, float]]

    @asynccontextmanager
    async def step(self, connection: Connection) -> AsyncGenerator[None]:
        yield
        self.shares.add((connection.is_in_transaction(), self.share))


@pytest.mark.usefixtures("small", "follower")
async def test_a_verification_rests_little_while_it_holds_a_snapshot(database, log):
    for _ in range(3):
        await registered(log)
    shares: set[tuple[bool, float]] = set()
    await verified(database, "clients", pace=Noted(GENTLE.share, shares=shares))
    assert shares == {(False, GENTLE.share), (True, SHARE_WITHIN_A_SNAPSHOT)}
    assert Pace(1.0).within_a_snapshot.share == 1.0


@pytest.mark.usefixtures("small", "follower")
async def test_a_verification_does_not_wait_for_a_table_that_somebody_has_locked(database, log, superuser, caplog):
    caplog.set_level(logging.INFO, "muniment.projections")
    changing, steps = superuser.transaction(), list[str]()

    async def lock() -> None:
        steps.append("clients")
        if len(steps) == 2:
            await changing.start()
            await superuser.execute("lock table read.clients in access exclusive mode")

    await registered(log)
    assert await verified(database, "clients", pace=Busy(1.0, after=lock)) == {}
    await changing.rollback()
    assert "another transaction has locked its table" in caplog.text


@pytest.mark.usefixtures("small")
async def test_a_verification_whose_process_dies_is_taken_over_after_the_others(database, log, follower, superuser):
    async def die() -> None:
        await superuser.execute(
            "select pg_terminate_backend(l.pid, 1000) from pg_locks l where l.locktype = 'advisory' and l.objid = 4713"
        )

    for _ in range(5):
        await registered(log)
    with pytest.raises((Unavailable, *LOST)):
        await verified(database, "clients", pace=Busy(1.0, after=die))
    assert await superuser.fetchval("select count(*) from read.verifications where verified_at is not null") == 0
    order: list[str] = []

    async def note() -> None:
        order.append(await superuser.fetchval("select name from read.verifications order by begun_at desc limit 1"))

    found = await verified(database, "bots", "clients", pace=Busy(1.0, after=note))
    assert {each.outcome for each in found.values()} == {"agrees"}
    assert list(dict.fromkeys(order)) == ["bots", "clients"]


async def test_one_process_verifies_for_all(database):
    first, second = [Verifier(lambda: {"bots": registry.find("bots")}, database, A_DAY, pace=Pace(1.0)) for _ in "12"]
    await first.look()
    async with connected(database) as connection:
        await connection.execute("delete from read.verifications")
        await second.look()
        assert await verifications.all_of(connection) == {}
        await first.close()

        async def taken_over() -> dict[str, Verification]:
            await second.look()
            return await verifications.all_of(connection)

        assert set(await until(taken_over)) == {"bots"}
    await second.close()


async def test_a_log_that_cannot_be_folded_is_told_with_the_position(database, log, superuser, caplog):
    await registered(log)
    await superuser.execute("set session_replication_role = replica; update log.events set data = 'x'")
    found = (await verified(database, "clients"))["clients"]
    assert (found.outcome, found.position) == ("failed", 1)
    assert "the projection clients cannot be verified" in caplog.text


async def test_what_nobody_follows_yet_or_has_another_s_columns_is_not_compared(database, superuser, log):
    await registered(log)
    await superuser.execute("alter table read.clients add column colour text not null default 'grey'")
    assert await verified(database, "clients", "client_history") == {}
