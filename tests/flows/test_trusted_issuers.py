"""/api/v1/auth/trusted-issuers: whose tokens are accepted, for what, and since when."""

import asyncio
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from tests.flows.conftest import Live, refused

PATH = "/api/v1/auth/trusted-issuers"
EC = ECKey.generate_key("P-256")
PUBLIC: Any = EC.as_dict(private=False)
PRIVATE: Any = EC.as_dict(private=True)


async def trust(live: Live, issuer: str, **body: Any) -> httpx.Response:
    usual = {"issuer": issuer, "name": "CI", "purposes": ["workload"]}
    return await live.http.post(PATH, json={**usual, **body}, headers=live.bearer)


async def test_a_trusted_issuer_is_registered_changed_and_deleted_and_each_version_can_be_read(live: Live):
    made = await trust(live, "https://ci.example.com/")
    assert made.status_code == 201, made.text
    body, there = made.json(), made.headers["location"]
    assert body == {
        "id": body["id"],
        "issuer": "https://ci.example.com/",
        "name": "CI",
        "purposes": ["workload"],
        "jwksUri": None,
        "jwks": None,
        "algorithms": ["RS256", "PS256", "ES256", "EdDSA"],
        "audiences": [],
        "provisions": False,
        "state": "active",
        "createdUtc": body["createdUtc"],
    }
    shown = await live.http.get(there, headers=live.bearer)
    assert (shown.json(), shown.headers["etag"]) == (body, '"1"')
    refused(await live.http.patch(there, json={"name": "Builds"}, headers=live.bearer), 428)
    change = {"purposes": ["workload", "id_jag"], "jwks": {"keys": [PUBLIC]}, "provisions": True}
    changed = await live.http.patch(there, json=change, headers={**live.bearer, "If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    assert changed.json()["jwks"]["keys"][0]["x"] == PUBLIC["x"]
    assert (await live.http.post(f"{there}/disable", headers=live.bearer)).status_code == 204
    assert (await live.http.get(there, headers=live.bearer)).json()["state"] == "disabled"
    then = {"as_of": f"position:{made.headers['muniment-position']}"}
    assert (await live.http.get(there, params=then, headers=live.bearer)).json() == body
    assert body in (await live.http.get(PATH, params=then, headers=live.bearer)).json()
    assert (await live.http.post(f"{there}/enable", headers=live.bearer)).status_code == 204
    assert (await live.http.delete(there, headers=live.bearer)).status_code == 204
    refused(await live.http.get(there, headers=live.bearer), 404)
    history = (await live.http.get(f"{there}/history", headers=live.bearer)).json()
    kinds = ["deleted", "enabled", "disabled", "changed", "registered"]
    assert [each["type"] for each in history] == [f"trusted_issuer.{kind}" for kind in kinds]
    assert history[3]["changes"]["provisions"] == {"before": False, "after": True}


async def test_an_issuer_is_trusted_once_until_it_is_deleted(live: Live):
    answers = await asyncio.gather(*(trust(live, "https://once.example.com") for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]
    there = next(each.headers["location"] for each in answers if each.status_code == 201)
    await live.http.delete(there, headers=live.bearer)
    assert (await trust(live, "https://once.example.com")).status_code == 201


BAD: list[tuple[dict[str, Any], str]] = [
    ({"issuer": "ci.example.com"}, "issuer"),
    ({"issuer": "http://ci.example.com"}, "issuer"),
    ({"issuer": "https://ci.example.com?x"}, "issuer"),
    ({"issuer": "spiffe://Example.org"}, "issuer"),
    ({"issuer": "spiffe://example.org/web"}, "issuer"),
    ({"issuer": "spiffe://example.org"}, "jwksUri"),
    ({"purposes": []}, "purposes"),
    ({"purposes": ["everything"]}, "purposes"),
    ({"provisions": True}, "provisions"),
    ({"algorithms": ["HS256"]}, "algorithms"),
    ({"algorithms": ["none"]}, "algorithms"),
    ({"audiences": [""]}, "audiences"),
    ({"jwksUri": "file:///etc/passwd"}, "jwksUri"),
    ({"jwksUri": "http://ci.example.com/keys"}, "jwksUri"),
    ({"jwksUri": "https://user@ci.example.com/keys"}, "jwksUri"),
    ({"jwksUri": "https://ci.example.com/keys", "jwks": {"keys": [PUBLIC]}}, "jwks"),
    ({"jwks": {}}, "jwks"),
    ({"jwks": {"keys": []}}, "jwks"),
    ({"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}, "jwks"),
    ({"jwks": {"keys": [PRIVATE]}}, "jwks"),
    ({"jwks": {"keys": [PUBLIC] * 21}}, "jwks"),
    ({"jwks": {"keys": ["x", 7, {"kty": "EC", "x": 1}]}}, "jwks"),
    ({"more": 1}, "more"),
]


@pytest.mark.parametrize(("body", "field"), BAD, ids=[f"{field} {number}" for number, (_, field) in enumerate(BAD)])
async def test_what_cannot_be_trusted_is_refused_by_its_field(live: Live, body: dict[str, Any], field: str):
    given = {"issuer": "https://bad.example.com", **body}
    answer = await trust(live, **given)
    assert list(refused(answer, 400)["errors"]) == [field], answer.text
    assert PRIVATE["d"] not in str(answer.text)


async def test_this_server_is_no_other_issuer_and_faults_are_named_together(live: Live):
    answer = await trust(live, live.url, purposes=["x"], jwksUri="ftp://x")
    assert set(refused(answer, 400)["errors"]) == {"issuer", "purposes", "jwksUri"}
