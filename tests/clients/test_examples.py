"""What the READMEs in docs/examples promise: people log in and out, machines call, and an API takes only tokens that are for it."""

import base64
import html
import json
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import asyncpg
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from msgspec.json import encode

from events.database import Connection
from service.oauth.signing import header, signed
from tests.clients.conftest import needs
from tests.clients.examples import Example, installed, said
from tests.flows.conftest import Live
from tests.flows.people import registered, walked


@asynccontextmanager
async def _connected(live: Live) -> AsyncGenerator[Connection]:
    connection = await asyncpg.connect(live.database)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture(scope="module", params=["web-login-python", "web-login-node"])
async def application(live: Live, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The URL of a web application that people log in to."""
    if request.param == "web-login-node":
        needs("node", "npm")
    example = await installed(request.param, "http://localhost:3000")
    credentials = await example.register(live)
    async with example.serving(live, HOME_URL=example.home, **credentials):
        yield example.home


async def _login_url(browser: httpx.AsyncClient, application: str) -> str:
    """Where the application sends a browser whose person wants to sign in."""
    answer = await browser.get(f"{application}/login")
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def test_a_person_signs_in_to_the_web_application_and_out_of_both(live: Live, application: str):
    _, email = await registered(live, name="Ada <i>Lovelace</i>")
    async with httpx.AsyncClient(verify=False, base_url=live.url) as browser:
        assert "You are not signed in." in (await browser.get(f"{application}/")).text
        back = await walked(browser, await _login_url(browser, application), email, then=f"{application}/callback")
        shown = await browser.get(back, follow_redirects=True)
        assert "<i>" not in shown.text  # a person's name is text, even where it looks like markup
        assert f"Signed in as Ada <i>Lovelace</i> ({email})." in html.unescape(shown.text)
        gone = await browser.post(f"{application}/logout", follow_redirects=True)
        assert str(gone.url).startswith(f"{application}/")
        assert "You are not signed in." in gone.text
        asked_again = await browser.get(await _login_url(browser, application), follow_redirects=True)
        assert 'name="password"' in asked_again.text


async def test_a_person_who_denies_is_told_so_by_the_web_application(live: Live, application: str):
    _, email = await registered(live)
    async with httpx.AsyncClient(verify=False, base_url=live.url) as browser:
        url, then = await _login_url(browser, application), f"{application}/callback"
        refused = await browser.get(await walked(browser, url, email, consent="deny", then=then))
        assert refused.status_code == 400
        assert "You are not signed in: " in refused.text


async def test_the_web_application_takes_no_callback_that_belongs_to_another_browser(live: Live, application: str):
    _, email = await registered(live)
    async with (
        httpx.AsyncClient(verify=False, base_url=live.url) as browser,
        httpx.AsyncClient(verify=False) as another,
    ):
        back = await walked(browser, await _login_url(browser, application), email, then=f"{application}/callback")
        for _ in range(2):  # one that has begun no login, and one that has begun one of its own
            refused = await another.get(back)
            assert refused.status_code == 400
            assert "You are not signed in." in (await another.get(f"{application}/")).text
            await _login_url(another, application)


@pytest.fixture(scope="module")
async def api(live: Live) -> AsyncIterator[str]:
    """The URL of the resource server."""
    example = await installed("resource-server", "http://127.0.0.1:8001")
    await example.register(live)
    async with example.serving(live, AUDIENCE=example.home):
        yield example.home


async def _tokens_issued(live: Live) -> int:
    async with _connected(live) as connection:
        return await connection.fetchval("select count(*) from log.issuance")


async def test_the_machine_client_calls_the_api_twice_with_one_token_until_it_is_about_to_expire(live: Live, api: str):
    example = (await installed("machine-client", "http://127.0.0.1:8001")).__replace__(home=api)
    credentials = await example.register(live)
    told = {"ISSUER": live.url, "API": api, **credentials}
    before = await _tokens_issued(live)
    me, notes = (await said(".venv/bin/python client.py", place=example.place, **told)).splitlines()
    assert json.loads(me) == {"sub": "bot-report", "client_id": credentials["CLIENT_ID"], "scope": "notes:read"}
    assert json.loads(notes)["owner"] == "bot-report"
    assert await _tokens_issued(live) == before + 1
    soon = "import client; client.RENEW_BEFORE_SECONDS = 3600; client.main()"  # the whole life of a token
    await said(".venv/bin/python", "-c", soon, place=example.place, **told)
    assert await _tokens_issued(live) == before + 3


async def test_the_machine_client_says_why_it_gets_no_token(live: Live, api: str):
    example = await installed("machine-client", "http://127.0.0.1:8001")
    told = {"ISSUER": live.url, "API": api, "CLIENT_ID": live.client_id, "CLIENT_SECRET": "secret_wrong"}
    with pytest.raises(AssertionError, match=r"no access token: .*invalid_client"):
        await said(".venv/bin/python client.py", place=example.place, **told)


async def _token(live: Live, audience: str, *, typ: str = "at+jwt", **changes: Any) -> str:
    """An access token for this audience, signed with the service's own key, except for these changes (None: left out)."""
    if not live.beside.ring.signers:
        async with _connected(live) as connection:
            await live.beside.ring.load(connection)
    signer = live.beside.signer("ES256")
    usual = {
        "iss": live.url,
        "sub": "bot-abc123",
        "aud": audience,
        "client_id": "oauth_client_x",
        "scope": "notes:read",
        "iat": int(time.time()),
        "exp": int(time.time()) + 300,
        "jti": "018f0000-0000-7000-8000-000000000000",
    }
    claims = {name: value for name, value in {**usual, **changes}.items() if value is not None}
    return signed(signer, header(signer.kid, signer.alg, typ), encode(claims))


async def _status(url: str, token: str) -> int:
    async with httpx.AsyncClient(verify=False) as http:
        answer = await http.get(url, headers={"Authorization": f"Bearer {token}"})
    challenge = answer.headers.get("www-authenticate", "")
    assert answer.status_code == 200 or 'error="' in challenge, answer.text
    return answer.status_code


VERIFIED = [
    pytest.param({}, 200, id="a token for it is taken"),
    pytest.param({"aud": "https://other.example.com"}, 401, id="one for another API is refused"),
    pytest.param({"iss": "https://other.example.com"}, 401, id="one of another issuer is refused"),
    pytest.param({"exp": 1_700_000_000}, 401, id="an expired one is refused"),
    pytest.param({"exp": None}, 401, id="one that never expires is refused"),
    pytest.param({"client_id": None}, 401, id="one of no client is refused"),
    pytest.param({"typ": "JWT"}, 401, id="an ID token is refused"),
    pytest.param({"scope": "notes:write"}, 403, id="one without the scope may not do this"),
    pytest.param({"scope": None}, 403, id="one without any scope may not do this"),
]
"""How an access token for an API may differ, and what every example of an API answers to it."""


async def test_the_api_asks_for_a_token_where_there_is_none(api: str):
    async with httpx.AsyncClient(verify=False) as http:
        answer = await http.get(f"{api}/notes")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'DPoP algs="ES256 EdDSA", Bearer')


