"""Computes a stream's UUID from a name, so that no table is needed to find the stream."""

from hashlib import sha256
from uuid import UUID

from events.uuids import uuid_of_bytes

_VERSION_AND_VARIANT = 0xF << 76 | 0x3 << 62
_CUSTOM = 0x8 << 76 | 0x2 << 62
"""The bits of a custom UUID (version 8, RFC 9562 section 5.8). Before 3.14, Python's uuid module cannot make one."""


def stream_named(*parts: bytes) -> UUID:
    """Returns the stream of this name. The first part of the name is the kind of the aggregate."""
    named = sha256(b"\0".join(parts)).digest()
    return uuid_of_bytes((int.from_bytes(named[:16]) & ~_VERSION_AND_VARIANT | _CUSTOM).to_bytes(16))


def is_named(stream: UUID) -> bool:
    """Returns whether the stream was computed from a name. All others have a UUID of version 7."""
    return is_named_hex(stream.hex)


def is_named_hex(digits: str) -> bool:
    """Returns the same for the UUID's hexadecimal digits: the 13th is the version, the 17th begins with the variant."""
    return digits[12] == "8" and digits[16] in "89ab"
