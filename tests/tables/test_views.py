"""The views of the schema muniment: a contract, for a role that reaches nothing else."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from msgspec import json

from events.client import ClientDeleted
from events.client_security import ClientSecurityChanged, Security
from events.codec import Event, type_of
from events.database import Connection
from events.ids import client_id_of
from events.log import Append, Log
from projections import registry
from projections.engine.rebuild import rebuild
from projections.views import dbt, document, publication
from service.audit import event_fields
from service.crypto.credentials import new_id
from service.migrations import attached, run
from service.migrations.attached import Attached
from tests.conftest import fresh_database
from tests.rules.samples import (
    DISABLED,
    EVENTS,
    HASH,
    ISSUER_REGISTERED,
    PUBLIC_REGISTERED,
    REGISTERED,
    SECRET_ADDED,
    TRUST,
)
from tests.tables.conftest import appended, column, connected
from tests.tables.items import meta
from tests.tables.test_projections import silent

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "views.md"
COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum)
  from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relnamespace = 'muniment'::regnamespace and a.attnum > 0
 order by c.relname, a.attnum
"""


@pytest.fixture
async def database(postgres: str) -> str:
    """Of its own, because views belong to the whole database."""
    return await fresh_database(postgres)


@pytest.fixture
async def person(database: str, superuser: Connection) -> AsyncIterator[Connection]:
    """Who queries: a login that is a member of the role for readers."""
    await superuser.execute("create role grafana login password 'of-the-test' in role muniment_reader")
    connection = await asyncpg.connect(database, user="grafana", password="of-the-test")
    yield connection
    await connection.close()
    await superuser.execute("drop role grafana")


async def happened(log: Log, *events: Event) -> str:
    """The client_id of a client to whom this happened."""
    stream = new_id()
    changes = registry.changes(stream, [], events)
    await appended(log, Append(stream=stream, expected=0, events=events, meta=meta(stream.hex), changes=changes))
    return client_id_of(stream)


async def test_the_page_of_the_views_describes_what_the_database_has(follower, superuser):
    described = [
        (view.name, column.name, column.type, column.says) for view in publication.VIEWS for column in view.columns
    ]
    assert sorted(tuple(row) for row in await superuser.fetch(COLUMNS)) == sorted(described)
    page = PAGE.read_text()
    assert "\n".join(document.lines()).rstrip() in page, (
        "write this part of docs/views.md again: python -m projections.views"
    )


def test_the_source_of_dbt_has_the_views_and_that_of_grafana_has_a_login_of_its_own():
    made = (ROOT / "deploy/dbt/sources.yml").read_text()
    assert "\n".join(dbt.lines()) == made.rstrip(), "make it again: python -m projections.views dbt"
    grafana = (ROOT / "deploy/grafana/datasource.yaml").read_text()
    assert "type: grafana-postgresql-datasource" in grafana
    assert set(re.findall(r"(?:user|password): (.*)", grafana)) == {
        "$__env{MUNIMENT_READER_USER}",
        "$__env{MUNIMENT_READER_PASSWORD}",
    }


async def test_the_questions_of_the_page_are_answered_to_a_reader(follower, person, log):
    await happened(log, REGISTERED)
    await follower.look()
    questions = re.findall(r"```sql\n(select.*?);\n```", PAGE.read_text(), re.DOTALL)
    assert len(questions) == 10
    for question in questions:
        await person.fetch(question)
    assert len(await person.fetch(questions[0])) == 1


