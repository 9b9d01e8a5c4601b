"""The secrets of a client: what is stored of one, and the events of its life."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType


class StoredSecret(Struct, frozen=True, kw_only=True, gc=False):
    """What is kept of a client secret: the SHA-256 of its text (hex) and the last characters that a person knows it by.

    `imported` is the hash that another server kept, of a secret that was brought along; until that is proved once, `hash` is empty.
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
    """A secret that was brought along was proved; from now on its SHA-256 is kept, as of all others."""

    secret_id: UUID
    hash: str
    hint: str


def rehashed(secrets: Sequence[StoredSecret], event: ClientSecretRehashed) -> tuple[StoredSecret, ...]:
    """The secrets after the event."""
    return tuple(
        s.__replace__(hash=event.hash, hint=event.hint, imported=UNSET) if s.secret_id == event.secret_id else s
        for s in secrets
    )
