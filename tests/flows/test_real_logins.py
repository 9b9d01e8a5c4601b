"""Libraries that were written by others for any OpenID Provider log a person in with this one, as they come."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import warnings
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwk, jwt

from tests.flows.conftest import Live
from tests.flows.npm import installed
from tests.flows.people import CALLBACK, registered, walked, walked_through
from tests.patience import PATIENCE

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from authlib.integrations.httpx_client import AsyncOAuth2Client
    from requests_oauthlib import OAuth2Session

SCOPE = "openid profile email offline_access"
_client: Any = AsyncOAuth2Client
_session: Any = OAuth2Session


@pytest.fixture(scope="session")
def node() -> Path:
    return installed()


@pytest.mark.parametrize("kind", ["confidential", "public"])
@pytest.mark.parametrize("library", ["openid-client", "oauth4webapi"])
async def test_of_npm(live: Live, node: Path, library: str, kind: str):
    client_id, secret = await live.interactive(public=kind == "public", displayName="My Web App")
    user, email = await registered(live)
    asked = {"library": library, "issuer": live.url, "clientId": client_id, "clientSecret": secret}
    came = await _through_node(live, node, "login.mjs", asked, email)
    assert came["sub"] == came["userinfo"]["sub"] == str(user)
    assert came["userinfo"]["email"] == email
    assert came["refreshed"] is True
    assert came["mixUp"] == "refused"
    assert came["logout"].startswith(f"{live.url}/openid/logout")


async def test_of_npm_with_pushed_requests_signed_responses_and_bound_tokens(live: Live, node: Path):
    algorithms = {"idTokenSignedResponseAlg": "ES256", "authorizationSignedResponseAlg": "ES256"}
    client_id, secret = await live.interactive(requirePushedAuthorizationRequests=True, **algorithms)
    user, email = await registered(live)
    asked = {"issuer": live.url, "clientId": client_id, "clientSecret": secret}
    came = await _through_node(live, node, "secured_login.mjs", asked, email)
    assert came["sub"] == came["userinfo"]["sub"] == str(user)
    assert (came["type"], came["refreshed"]) == ("dpop", True)
    assert (came["sent"], came["back"]) == (["client_id", "request_uri"], ["response"])


async def test_of_npm_with_signed_requests_and_a_key_instead_of_a_secret(live: Live, node: Path):
    key = jwk.ECKey.generate_key("P-256", {"kid": "app", "alg": "ES256"})
    settings = {
        "tokenEndpointAuthMethod": "private_key_jwt",
        "jwks": {"keys": [key.as_dict(private=False)]},
        "requirePushedAuthorizationRequests": True,
        "requireSignedRequestObject": True,
        "dpopBoundAccessTokens": True,
        "idTokenSignedResponseAlg": "ES256",
        "authorizationSignedResponseAlg": "ES256",
    }
    client_id, secret = await live.interactive(**settings)
    user, email = await registered(live)
    asked = {"issuer": live.url, "clientId": client_id, "clientSecret": secret, "key": key.as_dict(private=True)}
    came = await _through_node(live, node, "secured_login.mjs", asked, email)
    assert came["sub"] == came["userinfo"]["sub"] == str(user)
    assert (came["type"], came["refreshed"]) == ("dpop", True)
    assert (came["sent"], came["back"]) == (["client_id", "request_uri"], ["response"])


async def _through_node(live: Live, node: Path, program: str, asked: dict[str, Any], email: str) -> dict[str, Any]:
    """What a program in Node says after this person logged in through it."""
    shutil.copy(Path(__file__).with_name(program), node / program)
    pipe = subprocess.PIPE
    ran = await asyncio.create_subprocess_exec("node", node / program, stdin=pipe, stdout=pipe, stderr=pipe)
    assert ran.stdin is not None
    assert ran.stdout is not None
    ran.stdin.write(json.dumps({**asked, "redirectUri": CALLBACK, "scope": SCOPE}).encode() + b"\n")
    async with asyncio.timeout(PATIENCE):
        opened = await ran.stdout.readline()
    assert opened, await ran.communicate()
    back = await walked_through(live, json.loads(opened)["url"], email)
    async with asyncio.timeout(PATIENCE):
        out, err = await ran.communicate(back.encode() + b"\n")
    assert ran.returncode == 0, err.decode()
    return json.loads(out)


async def test_authlib_s_client(live: Live):
    client_id, secret = await live.interactive()
    user, email = await registered(live)
    metadata = (await live.http.get("/.well-known/openid-configuration")).json()
    settings = {"redirect_uri": CALLBACK, "scope": SCOPE, "code_challenge_method": "S256"}
    async with _client(client_id, secret, token_endpoint=metadata["token_endpoint"], **settings) as client:
        url, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier="v" * 48)
        back = await walked_through(live, url, email)
        token = await client.fetch_token(authorization_response=back, state=state, code_verifier="v" * 48)
        keys = jwk.KeySet.import_key_set((await live.http.get("/openid/jwks")).json())
        claims = jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims
        assert (claims["sub"], claims["aud"]) == (str(user), client_id)
        told = await client.get(metadata["userinfo_endpoint"])
        assert told.json()["email"] == email
        again = await client.refresh_token(metadata["token_endpoint"])
        assert again["access_token"] != token["access_token"]


async def test_requests_oauthlib(live: Live, monkeypatch: pytest.MonkeyPatch):
    """(With PKCE switched on, which it leaves off.)"""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    client_id, secret = await live.interactive()
    user, email = await registered(live)
    session = _session(client_id, redirect_uri=CALLBACK, scope=["openid", "email"], pkce="S256")
    url, _ = session.authorization_url(f"{live.url}/openid/authorize")
    back = await walked_through(live, url, email)
    token = await asyncio.to_thread(
        session.fetch_token, f"{live.url}/openid/token", authorization_response=back, client_secret=secret
    )
    assert token["scope"] == ["openid", "email"]
    told = await asyncio.to_thread(session.get, f"{live.url}/openid/userinfo")
    assert told.json() == {"sub": str(user), "email": email, "email_verified": True}


async def test_requests_oauthlib_without_pkce_where_a_client_was_registered_to_do_without(
    live: Live, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    client_id, secret = await live.interactive(requirePkce=False)
    _, email = await registered(live)
    session = _session(client_id, redirect_uri=CALLBACK, scope=["openid"])
    url, _ = session.authorization_url(f"{live.url}/openid/authorize")
    back = await walked_through(live, url, email)
    token = await asyncio.to_thread(
        session.fetch_token, f"{live.url}/openid/token", authorization_response=back, client_secret=secret
    )
    assert token["id_token"]


APACHE = """
ServerRoot {place}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {place}/pid
ErrorLog {place}/error.log
{account}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
DocumentRoot {place}/htdocs
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {secret}
OIDCRedirectURI http://127.0.0.1:{port}/back
OIDCCryptoPassphrase for-the-tests-alone
OIDCPKCEMethod S256
OIDCScope "openid email"
<Location />
  AuthType openid-connect
  Require claim sub:{user}
