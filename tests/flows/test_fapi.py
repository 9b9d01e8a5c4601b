"""What OpenID's conformance modules for the FAPI 2.0 Security Profile (final) ask of a server: `plain_fapi`, `openid_connect`, with
private_key_jwt and DPoP; and those that its Message Signing adds. Each test has the names of its modules, written from the
specifications. Their TLS is the proxy's.
"""

import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from msgspec import Struct

from service.oauth.client_assertion import JWT_BEARER
from service.pushed_requests import PREFIX
from tests.flows.conftest import Live, oauth_error
from tests.flows.people import CALLBACK, Forms, Person, Proof, allow, logged_in, proof, sent_back
from tests.rules.proving import proof as dpop_proof

PAR, TOKEN, USERINFO = "/openid/par", "/openid/token", "/openid/userinfo"
ALL = "openid email offline_access"
KEY, FOREIGN = ECKey.generate_key("P-256", {"kid": "fapi"}), ECKey.generate_key("P-256", {"kid": "fapi"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
BOUND, OTHER = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")

NAMED = {"client_assertion", "client_assertion_type"}
Params = Mapping[str, str | None]


class Client(Struct, frozen=True):
    """A client of FAPI 2.0: it authenticates by a key, and pushes its requests, and each of its tokens is bound to a key."""

    live: Live
    client_id: str
    resource: str = USERINFO

    def assertion(self, *, key: Any = KEY, alg: str = "ES256", **claims: Any) -> dict[str, str]:
        now = int(time.time())
        usual = {"iss": self.client_id, "sub": self.client_id, "aud": self.live.url, "jti": uuid4().hex, "iat": now}
        said = {name: value for name, value in {**usual, "exp": now + 60, **claims}.items() if value is not None}
        text = jwt.encode({"alg": alg, "kid": key.kid}, said, key, algorithms=[alg])
        return {"client_assertion_type": JWT_BEARER, "client_assertion": text}

    def proof(self, path: str, method: str = "POST", **how: Any) -> dict[str, str]:
        said: dict[str, Any] = {"key": BOUND, **how}
        return {"DPoP": dpop_proof(method, f"{self.live.url}{path}", **said)}

    async def push(self, headers: Mapping[str, str] | None = None, /, **params: str | None) -> httpx.Response:
        usual = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": ALL,
            "state": "st-1",
            "nonce": "n-1",
            "code_challenge": proof().challenge,
            "code_challenge_method": "S256",
        }
        authentication = {} if params.keys() >= NAMED else self.assertion()
        form = {name: value for name, value in {**usual, **authentication, **params}.items() if value is not None}
        return await self.live.http.post(PAR, data=form, headers=headers or {})

    async def pushed(self, headers: Mapping[str, str] | None = None, /, **params: str | None) -> str:
        answer = await self.push(headers, **params)
        assert answer.status_code == 201, answer.text
        assert 5 <= answer.json()["expires_in"] < 600
        return answer.json()["request_uri"]

    async def visit(self, browser: Any, request_uri: str, **more: str) -> httpx.Response:
        query = {"client_id": self.client_id, "request_uri": request_uri, **more}
        return await browser.get("/openid/authorize", params=query)

    async def code(
        self, person: Person, headers: Mapping[str, str] | None = None, /, **params: str | None
    ) -> tuple[str, Proof]:
        """A code, and the verifier that it takes."""
        pkce = proof()
        await allow(self.live, person.user, self.client_id)
        uri = await self.pushed(headers, **{"code_challenge": pkce.challenge, **params})
        given = sent_back(await self.visit(person.browser, uri))
        assert given.keys() == {"code", "iss"} | ({"state"} if params.get("state", "st-1") else set())
        assert (given["iss"], given.get("state")) == (self.live.url, params.get("state", "st-1"))
        return given["code"], pkce

    async def redeem(
        self, code: str, pkce: Proof, headers: Mapping[str, str] | None = None, /, **params: str | None
    ) -> httpx.Response:
        usual = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": pkce.verifier,
        }
        authentication = {} if params.keys() >= NAMED else self.assertion()
        form = {name: value for name, value in {**usual, **authentication, **params}.items() if value is not None}
        return await self.live.http.post(TOKEN, data=form, headers=self.proof(TOKEN) if headers is None else headers)

    async def tokens(self, person: Person, **params: str | None) -> Mapping[str, Any]:
        code, pkce = await self.code(person, **params)
        answer = await self.redeem(code, pkce)
        assert answer.status_code == 200, answer.text
        assert answer.json()["token_type"] == "DPoP"
        assert answer.headers["cache-control"] == "no-store"
        return answer.json()

    async def refresh(self, token: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": token, **self.assertion()}
        return await self.live.http.post(TOKEN, data=form, headers=self.proof(TOKEN) if headers is None else headers)

    async def read(self, token: str, *, scheme: str = "DPoP", **how: Any) -> httpx.Response:
        """The protected resource."""
        headers = {"Authorization": f"{scheme} {token}", **self.proof(self.resource, "GET", token=token, **how)}
        return await self.live.http.get(self.resource, headers=headers)


async def registered(live: Live, **more: Any) -> Client:
    body = {
        "m2m": False,
        "redirectUris": [CALLBACK, f"{CALLBACK}/2"],
        "tokenEndpointAuthMethod": "private_key_jwt",
        "jwks": {"keys": [KEY.as_dict(private=False), {**RSA.as_dict(private=False), "alg": "PS256"}]},
        "securityProfile": "fapi2",
        "requirePkce": True,
        "requirePushedAuthorizationRequests": True,
        "dpopBoundAccessTokens": True,
        "idTokenSignedResponseAlg": "ES256",
        **more,
    }
    answer = await live.http.post("/api/v1/auth/clients", json=body, headers=live.bearer)
    assert answer.status_code == 201, answer.text
    return Client(live, answer.json()["clientId"])


async def takes_no_bad_proof(client: Client, token: str) -> None:
    """The protected resource accepts no proof that lacks what RFC 9449 section 4.3 asks for, and none twice."""
    now, live = int(time.time()), client.live
    head: Any
    for head in ({"typ": None}, {"typ": "jwt"}, {"jwk": None}, {"jwk": BOUND.as_dict(private=True)}):
        assert (await client.read(token, header=head)).status_code == 401, head
    claims: Any
    for claims in (
        *({name: None} for name in ("jti", "htm", "htu", "iat", "ath")),
        *({"htm": "PUT"}, {"htu": f"{live.url}/elsewhere"}, {"ath": "x" * 43}, {"key": OTHER}),
        *({"iat": now + 3600}, {"iat": now - 3600}),
    ):
        assert (await client.read(token, **claims)).status_code == 401, claims
    good: Any
    fixed = {"jti": uuid4().hex}
    for good in ({"htu": f"{live.url}{client.resource}?a=b#c"}, {"header": {"x": 1}, "y": 2}, fixed):
        assert (await client.read(token, **good)).status_code == 200, good
    assert (await client.read(token, **fixed)).status_code == 401
    proofs = [("DPoP", client.proof(client.resource, "GET", token=token)["DPoP"]) for _ in range(2)]
    twice = await live.http.get(client.resource, headers=[("Authorization", f"DPoP {token}"), *proofs])
    assert twice.status_code in (400, 401)


@pytest.fixture(scope="module")
async def client(live: Live) -> Client:
    return await registered(live)


@pytest.fixture(scope="module")
async def other(live: Live) -> Client:
    return await registered(live)


@pytest.fixture(scope="module")
async def signing(live: Live) -> Client:
    return await registered(live, requireSignedRequestObject=True, authorizationSignedResponseAlg="ES256")


async def test_discovery_end_point_verification(live: Live):
    found = (await live.http.get("/.well-known/openid-configuration")).json()
    assert found["issuer"] == live.url
    assert set(found["dpop_signing_alg_values_supported"]) >= {"ES256", "EdDSA", "PS256"}
    assert {"ES256"} <= set(found["id_token_signing_alg_values_supported"])
    assert {"ES256", "PS256"} <= set(found["token_endpoint_auth_signing_alg_values_supported"])
    assert "private_key_jwt" in found["token_endpoint_auth_methods_supported"]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert found["pushed_authorization_request_endpoint"] == f"{live.url}{PAR}"


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({}, id="happy-flow"),
        pytest.param({"state": None}, id="ensure-authorization-request-without-state-success"),
        pytest.param({"nonce": None}, id="ensure-authorization-request-without-nonce-success"),
        pytest.param({"nonce": "n" * 64}, id="ensure-authorization-request-with-64-char-nonce-success"),
        pytest.param({"nonce": "n" * 384}, id="ensure-authorization-request-with-long-nonce"),
        pytest.param({"state": "s" * 384}, id="ensure-authorization-request-with-long-state"),
        pytest.param({"scope": "offline_access email openid"}, id="ensure-other-scope-order-succeeds"),
    ],
)
async def test_a_person_logs_in(live: Live, client: Client, params: Params):
    async with logged_in(live) as person:
        tokens = await client.tokens(person, **params)
        keys = KeySet.import_key_set((await live.http.get("/openid/jwks")).json())
        about = jwt.decode(tokens["id_token"], keys, algorithms=["ES256"]).claims
        assert (about["sub"], about["aud"], about["iss"]) == (str(person.user), client.client_id, live.url)
        assert about.get("nonce") == params.get("nonce", "n-1")
        assert (await client.read(tokens["access_token"])).json()["sub"] == str(person.user)


