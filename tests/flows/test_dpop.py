"""Tokens that are bound to a key (RFC 9449): issued for a proof, and good for nothing without the next one."""

import asyncio
from typing import Any

import httpx
import jwt
import pytest
from joserfc.jwk import ECKey

from tests.flows.conftest import Live, is_active, new_database, oauth_error, serving
from tests.flows.people import ALL, CALLBACK, code_for, logged_in, sent_back
from tests.flows.people import asked as asked_to_authorize
from tests.rules.proving import KEY, proof

TOKEN = "/openid/token"
OTHER = ECKey.generate_key("P-256")


def proving(live: Live, **how: Any) -> dict[str, str]:
    return {"DPoP": proof("POST", f"{live.url}{TOKEN}", **how)}


async def machine(live: Live, headers: Any, **client: Any) -> httpx.Response:
    client_id, secret = await live.register(**client)
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    return await live.http.post(TOKEN, data=form, headers=headers)


async def public_client(live: Live, **more: Any) -> str:
    body = {"m2m": False, "redirectUri": CALLBACK, "public": True, **more}
    answer = await live.http.post("/api/v1/auth/clients", json=body, headers=live.bearer)
    return answer.json()["clientId"]


async def redeemed(live: Live, form: dict[str, str], headers: dict[str, str]) -> httpx.Response:
    return await live.http.post(TOKEN, data=form, headers=headers)


async def code_form(live: Live, client_id: str, secret: str | None = None, **params: str | None) -> dict[str, str]:
    async with logged_in(live) as person:
        code, pkce = await code_for(live, person, client_id, scope=ALL, **params)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "client_id": client_id}
    return {**form, "code_verifier": pkce.verifier, **({} if secret is None else {"client_secret": secret})}


def refresh_form(form: dict[str, str], answer: httpx.Response) -> dict[str, str]:
    authentication = {name: value for name, value in form.items() if name in ("client_id", "client_secret")}
    return {"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"], **authentication}


def bound_to(answer: httpx.Response) -> str | None:
    """The thumbprint of the key to which the token of this response is bound."""
    assert answer.status_code == 200, answer.text
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    jkt = claims.get("cnf", {}).get("jkt")
    assert answer.json()["token_type"] == ("DPoP" if jkt else "Bearer")
    return jkt


async def test_a_machine_s_token_is_bound_to_the_key_of_its_proof(live: Live):
    client_id, secret = await live.register()
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    answer = await live.http.post(TOKEN, data=form, headers=proving(live))
    assert bound_to(answer) == KEY.thumbprint()
    token = answer.json()["access_token"]
    asked = {"token": token, "client_id": client_id, "client_secret": secret}
    shown = (await live.http.post("/openid/introspect", data=asked)).json()
    assert (shown["token_type"], shown["cnf"]) == ("DPoP", {"jkt": KEY.thumbprint()})


async def test_a_client_whose_tokens_must_be_bound_gets_none_without_a_proof(live: Live):
    refused = await machine(live, {}, dpopBoundAccessTokens=True)
    assert "Send a DPoP proof" in oauth_error(refused, 400, "invalid_request")
    assert bound_to(await machine(live, proving(live), dpopBoundAccessTokens=True)) == KEY.thumbprint()
    client_id = await public_client(live, dpopBoundAccessTokens=True)
    form = await code_form(live, client_id)
    oauth_error(await redeemed(live, form, {}), 400, "invalid_request")
    assert bound_to(await redeemed(live, form, proving(live))) == KEY.thumbprint()


async def test_a_proof_is_good_for_one_request_whichever_process_it_comes_to(live: Live):
    client_id, secret = await live.register()
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    used = proving(live)
    async with serving(live.database, issuer=live.url, audience=live.url) as second:
        both = await asyncio.gather(
            *(each.http.post(TOKEN, data=form, headers=used) for each in (live, second, live, second))
        )
        assert sorted(answer.status_code for answer in both) == [200, 400, 400, 400]
        again = await second.http.post(TOKEN, data=form, headers=used)
    assert "used before" in oauth_error(again, 400, "invalid_dpop_proof")
    rows = await live.beside.ledger.pool.fetch(
        "select convert_from(data, 'UTF8') from log.events where type = 'refusal.authorization'"
    )
    assert sum(client_id in row[0] and "used before" in row[0] for row in rows) == 4


