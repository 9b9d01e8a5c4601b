"""Spring Boot on its defaults: its login client, and its resource server; and Nimbus's SDK, whose tokens are bound to a key."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import ECKey
from msgspec import Struct

from tests.clients.conftest import HERE, built, free_url, needs, running
from tests.clients.methods import ALL, uses
from tests.clients.walking import logged_in
from tests.flows.conftest import Live
from tests.flows.people import registered
from tests.patience import PATIENCE
from tests.rules.proving import proof

OTHER = ECKey.generate_key("P-256")


LAUNCHER = "org.springframework.boot.loader.launch.PropertiesLauncher"


class Spring(Struct, frozen=True):
    home: str
    live: Live


async def packaged() -> Path:
    needs("java", "mvn")
    return await built(HERE / "java", ["**/*"], ["mvn", "-q", "-B", "-DskipTests", "package"])


@pytest.fixture(scope="module")
async def spring(live: Live) -> AsyncIterator[Spring]:
    place = await packaged()
    home = free_url()
    client_id, secret = await live.interactive(redirectUri=f"{home}/login/oauth2/code/muniment")
    told = {"ISSUER": live.url, "CLIENT_ID": client_id, "CLIENT_SECRET": secret, "PORT": home.rpartition(":")[2]}
    told |= {"MACHINE_ID": live.client_id, "MACHINE_SECRET": live.client_secret}
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


async def test_a_resource_server_takes_a_bound_token_with_a_proof_by_its_key(spring: Spring):
    client_id, secret = await spring.live.register()
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    url, api = f"{spring.live.url}/openid/token", f"{spring.home}/api/me"
    async with httpx.AsyncClient(verify=False) as http:
        token = (await http.post(url, data=form, headers={"DPoP": proof("POST", url)})).json()["access_token"]
        headers = {"Authorization": f"DPoP {token}"}
        answer = await http.get(api, headers={**headers, "DPoP": proof("GET", api, token=token)})
        refused = await http.get(api, headers={**headers, "DPoP": proof("GET", api, token=token, key=OTHER)})
    assert (answer.status_code, refused.status_code) == (200, 401)
    assert answer.json() == {"sub": "bot-abc123", "client_id": client_id}


async def test_a_machine_calls_the_api_with_a_token_that_is_bound_to_its_key(spring: Spring):
    async with httpx.AsyncClient(verify=False, timeout=PATIENCE) as http:
        assert (await http.get(f"{spring.home}/nimbus")).json() == {"type": "DPoP", "status": 200}


@pytest.mark.parametrize(
    ("library", "method"),
    [*(("nimbus", method) for method in ALL), *(("spring", method) for method in ("private_key_jwt", "exchange"))],
)
async def test_a_client_uses(live: Live, library: str, method: str):
    command = ("java", "-cp", "target/clients.jar", "-Dloader.main=clients.Methods", LAUNCHER, library)
    await uses(live, method, *command, place=await packaged())
