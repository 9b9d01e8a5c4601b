"""Authorization codes and refresh tokens: named by their authorization, so that no table finds them, and proved by 256 random bits."""

import secrets
from uuid import UUID

from msgspec import Struct

from service.crypto.base64url import as_text, of_text
from service.crypto.credentials import Secret, SecretHash, hash_secret

CODE = "code_"
REFRESH_TOKEN = "refresh_"  # noqa: S105
RANDOM_BYTES = 32


class OpaqueToken(Struct, frozen=True, kw_only=True):
    """What a code or refresh token says: which authorization it is of, and the hash that proves it."""

    authorization: UUID
    hash: SecretHash


def make(kind: str, authorization: UUID) -> Secret:
    named = authorization.bytes + secrets.token_bytes(RANDOM_BYTES)
    return Secret(kind + as_text(named))


def parsed(kind: str, text: str | None) -> OpaqueToken | None:
    """None for what has not the form of one of ours."""
    if text is None or not text.startswith(kind):
        return None
    named = of_text(text[len(kind) :])
    if named is None or len(named) != 16 + RANDOM_BYTES:
        return None
    return OpaqueToken(authorization=UUID(bytes=named[:16]), hash=hash_secret(text))
