"""deploy/: three roles are enough for everything that the service does, and too little for what nobody may do."""

import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from events import verify
from events.database import Connection, connect
from projections import registry
from projections.engine.rebuild import rebuild
from projections.engine.verify import verify as verify_projection
from service import fitness
from service.configuration import settings
from service.embedded import binaries
from service.embedded.cluster import running
from service.migrations.run import migrate
from tests.conftest import FAST, named, open_directory
from tests.flows.conftest import serving

DEPLOY = Path(__file__).parents[2] / "deploy"
OWNER_PASSWORD, SERVICE_PASSWORD = "the owner's $1 \\ pass", "s3cret/of:the@service"
LOGS = ("log.events", "log.batches", "log.commands", "log.issuance", "log.issuance_batches", "log.issuance_rest")

FORBIDDEN = {
    **{f"change {log}": f"update {log} set recorded_at = now()" for log in LOGS if "issuance" not in log},
    **{f"change {log}": f"update {log} set data = ''" for log in ("log.issuance", "log.issuance_rest")},
    **{f"delete from {log}": f"delete from {log}" for log in LOGS},
    **{f"truncate {log}": f"truncate {log}" for log in LOGS},
    "write past the append function": "insert into log.batches select * from log.batches",
    "take off the append-only trigger": "alter table log.events disable trigger append_only",
    "replace the append function": (
        "do $$ declare one regprocedure; begin for one in select oid from pg_proc where proname = 'append_events' loop"
        " execute format('alter function %s owner to muniment_service', one); end loop; end $$"
    ),
    "make a function in the log's schema": "create function log.mine() returns int language sql return 1",
    "become the owner": "set role muniment_owner",
    "switch triggers off": "set session_replication_role = replica",
    "read password hashes": "select * from pg_authid",
    "make a table outside its own schemas": "create table public.mine ()",
    "make a schema": "create schema mine",
    "change the schema's version": "update alembic_version set version_num = '0'",
    "create a role": "create role somebody",
    "read the server's files": "select pg_read_file('/etc/passwd')",
}

TAKE_OVER = """
begin
  begin
    alter table log.events disable trigger append_only;
    raise exception 'the log is at the mercy of %', current_user using errcode = 'XX000';
  exception when insufficient_privilege then null; end;
"""
TRIGGER = f"""
create function read.take_over() returns trigger language plpgsql as $$ {TAKE_OVER} return new; end $$;
create trigger take_over before insert on read.clients for each row execute function read.take_over();
"""
SHADOW = f"""
create function pg_temp.take_over(pg_catalog.text) returns boolean language plpgsql as $$ {TAKE_OVER} return true; end $$;
create domain pg_temp.text as pg_catalog.text check (pg_temp.take_over(value));
create domain pg_temp.jsonb as pg_catalog.jsonb check (pg_temp.take_over(value::pg_catalog.text));
"""
APPEND = """
select log.append(array[s], array[0], null, null, null, array[1], array[1], array[1::smallint], array['test'::pg_catalog.text], array[''::bytea],
  array[''::bytea], array[1], array['clients'::pg_catalog.text], array[s],
  array[jsonb_build_object('stream_id', s, 'client_id', '', 'owner', '', 'grant_type', 'authorization_code', 'redirect_uris', array[]::pg_catalog.text[],
    'scopes', array[]::pg_catalog.text[], 'secrets', '[]'::pg_catalog.jsonb, 'state', 'active', 'created_at', now(), 'version', 1)])::pg_catalog.text
  from gen_random_uuid() as s
"""


def _as(url: str, user: str, database: str) -> str:
    """The same server's URL for another user, without a password."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    return named(url, database).replace(urlsplit(url).netloc, f"{user}@{host}", 1)


def _roles(url: str) -> None:
    psql = binaries.find(None, None).path / "psql"
    passwords = {"OWNER_PASSWORD": OWNER_PASSWORD, "SERVICE_PASSWORD": SERVICE_PASSWORD}
    subprocess.run([psql, "-qX", "-d", url, "-f", DEPLOY / "roles.sql"], check=True, env={**os.environ, **passwords})


async def _admin(postgres: str, *statements: str) -> None:
    admin = await asyncpg.connect(named(postgres, "postgres"))
    for statement in statements:
        await admin.execute(statement)
    await admin.close()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server of its own, for roles and their passwords belong to the whole server, and other tests log in to theirs."""
    with open_directory() as place, running(place / "data", settings=FAST) as url:
        yield url


