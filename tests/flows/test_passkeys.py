"""Passkeys on the pages, by an authenticator made of a few lines: whose they are, and that nobody keeps them out."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.crypto.base64url import of_text
from tests.flows.browsing import Browser, Form, Shown, browser
from tests.flows.conftest import Live, new_database, serving
from tests.flows.people import registered
from tests.flows.test_rate_limits import whole_minute
from tests.rules.test_factors import Authenticator

ISSUER = "http://localhost"
US: Any = {"origin": ISSUER, "host": "localhost"}


@pytest.fixture(scope="module")
async def named(postgres: str) -> AsyncIterator[Live]:
    """A service with a name, for passkeys belong to names."""
    async with serving(await new_database(postgres), issuer=ISSUER) as live:
        yield live


def challenge_of(form: Form) -> bytes:
    challenge = of_text(json.loads(form.options)["challenge"])
    assert challenge
    return challenge


async def added(there: Browser, device: Authenticator) -> Shown:
    """The page that says what came of it."""
    form = (await there.look("/account/security")).form("passkey")
    answer = await there.send(form, passkey=device.creates(challenge_of(form), **US))
    return Shown(answer) if answer.status_code != 303 else await there.look(answer.headers["location"])


async def test_a_passkey_that_somebody_has_is_nobody_else_s(named: Live):
    _, ada = await registered(named)
    bob, bobs = await registered(named)
    device = Authenticator()
    async with browser(named) as hers, browser(named) as his:
        await hers.signed_in(ada)
        await his.signed_in(bobs)
        assert "Passkey added. You can now sign in with it." in (await added(hers, device)).text
        refused = await added(his, device)
        assert refused.status == 403
        assert "This passkey is already registered. Use a different one." in refused.text
        assert "Passkey added." in (await added(his, Authenticator())).text
    row = await named.beside.people.row(bob)
    assert row is not None
    assert len(row.factors) == 1


async def test_failures_of_others_delay_no_passkey_alone_or_as_the_second_step(named: Live):
    user, email = await registered(named)
    device = Authenticator()
    async with browser(named) as owner:
        await owner.signed_in(email)
        await added(owner, device)

    async def ask() -> tuple[list[int], int, list[int], int]:
        async with browser(named) as thief, browser(named) as new:
            form = (await thief.look("/signin")).form("password")
            guesses = [(await thief.send(form, username=email, password=f"{n}")).status_code for n in range(11)]
            form = (await new.look("/signin")).form("passkey")
            alone = await new.send(form, passkey=device.proves(challenge_of(form), user=user, **US))
        resources = named.beside  # the thief has the password, and the minute of the guesses is over
        await resources.limits._ask(lambda c: c.execute("delete from limits.counts where key like 'sign-in%'"))
        async with browser(named) as thief, browser(named) as new:
            await thief.sign_in(email)
            form = (await thief.look("/signin/factor")).form("passkey")
            codes = [(await thief.send(form, do="code", code="000000")).status_code for _ in range(6)]
            await new.sign_in(email)
            form = (await new.look("/signin/factor")).form("passkey")
            second = await new.send(form, passkey=device.proves(challenge_of(form), user=user, **US))
        return guesses, alone.status_code, codes, second.status_code

    guesses, alone, codes, second = await whole_minute(named, ask)
    assert (guesses[-1], alone) == (429, 303)
    assert (codes[-1], second) == (429, 303)