async def test_user_rejects_authentication(live: Live, client: Client):
    uri = await client.pushed()
    async with logged_in(live) as person:
        page = await client.visit(person.browser, uri)
        form = Forms((await person.browser.get(page.headers["location"])).text)
        given = sent_back(await person.browser.post(form.action, data={**form.fields, "consent": "deny"}))
    assert (given["error"], given["state"], given["iss"]) == ("access_denied", "st-1", live.url)


async def test_test_claims_parameter_identity_claims(live: Live, client: Client):
    async with logged_in(live) as person:
        claims = '{"id_token": {"given_name": {"essential": true}}, "userinfo": {"family_name": null}}'
        tokens = await client.tokens(person, claims=claims)
        about = jwt.decode(
            tokens["id_token"],
            KeySet.import_key_set((await live.http.get("/openid/jwks")).json()),
            algorithms=["ES256"],
        )
        assert about.claims["given_name"] == "Ada"
        assert (await client.read(tokens["access_token"])).json()["family_name"] == "Lovelace"


class TestProofs:
    async def test_access_token_type_header_case_sensitivity(self, live: Live, client: Client):
        async with logged_in(live) as person:
            token = (await client.tokens(person))["access_token"]
        for scheme in ("DPoP", "dpop", "DPOP", "dPoP"):
            assert (await client.read(token, scheme=scheme)).status_code == 200
        oauth = await live.http.get(USERINFO, headers={"Authorization": f"Bearer {token}"})
        assert oauth.status_code == 401

    @pytest.mark.parametrize(
        ("iat", "claims"),
        [
            pytest.param(0, {"nbf": 0, "exp": 300}, id="check-dpop-proof-nbf-exp"),
            pytest.param(-10, {}, id="ensure-dpop-proof-with-iat-10seconds-before-succeeds"),
            pytest.param(10, {}, id="ensure-dpop-proof-with-iat-10seconds-after-succeeds"),
        ],
    )
    async def test_a_clock_may_differ(self, live: Live, client: Client, iat: int, claims: Mapping[str, int]):
        now = int(time.time())
        times: dict[str, Any] = {"iat": now + iat, **{name: now + seconds for name, seconds in claims.items()}}
        async with logged_in(live) as person:
            code, pkce = await client.code(person)
            answer = await client.redeem(code, pkce, client.proof(TOKEN, **times))
            assert answer.status_code == 200, answer.text
            assert (await client.read(answer.json()["access_token"], **times)).status_code == 200

    async def test_ensure_mismatched_dpop_jkt_fails(self, client: Client):
        answer = await client.push(client.proof(PAR), dpop_jkt=OTHER.thumbprint())
        oauth_error(answer, 400, "invalid_dpop_proof")

    @pytest.mark.parametrize("by", ["proof", "jkt"])
    async def test_ensure_token_endpoint_fails_with_mismatched_dpop(self, live: Live, client: Client, by: str):
        """(…-proof-jkt, …-jkt, ensure-dpop-proof-at-par-endpoint-binding-success, ensure-dpop-auth-code-binding-success)"""

        async def bound(person: Person) -> tuple[str, Proof]:
            if by == "proof":
                return await client.code(person, client.proof(PAR))
            return await client.code(person, dpop_jkt=BOUND.thumbprint())

        async with logged_in(live) as person:
            assert (await client.redeem(*await bound(person))).status_code == 200
            code, pkce = await bound(person)
            answer = await client.redeem(code, pkce, client.proof(TOKEN, key=OTHER))
        assert answer.status_code == 400
        assert answer.json()["error"] in ("invalid_grant", "invalid_request", "invalid_dpop_proof")

    async def test_ensure_holder_of_key_required(self, live: Live, client: Client):
        async with logged_in(live) as person:
            code, pkce = await client.code(person)
        oauth_error(await client.redeem(code, pkce, {}), 400, "invalid_request")

    async def test_dpop_negative_tests(self, live: Live, client: Client):
        async with logged_in(live) as person:
            token = (await client.tokens(person))["access_token"]
        await takes_no_bad_proof(client, token)


