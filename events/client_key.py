"""The public keys with which a client authenticates (RFC 7523, RFC 8705), and their events. The log never contains a private key."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.signing_key import PublicJwk


class PublicKey(Struct, frozen=True, kw_only=True, gc=False):
    """A public key of a client. `kid` is what its owner calls it, or else its thumbprint (RFC 7638). `alg` is the only algorithm that it
    verifies; "" is each one of its kind.
    """

    jwk: PublicJwk
    thumbprint: str
    kid: str
    alg: str


class StoredKey(PublicKey, frozen=True, kw_only=True, gc=False):
    """A public key that is registered with a client."""

    key_id: UUID
    name: str
    created_at: datetime
    expires_at: datetime | None


class ClientKeyAdded(Struct, frozen=True, kw_only=True, gc=False, tag="client.key_added"):
    key: StoredKey


class ClientKeyRevoked(Struct, frozen=True, kw_only=True, gc=False, tag="client.key_revoked"):
    key_id: UUID


class ClientKeyExpirySet(Struct, frozen=True, kw_only=True, gc=False, tag="client.key_expiry_set"):
    """A rotation gave the key an end. `was` is the former one; None: it had none."""

    key_id: UUID
    expires_at: datetime
    was: datetime | None


def keys_after(
    keys: Sequence[StoredKey], event: ClientKeyAdded | ClientKeyRevoked | ClientKeyExpirySet
) -> tuple[StoredKey, ...]:
    """Returns the keys after the event."""
    match event:
        case ClientKeyAdded():
            return (*keys, event.key)
        case ClientKeyRevoked():
            return tuple(key for key in keys if key.key_id != event.key_id)
        case ClientKeyExpirySet():
            return tuple(
                key.__replace__(expires_at=event.expires_at) if key.key_id == event.key_id else key for key in keys
            )
