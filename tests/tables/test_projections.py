"""A read model is a fold of the log: written as events are appended, it is at every moment what the log alone would make of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import json, structs

from events.codec import type_of
from events.database import Connection, pool
from events.log import Append, Log
from events.replay import history
from projections import registry
from projections.engine import slow_verify, status
from projections.engine.pace import Pace
from projections.engine.status import statuses
from projections.engine.verdict import Verdict
from projections.engine.verify import verify
from projections.registry import INLINE
from projections.table import Table
from service.commands.bot import RegisterBot
from service.commands.client import DisableClient, Holder
from service.commands.handle import CLIENT, Handled, Ledger, handle
from service.commands.restoration import RestoreBot
from service.commands.trusted_issuer import RegisterTrustedIssuer
from service.crypto.credentials import new_id
from service.refusals import Contradiction, DomainRefusal, VersionMismatch
from tests.conftest import fresh_database
from tests.rules.commands import EVERYTHING
from tests.rules.samples import DISABLED, EVENTS, REGISTERED
from tests.tables.conftest import appended, column, connected, proved, writing
from tests.tables.items import meta

ALL = st.lists(
    st.sampled_from(sorted(EVERYTHING)).flatmap(
        lambda name: EVERYTHING[name].histories.map(lambda commands: (name, commands))
    ),
    min_size=1,
    max_size=4,
)


def silent(_done: int, _total: int) -> None:
    pass


async def agreed(url: str, name: str) -> Verdict:
    verdict = await verify(url, name, silent)
    assert verdict.agrees, verdict
    return verdict


@pytest.fixture(scope="module")
async def shared(postgres: str) -> AsyncIterator[tuple[str, Ledger, Connection]]:
    """One database for all examples: each has streams of its own."""
    url = await fresh_database(postgres)
    async with writing(url) as log, pool(url) as connections, connected(url) as connection:
        yield url, Ledger(log, connections), connection


def unique(command: Any, stream: object) -> Any:
    """Bots of different examples do not have the same address, nor trusted issuers the same identifier."""
    match command:
        case RegisterBot() | RestoreBot():
            return command.__replace__(email=f"{stream}@x")
        case RegisterTrustedIssuer():
            return command.__replace__(issuer=f"https://{stream}.example.com")
        case _:
            return command


async def carried_out(ledger: Ledger, aggregate: Any, stream: Any, commands: list[Any]) -> int:
    """The version that the stream comes to."""
    version = 0
    for command in commands:
        try:
            version = (await handle(ledger, aggregate, stream, unique(command, stream), meta())).version
        except DomainRefusal:
            continue
    return version


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(ALL)
async def test_a_row_is_the_fold_of_its_stream_whatever_was_asked(shared: Any, asked: list[tuple[str, list[Any]]]):
    _, ledger, connection = shared
    streams = [new_id() for _ in asked]
    versions = await asyncio.gather(
        *(
            carried_out(ledger, EVERYTHING[name].aggregate, stream, commands)
            for stream, (name, commands) in zip(streams, asked, strict=True)
        )
    )
    for stream, (name, _), version in zip(streams, asked, versions, strict=True):
        table = EVERYTHING[name].aggregate.table
        past = await history(connection, stream)
        assert len(past) == version
        row = table.fold(stream, [recorded.event for recorded in past])
        live = await connection.fetchval(f"select to_jsonb(t) from read.{table.name} t where stream_id = $1", stream)
        if row is None:
            assert live is None
        else:
            expected = f"select to_jsonb(jsonb_populate_record(null::read.{table.name}, $1))"
            assert json.decode(live) == json.decode(
                await connection.fetchval(expected, json.encode(structs.asdict(row)).decode())
            )


async def begun(log: Log, table: Table) -> None:
    """One stream of the table's kind at least, whatever chance has brought."""
    stream = new_id()
    first = next(event for event in EVENTS if type_of(event) in table.tags and table.fold(stream, [event]) is not None)
    change = table.change(stream, [first])
    await appended(log, Append(stream=stream, expected=0, events=[first], meta=meta(), changes=(change,)))


@pytest.mark.parametrize("name", registry.everything())
async def test_after_all_examples_every_table_equals_the_fold_of_the_log(shared, name):
    url, ledger, connection = shared
    if name in INLINE:
        await begun(ledger.log, INLINE[name])
    verdict = await agreed(url, name)
    (live,) = await statuses(connection, name)
    counted = await status.counted(connection, live.table)
    assert (verdict.rows, verdict.digest) == (counted.rows, counted.digest)
    if live.state != "not started":
        assert await slow_verify.verified(connection, registry.find(name), Pace(1.0)) == verdict
    if name in INLINE:
        assert verdict.rows > 0
        assert (live.state, live.lag, live.position) == ("inline", 0, (await proved(connection)).position)


