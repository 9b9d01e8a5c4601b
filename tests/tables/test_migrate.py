"""The schema comes to the present version once, by one process at a time, whole or not at all."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import asyncpg
import pytest
from msgspec import NODEFAULT, json, structs
from sqlalchemy import Connection

from events.chain import event_leaf, root_of
from events.client import ClientLoginChanged, Login
from events.codec import Event, encode, type_of
from events.database import AnyConnection, connect
from projections import clients, registry
from projections.registry import INLINE
from projections.table import Table
from service.commands.handle import BOT, CLIENT
from service.crypto.credentials import new_id
from service.migrations import attached, blockers, run
from service.migrations.attached import Attached
from service.migrations.blockers import Blocked, Holder
from service.migrations.run import migrate
from service.migrations.version import VERSIONS, WANTED, SchemaAhead, SchemaBehind, check, present
from tests.conftest import fresh_database, named, upgrade_to
from tests.patience import PATIENCE, until
from tests.rules.samples import BOT_DISABLED, BOT_REGISTERED, DELETED, DISABLED, INTERACTIVE, REGISTERED, RENAMED
from tests.tables.conftest import column, connected, proved
from tests.tables.items import item, meta
from tests.tables.test_projections import agreed

_numbers = itertools.count(1)


@pytest.fixture
async def bare(either_postgres: str) -> AsyncIterator[str]:
    """A database with nothing in it."""
    name = f"bare{next(_numbers)}"
    admin = await asyncpg.connect(named(either_postgres, "postgres"))
    await admin.execute(f"create database {name} template template0 strategy file_copy")
    yield named(either_postgres, name)
    await admin.execute(f"drop database {name} (force)")
    await admin.close()


@pytest.fixture(scope="module")
async def left(either_postgres: str) -> str:
    """The name of a database as a version before left it, for clones: the migrations run once."""
    admin = await asyncpg.connect(named(either_postgres, "postgres"))
    await admin.execute("create database left_by_0003 template template0")
    await admin.close()
    url = named(either_postgres, "left_by_0003")
    await run._with_connection(url, lambda connection: upgrade_to(connection, "0003"))
    return "left_by_0003"


@pytest.fixture
async def before(either_postgres: str, left: str) -> str:
    """A database as a version before left it."""
    return await fresh_database(either_postgres, template=left)


@pytest.fixture
async def migrated(either_postgres: str) -> str:
    """A database at the present version."""
    return await fresh_database(either_postgres)


async def test_a_bare_database_is_brought_to_the_present_version(bare):
    with pytest.raises(SchemaBehind, match=r"is at nothing.*run muniment db migrate"):
        await check(bare)
    assert await migrate(bare) == (None, WANTED)
    await check(bare)
    assert await present(bare) == WANTED
    assert await migrate(bare) == (WANTED, WANTED)


async def test_of_two_processes_that_migrate_at_once_one_does_it_and_the_other_finds_it_done(bare):
    outcomes = await asyncio.gather(migrate(bare), migrate(bare))
    assert sorted(outcomes, key=str) == [(WANTED, WANTED), (None, WANTED)]
    connection = await asyncpg.connect(bare)
    assert await column(connection, "select last_position from log.batches") == [0]
    await connection.close()


async def test_a_migration_waits_for_a_long_transaction_lets_others_read_meanwhile_and_says_for_whom(
    before: str, monkeypatch: pytest.MonkeyPatch
):
    """The reader's transaction holds a table that later versions change. Who reads after the migration began must not wait for it."""
    monkeypatch.setattr(run, "PAUSE_SECONDS", 0.1)
    said: list[str] = []
    reader, other = await asyncpg.connect(before), await asyncpg.connect(before)
    async with reader.transaction():
        await reader.execute("select from read.clients")
        pid = await reader.fetchval("select pg_backend_pid()")
        migrating = asyncio.create_task(migrate(before, said.append))

        async def told() -> bool:  # besides, something else may hold a lock for a moment, such as autovacuum
            return any(re.search(rf"\(process {pid}\b[^)]* it uses read\.clients", text) for text in said)

        await until(told)
        for _ in range(3):
            await other.fetchval("select count(*) from read.clients", timeout=PATIENCE)
        assert not migrating.done()
    assert await migrating == ("0003", WANTED)
    for connection in (reader, other):
        await connection.close()


