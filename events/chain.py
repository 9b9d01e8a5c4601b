"""The hashes that make the log provable. Appends are hashed by schema/0004_append.sql, proofs by this file; tests hold the two against each other.

leaf  = sha256(0x00 || stream id || version || schema version || length and text of the type || length of meta || meta || data)
root  = sha256(leaf 1 || .. || leaf n), the leaves of one batch in order
chain = sha256(previous chain || first position || last position || recorded_at || root)

Integers are big-endian and of fixed size; recorded_at is microseconds since 1970 (UTC). Order inside a batch is covered by
its root, the position of a batch and its time by its chain, so no row can be changed, moved, added or left out unseen.
"""

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EVENT = struct.Struct(">c16sihH").pack
_RANGE = struct.Struct(">qqq").pack


def event_leaf(*, stream: UUID, version: int, schema_version: int, kind: str, meta: bytes, data: bytes) -> bytes:
    """32 bytes that stand for everything stored of an event but its place."""
    tag = kind.encode()
    head = _EVENT(b"\0", stream.bytes, version, schema_version, len(tag))
    return sha256(head + tag + len(meta).to_bytes(4, "big") + meta + data).digest()


def issuance_leaf(*, client: UUID, secret: UUID, jti: UUID, data: bytes) -> bytes:
    """32 bytes that stand for everything stored of an issued token but its place."""
    return sha256(b"\0" + client.bytes + secret.bytes + jti.bytes + data).digest()


def root_of(leaves: Iterable[bytes]) -> bytes:
    return sha256(b"".join(leaves)).digest()


def next_chain(previous: bytes, *, first: int, last: int, recorded_at: datetime, root: bytes) -> bytes:
    microseconds = (recorded_at - _EPOCH) // _MICROSECOND
    return sha256(previous + _RANGE(first, last, microseconds) + root).digest()
