"""Tokens that are bound to a key (RFC 9449): issued for a proof, and good for nothing without the next one."""

import asyncio
import re
from typing import Any

import httpx
import jwt
import pytest
from joserfc.jwk import ECKey

from events.api import ApiScope, ApiTerms, stream_of
from service.clock import utc_now
from service.commands.api import RegisterApi
from service.commands.handle import API, handle
from tests.flows import people
from tests.flows.conftest import META, Live, is_active, new_database, oauth_error, refused, serving
from tests.flows.people import ALL, CALLBACK, allow, code_for, logged_in, sent_back
from tests.flows.people import asked as asked_to_authorize
from tests.rules.proving import KEY, proof

TOKEN, USERINFO, CLIENTS = "/openid/token", "/openid/userinfo", "/api/v1/auth/clients"
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
    answer = await machine(live, {}, dpopBoundAccessTokens=True)
    assert "Send a DPoP proof" in oauth_error(answer, 400, "invalid_request")
    assert bound_to(await machine(live, proving(live), dpopBoundAccessTokens=True)) == KEY.thumbprint()
    client_id = await public_client(live, dpopBoundAccessTokens=True)
    form = await code_form(live, client_id)
    oauth_error(await redeemed(live, form, {}), 400, "invalid_request")
    assert bound_to(await redeemed(live, form, proving(live))) == KEY.thumbprint()


async def test_an_api_may_take_no_token_that_is_not_bound_to_a_key(live: Live):
    api = "https://bound.example.com"
    terms = ApiTerms(name="Bound", scopes=(ApiScope(name="bound:read"),), dpop_required=True)
    await handle(live.beside.ledger, API, stream_of(api), RegisterApi(identifier=api, terms=terms, at=utc_now()), META)
    client_id, secret = await live.register(apis=[{"identifier": api, "scopes": ["bound:read"]}])
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    assert bound_to(await live.http.post(TOKEN, data=form)) is None
    answer = await live.http.post(TOKEN, data={**form, "resource": api})
    assert "this API" in oauth_error(answer, 400, "invalid_request")
    answer = await live.http.post(TOKEN, data={**form, "resource": api}, headers=proving(live))
    assert (bound_to(answer), answer.json()["scope"]) == (KEY.thumbprint(), "bound:read")


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
        needed = await strict.http.post(TOKEN, data=form, headers=proving(strict))
        oauth_error(needed, 400, "use_dpop_nonce")
        nonce = needed.headers["dpop-nonce"]
        answer = await strict.http.post(TOKEN, data=form, headers=proving(strict, nonce=nonce))
        assert bound_to(answer) == KEY.thumbprint()
        assert answer.headers["dpop-nonce"]
        oauth_error(
            await strict.http.post(TOKEN, data=form, headers=proving(strict, nonce="old")), 400, "use_dpop_nonce"
        )
        form |= {"client_id": strict.client_id, "client_secret": strict.client_secret}
        answer = await strict.http.post(TOKEN, data=form, headers=proving(strict, nonce=nonce))
        token = answer.json()["access_token"]
        needed = await called(strict, f"DPoP {token}", for_call(strict, token))
        assert 'error="use_dpop_nonce"' in needed.headers["www-authenticate"]
        nonce = needed.headers["dpop-nonce"]
        answer = await called(strict, f"DPoP {token}", for_call(strict, token, nonce=nonce))
        assert (answer.status_code, bool(answer.headers["dpop-nonce"])) == (200, True)
        assert "dpop-nonce" not in (await called(strict, strict.bearer["Authorization"], [])).headers
        plain = await strict.http.post(TOKEN, data=form)
        assert (plain.status_code, "dpop-nonce" in plain.headers) == (200, False)
        client_id, secret = await strict.register(dpopBoundAccessTokens=True)
        form |= {"client_id": client_id, "client_secret": secret}
        lacking = await strict.http.post(TOKEN, data=form)
        oauth_error(lacking, 400, "invalid_request")
        assert lacking.headers["dpop-nonce"]


async def called(live: Live, authorization: str, proofs: list[str], path: str = CLIENTS) -> httpx.Response:
    return await live.http.get(path, headers=[("Authorization", authorization), *(("DPoP", each) for each in proofs)])


