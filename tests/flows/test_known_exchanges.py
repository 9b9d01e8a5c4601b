"""Exchanges that are decided from what their process knows, when others bring the same, or what it knows must not be known any more."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from service.clock import utc_now
from service.commands.handle import USER, handle
from service.commands.user import EraseUser
from service.crypto import opaque_tokens
from service.grants import authorization_code, refresh_token
from service.oauth.errors import Gone
from tests.flows.conftest import META, Live
from tests.flows.people import CALLBACK, Person, asked, code_for, logged_in, proof, sent_back, tokens_for
from tests.flows.test_overtaken_exchanges import HAPPENED, meanwhile
from tests.flows.test_round_trips import carried_out, within


async def _known_code(live: Live, person: Person, client: dict[str, str]) -> tuple[UUID, dict[str, str]]:
    await code_for(live, person, client["client_id"])  # and consents
    form: dict[str, str] = {}
    async with within(live, person.browser.cookies) as browser:
        for _ in range(2):  # after the first, the user is known
            if form:
                await carried_out(live, authorization_code.redeem, form)
            pkce = proof()
            code = sent_back(await asked(browser, client["client_id"], code_challenge=pkce.challenge))["code"]
            form = {"code": code, "redirect_uri": CALLBACK, "code_verifier": pkce.verifier, **client}
            form["grant_type"] = "authorization_code"
    presented = opaque_tokens.parsed(opaque_tokens.CODE, form["code"])
    assert presented is not None
    assert presented.authorization in live.beside.authorizations.known
    return presented.authorization, form


async def _known_refresh_token(live: Live, person: Person, client: dict[str, str]) -> tuple[UUID, dict[str, str]]:
    given = await tokens_for(live, person, (client["client_id"], client["client_secret"]))
    form = {"grant_type": "refresh_token", **client}
    for _ in range(2):
        form["refresh_token"] = given["refresh_token"]
        given = await carried_out(live, refresh_token.exchange, form)
    form["refresh_token"] = given["refresh_token"]
    presented = opaque_tokens.parsed(opaque_tokens.REFRESH_TOKEN, form["refresh_token"])
    assert presented is not None
    assert presented.authorization in live.beside.authorizations.known
    return presented.authorization, form


async def _client(live: Live) -> dict[str, str]:
    client_id, secret = await live.interactive(displayName="Known", apis=None)
    return {"client_id": client_id, "client_secret": secret or ""}


async def test_of_two_who_bring_a_known_code_at_the_same_time_one_gets_tokens_and_these_are_revoked(live: Live):
    async with logged_in(live) as person:
        stream, form = await _known_code(live, person, await _client(live))
        exchanges = [carried_out(live, authorization_code.redeem, form) for _ in range(2)]
        told: list[Any] = await asyncio.gather(*exchanges, return_exceptions=True)
        assert [isinstance(each, Gone) for each in told].count(True) == 1
        assert [isinstance(each, dict) for each in told].count(True) == 1
        happened = [row[0] for row in await live.beside.ledger.pool.fetch(HAPPENED, stream)]
        assert happened.count("authorization.code_redeemed") == 1
        assert happened[-2:] == ["authorization.code_replayed", "authorization.revoked"]


async def test_of_two_who_bring_a_known_refresh_token_at_the_same_time_both_get_the_same(live: Live):
    async with logged_in(live) as person:
        stream, form = await _known_refresh_token(live, person, await _client(live))
        before = len(await live.beside.ledger.pool.fetch(HAPPENED, stream))
        one, other = await asyncio.gather(*[carried_out(live, refresh_token.exchange, form) for _ in range(2)])
        assert one == other
        happened = [row[0] for row in await live.beside.ledger.pool.fetch(HAPPENED, stream)]
        assert happened[before:] == ["authorization.refresh_token_rotated"]


@pytest.mark.parametrize("kind", ["authorization_code", "refresh_token"])
async def test_of_a_known_user_who_was_erased_nothing_is_given_and_nothing_is_kept(live: Live, kind: str):
    known, grant = (
        (_known_code, authorization_code.redeem)
        if kind == "authorization_code"
        else (_known_refresh_token, refresh_token.exchange)
    )
    async with logged_in(live) as person:
        stream, form = await known(live, person, await _client(live))
        before = len(await live.beside.ledger.pool.fetch(HAPPENED, stream))
        await handle(live.beside.ledger, USER, person.user, EraseUser(at=utc_now()), META)  # and nothing else yet
        with pytest.raises(Gone):
            await carried_out(live, grant, form)
        happened = [row[0] for row in await live.beside.ledger.pool.fetch(HAPPENED, stream)]
        assert happened[before:] == []
        await live.beside.lookup.be_certain()
        assert str(person.user) not in repr(vars(live.beside.authorizations.known))


async def test_what_was_read_before_the_log_lost_history_is_not_known_after_it(
    live: Live, monkeypatch: pytest.MonkeyPatch
):
    async with logged_in(live) as person:
        stream, form = await _known_refresh_token(live, person, await _client(live))

        async def lost() -> None:
            monkeypatch.setattr(live.beside.lookup, "epoch", live.beside.lookup.epoch + 1)
            live.beside.authorizations.known.forget(None)

        meanwhile(monkeypatch, lost)
        await carried_out(live, refresh_token.exchange, form)
        assert stream not in live.beside.authorizations.known
