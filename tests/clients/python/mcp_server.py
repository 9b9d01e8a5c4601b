"""An MCP server by FastMCP that takes this issuer's tokens, with its JWT verifier on its defaults."""

import os

from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.auth.providers.jwt import JWTVerifier
from fastmcp.server.dependencies import get_access_token

ISSUER, HOME = os.environ["ISSUER"], os.environ["HOME_URL"]
verifier = JWTVerifier(
    jwks_uri=f"{ISSUER}/openid/jwks", issuer=ISSUER, audience=f"{HOME}/mcp", required_scopes=["notes:read"]
)
server = FastMCP(
    "tests",
    # The issuer as text: AnyHttpUrl would add a slash to it, and the SDK compares the two as strings (RFC 8414 section 3.3).
    auth=RemoteAuthProvider(token_verifier=verifier, authorization_servers=[ISSUER], base_url=HOME),
)


@server.tool
def who() -> str:
    token = get_access_token()
    return token.claims["sub"] if token else "nobody"


if __name__ == "__main__":
    server.run(transport="http", host="127.0.0.1", port=int(HOME.rpartition(":")[2]), show_banner=False)
