"""Libraries that were written by others for any authorization server work with this one as they come."""

import asyncio
import json
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import Live
from tests.flows.npm import installed
from tests.patience import PATIENCE

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from authlib.integrations.base_client.errors import OAuthError
    from authlib.integrations.httpx_client import AsyncOAuth2Client

_client: Any = AsyncOAuth2Client


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
async def test_authlib_s_client_gets_introspects_and_revokes_a_token(live: Live, method: str):
    client_id, secret = await live.register()
    token_endpoint = f"{live.url}/openid/token"
    async with _client(client_id, secret, scope="api:public", token_endpoint_auth_method=method) as client:
        token: Any = await client.fetch_token(token_endpoint, grant_type="client_credentials")
        assert (token["token_type"], token["scope"]) == ("Bearer", "api:public")
        active: Any = await client.introspect_token(f"{live.url}/openid/introspect", token=token["access_token"])
        assert active.json()["active"]
        revoked: Any = await client.revoke_token(f"{live.url}/openid/revoke", token=token["access_token"])
        assert revoked.status_code == 200
        active = await client.introspect_token(f"{live.url}/openid/introspect", token=token["access_token"])
        assert active.json() == {"active": False}


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
async def test_authlib_s_client_understands_a_refusal(live: Live, method: str):
    client_id, _ = await live.register()
    async with _client(client_id, "wrong", token_endpoint_auth_method=method) as client:
        with pytest.raises(OAuthError, match="invalid_client"):
            await client.fetch_token(f"{live.url}/openid/token", grant_type="client_credentials")


async def test_authlib_s_client_calls_the_management_api(live: Live):
    async with _client(live.client_id, live.client_secret, base_url=live.url) as client:
        await client.fetch_token("/openid/token", grant_type="client_credentials")
        answer: Any = await client.post("/api/v1/auth/clients", json={"m2m": True, "botUserId": "b"})
        assert answer.status_code == 201


@pytest.fixture(scope="session")
def node() -> Path:
    return installed()


async def test_openid_client_and_jose_discover_get_verify_introspect_and_revoke(live: Live, node: Path):
    client_id, secret = await live.register()
    script = node / "openid_client.mjs"
    shutil.copy(Path(__file__).with_name("openid_client.mjs"), script)
    ran = await asyncio.create_subprocess_exec(
        "node", script, live.url, client_id, secret, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await ran.communicate()
    assert ran.returncode == 0, err.decode()
    answer = json.loads(out)
    assert answer["refusal"] == 401
    assert len(answer["found"]) == 2
    for found in answer["found"]:
        assert (found["payload"]["sub"], found["payload"]["client_id"]) == ("bot-abc123", client_id)
        assert (found["alg"], found["expires"], found["before"], found["after"]) == ("ES256", 3600, True, False)