def for_call(live: Live, token: str, path: str = CLIENTS, **how: Any) -> list[str]:
    return [proof("GET", f"{live.url}{path}", token=token, **how)]


@pytest.fixture(scope="module")
async def reader(live: Live) -> str:
    """An operator's token that is bound to our key."""
    form = {"grant_type": "client_credentials", "client_id": live.client_id, "client_secret": live.client_secret}
    answer = await live.http.post(TOKEN, data=form, headers=proving(live))
    return answer.json()["access_token"]


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
async def test_the_api_takes_a_bound_token_with_a_proof_by_its_key(live: Live, reader: str, scheme: str):
    answer = await called(live, f"{scheme} {reader}", for_call(live, reader), f"{CLIENTS}?limit=1")
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("scheme", "how", "error"),
    [
        ("Bearer", None, "invalid_token"),
        ("Bearer", {}, "invalid_token"),
        ("DPoP", None, "invalid_dpop_proof"),
        ("DPoP", {"key": OTHER}, "invalid_token"),
        ("DPoP", {"ath": None}, "invalid_dpop_proof"),
        ("DPoP", {"htm": "POST"}, "invalid_dpop_proof"),
        ("DPoP", {"htu": "https://another.example/api/v1/auth/clients"}, "invalid_dpop_proof"),
        ("DPoP", {"iat": 1}, "invalid_dpop_proof"),
        ("DPoP", {"jti": None}, "invalid_dpop_proof"),
        ("DPoP", {"nonce": "another's"}, "use_dpop_nonce"),
        ("DPoP", {"header": {"jwk": KEY.as_dict(private=True)}}, "invalid_dpop_proof"),
    ],
)
async def test_the_api_takes_a_bound_token_in_no_other_way(
    live: Live, reader: str, scheme: str, how: dict[str, Any] | None, error: str
):
    proofs = [] if how is None else for_call(live, reader, **how)
    answer = await called(live, f"{scheme} {reader}", proofs)
    body = refused(answer, 401)
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('DPoP realm="muniment", ')
    assert f'error="{error}", error_description="{body["detail"]}"' in challenge
    assert 'algs="ES256 EdDSA Ed25519 PS256"' in challenge
    assert ("dpop-nonce" in answer.headers) == (error == "use_dpop_nonce")


async def test_a_token_that_lacks_a_scope_is_told_so_in_the_scheme_that_it_came_with(live: Live):
    client_id, secret = await live.register()
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    token = (await live.http.post(TOKEN, data=form, headers=proving(live))).json()["access_token"]
    answer = await called(live, f"dpop {token}", for_call(live, token))
    refused(answer, 403)
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('DPoP realm="muniment", error="insufficient_scope", scope="clients:read", algs="ES256')
    assert "resource_metadata=" in challenge
    plain = (await live.http.post(TOKEN, data=form)).json()["access_token"]
    answer = await called(live, f"Bearer {plain}", [])
    assert answer.headers["www-authenticate"].startswith('Bearer realm="muniment", error="insufficient_scope", scope=')


async def test_a_proof_is_good_for_one_call_of_the_api(live: Live, reader: str):
    once = for_call(live, reader)
    assert (await called(live, f"DPoP {reader}", once)).status_code == 200
    assert "used before" in refused(await called(live, f"DPoP {reader}", once), 401)["detail"]
    refused(await called(live, f"DPoP {reader}", for_call(live, reader) * 2), 401)


async def test_a_token_that_is_bound_to_nothing_is_no_dpop_token(live: Live):
    answer = await called(live, f"DPoP {live.token}", for_call(live, live.token))
    assert "Authorization: Bearer" in refused(answer, 401)["detail"]
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_the_use_of_a_stolen_token_is_recorded(live: Live):
    client_id, secret = await live.register()
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    stolen = (await live.http.post(TOKEN, data=form, headers=proving(live))).json()["access_token"]
    refused(await called(live, f"Bearer {stolen}", []), 401)
    refused(await called(live, f"DPoP {stolen}", for_call(live, stolen, key=OTHER)), 401)
    rows = await live.beside.ledger.pool.fetch(
        "select convert_from(data, 'UTF8') from log.events where type = 'refusal.authorization'"
    )
    mine = [row[0] for row in rows if client_id in row[0]]
    assert [("bound to a key" in row, "another key" in row) for row in mine] == [(True, False), (False, True)]


