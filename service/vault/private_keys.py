"""The private signing keys, each wrapped under a key that is derived from the master key."""

from uuid import UUID

from msgspec import json

from events.database import AnyConnection, Connection, Unavailable
from service.crypto.sealing import CannotOpen, Seal

KEEP = "insert into vault.signing_keys (stream_id, wrapped) values ($1, $2)"
WRAPPED = "select wrapped from vault.signing_keys where stream_id = $1"
EVERY = "select stream_id, wrapped from vault.signing_keys"
REWRAP = "update vault.signing_keys set wrapped = $2 where stream_id = $1"

Jwk = dict[str, str | list[str]]


class WrongMasterKey(Unavailable):
    """The master key is not the one that wrapped the signing keys."""


def wrapping(master_key: bytes) -> Seal:
    return Seal(master_key, "muniment signing keys")


def unwrap(seal: Seal, stream: UUID, wrapped: bytes) -> Jwk:
    """Return the private JWK. Raises WrongMasterKey."""
    try:
        return json.decode(seal.open(wrapped, stream.bytes), type=dict[str, str | list[str]])
    except CannotOpen as fault:
        raise WrongMasterKey(
            "MUNIMENT_MASTER_KEY is not the key that this database's signing keys were wrapped with"
        ) from fault


async def find(connection: Connection, seal: Seal, stream: UUID) -> Jwk | None:
    """Return the private JWK, or None if the stream has none. Raises WrongMasterKey."""
    wrapped = await connection.fetchval(WRAPPED, stream)
    return None if wrapped is None else unwrap(seal, stream, wrapped)


async def check(connection: AnyConnection, seal: Seal) -> None:
    """Raises WrongMasterKey unless the seal opens every private key."""
    for stream, wrapped in await connection.fetch(EVERY):
        unwrap(seal, stream, wrapped)


async def keep(connection: AnyConnection, stream: UUID, wrapped: bytes) -> None:
    await connection.execute(KEEP, stream, wrapped)


async def rewrap(connection: Connection, old: Seal, new: Seal) -> int:
    """Wrap every private key with the new master key, all of them or none. Returns their number. Raises WrongMasterKey."""
    async with connection.transaction():
        kept = await connection.fetch(f"{EVERY} for update")
        for stream, wrapped in kept:
            await connection.execute(REWRAP, stream, new.close(json.encode(unwrap(old, stream, wrapped)), stream.bytes))
        return len(kept)
