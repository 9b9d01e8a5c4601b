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


def rehashed(secrets: Sequence[StoredSecret], event: ClientSecretRehashed) -> tuple[StoredSecret, ...]:
    """Returns the secrets after the event."""
    return tuple(
        s.__replace__(hash=event.hash, hint=event.hint, imported=UNSET) if s.secret_id == event.secret_id else s
        for s in secrets
    )


def expiring(secrets: Sequence[StoredSecret], event: ClientSecretExpirySet) -> tuple[StoredSecret, ...]:
    """Returns the secrets after the event."""
    return tuple(s.__replace__(expires_at=event.expires_at) if s.secret_id == event.secret_id else s for s in secrets)
