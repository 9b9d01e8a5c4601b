"""Clients written in Python: two of Django's, the Model Context Protocol's SDK before a FastMCP server, and one with bound tokens."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.clients.conftest import HERE, asked, built, free_url, running
from tests.clients.walking import logged_in
from tests.conftest import fresh_database
from tests.flows.conftest import Live, serving
from tests.flows.people import CALLBACK, registered, walked_through
from tests.patience import PATIENCE


@pytest.fixture(scope="session")
async def packages() -> Path:
    uv = [sys.executable, "-m", "uv", "--quiet"]
    install = [*uv, "pip", "install", "--python", ".venv/bin/python", "--require-hashes", "-r", "requirements.lock"]
    return await built(
        HERE / "python", ["requirements.lock"], [*uv, "venv", "--python", sys.executable, ".venv"], install
    )


@pytest.mark.parametrize(
    ("program", "paths"),
    [("mozilla.py", ("/oidc/authenticate/", "/oidc/callback/")), ("social.py", ("/login", "/complete/oidc/"))],
)
async def test_a_person_logs_in_to_django(
    live: Live, packages: Path, tmp_path: Path, program: str, paths: tuple[str, str]
):
    begin, back = paths
    home = free_url()
    client_id, secret = await live.interactive(redirectUri=f"{home}{back}")
    _, email = await registered(live)
    told = {"ISSUER": live.url, "CLIENT_ID": client_id, "CLIENT_SECRET": secret, "HOME_URL": home}
    async with (
        running(
            packages / ".venv/bin/python", program, url=f"{home}/me", place=packages, DATABASE=f"{tmp_path}/d", **told
        ),
        httpx.AsyncClient(verify=False) as browser,
    ):
        last = await logged_in(browser, f"{home}{begin}", email)
    assert last.json()["email"] == email


@pytest.fixture(scope="module")
async def server(live: Live, packages: Path) -> AsyncIterator[str]:
    home = free_url()
    python = packages / ".venv/bin/python"
    async with running(python, "mcp_server.py", url=home, place=packages, ISSUER=live.url, HOME_URL=home):
        yield f"{home}/mcp"


async def test_a_machine_uses_a_fastmcp_server_by_the_sdk_s_client_credentials(live: Live, packages: Path, server: str):
    client_id, secret = await live.register(accessTokenSignedResponseAlg="RS256")
    told = {"SERVER_URL": server, "CLIENT_ID": client_id, "CLIENT_SECRET": secret, "CALLBACK": CALLBACK}
    async with asked(packages / ".venv/bin/python", "mcp_client.py", place=packages, **told) as (_, out):
        assert json.loads(await out.readline()) == {"sub": "bot-abc123"}


async def test_a_person_lets_an_agent_use_a_fastmcp_server_by_the_sdk(live: Live, packages: Path, server: str):
    client_id, _ = await live.interactive(public=True, accessTokenSignedResponseAlg="RS256")
    user, email = await registered(live)
    told = {"SERVER_URL": server, "CLIENT_ID": client_id, "CALLBACK": CALLBACK}
    async with asked(packages / ".venv/bin/python", "mcp_client.py", place=packages, **told) as (answers, out):
        url = json.loads(await out.readline())["url"]
        back = await walked_through(live, url, email)
        answers.write(back.encode() + b"\n")
        async with asyncio.timeout(PATIENCE):
            assert json.loads(await out.readline()) == {"sub": str(user)}


@pytest.mark.parametrize("required", [False, True], ids=["without nonces", "with nonces"])
async def test_a_machine_calls_the_api_with_tokens_that_are_bound_to_a_key(
    postgres: str, packages: Path, required: bool
):
    async with serving(await fresh_database(postgres), rate_limit=0, dpop_nonce_required=required) as live:
        told = {"ISSUER": live.url, "CLIENT_ID": live.client_id, "CLIENT_SECRET": live.client_secret}
        async with asked(packages / ".venv/bin/python", "bound_tokens.py", place=packages, **told) as (_, out):
            assert json.loads(await out.readline()) == {"statuses": [200, 200, 401], "type": "DPoP"}
