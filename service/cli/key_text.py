"""The events of a client's keys, told for people."""

from collections.abc import Mapping
from uuid import UUID

from events.client_key import ClientKeyAdded, ClientKeyExpirySet, ClientKeyRevoked, StoredKey
from service.cli.output import moment

Keys = Mapping[UUID, StoredKey]


def what(event: ClientKeyAdded | ClientKeyRevoked | ClientKeyExpirySet, keys: Keys) -> str:
    match event:
        case ClientKeyAdded():
            return f"{key_text(event.key)} added"
        case ClientKeyRevoked():
            return f"{_named(event.key_id, keys)} revoked"
        case ClientKeyExpirySet():
            return f"{_named(event.key_id, keys)} expires at {moment(event.expires_at)}, no longer {moment(event.was) or 'never'}"


def key_text(key: StoredKey) -> str:
    until = f", good until {moment(key.expires_at)}" if key.expires_at else ""
    return f'key "{key.name}" ({key.kid}{until})'


def _named(key_id: UUID, keys: Keys) -> str:
    known = keys.get(key_id)
    return key_text(known) if known else f"key {key_id}"
