"""The MCP SDK asks a tool of a server who it is, for a user of an enterprise who has signed in to the client.

The user's ID token is exchanged for an assertion at the enterprise's provider IDP, and this one for an access token at ISSUER.
"""

import asyncio
import json
import os

import httpx2
from mcp.client.auth.extensions.identity_assertion import IdentityAssertionOAuthProvider
from mcp.client.session import ClientSession
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp_client import Kept

TOLD = os.environ
TYPES = "urn:ietf:params:oauth:token-type"


async def asserted(audience, resource):
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "requested_token_type": f"{TYPES}:id-jag",
        "subject_token_type": f"{TYPES}:id_token",
        "subject_token": TOLD["ID_TOKEN"],
        "audience": audience,
        "resource": resource,
        "scope": "notes:read",
    }
    async with httpx2.AsyncClient(auth=(TOLD["IDP_CLIENT_ID"], TOLD["IDP_CLIENT_SECRET"])) as http:
        return (await http.post(f"{TOLD['IDP']}/openid/token", data=form)).json()["access_token"]


async def main():
    known = TOLD["CLIENT_ID"], TOLD["CLIENT_SECRET"], TOLD["ISSUER"]
    auth = IdentityAssertionOAuthProvider(TOLD["SERVER_URL"], Kept(), *known, asserted)
    async with (
        create_mcp_http_client(auth=auth) as http,
        streamable_http_client(TOLD["SERVER_URL"], http_client=http) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        answer = await session.call_tool("who", {})
        print(json.dumps({"sub": answer.content[0].text}), flush=True)


asyncio.run(main())
