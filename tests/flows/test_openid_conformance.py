"""What OpenID's conformance modules of Basic OP, Dynamic OP, Form Post OP (code) and Third Party-Initiated Login OP ask of a server: the
client registers itself, and uses no PKCE. Each test has the names of its modules, written from OpenID Connect Core, Registration and Form Post.

Some of Dynamic OP's modules ask for what is not offered: the implicit flow, pairwise subjects, unsigned ID tokens and request objects. What
is offered is said in the metadata, and the rest is refused by its own error (docs/decisions/0029).
"""

import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from msgspec import Struct

from service.oauth import remote_keys
from service.oauth.client_assertion import JWT_BEARER
from tests.flows import objects
from tests.flows.conftest import Live, new_database, oauth_error, serving_registrations
from tests.flows.people import ALL, CALLBACK, Forms, Person, allow, logged_in, proof, redeemed, sent_back

PATH, TOKEN = "/openid/register", "/openid/token"
KEY, NEXT = (RSAKey.generate_key(2048, {"kid": kid, "alg": "RS256", "use": "sig"}) for kid in ("first", "next"))
BASIC: dict[str, Any] = {
    "client_name": "Suite",
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "redirect_uris": [CALLBACK],
    "contacts": ["suite@example.com"],
}
BY_KEY = {**BASIC, "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY.as_dict(private=False)]}}


class Client(Struct, frozen=True):
    """A client as its registration answered, and the key that it has, if that is how it authenticates."""

    live: Live
    told: Mapping[str, Any]
    key: Any = None

    @property
    def client_id(self) -> str:
        return self.told["client_id"]

    async def ask(self, browser: Any, **params: str | None) -> httpx.Response:
        usual = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid email",
            "state": "st-1",
            "nonce": "n-1",
        }
        query = {name: value for name, value in {**usual, **params}.items() if value is not None}
        return await browser.get("/openid/authorize", params=query)

    async def post(self, form: Mapping[str, str], *, key: Any = None) -> httpx.Response:
        """A token request. `client_secret_basic` is what a client has that did not say otherwise."""
        if self.key is None:
            return await self.live.http.post(TOKEN, data=form, auth=(self.client_id, self.told["client_secret"]))
        by, now = key or self.key, int(time.time())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": f"{self.live.url}{TOKEN}", "jti": uuid4().hex}
        text = jwt.encode({"alg": "RS256", "kid": by.kid}, {**claims, "iat": now, "exp": now + 60}, by)
        by_key = {"client_assertion_type": JWT_BEARER, "client_assertion": text}
        return await self.live.http.post(TOKEN, data={**form, **by_key})

    async def redeem(self, code: str, redirect_uri: str = CALLBACK) -> dict[str, Any]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        answer = await self.post(form)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def tokens(self, person: Person, **params: str | None) -> dict[str, Any]:
        await allow(self.live, person.user, self.client_id, f"{ALL} address phone")
        return await self.redeem(sent_back(await self.ask(person.browser, **params))["code"])

    async def id_token(self, tokens: Mapping[str, Any]) -> Any:
        keys = KeySet.import_key_set((await self.live.http.get("/openid/jwks")).json())
        return jwt.decode(tokens["id_token"], keys, algorithms=["RS256"])


@pytest.fixture(scope="module")
async def live(postgres: str) -> AsyncIterator[Live]:
    async with serving_registrations(await new_database(postgres), "open") as service:
        yield service


@pytest.fixture(scope="module")
async def basic(live: Live) -> Client:
    return await registered(live, BASIC)


async def registered(live: Live, metadata: Mapping[str, Any], key: Any = None) -> Client:
    answer = await live.http.post(PATH, json=metadata)
    assert answer.status_code == 201, answer.text
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")
    told = answer.json()
    assert told["client_id"]
    assert {"client_secret", "client_secret_expires_at"} <= told.keys() or key
    assert "contacts" not in told, "addresses of people are left out (RFC 7591 section 3.2.1 allows it)"
    others = {name: value for name, value in metadata.items() if name not in ("jwks", "contacts")}
    assert {name: told[name] for name in others} == others
    return Client(live, told, key)


