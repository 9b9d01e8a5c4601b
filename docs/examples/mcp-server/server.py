"""An MCP server that only agents with an access token of Muniment may use, with the MCP Python SDK."""

import asyncio
import os

import jwt
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer

ISSUER = os.environ.get("ISSUER", "http://127.0.0.1:8000")
SERVER = os.environ.get("SERVER", "http://127.0.0.1:8002/mcp")
"""This server's own URL, which agents name as `resource` when they ask for a token."""

# PyJWT keeps the keys for five minutes, and fetches them early when a token names a key that it does not know.
keys = jwt.PyJWKClient(f"{ISSUER}/openid/jwks", lifespan=300)


class MunimentTokens(TokenVerifier):
    async def verify_token(self, token: str) -> AccessToken | None:
        try:
            claims = await asyncio.to_thread(verified, token)  # in a thread, for fetching the keys blocks
        except jwt.PyJWTError:
            return None  # which the SDK answers with 401
        return AccessToken(
            token=token,
            client_id=claims["client_id"],
            scopes=claims.get("scope", "").split(),
            expires_at=claims["exp"],
            resource=SERVER,  # `verified` has compared it
            subject=claims["sub"],
            claims=claims,
        )


def verified(token: str) -> dict:
    # An ID token has the same issuer and the same keys; the type tells that it is no access token.
    if str(jwt.get_unverified_header(token).get("typ")).lower() not in ("at+jwt", "application/at+jwt"):
        raise jwt.InvalidTokenError("This is not an access token (typ at+jwt).")
    return jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=["ES256"],
        issuer=ISSUER,
        audience=SERVER,  # a token for another server is refused: one MCP server must not be able to use it at the next
        options={"require": ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"]},
    )


server = MCPServer(
    "Notes",
    token_verifier=MunimentTokens(),
    # The SDK publishes these (RFC 9728), so that an agent finds the issuer and the scopes by itself.
    auth=AuthSettings(
        issuer_url=ISSUER,
        resource_server_url=SERVER,
        required_scopes=["notes:read"],
        validate_token_resource=True,
    ),
)


@server.tool()
def notes() -> str:
    """The notes of the person or bot for whom the agent asks."""
    token = get_access_token()
    return f"Notes of {token.subject}: water the plants, read RFC 9728."


app = server.streamable_http_app()