class TestPushing:
    async def test_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(self, live: Live, client: Client):
        uri = await client.pushed()
        assert (await client.visit(live.http, uri)).headers["location"].startswith("/signin?")
        async with logged_in(live) as person:
            await allow(live, person.user, client.client_id)
            assert "code" in sent_back(await client.visit(person.browser, uri))
            again = await client.visit(person.browser, uri)  # par-attempt-reuse-request_uri
        assert (again.status_code, "The request_uri is not valid." in again.text) == (400, True)

    async def test_par_attempt_to_use_expired_request_uri(self, live: Live, client: Client):
        uri = await client.pushed()
        await live.beside.ledger.pool.execute("update limits.pushed set until = statement_timestamp()")
        answer = await client.visit(live.http, uri)
        assert (answer.status_code, "The request_uri is not valid." in answer.text) == (400, True)

    async def test_par_attempt_to_use_request_uri_for_different_client(self, live: Live, client: Client, other: Client):
        uri = await client.pushed()
        assert (await other.visit(live.http, uri)).status_code == 400

    async def test_par_attempt_invalid_http_method(self, live: Live, client: Client):
        for method in ("GET", "PUT"):
            assert (await live.http.request(method, PAR)).status_code == 405

    async def test_par_without_duplicate_parameters(self, live: Live, client: Client):
        """(par-without-duplicate-parameters, ensure-different-nonce-inside-and-outside-request-object, ensure-different-state-…,
        state-only-outside-request-object-not-used)
        """
        async with logged_in(live) as person:
            await allow(live, person.user, client.client_id)
            uri = await client.pushed()
            given = sent_back(await client.visit(person.browser, uri, state="outside", nonce="outside"))
            assert given["state"] == "st-1"
            uri = await client.pushed(state=None)
            assert "state" not in sent_back(await client.visit(person.browser, uri, state="outside"))

    @pytest.mark.parametrize(
        ("params", "errors"),
        [
            pytest.param(
                {"request_uri": f"{PREFIX}x"},
                {"invalid_request"},
                id="par-authorization-request-containing-request_uri-form-param",
            ),
            pytest.param(
                {"redirect_uri": None}, {"invalid_request"}, id="ensure-request-object-without-redirect-uri-fails"
            ),
            pytest.param(
                {"redirect_uri": f"{CALLBACK}/x"}, {"invalid_request"}, id="tolerate-unregistered-redirect-uri"
            ),
            pytest.param(
                {"response_type": "code id_token"},
                {"unsupported_response_type"},
                id="ensure-response-type-code-idtoken-fails",
            ),
            pytest.param(
                {"response_type": "token"}, {"unsupported_response_type"}, id="ensure-response-type-token-fails"
            ),
            pytest.param(
                {"code_challenge": None, "code_challenge_method": None},
                {"invalid_request"},
                id="par-ensure-pkce-required",
            ),
            pytest.param({"code_challenge_method": "plain"}, {"invalid_request"}, id="par-plain-pkce-rejected"),
        ],
    )
    async def test_what_is_pushed_is_refused(self, client: Client, params: Params, errors: set[str]):
        answer = await client.push(**params)
        assert (answer.status_code, answer.json()["error"] in errors) == (400, True), answer.text

    async def test_ensure_unsigned_authorization_request_without_using_par_fails(self, live: Live, client: Client):
        query = {"client_id": client.client_id, "redirect_uri": CALLBACK, "response_type": "code", "state": "st-1"}
        given = sent_back(await live.http.get("/openid/authorize", params={**query, "scope": "openid"}))
        assert (given["error"], given["state"]) == ("invalid_request", "st-1")


