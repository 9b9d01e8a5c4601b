"""The tables of an installed package: in a schema of its own, followed, verified and rebuilt like ours, and never in their way."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from events.client import ClientDisabled
from events.log import Append
from projections import client_history, packages, registry
from projections.engine.election import Follower
from projections.engine.entries import Poison
from projections.engine.rebuild import rebuild
from projections.engine.schemas import NoSchema
from projections.engine.status import Status, statuses
from projections.engine.verify import verify
from service.crypto.credentials import new_id
from service.migrations import schemas
from tests.conftest import fresh_database
from tests.rules.samples import REGISTERED
from tests.tables.conftest import appended, column, connected
from tests.tables.items import meta
from tests.tables.test_projections import agreed, silent

ACME = Path(__file__).parents[1] / "packages" / "acme"


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(ACME)
    registry.of_packages.cache_clear()
    yield
    registry.of_packages.cache_clear()


@pytest.fixture
async def database(postgres: str) -> str:
    """Of its own, for a schema is created in it."""
    return await fresh_database(postgres)


@pytest.fixture
async def follower(database: str) -> AsyncIterator[Follower]:
    made = Follower([*registry.of_packages().projections.values(), client_history.PROJECTION], database)
    yield made
    await made.close()


async def happened(log, *owners: str) -> None:
    for owner in owners:
        event = REGISTERED.__replace__(owner=owner)
        await appended(log, Append(stream=new_id(), expected=0, events=[event], meta=meta()))


async def told(database: str) -> dict[str, Status]:
    async with connected(database) as connection:
        return {each.name: each for each in await statuses(connection)}


async def test_the_status_of_a_projection_of_ours_imports_no_package(reader):
    assert [each.name for each in await statuses(reader, "clients")] == ["clients"]
    assert registry.of_packages.cache_info().currsize == 0


async def test_the_table_of_a_package_is_followed_verified_and_rebuilt_in_a_schema_that_the_owner_made(
    database, log, superuser, follower
):
    assert await schemas.make(database) == ["acme"]
    assert await schemas.make(database) == []
    await happened(log, "alice", "bob", "alice")
    await follower.look()
    counts = "select owner, clients from acme.owners"
    assert dict(await superuser.fetch(counts)) == {"alice": 2, "bob": 1}
    await agreed(database, "acme.owners")
    await superuser.execute("update acme.owners set clients = 7 where owner = 'bob'")
    assert (await verify(database, "acme.owners", silent)).differing == ("bob",)
    await happened(log, "carol")
    await rebuild(database, "acme.owners", silent)
    assert (await agreed(database, "acme.owners")).rows == 3
    await follower.look()
    owners = (await told(database))["acme.owners"]
    assert (owners.state, owners.lag) == ("active", 0)
    assert await column(superuser, "select tablename from pg_tables where schemaname = 'acme' order by 1") == [
        "buggy",
        "owners",
    ]


async def test_an_event_that_a_package_cannot_take_in_stops_that_one_projection(database, log, follower):
    await schemas.make(database)
    stream = new_id()
    for version, event in enumerate((REGISTERED, ClientDisabled())):
        await appended(log, Append(stream=stream, expected=version, events=[event], meta=meta()))
    await follower.look()
    now = await told(database)
    buggy = now["acme.buggy"]
    assert (buggy.state, buggy.failed_position, buggy.error) == ("failed", 2, "ZeroDivisionError: by a bug")
    assert {now[name].lag for name in ("acme.owners", "client_history")} == {0}
    with pytest.raises(Poison, match="by a bug"):
        await rebuild(database, "acme.buggy", silent)


WITHOUT = {
    "missing": ("select 1", "the schema acme does not exist: run muniment db migrate"),
    "somebody else's": ("create schema acme", "the schema acme belongs to postgres: rename it"),
}


@pytest.mark.parametrize("wrong", WITHOUT)
async def test_without_a_schema_of_the_service_s_own_a_package_waits_and_says_why(
    database, log, superuser, follower, wrong
):
    statement, said = WITHOUT[wrong]
    await superuser.execute(statement)
    await happened(log, "alice")
    await follower.look()
    now = await told(database)
    assert now["acme.owners"].state == "not started"
    assert said in str(now["acme.owners"].error)
    assert now["client_history"].lag == 0
    for act in (rebuild, verify):
        with pytest.raises(NoSchema, match=said):
            await act(database, "acme.owners", silent)
    await superuser.execute("drop schema if exists acme")
    await schemas.make(database)
    await follower.look()
    await agreed(database, "acme.owners")


async def test_no_schema_is_made_that_a_login_would_look_into_before_all_others(database, superuser):
    await superuser.execute("create role acme")
    try:
        assert await schemas.make(database) == []
        assert "a role of the database is called acme" in str((await told(database))["acme.owners"].error)
    finally:
        await superuser.execute("drop role acme")


async def test_no_package_can_have_a_schema_that_is_ours(superuser):
    ours = await column(superuser, r"select nspname from pg_namespace where nspname !~ '^pg_'")
    assert set(ours) == packages.RESERVED


async def test_the_next_version_of_a_package_s_table_leaves_a_table_of_ours_alone(database, log, superuser, follower):
    """`acme.owners_v2` and `acme_owners_v2` differ in one character."""
    await schemas.make(database)
    await follower.look()
    ours = "insert into read.checkpoints select 'acme_owners_v1', 1, position, chain, 'active' from read.checkpoints limit 1"
    await superuser.execute(ours)
    await rebuild(database, "acme.owners", silent)
    assert "acme_owners_v1" in await column(superuser, "select name from read.checkpoints")
