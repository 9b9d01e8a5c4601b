"""What the ceiling programs know at start: people who are signed in and have consented, clients and their past, and a log."""

from typing import Any
from uuid import UUID

from msgspec import json

from tests.bench.ceiling.groups import STATEMENTS
from tests.bench.ceiling.known import SCOPE, SESSIONS

CLAIMS = {
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "email": "ada@example.com",
    "email_verified": True,
    "updated_at": 1767225600,
}
SCOPES = ["openid", "profile", "email", "offline_access", SCOPE]
EVENT = {
    "type": "client.registered",
    "owner": "bench",
    "grant": {"grant_type": "client_credentials", "bot_user_id": "bot-abc123"},
    "display_name": "Salesforce Production Integration",
    "redirect_uris": [],
    "scopes": [SCOPE],
    "secret": {
        "secret_id": UUID(int=0),
        "name": "no. 1",
        "hash": "0" * 64,
        "hint": "…abcd",
        "created_at": "2026-01-01T00:00:00.123456Z",
        "expires_at": None,
    },
    "at": "2026-01-01T00:00:00.123456Z",
}
META = {
    "actor": {"by": "client", "client_id": "oauth_client_" + "0" * 32, "sub": "bench"},
    "request_id": "0" * 36,
    "address": "127.0.0.1",
}
CLIENT = {
    "clientId": "oauth_client_" + "0" * 32,
    "owner": "bench",
    "botUserId": "bot-abc123",
    "displayName": "Salesforce Production Integration",
    "scopes": [SCOPE],
    "state": "active",
    "createdUtc": "2026-01-01T00:00:00Z",
    "secrets": [{"secretId": "0" * 36, "name": "first", "hint": "abcd", "createdUtc": "2026-01-01T00:00:00Z"}],
}
SHOWN = {
    **{name: value for name, value in CLIENT.items() if name != "secrets"},
    "m2m": True,
    "redirectUris": [],
    "lastUsedUtc": None,
    "accessTokenSignedResponseAlg": None,
    "jwksUri": None,
    "tokenEndpointAuthMethod": "client_secret_basic",
    "securityProfile": None,
    "dpopBoundAccessTokens": False,
    **dict.fromkeys(("tlsClientAuthSubjectDn", "tlsClientAuthSanDns", "tlsClientAuthSanUri", "tlsClientAuthSanIp")),
    "tlsClientAuthSanEmail": None,
    "tlsClientCertificateBoundAccessTokens": False,
    "apis": [],
    "tokenExchange": [],
    "identityAssertions": [],
    "workloadIdentities": [],
}
"""A client as the service shows it as of a position."""


async def seed(connection: Any) -> None:
    """Into a database that is empty."""
    claims, meta, event, shown = map(json.encode, (CLAIMS, META, EVENT, SHOWN))
    await connection.execute(STATEMENTS["SCHEMA"])
    await connection.execute(STATEMENTS["SEED"], claims, SCOPES, SESSIONS, meta, event, shown)
    await connection.execute("analyze")
