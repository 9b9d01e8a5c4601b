"""Who may call the management API, and for what: bearer tokens, their scopes, and whose things they reach."""

import base64
import hashlib
import hmac
import json
import re
import time
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm

from service.app import MANAGED
from service.vault import private_keys
from tests.flows.conftest import MASTER_KEY, Live, refused, serving

CLIENTS = "/api/v1/auth/clients"
BOTS = "/api/v1/auth/bots"
USERS = "/api/v1/auth/users"


async def call(live: Live, token: str | bytes) -> httpx.Response:
    value = token if isinstance(token, bytes) else token.encode()
    return await live.http.get(CLIENTS, params={"limit": "1"}, headers={"Authorization": b"Bearer " + value})  # pyright: ignore[reportArgumentType]


def unauthenticated(response: httpx.Response, error: str | None = "invalid_token") -> dict[str, Any]:
    body = refused(response, 401)
    challenge = response.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="muniment"')
    assert (f'error="{error}"' in challenge) if error else ("error" not in challenge)
    return body


def claims_of(live: Live) -> dict[str, Any]:
    return jwt.decode(live.token, options={"verify_signature": False})


@pytest.fixture(scope="module")
async def signing(live: Live) -> tuple[str, Any]:
    """(kid, private key) of the key that the service signs with: tokens that are wrong in one thing only are made with it."""
    connection = await asyncpg.connect(live.database)
    row = await connection.fetchrow(
        "select k.kid, v.stream_id, v.wrapped from read.signing_keys k join vault.signing_keys v using (stream_id) where k.state = 'active'"
    )
    await connection.close()
    assert row is not None
    private = private_keys.unwrap(private_keys.wrapping(MASTER_KEY), row["stream_id"], row["wrapped"])
    return row["kid"], jwt.PyJWK.from_dict({**private, "alg": "ES256"}).key


def signed(live: Live, signing: tuple[str, Any], *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    kid, key = signing
    claims = {
        name: value for name, value in (claims_of(live) | {"jti": str(uuid4())} | changes).items() if value is not ...
    }
    return jwt.encode(claims, key, "ES256", headers={"kid": kid, "typ": "at+jwt", **(header or {})})


async def test_a_token_made_with_the_service_s_own_key_is_good_so_the_following_fail_for_their_own_reasons(
    live: Live, signing: tuple[str, Any]
):
    assert (await call(live, signed(live, signing))).status_code == 200
    assert (await call(live, signed(live, signing, header={"typ": "application/at+jwt"}))).status_code == 200


WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "expired": {"exp": int(time.time()) - 60},
    "expired in 1970": {"exp": 0},
    "expired before time began": {"exp": -(2**63)},
    "of another issuer": {"iss": "https://evil.example"},
    "of an issuer with a slash more": {"iss": "http://127.0.0.1/"},
    "for another audience": {"aud": "https://evil.example"},
    "for many audiences": {"aud": ["a", "b"]},
    "of no audience": {"aud": ...},
    "of no client": {"client_id": ...},
    "of an unknown client": {"client_id": "oauth_client_" + "0" * 32},
    "of a client that is none": {"client_id": "\x00"},
    "without expiry": {"exp": ...},
    "with an expiry in words": {"exp": "tomorrow"},
    "without id": {"jti": ...},
    "with an id that is none": {"jti": "x"},
    "without scope": {"scope": ...},
    "with scopes in a list": {"scope": ["operate"]},
    "without subject": {"sub": ...},
}


@pytest.mark.parametrize("changes", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS.keys())
async def test_a_token_with_wrong_claims_is_refused(live: Live, signing: tuple[str, Any], changes: dict[str, Any]):
    unauthenticated(await call(live, signed(live, signing, **changes)))


async def test_an_expired_token_is_told_that_it_has_expired(live: Live, signing: tuple[str, Any]):
    assert "expired" in unauthenticated(await call(live, signed(live, signing, exp=int(time.time()) - 6)))["detail"]


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"typ": 1},
        {"kid": "unknown"},
        {"kid": None},
        {"kid": 1},
        {"kid": "../../etc/passwd"},
        {"kid": "\0"},
        {"crit": ["exp"]},
        {"crit": ["x"], "x": 1},
        {"b64": False, "crit": ["b64"]},
    ],
    ids=repr,
)
async def test_a_token_with_another_header_is_refused(live: Live, signing: tuple[str, Any], header: dict[str, Any]):
    kid, key = signing
    named = {"alg": "ES256", "kid": kid, "typ": "at+jwt", **header}
    signing_input = b".".join(segment(part) for part in (named, claims_of(live)))
    unauthenticated(await call(live, signing_input + b"." + b64(signature(key, signing_input))))


