"""The issuer below a path of its host, behind nginx: with that path kept, with it stripped, and with gzip on."""

import asyncio
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

import httpx
import pytest
from msgspec import Struct

from tests.flows.conftest import Live, new_database, serving
from tests.flows.people import CALLBACK, proof, registered, walked
from tests.rules.proving import proof as dpop

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: nginx-light)")

MODES = {
    "kept": "location / { proxy_pass UPSTREAM; }",
    "stripped": "location /tenant/ { proxy_pass UPSTREAM/; } location /.well-known/ { proxy_pass UPSTREAM; }",
}
CONFIGURATION = """
daemon off; pid PLACE/pid; error_log stderr;
events { worker_connections 64; }
http {
  access_log off; gzip on; gzip_min_length 0; gzip_types application/json application/problem+json;
  client_body_temp_path PLACE/b; proxy_temp_path PLACE/p; fastcgi_temp_path PLACE/f; uwsgi_temp_path PLACE/u; scgi_temp_path PLACE/s;
  server { listen 127.0.0.1:PORT; MODE }
}
"""


class Behind(Struct, frozen=True):
    """The service as it is seen through nginx, and a client of somebody who is there."""

    issuer: str
    live: Live
    http: httpx.AsyncClient


@pytest.fixture(scope="module", params=sorted(MODES))
async def behind(
    request: pytest.FixtureRequest, postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Behind]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    origin = f"http://127.0.0.1:{port}"
    place = tmp_path_factory.mktemp("nginx")
    async with serving(await new_database(postgres), issuer=f"{origin}/tenant", rate_limit=0) as live:
        text = CONFIGURATION.replace("MODE", MODES[request.param]).replace("UPSTREAM", live.url)
        (place / "nginx.conf").write_text(text.replace("PLACE", str(place)).replace("PORT", str(port)))
        nginx = _started(place)
        try:
            async with httpx.AsyncClient(base_url=origin, verify=False) as http:
                await _listens(http, nginx)
                yield Behind(f"{origin}/tenant", live, http)
        finally:
            nginx.terminate()
            await asyncio.to_thread(nginx.wait)


def _started(place: Path) -> subprocess.Popen[bytes]:
    assert NGINX is not None
    return subprocess.Popen([NGINX, "-p", place, "-c", place / "nginx.conf"], stderr=subprocess.DEVNULL)


async def _listens(http: httpx.AsyncClient, nginx: subprocess.Popen[bytes]) -> None:
    while nginx.poll() is None:
        try:
            await http.get("/tenant/health/live")
        except httpx.TransportError:
            await asyncio.sleep(0.02)
        else:
            return
    raise AssertionError("nginx ended")


@pytest.mark.parametrize(
    "path",
    [
        "/tenant/.well-known/openid-configuration",
        "/tenant/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/tenant",
        "/.well-known/openid-configuration/tenant",
    ],
)
async def test_both_forms_of_the_well_known_path_find_the_issuer_and_all_its_addresses(behind: Behind, path: str):
    document = (await behind.http.get(path)).json()
    assert document["issuer"] == behind.issuer
    assert all(
        url.startswith(f"{behind.issuer}/") for name, url in document.items() if name.endswith(("endpoint", "uri"))
    )
    assert (await behind.http.get(document["jwks_uri"])).json()["keys"]


async def test_a_proof_is_for_the_url_below_the_issuer_and_a_refusal_names_the_metadata_of_the_resource(behind: Behind):
    live = behind.live
    form = {"grant_type": "client_credentials", "client_id": live.client_id, "client_secret": live.client_secret}
    url = f"{behind.issuer}/openid/token"
    token = (await behind.http.post(url, data=form, headers={"DPoP": dpop("POST", url)})).json()["access_token"]
    url = f"{behind.issuer}/api/v1/auth/clients"
    headers = {"Authorization": f"DPoP {token}", "DPoP": dpop("GET", url, token=token)}
    assert (await behind.http.get(url, headers=headers)).status_code == 200
    challenge = (await behind.http.get(url)).headers["www-authenticate"]
    metadata = re.findall('resource_metadata="([^"]+)"', challenge)[0]
    assert urlsplit(metadata).path == "/.well-known/oauth-protected-resource/tenant/api/v1"
    assert (await behind.http.get(metadata)).json()["resource"] == f"{behind.issuer}/api/v1"


async def test_the_reference_and_all_that_it_loads_are_there(behind: Behind):
    page = await behind.http.get("/tenant/docs")
    loaded = [part.split('"')[0] for part in page.text.replace('src="', 'href="').split('href="')[1:]]
    assert len(loaded) >= 5
    for path in loaded:
        answer = await behind.http.get(urljoin("/tenant/docs", path))
        assert answer.status_code == 200, path


async def test_what_is_created_is_where_the_answer_says_and_changes_by_the_etag_that_nginx_passes_on(behind: Behind):
    body = {"m2m": True, "botUserId": "bot-abc123"}
    made = await behind.http.post("/tenant/api/v1/auth/clients", json=body, headers=behind.live.bearer)
    assert made.status_code == 201, made.text
    place = urljoin(str(made.url), made.headers["location"])
    assert urlsplit(place).path == f"/tenant/api/v1/auth/clients/{made.json()['clientId']}"
    read = await behind.http.get(place, headers=behind.live.bearer)
    assert read.headers["content-encoding"] == "gzip"
    assert read.headers["etag"].startswith("W/")
    changes = {**behind.live.bearer, "If-Match": read.headers["etag"]}
    changed = await behind.http.patch(place, json={"displayName": "CRM"}, headers=changes)
    assert changed.status_code == 200, changed.text
    assert changed.json()["displayName"] == "CRM"


async def test_a_person_signs_in_allows_and_is_sent_back_by_pages_below_the_path(behind: Behind):
    client_id, secret = await behind.live.interactive(redirectUri=CALLBACK)
    _, email = await registered(behind.live)
    pkce = proof()
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "scope": "openid email",
        "state": "s",
        "code_challenge": pkce.challenge,
        "code_challenge_method": "S256",
    }
    back = await walked(behind.http, f"/tenant/openid/authorize?{urlencode(query)}", email, then=CALLBACK)
    answered = dict(pair.split("=") for pair in urlsplit(back).query.split("&"))
    form = {
        "grant_type": "authorization_code",
        "code": answered["code"],
        "redirect_uri": CALLBACK,
        "code_verifier": pkce.verifier,
        "client_id": client_id,
        "client_secret": secret,
    }
    tokens = await behind.http.post("/tenant/openid/token", data=form)
    assert tokens.status_code == 200, tokens.text
    bearer = {"Authorization": f"Bearer {tokens.json()['access_token']}"}
    assert (await behind.http.get("/tenant/openid/userinfo", headers=bearer)).json()["email"] == email
    assert (await behind.http.get("/tenant/account")).status_code == 200
