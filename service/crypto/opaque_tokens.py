"""Authorization codes, device codes, refresh tokens and initial access tokens: an id, so that no lookup table is needed, and 256 random bits."""

import secrets
from uuid import UUID

from msgspec import Struct

from events.uuids import uuid_of_bytes
from service.crypto.base64url import as_text, of_text
from service.crypto.credentials import Secret, SecretHash, hash_secret

CODE = "code_"
DEVICE_CODE = "device_"
REFRESH_TOKEN = "refresh_"  # noqa: S105
INITIAL_ACCESS_TOKEN = "initial_"  # noqa: S105
REGISTRATION_ACCESS_TOKEN = "registration_"  # noqa: S105
"""The prefix of a token that has no id: its client is named beside it."""

RANDOM_BYTES = 32
CHARACTERS = (16 + RANDOM_BYTES) * 4 // 3
"""Of a token after its prefix: an id and what is random, as base64url, which needs no padding."""


class OpaqueToken(Struct, frozen=True, kw_only=True):
    """A parsed code or refresh token: the authorization from which it was issued, and its hash, to compare with the stored one.

    A device code has the id of its device authorization, until a user approves it, and an initial access token its own.
    """

    authorization: UUID
    hash: SecretHash


def make(kind: str, authorization: UUID) -> Secret:
    """Make a random token with the prefix `kind`."""
    named = authorization.bytes + secrets.token_bytes(RANDOM_BYTES)
    return Secret(kind + as_text(named))


def parsed(kind: str, text: str | None) -> OpaqueToken | None:
    """Return None if the text does not have the form of a token of this server."""
    if text is None or not text.startswith(kind):
        return None
    named = of_text(text[len(kind) :])
    if named is None or len(named) != 16 + RANDOM_BYTES:
        return None
    return OpaqueToken(authorization=uuid_of_bytes(named[:16]), hash=hash_secret(text))