def signature(key: Any, signing_input: bytes) -> bytes:
    return jwt.get_algorithm_by_name("ES256").sign(signing_input, key)


def segment(part: Any) -> bytes:
    return b64(json.dumps(part).encode())


def b64(text: bytes) -> bytes:
    return base64.urlsafe_b64encode(text).rstrip(b"=")


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "HS256", "ES512", None], ids=repr)
async def test_an_unsigned_token_is_refused_whatever_it_calls_itself(
    live: Live, signing: tuple[str, Any], alg: str | None
):
    head = segment({"alg": alg, "kid": signing[0], "typ": "at+jwt"})
    for tail in (b"", b64(b"\0" * 64), live.token.rsplit(".", 1)[1].encode()):
        unauthenticated(await call(live, head + b"." + segment(claims_of(live)) + b"." + tail))


async def test_a_token_signed_with_the_public_key_as_a_shared_secret_is_refused(live: Live, signing: tuple[str, Any]):
    jwk = next(key for key in (await live.http.get("/openid/jwks")).json()["keys"] if key["kid"] == signing[0])
    public = signing[1].public_key()
    spki = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (
        json.dumps(jwk).encode(),
        jwk["x"].encode(),
        spki,
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    ):
        signing_input = segment({"alg": "HS256", "kid": signing[0], "typ": "at+jwt"}) + b"." + segment(claims_of(live))
        mac = hmac.new(secret, signing_input, hashlib.sha256).digest()
        unauthenticated(await call(live, signing_input + b"." + b64(mac)))


async def test_a_foreign_key_s_token_is_refused_even_with_our_kid_or_its_own_key_in_the_header(
    live: Live, signing: tuple[str, Any]
):
    foreign = ec.generate_private_key(ec.SECP256R1())
    own = json.loads(ECAlgorithm.to_jwk(foreign.public_key()))
    for header in ({}, {"jwk": own}, {"jku": "http://127.0.0.1:1/jwks"}, {"x5u": "http://127.0.0.1:1/"}):
        unauthenticated(await call(live, signed(live, (signing[0], foreign), header=header)))


GARBAGE = ["x", ".", "..", "...", "a.b.c", "a.b.c.d.e", "e30.e30.e30", "eyJhbGciOiJub25lIn0.e30.", "bnVsbA.bnVsbA.bnVsbA", "W10.W10.", "=.=.=", "%00", "é.é.é", "\xff", "/wA.e30.x", "a" * 5000, "eyJ" * 2000 + ".x.y", "e30 e30", "x, Bearer y"]  # fmt: skip


@pytest.mark.parametrize("token", GARBAGE, ids=lambda token: ascii(token)[:30])
async def test_garbage_is_no_token(live: Live, token: str):
    unauthenticated(await call(live, token.encode("latin-1")))


async def test_a_token_with_a_letter_changed_is_refused(live: Live):
    head, body, tail = live.token.split(".")
    for changed in (
        f"{head}.{body}.{tail[::-1]}",
        f"{head}.{body[:-5]}A{body[-4:]}.{tail}",
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{live.token}.x",
        f"{live.token}x",
    ):
        unauthenticated(await call(live, changed))


@pytest.mark.parametrize("value", ["Bearer", "bearer", "Basic abc", "Token x", "abc", "Bearer,x", ""], ids=repr)
async def test_another_form_of_authorization_is_an_invalid_request(live: Live, value: str):
    unauthenticated(await live.http.get(CLIENTS, headers={"Authorization": value}), "invalid_request")


async def test_without_authorization_there_is_only_the_challenge(live: Live):
    for path in (CLIENTS, BOTS, f"{CLIENTS}/x", f"{CLIENTS}/x/secrets", f"{CLIENTS}/x/disable", f"{BOTS}/x"):
        for method in ("GET", "POST", "PATCH", "DELETE", "PUT", "HEAD"):
            answer = await live.http.request(method, path)
            assert answer.status_code == 401
            metadata = f'resource_metadata="{live.url}/.well-known/oauth-protected-resource/api/v1"'
            dpop = 'DPoP algs="ES256 EdDSA Ed25519 PS256"'
            assert answer.headers["www-authenticate"] == f'Bearer realm="muniment", {metadata}, {dpop}'