</Location>
"""
MODULES = Path("/usr/lib/apache2/modules")


@pytest.fixture
async def apache(live: Live, place: Path) -> AsyncGenerator[tuple[str, str]]:
    """(URL, e-mail address of the one person who may come in) of an Apache that has a relying party built in."""
    if not (MODULES / "mod_auth_openidc.so").exists():
        pytest.skip("Apache's mod_auth_openidc is not installed here")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    client_id, secret = await live.interactive(redirectUri=f"{url}/back")
    user, email = await registered(live)
    (place / "htdocs").mkdir()
    (place / "htdocs" / "kept.txt").write_text("for Ada alone")
    names = {"place": place, "port": port, "modules": MODULES, "issuer": live.url, "user": user}
    account = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    (place / "conf").write_text(APACHE.format(**names, client_id=client_id, secret=secret, account=account))
    server = await asyncio.create_subprocess_exec("/usr/sbin/apache2", "-f", place / "conf", "-D", "FOREGROUND")
    try:
        await _listens(port, server)
        yield url, email
    finally:
        with suppress(ProcessLookupError):
            server.terminate()
        await server.wait()


async def _listens(port: int, server: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            assert server.returncode is None
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.02)


async def test_mod_auth_openidc_of_apache(apache: tuple[str, str], live: Live):
    url, email = apache
    async with httpx.AsyncClient(verify=False, base_url=live.url) as browser:
        begun = await browser.get(f"{url}/kept.txt")
        assert begun.status_code == 302
        back = await walked(browser, begun.headers["location"], email, then=f"{url}/back")
        shown = await browser.get(back, follow_redirects=True)
    assert shown.text == "for Ada alone"


async def test_a_person_who_says_no_is_said_to_have_said_no(live: Live):
    client_id, _ = await live.interactive()
    _, email = await registered(live)
    async with _client(client_id, None, redirect_uri=CALLBACK, scope="openid", code_challenge_method="S256") as client:
        url, _ = client.create_authorization_url(f"{live.url}/openid/authorize", code_verifier="v" * 48)
        back = await walked_through(live, url, email, consent="deny")
    assert "error=access_denied" in back
    assert "iss=" in back