async def _active(live: Live) -> str:
    keys = await live.http.get("/api/v1/auth/signing-keys", params={"state": "active"}, headers=live.bearer)
    return keys.json()[0]["kid"]


async def refused(live: Live, error: str, **metadata: Any) -> None:
    oauth_error(await live.http.post(PATH, json={**BASIC, **metadata}), 400, error)


class TestBasic:
    @pytest.mark.parametrize(
        "params",
        [
            pytest.param({"nonce": None}, id="ensure-request-without-nonce-succeeds-for-code-flow"),
            pytest.param({"scope": "email openid"}, id="ensure-other-scope-order-succeeds"),
            pytest.param({"display": "page"}, id="display-page"),
            pytest.param({"display": "popup"}, id="display-popup"),
            pytest.param({"prompt": "none"}, id="prompt-none-logged-in"),
            pytest.param({"max_age": "10000"}, id="max-age-10000"),
            pytest.param({"extra": "foobar"}, id="ensure-request-with-unknown-parameter-succeeds"),
            pytest.param({"login_hint": "somebody@example.com"}, id="login-hint"),
            pytest.param({"ui_locales": "se"}, id="ui-locales"),
            pytest.param({"claims_locales": "se"}, id="claims-locales"),
            pytest.param({"acr_values": "1 2"}, id="ensure-request-with-acr-values-succeeds"),
        ],
    )
    async def test_it_succeeds(self, live: Live, basic: Client, params: dict[str, Any]):
        async with logged_in(live) as person:
            tokens = await basic.tokens(person, **params)
        claims = (await basic.id_token(tokens)).claims
        assert (claims["sub"], claims.get("nonce")) == (str(person.user), params.get("nonce", "n-1"))
        assert "max_age" not in params or claims["auth_time"] <= int(time.time())

    async def test_prompts_that_show_a_page(self, live: Live, basic: Client):
        """(oidcc-prompt-login, max-age-1, prompt-none-not-logged-in, id-token-hint, response-type-missing)"""
        given = sent_back(await basic.ask(live.http, prompt="none"))
        assert given["error"] == "login_required"
        assert sent_back(await basic.ask(live.http, response_type=None))["error"] == "invalid_request"
        async with logged_in(live) as person:
            tokens = await basic.tokens(person)
            login = await basic.ask(person.browser, prompt="login")
            assert login.headers["location"].startswith("/signin?")
            hinted = sent_back(await basic.ask(person.browser, prompt="none", id_token_hint=tokens["id_token"]))
            assert hinted["code"]

    async def test_userinfo(self, live: Live, basic: Client):
        """(oidcc-userinfo-get, -post-header, -post-body, scope-profile, scope-email, scope-all, claims-essential)"""
        async with logged_in(live) as person:
            claims = '{"userinfo": {"name": {"essential": true}}}'
            essential = (await basic.tokens(person, scope="openid", claims=claims))["access_token"]
            token = (await basic.tokens(person, scope="openid profile email address phone"))["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        answers = [
            await live.http.get("/openid/userinfo", headers=bearer),
            await live.http.post("/openid/userinfo", headers=bearer),
            await live.http.post("/openid/userinfo", data={"access_token": token}),
        ]
        assert {answer.status_code for answer in answers} == {200}
        assert answers[0].json() == answers[1].json() == answers[2].json()
        about = answers[0].json()
        assert (about["sub"], about["email"], about["name"]) == (str(person.user), person.email, "Ada Lovelace")
        told = await live.http.get("/openid/userinfo", headers={"Authorization": f"Bearer {essential}"})
        assert told.json() == {"sub": str(person.user), "name": "Ada Lovelace"}

    async def test_codes(self, live: Live, basic: Client):
        """(oidcc-codereuse, codereuse-30seconds: what the code brought is revoked)"""
        async with logged_in(live) as person:
            await allow(live, person.user, basic.client_id)
            code = sent_back(await basic.ask(person.browser))["code"]
        token = (await basic.redeem(code))["access_token"]
        again = await basic.post({"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK})
        oauth_error(again, 400, "invalid_grant")
        told = await live.http.get("/openid/userinfo", headers={"Authorization": f"Bearer {token}"})
        assert told.status_code == 401

    async def test_client_secret_post_and_a_posted_request(self, live: Live):
        """(oidcc-server-client-secret-post, ensure-post-request-succeeds, ensure-request-with-valid-pkce-succeeds)"""
        client = await registered(live, {**BASIC, "token_endpoint_auth_method": "client_secret_post"})
        pkce = proof()
        form = {
            "client_id": client.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid",
            "code_challenge": pkce.challenge,
            "code_challenge_method": "S256",
        }
        async with logged_in(live) as person:
            await allow(live, person.user, client.client_id)
            posted = await person.browser.post("/openid/authorize", data=form)
            code = sent_back(await person.browser.get(posted.headers["location"]))["code"]
        answer = await redeemed(live, (client.client_id, client.told["client_secret"]), code, pkce)
        assert answer.status_code == 200, answer.text

    async def test_ensure_registered_redirect_uri(self, live: Live, basic: Client):
        answer = await basic.ask(live.http, redirect_uri=f"{CALLBACK}/{uuid4().hex}")
        assert (answer.status_code, "location" in answer.headers) == (400, False)

    async def test_requests_by_reference_and_unsigned_ones_are_told_to_be_unsupported(self, live: Live, basic: Client):
        """(oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported, request-uri-unsigned-…)"""
        none = "eyJhbGciOiJub25lIn0.eyJzdGF0ZSI6InN0LTEifQ."
        given = sent_back(await basic.ask(live.http, request=none))
        assert given["error"] in ("request_not_supported", "invalid_request_object")
        given = sent_back(await basic.ask(live.http, request_uri="https://suite.example/request.jwt"))
        assert given["error"] == "request_uri_not_supported"


class TestDynamic:
    async def test_server(self, live: Live):
        """(oidcc-server, idtoken-rs256, refresh-token, refresh-token-rp-key-rotation)"""
        client = await registered(live, {**BY_KEY, "id_token_signed_response_alg": "RS256"}, KEY)
        async with logged_in(live) as person:
            tokens = await client.tokens(person, scope="openid offline_access")
            token = await client.id_token(tokens)
            assert token.header["alg"] == "RS256"
            claims = token.claims
            assert (claims["iss"], claims["aud"], claims["sub"], claims["nonce"]) == (
                live.url,
                client.client_id,
                str(person.user),
                "n-1",
            )
            form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
            again = await client.post(form)
            assert again.status_code == 200, again.text
            newer = {"client_id": client.client_id, **BY_KEY, "jwks": {"keys": [NEXT.as_dict(private=False)]}}
            manage = {"Authorization": f"Bearer {client.told['registration_access_token']}"}
            changed = await live.http.put(client.told["registration_client_uri"], json=newer, headers=manage)
            assert changed.status_code == 200, changed.text
            form["refresh_token"] = again.json().get("refresh_token", form["refresh_token"])
            assert (await client.post(form, key=NEXT)).status_code == 200
            oauth_error(await client.post(form, key=KEY), 401, "invalid_client")

    async def test_server_rotate_keys(self, live: Live, basic: Client):
        keys = (await live.http.get("/openid/jwks")).json()["keys"]
        rotated = await live.http.post(
            "/api/v1/auth/signing-keys/rotate",
            headers={**live.bearer, "Muniment-Reason": "suite"},
            json={"activeKid": await _active(live)},
        )
        assert rotated.status_code == 200, rotated.text
        later = {key["kid"] for key in (await live.http.get("/openid/jwks")).json()["keys"]}
        assert later > {key["kid"] for key in keys}, "the keys of tokens that were issued before are still there"
        async with logged_in(live) as person:
            token = await basic.id_token(await basic.tokens(person))
        assert token.header["kid"] in rotated.json()["activeKids"].values()

    async def test_userinfo_rs256(self, live: Live):
        found = (await live.http.get("/.well-known/openid-configuration")).json()
        assert "RS256" in found["userinfo_signing_alg_values_supported"]
        client = await registered(live, {**BASIC, "userinfo_signed_response_alg": "RS256"})
        async with logged_in(live) as person:
            bearer = {"Authorization": f"Bearer {(await client.tokens(person))['access_token']}"}
        answer = await live.http.get("/openid/userinfo", headers=bearer)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jwt")
        keys = KeySet.import_key_set((await live.http.get("/openid/jwks")).json())
        claims = jwt.decode(answer.text, keys, algorithms=["RS256"]).claims
        assert claims == {
            "iss": live.url,
            "aud": client.client_id,
            "sub": str(person.user),
            "email": person.email,
            "email_verified": True,
        }

    async def test_ensure_redirect_uri_in_authorization_request(self, live: Live, basic: Client):
        answer = await basic.ask(live.http, redirect_uri=None)
        assert (answer.status_code, "location" in answer.headers) == (400, False)

    async def test_redirect_uri_query(self, live: Live):
        """(oidcc-redirect-uri-query-OK, -query-mismatch, -query-added)"""
        uri = f"{CALLBACK}?foo=bar"
        client = await registered(live, {**BASIC, "redirect_uris": [uri]})
        async with logged_in(live) as person:
            await allow(live, person.user, client.client_id)
            given = sent_back(await client.ask(person.browser, redirect_uri=uri))
            assert given["foo"] == "bar"
            assert (await client.redeem(given["code"], uri))["id_token"]
            for wrong in (f"{CALLBACK}?foo=baz", f"{CALLBACK}?foo=bar&x=y", CALLBACK):
                answer = await client.ask(person.browser, redirect_uri=wrong)
                assert (answer.status_code, "location" in answer.headers) == (400, False), wrong

    async def test_registrations_that_are_refused(self, live: Live):
        """(oidcc-redirect-uri-regfrag, registration-sector-bad)"""
        await refused(live, "invalid_redirect_uri", redirect_uris=[f"{CALLBACK}#foobar"])
        await refused(live, "invalid_client_metadata", sector_identifier_uri="https://suite.example/none.json")

    async def test_modules_that_are_skipped_or_told_by_the_metadata_that_it_is_not_offered(
        self, live: Live, basic: Client
    ):
        """(oidcc-idtoken-unsigned, registration-sector-uri, request-uri-unsigned)"""
        found = (await live.http.get("/.well-known/openid-configuration")).json()
        assert "none" not in found["id_token_signing_alg_values_supported"]
        assert found["subject_types_supported"] == ["public"]
        assert "none" not in found["request_object_signing_alg_values_supported"]
        assert found["response_types_supported"] == ["code"]
        client = await registered(live, BASIC)
        given = sent_back(await client.ask(live.http, request_uri="https://suite.example/request.jwt"))
        assert (given["error"], given["state"]) == ("request_uri_not_supported", "st-1")
        await refused(live, "invalid_client_metadata", request_object_signing_alg="none")
        await refused(live, "invalid_client_metadata", response_types=["id_token token"])

    async def test_what_a_client_says_of_its_requests_is_registered(self, live: Live):
        """(oidcc-registration: the response has what was registered; default_max_age and require_auth_time, section 2)"""
        said = {"default_max_age": 0, "require_auth_time": True, "request_uris": ["https://suite.example/request#hash"]}
        client = await registered(live, {**BY_KEY, **said}, KEY)
        async with logged_in(live) as person:
            await allow(live, person.user, client.client_id)
            login = await client.ask(person.browser)
            assert login.headers["location"].startswith("/signin?")
            assert sent_back(await client.ask(person.browser, max_age="10000"))["code"]
        await refused(live, "invalid_client_metadata", request_uris=["http://suite.example/request"])
        await refused(live, "invalid_client_metadata", default_max_age=-1)

    async def test_request_uri_and_rotated_keys(self, live: Live, monkeypatch: pytest.MonkeyPatch):
        """(oidcc-request-uri-signed-rs256, registration-jwks-uri, refresh-token-rp-key-rotation): the client's keys are at a URL, too. An
        owner registers it: this test's site is on loopback, which is none of the public addresses that strangers may name.
        """
        found = (await live.http.get("/.well-known/openid-configuration")).json()
        assert (found["request_uri_parameter_supported"], found["require_request_uri_registration"]) == (True, True)
        monkeypatch.setattr(remote_keys, "AGAIN_SECONDS", 0.0)
        async with objects.publishing() as site:
            uri = site.url("request")
            client_id, secret = await live.interactive(
                jwksUri=site.url("jwks"), requestUris=[uri], redirectUri=CALLBACK
            )
            client = Client(live, {"client_id": client_id, "client_secret": secret})
            async with logged_in(live) as person:
                await allow(live, person.user, client_id)
                for key in (KEY, NEXT):
                    site.publish("jwks", json.dumps({"keys": [key.as_dict(private=False)]}), "application/json")
                    inside = objects.inside(client_id, live.url, state=f"by {key.kid}")
                    site.publish("request", jwt.encode({"alg": "RS256", "kid": key.kid}, inside, key))
                    by_hash = f"{uri}#{site.hash('request')}"
                    given = sent_back(await client.ask(person.browser, request_uri=by_hash))
                    assert given["state"] == f"by {key.kid}"
                    assert (await client.redeem(given["code"]))["id_token"]

    async def test_ensure_request_object_with_redirect_uri(self, live: Live):
        """The redirect URI inside counts, and not the one outside."""
        client = await registered(live, BY_KEY, KEY)
        inside = {
            "iss": client.client_id,
            "aud": live.url,
            "client_id": client.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid",
            "state": "inside",
        }
        request = jwt.encode({"alg": "RS256", "kid": KEY.kid}, inside, KEY)
        async with logged_in(live) as person:
            await allow(live, person.user, client.client_id)
            answer = await client.ask(person.browser, request=request, redirect_uri=f"{CALLBACK}/not-registered")
            given = sent_back(answer)
        assert given["state"] == "inside"
        assert (await client.redeem(given["code"]))["id_token"]

    async def test_registration_pages(self, live: Live):
        """(oidcc-registration-policy-uri, registration-tos-uri): whoever signs in is shown them."""
        pages = {"policy_uri": "https://suite.example/policy", "tos_uri": "https://suite.example/tos"}
        client = await registered(live, {**BASIC, **pages, "logo_uri": "https://suite.example/logo.png"})
        async with logged_in(live) as person:
            shown = await person.browser.get((await client.ask(person.browser)).headers["location"])
        assert all(page in shown.text for page in pages.values())


class TestFormPost:
    """Each module of Basic OP again, with response_mode=form_post: these are the ones whose answer differs."""

    async def posted(self, client: Client, person: Person, **params: str | None) -> Forms:
        await allow(client.live, person.user, client.client_id)
        page = await client.ask(person.browser, response_mode="form_post", **params)
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert page.headers["cache-control"] == "no-store"
        return Forms(page.text)

    async def test_server(self, live: Live, basic: Client):
        async with logged_in(live) as person:
            form = await self.posted(basic, person)
            assert form.action == CALLBACK
            assert (form.fields["state"], form.fields["iss"]) == ("st-1", live.url)
            claims = (await basic.id_token(await basic.redeem(form.fields["code"]))).claims
            assert (claims["nonce"], claims["sub"]) == ("n-1", str(person.user))

    @pytest.mark.parametrize(
        ("params", "error"),
        [
            pytest.param({"prompt": "none"}, "login_required", id="prompt-none-not-logged-in"),
            pytest.param({"response_type": None}, "invalid_request", id="response-type-missing"),
        ],
    )
    async def test_errors_are_posted_too(self, live: Live, basic: Client, params: dict[str, Any], error: str):
        page = await basic.ask(live.http, response_mode="form_post", **params)
        form = Forms(page.text)
        assert (form.action, form.fields["error"], form.fields["state"]) == (CALLBACK, error, "st-1")


class TestThirdPartyInitiatedLogin:
    async def test_third_party_init_login(self, live: Live):
        """OpenID Connect Core section 4, Registration sections 2, 3.2 and 4.3."""
        uri = "https://suite.example/initiate"
        client = await registered(live, {**BASIC, "initiate_login_uri": uri})
        manage = {"Authorization": f"Bearer {client.told['registration_access_token']}"}
        read = await live.http.get(client.told["registration_client_uri"], headers=manage)
        assert (read.status_code, read.headers["content-type"]) == (200, "application/json")
        assert read.json()["initiate_login_uri"] == uri

    async def test_third_party_init_login_nohttps(self, live: Live):
        await refused(live, "invalid_client_metadata", initiate_login_uri="http://suite.example/initiate")
