"""private_key_jwt (RFC 7523): a client proves that it has a private key, at each endpoint that authenticates clients."""

import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from service.oauth.client_assertion import JWT_BEARER
from tests.flows.conftest import Live, is_active, oauth_error, refused
from tests.flows.test_cli import on

CLIENTS = "/api/v1/auth/clients"
KEY = ECKey.generate_key("P-256", {"kid": "mine"})
OTHER = ECKey.generate_key("P-256", {"kid": "other"})


def public(key: ECKey) -> dict[str, Any]:
    return dict(key.as_dict(private=False))


def assertion(live: Live, client_id: str, *, key: ECKey = KEY, **claims: Any) -> dict[str, str]:
    """The parameters of an assertion."""
    usual = {
        "iss": client_id,
        "sub": client_id,
        "aud": live.url,
        "jti": uuid4().hex,
        "iat": int(time.time()),
        "exp": int(time.time()) + 60,
    }
    header = {"alg": "ES256", "kid": key.kid}
    return {"client_assertion_type": JWT_BEARER, "client_assertion": jwt.encode(header, {**usual, **claims}, key)}


async def registered(live: Live, **fields: Any) -> str:
    body = {
        "m2m": True,
        "botUserId": "bot-keyed",
        "tokenEndpointAuthMethod": "private_key_jwt",
        "jwks": {"keys": [public(KEY)]},
        **fields,
    }
    answer = await live.http.post(CLIENTS, json=body, headers=live.bearer)
    assert answer.status_code == 201, answer.text
    assert answer.json()["clientSecret"] is None
    return answer.json()["clientId"]


async def token(live: Live, **form: str) -> httpx.Response:
    return await live.http.post("/openid/token", data={"grant_type": "client_credentials", **form})


async def test_a_client_with_a_key_gets_tokens_introspects_and_revokes_without_any_secret(live: Live):
    client_id = await registered(live)
    got = await token(live, **assertion(live, client_id))
    assert got.status_code == 200, got.text
    issued = {"token": got.json()["access_token"]}
    seen = await live.http.post("/openid/introspect", data={**issued, **assertion(live, client_id)})
    assert seen.json()["active"] is True
    revoked = await live.http.post(
        "/openid/revoke", data={**issued, **assertion(live, client_id, aud=f"{live.url}/openid/revoke")}
    )
    assert revoked.status_code == 200
    again = await live.http.post("/openid/introspect", data={**issued, **assertion(live, client_id)})
    assert again.json() == {"active": False}


async def test_an_assertion_is_used_once_and_a_refused_one_says_what_to_change(live: Live):
    client_id = await registered(live)
    sent = assertion(live, client_id)
    assert (await token(live, **sent)).status_code == 200
    replayed = oauth_error(await token(live, **sent), 401, "invalid_client")
    assert "jti" in replayed
    other = await token(live, **assertion(live, client_id, aud="https://other.example", jti=7))
    wrong = oauth_error(other, 401, "invalid_client")
    assert live.url in wrong


async def test_another_key_a_secret_and_no_method_at_all_are_refused(live: Live):
    client_id, other = await registered(live), (await live.register())
    for form in (
        assertion(live, client_id, key=OTHER),
        {"client_id": client_id, "client_secret": other[1]},
        {"client_id": client_id},
        assertion(live, other[0]),
        {**assertion(live, client_id), "client_id": other[0]},
        {
            **assertion(live, client_id),
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        },
    ):
        oauth_error(await token(live, **form), 401, "invalid_client")
    twice = await token(live, **assertion(live, client_id), client_secret=other[1])
    oauth_error(twice, 400, "invalid_request")


async def test_a_key_is_rotated_and_its_use_is_seen(live: Live):
    client_id = await registered(live)
    path = f"{CLIENTS}/{client_id}/keys"
    added = await live.http.post(path, json={"jwk": public(OTHER), "name": "next"}, headers=live.bearer)
    assert added.status_code == 201, added.text
    assert (await token(live, **assertion(live, client_id, key=OTHER))).status_code == 200
    first, second = (await live.http.get(path, headers=live.bearer)).json()
    assert (first["kid"], second["kid"], second["name"]) == ("mine", "other", "next")
    assert (await live.http.delete(f"{path}/{first['keyId']}", headers=live.bearer)).status_code == 204
    oauth_error(await token(live, **assertion(live, client_id)), 401, "invalid_client")
    assert (await token(live, **assertion(live, client_id, key=OTHER))).status_code == 200