async def test_userinfo_takes_a_bound_token_with_a_proof_by_its_key(live: Live):
    form = await code_form(live, await public_client(live))
    token = (await redeemed(live, form, proving(live))).json()["access_token"]
    answer = await called(live, f"DPoP {token}", for_call(live, token, USERINFO), USERINFO)
    assert answer.status_code == 200, answer.text
    for authorization, proofs in (("Bearer", []), ("DPoP", []), ("DPoP", for_call(live, token))):
        answer = await called(live, f"{authorization} {token}", proofs, USERINFO)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("DPoP ")
    assert (await live.http.post(USERINFO, data={"access_token": token})).status_code == 401


async def test_a_client_finds_by_a_refusal_what_the_api_takes(live: Live):
    for path, resource in ((CLIENTS, f"{live.url}/api/v1"), (USERINFO, live.url)):
        challenge = (await live.http.get(path)).headers["www-authenticate"]
        url = re.findall('resource_metadata="([^"]+)"', challenge)[0]
        answer = await live.http.get(url)
        assert answer.headers["content-type"] == "application/json"
        found = answer.json()
        assert (found["resource"], found["authorization_servers"]) == (resource, [live.url])
        assert found["dpop_signing_alg_values_supported"] == ["ES256", "EdDSA", "Ed25519", "PS256"]
    server = (await live.http.get("/.well-known/oauth-authorization-server")).json()
    assert server["protected_resources"] == [f"{live.url}/api/v1", live.url]


async def test_a_proof_of_a_pushed_request_binds_its_code(live: Live):
    client_id, pkce = await public_client(live), people.proof()
    form = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "code_challenge": pkce.challenge,
        "code_challenge_method": "S256",
    }

    async def pushed(**more: str) -> httpx.Response:
        headers = {"DPoP": proof("POST", f"{live.url}/openid/par")}
        return await live.http.post("/openid/par", data={**form, **more}, headers=headers)

    assert (await pushed(dpop_jkt=KEY.thumbprint())).status_code == 201
    oauth_error(await pushed(dpop_jkt=OTHER.thumbprint()), 400, "invalid_dpop_proof")
    asked = {"client_id": client_id, "request_uri": (await pushed()).json()["request_uri"]}
    async with logged_in(live) as person:
        await allow(live, person.user, client_id, "openid")
        code = sent_back(await person.browser.get("/openid/authorize", params=asked))["code"]
    redeeming = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "client_id": client_id}
    redeeming["code_verifier"] = pkce.verifier
    assert "is bound" in oauth_error(await redeemed(live, redeeming, {}), 400, "invalid_request")
    assert bound_to(await redeemed(live, redeeming, proving(live))) == KEY.thumbprint()


async def test_a_confidential_client_whose_tokens_are_bound_keeps_its_refresh_token(live: Live):
    client_id, secret = await live.interactive(dpopBoundAccessTokens=True)
    form = await code_form(live, client_id, secret)
    answer = await redeemed(live, form, proving(live))
    again = refresh_form(form, answer)
    answers = [await redeemed(live, again, proving(live, key=key)) for key in (KEY, OTHER, KEY)]
    assert {each.json()["refresh_token"] for each in answers} == {again["refresh_token"]}
    assert len({each.json()["access_token"] for each in answers}) == 3
    assert [bound_to(each) for each in answers] == [KEY.thumbprint(), OTHER.thumbprint(), KEY.thumbprint()]
    oauth_error(await redeemed(live, again, {}), 400, "invalid_request")
    oauth_error(await redeemed(live, {**again, "client_secret": "x"}, proving(live)), 401, "invalid_client")
    assert bound_to(await redeemed(live, again, proving(live)))
    freed = await live.http.patch(
        f"{CLIENTS}/{client_id}", json={"dpopBoundAccessTokens": False}, headers={**live.bearer, "If-Match": "*"}
    )
    assert freed.status_code == 200
    following = await redeemed(live, again, {})
    assert following.json()["refresh_token"] != again["refresh_token"]
