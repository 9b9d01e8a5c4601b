"""A stock client that uses one method of OAuth at a time: a program that is told by a line what to do, and says what came of it.

The first line that it reads is Told. It prints `{"url": …}` when a browser is to go there, and then reads the URL at which the browser
is back; or `{"user_code": …}` for a device, and then reads an empty line; at the end it prints `{"token": …}`.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import jwt
from joserfc.jwk import ECKey

from tests.clients.conftest import asked
from tests.flows.conftest import Live, is_active
from tests.flows.people import CALLBACK, logged_in, registered, tokens_for, walked_through
from tests.flows.test_devices import decided
from tests.patience import PATIENCE

API = "https://crm.example.com"
KEY = ECKey.generate_key("P-256", {"kid": "app", "alg": "ES256"})
BY_KEY = {"tokenEndpointAuthMethod": "private_key_jwt", "jwks": {"keys": [KEY.as_dict(private=False)]}}
ALL = ("private_key_jwt", "dpop", "par", "jar", "jarm", "device", "exchange", "registration")

Told = dict[str, Any]


async def uses(live: Live, method: str, *command: str | Path, place: Path) -> None:
    """Let the program use this method of ALL, and look at the token that it gets."""
    told = {"issuer": live.url, "method": method, "callback": CALLBACK, "api": API, **await _client(live, method)}
    user, email = await registered(live)
    async with asked(*command, place=place) as (answers, out):
        answers.write(json.dumps(told).encode() + b"\n")
        said = await _said(out)
        if url := said.get("url"):
            back = await walked_through(live, url, email)
            answers.write(back.encode() + b"\n")
            said = await _said(out)
        elif code := said.get("user_code"):
            assert await decided(live, code, "allow", email, program="") == "/device/approved"
            answers.write(b"\n")
            said = await _said(out)
    token = said["token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert await is_active(live, token)
    machine = {"private_key_jwt": "bot-abc123", "dpop": "bot-abc123", "exchange": told.get("subject")}
    assert claims["sub"] == machine.get(method, str(user))
    assert claims["client_id"] == told.get("clientId", claims["client_id"])
    assert ("jkt" in claims.get("cnf", {})) == (method == "dpop")
    assert claims.get("act", {}).get("sub") == ("bot-agent" if method == "exchange" else None)


async def _said(out: asyncio.StreamReader) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        line = await out.readline()
    assert line, "the program ended; see what it printed"
    return json.loads(line)


async def _client(live: Live, method: str) -> Told:
    """A client that is registered for the method, where the method needs that, as the program is told of it."""
    match method:
        case "private_key_jwt":
            return _told(await live.register(**BY_KEY))
        case "dpop":
            return _told(await live.register(dpopBoundAccessTokens=True))
        case "par":
            return _told(await live.interactive(requirePushedAuthorizationRequests=True))
        case "jar":
            return _told(await live.interactive(requestObjectSigningAlg="ES256", **BY_KEY))
        case "jarm":
            return _told(await live.interactive(authorizationSignedResponseAlg="ES256"))
        case "device":
            client_id, _ = await live.interactive(public=True, deviceGrant=True, displayName="Television")
            return {"clientId": client_id}
        case "exchange":
            return await _agent(live)
        case _:
            return {}


def _told(client: tuple[str, str | None]) -> Told:
    client_id, secret = client
    return {"clientId": client_id, **({"clientSecret": secret} if secret else {"key": KEY.as_dict(private=True)})}


async def _agent(live: Live) -> Told:
    """A client that acts for people of another, with a token of one of them."""
    app = await live.interactive(scopes=["api:public", "crm:read"])
    agent = await live.register(botUserId="bot-agent")
    policy = {"clients": [app[0]], "audiences": [API], "scopes": ["crm:read"]}
    headers = {**live.bearer, "If-Match": "*"}
    path = f"/api/v1/auth/clients/{agent[0]}"
    changed = await live.http.patch(path, json={"tokenExchange": [policy]}, headers=headers)
    assert changed.status_code == 200, changed.text
    async with logged_in(live) as person:
        token = (await tokens_for(live, person, app, "openid crm:read"))["access_token"]
    return {**_told(agent), "subject": str(person.user), "subjectToken": token}
