"""FastMCP's client asks a tool of a server who it is, and again with an access token that it takes for expired.

It prints the URL that it would open in a browser. Its client is the metadata document DOCUMENT, or one that it registers.
"""

import asyncio
import json
import os
import webbrowser

from fastmcp import Client
from fastmcp.client.auth import OAuth


def opened(url):
    print(json.dumps({"url": url}), flush=True)


async def main():
    auth = OAuth(client_metadata_url=os.environ.get("DOCUMENT"))
    async with Client(os.environ["SERVER_URL"], auth=auth) as client:
        tools = [tool.name for tool in await client.list_tools()]
        answer = await client.call_tool("who", {})
        print(json.dumps({"tools": tools, "sub": answer.data}), flush=True)
        before = auth.context.current_tokens.access_token
        auth.context.token_expiry_time = 1
        again = await client.call_tool("who", {})
        renewed = before != auth.context.current_tokens.access_token
        print(json.dumps({"renewed": renewed, "sub": again.data}), flush=True)


webbrowser.open = opened
asyncio.run(main())
