"""The secrets of a client, and their events."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType


class StoredSecret(Struct, frozen=True, kw_only=True, gc=False):
    """A stored client secret: `hash` is its SHA-256 (hex), `hint` its last characters, so that its owner can recognize it.

    `imported` is the other server's hash of an imported secret. `hash` is empty until the client has proved that secret once.
    """

    secret_id: UUID
    name: str
    hash: str
    hint: str
    created_at: datetime
    expires_at: datetime | None = None
    imported: str | UnsetType = UNSET


class ClientSecretAdded(Struct, frozen=True, kw_only=True, gc=False, tag="client.secret_added"):
    secret: StoredSecret


class ClientSecretRevoked(Struct, frozen=True, kw_only=True, gc=False, tag="client.secret_revoked"):
    secret_id: UUID


class ClientSecretRehashed(Struct, frozen=True, kw_only=True, gc=False, tag="client.secret_rehashed"):
    """The client proved an imported secret. From now on its SHA-256 is stored, as for all other secrets."""

    secret_id: UUID
    hash: str
    hint: str


class ClientSecretExpirySet(Struct, frozen=True, kw_only=True, gc=False, tag="client.secret_expiry_set"):
    """A rotation gave the secret an end. `was` is the former one; None: it had none."""

    secret_id: UUID
    expires_at: datetime
    was: datetime | None


def secrets_after(
    secrets: Sequence[StoredSecret],
    event: ClientSecretAdded | ClientSecretRevoked | ClientSecretRehashed | ClientSecretExpirySet,
) -> tuple[StoredSecret, ...]:
    """Returns the secrets of a client after the event."""
    match event:
        case ClientSecretAdded():
            return (*secrets, event.secret)
        case ClientSecretRevoked():
            return tuple(secret for secret in secrets if secret.secret_id != event.secret_id)
        case ClientSecretRehashed():
            return tuple(
                s.__replace__(hash=event.hash, hint=event.hint, imported=UNSET) if s.secret_id == event.secret_id else s
                for s in secrets
            )
        case ClientSecretExpirySet():
            expires = event.expires_at
            return tuple(s.__replace__(expires_at=expires) if s.secret_id == event.secret_id else s for s in secrets)