@pytest.mark.parametrize(("changes", "status"), VERIFIED)
async def test_the_api_verifies_each_token(live: Live, api: str, changes: dict[str, Any], status: int):
    assert await _status(f"{api}/notes", await _token(live, api, **changes)) == status


async def test_the_api_refuses_a_token_that_another_key_signed(live: Live, api: str):
    genuine = await _token(live, api)
    other, signature = await _token(live, api, sub="operator"), genuine.rpartition(".")[2]
    assert await _status(f"{api}/notes", f"{other.rpartition('.')[0]}.{signature}") == 401
    assert await _status(f"{api}/notes", "no-token") == 401


class Key:
    """A client's key, and the proofs that it makes (RFC 9449), by somebody else's library."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self.public = json.loads(ECAlgorithm.to_jwk(self._private.public_key()))
        canonical = json.dumps({name: self.public[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
        self.thumbprint = _hash(canonical)

    def proof(self, url: str, token: str | None = None, **changes: Any) -> str:
        about = {"htm": "GET", "htu": url, "iat": int(time.time()), "jti": secrets.token_hex(8)}
        claims = {**about, **({} if token is None else {"ath": _hash(token)}), **changes}
        return jwt.encode(claims, self._private, "ES256", {"typ": "dpop+jwt", "jwk": self.public})


def _hash(text: str) -> str:
    return base64.urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()


async def _called(url: str, scheme: str, token: str, *proofs: str) -> tuple[int, str]:
    headers = [("Authorization", f"{scheme} {token}"), *(("DPoP", proof) for proof in proofs)]
    async with httpx.AsyncClient(verify=False) as http:
        answer = await http.get(url, headers=headers)
    return answer.status_code, answer.headers.get("www-authenticate", "")


async def test_the_api_takes_a_bound_token_with_a_proof_of_its_key_once(live: Live, api: str):
    machine = await installed("machine-client", "http://127.0.0.1:8001")
    credentials, key, url = await machine.__replace__(home=api).register(live), Key(), f"{api}/notes"
    form = {
        "grant_type": "client_credentials",
        "client_id": credentials["CLIENT_ID"],
        "client_secret": credentials["CLIENT_SECRET"],
        "resource": api,
    }
    proof = key.proof(f"{live.url}/openid/token", htm="POST")
    given = (await live.http.post("/openid/token", data=form, headers={"DPoP": proof})).json()
    assert given["token_type"] == "DPoP", given
    proof = key.proof(url, given["access_token"])
    assert await _called(url, "DPoP", given["access_token"], proof) == (200, "")
    assert await _called(url, "DPoP", given["access_token"], proof) == (401, 'DPoP error="invalid_dpop_proof"')


async def test_the_api_refuses_a_bound_token_without_its_proof(live: Live, api: str):
    key, url = Key(), f"{api}/notes"
    token = await _token(live, api, cnf={"jkt": key.thumbprint})
    wrong = 401, 'DPoP error="invalid_dpop_proof"'
    assert await _called(url, "Bearer", token) == (401, 'Bearer error="invalid_token"')
    assert await _called(url, "Bearer", token, key.proof(url, token)) == (401, 'Bearer error="invalid_token"')
    assert await _called(url, "DPoP", token) == wrong
    assert await _called(url, "DPoP", token, key.proof(url, token), key.proof(url, token)) == wrong
    assert await _called(url, "DPoP", token, "no proof") == wrong
    assert await _called(url, "DPoP", token, Key().proof(url, token)) == wrong
    for changes in ({"htm": "POST"}, {"htu": f"{api}/me"}, {"ath": _hash("x")}, {"iat": 1}, {"iat": "now"}):
        assert await _called(url, "DPoP", token, key.proof(url, token, **changes)) == wrong, changes
    assert (await _called(url, "DPoP", token, key.proof(f"{url}?a=b", token)))[0] == 200
    other = await _token(live, api)
    assert (await _called(url, "DPoP", other, key.proof(url, other)))[0] == 401
    by_certificate = await _token(live, api, cnf={"x5t#S256": "x"})
    assert (await _called(url, "Bearer", by_certificate))[0] == 401


@pytest.fixture(scope="module", params=["resource-server-go", "resource-server-spring"])
async def other_api(live: Live, request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, str]]:
    """The name and the URL of a resource server in another language."""
    go = request.param == "resource-server-go"
    needs(*(("go",) if go else ("java", "mvn")))
    example = await installed(request.param, f"http://127.0.0.1:{8003 if go else 8004}")
    await example.register(live)
    async with example.serving(live, AUDIENCE=example.home):
        yield request.param, example.home


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        *VERIFIED,
        pytest.param({"cnf": {"jkt": "x"}}, 401, id="a bound one is no bearer token"),
        pytest.param({"cnf": {"x5t#S256": "x"}}, 401, id="nor is one that is bound to a certificate"),
    ],
)
async def test_an_api_in_another_language_verifies_each_token(
    live: Live, other_api: tuple[str, str], changes: dict[str, Any], status: int
):
    _, home = other_api
    assert await _status(f"{home}/notes", await _token(live, home, **changes)) == status


async def test_an_api_in_another_language_asks_for_a_token_and_takes_a_bound_one_if_it_checks_proofs(
    live: Live, other_api: tuple[str, str]
):
    name, home = other_api
    key, url = Key(), f"{home}/notes"
    async with httpx.AsyncClient(verify=False) as http:
        assert (await http.get(url)).status_code == 401
    token = await _token(live, home, cnf={"jkt": key.thumbprint})
    taken = 200 if name == "resource-server-spring" else 401
    assert (await _called(url, "DPoP", token, key.proof(url, token)))[0] == taken
    assert (await _called(url, "DPoP", token, Key().proof(url, token)))[0] == 401
    assert (await _called(url, "Bearer", token))[0] == 401


@pytest.fixture(scope="module")
async def mcp(live: Live) -> AsyncIterator[Example]:
    """The MCP server, which answers."""
    example = await installed("mcp-server", "http://127.0.0.1:8002")
    async with example.serving(live, SERVER=f"{example.home}/mcp"):
        yield example


async def test_an_agent_calls_the_tool_of_the_mcp_server(live: Live, mcp: Example):
    told = {"ISSUER": live.url, "SERVER": f"{mcp.home}/mcp", **await mcp.register(live)}
    answer = await said(".venv/bin/python client.py", place=mcp.place, **told)
    assert answer == "Notes of bot-agent: water the plants, read RFC 9728.\n"


async def test_the_mcp_server_tells_who_comes_without_a_token_where_to_get_one(live: Live, mcp: Example):
    async with httpx.AsyncClient(verify=False) as http:
        refused = await http.post(f"{mcp.home}/mcp", json={})
        assert refused.status_code == 401
        about = f"{mcp.home}/.well-known/oauth-protected-resource/mcp"
        assert f'resource_metadata="{about}"' in refused.headers["www-authenticate"]
        told = (await http.get(about)).json()
    assert (told["resource"], told["authorization_servers"]) == (f"{mcp.home}/mcp", [live.url])


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"aud": "https://other.example.com"}, 401, id="one for another server is refused"),
        pytest.param({"typ": "JWT"}, 401, id="an ID token is refused"),
        pytest.param({"exp": 1_700_000_000}, 401, id="an expired one is refused"),
        pytest.param({"scope": "notes:write"}, 403, id="one without the scope may not do this"),
    ],
)
async def test_the_mcp_server_verifies_each_token(live: Live, mcp: Example, changes: dict[str, Any], status: int):
    assert await _status(f"{mcp.home}/mcp", await _token(live, f"{mcp.home}/mcp", **changes)) == status