class TestAssertions:
    @pytest.mark.parametrize(
        "claims",
        [
            pytest.param({"aud": "TOKEN"}, id="par-test-token-endpoint-url-as-audience-fails"),
            pytest.param({"aud": "PAR"}, id="par-test-endpoint-url-as-audience-fails"),
            pytest.param({"aud": ["ISSUER", "https://other.example"]}, id="par-test-array-as-audience-fails"),
            pytest.param({"aud": "https://other.example"}, id="ensure-client-assertion-with-wrong-aud-fails"),
            pytest.param({"sub": None}, id="ensure-client-assertion-with-no-sub-fails"),
            pytest.param({"exp": -300}, id="ensure-client-assertion-with-exp-is-5-minutes-in-past-fails"),
            pytest.param({"iat": 70, "nbf": 70}, id="par-…-iat-and-nbf-over-60-seconds-in-the-future-fails"),
        ],
    )
    async def test_it_is_refused(self, live: Live, client: Client, claims: Mapping[str, Any]):
        def said(value: Any) -> Any:
            if isinstance(value, int):
                return int(time.time()) + value
            names = {"TOKEN": f"{live.url}{TOKEN}", "PAR": f"{live.url}{PAR}", "ISSUER": live.url}
            return [names.get(each, each) for each in value] if isinstance(value, list) else names.get(value, value)

        wrong = {name: said(value) for name, value in claims.items()}
        oauth_error(await client.push(**client.assertion(**wrong)), 401, "invalid_client")

    async def test_its_clock_may_be_ahead(self, client: Client):
        """(par-…-iat-and-nbf-8-seconds-in-the-future-is-accepted)"""
        soon = int(time.time()) + 8
        assert (await client.push(**client.assertion(iat=soon, nbf=soon))).status_code == 201

    async def test_it_is_needed_at_the_token_endpoint_and_of_the_same_client(
        self, live: Live, client: Client, other: Client
    ):
        """(ensure-client-assertion-in-token-endpoint, ensure-client-id-in-token-endpoint, ensure-authorization-code-is-bound-to-client,
        ensure-signed-client-assertion-with-RS256-fails)
        """
        async with logged_in(live) as person:
            code, pkce = await client.code(person)
            none = {"client_assertion": None, "client_assertion_type": None, "client_id": client.client_id}
            oauth_error(await client.redeem(code, pkce, **none), 401, "invalid_client")
            weak = client.assertion(key=RSA, alg="RS256")
            oauth_error(await client.redeem(code, pkce, **weak), 401, "invalid_client")
            foreign = client.assertion(key=FOREIGN)
            oauth_error(await client.redeem(code, pkce, **foreign), 401, "invalid_client")
            mixed = {**client.assertion(), "client_id": other.client_id}
            assert (await client.redeem(code, pkce, **mixed)).status_code in (400, 401)
            good = client.assertion(key=RSA, alg="PS256")
            assert (await client.redeem(code, pkce, **good)).status_code == 200
            code, pkce = await client.code(person)
            oauth_error(await other.redeem(code, pkce), 400, "invalid_grant")


