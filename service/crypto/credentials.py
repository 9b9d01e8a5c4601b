"""Names and secrets: how they are made, what is kept of them, and how they are compared."""

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import NewType

import uuid_utils

from events.client_secret import StoredSecret

SecretHash = NewType("SecretHash", str)
"""The SHA-256 of a machine secret, in hexadecimal. A secret has 256 random bits, so one hash is all it takes."""

_NOBODYS_HASH = sha256(b"nobody's").hexdigest()


class Secret:
    """A secret on its one way out to its owner; it shows itself to nobody else."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"


def new_id() -> uuid.UUID:
    """A UUIDv7: its neighbours in time are its neighbours in an index (RFC 9562)."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


def new_secret() -> Secret:
    return Secret("secret_" + secrets.token_urlsafe(32))


def hash_secret(text: str) -> SecretHash:
    return SecretHash(sha256(text.encode()).hexdigest())


def hint_of(secret: Secret) -> str:
    """The last four characters, by which a person knows it."""
    return f"…{secret.reveal()[-4:]}"


def stored(secret: Secret, *, name: str, at: datetime, expires_at: datetime | None = None) -> StoredSecret:
    """What the log keeps of a new secret: its hash, and the last four characters that a person knows it by."""
    text = secret.reveal()
    return StoredSecret(
        secret_id=new_id(),
        name=name,
        hash=hash_secret(text),
        hint=hint_of(secret),
        created_at=at,
        expires_at=expires_at,
    )


def imported(kept: str, *, name: str, at: datetime) -> StoredSecret:
    """What the log keeps of a secret of which only another server's hash is known."""
    return StoredSecret(secret_id=new_id(), name=name, hash="", hint="unknown", created_at=at, imported=kept)


def proven(text: str, kept: Sequence[StoredSecret], now: datetime) -> StoredSecret | None:
    """The live secret that this text is, compared without telling by its time how near a guess came."""
    given = hash_secret(text)
    matching = [secret for secret in kept if compare_digest(secret.hash, given)]
    if not kept:
        compare_digest(_NOBODYS_HASH, given)
    return next((secret for secret in matching if secret.expires_at is None or now < secret.expires_at), None)
