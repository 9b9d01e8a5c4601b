"""Clients written in Python: two of Django's, and requests_oauth2client."""

import json
import sys
from pathlib import Path

import httpx
import pytest

from tests.clients.conftest import HERE, asked, built, free_url, running
from tests.clients.methods import ALL, uses
from tests.clients.walking import logged_in
from tests.conftest import fresh_database
from tests.flows.conftest import Live, serving
from tests.flows.people import registered


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


@pytest.mark.parametrize("required", [False, True], ids=["without nonces", "with nonces"])
async def test_a_machine_calls_the_api_with_tokens_that_are_bound_to_a_key(
    postgres: str, packages: Path, required: bool
):
    async with serving(await fresh_database(postgres), rate_limit=0, dpop_nonce_required=required) as live:
        told = {"ISSUER": live.url, "CLIENT_ID": live.client_id, "CLIENT_SECRET": live.client_secret}
        async with asked(packages / ".venv/bin/python", "bound_tokens.py", place=packages, **told) as (_, out):
            assert json.loads(await out.readline()) == {"statuses": [200, 200, 401], "type": "DPoP"}


@pytest.mark.parametrize("method", [method for method in ALL if method not in ("jarm", "registration")])
async def test_requests_oauth2client_uses(live: Live, packages: Path, method: str):
    await uses(live, method, packages / ".venv/bin/python", "methods.py", place=packages)
