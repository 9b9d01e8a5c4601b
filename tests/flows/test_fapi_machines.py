"""What OpenID's conformance modules for the FAPI 2.0 Security Profile (final) ask of a server, with `fapi_client_credentials_grant`,
private_key_jwt and DPoP: all fourteen, in their order. Those of discovery and of the end points' TLS are in test_fapi.py.
"""

import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.flows.conftest import Live, oauth_error
from tests.flows.test_fapi import KEY, RSA, TOKEN, Client, takes_no_bad_proof

API = "/api/v1/auth/clients"


@pytest.fixture(scope="module")
async def machine(live: Live) -> Client:
    body = {
        "m2m": True,
        "botUserId": "bot-fapi",
        "scopes": ["clients:read"],
        "tokenEndpointAuthMethod": "private_key_jwt",
        "jwks": {"keys": [KEY.as_dict(private=False), {**RSA.as_dict(private=False), "alg": "PS256"}]},
        "securityProfile": "fapi2",
        "dpopBoundAccessTokens": True,
    }
    answer = await live.http.post(API, json=body, headers=live.bearer)
    assert answer.status_code == 201, answer.text
    return Client(live, answer.json()["clientId"], API)


async def ask(
    machine: Client, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
) -> httpx.Response:
    asked = {"grant_type": "client_credentials", **(machine.assertion() if form is None else form)}
    given = machine.proof(TOKEN) if headers is None else headers
    return await machine.live.http.post(TOKEN, data=asked, headers=given)


async def token_for(machine: Client, headers: Mapping[str, str] | None = None) -> str:
    answer = await ask(machine, headers)
    assert (answer.status_code, answer.json().get("token_type")) == (200, "DPoP"), answer.text
    return answer.json()["access_token"]


async def test_happy_flow_and_access_token_type_header_case_sensitivity(live: Live, machine: Client):
    token = await token_for(machine)
    for scheme in ("DPoP", "dpop", "DPOP", "dPoP"):
        assert (await machine.read(token, scheme=scheme)).status_code == 200
    assert (await live.http.get(API, headers={"Authorization": f"Bearer {token}"})).status_code == 401


@pytest.mark.parametrize(
    ("iat", "claims"),
    [
        pytest.param(0, {"nbf": 0, "exp": 300}, id="check-dpop-proof-nbf-exp"),
        pytest.param(-10, {}, id="ensure-dpop-proof-with-iat-10seconds-before-succeeds"),
        pytest.param(10, {}, id="ensure-dpop-proof-with-iat-10seconds-after-succeeds"),
    ],
)
async def test_a_clock_may_differ(machine: Client, iat: int, claims: Mapping[str, int]):
    now = int(time.time())
    times: dict[str, Any] = {"iat": now + iat, **{name: now + seconds for name, seconds in claims.items()}}
    token = await token_for(machine, machine.proof(TOKEN, **times))
    assert (await machine.read(token, **times)).status_code == 200


async def test_ensure_holder_of_key_required(machine: Client):
    oauth_error(await ask(machine, {}), 400, "invalid_request")


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"aud": "https://other.example"}, id="ensure-client-assertion-with-wrong-aud-fails"),
        pytest.param({"sub": None}, id="ensure-client-assertion-with-no-sub-fails"),
        pytest.param({"exp": -300}, id="ensure-client-assertion-with-exp-is-5-minutes-in-past-fails"),
        pytest.param({"key": RSA, "alg": "RS256"}, id="ensure-signed-client-assertion-with-RS256-fails"),
    ],
)
async def test_an_assertion_is_refused(machine: Client, wrong: Mapping[str, Any]):
    said: dict[str, Any] = {
        name: int(time.time()) + value if isinstance(value, int) else value for name, value in wrong.items()
    }
    oauth_error(await ask(machine, form=machine.assertion(**said)), 401, "invalid_client")


async def test_ensure_client_assertion_in_token_endpoint(machine: Client):
    oauth_error(await ask(machine, form={"client_id": machine.client_id}), 401, "invalid_client")


async def test_ensure_client_id_in_token_endpoint(machine: Client):
    """The client_id of another client beside the assertion, and none at all."""
    other = f"oauth_client_{'0' * 32}"
    answer = await ask(machine, form={**machine.assertion(), "client_id": other})
    assert (answer.status_code, answer.json()["error"]) in ((400, "invalid_request"), (401, "invalid_client"))
    assert (await ask(machine)).status_code == 200


async def test_dpop_negative_tests(machine: Client):
    await takes_no_bad_proof(machine, await token_for(machine))
