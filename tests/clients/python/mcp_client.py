"""The MCP SDK asks a tool of a server who it is: as a machine with its secret or its private KEY (ES256), or for a person.

For a person it prints the URL that the browser is to open, and reads the URL that the browser came back to. It asks again with an
access token that it takes for expired. Its client is CLIENT_ID, the metadata document DOCUMENT, or one that it registers.
"""

import asyncio
import json
import os
from urllib.parse import parse_qs, urlsplit

from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.client.session import ClientSession
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata

SERVER, CALLBACK = os.environ["SERVER_URL"], os.environ.get("CALLBACK")
CLIENT_ID, SECRET, KEY, ISSUER, DOCUMENT = (
    os.environ.get(name) for name in ("CLIENT_ID", "CLIENT_SECRET", "KEY", "ISSUER", "DOCUMENT")
)


class Kept:
    """The client and its tokens, in memory."""

    client = tokens = None

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
    if SECRET:
        return ClientCredentialsOAuthProvider(SERVER, Kept(), CLIENT_ID, SECRET, issuer=ISSUER)
    if KEY:
        signed = SignedJWTParameters(issuer=CLIENT_ID, subject=CLIENT_ID, signing_key=KEY, signing_algorithm="ES256")
        return PrivateKeyJWTOAuthProvider(SERVER, Kept(), CLIENT_ID, signed.create_assertion_provider(), issuer=ISSUER)
    metadata = OAuthClientMetadata(redirect_uris=[CALLBACK], client_name="My agent")
    kept = Kept()
    if CLIENT_ID:
        metadata = OAuthClientMetadata(redirect_uris=[CALLBACK], token_endpoint_auth_method="none")
        kept.client = OAuthClientInformationFull(**metadata.model_dump(), client_id=CLIENT_ID)
    return OAuthClientProvider(SERVER, metadata, kept, opened, came_back, client_metadata_url=DOCUMENT)


async def main():
    auth = provider()
    async with (
        create_mcp_http_client(auth=auth) as http,
        streamable_http_client(SERVER, http_client=http) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        answer = await session.call_tool("who", {})
        print(json.dumps({"tools": tools, "sub": answer.content[0].text}), flush=True)
        before = auth.context.current_tokens.access_token
        auth.context.token_expiry_time = 1
        again = await session.call_tool("who", {})
        renewed = before != auth.context.current_tokens.access_token
        print(json.dumps({"renewed": renewed, "sub": again.content[0].text}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
