"""Clients of the Model Context Protocol before a FastMCP server.

No client has a setting of its own. The server's settings are the API, open registration, and, here, where documents may be.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey
from msgspec import Struct

from service.configuration.documents import Documents
from tests.clients.conftest import asked, free_url, running
from tests.clients.test_mcp_conformance import node, packages
from tests.clients.test_python import packages as python_packages
from tests.conftest import fresh_database
from tests.flows.conftest import Live, serving
from tests.flows.people import CALLBACK, registered, tokens_for, walked_through
from tests.flows.people import logged_in as logged_in_person
from tests.flows.test_client_documents import Site, site
from tests.flows.test_delegation import ISSUERS, changed
from tests.patience import PATIENCE, until

__all__ = ["node", "packages", "python_packages", "site"]


API = {"name": "Notes", "scopes": {"notes:read": {"en": "Read your notes"}}, "anyClient": True}
"""What a person may give to any client. FastMCP's verifier takes RS256 by default."""


@pytest.fixture(scope="module")
async def live(postgres: str, site: Site) -> AsyncIterator[Live]:
    assert site.base
    documents = Documents(hosts=frozenset({"localhost"}))
    settings: dict[str, Any] = {"client_metadata_documents": documents, "dynamic_registration": "open"}
    async with serving(await fresh_database(postgres), rate_limit=0, failed_auth_limit=0, **settings) as live:
        yield live


@pytest.fixture(scope="module")
async def server(live: Live, python_packages: Path) -> AsyncIterator[str]:
    """The URL of an MCP server that is an API."""
    home = free_url()
    api = {**API, "identifier": f"{home}/mcp", "accessTokenSignedResponseAlg": "RS256"}
    made = await live.http.post("/api/v1/auth/apis", json=api, headers=live.bearer)
    assert made.status_code == 201, made.text
    python = python_packages / ".venv/bin/python"
    async with running(python, "mcp_server.py", url=home, place=python_packages, ISSUER=live.url, HOME_URL=home):
        yield f"{home}/mcp"


class Around(Struct, frozen=True):
    """The service, a site with documents, the URL of an MCP server, and what runs programs in each language."""

    live: Live
    site: Site
    server: str
    python: Path
    packages: Path
    node: Path

    @asynccontextmanager
    async def asked(
        self, file: str, told: dict[str, str]
    ) -> AsyncGenerator[tuple[asyncio.StreamWriter, asyncio.StreamReader]]:
        by, place = (
            (self.node, self.packages) if file.endswith(".mjs") else (self.python / ".venv/bin/python", self.python)
        )
        async with asked(by, file, place=place, **told) as ends:
            yield ends


@pytest.fixture(scope="module")
def around(live: Live, site: Site, server: str, python_packages: Path, node: Path) -> Around:
    return Around(live, site, server, python_packages, node.parents[3], node)


class Program(Struct, frozen=True):
    """`back` is the redirect URI of its document. Where that is its own, it listens on a port that it chooses."""

    file: str
    back: str
    package: str = ""


PROGRAMS = {
    "Python SDK": Program("mcp_client.py", CALLBACK),
    "TypeScript SDK 1": Program("client.mjs", CALLBACK, "@modelcontextprotocol/sdk"),
    "TypeScript SDK 2": Program("client.mjs", CALLBACK, "@modelcontextprotocol/client"),
    "FastMCP": Program("fastmcp_client.py", "http://localhost/callback"),
    "mcp-remote": Program("remote.mjs", "http://localhost/oauth/callback"),
}


@pytest.mark.parametrize("by", ["secret", "key"])
@pytest.mark.parametrize("program", ["mcp_client.py", "machine.mjs"])
async def test_a_machine_uses_a_server_by_an_sdk_s_client_credentials(around: Around, program: str, by: str):
    key = ECKey.generate_key("P-256")
    terms: dict[str, Any] = {"apis": [{"identifier": around.server, "scopes": ["notes:read"]}]}
    if by == "key":
        jwks = {"keys": [key.as_dict(private=False)]}
        terms |= {"tokenEndpointAuthMethod": "private_key_jwt", "jwks": jwks}
    body = {"m2m": True, "botUserId": "bot-abc123", **terms}
    made = (await around.live.http.post("/api/v1/auth/clients", json=body, headers=around.live.bearer)).json()
    told = {"SERVER_URL": around.server, "ISSUER": around.live.url, "CLIENT_ID": made["clientId"]}
    told |= {"KEY": key.as_pem(private=True).decode()} if by == "key" else {"CLIENT_SECRET": made["clientSecret"]}
    async with around.asked(program, told) as (_, out):
        assert await _said(out) == {"tools": ["who"], "sub": "bot-abc123"}


