"""The hashes by which a log is verified. schema/0004_append.sql hashes appends, this file verifies them; tests compare the two.

leaf  = sha256(0x00 || stream id || version || schema version || length and text of the type || length of meta || meta || data)
root  = sha256(leaf 1 || .. || leaf n), the leaves of one batch in order
chain = sha256(previous chain || first position || last position || recorded_at || root)

Integers are big-endian and of fixed size; recorded_at is microseconds since 1970 (UTC). The root covers the order inside a
batch; the chain value covers a batch's position and time. So every change, move, addition or removal of a row is detected.
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
    """Returns the hash (32 bytes) of everything that is stored of an event except its position and time."""
    tag = kind.encode()
    head = _EVENT(b"\0", stream.bytes, version, schema_version, len(tag))
    return sha256(head + tag + len(meta).to_bytes(4, "big") + meta + data).digest()


def issuance_leaf(*, client: UUID, secret: UUID, jti: UUID, data: bytes) -> bytes:
    """Returns the hash (32 bytes) of everything that is stored of an issued token except its position and time."""
    return sha256(b"\0" + client.bytes + secret.bytes + jti.bytes + data).digest()


def root_of(leaves: Iterable[bytes]) -> bytes:
    return sha256(b"".join(leaves)).digest()


def next_chain(previous: bytes, *, first: int, last: int, recorded_at: datetime, root: bytes) -> bytes:
    microseconds = (recorded_at - _EPOCH) // _MICROSECOND
    return sha256(previous + _RANGE(first, last, microseconds) + root).digest()
