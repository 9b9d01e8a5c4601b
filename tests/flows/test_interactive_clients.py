"""The settings of interactive clients at /api/v1/auth/clients: public ones, and the terms on which people log in."""

from typing import Any

import pytest

from tests.flows.conftest import Live, refused

CLIENTS = "/api/v1/auth/clients"
WEB = {"m2m": False, "redirectUri": "https://app.example.com/cb"}
USUAL = {
    "public": False,
    "requirePkce": None,
    "firstParty": False,
    "idTokenSignedResponseAlg": "RS256",
    "postLogoutRedirectUris": [],
    "backchannelLogoutUri": None,
    "idTokenClaims": "scopes",
    "requirePushedAuthorizationRequests": False,
    "requireSignedRequestObject": False,
    "requestObjectSigningAlg": None,
    "authorizationSignedResponseAlg": "RS256",
    "userinfoSignedResponseAlg": None,
    "requestUris": [],
    "defaultMaxAge": None,
    "requireAuthTime": False,
}
UNUSUAL = {
    "requirePkce": False,
    "firstParty": True,
    "idTokenSignedResponseAlg": "ES256",
    "postLogoutRedirectUris": ["https://app.example.com/out", "com.example.app:/out"],
    "backchannelLogoutUri": "https://app.example.com/logged-out",
    "idTokenClaims": "minimal",
    "requirePushedAuthorizationRequests": True,
    "requireSignedRequestObject": True,
    "requestObjectSigningAlg": "PS256",
    "authorizationSignedResponseAlg": "EdDSA",
    "userinfoSignedResponseAlg": "ES256",
    "requestUris": ["https://app.example.com/request#hash"],
    "defaultMaxAge": 0,
    "requireAuthTime": True,
}


async def register(live: Live, **body: Any) -> dict[str, Any]:
    created = await live.http.post(CLIENTS, json={**WEB, **body}, headers=live.bearer)
    assert created.status_code == 201, created.text
    return created.json()


async def shown(live: Live, client_id: str) -> dict[str, Any]:
    answer = await live.http.get(f"{CLIENTS}/{client_id}", headers=live.bearer)
    assert answer.status_code == 200
    return {name: answer.json()[name] for name in USUAL}


async def changed(live: Live, client_id: str, body: dict[str, Any], bearer: dict[str, str] | None = None) -> Any:
    headers = {**(bearer or live.bearer), "If-Match": "*"}
    return await live.http.patch(f"{CLIENTS}/{client_id}", json=body, headers=headers)


async def test_where_nothing_is_said_the_terms_are_the_usual_ones(live: Live):
    assert await shown(live, (await register(live))["clientId"]) == USUAL


async def test_all_terms_can_be_said_at_registration(live: Live):
    assert await shown(live, (await register(live, **UNUSUAL))["clientId"]) == {"public": False, **UNUSUAL}


async def test_all_terms_can_be_changed_later_each_by_itself(live: Live):
    client_id = (await register(live))["clientId"]
    for name, value in UNUSUAL.items():
        assert (await changed(live, client_id, {name: value})).json()[name] == value
    assert await shown(live, client_id) == {"public": False, **UNUSUAL}
    back = {name: USUAL[name] for name in UNUSUAL}
    assert (await changed(live, client_id, back)).status_code == 200
    assert await shown(live, client_id) == USUAL


async def test_changing_the_terms_to_what_they_are_changes_nothing(live: Live):
    client_id = (await register(live, **UNUSUAL))["clientId"]
    before = await live.http.get(f"{CLIENTS}/{client_id}", headers=live.bearer)
    assert (await changed(live, client_id, UNUSUAL)).headers["etag"] == before.headers["etag"]


async def test_a_public_client_has_no_secret_and_gets_none(live: Live):
    created = await register(live, public=True)
    assert created["clientSecret"] is None
    client_id = created["clientId"]
    assert (await shown(live, client_id))["public"] is True
    secrets = f"{CLIENTS}/{client_id}/secrets"
    assert (await live.http.get(secrets, headers=live.bearer)).json() == []
    refused(await live.http.post(secrets, json={}, headers=live.bearer), 409)


async def test_a_public_client_s_registration_is_answered_again_to_the_same_key(live: Live):
    headers = {**live.bearer, "Idempotency-Key": "public-once"}
    body = {**WEB, "public": True}
    first, again = [await live.http.post(CLIENTS, json=body, headers=headers) for _ in range(2)]
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_public_client_never_does_without_pkce(live: Live):
    body = {**WEB, "public": True, "requirePkce": False}
    answer = refused(await live.http.post(CLIENTS, json=body, headers=live.bearer), 400)
    assert list(answer["errors"]) == ["requirePkce"]
    client_id = (await register(live, public=True))["clientId"]
    refused(await changed(live, client_id, {"requirePkce": False}), 409)
    assert (await changed(live, client_id, {"requirePkce": True})).json()["requirePkce"] is True