async def test_two_authorization_headers_are_refused(live: Live):
    both = [("Authorization", live.bearer["Authorization"])] * 2
    unauthenticated(await live.http.get(CLIENTS, headers=both), "invalid_request")


async def test_the_word_bearer_may_be_written_in_any_case(live: Live):
    assert (await live.http.get(CLIENTS, headers={"Authorization": f"bEARER {live.token}"})).status_code == 200


async def test_a_token_in_the_query_or_the_body_is_never_read(live: Live):
    unauthenticated(await live.http.get(CLIENTS, params={"access_token": live.token}), None)
    unauthenticated(await live.http.post(CLIENTS, data={"access_token": live.token}), None)


async def test_a_revoked_token_is_refused_at_once(live: Live):
    token = await live.access_token(live.client_id, live.client_secret)
    assert (await call(live, token)).status_code == 200
    form = {"token": token, "client_id": live.client_id, "client_secret": live.client_secret}
    assert (await live.http.post("/openid/revoke", data=form)).status_code == 200
    unauthenticated(await call(live, token))
    assert (await call(live, live.token)).status_code == 200


async def manager(live: Live, *scopes: str) -> tuple[str, dict[str, str]]:
    """The path of a client that manages clients, and its bearer."""
    made = await live.register()
    path = f"{CLIENTS}/{made[0]}"
    answer = await live.http.patch(path, json={"scopes": list(scopes)}, headers={**live.bearer, "If-Match": "*"})
    assert answer.status_code == 200, answer.text
    return path, {"Authorization": f"Bearer {await live.access_token(*made)}"}


async def test_the_tokens_of_a_disabled_or_deleted_client_are_refused_at_once(live: Live):
    path, bearer = await manager(live, "clients:read")
    assert (await live.http.get(CLIENTS, headers=bearer)).status_code == 200
    await live.http.post(f"{path}/disable", headers=live.bearer)
    unauthenticated(await live.http.get(CLIENTS, headers=bearer))
    await live.http.post(f"{path}/enable", headers=live.bearer)
    assert (await live.http.get(CLIENTS, headers=bearer)).status_code == 200
    await live.http.delete(path, headers=live.bearer)
    unauthenticated(await live.http.get(CLIENTS, headers=bearer))


async def test_deleting_all_clients_stops_their_tokens_at_once(live: Live):
    caller = await live.caller("delete-all", "clients:write", "clients:read", "api:public")
    made = (await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "delete-all"}, headers=caller)).json()
    path = f"{CLIENTS}/{made['clientId']}"
    await live.http.patch(path, json={"scopes": ["clients:read"]}, headers={**caller, "If-Match": "*"})
    bearer = {"Authorization": f"Bearer {await live.access_token(made['clientId'], made['clientSecret'])}"}
    assert (await live.http.get(CLIENTS, headers=bearer)).status_code == 200
    answer = await live.http.delete(CLIENTS, headers=caller)
    assert answer.json() == {"deleted": 1}
    assert int(answer.headers["muniment-position"]) > 0
    unauthenticated(await live.http.get(CLIENTS, headers=bearer))


async def test_a_scope_that_was_taken_from_the_client_is_gone_from_its_tokens_at_once(live: Live):
    path, bearer = await manager(live, "clients:read", "bots:read")
    assert (await live.http.get(BOTS, headers=bearer)).status_code == 200
    await live.http.patch(path, json={"scopes": ["clients:read"]}, headers={**live.bearer, "If-Match": "*"})
    refused(await live.http.get(BOTS, headers=bearer), 403)
    assert (await live.http.get(CLIENTS, headers=bearer)).status_code == 200


