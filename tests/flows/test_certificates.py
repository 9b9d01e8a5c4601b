"""mTLS (RFC 8705): a client authenticates by its certificate, as a trusted proxy passes it on, and its tokens are bound to it."""

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import to_builtins

from service.oauth.certificates import read
from service.oauth.client_keys import of_public_key, parse
from tests.flows.conftest import Live, new_database, oauth_error, refused, serving
from tests.flows.objects import publishing
from tests.flows.test_cli import on
from tests.patience import until

CLIENTS = "/api/v1/auth/clients"
KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(host: str, key: ec.EllipticCurvePrivateKey = KEY) -> dict[str, str]:
    name, now = x509.Name.from_rfc4514_string("CN=crm"), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, SHA256())
    )
    return {"Client-Cert": f":{b64encode(made.public_bytes(Encoding.DER)).decode()}:"}


def pem(header: dict[str, str]) -> str:
    """The certificate of the header as a file."""
    der = b64decode(header["Client-Cert"].strip(":"))
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()


MINE, OTHER = certificate("crm.example.com"), certificate("other.example.com", ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture(scope="module")
async def behind(postgres: str) -> AsyncIterator[Live]:
    """A service behind a proxy, which verified the certificates."""
    async with serving(
        await new_database(postgres),
        trusted_proxies="127.0.0.1",
        client_certificate_header="client-cert",
        client_certificates_verified=True,
    ) as live:
        yield live


async def registered(live: Live, **fields: Any) -> str:
    answer = await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "bot-mtls", **fields}, headers=live.bearer)
    assert answer.status_code == 201, answer.text
    assert answer.json()["clientSecret"] is None
    return answer.json()["clientId"]


async def token(live: Live, client_id: str, headers: dict[str, str]) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": client_id}
    return await live.http.post("/openid/token", data=form, headers=headers)


async def test_a_client_gets_tokens_by_the_name_that_its_certificate_has(behind: Live):
    client_id = await registered(
        behind, tokenEndpointAuthMethod="tls_client_auth", tlsClientAuthSanDns="crm.example.com"
    )
    got = await token(behind, client_id, MINE)
    assert got.status_code == 200
    jti = jwt.decode(got.json()["access_token"], options={"verify_signature": False})["jti"]
    why = (await behind.http.get(f"/api/v1/audit/tokens/{jti}", headers=behind.bearer)).json()
    assert (why["remoteKey"]["thumbprint"], why["remoteKey"]["jwksUri"]) == (
        read("client-cert", MINE["Client-Cert"]).thumbprint,
        None,
    )
    assert why["remoteKey"]["named"]["type"] == "client.registered"
    asked = {"client": client_id, "client_key": why["remoteKey"]["thumbprint"]}
    listed = await behind.http.get("/api/v1/audit/tokens", params=asked, headers=behind.bearer)
    assert [each["jti"] for each in listed.json()] == [jti]
    asked = {"id": client_id, "client_key": why["remoteKey"]["thumbprint"]}

    async def followed() -> httpx.Response | None:  # a new service makes its tables in its first second
        answer = await behind.http.get("/api/v1/audit/blast-radius", params=asked, headers=behind.bearer)
        return answer if answer.status_code == 200 else None

    follows = (await until(followed)).json()
    assert [each["id"] for each in follows["affected"] if each["kind"] == "token"] == [jti]
    order = {"id": client_id, "clientKey": why["remoteKey"]["thumbprint"], "dryRun": True}
    preview = await behind.http.post("/api/v1/audit/revocations", json=order, headers=behind.bearer)
    assert preview.json()["revoked"] == {"token": 1}
    for headers in (OTHER, {}):
        oauth_error(await token(behind, client_id, headers), 401, "invalid_client")
    oauth_error(await token(behind, client_id, {"Client-Cert": "nonsense"}), 400, "invalid_request")
    metadata = (await behind.http.get("/.well-known/oauth-authorization-server")).json()
    assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(metadata["token_endpoint_auth_methods_supported"])


async def test_a_bound_token_is_good_over_a_connection_with_its_certificate_alone(behind: Live):
    client_id = await registered(
        behind,
        tokenEndpointAuthMethod="self_signed_tls_client_auth",
        jwks={"keys": [to_builtins(of_public_key(KEY.public_key()))]},
        tlsClientCertificateBoundAccessTokens=True,
        scopes=["clients:read"],
    )
    got = (await token(behind, client_id, MINE)).json()
    assert got["token_type"] == "Bearer"
    bearer = {"Authorization": f"Bearer {got['access_token']}"}
    assert (await behind.http.get(CLIENTS, headers={**bearer, **MINE})).status_code == 200
    for headers in (bearer, {**bearer, **OTHER}):
        refused(await behind.http.get(CLIENTS, headers=headers), 401)
    form = {"token": got["access_token"], "client_id": client_id}
    seen = (await behind.http.post("/openid/introspect", data=form, headers=MINE)).json()
    assert seen["cnf"] == {"x5t#S256": read("client-cert", MINE["Client-Cert"]).thumbprint}


