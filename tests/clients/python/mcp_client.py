"""The MCP SDK asks a tool of a server who it is: as a machine with its client credentials, or for a person.

For a person it prints the URL that the browser is to open, and reads the URL that the browser came back to.
"""

import asyncio
import json
import os
from urllib.parse import parse_qs, urlsplit

from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.session import ClientSession
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata

SERVER, CLIENT_ID, CALLBACK = os.environ["SERVER_URL"], os.environ["CLIENT_ID"], os.environ["CALLBACK"]


class Kept:
    """Tokens in memory; the client was registered by hand, so its metadata is known."""

    def __init__(self, client=None):
        self.client, self.tokens = client, None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


async def opened(url):
    print(json.dumps({"url": url}), flush=True)


async def came_back():
    query = parse_qs(urlsplit(await asyncio.to_thread(input)).query)
    return AuthorizationCodeResult(code=query["code"][0], state=query["state"][0], iss=query["iss"][0])


def provider():
    if secret := os.environ.get("CLIENT_SECRET"):
        return ClientCredentialsOAuthProvider(SERVER, Kept(), CLIENT_ID, secret)
    metadata = OAuthClientMetadata(redirect_uris=[CALLBACK], token_endpoint_auth_method="none")
    known = OAuthClientInformationFull(**metadata.model_dump(), client_id=CLIENT_ID)
    return OAuthClientProvider(SERVER, metadata, Kept(known), opened, came_back)


async def main():
    async with (
        create_mcp_http_client(auth=provider()) as http,
        streamable_http_client(SERVER, http_client=http) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        answer = await session.call_tool("who", {})
        print(json.dumps({"sub": answer.content[0].text}), flush=True)


asyncio.run(main())