class TestCodes:
    async def test_attempt_reuse_authorization_code_after_one_second(self, live: Live, client: Client):
        async with logged_in(live) as person:
            code, pkce = await client.code(person)
            token = (await client.redeem(code, pkce)).json()["access_token"]
            oauth_error(await client.redeem(code, pkce), 400, "invalid_grant")
            assert (await client.read(token)).status_code == 401

    @pytest.mark.parametrize(
        ("verifier", "error"),
        [
            pytest.param(None, "invalid_request", id="ensure-pkce-code-verifier-required"),
            pytest.param("v" * 43, "invalid_grant", id="incorrect-pkce-code-verifier-rejected"),
        ],
    )
    async def test_a_verifier_is_needed(self, live: Live, client: Client, verifier: str | None, error: str):
        async with logged_in(live) as person:
            code, pkce = await client.code(person)
            oauth_error(await client.redeem(code, pkce, code_verifier=verifier), 400, error)

    async def test_refresh_token(self, live: Live, client: Client, other: Client):
        async with logged_in(live) as person:
            first = await client.tokens(person)
            again = await client.refresh(first["refresh_token"])
            assert again.json()["access_token"] != first["access_token"]
            assert (await client.read(again.json()["access_token"])).status_code == 200
            oauth_error(await client.refresh(first["refresh_token"], {}), 400, "invalid_request")
            assert (
                await client.refresh(first["refresh_token"])
            ).status_code == 200  # half a minute later, too: it is kept
            of_other = await other.tokens(person)
            oauth_error(await client.refresh(of_other["refresh_token"]), 400, "invalid_grant")