async def test_a_private_key_is_refused_and_not_repeated(live: Live):
    client_id = await registered(live)
    body = {"jwk": dict(OTHER.as_dict(private=True))}
    answer = await live.http.post(f"{CLIENTS}/{client_id}/keys", json=body, headers=live.bearer)
    refused(answer, 400)
    assert "private part" in answer.text
    assert body["jwk"]["d"] not in answer.text


async def test_a_client_changes_from_a_secret_to_a_key_when_it_has_one(live: Live):
    client_id, secret = await live.register()
    headers = {**live.bearer, "If-Match": "*"}
    change = {"tokenEndpointAuthMethod": "private_key_jwt"}
    refused(await live.http.patch(f"{CLIENTS}/{client_id}", json=change, headers=headers), 409)
    await live.http.post(f"{CLIENTS}/{client_id}/keys", json={"jwk": public(KEY)}, headers=live.bearer)
    changed = await live.http.patch(f"{CLIENTS}/{client_id}", json=change, headers=headers)
    assert changed.status_code == 200, changed.text
    assert (await token(live, **assertion(live, client_id))).status_code == 200
    oauth_error(await token(live, client_id=client_id, client_secret=secret), 401, "invalid_client")


async def test_an_operator_registers_rotates_and_revokes_keys_at_the_command_line(live: Live, tmp_path: Path):
    first, second = tmp_path / "jwks.json", tmp_path / "jwk.json"
    first.write_text(json.dumps({"keys": [public(KEY)]}))
    second.write_text(json.dumps(public(OTHER)))
    words = ("--owner", "crm-team", "--bot", "bot-keyed", "--auth-method", "private_key_jwt", "--jwks", str(first))
    made = await on(live.database, "clients", "create", *words, "--json")
    client_id = made.json["client_id"]
    assert made.json["client_secret"] is None
    added = await on(live.database, "client-keys", "add", client_id, str(second), "--overlap", "24h", "--json")
    assert (added.status, added.json["kid"]) == (0, "other"), added.err
    assert (await token(live, **assertion(live, client_id, key=OTHER))).status_code == 200
    old, new = (await on(live.database, "client-keys", "list", client_id, "--json")).json
    assert (old["kid"], new["kid"], new["expires_at"]) == ("mine", "other", None)
    assert old["expires_at"] is not None
    assert (await on(live.database, "client-keys", "revoke", client_id, old["key_id"], "--yes")).status == 0
    oauth_error(await token(live, **assertion(live, client_id)), 401, "invalid_client")
    again = await on(live.database, "client-keys", "add", client_id, str(second))
    assert (again.status, "already" in again.err) == (1, True)
    unseen = await on(live.database, "client-keys", "add", client_id, str(second), "--name", "a\u202eb")
    assert (unseen.status, "--name contains a character" in unseen.err) == (1, True)
    second.write_text(json.dumps(dict(OTHER.as_dict(private=True))))
    private = await on(live.database, "client-keys", "add", client_id, str(second))
    assert (private.status, "private part" in private.err) == (1, True)


async def test_a_compromised_key_is_revoked_with_the_tokens_that_it_got_and_no_others(live: Live):
    client_id = await registered(live, jwks={"keys": [public(KEY), public(OTHER)]})
    stolen, kept = [
        (await token(live, **assertion(live, client_id, key=key))).json()["access_token"] for key in (KEY, OTHER)
    ]
    listed = (await live.http.get(f"{CLIENTS}/{client_id}/keys", headers=live.bearer)).json()
    order = {"id": listed[0]["keyId"], "dryRun": False}
    done = await live.http.post("/api/v1/audit/revocations", json=order, headers=live.bearer)
    assert done.json()["revoked"] == {"secret": 1, "token": 1}
    assert [await is_active(live, each) for each in (stolen, kept)] == [False, True]
    assert (await token(live, **assertion(live, client_id))).status_code == 401
    assert (await token(live, **assertion(live, client_id, key=OTHER))).status_code == 200
