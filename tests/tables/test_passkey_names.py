"""A passkey is of one account, until it is removed or its person is erased."""

import asyncio
from uuid import UUID

import pytest

from events.envelope import ByService, Meta
from service.clock import utc_now
from service.commands.handle import USER, handle
from service.commands.user import AddFactor, RemoveFactor
from service.crypto.credentials import new_id
from service.people import factors
from service.people.accounts import People
from service.people.factors import Passkey
from service.refusals import DoesNotExist
from service.values.profile import Profile
from service.vault.passkeys import PasskeyTaken
from tests.tables.conftest import column

META = Meta(actor=ByService(why="test"), request_id="test")
CREDENTIAL = b"an id that an authenticator made"
AGE = "update vault.passkeys set created_at = created_at - interval '61 seconds'"


async def somebody(people: People) -> UUID:
    return await people.register(Profile(email=f"{new_id()}@example.com"), None, META)


async def with_passkey(people: People, user: UUID) -> UUID:
    """The factor's id."""
    kept = factors.new(Passkey(credential_id=CREDENTIAL, public_key=b"key", name="Phone"), utc_now())
    name = await people.vault.add_passkey(user, kept.factor_id, CREDENTIAL)
    factor = await factors.sealed(people, user, kept)
    await handle(people._ledger, USER, user, AddFactor(factor=factor, name=name), META)
    return kept.factor_id


async def test_a_passkey_of_somebody_else_is_refused_and_one_s_own_a_second_time(people, superuser):
    ada, bob = await somebody(people), await somebody(people)
    await with_passkey(people, ada)
    await superuser.execute(AGE)
    for user in (bob, ada):
        with pytest.raises(PasskeyTaken):
            await people.vault.add_passkey(user, new_id(), CREDENTIAL)
    await people.vault.add_passkey(bob, new_id(), CREDENTIAL + b"!")


async def test_of_eight_accounts_that_add_it_at_once_one_has_it(people):
    users = [await somebody(people) for _ in range(8)]
    asked = [people.vault.add_passkey(user, new_id(), CREDENTIAL) for user in users]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, PasskeyTaken) for outcome in outcomes) == 7


async def test_adding_it_again_after_an_answer_was_lost_is_adding_it(people):
    user, factor = await somebody(people), new_id()
    first = await people.vault.add_passkey(user, factor, CREDENTIAL)
    assert await people.vault.add_passkey(user, factor, CREDENTIAL) == first


@pytest.mark.parametrize("removed", [True, False], ids=["was removed", "was never added, for its process was killed"])
async def test_one_that_nobody_has_can_be_somebody_s_a_minute_later(people, superuser, *, removed: bool):
    ada, bob = await somebody(people), await somebody(people)
    if removed:
        await handle(people._ledger, USER, ada, RemoveFactor(factor_id=await with_passkey(people, ada)), META)
    else:
        await people.vault.add_passkey(ada, new_id(), CREDENTIAL)
    with pytest.raises(PasskeyTaken):
        await people.vault.add_passkey(bob, new_id(), CREDENTIAL)
    await superuser.execute(AGE)
    await with_passkey(people, bob)
    assert await column(superuser, "select user_id from vault.passkeys") == [bob]


async def test_erasing_somebody_forgets_their_passkeys(people, superuser):
    ada, bob = await somebody(people), await somebody(people)
    await with_passkey(people, ada)
    await people.erase(ada, META)
    assert await column(superuser, "select name from vault.passkeys") == []
    assert await people.vault.scrub()
    await with_passkey(people, bob)
    with pytest.raises(DoesNotExist):
        await people.vault.add_passkey(ada, new_id(), b"another")
