"""Pushed authorization requests (RFC 9126): kept for LIFETIME_SECONDS under a `request_uri`, each good for one authorization code.

A request is used up when its code is issued, not when the page is loaded: a user who reloads the page, or whose browser loads it
ahead, goes on (FAPI 2.0 Security Profile section 5.3.2.2). The database has the request sealed and a hash of its `request_uri`, so a
reader of the database can neither read nor use it.
"""

import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from msgspec import ValidationError, json

from events.database import AnyConnection, Pool, read
from service.crypto.base64url import as_text
from service.crypto.sealing import CannotOpen, Seal
from service.limits import Limits
from service.oauth import authorization_request
from service.oauth.authorization_request import AuthorizationRequest

LIFETIME_SECONDS = 90
"""RFC 9126 section 2.2 recommends 5 to 600 seconds; FAPI 2.0 requires less than 600."""

PREFIX = "urn:ietf:params:oauth:request_uri:"
RANDOM_BYTES = 32

KEEP = "insert into limits.pushed (key, request, until) values ($1, $2, statement_timestamp() + $3::interval) on conflict do nothing"
FIND = "select request from limits.pushed where key = $1 and until > statement_timestamp()"
FORGET = "delete from limits.pushed where until <= statement_timestamp()"


class PushedRequests:
    def __init__(self, pool: Pool, limits: Limits, master_key: bytes) -> None:
        self._pool, self._limits = pool, limits
        self._seal = Seal(master_key, "muniment pushed requests")

    async def push(self, request: AuthorizationRequest) -> str:
        """Keep the request and return its `request_uri`. Raises Unavailable."""
        uri = PREFIX + as_text(secrets.token_bytes(RANDOM_BYTES))
        key = _key(uri)
        sealed = self._seal.close(json.encode(request.__replace__(pushed=key.hex())), key)
        lifetime = timedelta(seconds=LIFETIME_SECONDS)
        await read(self._pool, lambda connection: connection.execute(KEEP, key, sealed, lifetime))
        return uri

    async def find(self, uri: str, client_id: str) -> AuthorizationRequest | None:
        """Return the request, or None if this client pushed none under this `request_uri`, or it was used, or is too old."""
        key = _key(uri)
        sealed = await read(self._pool, lambda connection: connection.fetchval(FIND, key))
        if sealed is None or await self._limits.was_used(_use(key.hex())):
            return None
        try:
            request = json.decode(self._seal.open(sealed, key), type=AuthorizationRequest)
        except (CannotOpen, ValidationError):  # of another master key, or another version of this program
            return None
        return request if request.client_id == client_id else None

    async def use(self, request: AuthorizationRequest) -> bool:
        """Use the request up. Return False if it was pushed and has been used before. Raises Unavailable."""
        if request.pushed is None:
            return True
        until = datetime.fromtimestamp(
            request.asked_at + authorization_request.LIFETIME_SECONDS + LIFETIME_SECONDS, UTC
        )
        return await self._limits.once(_use(request.pushed), until)


def is_pushed(uri: str | None) -> bool:
    return uri is not None and uri.startswith(PREFIX)


async def forget(connection: AnyConnection) -> None:
    await connection.execute(FORGET)


def _key(uri: str) -> bytes:
    return sha256(uri.encode("utf-8", "replace")).digest()


def _use(key: str) -> str:
    return f"pushed request {key}"