async def test_the_reader_s_role_may_select_from_the_views_and_reaches_nothing_else(follower, person, superuser):
    for view in publication.VIEWS:
        await person.fetch(f"select * from muniment.{view.name}")
    for refused in (
        "select * from read.clients",
        "select * from log.events",
        "select * from log.issuance",
        "select * from vault.keys",
        "delete from muniment.signing_keys",
        "create table muniment.mine ()",
        "create schema mine",
        "select log.forget_old_commands()",
        "set role muniment_service",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await person.execute(refused)
    reached = "select relnamespace::regnamespace::text from pg_class where {} and relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema')"
    may_read = "relkind in ('r', 'p', 'v', 'm', 'f') and has_table_privilege('grafana', oid, 'select')"
    assert set(await column(superuser, reached.format(may_read))) == {"muniment"}


async def test_views_answer_what_happened_without_the_hash_of_a_secret(follower, log, superuser):
    histories = ([REGISTERED], [REGISTERED, DISABLED, SECRET_ADDED], [REGISTERED, ClientDeleted(owner="alice")])
    first, second, third = [await happened(log, *events) for events in histories]
    await follower.look()
    kept = await superuser.fetch("select client_id, state, secrets from muniment.clients order by client_id")
    assert [tuple(row) for row in kept] == [(first, "active", 1), (second, "disabled", 2)]
    assert len(await superuser.fetch("select * from muniment.secrets where client_id = $1", second)) == 2
    past = (
        "select version, state, from_position, to_position from muniment.client_history where client_id = $1 order by 1"
    )
    assert [tuple(row) for row in await superuser.fetch(past, second)] == [
        (1, "active", 2, 3),
        (2, "disabled", 3, 4),
        (3, "disabled", 4, None),
    ]
    of_client = "select position, type, actor from muniment.events where client_id = $1 order by 1"
    assert [tuple(row) for row in await superuser.fetch(of_client, third)] == [
        (5, "client.registered", "muniment"),
        (6, "client.deleted", "muniment"),
    ]
    for view in publication.VIEWS:
        text = await superuser.fetchval(f"select string_agg(v::text, ' ') from muniment.{view.name} v")
        assert HASH not in (text or "")


async def test_the_views_say_how_each_client_authenticates_now_and_did_before_and_what_is_accepted_of_an_issuer(
    follower, log, superuser
):
    by_key = ClientSecurityChanged(security=Security(token_endpoint_auth_method="private_key_jwt"), was=Security())
    await happened(log, REGISTERED)
    changed = await happened(log, REGISTERED, by_key)
    await happened(log, PUBLIC_REGISTERED)
    await happened(log, ISSUER_REGISTERED)
    await follower.look()
    found = await superuser.fetch("select auth_method, security::text from muniment.clients order by client_id")
    by_key_now = '{"token_endpoint_auth_method": "private_key_jwt"}'
    assert [*map(tuple, found)] == [("client_secret_basic", "{}"), ("private_key_jwt", by_key_now), ("none", "{}")]
    past = "select security::text from muniment.client_history where client_id = $1 order by version"
    assert [*map(tuple, await superuser.fetch(past, changed))] == [("{}",), (by_key_now,)]
    issuer = await superuser.fetchrow("select keys ->> 'source', algorithms, audiences from muniment.trusted_issuers")
    assert tuple(issuer or ()) == ("discovery", [*TRUST.algorithms], [*TRUST.audiences])


async def test_views_move_to_the_table_that_a_rebuild_or_another_version_makes(follower, database, log, superuser):
    await happened(log, REGISTERED)
    await follower.look()
    for name in ("clients", "client_history", "audit_events"):
        await rebuild(database, name, silent)
        view = name.removeprefix("audit_")
        assert await superuser.fetchval(f"select count(*) from muniment.{view}") == 1
    await happened(log, REGISTERED)
    await follower.look()
    for view in ("clients", "client_history", "events", "secrets"):
        assert await superuser.fetchval(f"select count(*) from muniment.{view}") == 2


async def test_a_view_is_made_again_only_if_its_definition_is_another(follower, database, superuser, monkeypatch):
    of_views = "select relname, xmin::text from pg_class where relnamespace = 'muniment'::regnamespace"
    before = dict(await superuser.fetch(of_views))
    async with connected(database) as connection:
        await publication.publish(connection)
        assert dict(await superuser.fetch(of_views)) == before
        other = publication.VIEWS[0].__replace__(says="Other words.")
        monkeypatch.setattr(publication, "VIEWS", (other, *publication.VIEWS[1:]))
        await publication.publish(connection)
    assert await superuser.fetchval("select obj_description('muniment.clients'::regclass)") == "Other words."


async def test_the_views_are_no_reason_not_to_migrate_but_what_is_attached_to_them_is(follower, database):
    await run._with_connection(database, attached.check)
    async with connected(database) as service:
        await service.execute(
            "create trigger mine instead of update on muniment.clients for each row execute function suppress_redundant_updates_trigger()"
        )
    with pytest.raises(Attached, match=r"the trigger mine on muniment\.clients"):
        await run._with_connection(database, attached.check)


async def test_the_data_of_an_event_is_what_the_api_shows_of_it(follower, log, superuser):
    for event in EVENTS:
        await appended(log, Append(stream=new_id(), expected=0, events=[event], meta=meta()))
    await superuser.execute("set session_replication_role = replica")
    rows = await superuser.fetch(
        "select e.type, e.data, log.public_fields(e.data) as shown from log.events e order by e.position"
    )
    for event, (kind, stored, shown) in zip(EVENTS, rows, strict=True):
        assert kind == type_of(event)
        public = event_fields.fields(event)
        assert json.decode(shown) == {name: public[name] for name in json.decode(stored) if name in public}
    assert await superuser.fetchval("select log.public_fields($1)", b'{"type":"x","name":"\\u0000"}') is None


async def test_no_parallel_plan_has_a_function_that_handles_exceptions(superuser):
    """Postgres refuses such a function in a parallel plan until version 17, wherever the function runs."""
    handling = "select proname, proparallel::text from pg_proc where prosrc ~* '\\mexception\\s+when' and pronamespace <> 'pg_catalog'::regnamespace"
    found = dict(await superuser.fetch(handling))
    assert "public_fields" in found
    assert set(found.values()) == {"u"}


async def test_conditions_on_clients_and_times_use_indexes(follower, superuser):
    await superuser.execute("set enable_seqscan = off")
    for condition, index in (
        ("client = '0192f3a1-c5d8-7cc4-a1b2-c3d4e5f60718'", "audit_events_client_position_idx"),
        ("actor = 'alice'", "audit_events_actor_position_idx"),
        ("recorded_at > now() - interval '1 day'", "events_recorded_at"),
    ):
        plan = await superuser.fetch(
            f"explain select position from muniment.events where {condition} order by position"
        )
        assert index in "\n".join(row[0] for row in plan)
    plan = await superuser.fetch("explain select client_id from muniment.clients where scopes @> array['crm:read']")
    assert "clients_scopes" in "\n".join(row[0] for row in plan)
    plan = await superuser.fetch(f"explain select jti from muniment.tokens where secret = '{new_id()}'")
    assert "secret_position_idx" in "\n".join(row[0] for row in plan)
    plan = await superuser.fetch(f"explain select tokens from muniment.usage_daily where client = '{new_id()}'")
    assert "usage_daily_pkey" in "\n".join(row[0] for row in plan)
