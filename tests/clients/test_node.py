"""Clients written for Node: passport-openidconnect, Auth.js in Express, and openid-client."""

from pathlib import Path

import httpx
import pytest

from tests.clients.conftest import HERE, built, free_url, needs, running
from tests.clients.methods import ALL, uses
from tests.clients.walking import logged_in
from tests.flows.conftest import Live
from tests.flows.people import registered


@pytest.fixture(scope="session")
async def packages() -> Path:
    needs("node", "npm")
    return await built(
        HERE / "node", ["package-lock.json"], ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    )


@pytest.mark.parametrize(
    ("program", "begin", "back"),
    [("passport.mjs", "/login", "/callback"), ("authjs.mjs", "/auth/signin", "/auth/callback/muniment")],
)
async def test_a_person_logs_in(live: Live, packages: Path, program: str, begin: str, back: str):
    home = free_url()
    client_id, secret = await live.interactive(redirectUri=f"{home}{back}")
    user, email = await registered(live)
    told = {"ISSUER": live.url, "CLIENT_ID": client_id, "CLIENT_SECRET": secret, "HOME_URL": home}
    async with (
        running("node", program, url=f"{home}/me", place=packages, **told),
        httpx.AsyncClient(verify=False) as browser,
    ):
        last = await logged_in(browser, f"{home}{begin}", email)
        assert last.status_code in (200, 404), (last.url, last.text)
        me = (await browser.get(f"{home}/me")).json()
    assert (me["name"], me["email"]) == ("Ada Lovelace", email)
    assert me.get("sub") in (None, str(user))


@pytest.mark.parametrize("method", ALL)
async def test_openid_client_uses(live: Live, packages: Path, method: str):
    await uses(live, method, "node", "methods.mjs", place=packages)