NEEDED = [
    ("GET", CLIENTS, "clients:read"),
    ("POST", CLIENTS, "clients:write"),
    ("DELETE", CLIENTS, "clients:write"),
    ("GET", f"{CLIENTS}/x", "clients:read"),
    ("GET", f"{CLIENTS}/x/history", "clients:read"),
    ("PATCH", f"{CLIENTS}/x", "clients:write"),
    ("DELETE", f"{CLIENTS}/x", "clients:write"),
    ("POST", f"{CLIENTS}/x/disable", "clients:write"),
    ("POST", f"{CLIENTS}/x/enable", "clients:write"),
    ("POST", f"{CLIENTS}/x/restore", "clients:write"),
    ("GET", f"{CLIENTS}/x/usage", "clients:read"),
    ("GET", f"{CLIENTS}/x/secrets", "clients:read"),
    ("POST", f"{CLIENTS}/x/secrets", "clients:write"),
    ("DELETE", f"{CLIENTS}/x/secrets/y", "clients:write"),
    ("GET", f"{CLIENTS}/x/keys", "clients:read"),
    ("POST", f"{CLIENTS}/x/keys", "clients:write"),
    ("DELETE", f"{CLIENTS}/x/keys/y", "clients:write"),
    ("GET", BOTS, "bots:read"),
    ("POST", BOTS, "bots:write"),
    ("GET", f"{BOTS}/x", "bots:read"),
    ("GET", f"{BOTS}/x/history", "bots:read"),
    ("DELETE", f"{BOTS}/x", "bots:write"),
    ("POST", f"{BOTS}/x/disable", "bots:write"),
    ("POST", f"{BOTS}/x/enable", "bots:write"),
    ("POST", f"{BOTS}/x/restore", "bots:write"),
    ("GET", USERS, "users:read"),
    ("POST", USERS, "users:write"),
    ("GET", f"{USERS}/x", "users:read"),
    ("GET", f"{USERS}/x/history", "users:read"),
    ("PATCH", f"{USERS}/x", "users:write"),
    ("DELETE", f"{USERS}/x", "users:write"),
    ("POST", f"{USERS}/x/disable", "users:write"),
    ("PUT", f"{USERS}/x/roles/y", "operate"),
    ("DELETE", f"{USERS}/x/roles/y", "operate"),
    ("POST", f"{USERS}/x/enable", "users:write"),
    ("GET", "/api/v1/auth/sessions", "users:read"),
    ("GET", f"{USERS}/x/sessions", "users:read"),
    ("DELETE", f"{USERS}/x/sessions", "users:write"),
    ("DELETE", f"{USERS}/x/sessions/y", "users:write"),
    ("DELETE", f"{USERS}/x/consents/x", "users:write"),
    *(
        ("GET", f"{tree}/{path}", "audit:read")
        for tree in ("/log", "/log/issuance")
        for path in ("tile/x", "proof/inclusion/x", "proof/consistency/x/y")
    ),
    ("POST", "/api/v1/audit/rehearsals", "audit:read"),
    ("POST", "/api/v1/audit/credentials", "audit:read"),
    ("POST", "/api/v1/audit/revocations", "operate"),
    ("GET", "/api/v1/audit/tokens/x", "audit:read"),
    ("GET", "/api/v1/audit/blast-radius", "audit:read"),
    ("GET", "/api/v1/audit/events", "audit:read"),
    ("GET", "/api/v1/audit/stream", "audit:read"),
    ("GET", "/api/v1/audit/tokens", "audit:read"),
    ("GET", "/api/v1/audit/unused", "audit:read"),
    ("GET", "/api/v1/projections", "audit:read"),
    ("GET", "/api/v1/usage", "audit:read"),
    ("GET", "/api/v1/projections/x", "audit:read"),
    ("GET", "/api/v1/auth/consents", "users:read"),
    ("GET", "/api/v1/auth/grants", "users:read"),
    ("GET", "/api/v1/auth/device-authorizations", "audit:read"),
    ("GET", "/api/v1/auth/device-authorizations/x", "audit:read"),
    ("GET", "/api/v1/auth/device-authorizations/x/history", "audit:read"),
    ("GET", "/api/v1/auth/apis", "clients:read"),
    ("POST", "/api/v1/auth/apis", "operate"),
    ("GET", "/api/v1/auth/apis/x", "clients:read"),
    ("PATCH", "/api/v1/auth/apis/x", "operate"),
    ("DELETE", "/api/v1/auth/apis/x", "operate"),
    ("GET", "/api/v1/auth/apis/x/history", "clients:read"),
    ("GET", "/api/v1/auth/trusted-issuers", "audit:read"),
    ("POST", "/api/v1/auth/trusted-issuers", "operate"),
    ("GET", "/api/v1/auth/trusted-issuers/x", "audit:read"),
    ("PATCH", "/api/v1/auth/trusted-issuers/x", "operate"),
    ("DELETE", "/api/v1/auth/trusted-issuers/x", "operate"),
    ("GET", "/api/v1/auth/trusted-issuers/x/history", "audit:read"),
    ("POST", "/api/v1/auth/trusted-issuers/x/disable", "operate"),
    ("POST", "/api/v1/auth/trusted-issuers/x/enable", "operate"),
    ("GET", "/api/v1/auth/initial-access-tokens", "clients:read"),
    ("POST", "/api/v1/auth/initial-access-tokens", "clients:write"),
    ("GET", "/api/v1/auth/initial-access-tokens/x", "clients:read"),
    ("DELETE", "/api/v1/auth/initial-access-tokens/x", "clients:write"),
    ("GET", "/api/v1/auth/initial-access-tokens/x/history", "clients:read"),
    ("GET", "/api/v1/auth/signing-keys", "clients:read"),
    ("POST", "/api/v1/auth/signing-keys/rotate", "operate"),
]
LACKING = (
    "clients:write",
    "clients:read",
    "bots:write",
    "bots:read",
    "users:write",
    "users:read",
    "audit:read",
    "operate",
)
EVERY = (*LACKING, "api:public")
SECOND = {"secret_id", "key_id", "new", "role", "session_id"}


