"""The vault belongs to the log: who is found by another's address, or has lost their key, is named. (Changes are undone by a rollback.)"""

import secrets
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
from msgspec import Struct, json

from events.database import Connection, pool
from events.envelope import ByService, Meta
from events.verify import Fault
from service.clock import utc_now
from service.commands.handle import USER, Ledger, handle
from service.commands.user import AddFactor, RemoveFactor
from service.crypto.base64url import as_text
from service.people import factors, proof
from service.people.accounts import People, Profile
from service.people.factors import Passkey
from service.people.proof import Proved
from service.vault import personal_data
from service.vault.data_keys import bound
from service.vault.private_keys import WrongMasterKey
from tests.conftest import fresh_database
from tests.tables.conftest import proved, writing

KEY = b"k" * 32
META = Meta(actor=ByService(why="test"), request_id="test")


class World(Struct, frozen=True):
    """Ada and Bob, who may both be found by a subject of an upstream provider too; and Eve, who was erased."""

    superuser: Connection
    ada: UUID
    bob: UUID


@pytest.fixture(scope="module", params=["names in the log", "from before names were in the log"])
async def world(request: pytest.FixtureRequest, postgres: str) -> AsyncIterator[World]:
    url = await fresh_database(postgres)
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "names in the log":
            patch.setattr(personal_data, "bound", lambda *_: None)
        async with writing(url) as log, pool(url) as connections:
            people = People(Ledger(log, connections), KEY)
            ada = await people.register(Profile(email="ada@example.com"), None, META, upstream=("https://op", "42"))
            bob = await people.register(Profile(email="Bob@example.com"), None, META)
            await people.erase(await people.register(Profile(email="eve@example.com"), None, META), META)
            await with_passkeys(people, bob)
            people.close()
    superuser = await asyncpg.connect(url)
    yield World(superuser, ada, bob)
    await superuser.close()


async def with_passkeys(people: People, user: UUID) -> None:
    """One that they have, and one that they removed."""
    for credential in (b"present", b"former"):
        kept = factors.new(Passkey(credential_id=credential, public_key=b"", name="Phone"), utc_now())
        factor, name = await factors.sealed(people, user, kept), None
        if personal_data.bound is bound:
            name = await people.vault.add_passkey(user, kept.factor_id, credential)
        await handle(people._ledger, USER, user, AddFactor(factor=factor, name=name), META)
    await handle(people._ledger, USER, user, RemoveFactor(factor_id=kept.factor_id), META)


async def found(world: World, change: str, key: bytes | None = KEY) -> Proved | str:
    """What is proved of a vault so changed, or what is wrong with it."""
    transaction = world.superuser.transaction(isolation="repeatable_read")
    await transaction.start()
    try:
        await world.superuser.execute(change.format(ada=world.ada, bob=world.bob))
        return await proof.verify(world.superuser, key)
    except Fault as fault:
        return fault.what.replace(str(world.ada), "Ada").replace(str(world.bob), "Bob")
    finally:
        await transaction.rollback()


def older(world: World, request: pytest.FixtureRequest) -> bool:
    return "before" in request.node.callspec.id


async def test_an_untouched_vault_is_whole_with_the_master_key_and_without(world, request):
    upstream = 1 if older(world, request) else 0
    assert await found(world, "select 1") == Proved(people=2, unproved=upstream, with_key=True)
    counted = await found(world, "select 1", key=None)
    assert counted == Proved(people=2, unproved=3 * upstream, with_key=False)
    await proved(world.superuser)


@pytest.mark.parametrize(
    ("change", "whose"),
    [
        pytest.param(
            "update vault.names set user_id = '{ada}' where user_id = '{bob}'", "the user", id="an address re-pointed"
        ),
        pytest.param(
            "update vault.names set user_id = case user_id when '{ada}'::uuid then '{bob}'::uuid else '{ada}' end",
            "Ada",
            id="addresses exchanged",
        ),
        pytest.param("delete from vault.names where user_id = '{bob}'", "Bob", id="an address gone"),
        pytest.param("delete from vault.people where user_id = '{bob}'", "Bob", id="a data key gone"),
        pytest.param(
            "update vault.people set wrapped = (select wrapped from vault.people where user_id = '{ada}') where user_id = '{bob}'",
            "Bob",
            id="another's data key",
        ),
        pytest.param("update vault.people set wrapped = '' where user_id = '{bob}'", "Bob", id="an empty data key"),
    ],
)
async def test_whoever_was_changed_is_named(world, change: str, whose: str):
    said = await found(world, change)
    assert isinstance(said, str)
    assert whose in said


async def test_a_name_more_is_somebody_else_s(world, request):
    change = "insert into vault.names select sha256(name), '{ada}' from vault.names where user_id = '{bob}'"
    said = await found(world, change)
    if older(world, request):
        assert said == Proved(people=2, unproved=2, with_key=True)
    else:
        assert isinstance(said, str)
        assert "Ada is found by other names" in said


@pytest.mark.parametrize("world", ["names in the log"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param("update vault.passkeys set user_id = '{ada}'", id="given to another account"),
        pytest.param("delete from vault.passkeys", id="deleted"),
    ],
)
async def test_a_passkey_that_is_not_its_person_s_is_found_with_the_master_key_and_without(world, change: str):
    for key in (KEY, None):
        said = await found(world, change, key)
        assert isinstance(said, str)
        assert "Bob has a passkey that the vault does not know" in said


@pytest.mark.parametrize("world", ["names in the log"], indirect=True)
async def test_with_the_master_key_its_name_must_be_right_too(world):
    said = await found(world, "update vault.passkeys set name = sha256(name)")
    assert isinstance(said, str)
    assert "Bob has a passkey" in said


@pytest.mark.parametrize("table", ["people", "names", "passkeys", "keys"])
async def test_a_view_in_the_place_of_a_table_is_found(world, table: str):
    said = await found(
        world, f"alter table vault.{table} rename to real; create view vault.{table} as table vault.real"
    )
    assert isinstance(said, str)
    assert "not a table but a view" in said


@pytest.mark.parametrize("world", ["names in the log"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        "update vault.names set user_id = '{ada}' where user_id = '{bob}'",
        "delete from vault.people where user_id = '{bob}'",
    ],
)
async def test_without_the_master_key_too_it_is_seen_that_somebody_has_a_name_or_key_too_few(world, change: str):
    assert isinstance(await found(world, change, key=None), str)


async def test_another_master_key_proves_nothing(world):
    with pytest.raises(WrongMasterKey):
        await found(world, "select 1", key=b"o" * 32)


async def test_who_is_being_registered_or_erased_at_this_moment_is_no_fault(world):
    """Keys come before the event and go after it."""
    coming = "insert into vault.people values (gen_random_uuid(), 'x')"
    assert isinstance(await found(world, coming), Proved)


@pytest.mark.parametrize("world", ["names in the log"], indirect=True)
async def test_the_log_keeps_a_name_only_under_its_person_s_data_key(world):
    """Otherwise an erased person could still be recognised by somebody who guesses their address and has the master key."""
    [data] = [
        row[0]
        for row in await world.superuser.fetch(
            "select convert_from(data, 'UTF8') from log.events where stream_id = $1 and type = 'user.registered'",
            world.ada,
        )
    ]
    names = json.decode(data)["names"]
    rows = [row[0] for row in await world.superuser.fetch("select name from vault.names where user_id = $1", world.ada)]
    assert len(names) == len(rows) == 2
    assert not {as_text(row) for row in rows} & set(names)
    assert bound(secrets.token_bytes(32), rows) != tuple(names)