async def test_an_operator_registers_a_client_by_the_name_of_its_certificate_and_binds_its_tokens(behind: Live):
    words = ("--owner", "crm-team", "--bot", "bot-mtls", "--auth-method", "tls_client_auth")
    names = ("--certificate-name", "dns:crm.example.com", "--certificate-bound", "yes")
    made = await on(behind.database, "clients", "create", *words, *names, "--json")
    assert (made.status, made.json["client_secret"]) == (0, None), made.err
    client = made.json["client_id"]
    got = (await token(behind, client, MINE)).json()
    assert "x5t#S256" in jwt.decode(got["access_token"], options={"verify_signature": False})["cnf"]
    edited = await on(behind.database, "clients", "edit", client, "--certificate-name", "subject:CN=crm")
    assert edited.out.split()[0::4] == ["tlsClientAuthSubjectDn", "tlsClientAuthSanDns"]
    assert (await token(behind, client, MINE)).status_code == 200
    without, wrong, empty = [
        await on(behind.database, "clients", "create", *words, *more)
        for more in ((), ("--certificate-name", "ip:crm"), ("--certificate-name", "crm.example.com"))
    ]
    assert "tls_client_auth needs --certificate-name." in without.err
    assert "--certificate-name is not such a name" in wrong.err
    assert "--certificate-name is a kind" in empty.err


async def test_an_operator_registers_and_renews_a_self_signed_certificate_by_its_file(behind: Live, tmp_path: Path):
    file, next_file = tmp_path / "client.pem", tmp_path / "next.pem"
    file.write_text(pem(MINE))
    next_file.write_text(pem(OTHER))
    words = ("--owner", "crm-team", "--bot", "bot-mtls", "--auth-method", "self_signed_tls_client_auth")
    made = await on(behind.database, "clients", "create", *words, "--jwks", str(file), "--json")
    assert made.status == 0, made.err
    client = made.json["client_id"]
    assert (await token(behind, client, MINE)).status_code == 200
    added = await on(behind.database, "client-keys", "add", client, str(next_file))
    assert added.status == 0, added.err
    assert (await token(behind, client, OTHER)).status_code == 200
    file.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    bad = await on(behind.database, "clients", "create", *words, "--jwks", str(file))
    assert "has no certificate that can be read" in bad.err


async def test_the_key_of_a_certificate_may_be_at_an_address_and_one_that_hangs_holds_up_nobody_else(behind: Live):
    words = ("--owner", "crm-team", "--bot", "bot-mtls", "--auth-method", "self_signed_tls_client_auth")
    async with publishing() as site:
        own = {"keys": [to_builtins(of_public_key(KEY.public_key()))]}
        there = await on(
            behind.database,
            "clients",
            "create",
            *words,
            "--jwks-uri",
            site.publish("jwks", json.dumps(own), "application/json"),
            "--json",
        )
        assert there.status == 0, there.err
        client = there.json["client_id"]
        away = await registered(
            behind, tokenEndpointAuthMethod="self_signed_tls_client_auth", jwksUri=site.url("hangs")
        )
        waiting = asyncio.create_task(token(behind, away, MINE))

        async def hangs() -> bool:
            return "hangs" in site.asked

        await until(hangs)
        got = await token(behind, client, MINE)
        assert got.status_code == 200, got.text
        oauth_error(await token(behind, client, OTHER), 401, "invalid_client")
        assert not waiting.done()
        site.over.set()
        oauth_error(await waiting, 401, "invalid_client")
    jti = jwt.decode(got.json()["access_token"], options={"verify_signature": False})["jti"]
    why = (await behind.http.get(f"/api/v1/audit/tokens/{jti}", headers=behind.bearer)).json()["remoteKey"]
    assert (why["thumbprint"], why["jwksUri"]) == (parse(own["keys"][0]).thumbprint, site.url("jwks"))
    neither = await on(behind.database, "clients", "create", *words)
    assert "or --jwks-uri" in neither.err


async def test_a_stranger_cannot_write_the_header(live: Live):
    client_id = await registered(live, tokenEndpointAuthMethod="tls_client_auth", tlsClientAuthSanDns="crm.example.com")
    oauth_error(await token(live, client_id, MINE), 401, "invalid_client")


async def test_a_bound_token_is_exchanged_over_a_connection_with_its_certificate_alone(behind: Live):
    client_id = await registered(
        behind,
        tokenEndpointAuthMethod="tls_client_auth",
        tlsClientAuthSanDns="crm.example.com",
        tlsClientCertificateBoundAccessTokens=True,
    )
    bound = (await token(behind, client_id, MINE)).json()["access_token"]
    other, secret = await behind.register()
    secured = {
        "name": "Secured",
        "identifier": "https://secured.example.com",
        "scopes": {"api:public": {}},
        "mtlsRequired": True,
    }
    made = await behind.http.post("/api/v1/auth/apis", json=secured, headers=behind.bearer)
    assert made.status_code == 201, made.text
    policy = {"clients": [client_id], "audiences": ["https://secured.example.com"], "scopes": ["api:public"]}
    changed = await behind.http.patch(
        f"{CLIENTS}/{other}", json={"tokenExchange": [policy]}, headers={**behind.bearer, "If-Match": "*"}
    )
    assert changed.status_code == 200, changed.text
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": bound,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "client_id": other,
        "client_secret": secret,
    }
    for headers in ({}, OTHER):
        answer = await behind.http.post("/openid/token", data=form, headers=headers)
        assert "certificate" in oauth_error(answer, 400, "invalid_request")
    with_it = await behind.http.post("/openid/token", data=form, headers=MINE)
    assert with_it.status_code == 200, with_it.text
    claims = jwt.decode(with_it.json()["access_token"], options={"verify_signature": False})
    assert claims["cnf"] == jwt.decode(bound, options={"verify_signature": False})["cnf"]
    plain = await behind.access_token(*await behind.register())
    oauth_error(await behind.http.post("/openid/token", data={**form, "subject_token": plain}), 400, "invalid_request")