def test_every_path_is_among_them_with_its_scope():
    taken = {
        (
            method,
            re.sub(r"/\{(\w+)(:path)?\}", lambda name: "/y" if name[1] in SECOND else "/x", path),
            action.scope,
        )
        for path, managed in MANAGED.items()
        for method, action in managed.actions.items()
    }
    assert taken == set(NEEDED)


@pytest.fixture(scope="module")
async def without(live: Live) -> dict[str, dict[str, str]]:
    """By scope: the bearer of a caller who holds every scope but that one."""
    return {
        lacking: await live.caller("without", *(scope for scope in EVERY if scope != lacking)) for lacking in LACKING
    }


@pytest.mark.parametrize(("method", "path", "scope"), NEEDED, ids=[f"{method} {path}" for method, path, _ in NEEDED])
async def test_a_token_without_the_scope_is_refused_with_the_scope_named(
    live: Live, without: dict[str, dict[str, str]], method: str, path: str, scope: str
):
    answer = await live.http.request(method, path, headers=without[scope])
    assert scope in refused(answer, 403)["detail"]
    assert f'error="insufficient_scope", scope="{scope}"' in answer.headers["www-authenticate"]
    others = next(bearer for lacking, bearer in without.items() if lacking != scope)
    if (method, path) != ("DELETE", CLIENTS):
        async with live.http.stream(method, path, headers=others) as answered:  # one of them has no end
            assert answered.status_code != 403


# Whose things a caller reaches


async def test_a_caller_reaches_its_own_clients_only_and_others_are_as_if_they_were_not(live: Live):
    alice, bob = [await live.caller(sub, "clients:write", "clients:read", "api:public") for sub in ("alice", "bob")]
    made = (await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=alice)).json()
    path = f"{CLIENTS}/{made['clientId']}"
    secret_id = (await live.http.get(f"{path}/secrets", headers=alice)).json()[0]["secretId"]
    nobody = f"{CLIENTS}/oauth_client_{uuid4().hex}"
    for match in ("*", '"1"', '"7"', None):
        headers = {**bob, **({"If-Match": match} if match else {})}
        for method, tail in (
            ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/disable"), ("POST", "/enable"),
            ("GET", "/secrets"), ("POST", "/secrets"), ("DELETE", f"/secrets/{secret_id}"),
        ):  # fmt: skip
            mine, none = [
                await live.http.request(method, f"{there}{tail}", json={}, headers=headers) for there in (path, nobody)
            ]
            assert mine.status_code == none.status_code == (428 if method == "PATCH" and match is None else 404), (
                method,
                tail,
                match,
            )
            assert mine.json()["detail"] == none.json()["detail"]
    assert (await live.http.get(CLIENTS, headers=bob)).json() == []
    assert (await live.http.get(f"{CLIENTS}?owner=alice", headers=bob)).json() == []
    assert (await live.http.delete(CLIENTS, headers=bob)).json() == {"deleted": 0}
    assert [one["clientId"] for one in (await live.http.get(CLIENTS, headers=alice)).json()] == [made["clientId"]]
    assert await live.access_token(made["clientId"], made["clientSecret"])


