"""Ready is who could issue a token now; who could not says why, and the log says it once."""

import asyncio
import logging
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from events import issuance
from events.database import Unavailable, connect, log_in
from events.ids import client_id_of
from projections.engine.rebuild import rebuild
from service import fitness, outages
from service.app import app
from service.crypto.credentials import new_id
from service.outages import Outages
from tests.conftest import named
from tests.flows.conftest import Live, new_database, oauth_error, serving, settings_for
from tests.patience import PATIENCE

FULL = """
create function public.fill() returns trigger language plpgsql as
  $$ begin raise exception 'could not extend file "base/1": No space left on device' using errcode = 'disk_full'; end $$;
create trigger fill before insert on log.issuance_batches for each row execute function public.fill();
"""
EACH_ISSUE = """
do $$ declare f regprocedure; begin
  for f in select oid from pg_proc where proname = 'issue' and pronamespace = 'log'::regnamespace loop execute format('DO', f); end loop;
end $$
"""
BROKEN = {
    "a table of the wrong owner": (
        "alter table read.clients owner to postgres",
        "alter table read.clients owner to muniment_service",
        "the table read.clients belongs to postgres: alter table read.clients owner to muniment_service",
    ),
    "a table that cannot be read": (
        "revoke select on log.batches from muniment_service",
        "grant select on log.batches to muniment_service",
        "permission denied for table batches",
    ),
    "a log that takes nothing": (
        EACH_ISSUE.replace("DO", "revoke execute on function %s from muniment_service"),
        EACH_ISSUE.replace("DO", "grant execute on function %s to muniment_service"),
        "permission denied for function issue",
    ),
    "a full disk": (
        FULL,
        "drop trigger fill on log.issuance_batches; drop function public.fill()",
        'could not extend file "base/1": No space left on device',
    ),
    "a standby": (
        "alter database {name} set default_transaction_read_only = on",
        "set transaction read write; alter database {name} reset default_transaction_read_only",
        "it is a standby, or read-only",
    ),
}

WRONG_KEY = "MUNIMENT_MASTER_KEY is not the key that this database's signing keys were wrapped with"


@pytest.fixture(scope="module")
async def broken(postgres: str) -> AsyncIterator[Live]:
    """A service of its own, whose database is broken and mended."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(issuance, "PROVED_SECONDS", 0.0)
        patch.setattr("service.readiness.TRIED_SECONDS", 0.0)
        async with serving(await new_database(postgres)) as live:
            yield live


async def as_superuser(live: Live, statements: str) -> None:
    """Done, and every connection of the service is a new one after it."""
    admin = await asyncpg.connect(live.database)
    await admin.execute(statements.format(name=live.database.partition("?")[0].rpartition("/")[2]))
    await admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    )
    await admin.close()


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN.keys())
async def test_with(
    broken: Live, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, fault: tuple[str, str, str]
):
    break_it, mend_it, why = fault
    await as_superuser(broken, break_it)
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr("events.database.PATIENCE_SECONDS", 0.2)
    try:
        async with asyncio.timeout(PATIENCE):
            while why not in (ready := await broken.http.get("/health/ready")).json().get("why", ""):
                await asyncio.sleep(0)
        assert ready.json()["status"] == "not ready"
        assert ready.json()["why"].endswith(why)
        for _ in range(3):
            known = await broken.token_for(broken.client_id, broken.client_secret)
            unknown = await broken.token_for(client_id_of(new_id()), "secret")
            statuses = (known.status_code, unknown.status_code)
            assert 503 in statuses
            assert 500 not in statuses
            assert (await broken.http.get("/health/ready")).status_code == 503
    finally:
        await as_superuser(broken, mend_it)
        monkeypatch.undo()  # a busy machine may need longer to connect
    said = [record.getMessage() for record in caplog.records if record.name == "muniment.database"]
    assert any(why in line for line in said)
    assert len(said) == len(set(said))
    async with asyncio.timeout(PATIENCE):
        while (await broken.http.get("/health/ready")).status_code != 200:
            await asyncio.sleep(0)
    assert (await broken.token_for(broken.client_id, broken.client_secret)).status_code == 200


async def test_with_another_master_key_than_the_database_s(broken: Live):
    application = app(settings_for(broken.database, broken.url, master_key=b"o" * 32))
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(verify=False, base_url=broken.url, transport=httpx.ASGITransport(application)) as http,
    ):
        async with asyncio.timeout(PATIENCE):
            while WRONG_KEY not in (ready := await http.get("/health/ready")).json().get("why", ""):
                await asyncio.sleep(0)
        assert ready.status_code == 503
        form = {
            "grant_type": "client_credentials",
            "client_id": broken.client_id,
            "client_secret": broken.client_secret,
        }
        said = oauth_error(await http.post("/openid/token", data=form), 503, "temporarily_unavailable")
        assert said == "Nothing was issued: the database cannot be used for the moment. Try again."


async def test_being_ready_leaves_nothing_in_the_log(broken: Live):
    connection = await connect(broken.database)
    count = "select (select count(*) from log.issuance), (select count(*) from log.issuance_batches)"
    before = await connection.fetchrow(count)
    assert (await broken.http.get("/health/ready")).status_code == 200
    assert await connection.fetchrow(count) == before
    await connection.close()


def test_an_outage_is_said_once_for_each_reason_and_once_when_it_is_over(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outages, "CALM_SECONDS", 0.0)
    noticed = Outages()
    for _ in range(100):
        noticed.notice(Unavailable("the disk is full"))
        noticed.notice(Unavailable("the primary is gone"))
    noticed.all_is_well()
    noticed.all_is_well()
    said = [record.getMessage() for record in caplog.records]
    assert said[:2] == ["the disk is full", "the primary is gone"]
    assert len(said) == 3
    assert said[2].startswith("the database can be used again")


async def test_a_database_of_another_encoding_is_refused_with_its_name(postgres: str):
    admin = await asyncpg.connect(named(postgres, "postgres"))
    await admin.execute("create database latin template template0 encoding 'LATIN1' locale 'C' locale_provider libc")
    try:
        with pytest.raises(Unavailable, match="has the encoding LATIN1"):
            await log_in(named(postgres, "latin"))
    finally:
        await admin.execute("drop database latin with (force)")
        await admin.close()


async def test_a_process_of_another_issuer_is_seen_while_it_runs(broken: Live):
    await fitness.check_issuer(broken.database, broken.url)
    connection, other = await connect(broken.database), "https://other.example.com"
    async with asyncio.timeout(PATIENCE):
        while not await fitness.other_issuers(connection, other):  # the name comes with housekeeping's connection
            await asyncio.sleep(0)
    await connection.close()
    with pytest.raises(fitness.Unfit, match=rf"as {broken.url}, but this one has the issuer {other}"):
        await fitness.check_issuer(broken.database, other)


async def test_a_rebuild_leaves_tables_of_the_service(broken: Live):
    await rebuild(broken.database, "clients", lambda _done, _total: None)
    assert (await broken.http.get("/health/ready")).status_code == 200