async def test_two_proofs_in_one_request_are_refused(live: Live):
    headers = [("DPoP", proving(live)["DPoP"]), ("DPoP", proving(live)["DPoP"])]
    assert "more than one DPoP header" in oauth_error(await machine(live, headers), 400, "invalid_dpop_proof")


@pytest.mark.parametrize("text", ["", "text", "a" * 65_000, "." * 8000], ids=["empty", "text", "long", "dots"])
async def test_a_header_that_is_no_proof_is_refused(live: Live, text: str):
    oauth_error(await machine(live, {"DPoP": text}), 400, "invalid_dpop_proof")


async def test_a_public_client_s_refresh_token_takes_the_same_key_and_a_stolen_one_ends_the_authorization(live: Live):
    form = await code_form(live, await public_client(live))
    first = await redeemed(live, form, proving(live))
    second = refresh_form(form, first)
    assert "key" in oauth_error(await redeemed(live, second, {}), 400, "invalid_request")
    answer = await redeemed(live, second, proving(live))
    assert bound_to(answer) == KEY.thumbprint()
    third = refresh_form(form, answer)
    assert "another key" in oauth_error(await redeemed(live, third, proving(live, key=OTHER)), 400, "invalid_grant")
    oauth_error(await redeemed(live, third, proving(live)), 400, "invalid_grant")
    assert not await is_active(live, answer.json()["access_token"])


async def test_a_lost_response_is_repeated_only_for_the_key_that_the_refresh_token_is_bound_to(live: Live):
    form = await code_form(live, await public_client(live))
    exchange = refresh_form(form, await redeemed(live, form, proving(live)))
    answer = await redeemed(live, exchange, proving(live))
    assert (await redeemed(live, exchange, proving(live))).json() == answer.json()
    oauth_error(await redeemed(live, exchange, {}), 400, "invalid_request")


async def test_a_confidential_client_s_refresh_token_is_bound_by_its_authentication_alone(live: Live):
    client_id, secret = await live.interactive()
    form = await code_form(live, client_id, secret)
    exchange = refresh_form(form, await redeemed(live, form, proving(live)))
    answer = await redeemed(live, exchange, proving(live, key=OTHER))
    assert bound_to(answer) == OTHER.thumbprint()
    assert bound_to(await redeemed(live, refresh_form(form, answer), {})) is None


async def test_a_code_takes_the_key_that_the_authorization_request_names(live: Live):
    client_id = await public_client(live)
    form = await code_form(live, client_id, dpop_jkt=KEY.thumbprint())
    assert "key" in oauth_error(await redeemed(live, form, {}), 400, "invalid_request")
    assert bound_to(await redeemed(live, form, proving(live))) == KEY.thumbprint()
    stolen = await code_form(live, client_id, dpop_jkt=KEY.thumbprint())
    oauth_error(await redeemed(live, stolen, proving(live, key=OTHER)), 400, "invalid_grant")
    oauth_error(await redeemed(live, stolen, proving(live)), 400, "invalid_grant")


async def test_a_thumbprint_that_is_none_is_refused_to_the_client(live: Live):
    client_id = await public_client(live)
    async with logged_in(live) as person:
        back = sent_back(await asked_to_authorize(person.browser, client_id, dpop_jkt="key"))
    assert (back["error"], "dpop_jkt" in back["error_description"]) == ("invalid_request", True)


async def test_where_a_nonce_is_required_a_client_gets_it_with_the_refusal_and_with_each_response(postgres: str):
    async with serving(await new_database(postgres), dpop_nonce_required=True) as strict:
        client_id, secret = await strict.register()
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        refused = await strict.http.post(TOKEN, data=form, headers=proving(strict))
        oauth_error(refused, 400, "use_dpop_nonce")
        nonce = refused.headers["dpop-nonce"]
        answer = await strict.http.post(TOKEN, data=form, headers=proving(strict, nonce=nonce))
        assert bound_to(answer) == KEY.thumbprint()
        assert answer.headers["dpop-nonce"]
        oauth_error(
            await strict.http.post(TOKEN, data=form, headers=proving(strict, nonce="old")), 400, "use_dpop_nonce"
        )