async def test_a_caller_reaches_its_own_bots_only(live: Live):
    alice, bob = [await live.caller(sub, "bots:write", "bots:read") for sub in ("alice", "bob")]
    bot = (await live.http.post(BOTS, json={"email": "alice-s@example.com"}, headers=alice)).json()["id"]
    for method, tail in (("GET", ""), ("DELETE", ""), ("POST", "/disable"), ("POST", "/enable")):
        refused(await live.http.request(method, f"{BOTS}/{bot}{tail}", headers=bob), 404)
    assert (await live.http.get(BOTS, headers=bob)).json() == []
    assert [one["id"] for one in (await live.http.get(BOTS, headers=alice)).json()] == [bot]
    assert (await live.http.get(f"{BOTS}/{bot}", headers=live.bearer)).status_code == 200
    assert (await live.http.delete(f"{BOTS}/{bot}", headers=alice)).status_code == 204


async def test_an_auditor_reads_what_every_owner_has_and_writes_no_more_than_without_its_scope(live: Live):
    scopes = ("clients:write", "clients:read", "bots:write", "bots:read", "api:public")
    owner, auditor = await live.caller("erin", *scopes), await live.caller("auditor", *scopes, "audit:read")
    made = (await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=owner)).json()
    bot = (await live.http.post(BOTS, json={"email": "erin-s@example.com"}, headers=owner)).json()["id"]
    client = f"{CLIENTS}/{made['clientId']}"
    listed = (await live.http.get(CLIENTS, params={"owner": "erin"}, headers=auditor)).json()
    assert [one["clientId"] for one in listed] == [made["clientId"]]
    assert made["clientId"] in [
        one["clientId"] for one in (await live.http.get(CLIENTS, params={"limit": "1000"}, headers=auditor)).json()
    ]
    assert bot in [one["id"] for one in (await live.http.get(BOTS, params={"limit": "1000"}, headers=auditor)).json()]
    before = [(await live.http.get(path, headers=auditor)).json() for path in (client, f"{BOTS}/{bot}")]
    (secret,) = (await live.http.get(f"{client}/secrets", headers=auditor)).json()
    for method, path in (
        ("PATCH", client), ("DELETE", client), ("POST", f"{client}/disable"), ("POST", f"{client}/enable"),
        ("POST", f"{client}/secrets"), ("DELETE", f"{client}/secrets/{secret['secretId']}"),
        ("DELETE", f"{BOTS}/{bot}"), ("POST", f"{BOTS}/{bot}/disable"), ("POST", f"{BOTS}/{bot}/enable"),
    ):  # fmt: skip
        refused(await live.http.request(method, path, json={}, headers={**auditor, "If-Match": "*"}), 404)
    another = await live.http.post(CLIENTS, json={"m2m": True, "botUserId": bot}, headers=auditor)
    assert refused(another, 400)["errors"] == {"botUserId": ["is a bot that is not yours"]}
    imported = {"m2m": True, "botUserId": "b", "clientId": "imported-by-an-auditor"}
    refused(await live.http.post(CLIENTS, json=imported, headers=auditor), 403)
    assert (await live.http.delete(CLIENTS, headers=auditor)).json() == {"deleted": 0}
    after = [(await live.http.get(path, headers=owner)).json() for path in (client, f"{BOTS}/{bot}")]
    assert after == before


async def test_an_operator_sees_everybody_s_clients_and_can_ask_for_one_owner_s(live: Live):
    carol = await live.caller("carol", "clients:write", "api:public")
    client_id = (await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=carol)).json()["clientId"]
    everybody = (await live.http.get(CLIENTS, params={"limit": "1000"}, headers=live.bearer)).json()
    assert client_id in [one["clientId"] for one in everybody]
    hers = (await live.http.get(CLIENTS, params={"owner": "carol"}, headers=live.bearer)).json()
    assert [one["clientId"] for one in hers] == [client_id]
    assert (await live.http.get(f"{CLIENTS}/{client_id}", headers=live.bearer)).json()["owner"] == "carol"


async def test_deleting_all_takes_only_the_caller_s_own_even_an_operator_s(live: Live):
    async with serving(live.database, rate_limit=0, failed_auth_limit=0) as other:
        kept = await live.register()
        await other.register()
        assert (await other.http.delete(CLIENTS, headers=other.bearer)).json() == {"deleted": 1}
        assert await live.access_token(*kept)


# What a caller may give away


async def give(live: Live, caller: dict[str, str], client_id: str, *scopes: str) -> httpx.Response:
    return await live.http.patch(
        f"{CLIENTS}/{client_id}", json={"scopes": list(scopes)}, headers={**caller, "If-Match": "*"}
    )


