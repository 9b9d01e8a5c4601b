"""What a client library finds out by itself: metadata (RFC 8414, OpenID Connect Discovery), keys (RFC 7517), and keys that rotate."""

import asyncio
from base64 import urlsafe_b64decode
from typing import Any

import joserfc.jwt
import jwt
import pytest
from joserfc.jwk import KeySet

from service import rotation
from service.endpoints.responses import MIN_POSITION
from service.oauth import identity_assertions, token_exchange
from service.oauth.authlib_grants import DEVICE
from service.resources import open_resources
from service.vault import private_keys
from tests.flows.conftest import MASTER_KEY, META, Live, new_database, serving, settings_for
from tests.flows.people import logged_in, tokens_for
from tests.flows.test_private_key_jwt import assertion, registered

DOCUMENTS = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]


async def metadata(live: Live) -> dict[str, Any]:
    return (await live.http.get(DOCUMENTS[0])).json()


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_the_metadata_is_json_that_may_be_kept_and_read_from_anywhere(live: Live, path: str):
    answer = await live.http.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.json()["issuer"] == live.url
    assert answer.json() == await metadata(live)


async def test_the_issuer_is_the_setting_s_whatever_host_was_asked(live: Live):
    answer = await live.http.get(
        DOCUMENTS[0],
        headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"},
    )
    assert "evil" not in answer.text


ANSWERS = {  # to a GET, and to a POST, that says nothing
    "authorization_endpoint": (400, 400),
    "token_endpoint": (405, 400),
    "userinfo_endpoint": (401, 401),
    "introspection_endpoint": (405, 400),
    "revocation_endpoint": (405, 400),
    "pushed_authorization_request_endpoint": (405, 400),
    "device_authorization_endpoint": (405, 400),
    "end_session_endpoint": (303, 303),
    "jwks_uri": (200, 405),
    "service_documentation": (200, 405),
}


async def test_every_endpoint_that_is_listed_answers(live: Live):
    found = await metadata(live)
    assert {name for name, url in found.items() if str(url).startswith(f"{live.url}/")} == ANSWERS.keys()
    for name, statuses in ANSWERS.items():
        assert ((await live.http.get(found[name])).status_code, (await live.http.post(found[name])).status_code) == (
            statuses
        ), name


async def test_every_scope_that_is_listed_a_new_application_may_ask_a_person_for(live: Live):
    """Some libraries ask for all of them."""
    listed = (await metadata(live))["scopes_supported"]
    client = await live.interactive()
    async with logged_in(live) as person:
        assert (await tokens_for(live, person, client, " ".join(listed)))["scope"] == " ".join(listed)


async def test_every_grant_that_is_listed_is_known(live: Live):
    listed = (await metadata(live))["grant_types_supported"]
    delegated = {token_exchange.GRANT_TYPE, identity_assertions.GRANT_TYPE}
    assert set(listed) == {"client_credentials", "authorization_code", "refresh_token", DEVICE, *delegated}
    for grant in [*listed, "password"]:
        answer = await live.token_for(live.client_id, live.client_secret, grant_type=grant)
        assert (answer.json().get("error") == "unsupported_grant_type") == (grant == "password"), grant


async def test_every_authentication_method_that_is_listed_works(live: Live):
    found, auth, keyed = await metadata(live), (live.client_id, live.client_secret), await registered(live)
    for endpoint, form, public in (
        ("token", {"grant_type": "client_credentials"}, {"none"}),
        ("introspection", {"token": "x"}, set[str]()),
        ("revocation", {"token": "x"}, {"none"}),
    ):
        methods = {"client_secret_basic", "client_secret_post", "private_key_jwt", "workload_identity", *public}
        assert set(found[f"{endpoint}_endpoint_auth_methods_supported"]) == methods
        url = found[f"{endpoint}_endpoint"]
        assert (await live.http.post(url, data=form, auth=auth)).status_code == 200
        in_the_body = {**form, "client_id": auth[0], "client_secret": auth[1]}
        assert (await live.http.post(url, data=in_the_body)).status_code == 200
        by_key = {**form, **assertion(live, keyed)}
        assert (await live.http.post(url, data=by_key)).status_code == 200


async def test_every_language_that_is_listed_is_one_of_the_pages(live: Live):
    for language in (await metadata(live))["ui_locales_supported"]:
        page = await live.http.get("/signin", headers={"Accept-Language": language})
        assert f'<html lang="{language}"' in page.text


async def test_the_keys_are_public_and_named(live: Live):
    answer = await live.http.get("/openid/jwks")
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    published = answer.json()["keys"]
    assert len(published) == 6  # of each algorithm the one that signs, and the next
    assert len({key["kid"] for key in published}) == 6
    elliptic = [key for key in published if key["kty"] == "EC"]
    for key in elliptic:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
        assert (key["crv"], key["alg"], key["use"]) == ("P-256", "ES256", "sig")
    of_rsa = [key for key in published if key["kty"] == "RSA"]
    for key in of_rsa:
        assert set(key) == {"kty", "n", "e", "kid", "alg", "use"}
        assert (key["e"], key["alg"], key["use"]) == ("AQAB", "RS256", "sig")
        assert len(urlsafe_b64decode(key["n"] + "==")) == 256
    of_edwards = [key for key in published if key["kty"] == "OKP"]
    for key in of_edwards:
        assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
        assert (key["crv"], key["alg"], key["use"]) == ("Ed25519", "EdDSA", "sig")
    assert (len(elliptic), len(of_rsa), len(of_edwards)) == (2, 2, 2)
    token = jwt.get_unverified_header(live.token)
    assert token["kid"] in {key["kid"] for key in elliptic}
    assert set(token) == {"alg", "kid", "typ"}


