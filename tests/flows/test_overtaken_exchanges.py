"""Something happens between the look at the database and the commit of an exchange: it is decided again from what is there now."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from events.ids import client_stream
from service.clock import utc_now
from service.commands import authorization as commands
from service.commands.authorization import RevokeAuthorization
from service.commands.handle import AUTHORIZATION, handle
from service.crypto import opaque_tokens
from service.grants import authorization_code, refresh_token, token_commit
from service.oauth.errors import Gone, InvalidClient, InvalidRequest
from tests.flows.conftest import META, Live
from tests.flows.people import ALL, CALLBACK, Person, asked, code_for, logged_in, proof, sent_back, tokens_for
from tests.flows.test_private_key_jwt import KEY, assertion, public
from tests.flows.test_round_trips import carried_out, within

Stop = Callable[[Live, Person, str, Any], Awaitable[object]]
HAPPENED = "select type from log.events where stream_id = $1 order by version"


async def _client(live: Live, _person: Person, client_id: str, _authorization: Any) -> None:
    answer = await live.http.post(f"/api/v1/auth/clients/{client_id}/disable", headers=live.bearer)
    assert answer.status_code == 200, answer.text


async def _secret(live: Live, _person: Person, client_id: str, _authorization: Any) -> None:
    """The one that the client authenticated with; it has another one."""
    secrets = f"/api/v1/auth/clients/{client_id}/secrets"
    [used] = (await live.http.get(secrets, headers=live.bearer)).json()
    assert (await live.http.post(secrets, json={}, headers=live.bearer)).status_code == 201
    assert (await live.http.delete(f"{secrets}/{used['secretId']}", headers=live.bearer)).is_success


async def _user(live: Live, person: Person, _client_id: str, _authorization: Any) -> None:
    await live.beside.people.disable(person.user, META)


async def _authorization(live: Live, _person: Person, _client_id: str, authorization: Any) -> None:
    command = RevokeAuthorization(why="operator", at=utc_now())
    await handle(live.beside.ledger, AUTHORIZATION, authorization, command, META)


async def _nothing_that_matters(live: Live, _person: Person, client_id: str, _authorization: Any) -> None:
    await _changed(live, client_id, displayName="Another name")


async def _changed(live: Live, client_id: str, **body: object) -> None:
    path, headers = f"/api/v1/auth/clients/{client_id}", {**live.bearer, "If-Match": "*"}
    answer = await live.http.patch(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Awaitable[object]]) -> None:
    """It happens once, before the next commit."""
    commands: list[object] = []

    async def overtaken(*arguments: Any, **more: Any) -> Any:
        commands.append(arguments[3])
        if len(commands) == 1:
            await happens()
        return await handle(*arguments, **more)

    monkeypatch.setattr(token_commit, "handle", overtaken)


@pytest.mark.parametrize(
    ("stop", "refusal"),
    [
        (_client, InvalidClient),
        (_secret, InvalidClient),
        (_user, Gone),
        (_authorization, Gone),
        (_nothing_that_matters, None),
    ],
    ids=["client", "secret", "user", "authorization", "nothing that matters"],
)
@pytest.mark.parametrize("kind", ["authorization_code", "refresh_token"])
async def test_who_is_stopped_meanwhile_gets_nothing_and_others_do(
    live: Live, monkeypatch: pytest.MonkeyPatch, kind: str, stop: Stop, refusal: type[Exception] | None
):
    client_id, secret = await live.interactive(displayName="Overtaken", apis=None)
    async with logged_in(live) as person:
        if kind == "authorization_code":
            text, pkce = await code_for(live, person, client_id, scope=ALL)
            form = {"code": text, "redirect_uri": CALLBACK, "code_verifier": pkce.verifier}
            token, grant = opaque_tokens.parsed(opaque_tokens.CODE, text), authorization_code.redeem
        else:
            text = (await tokens_for(live, person, (client_id, secret), scope=ALL))["refresh_token"]
            form = {"refresh_token": text}
            token, grant = opaque_tokens.parsed(opaque_tokens.REFRESH_TOKEN, text), refresh_token.exchange
        assert token is not None
        asked = {"grant_type": kind, "client_id": client_id, "client_secret": secret or "", **form}
        pool, stream = live.beside.ledger.pool, token.authorization
        before = [row[0] for row in await pool.fetch(HAPPENED, stream)]
        meanwhile(monkeypatch, lambda: stop(live, person, client_id, stream))
        tokens = "select count(*) from log.issuance where client = $1"
        issued = await pool.fetchval(tokens, client_stream(client_id))
        if refusal is None:
            assert (await carried_out(live, grant, asked))["access_token"]
        else:
            with pytest.raises(refusal):
                await carried_out(live, grant, asked)
        more = [row[0] for row in await pool.fetch(HAPPENED, stream)][len(before) :]
        used = {"authorization.code_redeemed", "authorization.refresh_token_rotated"} & set(more)
        assert bool(used) is (refusal is None)
        assert await pool.fetchval(tokens, client_stream(client_id)) - issued == len(used)


@pytest.mark.parametrize("kind", ["authorization_code", "refresh_token"])
async def test_what_was_taken_from_a_client_is_in_no_token_of_a_process_that_had_not_heard_of_it(
    live: Live, monkeypatch: pytest.MonkeyPatch, kind: str
):
    client_id, secret = await live.interactive(displayName="Outdated", apis=None)
    client, asked = {"client_id": client_id, "client_secret": secret or ""}, "openid offline_access api:public"
    async with logged_in(live) as person:
        if kind == "authorization_code":
            text, pkce = await code_for(live, person, client_id, scope=asked)
            form, grant = (
                {"code": text, "redirect_uri": CALLBACK, "code_verifier": pkce.verifier},
                authorization_code.redeem,
            )
        else:
            tokens = await tokens_for(live, person, (client_id, secret), scope=asked)
            form, grant = {"refresh_token": tokens["refresh_token"]}, refresh_token.exchange
        meanwhile(monkeypatch, lambda: _changed(live, client_id, scopes=[]))
        issued = await carried_out(live, grant, {"grant_type": kind, **client, **form})
        assert issued["scope"] == "openid offline_access"
        form = {"refresh_token": issued["refresh_token"]}
        meanwhile(monkeypatch, lambda: _changed(live, client_id, dpopBoundAccessTokens=True))
        with pytest.raises(InvalidRequest, match="DPoP"):
            await carried_out(live, refresh_token.exchange, {"grant_type": "refresh_token", **client, **form})


async def test_an_assertion_is_good_for_an_exchange_that_is_checked_again(live: Live, monkeypatch: pytest.MonkeyPatch):
    keys = {"tokenEndpointAuthMethod": "private_key_jwt", "jwks": {"keys": [public(KEY)]}}
    client_id, _ = await live.interactive(displayName="Keyed", apis=None, **keys)
    async with logged_in(live) as person:
        code, pkce = await code_for(live, person, client_id, scope=ALL)
        form = {"code": code, "redirect_uri": CALLBACK, "code_verifier": pkce.verifier, **assertion(live, client_id)}
        meanwhile(monkeypatch, lambda: _changed(live, client_id, displayName="Another name"))
        asked = {"grant_type": "authorization_code", **form}
        assert (await carried_out(live, authorization_code.redeem, asked))["access_token"]


async def test_a_refresh_token_that_another_process_exchanged_is_refreshed_here_only_while_its_answer_may_be_lost(
    live: Live, monkeypatch: pytest.MonkeyPatch
):
    client_id, secret = await live.interactive(displayName="Elsewhere", apis=None)
    form = {"grant_type": "refresh_token", "client_id": client_id, "client_secret": secret or ""}
    async with logged_in(live) as person:
        first = await tokens_for(live, person, (client_id, secret), scope=ALL)
        here = await carried_out(live, refresh_token.exchange, {**form, "refresh_token": first["refresh_token"]})
        again = {**form, "refresh_token": here["refresh_token"]}
        elsewhere = await live.http.post("/openid/token", data=again)
        assert elsewhere.status_code == 200, elsewhere.text
        assert await carried_out(live, refresh_token.exchange, again) == elsewhere.json()
        latest = {**form, "refresh_token": elsewhere.json()["refresh_token"]}
        last = {**form, "refresh_token": (await carried_out(live, refresh_token.exchange, latest))["refresh_token"]}
        assert (await live.http.post("/openid/token", data=last)).status_code == 200
        monkeypatch.setattr(commands, "GRACE", timedelta(0))
        with pytest.raises(Gone):
            await carried_out(live, refresh_token.exchange, last)
        presented = opaque_tokens.parsed(opaque_tokens.REFRESH_TOKEN, last["refresh_token"])
        assert presented is not None
        happened = [row[0] for row in await live.beside.ledger.pool.fetch(HAPPENED, presented.authorization)]
        assert happened[-2:] == ["authorization.refresh_token_replayed", "authorization.revoked"]


async def test_of_a_user_to_whom_something_happens_no_authorization_is_known_any_more(live: Live):
    client_id, secret = await live.interactive(displayName="Forgotten", apis=None)
    form = {"grant_type": "refresh_token", "client_id": client_id, "client_secret": secret or ""}
    async with logged_in(live) as person:
        first = await tokens_for(live, person, (client_id, secret), scope=ALL)
        told = await carried_out(live, refresh_token.exchange, {**form, "refresh_token": first["refresh_token"]})
        presented = opaque_tokens.parsed(opaque_tokens.REFRESH_TOKEN, told["refresh_token"])
        assert presented is not None
        assert presented.authorization in live.beside.authorizations.known
        await live.beside.people.disable(person.user, META)
        await live.beside.lookup.be_certain()
        assert presented.authorization not in live.beside.authorizations.known


async def test_a_code_that_is_known_here_is_worth_nothing_once_another_process_redeemed_it(live: Live):
    client_id, secret = await live.interactive(displayName="Twice", apis=None)
    client = {"grant_type": "authorization_code", "client_id": client_id, "client_secret": secret or ""}

    async def given(browser: httpx.AsyncClient) -> dict[str, str]:
        pkce = proof()
        code = sent_back(await asked(browser, client_id, code_challenge=pkce.challenge))["code"]
        return {"code": code, "redirect_uri": CALLBACK, "code_verifier": pkce.verifier, **client}

    async with logged_in(live) as person:
        await code_for(live, person, client_id)  # and consents
        async with within(live, person.browser.cookies) as browser:
            await carried_out(live, authorization_code.redeem, await given(browser))  # from now on the user is known
            form = await given(browser)
    presented = opaque_tokens.parsed(opaque_tokens.CODE, form["code"])
    assert presented is not None
    assert presented.authorization in live.beside.authorizations.known
    assert (await live.http.post("/openid/token", data=form)).status_code == 200
    with pytest.raises(Gone):
        await carried_out(live, authorization_code.redeem, form)
    happened = [row[0] for row in await live.beside.ledger.pool.fetch(HAPPENED, presented.authorization)]
    assert happened[-2:] == ["authorization.code_replayed", "authorization.revoked"]