async def test_a_caller_cannot_give_a_scope_that_it_does_not_hold(live: Live):
    caller = await live.caller("giver", "clients:write", "clients:read")
    mine = (await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "giver"}, headers=caller)).json()["clientId"]
    for scopes in (["operate"], ["bots:read"], ["api:public"], ["clients:read", "x:y"]):
        answer = await give(live, caller, mine, *scopes)
        detail = refused(answer, 403)["detail"]
        assert scopes[-1] in detail
        assert "clients:read" not in detail
    assert (await give(live, caller, mine, "clients:read")).json()["scopes"] == ["clients:read"]


async def test_a_narrowed_token_gives_no_more_than_it_holds_itself(live: Live):
    client_id, _ = await live.register()
    narrow = {
        "Authorization": f"Bearer {await live.access_token(live.client_id, live.client_secret, scope='clients:write operate')}"
    }
    refused(await give(live, narrow, client_id, "bots:read"), 403)
    assert (await give(live, narrow, client_id, "api:public", "clients:write")).status_code == 200


async def test_management_scopes_go_to_clients_that_act_as_the_caller_unless_an_operator_gives_them(live: Live):
    dave = await live.caller("dave", *(scope for scope in EVERY if scope != "operate"))
    as_eve, as_dave = [
        (await live.http.post(CLIENTS, json={"m2m": True, "botUserId": sub}, headers=dave)).json()["clientId"]
        for sub in ("eve", "dave")
    ]
    nobody = (
        await live.http.post(CLIENTS, json={"m2m": False, "redirectUri": "https://a.example/"}, headers=dave)
    ).json()["clientId"]
    for scope in ("clients:read", "clients:write", "bots:read", "bots:write"):
        assert "dave" in refused(await give(live, dave, as_eve, scope), 403)["detail"]
        refused(await give(live, dave, nobody, scope), 403)
        assert (await give(live, dave, as_dave, scope)).status_code == 200
    assert (await give(live, dave, as_eve, "api:public")).status_code == 200
    assert (await give(live, live.bearer, as_eve, "clients:read")).status_code == 200
    assert (await give(live, dave, as_eve, "clients:read")).status_code == 200  # it has that already: nothing is given
    assert (await give(live, dave, as_eve)).status_code == 200


async def test_scopes_can_be_taken_away_by_who_does_not_hold_them(live: Live):
    frank = await live.caller("frank", "clients:write", "clients:read")
    client_id = (await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=frank)).json()["clientId"]
    await give(live, live.bearer, client_id, "api:public", "bots:read")
    assert (await give(live, frank, client_id, "api:public")).json()["scopes"] == ["api:public"]
    assert (await give(live, frank, client_id)).json()["scopes"] == []


REQUIRED = {"/api/v1/audit/blast-radius": {"id"}}
"""The parameters without which a path refuses a request."""


async def test_a_query_parameter_that_would_change_nothing_is_refused_by_name(live: Live):
    for method, path, _ in NEEDED:
        answer = await live.http.request(method, path, params={"at": "2026-01-01", "x": "1"}, headers=live.bearer)
        assert set(refused(answer, 400)["errors"]) == {"at", "x"} | REQUIRED.get(path, set())


@pytest.mark.parametrize(
    ("kind", "scope"),
    [("refusal.not_permitted", "openid"), ("audit.read", "clients:read"), ("client.registered", "clients:write")],
)
async def test_the_request_of_a_user_is_recorded_without_the_address(
    live: Live, signing: tuple[str, Any], kind: str, scope: str
):
    asked: list[str] = []
    for grant_id in (str(uuid4()), ...):
        client_id, _ = await live.register(scopes=["clients:read", "clients:write"])
        headers = {
            "Authorization": f"Bearer {signed(live, signing, client_id=client_id, scope=scope, grant_id=grant_id)}"
        }
        if scope == "clients:write":
            answer = await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=headers)
        else:
            answer = await live.http.get(CLIENTS, params={"as_of": "position:0"}, headers=headers)
        assert answer.status_code in {200, 201, 403}
        asked.append(client_id)
    connection = await asyncpg.connect(live.database)
    rows = await connection.fetch("select convert_from(meta, 'UTF8') from log.events where type = $1", kind)
    await connection.close()
    metas = {meta["actor"].get("client_id"): meta for (text,) in rows if (meta := json.loads(text))}
    assert ["address" in metas[client_id] for client_id in asked] == [False, True]