async def test_each_algorithm_of_access_tokens_that_is_listed_can_be_a_client_s(live: Live):
    for alg in (await metadata(live))["access_token_signing_alg_values_supported"]:
        client = await live.register(accessTokenSignedResponseAlg=alg)
        token = await live.access_token(*client)
        assert jwt.get_unverified_header(token)["alg"] == alg
        assert (await verified(live, token))["client_id"] == client[0]


async def test_what_access_tokens_are_signed_with_can_be_changed_and_left_to_the_deployment(live: Live):
    client = await live.interactive(accessTokenSignedResponseAlg="RS256")
    path, headers = f"/api/v1/auth/clients/{client[0]}", {**live.bearer, "If-Match": "*"}
    async with logged_in(live) as person:
        for alg, signed_with in (("RS256", "RS256"), ("EdDSA", "EdDSA"), (None, "ES256")):
            body = {"accessTokenSignedResponseAlg": alg}
            assert (await live.http.patch(path, json=body, headers=headers)).json()[
                "accessTokenSignedResponseAlg"
            ] == alg
            token = (await tokens_for(live, person, client, "openid"))["access_token"]
            assert jwt.get_unverified_header(token)["alg"] == signed_with
            await verified(live, token)


async def rotate(live: Live) -> str:
    """Rotate the keys beside the service, and wait until it has read all of that, as it does within a second."""
    async with open_resources(settings_for(live.database, live.url), live.database, MASTER_KEY) as resources:
        kids = await rotation.rotate(live.database, resources.ledger, private_keys.wrapping(MASTER_KEY), META)
        end = await resources.ledger.pool.fetchval("select max(position) from log.events")
    reached = await live.http.get("/api/v1/auth/clients", headers={**live.bearer, MIN_POSITION: str(end)})
    assert reached.status_code == 200
    return kids["ES256"]


async def verified(live: Live, token: str) -> dict[str, Any]:
    found = jwt.PyJWKSet.from_dict((await live.http.get("/openid/jwks")).json())
    return jwt.decode(
        token,
        found[jwt.get_unverified_header(token)["kid"]],
        ["ES256", "RS256", "EdDSA"],
        audience=live.url,
        issuer=live.url,
    )


async def test_keys_rotate_under_load_without_a_failure_and_old_tokens_still_verify(postgres: str):
    async with serving(await new_database(postgres), rate_limit=0, failed_auth_limit=0) as live:
        client = (live.client_id, live.client_secret)
        tokens, done = [await live.access_token(*client)], asyncio.Event()

        async def keep_asking() -> None:
            while not done.is_set():
                known = {key["kid"] for key in (await live.http.get("/openid/jwks")).json()["keys"]}
                tokens.append(await live.access_token(*client))
                assert (
                    jwt.get_unverified_header(tokens[-1])["kid"] in known
                )  # a JWKS from before the token holds its key

        asking = [asyncio.create_task(keep_asking()) for _ in range(3)]
        kids = [await rotate(live) for _ in range(3)]
        await live.access_token(*client)
        await asyncio.sleep(0.05)
        done.set()
        await asyncio.gather(*asking)
        assert jwt.get_unverified_header(await live.access_token(*client))["kid"] == kids[-1]
        assert len({jwt.get_unverified_header(token)["kid"] for token in tokens}) > 1
        for token in (tokens[0], tokens[-1]):
            assert (await verified(live, token))["client_id"] == live.client_id
            form = {"token": token, "client_id": client[0], "client_secret": client[1]}
            assert (await live.http.post("/openid/introspect", data=form)).json()["active"]
            assert (
                await live.http.get("/api/v1/auth/clients", headers={"Authorization": f"Bearer {token}"})
            ).status_code == 200


async def test_metadata_is_signed_with_the_active_key_where_a_deployment_wants_it(live: Live, postgres: str):
    resources = ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/api/v1")
    async with serving(await new_database(postgres), signed_metadata=True, access_token_alg="EdDSA") as signing:
        for path in (DOCUMENTS[1], *resources):
            before = await signed_values(signing, path)
            assert await signed_values(signing, path) == before, "it is signed once"
            await rotate(signing)
            assert (await signed_values(signing, path))["kid"] != before["kid"]
        assert "signed_metadata" not in (await signing.http.get(DOCUMENTS[0])).json()
    for path in (*DOCUMENTS, *resources):
        assert "signed_metadata" not in (await live.http.get(path)).json()


async def signed_values(live: Live, path: str) -> dict[str, Any]:
    """The key that signed the metadata, and when, after the signature and the values were verified."""
    told = (await live.http.get(path)).json()
    keys = KeySet.import_key_set((await live.http.get("/openid/jwks")).json())
    read = joserfc.jwt.decode(told.pop("signed_metadata"), keys, algorithms=["EdDSA"])
    signed_at = read.claims.pop("iat")
    assert read.claims == {**told, "iss": live.url}
    return {"kid": read.header["kid"], "iat": signed_at}
