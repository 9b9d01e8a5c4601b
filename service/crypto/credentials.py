"""Ids, secrets and public keys of clients: how they are made, stored and compared."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import NewType
from uuid import UUID

import uuid_utils

from events.client_key import PublicKey, StoredKey
from events.client_secret import StoredSecret
from events.uuids import uuid_of_bytes

SecretHash = NewType("SecretHash", str)
"""The SHA-256 of a machine secret, in hexadecimal. A secret has 256 random bits, so it needs no slow hash."""

_NOBODYS_HASH = sha256(b"nobody's").hexdigest()


class Secret:
    """A secret on its way to its owner. Its repr hides it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562): ids that are made at about the same time are close together in an index."""
    return uuid_of_bytes(uuid_utils.uuid7().bytes)


def new_secret() -> Secret:
    return Secret("secret_" + secrets.token_urlsafe(32))


def hash_secret(text: str) -> SecretHash:
    return SecretHash(sha256(text.encode()).hexdigest())


def hint_of(secret: Secret) -> str:
    """Return the last four characters, by which a user recognizes the secret."""
    return f"…{secret.reveal()[-4:]}"


def stored(secret: Secret, *, name: str, at: datetime, expires_at: datetime | None = None) -> StoredSecret:
    """Return the form in which the log keeps a new secret: its hash, and the last four characters as a hint for users."""
    text = secret.reveal()
    return StoredSecret(
        secret_id=new_id(),
        name=name,
        hash=hash_secret(text),
        hint=hint_of(secret),
        created_at=at,
        expires_at=expires_at,
    )


def stored_key(key: PublicKey, *, name: str, at: datetime, expires_at: datetime | None = None) -> StoredKey:
    """Return the form in which the log keeps a new key."""
    return StoredKey(
        jwk=key.jwk,
        thumbprint=key.thumbprint,
        kid=key.kid,
        alg=key.alg,
        key_id=new_id(),
        name=name,
        created_at=at,
        expires_at=expires_at,
    )


def imported(kept: str, *, name: str, at: datetime) -> StoredSecret:
    """Return the form in which the log keeps an imported secret: only another server's hash of it is known."""
    return StoredSecret(secret_id=new_id(), name=name, hash="", hint="unknown", created_at=at, imported=kept)


def proven(text: str, kept: Sequence[StoredSecret], now: datetime) -> StoredSecret | None:
    """Return the live secret that has this text. The comparison takes constant time, so that timing does not help a guess."""
    given = hash_secret(text)
    matching = [secret for secret in kept if compare_digest(secret.hash, given)]
    if not kept:
        compare_digest(_NOBODYS_HASH, given)
    return next((secret for secret in matching if secret.expires_at is None or now < secret.expires_at), None)
