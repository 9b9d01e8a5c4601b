"""An agent that calls a tool of the MCP server: the SDK finds the issuer and gets the token (client credentials)."""

import asyncio
import os

from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

ISSUER = os.environ.get("ISSUER", "http://127.0.0.1:8000")
SERVER = os.environ.get("SERVER", "http://127.0.0.1:8002/mcp")


class InMemory:
    """Where the SDK keeps the token. One that outlives the program belongs in a keychain, not in a file."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


async def main() -> None:
    auth = ClientCredentialsOAuthProvider(
        SERVER,
        InMemory(),
        os.environ["CLIENT_ID"],
        os.environ["CLIENT_SECRET"],
        issuer=ISSUER,  # a server that names another issuer never sees the secret
    )
    async with (
        create_mcp_http_client(auth=auth) as http,
        Client(streamable_http_client(SERVER, http_client=http)) as client,
    ):
        answer = await client.call_tool("notes", {})
        print(answer.content[0].text)


asyncio.run(main())