async def test_whether_it_is_public_never_changes(live: Live):
    client_id = (await register(live))["clientId"]
    answer = refused(await changed(live, client_id, {"public": True}), 400)
    assert list(answer["errors"]) == ["public"]


async def test_a_machine_client_is_told_of_every_setting_that_is_not_for_it(live: Live):
    body = {"m2m": True, "botUserId": "b", "public": True, **UNUSUAL}
    answer = refused(await live.http.post(CLIENTS, json=body, headers=live.bearer), 400)
    assert set(answer["errors"]) == {"public", *UNUSUAL}


async def test_a_machine_client_may_say_the_usual_and_is_shown_without(live: Live):
    client_id, _ = await live.register(**USUAL)
    answer = await live.http.get(f"{CLIENTS}/{client_id}", headers=live.bearer)
    assert not set(answer.json()) & set(USUAL)
    refused(await changed(live, client_id, {"requirePkce": False}), 409)
    assert (await changed(live, client_id, {"requirePkce": None})).status_code == 200


async def test_only_an_operator_lets_a_client_skip_consent(live: Live):
    bearer = await live.caller("first-party", "clients:write", "clients:read")
    asked = {**WEB, "firstParty": True}
    refused(await live.http.post(CLIENTS, json=asked, headers=bearer), 403)
    client_id = (await live.http.post(CLIENTS, json=WEB, headers=bearer)).json()["clientId"]
    refused(await changed(live, client_id, {"firstParty": True}, bearer), 403)
    assert (await changed(live, client_id, {"firstParty": True})).json()["firstParty"] is True
    answer = await changed(live, client_id, {"idTokenSignedResponseAlg": "ES256"}, bearer)
    assert answer.json()["firstParty"] is True
    assert (await changed(live, client_id, {"firstParty": False}, bearer)).json()["firstParty"] is False


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("public", "yes"),
        ("public", None),
        ("requirePkce", 1),
        ("firstParty", "true"),
        ("idTokenSignedResponseAlg", "none"),
        ("idTokenSignedResponseAlg", "HS256"),
        ("idTokenClaims", "all"),
        ("idTokenClaims", None),
        ("postLogoutRedirectUris", "https://a.example/"),
        ("postLogoutRedirectUris", ["http://a.example/"]),
        ("postLogoutRedirectUris", ["https://a.example/*"]),
        ("postLogoutRedirectUris", [f"https://a.example/{n}" for n in range(21)]),
        ("backchannelLogoutUri", "http://app.example.com/out"),
        ("backchannelLogoutUri", "com.example.app:/out"),
        ("backchannelLogoutUri", "https://app.example.com/out#x"),
        ("backchannelLogoutUri", "https://user@app.example.com/out"),
        ("backchannelLogoutUri", "https://app.example.com/" + "x" * 2000),
        ("backchannelLogoutUri", ""),
    ],
)
async def test_a_setting_that_cannot_be_used_is_named(live: Live, field: str, value: Any):
    answer = refused(await live.http.post(CLIENTS, json={**WEB, field: value}, headers=live.bearer), 400)
    assert list(answer["errors"]) == [field]


async def test_all_faults_are_named_at_once_and_all_uris_too(live: Live):
    body = {
        "m2m": False,
        "redirectUri": "http://a.example/",
        "idTokenSignedResponseAlg": "none",
        "postLogoutRedirectUris": ["https://a.example/", "b", "ftp://c/"],
        "backchannelLogoutUri": "ftp://d/",
    }
    errors = refused(await live.http.post(CLIENTS, json=body, headers=live.bearer), 400)["errors"]
    assert set(errors) == set(body) - {"m2m"}
    assert [fault[:3] for fault in errors["postLogoutRedirectUris"]] == ["[1]", "[2]"]


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9000/out", "http://[::1]/out", "http://localhost/out?x=1"])
async def test_this_machine_hears_of_logouts_by_plain_http(live: Live, uri: str):
    client_id = (await register(live, backchannelLogoutUri=uri))["clientId"]
    assert (await shown(live, client_id))["backchannelLogoutUri"] == uri
    assert (await changed(live, client_id, {"backchannelLogoutUri": None})).json()["backchannelLogoutUri"] is None


async def test_a_setting_that_may_be_null_is_said_to_be_true_false_or_null(live: Live):
    asked = {"m2m": False, "redirectUri": "https://app.example.com/cb", "requirePkce": "maybe"}
    answer = await live.http.post("/api/v1/auth/clients", json=asked, headers=live.bearer)
    assert refused(answer, 400)["errors"] == {"requirePkce": ["must be true, false or null, got str"]}
