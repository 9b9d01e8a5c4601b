"""Streams that are named by what they are about, so that no table stands between a name and its stream."""

from hashlib import sha256
from uuid import UUID

_VERSION_AND_VARIANT = 0xF << 76 | 0x3 << 62
_CUSTOM = 0x8 << 76 | 0x2 << 62
"""The bits that say that a UUID is of one's own making (version 8, RFC 9562 section 5.8); Python's UUID makes none before 3.14."""


def stream_named(*parts: bytes) -> UUID:
    """The one stream of this name; the first part says what kind of thing it is about."""
    named = sha256(b"\0".join(parts)).digest()
    return UUID(int=int.from_bytes(named[:16]) & ~_VERSION_AND_VARIANT | _CUSTOM)


def is_named(stream: UUID) -> bool:
    """Whether the stream is one of a name; all others have a UUID of version 7."""
    return stream.int & _VERSION_AND_VARIANT == _CUSTOM