@pytest.mark.parametrize(
    ("name", "by"),
    [*((name, by) for name in PROGRAMS for by in ("document", "registration")), ("Python SDK", "hand")],
)
async def test_a_person_lets_a_client_use_a_server(around: Around, tmp_path: Path, name: str, by: str):
    """It uses the tool as this person, and again with another access token."""
    program = PROGRAMS[name]
    told = {"SERVER_URL": around.server, "PACKAGE": program.package, "HOME": str(tmp_path)}
    if by == "document":
        grants = ["authorization_code", "refresh_token"]
        told["DOCUMENT"] = around.site.publish(
            f"{tmp_path.name}.json", grant_types=grants, redirect_uris=[program.back]
        )
    if by == "hand":
        told["CLIENT_ID"], _ = await around.live.interactive(public=True)
    if program.back == CALLBACK:
        told["CALLBACK"] = CALLBACK
    user, email = await registered(around.live)
    async with around.asked(program.file, told) as (answers, out):
        url = (await _said(out))["url"]
        if program.back == CALLBACK:
            answers.write((await walked_through(around.live, url, email)).encode() + b"\n")
        else:
            await _came_back(await walked_through(around.live, url, email, then="http://localhost:"))
        assert await _said(out) == {"tools": ["who"], "sub": str(user)}
        assert await _said(out) == {"renewed": True, "sub": str(user)}


async def _said(out: asyncio.StreamReader) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        return json.loads(await out.readline())


async def _came_back(url: str) -> None:
    """The browser comes to the client itself, which may begin to listen only after it has opened the browser."""

    async def answered() -> bool:
        try:
            async with httpx.AsyncClient(verify=False) as browser:
                return (await browser.get(url)).is_success
        except httpx.ConnectError:
            return False

    await until(answered)


@pytest.mark.parametrize("required", [False, True], ids=["without nonces", "with nonces"])
async def test_the_typescript_sdk_gets_bound_tokens_and_calls_with_proofs(postgres: str, node: Path, required: bool):
    async with serving(await fresh_database(postgres), rate_limit=0, dpop_nonce_required=required) as live:
        told = {"ISSUER": live.url, "CLIENT_ID": live.client_id, "CLIENT_SECRET": live.client_secret}
        async with asked(node, "bound.mjs", place=node.parents[3], **told) as (_, out):
            assert await _said(out) == {"type": "DPoP", "statuses": [200, 200, 401]}


@pytest.mark.parametrize("program", ["crossapp.mjs", "identity_assertion.py"])
async def test_an_sdk_uses_a_server_for_a_user_of_an_enterprise(postgres: str, around: Around, program: str):
    """The enterprise's provider is a second service: it issues the assertion that the first one accepts."""
    async with serving(await fresh_database(postgres), rate_limit=0) as enterprise:
        client_id, secret = await around.live.register(apis=[{"identifier": around.server, "scopes": ["notes:read"]}])
        there = {"audience": around.live.url, "clientId": client_id, "scopes": ["notes:read"]}
        at_enterprise = await enterprise.interactive()
        await changed(enterprise, at_enterprise, identityAssertions=[there])
        keys = f"{enterprise.url}/openid/jwks"
        issuer = {"issuer": enterprise.url, "name": "Example Corp", "purposes": ["id_jag"], "provisions": True}
        made = await around.live.http.post(ISSUERS, json={**issuer, "jwksUri": keys}, headers=around.live.bearer)
        assert made.status_code == 201, made.text
        async with logged_in_person(enterprise) as person:
            id_token = (await tokens_for(enterprise, person, at_enterprise, "openid"))["id_token"]
        told = {
            "SERVER_URL": around.server,
            "ISSUER": around.live.url,
            "CLIENT_ID": client_id,
            "CLIENT_SECRET": secret,
            "IDP": enterprise.url,
            "IDP_CLIENT_ID": at_enterprise[0],
            "IDP_CLIENT_SECRET": at_enterprise[1],
            "ID_TOKEN": id_token,
        }
        async with around.asked(program, told) as (_, out):
            sub = (await _said(out))["sub"]
    user = await around.live.beside.people.find_upstream(enterprise.url, str(person.user))
    assert user is not None
    assert sub == str(user.stream_id)
