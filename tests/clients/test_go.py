"""Clients written in Go: go-oidc with x/oauth2, and oauth2-proxy before an application."""

import secrets
from pathlib import Path

import httpx
import pytest

from tests.clients.conftest import HERE, built, free_url, needs, running
from tests.clients.methods import uses
from tests.clients.walking import logged_in
from tests.flows.conftest import Live
from tests.flows.people import registered


@pytest.fixture(scope="session")
async def programs() -> Path:
    needs("go")
    return await built(
        HERE / "go", ["**/*"], ["go", "build", "-o", "bin/", ".", "github.com/oauth2-proxy/oauth2-proxy/v7"]
    )


async def test_go_oidc_logs_a_person_in(live: Live, programs: Path):
    home = free_url()
    client_id, secret = await live.interactive(redirectUri=f"{home}/callback")
    user, email = await registered(live)
    told = {"ISSUER": live.url, "CLIENT_ID": client_id, "CLIENT_SECRET": secret, "HOME_URL": home}
    program = programs / "bin" / "clients"
    async with (
        running(program, url=home, place=programs, ADDRESS=home.removeprefix("http://"), **told),
        httpx.AsyncClient(verify=False) as browser,
    ):
        claims = (await logged_in(browser, f"{home}/login", email)).json()
    assert (claims["sub"], claims["email"], claims["userinfo"]) == (str(user), email, email)


async def test_oauth2_proxy_lets_a_person_in_by_their_address(live: Live, programs: Path):
    home = free_url()
    client_id, secret = await live.interactive(redirectUri=f"{home}/oauth2/callback")
    _, email = await registered(live)
    options = {
        "provider": "oidc",
        "oidc-issuer-url": live.url,
        "client-id": client_id,
        "client-secret": secret,
        "redirect-url": f"{home}/oauth2/callback",
        "http-address": home.removeprefix("http://"),
        "upstream": "static://202",
        "email-domain": "example.com",
        "cookie-secret": secrets.token_hex(16),
        "cookie-secure": "false",
        "skip-provider-button": "true",
    }
    command = [f"--{name}={value}" for name, value in options.items()]
    async with (
        running(programs / "bin" / "oauth2-proxy", *command, url=f"{home}/ping", place=programs),
        httpx.AsyncClient(verify=False) as browser,
    ):
        shown = await logged_in(browser, f"{home}/", email)
        assert shown.status_code == 202, shown.text
        about = await browser.get(f"{home}/oauth2/userinfo")
    assert about.json()["email"] == email


@pytest.mark.parametrize("method", ["private_key_jwt", "device", "exchange"])
async def test_go_oidc_with_x_oauth2_uses(live: Live, programs: Path, method: str):
    await uses(live, method, programs / "bin" / "clients", place=programs)
