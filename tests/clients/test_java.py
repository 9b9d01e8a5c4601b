"""Spring Boot on its defaults: its login client, and its resource server."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from msgspec import Struct

from tests.clients.conftest import HERE, built, free_url, needs, running
from tests.clients.walking import logged_in
from tests.flows.conftest import Live
from tests.flows.people import registered


class Spring(Struct, frozen=True):
    home: str
    live: Live


@pytest.fixture(scope="module")
async def spring(live: Live) -> AsyncIterator[Spring]:
    needs("java", "mvn")
    place: Path = await built(HERE / "java", ["**/*"], ["mvn", "-q", "-B", "-DskipTests", "package"])
    home = free_url()
    client_id, secret = await live.interactive(redirectUri=f"{home}/login/oauth2/code/muniment")
    told = {"ISSUER": live.url, "CLIENT_ID": client_id, "CLIENT_SECRET": secret, "PORT": home.rpartition(":")[2]}
    async with running("java", "-jar", "target/clients.jar", url=home, place=place, **told):
        yield Spring(home, live)


async def test_a_person_logs_in(spring: Spring):
    user, email = await registered(spring.live)
    async with httpx.AsyncClient(verify=False) as browser:
        me = (await logged_in(browser, f"{spring.home}/oauth2/authorization/muniment", email)) and (
            await browser.get(f"{spring.home}/me")
        )
    assert me.json() == {"sub": str(user), "email": email, "name": "Ada Lovelace"}


async def test_a_resource_server_takes_a_machine_s_token(spring: Spring):
    client_id, secret = await spring.live.register()
    token = await spring.live.access_token(client_id, secret)
    async with httpx.AsyncClient(verify=False) as http:
        answer = await http.get(f"{spring.home}/api/me", headers={"Authorization": f"Bearer {token}"})
        refused = await http.get(f"{spring.home}/api/me", headers={"Authorization": f"Bearer {token[:-4]}AAAA"})
    assert answer.status_code == 200, answer.headers
    assert answer.json() == {"sub": "bot-abc123", "client_id": client_id}
    assert refused.status_code == 401