@pytest.fixture(scope="module")
def deployed(server: str) -> Iterator[str]:
    """The URL that the service gets: a new database after roles.sql, twice, and a migration by an owner who may not create roles."""
    name = "deployed"
    asyncio.run(_admin(server, f"create database {name}"))
    with pytest.MonkeyPatch.context() as environment:
        for _ in range(2):
            _roles(named(server, name))
        environment.setenv("PGPASSWORD", OWNER_PASSWORD)
        asyncio.run(migrate(_as(server, "muniment_owner", name)))
        environment.setenv("PGPASSWORD", SERVICE_PASSWORD)
        yield _as(server, "muniment", name)


@pytest.fixture
async def session(deployed: str) -> AsyncIterator[Connection]:
    """What somebody has who has taken over the service: its session."""
    connection = await connect(deployed)
    yield connection
    await connection.close()


async def test_the_roles_are_enough_to_register_issue_rebuild_and_verify(deployed: str):
    async with serving(deployed) as live:
        await live.access_token(*await live.register())
        for name in registry.everything():
            await rebuild(deployed, name, lambda _done, _total: None)
        await live.access_token(*await live.register())
    for name in registry.everything():
        verdict = await verify_projection(deployed, name, lambda _done, _total: None)
        assert verdict.agrees, verdict
    connection = await connect(deployed)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for log in (verify.EVENTS, verify.ISSUANCE):
            assert [reached async for reached in verify.verify(connection, log)][-1].position > 0
    await connection.close()


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
async def test_the_service_may_not(session: Connection, statement: str):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await session.execute(statement)


@pytest.mark.parametrize("trap", [TRIGGER, SHADOW], ids=["a trigger on its own table", "a temporary type"])
async def test_the_service_cannot_make_the_append_run_its_code_as_the_owner_by(session: Connection, trap: str):
    attempt = session.transaction()
    await attempt.start()
    await session.execute(trap)
    await session.execute(APPEND)
    await session.execute("select log.make_partitions(30)")
    await attempt.rollback()


async def test_only_the_service_s_own_login_may_serve(deployed: str, server: str, monkeypatch: pytest.MonkeyPatch):
    assert await fitness.check_login(deployed) is None
    warning = await fitness.check_login(named(server, "deployed"))
    assert warning is not None
    assert "logs in as postgres, a superuser" in warning
    monkeypatch.setenv("PGPASSWORD", OWNER_PASSWORD)
    with pytest.raises(fitness.Unfit, match=r"logs in as muniment_owner, who owns the log.*serve as muniment"):
        await fitness.check_login(_as(server, "muniment_owner", "deployed"))


def _variables() -> set[str]:
    asked: set[str] = {"MUNIMENT_NEW_MASTER_KEY"}

    class Environment(dict[str, str]):
        def get(self, name: str, default: str = "") -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
            asked.add(name)
            return default

    settings.read_settings(Environment())
    return asked


def _settings() -> set[str]:
    return {name for name in _variables() if not name.startswith("OTEL_")}


CONFIGURATION = DEPLOY.parent / "docs" / "configuration.md"


def test_the_table_of_settings_names_every_setting_that_exists():
    rows = re.findall(r"^\| (`(?:PORT|MUNIMENT_)[^|]*) \|", CONFIGURATION.read_text(), re.MULTILINE)
    assert set(re.findall(r"`([A-Z_]+)`", " ".join(rows))) == _settings()


IMAGE_SAYS = {"MUNIMENT_HOST", "MUNIMENT_DATA"}
EMBEDDED_ALONE = {"MUNIMENT_POSTGRES_BIN"}
GIVEN_TO_ONE_COMMAND = {"MUNIMENT_NEW_MASTER_KEY"}


def test_the_compose_file_passes_every_setting_but_those_that_the_image_or_its_own_database_decides():
    passed = set(re.findall(r"^ +(MUNIMENT_[A-Z_]+):", (DEPLOY / "compose.yaml").read_text(), re.MULTILINE))
    assert passed == _settings() - {"PORT"} - IMAGE_SAYS - EMBEDDED_ALONE - GIVEN_TO_ONE_COMMAND


def test_the_compose_file_passes_the_standard_variables_that_we_read_or_name():
    passed = set(re.findall(r"^ +(OTEL_[A-Z_]+):$", (DEPLOY / "compose.yaml").read_text(), re.MULTILINE))
    named = set(re.findall(r"`(OTEL_[A-Z_]+)[`=]", (DEPLOY / "operating.md").read_text()))
    ours = {name for name in _variables() if name.startswith("OTEL_")}
    assert "OTEL_BSP_MAX_QUEUE_SIZE" in named - ours
    assert passed >= named | ours