TAMPERED = {
    "a changed row": "update read.clients set scopes = array['operate'] where stream_id = $1",
    "a changed secret": "update read.clients set secrets = jsonb_set(secrets, '{0,hash}', '\"00\"') where stream_id = $1",
    "a version that is behind": "update read.clients set version = version - 1 where stream_id = $1",
    "a row that is gone": "delete from read.clients where stream_id = $1",
    "a row that is made up": """
insert into read.clients select $1::uuid, client_id, owner, grant_type, bot_user_id, display_name, redirect_uris, scopes, secrets, state, created_at, version
  from read.clients limit 1""",
}


@pytest.mark.parametrize("tampering", TAMPERED)
async def test_a_table_that_somebody_changed_does_not_agree_and_the_row_is_named(database, log, superuser, tampering):
    streams = [new_id() for _ in range(3)]
    for stream in streams:
        change = (CLIENT.table.change(stream, [REGISTERED]),)
        await appended(log, Append(stream=stream, expected=0, events=[REGISTERED], meta=meta(), changes=change))
    await agreed(database, "clients")
    victim = new_id() if "made up" in tampering else streams[1]
    await superuser.execute(TAMPERED[tampering], victim)
    verdict = await verify(database, "clients", silent)
    assert not verdict.agrees
    assert verdict.differing == (str(victim),)
    assert verdict.digest != verdict.expected_digest


async def test_a_view_in_the_place_of_a_table_does_not_agree_although_it_shows_the_same(database, superuser):
    await superuser.execute(
        "alter table read.bots rename to real; create view read.bots as table read.real; grant select on read.bots to muniment_service"
    )
    try:
        verdict = await verify(database, "bots", silent)
    finally:
        await superuser.execute("drop view read.bots; alter table read.real rename to bots")
    assert not verdict.agrees
    assert verdict.differing == ("read.bots is not a table but a view: others may be shown other rows",)


async def test_equal_tables_have_equal_digests_whatever_the_order_of_their_rows(log, superuser):
    for _ in range(3):
        stream = new_id()
        change = (CLIENT.table.change(stream, [REGISTERED]),)
        await appended(log, Append(stream=stream, expected=0, events=[REGISTERED], meta=meta(), changes=change))
    query = "select array_agg(t order by stream_id {}) from read.clients t"
    digest = "select sum(hash_record_extended(t, 0)::numeric) from unnest(({})::read.clients[]) t"
    assert await superuser.fetchval(digest.format(query.format("asc"))) == await superuser.fetchval(
        digest.format(query.format("desc"))
    )


ANYBODY = Holder(owner=None, sub="operator", scopes=frozenset())


async def a_client(ledger: Ledger) -> Any:
    stream = new_id()
    change = (CLIENT.table.change(stream, [REGISTERED]),)
    await appended(ledger.log, Append(stream=stream, expected=0, events=[REGISTERED], meta=meta(), changes=change))
    return stream


def disabled(stream: Any) -> Handled:
    return Handled(2, 2, [DISABLED], (CLIENT.table.change(stream, [REGISTERED, DISABLED]),))


async def test_of_many_who_ask_for_the_same_at_once_one_does_it(ledger, reader):
    stream = await a_client(ledger)
    handled = await asyncio.gather(
        *(handle(ledger, CLIENT, stream, DisableClient(by=ANYBODY), meta()) for _ in range(8))
    )
    assert sorted(handled, key=lambda one: one.position or 0) == [Handled(None, 2)] * 7 + [disabled(stream)]
    assert await column(reader, "select count(*) from log.events") == [2]


async def test_who_names_a_version_that_is_no_more_is_told_the_one_that_is(ledger):
    stream = await a_client(ledger)
    with pytest.raises(VersionMismatch, match="The current version is 1, not 3"):
        await handle(ledger, CLIENT, stream, DisableClient(by=ANYBODY), meta(), only_at={3})
    assert await handle(ledger, CLIENT, stream, DisableClient(by=ANYBODY), meta(), only_at={1}) == disabled(stream)


async def test_of_many_who_name_the_same_version_at_once_one_wins(ledger):
    stream = await a_client(ledger)
    asked = (handle(ledger, CLIENT, stream, DisableClient(by=ANYBODY), meta(), only_at={1}) for _ in range(8))
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(outcome, Handled) for outcome in outcomes) == 1
    assert all(isinstance(outcome, Handled | Contradiction | VersionMismatch) for outcome in outcomes)