async def test_a_migration_that_gets_no_lock_gives_up_in_a_sentence_and_changes_nothing(
    before: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(run, "ATTEMPTS", 2)
    reader = await asyncpg.connect(before)
    async with reader.transaction():
        await reader.execute("select from read.clients")
        with pytest.raises(Blocked, match=r"nothing was changed.* it uses read\.clients.*pg_terminate_backend"):
            await migrate(before)
    assert await present(before) == "0003"
    await reader.close()


async def test_who_has_only_short_transactions_does_not_hold_a_migration_up(migrated: str):
    long, short, looking = [await asyncpg.connect(migrated) for _ in range(3)]
    pids = [await connection.fetchval("select pg_backend_pid()") for connection in (long, short)]
    looks: list[Sequence[Holder]] = []
    async with long.transaction():
        await long.execute("select from read.clients")
        for _ in range(2):
            async with short.transaction():
                await short.execute("select from read.clients")
                looks.append(await blockers.look(looking))
    assert [{each.pid for each in found} >= set(pids) for found in looks] == [True, True]
    found = {each.pid for each in blockers.lasting(*looks)}
    assert [pid in found for pid in pids] == [True, False]
    for connection in (long, short, looking):
        await connection.close()


async def test_a_schema_of_a_newer_version_is_left_alone_and_said_in_a_sentence(migrated):
    connection = await asyncpg.connect(migrated)
    await connection.execute("update alembic_version set version_num = '9999'")
    await connection.close()
    with pytest.raises(SchemaAhead, match=rf"is at 9999, but this version .* none after {WANTED}: nothing was changed"):
        await migrate(migrated)
    await check(migrated)  # it was made so that the version before still works with it
    assert await present(migrated) == "9999"


async def test_a_migration_that_fails_leaves_nothing_behind(bare):
    connection = await asyncpg.connect(bare)
    await connection.execute("create schema vault")
    with pytest.raises(asyncpg.DuplicateSchemaError):
        await migrate(bare)
    assert await column(connection, "select nspname from pg_namespace where nspname in ('log', 'read')") == []
    await connection.execute("drop schema vault")
    await connection.close()
    assert (await migrate(bare))[0] is None


async def test_what_an_older_version_wrote_before_a_migration_and_goes_on_to_write_after_it_is_right(bare):
    """Version 0001 knows no public clients and no terms of login; its processes go on until they are replaced."""
    await run._with_connection(bare, lambda connection: upgrade_to(connection, "0001"))
    async with connected(bare) as log:
        kept, changed, bot = new_id(), new_id(), new_id()
        await _old_append(log, CLIENT.table, kept, [INTERACTIVE])
        await _old_append(log, CLIENT.table, changed, [INTERACTIVE])
        await _old_append(log, CLIENT.table, new_id(), [REGISTERED, RENAMED])
        await _old_append(log, BOT.table, bot, [BOT_REGISTERED])
        await run._with_connection(bare, lambda connection: upgrade_to(connection, "0002"))

        await _old_append(log, CLIENT.table, changed, [INTERACTIVE], [DISABLED])
        await _old_append(log, BOT.table, bot, [BOT_REGISTERED], [BOT_DISABLED])
        for events in ([INTERACTIVE], [REGISTERED], [REGISTERED, DELETED]):
            await _old_append(log, CLIENT.table, new_id(), events)
        assert await migrate(bare) == ("0002", WANTED)
        for name in registry.everything():
            await agreed(bare, name)
        await proved(log)
    connection = await connect(bare)
    found = await clients.find(connection, kept)
    await connection.close()
    assert found is not None
    assert (found.client.public, found.client.login) == (False, Login())


SNARE = "create function read.snare() returns {} language plpgsql as 'begin reset role; drop schema log cascade; return null; end'"
ATTACHED = {
    "a trigger": [SNARE.format("trigger"), "create trigger mine before update on read.clients execute function read.snare()"],
    "a trigger of Postgres's own": [
        "create trigger mine before update on read.clients for each row execute function suppress_redundant_updates_trigger()"
    ],
    "a rule": ["create rule mine as on update to read.clients do also select pg_reload_conf()"],
    "a policy": ["create policy mine on read.clients using (pg_reload_conf())"],
    "a check": ["alter table read.clients add constraint mine check (query_to_xml('select 1', true, true, '') is not null) not valid"],
    "a generated column": ["alter table read.clients add column mine text generated always as (owner || 'x') stored"],
    "a domain": [SNARE.format("boolean"), "create domain read.mine as text check (read.snare())"],
    "a view": ["alter table read.bots rename to mine", "create view read.bots as select * from read.mine"],
}  # fmt: skip


@pytest.mark.parametrize("statements", ATTACHED.values(), ids=ATTACHED)
async def test_nothing_that_the_service_s_role_left_at_its_tables_runs_as_whoever_migrates(before, statements):
    async with connected(before) as service:
        for statement in statements:
            await service.execute(statement)
    with pytest.raises(Attached, match=r"Not migrated: .*(mine|snare|policy|bots).* Drop it"):
        await migrate(before)
    assert await present(before) == "0003"


async def test_what_muniment_itself_made_is_no_reason_not_to_migrate(bare):
    def each_is_checked(connection: Connection) -> None:
        for version in sorted(VERSIONS):
            upgrade_to(connection, version)
            attached.check(connection)

    await run._with_connection(bare, each_is_checked)


async def test_a_default_of_before_that_nobody_chose_leaves_the_rows_of_clients(bare):
    """`require_pkce` was true where nothing was said; now that is no value."""
    off, on = Login(require_pkce=False), Login(require_pkce=True)
    other = on.__replace__(id_token_alg="ES256")
    switched_off, switched_on = ClientLoginChanged(login=off, was=on), ClientLoginChanged(login=on, was=off)
    lives = {
        "nothing was said": ([INTERACTIVE], on),
        "something else was said": ([INTERACTIVE, ClientLoginChanged(login=other, was=on)], other),
        "off": ([INTERACTIVE, switched_off], off),
        "on": ([INTERACTIVE, switched_off, switched_on], on),
    }
    await run._with_connection(bare, lambda connection: upgrade_to(connection, "0004"))
    connection = await asyncpg.connect(bare)
    async with connected(bare) as log:
        for events, stored in lives.values():
            stream = new_id()
            await _old_append(log, CLIENT.table, stream, events)
            login = json.encode(stored).decode()
            await connection.execute("update read.clients set login = $1 where stream_id = $2", login, stream)
        await migrate(bare)
        await agreed(bare, "clients")
    logins = await column(connection, "select login ->> 'require_pkce' from read.clients order by stream_id")
    await connection.close()
    assert dict(zip(lives, logins, strict=True)) == {
        "nothing was said": None,
        "something else was said": None,
        "off": "false",
        "on": "true",
    }


async def test_a_row_from_the_version_before_keeps_the_newest_column_or_gets_its_default(migrated):
    connection = await asyncpg.connect(migrated)
    await connection.execute("alter table read.bots add column colour text not null default 'grey'")
    await connection.execute("call log.generate_project()")
    old, new = new_id(), new_id()
    async with connected(migrated) as log:
        await _old_append(log, BOT.table, old, [BOT_REGISTERED])
        await connection.execute("update read.bots set colour = 'red'")
        await _old_append(log, BOT.table, new, [BOT_REGISTERED.__replace__(email="other@example.com")])
        await _old_append(log, BOT.table, old, [BOT_REGISTERED], [BOT_DISABLED])
    rows = await connection.fetch("select stream_id, state, colour from read.bots order by stream_id")
    await connection.close()
    assert [tuple(row) for row in rows] == [(old, "disabled", "red"), (new, "active", "grey")]


@pytest.mark.parametrize("name", sorted(INLINE))
async def test_every_column_of_a_row_is_a_column_of_its_table(superuser, name):
    live = await column(
        superuser,
        f"select attname from pg_attribute where attrelid = 'read.{name}'::regclass and attnum > 0 and not attisdropped",
    )
    assert sorted(live) == sorted(INLINE[name].columns)


DEFAULT = """
select pg_get_expr(d.adbin, d.adrelid) from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where a.attrelid = $1::text::regclass and a.attname = $2
"""


@pytest.mark.parametrize("name", [name for name, table in INLINE.items() if table.row.__struct_config__.omit_defaults])
async def test_what_a_new_row_leaves_out_is_the_default_of_its_column(superuser, name):
    for field in structs.fields(INLINE[name].row):
        if field.default is not NODEFAULT:
            made = await superuser.fetchval(DEFAULT, f"read.{name}", field.name) or "null::text"
            found = await superuser.fetchval(f"select coalesce(to_jsonb({made}), 'null')")
            assert json.decode(found) == json.decode(json.encode(field.default)), field.name


OLD_APPEND = """
select st from log.append(array[$1::uuid], array[$2::int], null, null, null,
                          array_fill(1, array[cardinality($3::int[])]), array_fill($1::uuid, array[cardinality($3::int[])]), $3::int[],
                          array_fill(1::smallint, array[cardinality($3::int[])]), $4::text[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea,
                          array[1], array[$9::text], array[$1::uuid], array[$10::jsonb])
"""


async def _old_append(
    connection: AnyConnection, table: Table, stream: UUID, past: Sequence[Event], new: Sequence[Event] = ()
) -> None:
    """As version 0001 appends: it hashes by itself, and the client's row has neither of the columns that came later."""
    row = table.change(stream, [*past, *new]).row
    columns = {} if row is None else structs.asdict(row)
    stored = row and json.encode({k: v for k, v in columns.items() if k not in ("public", "login")}).decode()
    expected, events = (len(past), new) if new else (0, past)
    versions, kinds = [expected + n for n in range(1, len(events) + 1)], [type_of(event) for event in events]
    said, data = encode(meta()), [encode(event) for event in events]
    leaves = [
        event_leaf(stream=stream, version=version, schema_version=1, kind=kind, meta=said, data=stored_event)
        for version, kind, stored_event in zip(versions, kinds, data, strict=True)
    ]
    hashed = ([said] * len(data), data, leaves, root_of(leaves))
    assert await connection.fetchval(OLD_APPEND, stream, expected, versions, kinds, *hashed, table.name, stored) is None


async def test_every_log_has_an_id_of_its_own(bare, database):
    await migrate(bare)
    ids: list[bytes] = []
    for url in (bare, database):
        connection = await connect(url)
        ids += await column(connection, "select chain from log.batches where last_position = 0")
        await connection.close()
    assert ids[0] != ids[1]


async def test_the_service_owns_what_it_rebuilds_and_what_is_no_fact_and_nothing_else(superuser):
    owned = """
select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and c.relowner = 'muniment_service'::regrole order by 1
"""
    assert await column(superuser, owned) == [
        "limits.counts",
        "limits.devices",
        "limits.pushed",
        "limits.used",
        "push.checkpoints",
        "read.apis",
        "read.authorizations",
        "read.bots",
        "read.checkpoints",
        "read.clients",
        "read.consents",
        "read.device_authorizations",
        "read.exchanges",
        "read.initial_access_tokens",
        "read.last_used",
        "read.published_views",
        "read.revoked_tokens",
        "read.sessions",
        "read.signing_keys",
        "read.trusted_issuers",
        "read.users",
        "read.verifications",
        "vault.keys",
        "vault.names",
        "vault.passkeys",
        "vault.people",
        "vault.removed",
        "vault.signing_keys",
    ]
    schemas = "select nspname from pg_namespace where nspowner = 'muniment_service'::regrole order by 1"
    assert await column(superuser, schemas) == ["limits", "muniment", "push", "read", "vault"]


async def test_an_operator_can_read_events_as_json(log, superuser):
    await log.append(item(new_id()))
    found = await superuser.fetchrow(
        "select data ->> 'owner' as owner, meta ->> 'request_id' as request from log.events_json"
    )
    assert found is not None
    assert tuple(found) == ("alice", "test")