class TestMessageSigning:
    """FAPI 2.0 Message Signing (final): signed requests and responses."""

    def request(self, client: Client, claims: Mapping[str, Any], *, key: Any = KEY, alg: str = "ES256") -> str:
        now = int(time.time())
        usual: dict[str, Any] = {
            "iss": client.client_id,
            "aud": client.live.url,
            "client_id": client.client_id,
            "nbf": now,
            "exp": now + 300,
            "response_type": "code",
            "response_mode": "jwt",
            "redirect_uri": CALLBACK,
            "scope": "openid",
            "state": "inside",
            "code_challenge": proof().challenge,
            "code_challenge_method": "S256",
        }
        said = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode({"alg": alg, "kid": key.kid}, said, key, algorithms=[alg])

    async def push(self, client: Client, **params: str) -> httpx.Response:
        form = {"client_id": client.client_id, **client.assertion(), **params}
        return await client.live.http.post(PAR, data=form)

    async def test_a_signed_request_gets_a_signed_response(self, live: Live, signing: Client):
        """(happy-flow, ensure-request-object-with-multiple-aud-succeeds, ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted)"""
        keys = KeySet.import_key_set((await live.http.get("/openid/jwks")).json())
        async with logged_in(live) as person:
            await allow(live, person.user, signing.client_id)
            variants: tuple[dict[str, Any], ...] = (
                {},
                {"aud": ["https://other.example", live.url]},
                {"nbf": int(time.time()) + 8},
            )
            for claims in variants:
                pushed = await self.push(signing, request=self.request(signing, claims), state="outside")
                assert pushed.status_code == 201, pushed.text
                given = sent_back(await signing.visit(person.browser, pushed.json()["request_uri"], state="outside"))
                answer = jwt.decode(given["response"], keys, algorithms=["ES256"]).claims
                assert (answer["iss"], answer["aud"], answer["state"]) == (live.url, signing.client_id, "inside")
                assert answer["code"]

    @pytest.mark.parametrize(
        ("claims", "signed"),
        [
            pytest.param({"exp": None}, {}, id="ensure-request-object-without-exp-fails"),
            pytest.param({"nbf": None}, {}, id="ensure-request-object-without-nbf-fails"),
            pytest.param({"nbf": -600, "exp": -300}, {}, id="ensure-expired-request-object-fails"),
            pytest.param({"aud": "https://other.example"}, {}, id="ensure-request-object-with-bad-aud-fails"),
            pytest.param({"exp": 4200}, {}, id="ensure-request-object-with-exp-over-60-fails"),
            pytest.param({"nbf": -4200}, {}, id="ensure-request-object-with-nbf-over-60-fails"),
            pytest.param({}, {"key": RSA, "alg": "RS256"}, id="ensure-signed-request-object-with-RS256-fails"),
            pytest.param({}, {"key": FOREIGN}, id="ensure-request-object-with-invalid-signature-fails"),
            pytest.param({"request_uri": "x"}, {}, id="par-pushed-authorization-request-containing-request_uri"),
        ],
    )
    async def test_it_is_refused(self, signing: Client, claims: Mapping[str, Any], signed: Mapping[str, Any]):
        now = int(time.time())
        said = {name: now + value if isinstance(value, int) else value for name, value in claims.items()}
        answer = await self.push(signing, request=self.request(signing, said, **signed))
        oauth_error(answer, 400, "invalid_request_object")

    async def test_an_unsigned_one_is_refused(self, signing: Client):
        """(ensure-unsigned-request-at-par-endpoint-fails, ensure-request-object-signature-algorithm-is-not-none)"""
        oauth_error(await signing.push(), 400, "invalid_request")
        head, payload, _ = self.request(signing, {}).split(".")
        unsigned = f"eyJhbGciOiJub25lIn0.{payload}."
        assert head != unsigned
        oauth_error(await self.push(signing, request=unsigned), 400, "invalid_request_object")

    async def test_another_client_s_object_is_refused(self, signing: Client, other: Client):
        """(ensure-matching-key-in-authorization-request)"""
        answer = await self.push(signing, request=self.request(other, {}))
        assert "iss must be the client_id" in oauth_error(answer, 400, "invalid_request_object")

    async def test_one_whose_keys_cannot_be_fetched_is_refused(self, live: Live):
        away = await live.interactive(jwksUri="https://keys.example.invalid/jwks")
        form = {"client_id": away[0], "request": self.request(Client(live, away[0]), {})}
        answer = await live.http.post(PAR, data={**form, "client_secret": away[1]})
        assert "could not be fetched" in oauth_error(answer, 400, "invalid_request_object")
        keys = KeySet.import_key_set((await live.http.get("/openid/jwks")).json())
        given = sent_back(await live.http.get("/openid/authorize", params=form))
        told = jwt.decode(given["response"], keys, algorithms=["RS256"]).claims
        assert (told["error"], told["state"]) == ("invalid_request_object", "inside")

    async def test_one_that_its_client_did_not_sign_is_recorded(self, live: Live, signing: Client):
        await self.push(signing, request=self.request(signing, {}, key=FOREIGN))
        rows = await live.beside.ledger.pool.fetch(
            "select convert_from(data, 'UTF8') from log.events where type = 'refusal.authorization'"
        )
        assert any(signing.client_id in row[0] and "signature does not verify" in row[0] for row in rows)
