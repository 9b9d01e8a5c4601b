"""Nobody changes what has happened: there is no grant, and a trigger that says so."""

import asyncpg
import pytest

from events.issuance import IssuanceLog
from events.log import Log
from service.crypto.credentials import new_id
from tests.tables.conftest import column
from tests.tables.items import item
from tests.tables.test_issuance import issue

TABLES = """
select c.oid::regclass::text from pg_class c where c.relnamespace = 'log'::regnamespace and c.relkind in ('r', 'p') order by 1
"""
CHANGES = ["update {0} set {1} = {1}", "delete from {0}", "truncate {0}"]
SEALED = "the log is append-only: {} of {} is refused"


@pytest.fixture
async def tables(database: str, log: Log, reader) -> list[str]:
    """Every table and partition of both logs, with something in them."""
    await log.append(item(new_id(), command=new_id()))
    tokens = IssuanceLog(database)
    await tokens.record(issue())
    await tokens.close()
    return await column(reader, TABLES)


async def _a_column(connection, table: str) -> str:
    query = (
        "select attname from pg_attribute where attrelid = $1::text::regclass and attnum > 0 order by attnum limit 1"
    )
    return await connection.fetchval(query, table)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.split()[0])
async def test_the_service_may_not_change_any_table_of_the_log(tables, reader, change):
    assert len([table for table in tables if table.startswith("log.issuance_2")]) >= 8
    for table in tables:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await reader.execute(change.format(table, await _a_column(reader, table)))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.split()[0])
async def test_a_superuser_is_told_that_the_log_is_append_only(tables, superuser, change):
    for table in tables:
        if table == "log.commands":
            continue  # answers to retries, forgotten after a day; no event is in it
        said = SEALED.format(change.split()[0], table)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match=said):
            await superuser.execute(change.format(table, await _a_column(superuser, table)))


async def test_the_service_may_not_insert_past_the_functions_that_append(tables, reader):
    for table in tables:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await reader.execute(f"insert into {table} default values")


async def test_the_service_may_not_switch_the_trigger_off(tables, reader):
    for statement in (
        "set session_replication_role = replica",
        "alter table log.events disable trigger append_only",
        "drop trigger append_only on log.events",
        "drop table log.events",
        "create or replace function log.refuse_change() returns trigger language plpgsql as 'begin return new; end'",
        "create function log.mine() returns int language sql as 'select 1'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute(statement)


async def test_the_service_may_call_what_appends_and_nothing_else(reader):
    callable_ = "select distinct proname from pg_proc where pronamespace = 'log'::regnamespace and has_function_privilege(oid, 'execute') order by 1"
    assert await column(reader, callable_) == [
        "append",
        "append_events",
        "append_with_tokens",
        "chain",
        "drop_issuance",
        "forget_old_commands",
        "issue",
        "keep_checkpoint",
        "keep_cosignature",
        "keep_of_issuance",
        "make_partitions",
        "project",
        "public_fields",
        "rows_of",
    ]
    assert await reader.fetchrow(
        "select current_user::text, rolsuper, rolcanlogin, rolcreaterole from pg_roles where rolname = current_user"
    ) == ("muniment_service", False, False, False)


async def test_nothing_of_the_log_is_for_everybody(superuser):
    assert (
        await column(
            superuser,
            "select relname from pg_class where relnamespace = 'log'::regnamespace and relacl::text ~ '[{,]='",
        )
        == []
    )
    assert (
        await column(
            superuser, "select proname from pg_proc where pronamespace = 'log'::regnamespace and proacl is null"
        )
        == []
    )


async def test_functions_that_run_as_their_owner_cannot_be_led_astray_by_a_search_path(superuser):
    definers = "select proconfig from pg_proc where pronamespace = 'log'::regnamespace and prosecdef"
    assert {row[0][0] for row in await superuser.fetch(definers)} == {"search_path=pg_catalog, pg_temp"}
